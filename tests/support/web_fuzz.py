"""Odd requests by the thousand, from a seed: paths, methods, headers and bodies that no browser would send."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

_PATHS = [
    "/", "/login", "/logout", "/connect", "/push", "/tokens", "/log", "/help", "/disconnect", "/again/1", "/metrics",
    "/activity/1", "/healthz", "/in/a.fit", "/do/connect", "/do/paste", "/do/upload", "/do/upload/1", "/do/retry",
    "/do/retry/1", "/do/dismiss/1", "/do/selected", "/do/held/unfinished/upload", "/do/backlog", "/do/language",
    "/do/tokens/revoke", "/api/v1/status", "/api/v1/strava/auth", "/api/v1/strava/callback",
    "/api/v1/strava/uploads", "/api/v1/strava/upload", "/api/v1/strava/upload/1", "/api/v1/strava/retry",
    "/api/v1/strava/dismiss/1", "/api/v1/strava/repair/1", "/api/v1/strava/backlog", "/api/v1/strava/disconnect",
    "/api/v1/strava/connect-link", "/api/v1/activity/upload", "/api/v1/tokens", "/api/v1/tokens/revoke",
    "/static/fitferry.css", "/static/../../etc/passwd", "/nowhere",
]  # fmt: skip
_METHODS = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "X"]
_PIECES = [
    "", "0", "-1", "1", "9" * 30, "%00", "%ff%fe", "\x00", "é", "한", "'", '"', "<b>", "{{7*7}}", "%s", "a" * 2_000,
    "../..", "2026-01-01", "0001-01-01", "true", "null", "[]", "{}", "nan", "1e999", "\u202e", "me", "nobody", "all",
    "http://[::1", "retry", "upload", "skipped", "ko", "[" * 500,
]  # fmt: skip
_NAMES = [
    "status",
    "athlete",
    "limit",
    "before",
    "q",
    "select",
    "done",
    "token",
    "state",
    "code",
    "scope",
    "error",
]
_FIELDS = [
    *_NAMES,
    "name",
    "can",
    "decision",
    "date",
    "activity",
    "action",
    "again",
    "failed",
    "jobs",
    "address",
    "file",
]
_HEADERS = [
    "Accept", "Accept-Language", "Cookie", "Authorization", "Origin", "Content-Type", "If-None-Match", "Sec-Fetch-Site",
    "Sec-Fetch-Mode", "Sec-Fetch-Dest", "X-Forwarded-For", "Range", "Fitferry-Messages",
]  # fmt: skip
_VALUES = [
    *_PIECES, "application/json", "text/html;q=x", "Bearer x", "Basic !!", "Basic Og==", "null", "same-origin",
    "cross-site", "multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
    "fitferry_session=x; fitferry_language=ko; fitferry_zone=../x", "ko;q=2,en;q=nan", "bytes=9-1",
]  # fmt: skip
_BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"{",
    b"[" * 30_000,
    b"\xff\xfe",
    b"--x\r\n\r\n\r\n--x--\r\n",
    b"a=1&a=2&%zz=%",
    b"x" * 3_000,
]


@dataclass(frozen=True, slots=True)
class OddRequest:
    """One request; `signed_in`: with the API token, so that it comes further than the door."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    signed_in: bool


def odd_requests(count: int, seed: int) -> Iterator[OddRequest]:
    """So many requests; the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311  # a seed brings the same ones again
    for _ in range(count):
        path = dice.choice(_PATHS)
        if dice.random() < 0.3:  # now and then another number, or something odd at the end
            path = path.replace("1", dice.choice(["0", "2", "9" * 25, "-1", "x"])) + dice.choice(
                ["", "/", "//", "?", "%2e"]
            )
        names = dice.sample(_NAMES, dice.randrange(4))
        query = "&".join(f"{name}={_quoted(dice.choice(_PIECES))}" for name in names)
        headers = {name: _header(dice.choice(_VALUES)) for name in dice.sample(_HEADERS, dice.randrange(5))}
        yield OddRequest(
            dice.choice(_METHODS if dice.random() < 0.3 else ["GET", "POST"]),  # mostly the usual two
            path,
            query,
            headers,
            _body(dice),
            signed_in=dice.random() < 0.7,  # most of them
        )


def _body(dice: random.Random) -> bytes:
    if dice.random() < 0.5:  # half of them
        return dice.choice(_BODIES)
    fields = dice.sample(_FIELDS, dice.randrange(4))
    if dice.random() < 0.5:  # as a form, or as JSON
        return "&".join(f"{name}={_quoted(dice.choice(_PIECES))}" for name in fields).encode()
    return (
        "{"
        + ",".join(
            f'"{name}": {dice.choice(["1", "[1]", "true", "null", chr(34) + "x" + chr(34)])}'
            for name in fields
        )
        + "}"
    ).encode()


def _quoted(text: str) -> str:
    return (
        text
        if text.startswith("%")
        else "".join(
            one if one.isalnum() and one.isascii() else "".join(f"%{byte:02x}" for byte in one.encode())
            for one in text
        )
    )


def _header(text: str) -> str:
    """What a header can hold at all."""
    return (
        text.encode("latin-1", "replace")
        .decode("latin-1")
        .replace("\x00", "")
        .replace("\r", "")
        .replace("\n", "")
    )
