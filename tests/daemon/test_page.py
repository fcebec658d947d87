"""The page: what it shows to whom, and what its questions and buttons do."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fakes import NOW, refused
from fitferry.core.activity import AdmissionDecision, FileKind, NewActivity, ParseResult, WatchMethod
from fitferry.core.breaker import BreakerName, BreakerTrip
from fitferry.core.messages import verbatim
from fitferry.core.problems import ProblemCode, problem
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import AttemptResult, ErrorCode, Outcome, Status
from fitferry.storage import accounts, activities, breakers, holds
from fitferry.storage.seen_files import File
from fitferry.web.rides import PAGE
from fitferry.web.views import STALE_SECONDS
from ledger_statements import full_disk
from page_scenes import SCENES, Scene, named, show
from web_client import ORIGIN

pytestmark = pytest.mark.usefixtures("ledger")
OWN = {"Origin": ORIGIN}


def texts(page: str) -> Iterator[str]:
    """What a person can see or hear of a page."""
    body = re.sub(r"(?s)<(style|script)\b.*?</\1>", "", page)
    yield from (html.unescape(one).strip() for one in re.findall(r">([^<>]+)<", body) if one.strip())
    yield from (
        html.unescape(one) for one in re.findall(r'(?:aria-label|placeholder|data-\w+)="([^"]+)"', body)
    )


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


def test_a_look_costs_next_to_nothing_while_nothing_changes(scene: Scene) -> None:
    """The same tag, no body, no write; another one after a change, and now and then by the clock."""
    SCENES["everyday"](scene)
    first = scene.page.ask("GET", "/")
    tag = first.headers["ETag"]
    with full_disk():
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
