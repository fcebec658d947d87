"""Documents and archives for tests: the smallest that mean something, and what can be wrong with them."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from fitferry import formats
from fitferry.formats import FileContents

START = datetime(2026, 9, 21, 12, tzinfo=UTC)


def gpx(start: datetime = START, *, points: int = 11, kind: str = "running", times: bool = True) -> bytes:
    """A track to the north, a point every ten seconds and about 111 m."""
    body = "".join(
        f'<trkpt lat="{47 + n / 1000:.4f}" lon="8.5">'
        + (f"<time>{_text(start + timedelta(seconds=10 * n))}</time>" if times else "")
        + "</trkpt>"
        for n in range(points)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="test" '
        f'xmlns="http://www.topografix.com/GPX/1/1"><trk><type>{kind}</type><trkseg>{body}</trkseg></trk></gpx>'
    ).encode()


def tcx(
    start: datetime = START, *, sport: str = "Biking", laps: int = 2, inside: str = "Activities"
) -> bytes:
    """Laps of 600 s and 3 km."""
    body = "".join(
        f'<Lap StartTime="{_text(start + timedelta(seconds=600 * n))}"><TotalTimeSeconds>600.0</TotalTimeSeconds>'
        f"<DistanceMeters>3000</DistanceMeters><Track><Trackpoint><Time>{_text(start + timedelta(seconds=600 * n))}"
        f"</Time><DistanceMeters>17</DistanceMeters></Trackpoint><Trackpoint>"
        f"<Time>{_text(start + timedelta(seconds=600 * n + 610))}</Time></Trackpoint></Track></Lap>"
        for n in range(laps)
    )
    whole = f'<Activity Sport="{sport}"><Id>{_text(start)}</Id>{body}</Activity>'
    content = whole if inside == "Activities" else ""
    other = {"Courses": "<Course><Name>c</Name></Course>", "Workouts": "<Workout><Name>w</Name></Workout>"}
    return (
        '<?xml version="1.0"?><TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/'
        f'TrainingCenterDatabase/v2"><{inside}>{content}{other.get(inside, "")}</{inside}></TrainingCenterDatabase>'
    ).encode()


def gz(body: bytes) -> bytes:
    """The same every time."""
    return gzip.compress(body, mtime=0)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of some files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(zipfile.ZipInfo(name), body, compress_type=method)
    return out.getvalue()


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def examined(data: bytes) -> FileContents:
    """What a file is."""
    return formats.examine(data, sha256(data).hexdigest())
