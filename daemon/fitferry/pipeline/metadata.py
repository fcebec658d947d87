"""What may rules ask of an activity? From what the ledger or a file says of it."""

from __future__ import annotations

from datetime import datetime

from fitferry.model import Facts, Job
from fitferry.rules import Subject


def of_job(job: Job) -> Subject:
    """Of an activity that is known."""
    return Subject(
        athlete=job.athlete,
        file=job.file,
        sport=job.sport,
        sub_sport=job.sub_sport,
        manufacturer=job.manufacturer,
        product=job.product,
        start=_local(job.start_time),
        distance_m=job.distance_m,
        duration_s=job.duration_s,
    )


def of_facts(athlete: str, file: str, facts: Facts) -> Subject:
    """Of an activity in a file."""
    return Subject(
        athlete=athlete,
        file=file,
        sport=facts.sport,
        sub_sport=facts.sub_sport,
        manufacturer=facts.manufacturer,
        product=facts.product,
        start=_local(facts.start_time),
        distance_m=facts.distance_m,
        duration_s=facts.duration_s,
    )


def _local(moment: float | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment).astimezone()
