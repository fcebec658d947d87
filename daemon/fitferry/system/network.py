"""Proxies and certificates that the environment names.

httpx reads these variables by itself and ends in a traceback where one is wrong (seen with 0.28: an IPv6 range in
NO_PROXY, `socks://` in ALL_PROXY, an SSL_CERT_FILE that is gone), so they are read here and handed over.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from urllib.parse import urlsplit

from fitferry.core.errors import SettingProblem
from fitferry.core.messages import Message, settings
from fitferry.core.messages.system import from_os_error

CERTIFICATES = "SSL_CERT_FILE"
KEY_LOG = "SSLKEYLOGFILE"
_THIS_MACHINE = ("localhost", "127.0.0.0/8", "::1")
"""Is asked through no proxy: there it would be the proxy's own machine."""


def proxy_of(url: str, environ: Mapping[str, str]) -> str | None:
    """Address of the proxy for an address; None for none, and for one that cannot be used."""
    variable = _proxy_variable(url, environ)
    return _proxy_address(environ[variable]) if variable else None


def certificates_of(environ: Mapping[str, str]) -> str | None:
    """File of the certificates to trust; None for the usual ones."""
    named = environ.get(CERTIFICATES)
    return named if named and _unreadable(named) is None else None


def problems(urls: Iterable[str], environ: Mapping[str, str]) -> list[SettingProblem]:
    """What is wrong with the variables that decide about the way to these addresses."""
    found: dict[str, SettingProblem] = {}
    for url in urls:
        variable = _proxy_variable(url, environ)
        if variable and _proxy_address(environ[variable]) is None:
            found[variable] = SettingProblem(variable, settings.PROXY_WRONG(variable=variable))
    if environ.get(CERTIFICATES) and (reason := _unreadable(environ[CERTIFICATES])):
        message = settings.CERTIFICATES_GONE(variable=CERTIFICATES, reason=reason)
        found[CERTIFICATES] = SettingProblem(CERTIFICATES, message)
    if environ.get(KEY_LOG) and (reason := _unwritable(environ[KEY_LOG])):
        message = settings.KEY_LOG_CLOSED(variable=KEY_LOG, reason=reason)
        found[KEY_LOG] = SettingProblem(KEY_LOG, message)
    return list(found.values())


def forget_key_log(environ: MutableMapping[str, str]) -> None:
    """Let a key log that cannot be written be none: Python opens it whenever a connection is prepared."""
    if environ.get(KEY_LOG) and _unwritable(environ[KEY_LOG]):
        del environ[KEY_LOG]


def _proxy_variable(url: str, environ: Mapping[str, str]) -> str | None:
    """The variable that names the proxy for an address, as curl chooses it."""
    parts = urlsplit(url)
    if _is_direct(parts.hostname or "", environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name, "").strip()), None)


def _is_direct(host: str, no_proxy: str) -> bool:
    """Whether a host is this machine, or named in NO_PROXY: by a name, the end of one, an address or a range of them."""
    for item in (*_THIS_MACHINE, *no_proxy.split(",")):
        entry = item.strip().lower()
        if entry == "*" or (entry and _is_within(host, entry)):
            return True
        name = entry.lstrip("*.")
        if name and (host == name or host.endswith(f".{name}")):
            return True
    return False


def _is_within(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(
            entry.replace("[", "").replace("]", ""), strict=False
        )
    except ValueError:
        return False


def _proxy_address(named: str) -> str | None:
    """The address as httpx takes it; None for one that it cannot use, as SOCKS."""
    address = named.strip() if "://" in named else f"http://{named.strip()}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return None
    return address if usable else None


def _unreadable(name: str) -> Message | None:
    """Why a file of certificates cannot be used; None where it can."""
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        return from_os_error(error)
    holds_one = b"BEGIN CERTIFICATE" in content or b"BEGIN TRUSTED" in content
    return None if holds_one else settings.NO_CERTIFICATE()


def _unwritable(name: str) -> Message | None:
    try:
        with Path(name).open("ab"):
            return None
    except OSError as error:
        return from_os_error(error)
