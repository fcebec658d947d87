"""Which way to Strava the environment names, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitferry.system import network

STRAVA = "https://www.strava.com/api/v3"


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, STRAVA, None),
        ({"HTTPS_PROXY": "http://p:3128"}, STRAVA, "http://p:3128"),
        ({"https_proxy": "p:3128"}, STRAVA, "http://p:3128"),
        ({"HTTP_PROXY": "http://p:3128"}, STRAVA, None),
        ({"ALL_PROXY": "http://p:3128"}, STRAVA, "http://p:3128"),
        ({"ALL_PROXY": "socks://p:1080"}, STRAVA, None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "fe80::/10,[fd00::]/8,::1,,*.lan"}, STRAVA, "http://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, "http://10.0.0.1:8481", None),
        ({"ALL_PROXY": "http://p"}, "http://127.0.0.2:8481", None),
        ({"http_proxy": "http://p"}, "http://localhost:8481", None),
        ({"HTTP_PROXY": "socks://p"}, "http://[::1]:8481", None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "fd00::/8"}, "http://[fd00::7]:1", None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": ".strava.com"}, STRAVA, None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "strava.com"}, STRAVA, None),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "va.com"}, STRAVA, "http://p"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "*"}, STRAVA, None),
    ],
)
def test_the_proxy_is_chosen_as_curl_chooses_it(environ: dict[str, str], url: str, proxy: str | None) -> None:
    """Ranges of addresses in NO_PROXY count, and break nothing; this machine is asked without any."""
    assert network.proxy_of(url, environ) == proxy


@pytest.mark.parametrize(
    "proxy", ["socks://p:1", "socks5h://p:1", "http://[::1", "http:///x", "p:port", "http://p:99999"]
)
def test_a_proxy_that_cannot_be_used_is_one_sentence(proxy: str) -> None:
    """It names the variable, and not the address, which may hold a password."""
    (problem,) = network.problems([STRAVA, STRAVA], {"ALL_PROXY": proxy})

    assert problem.key == "ALL_PROXY"
    assert proxy not in str(problem)
    assert network.problems([STRAVA], {"ALL_PROXY": proxy, "NO_PROXY": "strava.com"}) == []


def test_certificates_that_are_gone_are_one_sentence(tmp_path: Path) -> None:
    """The usual ones are used then, where a command needs none."""
    good = tmp_path / "good.pem"
    good.write_text("-----BEGIN CERTIFICATE-----\n", encoding="ascii")
    (tmp_path / "empty").touch()

    assert network.problems([], {"SSL_CERT_FILE": str(good)}) == []
    assert network.certificates_of({"SSL_CERT_FILE": str(good)}) == str(good)
    for bad in ("gone.pem", "empty", ""):
        (problem,) = network.problems([], {"SSL_CERT_FILE": str(tmp_path / bad)})
        assert problem.key == "SSL_CERT_FILE"
        assert network.certificates_of({"SSL_CERT_FILE": str(tmp_path / bad)}) is None


def test_a_key_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """Python opens it whenever a connection is prepared."""
    assert network.problems([], {"SSLKEYLOGFILE": str(tmp_path / "log")}) == []
    assert [p.key for p in network.problems([], {"SSLKEYLOGFILE": str(tmp_path / "no" / "log")})] == [
        "SSLKEYLOGFILE"
    ]
