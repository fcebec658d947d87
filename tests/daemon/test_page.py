"""The page: what it shows to whom, and what its questions and buttons do."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from markupsafe import escape

from fakes import NOW, accepted, recorded, refused, sending
from fitferry.core.activity import AdmissionDecision, FileKind, NewActivity, ParseResult, WatchMethod
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.follow_up import FollowUpKind
from fitferry.core.messages import uploads as uploads_said
from fitferry.core.messages import verbatim
from fitferry.core.messages.files import FIT_COURSE
from fitferry.core.problems import ProblemCode, problem
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AttemptResult, ErrorCode, Job, Outcome, Status
from fitferry.storage import accounts, activities, breakers, follow_ups, holds, uploads
from fitferry.storage.seen_files import File
from fitferry.web.rides import PAGE
from fitferry.web.views import STALE_SECONDS
from page_scenes import SCENES, Scene
from web_client import ORIGIN

pytestmark = pytest.mark.usefixtures("ledger")
OWN = {"Origin": ORIGIN}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A scene, with somebody in front of it."""
    made = Scene(tmp_path)
    made.page.sign_in()
    return made


def show(scene: Scene, path: str = "/", **headers: str) -> str:
    """What a browser gets."""
    answer = scene.page.ask("GET", path, headers=headers)
    assert answer.status_code == 200
    return answer.text


def texts(page: str) -> Iterator[str]:
    """What a person can see or hear of a page."""
    body = re.sub(r"(?s)<(style|script)\b.*?</\1>", "", page)
    yield from (html.unescape(one).strip() for one in re.findall(r">([^<>]+)<", body) if one.strip())
    yield from (
        html.unescape(one) for one in re.findall(r'(?:aria-label|placeholder|data-\w+)="([^"]+)"', body)
    )


def named(name: str) -> Job:
    """The upload of the file of that name."""
    (found,) = [job for status in Status for job in uploads.with_status(status) if job.file == name]
    return found


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/do/connect", 405), ("POST", "/", 405), ("GET", "/again/7", 404)],
)
def test_what_is_refused_is_told_in_the_viewers_language(
    scene: Scene, method: str, path: str, status: int
) -> None:
    """Also what the libraries below refuse."""
    answer = scene.page.ask(method, path, headers={**OWN, "Accept-Language": "ko"})
    english = [one for one in texts(answer.text) if re.search(r"\b[a-z]{4,}", one)]

    assert (answer.status_code, english) == (status, [])


@pytest.mark.parametrize("name", SCENES)
def test_the_page_of_a_korean_has_no_english_left(scene: Scene, name: str) -> None:
    """Whatever may be on it, but names and what Strava wants to be written as it is."""
    SCENES[name](scene)
    strava = r"View on Strava|Connect with Strava|fitferry (connect|backlog|repair)( --paste me)?|English|nothing|http://127.0.0.1:8480|/mnt/garmin/nas is polled|No such file or directory|the file is malformed|\[\[watch\]\]"
    for query in ("", "?status=failed", "?status=held", "?q=nothing"):
        page = show(scene, f"/{query}", **{"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"})
        assert '<html lang="ko">' in page
        for text in texts(page):
            rest = re.sub(
                rf"{strava}|(Wanderung |<b>.* )?[\w-]+\.(fit|gpx|FIT)|Sam Sand|http://localhost|/(srv|mnt)/\w+",
                "",
                text,
            )
            words = re.findall(r"[A-Za-z]{3,}", rest)
            assert set(words) <= {"Strava", "Fitferry", "FIT", "TCX", "GPX", "UTC", "zip", "nas"}, text


@pytest.mark.parametrize(
    ("setting", "accepted", "language"),
    [
        ("auto", "ko", "ko"),
        ("auto", "de, ko;q=0.5, en;q=0.1", "ko"),
        ("auto", "de", "en"),
        ("auto", "", "en"),
        ("en", "ko", "en"),
        ("ko", "en-US", "ko"),
    ],
)
def test_the_settings_choose_the_language_before_the_browser(
    tmp_path: Path, setting: str, accepted: str, language: str
) -> None:
    """`auto` leaves it to the browser; on the pages outside, too."""
    scene = Scene(tmp_path, f'[web]\nlanguage = "{setting}"\n')
    for path in ("/login", "/api/v1/strava/callback", "/"):
        page = scene.page.ask("GET", path, headers={"Accept-Language": accepted}).text
        assert f'<html lang="{language}">' in page


def test_times_are_in_the_viewers_zone(scene: Scene) -> None:
    """Which its script tells by a cookie; a wrong one is passed over."""
    scene.page.clock.now = NOW  # 14:00:20 UTC
    scene.connect()
    scene.done("cycling", 0)
    seen = {}
    for zone in ("Asia/Seoul", "America/New_York", "../../etc/passwd", "Nowhere/Land"):
        scene.page.browser.set_cookie("fitferry_zone", zone, domain="127.0.0.1")
        seen[zone] = re.findall(r"as of (\d+:\d+)", show(scene))[0]

    assert (seen["Asia/Seoul"], seen["America/New_York"]) == ("23:00", "10:00")
    assert seen["Nowhere/Land"] == seen["../../etc/passwd"]


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
    """Nothing is left out and nothing comes twice; the day's name is not said again where a script puts it below."""
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


def test_a_look_costs_next_to_nothing_while_nothing_changes(scene: Scene) -> None:
    """The same tag, no body, no write; another one after a change, and now and then by the clock."""
    SCENES["everyday"](scene)
    first = scene.page.ask("GET", "/")
    tag = first.headers["ETag"]
    again = scene.page.ask("GET", "/", headers={"If-None-Match": tag})
    assert (again.status_code, again.text, again.headers["ETag"]) == (304, "", tag)
    scene.page.changes += 1
    assert scene.page.ask("GET", "/", headers={"If-None-Match": tag}).status_code == 200
    scene.page.changes -= 1
    assert scene.page.ask("GET", "/?q=x", headers={"If-None-Match": tag}).status_code == 200
    scene.page.clock.forward(STALE_SECONDS)
    assert scene.page.ask("GET", "/", headers={"If-None-Match": tag}).status_code == 200


def test_another_process_has_other_tags(scene: Scene) -> None:
    """It counts its changes from the start, too."""
    tag = scene.page.ask("GET", "/").headers["ETag"]
    scene.page.restart()
    scene.page.sign_in()

    assert scene.page.ask("GET", "/", headers={"If-None-Match": tag}).status_code == 200


def test_what_waits_for_a_word_is_one_line_of_the_history(scene: Scene) -> None:
    """It is asked about above, and listed when that is wanted."""
    SCENES["trouble"](scene)
    page = show(scene)

    assert "Not listed: 30 old activities" in page
    assert ("2023-001.fit" in page, "cut-short.fit" in page) == (False, True)
    assert "2023-001.fit" in show(scene, "/?status=held")


def test_problems_stand_first_and_the_backlog_can_be_decided(scene: Scene) -> None:
    """With its numbers."""
    SCENES["trouble"](scene)
    page = show(scene)

    assert page.index("Strava no longer accepts") < page.index('id="history"')
    assert "30 old activities: upload them?" in page
    assert "within about one day" in page
    assert [f'value="{word}"' in page for word in ("all", "since", "none")] == [True] * 3
    answer = scene.page.ask("POST", "/do/backlog", headers=OWN, data={"decision": "none"})
    assert answer.headers["Location"] == "/?done=decided"
    assert holds.span(ErrorCode.BACKLOG)[0] == 0
    assert scene.page.ask("POST", "/do/backlog", headers=OWN, data={"decision": "since"}).status_code == 400


@pytest.mark.parametrize(("decision", "after"), [("retry", Status.PENDING), ("dismiss", Status.SKIPPED)])
def test_what_failed_stands_first_and_is_decided_at_once(scene: Scene, decision: str, after: Status) -> None:
    """However many newer uploads there are."""
    scene.connect()
    step = AttemptResult(Outcome.FAILED, Status.FAILED, error_message=verbatim("Strava cannot use the file"))
    for name in ("old.fit", "new.fit"):
        scene.activity(name=name, days_ago=9, step=step)
    for number in range(PAGE):
        scene.done("cycling", 1, f"{number}.fit")
    above = show(scene).split('id="history"')[0]
    assert "2 uploads have failed" in above
    assert "Strava cannot use the file" in above
    assert 'href="/?status=failed&amp;select=1#activities"' in above
    scene.page.ask("POST", f"/do/{decision}", headers=OWN)

    assert {named("old.fit").status, named("new.fit").status} == {after}
    assert 'id="failed"' not in show(scene)


def test_what_was_mended_can_be_tried_at_once(scene: Scene) -> None:
    """Nobody waits for the hourly look after having subscribed."""
    scene.connect()
    job = scene.activity(name="a.fit")
    trip = BreakerTrip(
        BreakerName.SETTINGS, scene.now + 3_000, StravaErrorKind.APP_INACTIVE, verbatim("inactive")
    )
    breakers.open(trip, scene.now)
    assert 'action="/do/try-now"' in show(scene)
    scene.page.ask("POST", "/do/try-now", headers=OWN)

    assert breakers.open_breakers()[BreakerName.SETTINGS].until <= scene.now
    assert (job, scene.page.calls) == (named("a.fit").id, ["wake"])


def test_what_is_under_way_is_shown_with_how_far_it_is(scene: Scene) -> None:
    """A file that arrives, an upload, a wait with its end, an import."""
    SCENES["busy"](scene)
    page = show(scene)

    assert "being copied, 912 kB of 1.9 MB" in page
    assert "48%" in page
    assert '<progress max="1900000" value="912000"' in page
    assert re.search(r"Old activities: 42 of 16\d", page)
    assert re.search(r'<time datetime="[^"]+" data-until>', page)
    assert re.search(r"and \d+ more", page)
    assert "is being sent" in page


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


def test_disconnecting_is_asked_before_it_is_done(scene: Scene) -> None:
    """What it does stands there; looking does nothing."""
    scene.connect()
    page = show(scene, "/disconnect?athlete=me")
    assert "deletes the tokens" in page
    assert accounts.get("me").connected
    assert scene.page.ask("GET", "/disconnect?athlete=x").status_code == 404
    scene.page.ask("POST", "/do/disconnect", headers=OWN, data={"athlete": "me"})

    assert not accounts.get("me").connected
    assert "Disconnected." in show(scene, "/?done=disconnected")


def test_sending_again_is_asked_before_it_is_done(scene: Scene) -> None:
    """Only of what is on Strava."""
    scene.done("cycling", 1, "a.fit")
    job = named("a.fit")
    assert "a.fit" in show(scene, f"/again/{job.activity_id}")
    assert scene.page.ask("GET", "/again/999").status_code == 404
    scene.page.ask("POST", f"/do/upload/{job.activity_id}", headers=OWN, data={"again": "1"})

    assert named("a.fit").status is Status.PENDING
    assert scene.page.ask("GET", f"/again/{job.activity_id}").status_code == 404


def test_no_link_can_put_words_into_the_pages_mouth(scene: Scene) -> None:
    """What was done is said by a word of a closed set."""
    assert "Queued." in show(scene, "/?done=queued")
    assert "evil" not in show(scene, "/?done=evil words")


def test_an_address_that_did_not_open_can_be_pasted(scene: Scene) -> None:
    """The sign-in ends as if it had opened."""
    url = scene.page.ask("POST", "/do/connect", headers=OWN, data={"athlete": "me"}).headers["Location"]
    state = parse_qs(urlsplit(url).query)["state"][0]
    ended = (
        f" http://localhost:8480/api/v1/strava/callback?state={state}&code=abc&scope=read,activity:write \n"
    )
    answer = scene.page.ask("POST", "/do/paste", headers=OWN, data={"address": ended})

    assert (answer.status_code, accounts.get("me").connected) == (200, True)
    assert scene.page.ask("POST", "/do/paste", headers=OWN, data={"address": "nonsense"}).status_code == 400


def test_a_code_that_is_no_longer_valid_has_its_fixed_wording(scene: Scene) -> None:
    """In Korean, on the page that Strava leads back to."""
    scene.page.wire.to("POST /oauth/token", (400, refused("AuthorizationCode", "code", "invalid")))
    url = scene.page.ask("POST", "/do/connect", headers=OWN, data={"athlete": "me"}).headers["Location"]
    state = parse_qs(urlsplit(url).query)["state"][0]
    path = f"/api/v1/strava/callback?state={state}&code=old&scope=read,activity:write"
    answer = scene.page.ask("GET", path, headers={"Accept-Language": "ko"})

    assert (answer.status_code, "인증이 만료되었습니다. 다시 시도해주세요." in answer.text) == (400, True)


def test_what_the_script_sends_is_answered_in_the_viewers_language(scene: Scene) -> None:
    """Also what went wrong."""
    headers = {**OWN, "Accept": "application/json", "Accept-Language": "ko"}
    empty = scene.page.ask("POST", "/do/upload", headers=headers, data={"file": (io.BytesIO(b""), "a.fit")})

    assert (empty.status_code, (empty.json or {})["error"]["message"]) == (400, "파일이 비어 있습니다")


def test_a_file_that_is_too_large_is_refused_in_words(scene: Scene) -> None:
    """For the script in JSON, else on a page; in the viewer's language, and before the bytes are read."""

    def refused(accept: str) -> str:
        answer = scene.page.ask(
            "POST",
            "/do/upload",
            headers={**OWN, "Accept": accept, "Accept-Language": "ko"},
            environ_overrides={"CONTENT_LENGTH": "27000000"},
        )
        assert answer.status_code == 413
        return answer.json["error"]["message"] if answer.json else answer.text

    words = "한 번에 받을 수 있는 크기를 넘습니다. Strava는 활동 하나에 25 MB까지 받습니다."
    assert refused("application/json").startswith(words)
    assert words in refused("text/html")


def test_a_name_cannot_turn_the_pages_words_round(scene: Scene) -> None:
    """In a sentence and by itself: a sign stands for what turns."""
    scene.troubles.append(problem(ProblemCode.UNREADABLE, scene.now, path="/a\u202egpx.fit", count=1))
    scene.done("cycling", 0, "b\u202egpx.fit")
    page = show(scene)

    assert "/a\ufffdgpx.fit cannot be read" in page
    assert "b\ufffdgpx.fit</span>" in page


def test_names_with_html_in_them_are_text_wherever_they_stand(scene: Scene) -> None:
    """In the history, in what is under way, in labels, in a member of an archive, in what a device says."""
    evil = "<img src=x onerror=alert(1)>\"'.fit"
    found = ParseResult(FileKind.ACTIVITY, "fit")
    file = File("me", f"/srv/rides/{evil.replace('/', '')}", "ab", 1, None)
    activities.admit(
        file,
        [
            NewActivity(
                "cd", found, AdmissionDecision(Status.FAILED, ErrorCode.REJECTED, verbatim(evil)), evil
            )
        ],
        scene.now,
    )
    scene.watch[0] = scene.watch[0].__class__(
        evil, "me", WatchMethod.EVENTS, available=True, notes=(verbatim(evil),)
    )
    page = show(scene) + show(scene, f"/?q={evil}")

    assert "<img src=x" not in page
    assert page.count("&lt;img src=x") >= 5
    assert not re.search(r'="[^"]*<img', page)


def test_a_folder_is_missing_only_once_somebody_has_looked(scene: Scene) -> None:
    """For a moment after the start nobody has."""
    scene.watch[0] = scene.watch[0].__class__("/srv/rides", "me", WatchMethod.POLL, available=False)
    page = show(scene)

    assert "Being looked at for the first time" in page
    assert "Missing" not in page


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


def test_what_is_held_for_one_reason_is_decided_at_once(scene: Scene) -> None:
    """By the problem's own buttons."""
    SCENES["trouble"](scene)
    assert 'action="/do/held/unfinished/dismiss"' in show(scene)
    scene.page.ask("POST", "/do/held/unfinished/dismiss", headers=OWN, data={"athlete": "me"})

    assert named("cut-short.fit").status is Status.SKIPPED
    assert scene.page.ask("POST", "/do/held/backlog/dismiss", headers=OWN).status_code == 404
    assert scene.page.ask("POST", "/do/held/unfinished/nothing", headers=OWN).status_code == 404


@pytest.mark.parametrize(
    ("name", "state", "target"),
    [
        ("everyday", "All good", "activities"),
        ("busy", "Uploading", "in-progress"),
        ("trouble", "Action needed", "problems"),
        ("empty", "Action needed", "problems"),
    ],
)
def test_one_line_tells_how_things_are(scene: Scene, name: str, state: str, target: str) -> None:
    """And leads to where it says more; every page has it."""
    SCENES[name](scene)
    for path in ("/", "/log", "/tokens"):
        headline = re.search(
            r'<a class="headline[^>]*href="/#([\w-]+)">(.*?)</a>', show(scene, path), re.DOTALL
        )
        assert headline is not None
        assert (headline[1], f"<b>{state}</b>" in headline[2]) == (target, True)


def test_the_first_look_says_what_to_do(scene: Scene) -> None:
    """Three steps, and no empty lists of weeks."""
    page = show(scene)

    assert 'class="first-steps' in page
    assert 'class="week"' not in page
    assert page.count("Connect with Strava") == 1


def test_a_token_for_a_phone_is_made_with_a_code_to_read(scene: Scene) -> None:
    """The code leads to a page with the address; revoking is beside it, and ends the page, too."""
    made = scene.page.ask("POST", "/tokens", headers=OWN, data={"name": "phone", "can": "upload"}).text
    secret = re.search(r"Authorization: Bearer ([\w-]+)", made)
    assert secret is not None
    assert 'src="data:image/svg+xml' in made
    assert f"{ORIGIN}/in/" in made
    assert "only this machine" not in made
    page = scene.page.ask("GET", f"/push?token={secret[1]}", host="192.168.1.7:8480")
    assert "http://192.168.1.7:8480/in/" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "phone" in show(scene, "/tokens")
    scene.page.ask("POST", "/do/tokens/revoke", headers=OWN, data={"name": "phone"})

    assert scene.page.ask("GET", f"/push?token={secret[1]}").status_code == 401
    assert scene.page.ask("GET", "/push").status_code == 401


def test_a_reader_can_choose_the_language(scene: Scene) -> None:
    """Whatever the browser says, unless the settings say it."""
    scene.page.ask("POST", "/do/language", headers=OWN, data={"language": "ko"})
    assert '<html lang="ko">' in show(scene)
    scene.page.ask("POST", "/do/language", headers=OWN, data={"language": "xx"})
    assert '<html lang="ko">' in show(scene)


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
