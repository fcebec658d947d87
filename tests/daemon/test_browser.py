"""The page in a real browser: everything that people do there, as they do it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import CHROMIUM, PHONE, Scheme, is_wider, press, window
from daemon_harness import DaemonHarness, harness
from fitferry.core.upload import Status
from fitferry.sandbox.faults import InjectedFault
from fitferry.storage import database, uploads
from fitferry.web.credentials import make_login_link
from fitferry.web.rides import PAGE
from fitferry.web.server import Server
from page_scenes import EXTRA, SCENES, Scene, set_up

Ride = Callable[..., bytes]
_FOCUS = """(() => {
  const here = document.activeElement;
  here.dataset.seen ||= here.tagName === "BODY" ? "BODY" : Math.random();
  return {key: here.dataset.seen, ring: getComputedStyle(here).outlineStyle !== "none", what: here.outerHTML};
})()"""
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's package chromium"),
]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DaemonHarness]:
    """A daemon in a folder of its own with a daemon that nobody has connected."""
    with harness(tmp_path) as one:
        one.start()
        yield one


@pytest.fixture
def page(browser: Browser, home: DaemonHarness) -> Iterator[Page]:
    """A browser that is signed in."""
    with window(browser) as one:
        sign_in(one, home)
        yield one


def sign_in(page: Page, home: DaemonHarness) -> None:
    """By the one-time link of `fitferry login`."""
    page.goto(home.run("login").stdout.strip())
    press(page, "Sign in")
    page.wait_for_selector("#history")


def consent(page: Page) -> None:
    """Say yes at Strava."""
    page.get_by_role("button", name="Connect with Strava").click()
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_role("heading", name="Connected", exact=True)).to_be_visible()


def choose(page: Page, *files: Path) -> None:
    """Hand files over by the button at the top."""
    page.locator("#upload > summary").click()
    page.get_by_label("Choose activity files").set_input_files(files)
    page.locator("#upload button").click()


def test_one_sign_in_and_a_ride_goes_up_before_ones_eyes(page: Page, home: DaemonHarness, ride: Ride) -> None:
    """Connect, drop a file into the folder, and see it arrive and be done, without a reload."""
    expect(page.get_by_role("heading", name="Connect Strava first")).to_be_visible()
    consent(page)
    page.wait_for_url(lambda url: "code=" not in url and "state=" not in url)
    page.get_by_role("link", name="To the page").click()
    expect(page.locator("#athletes")).to_contain_text("Sam Sand")
    expect(page.locator("#athletes")).to_contain_text("Connected")
    home.drop("morning.fit", ride())

    row = page.locator(".ride", has_text="morning.fit")
    expect(row.get_by_text("Uploaded", exact=True)).to_be_visible()
    expect(row.get_by_role("link", name="View on Strava")).to_have_attribute(
        "href", re.compile(r"/activities/\d+$")
    )
    expect(page.locator("#headline")).to_contain_text("All good")


def test_refusing_and_unticking_lead_to_words_and_back(page: Page) -> None:
    """Nothing is connected, and the way to try again is there."""
    page.get_by_role("button", name="Connect with Strava").click()
    page.get_by_role("link", name="Cancel").or_(page.get_by_role("button", name="Cancel")).click()
    expect(page.get_by_text("Nothing was changed. Connect again whenever you like.")).to_be_visible()

    page.get_by_role("button", name="Connect with Strava").click()
    page.locator('input[value="activity:write"]').uncheck()
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_text("leave the boxes for uploading")).to_be_visible()
    page.get_by_role("link", name="To the page").click()
    expect(page.get_by_role("button", name="Connect with Strava")).to_be_visible()


def test_an_address_that_does_not_open_is_pasted(browser: Browser, tmp_path: Path) -> None:
    """Where Strava leads to a localhost that is not Fitferry's machine."""
    with harness(tmp_path) as home, window(browser) as page:
        home.more = {"FITFERRY_WEB_URL": "http://localhost:9"}  # nobody listens there
        home.start()
        token = home.run("login").stdout.strip().split("token=")[1]
        here = f"http://localhost:{home.status()['web']['port']}"
        page.goto(f"{here}/login?token={token}")
        press(page, "Sign in")
        page.get_by_role("button", name="Connect with Strava").click()
        with page.expect_request(re.compile("/api/v1/strava/callback")) as ended:
            page.get_by_role("button", name="Authorize").click()
        page.wait_for_url("chrome-error://**")
        page.goto(here)
        page.get_by_text("leads to an address that does not open?").click()
        page.get_by_label("Copy the address").fill(ended.value.url)
        page.get_by_role("button", name="Connect", exact=True).click()

        expect(page.get_by_role("heading", name="Connected", exact=True)).to_be_visible()


def test_files_are_chosen_or_dropped_onto_the_page(
    page: Page, home: DaemonHarness, ride: Ride, tmp_path: Path
) -> None:
    """Several, each with its own outcome; a file that is none says why."""
    home.connect()
    for number in (1, 2):
        (tmp_path / f"chosen-{number}.fit").write_bytes(ride(serial=number))
    (tmp_path / "letter.fit").write_text("Dear Sam")
    choose(page, *[tmp_path / f"chosen-{n}.fit" for n in (1, 2)], tmp_path / "letter.fit")
    sent = page.locator("#sent li")
    expect(sent).to_have_count(3)
    expect(sent.filter(has_text="letter.fit")).to_contain_text("this is no FIT, TCX or GPX file")
    expect(sent.filter(has_text="chosen-1.fit")).to_contain_text("Queued.")

    dropped = list(ride(serial=3))
    page.evaluate(
        """bytes => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "dropped.fit"));
          for (const kind of ["dragover", "drop"])
            document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        dropped,
    )
    for name in ("chosen-1.fit", "chosen-2.fit", "dropped.fit"):
        row = page.locator(".ride", has_text=name)
        expect(row.get_by_text("Uploaded", exact=True)).to_be_visible()


def test_what_failed_is_looked_at_and_dismissed(page: Page, home: DaemonHarness, ride: Ride) -> None:
    """With the reason; one menu is open at a time, and Escape closes it."""
    home.connect()
    home.drop("even.fit", ride(serial=2))
    other = page.locator(".ride", has_text="even")
    expect(other.get_by_text("Uploaded", exact=True)).to_be_visible()
    home.sandbox.faults.add(InjectedFault("POST /uploads", "upload_empty"))
    home.drop("<i>odd<i>.fit", ride())
    row = page.locator(".ride", has_text="odd")
    expect(row.get_by_text("Failed", exact=True)).to_be_visible()
    expect(page.locator("#failed")).to_contain_text("Strava cannot use the file")
    row.locator("summary").click()
    page.keyboard.press("Escape")
    expect(row.get_by_role("link", name="Details")).to_be_hidden()
    other.locator("summary").click()
    expect(other.get_by_role("link", name="Details")).to_be_visible()
    row.locator("summary").click()
    expect(other.get_by_role("link", name="Details")).to_be_hidden()
    row.get_by_role("link", name="Details").click()
    expect(page.get_by_text("Strava cannot use the file").first).to_be_visible()
    expect(page.locator("dd", has_text="<i>odd<i>.fit").first).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()

    expect(page.get_by_text("Dismissed.")).to_be_visible()
    expect(page.locator("#failed")).to_have_count(0)


def test_disconnecting_is_asked_first(page: Page, home: DaemonHarness) -> None:
    """And leaves the button to connect again."""
    home.connect()
    page.reload()
    for is_meant in (False, True):
        page.locator("#athletes summary").click()
        page.get_by_role("link", name="Disconnect…").click()
        if not is_meant:
            page.get_by_role("link", name="Leave it as it is").click()
    page.get_by_role("button", name="Disconnect").click()

    expect(page.get_by_text("Disconnected.")).to_be_visible()
    expect(page.get_by_role("button", name="Connect with Strava")).to_be_visible()
    page.wait_for_url(lambda url: "done=" not in url)


def test_the_page_works_without_script(
    browser: Browser, home: DaemonHarness, ride: Ride, tmp_path: Path
) -> None:
    """Connect, upload by the form, see it after a reload."""
    with window(browser, java_script_enabled=False) as page:
        sign_in(page, home)
        consent(page)
        page.get_by_role("link", name="To the page").click()
        (tmp_path / "plain.fit").write_bytes(ride())
        choose(page, tmp_path / "plain.fit")
        expect(page.get_by_text("Queued.")).to_be_visible()
        home.completed(1)
        page.reload()
        expect(page.locator(".ride", has_text="plain.fit")).to_contain_text("Uploaded")


def test_a_daemon_that_is_away_leaves_the_page_as_it_was(page: Page, home: DaemonHarness, ride: Ride) -> None:
    """And the page goes on when it is back."""
    home.connect()
    home.drop("before.fit", ride(serial=1))
    expect(page.locator(".ride", has_text="before.fit")).to_be_visible()
    port = home.status()["web"]["port"]
    with page.expect_event("requestfailed"):  # the page asks every two seconds
        home.stop()
    expect(page.locator(".ride", has_text="before.fit")).to_be_visible()
    home.configure(port=str(port))
    home.start()
    home.drop("after.fit", ride(serial=2))

    expect(page.locator(".ride", has_text="after.fit")).to_be_visible()


def test_times_are_those_of_the_browsers_zone(browser: Browser, home: DaemonHarness) -> None:
    """Its script tells the zone, as the browser writes it."""
    with window(browser, timezone_id="Asia/Seoul") as page:
        sign_in(page, home)
        seoul = datetime.fromisoformat(home.status()["updated_at"]).astimezone(ZoneInfo("Asia/Seoul"))
        hours = f"{seoul:%H}|{seoul + timedelta(minutes=9):%H}"
        expect(page.locator("#fresh")).to_have_text(re.compile(f"as of ({hours}):"))


# Scenes: what it looks like, whoever looks


@contextlib.contextmanager
def stage(name: str, folder: Path) -> Iterator[tuple[Scene, str]]:
    """A scene, served; a link that signs in."""
    with database.opened(folder / "state.db"):
        scene = Scene(folder, EXTRA.get(name, ""))
        with database.writing():
            SCENES[name](scene)
        server = Server("127.0.0.1", 0)
        with server.serving(scene.page.app):
            token = make_login_link(scene.page.context).split("token=")[1]
            yield scene, f"http://127.0.0.1:{server.port}/login?token={token}"


@pytest.fixture(params=list(SCENES))
def staged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Each scene: its name, and a link that signs in."""
    with stage(request.param, tmp_path) as (_, link):
        yield request.param, link


@pytest.fixture
def everyday(browser: Browser, tmp_path: Path) -> Iterator[tuple[Scene, Page]]:
    """A long history, and somebody in front of it."""
    with stage("everyday", tmp_path) as (scene, link), window(browser) as page:
        page.goto(link)
        press(page, "Sign in")
        expect(page.locator(".ride")).to_have_count(PAGE)
        yield scene, page


def test_the_history_goes_on_where_somebody_scrolls(everyday: tuple[Scene, Page]) -> None:
    """What somebody looks at is kept fresh, however far below."""
    scene, page = everyday
    page.locator(".older").last.scroll_into_view_if_needed()
    rows = page.locator(".ride")
    expect(rows.nth(PAGE)).to_be_attached()
    row = rows.nth(PAGE + 20)
    row.scroll_into_view_if_needed()
    job = uploads.get(int((row.get_attribute("id") or "")[4:]))
    assert job is not None
    uploads.requeue(job.id, [Status.COMPLETED])
    scene.page.changes += 1
    expect(page.locator(f"#job-{job.id}")).to_contain_text("Waiting")


def test_on_a_phone_the_history_goes_on_when_that_is_asked_for(everyday: tuple[Scene, Page]) -> None:
    """So that what stands below it can be reached; files are handed over above it."""
    _, page = everyday
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    places = [page.locator(one).bounding_box() for one in ("#upload", "#history", "#weeks", "#rate-limit")]
    tops = [place["y"] for place in places if place]
    assert (len(tops), tops) == (4, sorted(tops))
    page.locator("#folders").scroll_into_view_if_needed()
    expect(page.locator(".ride")).to_have_count(PAGE)
    page.get_by_role("link", name="Older activities").click()
    expect(page.locator(".ride")).to_have_count(2 * PAGE)
    assert "before=" not in page.url


def test_a_few_changes_are_followed_at_once_and_an_import_at_its_pace(everyday: tuple[Scene, Page]) -> None:
    """Each costs the daemon a whole page."""
    _, page = everyday
    assert page.evaluate("() => { looks = 5; counted = Date.now(); return wait(); }") == 2_000
    assert page.evaluate("() => { looks = 0; counted = Date.now(); return wait(); }") == pytest.approx(
        15_000, abs=50
    )


def test_a_file_that_is_too_large_is_not_even_sent(everyday: tuple[Scene, Page], tmp_path: Path) -> None:
    """It is said at once."""
    _, page = everyday
    (tmp_path / "big.fit").write_bytes(bytes(25_000_001))
    (tmp_path / "big.ZIP").write_bytes(bytes(26_000_001))
    choose(page, tmp_path / "big.fit")
    expect(page.locator("#sent li")).to_have_text(re.compile("big.fit.*the file is larger than the 25 MB"))
    choose(page, tmp_path / "big.ZIP")

    expect(page.locator("#sent li").first).to_have_text(re.compile("big.ZIP.*unpack a larger zip"))


WIDTHS = (360, 768, 1280, 1920)
PATHS = {"trouble": ("/", "/activity/1", "/?select=1", "/log", "/tokens", "/help", "/disconnect?athlete=me")}
"""Pages that are looked at in a scene, beside the first: one has to do."""
_SCHEMES: list[tuple[Scheme, dict[str, object]]] = [
    ("light", {"resultTypes": ["violations"]}),
    ("dark", {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]}),
]
"""What axe is to look at: what is dark has other colours, and is the same otherwise."""
_AXE = """async ([part, options]) => {
  const found = await axe.run(part ?? document, options);
  return found.violations.map(one => [one.id, one.nodes[0].html.slice(0, 200)]);
}"""


class Examination:
    """What axe finds, in light and dark, and where a page runs over the edge."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.faults: list[tuple[str, str]] = []

    def examine(self, part: str | None = None) -> None:
        """The page as it stands, or a part of it."""
        from axe_playwright_python.base import AXE_SCRIPT  # noqa: PLC0415  # with the browser only

        if not self._page.evaluate("'axe' in window"):
            self._page.evaluate(AXE_SCRIPT)
        for scheme, options in _SCHEMES:
            self._page.emulate_media(color_scheme=scheme)
            self.faults += map(tuple, self._page.evaluate(_AXE, [part, options]))

    def measure(self, *widths: int) -> None:
        """Note the widths of a window that the page runs over."""
        self.faults += [(self._page.url, f"{width} px") for width in widths if is_wider(self._page, width)]


def test_everybody_can_use_it(browser: Browser, staged: tuple[str, str]) -> None:
    """Axe finds nothing, in light and dark, on a phone and on a desk, with menus open; nothing runs over the edge."""
    scene, link = staged
    with window(browser, viewport=PHONE) as page:
        seen = Examination(page)
        page.goto(link)
        if scene == "empty":  # who is to sign in sees the same in all
            seen.examine()
        press(page, "Sign in")
        page.wait_for_selector("#history")
        root = page.url
        for path in PATHS.get(scene, ("/",)):
            page.goto(root.rstrip("/") + path)
            seen.measure(*WIDTHS)
            seen.examine()
            if path == "/":
                page.locator("#upload > summary").click()
                seen.examine("#upload")
    assert seen.faults == []


def test_everybody_can_set_it_up(browser: Browser, tmp_path: Path) -> None:
    """Each step, with what is said of wrong and odd answers, at every width; text of twice the size, too."""
    with set_up(tmp_path) as (_, link), window(browser, viewport=PHONE) as page:
        seen = Examination(page)
        (tmp_path / "rides/old.fit").touch()
        page.goto(link)
        for client_id, secret in (("abc", "12345"), ("12345", "odd"), ("12345", "odd"), ("", "")):
            seen.measure(180, *WIDTHS)
            seen.examine()
            if client_id:
                page.fill("#client_id", client_id)
                page.fill("#client_secret", secret)
                press(page, "Save and continue")
        expect(page.get_by_role("button", name="Continue")).to_be_visible()
    assert seen.faults == []


def test_text_of_twice_the_size_stays_on_a_phone(browser: Browser, staged: tuple[str, str]) -> None:
    """Rows break; nothing is cut and nothing has to be pushed sideways."""
    with window(browser, viewport=PHONE) as page:
        page.goto(staged[1])
        press(page, "Sign in")
        page.wait_for_selector("#history")
        devtools = page.context.new_cdp_session(page)
        devtools.send(
            "Emulation.setDeviceMetricsOverride",
            {"width": 180, "height": 370, "deviceScaleFactor": 2, "mobile": False},
        )
        page.wait_for_function("innerWidth === 180")
        wide = page.evaluate("document.documentElement.scrollWidth")
        devtools.detach()

    assert wide <= 180


def test_on_a_phone_a_ride_is_low_and_each_target_large_enough(everyday: tuple[Scene, Page]) -> None:
    """72 px for a ride, 44 px for what is pressed, and the history on the first screen."""
    _, page = everyday
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.wait_for_function(f"innerWidth === {PHONE['width']}")  # a busy machine resizes late
    heights = page.locator(".ride").evaluate_all(
        "rows => rows.map(row => row.getBoundingClientRect().height)"
    )
    small = page.locator(".button:visible, .menu > summary:visible, .foot a, .foot button").evaluate_all(
        "all => all.filter(one => Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width) < 43.9)"
        ".map(one => one.outerHTML.slice(0, 100))"
    )
    # In one step: the page puts rows anew into place while it is looked at.
    first = page.evaluate("() => document.querySelector('.ride').getBoundingClientRect().y")

    assert max(heights) <= 72
    assert small == []
    assert 0 < first < PHONE["height"] / 2


def test_the_keyboard_reaches_everything(browser: Browser, staged: tuple[str, str]) -> None:
    """Each with a ring round it."""
    with window(browser) as page:
        page.goto(staged[1])
        page.get_by_role("button", name="Sign in").focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.wait_for_selector("#history")
        wanted = page.locator("a[href], button, input:not([type=hidden]), select, summary").locator(
            "visible=true"
        )
        reachable, seen = wanted.count(), set()
        for _ in range(reachable + 12):
            page.keyboard.press("Tab")
            here = page.evaluate(_FOCUS)
            seen.add(here["key"])
            assert here["ring"] or here["key"] == "BODY", here

        assert len(seen) >= reachable
