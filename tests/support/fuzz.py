"""Hostile files, the same ones for the same seed: real and made ones, broken in the ways that files break."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from documents import gpx, gz, tcx, zipped
from fitferry.formats.fit.crc import checksum
from samples import SAMPLES

LONGEST = 120_000
"""Bytes of a seed: longer ones only take longer."""


def hostile(count: int, seed: int, folder: Path = SAMPLES) -> Iterator[bytes]:
    """So many hostile files; most FIT ones among them have a right length and checksum again."""
    rng = random.Random(seed)  # noqa: S311  # the same every time is the point
    seeds = _seeds(folder)
    for _ in range(count):
        broken = rng.choice(_WAYS)(bytearray(rng.choice(seeds)), rng, seeds)
        yield _repaired(broken, rng)


def _seeds(folder: Path) -> list[bytes]:
    plain = [path.read_bytes() for path in sorted(folder.glob("*")) if path.suffix not in {".md", ".tsv"}]
    short = [body for body in plain if len(body) < LONGEST]
    packed = [gz(body) for body in short[:20]] + [
        zipped({"a.fit": body, "b.gpx": gpx()}) for body in short[:20]
    ]
    return [*short, *packed, gpx(points=300), tcx(laps=50)]


def _bytes(body: bytearray, rng: random.Random, _seeds: list[bytes]) -> bytearray:
    for _ in range(rng.choice([1, 3, 20, 200])):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return body


def _cut(body: bytearray, rng: random.Random, _seeds: list[bytes]) -> bytearray:
    return body[: rng.randrange(len(body) + 1)]


def _inserted(body: bytearray, rng: random.Random, _seeds: list[bytes]) -> bytearray:
    at = rng.randrange(len(body) + 1)
    return body[:at] + rng.randbytes(rng.choice([1, 4, 100])) + body[at:]


def _removed(body: bytearray, rng: random.Random, _seeds: list[bytes]) -> bytearray:
    at = rng.randrange(len(body) + 1)
    return body[:at] + body[at + rng.choice([1, 10, 1000]) :]


def _repeated(body: bytearray, rng: random.Random, _seeds: list[bytes]) -> bytearray:
    at, length = rng.randrange(len(body) + 1), rng.choice([4, 50, 1000])
    return body[:at] + body[at : at + length] * rng.choice([1, 5, 50]) + body[at:]


def _random(_body: bytearray, rng: random.Random, _seeds: list[bytes]) -> bytearray:
    return bytearray(rng.randbytes(rng.choice([5, 20, 300, 5000])))


def _appended(body: bytearray, rng: random.Random, seeds: list[bytes]) -> bytearray:
    return body + rng.choice(seeds)


def _dates(body: bytearray, rng: random.Random, _seeds: list[bytes]) -> bytearray:
    """Other days, also at the ends of the calendar; of a file without any only a few bytes."""
    if b"2026-" not in body:
        return _bytes(body, rng, _seeds)
    day = rng.choice(
        [b"0001-01-01", b"9999-12-31", b"1970-01-01", b"2099-12-31", b"%04d-06-31" % rng.randrange(9999)]
    )
    zone = rng.choice([b"Z", b"+23:59", b"-23:59", b""])
    return bytearray(body.replace(b"2026-09-21", day).replace(b"Z<", zone + b"<", rng.choice([1, -1])))


_Way = Callable[[bytearray, random.Random, list[bytes]], bytearray]
_WAYS: list[_Way] = [_bytes, _cut, _inserted, _removed, _repeated, _random, _appended, _dates]


def _repaired(body: bytearray, rng: random.Random) -> bytes:
    """With a right checksum, so that what lies behind it is reached, too."""
    if len(body) > 16 and body[8:12] == b".FIT" and rng.random() < 0.7:
        if rng.random() < 0.5:
            body[4:8] = max(0, len(body) - body[0] - 2).to_bytes(4, "little")
        body[-2:] = checksum(memoryview(body)[:-2]).to_bytes(2, "little")
    return bytes(body)
