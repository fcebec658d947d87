"""What may rules ask of an activity? From what the ledger or a file says of it."""

from __future__ import annotations

from datetime import datetime

from fitferry.model.files import Facts
from fitferry.model.jobs import Job
from fitferry.rules import Subject


def of_job(job: Job) -> Subject:
    """Of an activity that is known."""
    return _subject(job.athlete, job.file, job)


def of_facts(athlete: str, file: str, facts: Facts) -> Subject:
    """Of an activity in a file."""
    return _subject(athlete, file, facts)


def _subject(athlete: str, file: str, said: Job | Facts) -> Subject:
    start = said.start_time
    return Subject(
        athlete=athlete,
        file=file,
        sport=said.sport,
        sub_sport=said.sub_sport,
        manufacturer=said.manufacturer,
        product=said.product,
        start=None if start is None else datetime.fromtimestamp(start).astimezone(),
        distance_m=said.distance_m,
        duration_s=said.duration_s,
    )
