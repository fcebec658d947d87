"""Requests on the wire, and what is read of their answers."""

from __future__ import annotations

import httpx
import pytest

from fakes import Wire
from fitferry.strava.http_client import MAX_ANSWER_BYTES, Answer, HttpClient


def ask(url: str, reply: httpx.Response) -> tuple[httpx.Request, Answer]:
    """A request as it went out, and its answer as it is understood."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return reply

    understood = HttpClient(url, pool=Wire(answer)).ask("GET", url, {}, None, 10)
    return asked[0], understood


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("https://www.strava.com/api/v3/athlete", "www.strava.com", "/api/v3/athlete"),
        ("http://localhost:8480", "localhost:8480", "/"),
        ("http://[::1]:8480/api", "[::1]:8480", "/api"),
        ("https://bücher.example/über uns?a=1&b=%20", "xn--bcher-kva.example", "/%C3%BCber%20uns?a=1&b=%20"),
        ("https://me:secret@proxy.example/a%2Fb", "proxy.example", "/a%2Fb"),
    ],
)
def test_an_address_goes_on_the_wire_in_ascii(url: str, host: str, target: str) -> None:
    """Names of hosts in other letters by IDNA, paths by percent signs; a port only where one is named."""
    request, _ = ask(url, httpx.Response(200))

    assert (request.headers["host"], request.url.raw_path.decode()) == (host, target)


def test_of_several_headers_with_one_name_the_first_counts() -> None:
    """What a proxy adds comes behind; names are the same in any letters."""
    headers = [("DATE", "one"), ("Date", "two"), ("X-RateLimit-Usage", "1,2")]
    _, answer = ask("http://strava.example", httpx.Response(200, headers=headers))

    assert (answer.headers["date"], answer.headers["x-ratelimit-usage"]) == ("one", "1,2")


def test_of_an_endless_answer_only_so_much_is_read_as_strava_may_say() -> None:
    """Whoever sends more is not Strava."""
    _, answer = ask("http://strava.example", httpx.Response(200, content=b"x" * (MAX_ANSWER_BYTES + 9)))

    assert len(answer.body) == MAX_ANSWER_BYTES
