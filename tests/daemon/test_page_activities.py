"""The page's activities: the history by weeks, its filter and search, and a page for each ride."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from markupsafe import escape

from fakes import NOW, accepted, recorded, sending
from fitferry.core.activity import AdmissionDecision
from fitferry.core.follow_up import FollowUpKind
from fitferry.core.messages import uploads as uploads_said
from fitferry.core.messages import verbatim
from fitferry.core.messages.files import FIT_COURSE
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AttemptResult, ErrorCode, Outcome, Status
from fitferry.storage import follow_ups, uploads
from fitferry.web.rides import PAGE
from page_scenes import SCENES, Scene, named, show
from web_client import ORIGIN

pytestmark = pytest.mark.usefixtures("ledger")
OWN = {"Origin": ORIGIN}


def test_the_history_stands_in_the_weeks_of_its_rides(scene: Scene) -> None:
    """Each by what it was and when it was, not by when it came; with its picture and the way to Strava."""
    scene.page.clock.now = NOW  # a Monday
    scene.connect()
    scene.done("cycling", 0, "now.fit", start_days_ago=0.25)
    scene.done("swimming", 0, "old.fit", start_days_ago=40)
    scene.done("running", 3, "before.fit")
    history = show(scene).split('id="history"')[1]

    assert re.findall(r"<h3>(.*?)</h3>", history) == ["This week", "Last week", "10\u201316 Aug"]
    assert [history.index(name) for name in ("now.fit", "before.fit", "old.fit")] == sorted(
        history.index(name) for name in ("now.fit", "before.fit", "old.fit")
    )
    titles = re.findall(r'<a class="title"[^>]*>(.*?)</a>', history)
    assert [re.sub(r"[\d.,]+", "N", title) for title in titles] == [
        "Morning ride · N km",
        "Lunch run · N km",
        "Afternoon swim · N m",
    ]
    assert re.search(r'<span class="facts">Today \d\d:\d\d · \d:\d\d:\d\d', history)
    assert len(re.findall(r'<svg class="route route".*?<path d="M\d', history)) == 2
    assert len(re.findall(r'<svg class="route heart_rate".*?<path d="M\d', history)) == 1
    assert 'href="https://www.strava.com/activities/16020000' in history


def test_a_ride_is_called_by_its_rule(tmp_path: Path) -> None:
    """Else by time of day, sport and distance."""
    scene = Scene(tmp_path, '[[rule]]\nwhen = { sport = "cycling" }\nset = { name = "To work" }\n')
    scene.page.sign_in()
    scene.done("cycling", 1)

    assert ">To work</a>" in show(scene)


@pytest.mark.parametrize(
    ("query", "files"),
    [
        ("?q=.fit&athlete=me", {"a.fit", "swim.fit", "broken.fit", "M\u00dcNCHEN.fit", "mu\u0308nchen.fit"}),
        ("?status=failed", {"broken.fit"}),
        ("?status=skipped", {"course.fit"}),
        ("?status=nonsense&q=a.f", {"a.fit"}),
        ("?q=SWIM", {"swim.fit"}),
        ("?q=swimming", {"swim.fit"}),
        ("?q=rides", set()),
        ("?q=m\u00fcnchen", {"M\u00dcNCHEN.fit", "mu\u0308nchen.fit"}),
        ("?q=수영", {"swim.fit"}),
        ("?q=%25", set()),
        ("?athlete=nobody&q=a.f", {"a.fit"}),
    ],
)
def test_the_history_is_filtered(scene: Scene, query: str, files: set[str]) -> None:
    """By status, athlete and text, not by the folder; `skipped` only when asked for; a sport in one's language."""
    for name in ("M\u00dcNCHEN.fit", "mu\u0308nchen.fit"):  # as most write it, and as macOS does
        scene.done("cycling", 1, name)
    scene.done("cycling", 1, "a.fit")
    scene.done("swimming", 1, "swim.fit")
    scene.activity(name="broken.fit")
    recorded(named("broken.fit").id, AttemptResult(Outcome.FAILED, Status.FAILED), scene.now)
    scene.activity(
        name="course.fit",
        admission=AdmissionDecision(
            Status.SKIPPED, ErrorCode.NO_ACTIVITY, uploads_said.NO_ACTIVITY(reason=FIT_COURSE())
        ),
    )
    listed = show(scene, f"/{query}", **{"Accept-Language": "ko"}).split('id="history"')[1]

    assert set(re.findall(r'<span class="file"> · ([^<]+)</span>', listed)) == files


def test_an_import_leaves_the_newest_rides_on_the_first_page(scene: Scene) -> None:
    """Rides stand by their own days, over all pages; what came last may be years old."""
    scene.done("cycling", 0, "today.fit", start_days_ago=0.2)
    for number in range(PAGE + 5):
        scene.done("cycling", 0, f"old-{number}.fit", start_days_ago=400 + number)
    first = show(scene).split('id="history"')[1]
    older = re.search(r'class="older"><a class="tap" href="([^"]+)#activities"', first)
    assert older is not None
    second = show(scene, html.unescape(older[1])).split('id="history"')[1]
    files = re.findall(r'<span class="file"> · ([^<]+)</span>', first + second)

    assert files == ["today.fit", *(f"old-{number}.fit" for number in range(PAGE + 5))]


def test_a_week_tells_the_sum_of_all_its_rides(scene: Scene) -> None:
    """Also where a page shows a part of it; old activities that wait, and what was skipped, are not counted."""
    scene.page.clock.now = NOW + 3 * 86_400  # a Thursday
    lengths = []
    for number in range(PAGE + 3):
        job_id = scene.done("cycling", 1 + number / 1_000, f"{number}.fit")
        lengths.append((uploads.get(job_id) or named("none")).distance_m or 0.0)
    held = AdmissionDecision(Status.HELD, ErrorCode.BACKLOG, uploads_said.BEFORE_FITFERRY())
    scene.activity(days_ago=1, admission=held)
    scene.activity(
        days_ago=1,
        admission=AdmissionDecision(Status.SKIPPED, ErrorCode.DISMISSED, uploads_said.DISMISSED()),
    )
    head = f"{PAGE + 3} activities · {round(sum(lengths) / 1000, 1):,} km"
    first = show(scene)
    older = re.search(r'class="older"><a class="tap" href="([^"]+)#activities"', first)
    assert older is not None
    second = show(scene, html.unescape(older[1]))

    assert f"<span>{head}</span>" in first
    assert f"<span>{head}</span>" in second
    assert ('class="block rest"' in first, 'class="block rest"' in second) == (False, True)
    assert "km</span></div>" not in show(scene, "/?q=fit")


def test_the_history_goes_on_by_link(scene: Scene) -> None:
    """Nothing is left out and nothing comes twice; each page but the first leads back to the newest."""
    for number in range(2 * PAGE + 5):
        scene.done("cycling", 1, f"{number}.fit")
    seen: list[str] = []
    path = "/?q=fit"
    for _ in range(3):
        page = show(scene, path)
        seen += re.findall(r'id="job-(\d+)"', page)
        assert (">Newest</a>" in page) == ("before=" in path)
        older = re.search(r'class="older"><a class="tap" href="([^"]+)#activities"', page)
        path = html.unescape(older[1]) if older else ""

    assert (len(seen), len(set(seen)), path) == (2 * PAGE + 5, 2 * PAGE + 5, "")


def test_what_waits_for_a_word_is_one_line_of_the_history(scene: Scene) -> None:
    """It is asked about above, and listed when that is wanted."""
    SCENES["trouble"](scene)
    page = show(scene)

    assert "Not listed: 30 old activities" in page
    assert ("2023-001.fit" in page, "cut-short.fit" in page) == (False, True)
    assert "2023-001.fit" in show(scene, "/?status=held")


def test_buttons_are_there_where_they_make_sense(scene: Scene) -> None:
    """Retry what failed, upload what is held or was skipped, send again what is done, nothing for no activity."""
    SCENES["trouble"](scene)
    scene.activity(
        name="dismissed.fit",
        admission=AdmissionDecision(Status.SKIPPED, ErrorCode.DISMISSED, uploads_said.DISMISSED()),
    )
    scene.activity(
        name="course.fit",
        admission=AdmissionDecision(
            Status.SKIPPED, ErrorCode.NO_ACTIVITY, uploads_said.NO_ACTIVITY(reason=FIT_COURSE())
        ),
    )
    page = show(scene) + show(scene, "/?status=skipped")

    def forms(name: str) -> list[str]:
        item = next(one for one in page.split('<li class="ride"')[1:] if f" · {escape(name)}<" in one)
        return re.findall(r'(?:action|href)="/(do/\w+|again)/', item.split("</details>")[0])

    assert forms("<b>broken<i> & odd.fit") == ["do/dismiss"]  # Strava refused the file itself
    assert forms("cut-short.fit") == ["do/repair", "do/upload", "do/dismiss"]
    assert forms("dismissed.fit") == ["do/upload"]
    assert forms("course.fit") == []
    assert {tuple(forms(job.file)) for job in uploads.with_status(Status.COMPLETED)[-3:]} == {("again",)}


def test_sending_again_is_asked_before_it_is_done(scene: Scene) -> None:
    """Only of what is on Strava."""
    scene.done("cycling", 1, "a.fit")
    job = named("a.fit")
    assert "a.fit" in show(scene, f"/again/{job.activity_id}")
    assert scene.page.ask("GET", "/again/999").status_code == 404
    scene.page.ask("POST", f"/do/upload/{job.activity_id}", headers=OWN, data={"again": "1"})

    assert named("a.fit").status is Status.PENDING
    assert scene.page.ask("GET", f"/again/{job.activity_id}").status_code == 404


def test_a_ride_has_a_page_of_its_own(scene: Scene) -> None:
    """Facts, what happened, what is sent, the file, and what can be done; without a script."""
    scene.connect()
    scene.done("cycling", 1, "done.fit")
    scene.activity(
        name="bad.fit",
        step=AttemptResult(
            Outcome.FAILED,
            Status.FAILED,
            error_code=StravaErrorKind.BAD_FILE,
            error_message=verbatim("the file is malformed"),
            failures=1,
        ),
    )
    done = show(scene, f"/activity/{named('done.fit').activity_id}")
    bad = show(scene, f"/activity/{named('bad.fit').activity_id}")

    for words in (
        "Distance",
        "Moving time",
        "What happened",
        "On Strava as activity 1602",
        "Sent as",
        "/srv/rides",
    ):
        assert words in done
    assert '<svg class="map route"' in done
    assert "/again/" in done
    assert "Try 1: the file is malformed" in bad
    assert "/do/dismiss/" in bad
    assert "/do/retry/" not in bad
    assert scene.page.ask("GET", "/activity/999").status_code == 404


def test_a_ride_shows_every_attempt_and_each_once(scene: Scene) -> None:
    """With its outcome and reason, in order; what is being sent now has no outcome yet."""
    scene.connect()
    refused = AttemptResult(
        Outcome.RETRY,
        Status.PENDING,
        error_code=StravaErrorKind.REFUSED,
        error_message=verbatim("no answer"),
        failures=1,
    )
    job_id = scene.activity(name="odd.fit", step=refused)
    address = f"/activity/{named('odd.fit').activity_id}"
    sending(job_id, scene.now)
    under_way = show(scene, address)
    accepted(job_id, 77, scene.now + 1)
    recorded(job_id, AttemptResult(Outcome.COMPLETED, Status.COMPLETED, strava_activity_id=42), scene.now + 2)
    steps = re.findall(r"<li><svg.*?<div>(.*?)</div></li>", show(scene, address))

    assert "Try 1: no answer." in under_way
    assert "Sent to Strava." in under_way
    assert steps[1:] == [
        "Try 1: no answer.",
        "Try 2: Strava has the file and works on it.",
        "On Strava as activity 42.",
    ]


def test_several_rides_are_chosen_and_decided_at_once(scene: Scene) -> None:
    """Without a script, too; what cannot be is left as it is."""
    scene.connect()
    step = AttemptResult(Outcome.FAILED, Status.FAILED, error_message=verbatim("Strava cannot use the file"))
    for name in ("a.fit", "b.fit", "c.fit"):
        scene.activity(name=name, step=step)
    scene.done("cycling", 1, "d.fit")
    page = show(scene, "/?select=1")
    boxes = re.findall(r'name="activity" value="(\d+)"', page)
    assert len(boxes) == 3
    chosen = [str(named(name).activity_id) for name in ("a.fit", "b.fit", "d.fit")] + ["999", "x"]
    scene.page.ask("POST", "/do/selected", headers=OWN, data={"action": "dismiss", "activity": chosen[:1]})
    scene.page.ask("POST", "/do/selected", headers=OWN, data={"action": "retry", "activity": chosen[1:]})

    assert [named(f"{name}.fit").status for name in "abcd"] == [
        Status.SKIPPED,
        Status.PENDING,
        Status.FAILED,
        Status.COMPLETED,
    ]


def test_a_rides_page_says_what_followed_the_upload(scene: Scene) -> None:
    """The edit that was made and the command that is still owed."""
    follow_ups.want([FollowUpKind.EDIT, FollowUpKind.HOOK])
    scene.done("cycling", 1, "a.fit")
    edit = follow_ups.first(FollowUpKind.EDIT)
    assert edit is not None
    follow_ups.finish(edit.id, scene.now)
    shown = show(scene, f"/activity/{named('a.fit').activity_id}")

    assert "Gear and mute were set on Strava" in shown
    assert "The command of the settings is run next" in shown
