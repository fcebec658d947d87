"""The sandbox is as strict as Strava."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from fakes import Clock
from fitferry.sandbox import Sandbox

APP = {"client_id": "12345", "client_secret": "sandbox-secret"}
AUTHORIZE = {
    "client_id": "12345",
    "redirect_uri": "http://localhost:9/back",
    "response_type": "code",
    "scope": "activity:write,activity:read_all",
    "state": "s",
}
Ride = Callable[..., bytes]


class Client:
    """A client with no mercy, on either base of the API."""

    def __init__(self, sandbox: Sandbox, clock: Clock, http: httpx.Client) -> None:
        self.sandbox, self.clock, self.http = sandbox, clock, http
        self.token = ""

    def consent(
        self, button: str = "authorize", ticked: tuple[str, ...] = (), **query: str
    ) -> dict[str, str]:
        """Go through the page; the query that comes back."""
        url = f"{self.sandbox.url}/oauth/authorize"
        page = self.http.post(url, params={**AUTHORIZE, **query}, data={button: "1", "scope": list(ticked)})
        return dict(parse_qsl(urlsplit(page.headers["Location"]).query, keep_blank_values=True))

    def sign_in(self, *ticked: str) -> dict[str, Any]:
        """From the consent to the tokens."""
        code = self.consent(ticked=ticked or ("activity:write", "activity:read_all"))["code"]
        answer = self.token_request(grant_type="authorization_code", code=code).json()
        self.token = answer["access_token"]
        return dict(answer)

    def token_request(self, **form: str) -> httpx.Response:
        """Ask the token endpoint."""
        return self.http.post(f"{self.sandbox.url}/oauth/token", data={**APP, **form})

    def upload(self, body: bytes, **fields: str) -> httpx.Response:
        """Send a file."""
        return self.http.post(
            f"{self.sandbox.url}/api/v3/uploads",
            data={"data_type": "fit", **fields},
            files={"file": ("a.fit", body)},
            headers=self.auth(),
        )

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Ask the API."""
        return self.http.get(f"{self.sandbox.url}/api/v3/{path}", params=query, headers=self.auth())

    def auth(self) -> dict[str, str]:
        """The header with the token."""
        return {"Authorization": f"Bearer {self.token}"}

    def outcome(self, body: bytes, **fields: str) -> dict[str, Any]:
        """Send a file, wait, and see what became of it."""
        sent = self.upload(body, **fields).json()
        self.clock.forward(2)
        return dict(self.get(f"uploads/{sent['id']}").json())


@pytest.fixture
def client() -> Iterator[Client]:
    """A sandbox and a client of it, nobody signed in."""
    clock = Clock()
    with Sandbox(clock=clock) as sandbox, httpx.Client() as http:
        yield Client(sandbox, clock, http)


def named(answer: httpx.Response) -> tuple[int, str, str, str]:
    """What an error names."""
    (detail,) = answer.json()["errors"]
    return answer.status_code, detail["resource"], detail["field"], detail["code"]


def test_the_consent_page_has_a_box_for_each_scope(client: Client) -> None:
    """`read` is granted in any case."""
    page = client.http.get(f"{client.sandbox.url}/oauth/authorize", params=AUTHORIZE).text

    assert page.count('type="checkbox"') == 3
    assert {
        key: value for key, value in client.consent(ticked=("activity:write",)).items() if key != "code"
    } == {"state": "s", "scope": "read,activity:write"}


def test_a_refusal_comes_back_with_the_state(client: Client) -> None:
    """As error=access_denied."""
    assert client.consent("cancel") == {"error": "access_denied", "state": "s"}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"client_id": "1"}, ("Application", "client_id")),
        ({"redirect_uri": "http://evil.example/"}, ("Application", "redirect_uri")),
        ({"scope": "write"}, ("Authorize", "scope")),
        ({"scope": ""}, ("Authorize", "scope")),
        ({"response_type": "token"}, ("Authorize", "response_type")),
    ],
)
def test_a_wrong_question_is_refused_before_any_page(
    client: Client, wrong: dict[str, str], expected: tuple[str, str]
) -> None:
    """With status 400 and what is wrong."""
    answer = client.http.get(f"{client.sandbox.url}/oauth/authorize", params={**AUTHORIZE, **wrong})

    assert (400, *expected, "invalid") == named(answer)


def test_a_code_is_good_once_and_for_minutes(client: Client) -> None:
    """A second exchange and a late one are refused."""
    code = client.consent(ticked=("activity:write",))["code"]
    assert client.token_request(grant_type="authorization_code", code=code).status_code == 200
    late = client.consent(ticked=("activity:write",))["code"]
    client.clock.forward(301)

    for used in (code, late):
        answer = client.token_request(grant_type="authorization_code", code=used)
        assert named(answer) == (400, "AuthorizationCode", "code", "invalid")


def test_a_wrong_secret_is_401_and_a_wrong_id_400(client: Client) -> None:
    """Both name the application."""
    url = f"{client.sandbox.url}/oauth/token"

    assert named(client.http.post(url, data={**APP, "client_secret": "x"})) == (
        401,
        "Application",
        "",
        "invalid",
    )
    assert named(client.http.post(url, data={**APP, "client_id": "x"})) == (
        400,
        "Application",
        "client_id",
        "invalid",
    )


def test_tokens_rotate_in_their_last_hour_and_the_old_refresh_token_dies(client: Client) -> None:
    """Earlier the same token comes back; the old access token lives to its own end."""
    first = client.sign_in()
    same = client.token_request(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    client.clock.forward(5 * 3600 + 1)
    new = client.token_request(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    dead = client.token_request(grant_type="refresh_token", refresh_token=first["refresh_token"])

    assert first["access_token"] == same["access_token"]
    assert {first["access_token"], first["refresh_token"]}.isdisjoint(
        {new["access_token"], new["refresh_token"]}
    )
    assert named(dead) == (400, "RefreshToken", "refresh_token", "invalid")
    assert client.get("athlete").status_code == 200
    client.clock.forward(3600)
    assert named(client.get("athlete")) == (401, "Athlete", "access_token", "invalid")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_either_token_revokes_both(client: Client, kind: str) -> None:
    """With the application's own password; also a token that is gone is fine."""
    first = client.sign_in()
    url = f"{client.sandbox.url}/oauth/revoke"

    assert client.http.post(url, data={"token": first[kind]}).status_code == 401
    for _ in range(2):
        answer = client.http.post(url, data={"token": first[kind]}, auth=("12345", "sandbox-secret"))
        assert answer.status_code == 200
    assert client.get("athlete").status_code == 401


def test_an_upload_is_processed_then_ready(client: Client, ride: Ride) -> None:
    """Six fields, ids beyond 32 bits, and the external id with its extension in the end."""
    client.sign_in()
    sent = client.upload(ride(), external_id="ab")
    assert sent.status_code == 201
    assert {"id", "id_str", "external_id", "error", "status", "activity_id"} == set(sent.json())
    assert (sent.json()["external_id"], sent.json()["activity_id"]) == (None, None)
    assert sent.json()["id"] > 2**32
    client.clock.forward(2)
    ready = client.get(f"uploads/{sent.json()['id']}").json()
    (listed,) = client.get("athlete/activities").json()

    assert (
        ready["status"],
        ready["error"],
        ready["external_id"],
    ) == ("Your activity is ready.", None, "ab.fit")
    assert (ready["activity_id"], "ab.fit", "2026-09-21T12:00:00Z") == (
        listed["id"],
        listed["external_id"],
        listed["start_date"],
    )


@pytest.mark.parametrize(("html", "words"), [(True, "/activities/"), (False, "duplicate of activity ")])
def test_the_same_bytes_are_a_duplicate(client: Client, ride: Ride, html: bool, words: str) -> None:
    """Whatever their external id, in both forms of words."""
    client.sign_in()
    client.sandbox.world.switches.duplicate_html = html
    first = client.outcome(ride(), external_id="ab")
    again = client.outcome(ride(), external_id="cd")

    assert words in again["error"]
    assert str(first["activity_id"]) in again["error"]
    assert again["activity_id"] is None


def test_an_external_id_stays_bound_to_what_was_deleted(client: Client, ride: Ride) -> None:
    """Reuse gives the fourth status, with neither error nor id; a fresh id is taken."""
    client.sign_in()
    first = client.outcome(ride(), external_id="ab")
    client.http.post(f"{client.sandbox.url}/_sandbox/activities/{first['activity_id']}/delete")
    again = client.outcome(ride(), external_id="ab")
    fresh = client.outcome(ride(), external_id="cd")

    assert (
        again["status"],
        again["error"],
        again["activity_id"],
    ) == ("The created activity has been deleted.", None, None)
    assert fresh["activity_id"]


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"half a file", "malformed"), (b"\x0e\x10" + b"\0" * 40, "malformed")],
)
def test_a_broken_file_is_accepted_and_fails_later(client: Client, body: bytes, words: str) -> None:
    """With status 200: only the words tell."""
    client.sign_in()

    assert words in client.outcome(body)["error"]


def test_a_course_has_no_time(client: Client, ride: Ride) -> None:
    """Strava says so of what is no activity."""
    client.sign_in()

    assert "Time information is missing" in client.outcome(ride(kind=6))["error"]


def test_a_gzipped_file_is_unpacked(client: Client, ride: Ride) -> None:
    """And its extension loses the .gz."""
    client.sign_in()
    ready = client.outcome(gzip.compress(ride()), data_type="fit.gz", external_id="ab")

    assert (ready["external_id"], ready["activity_id"] is not None) == ("ab.fit", True)


@pytest.mark.parametrize(
    ("fields", "body", "expected"),
    [
        ({"data_type": "doc"}, b"x", (400, "Upload", "data_type", "invalid")),
        ({}, b"", (400, "Upload", "data", "empty")),
    ],
)
def test_a_wrong_upload_is_refused_at_once(
    client: Client, fields: dict[str, str], body: bytes, expected: tuple[int, str, str, str]
) -> None:
    """Before any processing."""
    client.sign_in()

    assert expected == named(client.upload(body, **fields))


def test_each_request_needs_its_scope(client: Client, ride: Ride) -> None:
    """A missing one is a 401 that names it."""
    client.sign_in("activity:read_all")
    assert named(client.upload(ride())) == (401, "AccessToken", "activity:write_permission", "missing")
    assert client.get("athlete/activities").status_code == 200
    client.sign_in("activity:write")

    assert named(client.get("athlete/activities")) == (
        401,
        "AccessToken",
        "activity:read_permission",
        "missing",
    )


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 3),
        ({"per_page": 2}, 2),
        ({"per_page": 2, "page": 2}, 1),
        ({"page": 9}, 0),
        ({"after": 200}, 1),
        ({"before": 200}, 1),
        ({"after": "x", "before": "x", "page": "x", "per_page": "x"}, 3),
    ],
)
def test_activities_are_listed_in_pages(client: Client, query: dict[str, object], count: int) -> None:
    """Within the moments that are named; past the end there are none, and what is no number counts for nothing."""
    client.sign_in()
    for start in (100, 200, 300):
        client.sandbox.world.add_activity(
            1001, name="x", sport_type="Ride", start=start, elapsed=1, distance=0
        )

    assert len(client.get("athlete/activities", **query).json()) == count


def test_others_uploads_are_not_found(client: Client, ride: Ride) -> None:
    """Nor those that never were."""
    client.sign_in()
    mine = client.upload(ride()).json()["id"]
    client.sandbox.world.switches.athlete = 1002
    client.sign_in()

    assert [client.get(f"uploads/{upload_id}").status_code for upload_id in (mine, 7)] == [404, 404]


def test_the_rate_limit_is_on_every_answer_and_ends(client: Client, ride: Ride) -> None:
    """A lone comma for the reads of what is no read; beyond the limit 429, until the quarter hour."""
    client.sign_in()
    client.sandbox.world.switches.read_limit = [2, 1000]
    first = client.upload(ride()).headers
    assert (
        first["X-RateLimit-Limit"],
        first["X-RateLimit-Usage"],
        first["X-ReadRateLimit-Limit"],
        first["X-ReadRateLimit-Usage"],
    ) == ("200,2000", "1,1", "2,1000", ",")
    codes = [client.get("athlete") for _ in range(3)]
    assert [code.status_code for code in codes] == [200, 200, 429]
    assert named(codes[-1]) == (429, "Application", "read rate limit", "exceeded")
    assert codes[-1].headers["X-ReadRateLimit-Usage"] == "3,3"
    client.clock.forward(900)

    assert client.get("athlete").status_code == 200


def test_an_inactive_app_is_refused_after_a_good_sign_in(client: Client) -> None:
    """As since June 2026 for owners without a subscription."""
    client.sandbox.world.switches.inactive = True
    client.sign_in()

    assert named(client.get("athlete")) == (403, "Application", "Status", "Inactive")


def test_the_base_of_2027_has_no_prefix(client: Client, ride: Ride) -> None:
    """Both answer, until the old one is switched off."""
    client.sign_in()
    url = client.sandbox.url
    assert client.http.get(f"{url}/athlete", headers=client.auth()).status_code == 200
    client.sandbox.world.switches.old_base = False
    client.sandbox.world.switches.header_only = True

    assert client.upload(ride()).status_code == 404
    assert client.http.get(f"{url}/athlete", params={"access_token": client.token}).status_code == 401


def test_flags_in_the_address_of_a_put_are_ignored(client: Client, ride: Ride) -> None:
    """Only a JSON body changes an activity."""
    client.sign_in()
    activity_id = client.outcome(ride())["activity_id"]
    url = f"{client.sandbox.url}/api/v3/activities/{activity_id}"

    assert not client.http.put(url, params={"commute": "1"}, headers=client.auth()).json()["commute"]
    assert client.http.put(url, json={"commute": True}, headers=client.auth()).json()["commute"]


FAULTS = {
    "error_500": 500,
    "error_502": 502,
    "error_503": 503,
    "error_504": 504,
    "html_200": 200,
    "bad_json_types": 201,
    "truncated_json": 201,
    "slow": 201,
    "forever": 201,
    "unauthorized": 401,
    "rate_limited": 429,
    "inactive": 403,
    "not_found": 404,
    "upload_400": 400,
    "upload_empty": 400,
    "redirect_301": 301,
}


@pytest.mark.parametrize(("kind", "status"), FAULTS.items())
def test_a_fault_comes_as_often_as_it_was_told(client: Client, ride: Ride, kind: str, status: int) -> None:
    """Then all is well again."""
    client.sign_in()
    fault = {"on": "POST /uploads", "kind": kind, "times": 1, "seconds": 0.01}
    assert client.http.post(f"{client.sandbox.url}/_sandbox/faults", json=fault).status_code == 201

    assert status == client.upload(ride()).status_code
    assert client.upload(ride()).status_code == 201


@pytest.mark.parametrize(
    ("kind", "arrived"), [("drop_before", 0), ("drop_after", 1), ("drop_mid_answer", 1), ("hang", 1)]
)
def test_a_dropped_connection_may_have_stored_the_upload(
    client: Client, ride: Ride, kind: str, arrived: int
) -> None:
    """Which is what exactly-once has to live with."""
    client.sign_in()
    fault = {"on": "POST /uploads", "kind": kind, "seconds": 0.01}
    client.http.post(f"{client.sandbox.url}/_sandbox/faults", json=fault)
    with pytest.raises(httpx.TransportError):
        client.upload(ride())

    assert arrived == len(client.http.get(f"{client.sandbox.url}/_sandbox/uploads").json())


def test_an_unknown_fault_and_an_unknown_switch_are_refused(client: Client) -> None:
    """A test that misspells one must not pass."""
    url = f"{client.sandbox.url}/_sandbox"

    assert client.http.post(f"{url}/faults", json={"on": "*", "kind": "fire"}).status_code == 400
    assert client.http.post(f"{url}/settings", json={"capacitty": 1}).status_code == 400


def test_half_a_body_is_no_upload(client: Client, ride: Ride) -> None:
    """A client that is killed in the middle has sent nothing."""
    client.sign_in()
    request = client.http.build_request(
        "POST", f"{client.sandbox.url}/uploads", data={"data_type": "fit"}, files={"file": ("a.fit", ride())}
    )
    body = request.read()
    head = f"POST /uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\n"
    head += f"Content-Type: {request.headers['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.sandbox.port)) as peer:
        peer.sendall(head.encode() + body[:-10])
        peer.shutdown(socket.SHUT_WR)
        peer.recv(1000)

    assert client.sandbox.world.uploads == {}


def test_what_was_asked_can_be_looked_at(client: Client, ride: Ride) -> None:
    """Each request with its status and the time of its first byte."""
    client.sign_in()
    client.upload(ride())
    last = client.http.get(f"{client.sandbox.url}/_sandbox/requests").json()[-1]

    assert (last["method"], last["path"], last["status"]) == ("POST", "/uploads", 201)
    assert last["began_at"] > 0


def test_an_edit_is_taken_as_json_and_checked(client: Client, ride: Ride) -> None:
    """Flags as JSON's own booleans, gear that the athlete has; what comes as a query is passed over."""
    client.sign_in()
    activity_id = client.outcome(ride())["activity_id"]

    def edit(body: Any = None, **query: str) -> tuple[int, Any, Any]:
        url = f"{client.sandbox.url}/api/v3/activities/{activity_id}"
        answer = client.http.put(url, json=body, params=query, headers=client.auth())
        found = client.sandbox.world.activities[activity_id]
        return answer.status_code, found.gear_id, found.hide_from_home

    assert edit({}, gear_id="b12") == (200, None, False)
    assert edit({"gear_id": "b12", "hide_from_home": True}) == (200, "b12", True)
    assert edit({"gear_id": "b999"})[0] == 400
    assert edit({"hide_from_home": "true"})[0] == 400
    assert edit([])[0] == 400


def test_somebody_on_the_way_can_answer(client: Client) -> None:
    """With any status and any body, as gateways do."""
    client.sign_in()
    fault = {
        "on": "GET /athlete",
        "kind": "answer",
        "status": 451,
        "body": "{}",
        "content_type": "application/json",
    }
    client.http.post(f"{client.sandbox.url}/_sandbox/faults", json=fault).raise_for_status()
    answer = client.get("athlete")

    assert (answer.status_code, answer.text) == (451, "{}")
    assert client.get("athlete").status_code == 200


def test_its_date_can_be_another_one(client: Client) -> None:
    """For clocks that are wrong; and there is but one, as a client takes the first."""
    client.sign_in()
    before = client.get("athlete").headers["Date"]
    client.sandbox.world.switches.date_offset = 86_400.0
    after = client.get("athlete").headers["Date"]

    assert after.count("GMT") == 1
    assert (parsedate_to_datetime(after) - parsedate_to_datetime(before)).days == 1
