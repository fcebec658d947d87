"""The sockets on which the page listens: which addresses a setting means, and one port for all of them."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterable
from typing import TypeAlias

from fitferry.web.middleware import hostname_of_url, is_loopback

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""Of IPv4, IPv6, or a kind that `socket` does not know."""
_PORT_TRIES = 20
_LOCALHOST = ("127.0.0.1", "::1")
_NO_SUCH_KIND = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}
"""The machine has no such kind of address."""


def listening_hosts(host: str, url: str | None) -> tuple[str, ...]:
    """The addresses to listen on for a setting.

    Links lead to `url`, which is 127.0.0.1 unless it is given. A loopback address in them that we leave free another
    user of the machine can take, and so be given our links; a browser that is sent to `localhost` may try either of
    them. `::` means every address, IPv4's too.
    """
    hosts = ["::", "0.0.0.0"] if host in {"::", ""} else [host]  # noqa: S104  # what the setting asks for
    linked = hostname_of_url(url) if url else "127.0.0.1"
    loopback = [linked] if is_loopback(linked) else []
    if "localhost" in {host.lower(), linked}:
        loopback, hosts = list(_LOCALHOST), [name for name in hosts if name.lower() != "localhost"]
    covered = {"127.0.0.1" if name == "0.0.0.0" else "::1" if name == "::" else name for name in hosts}  # noqa: S104  # as above
    return (*hosts, *(name for name in loopback if name not in covered))


def listening_sockets(hosts: Iterable[str], port: int) -> list[socket.socket]:
    """Sockets that listen on every host, all at the same port. Raises OSError."""
    for _ in range(_PORT_TRIES - 1):
        try:
            return _bound(hosts, port)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise
    return _bound(hosts, port)


def _bound(hosts: Iterable[str], port: int) -> list[socket.socket]:
    with contextlib.ExitStack() as undo:
        sockets: list[socket.socket] = []
        missing: OSError | None = None
        for family, address in _addresses(hosts, port):
            try:
                used = sockets[0].getsockname()[1] if sockets else port
                server = socket.create_server((address[0], used, *address[2:]), family=family)
            except OSError as error:
                no_loopback = error.errno == errno.EADDRNOTAVAIL and address[0] in {*_LOCALHOST, "::"}
                if error.errno not in _NO_SUCH_KIND and not no_loopback:
                    raise  # what was asked for has to be there
                missing = error
            else:
                sockets.append(undo.enter_context(server))
        if not sockets:
            raise missing or OSError(errno.EADDRNOTAVAIL, "no address")
        undo.pop_all()
        return sockets


def _addresses(hosts: Iterable[str], port: int) -> list[tuple[int, Address]]:
    """Every address of the hosts, each once. Raises OSError for a name that is unknown."""
    found: dict[tuple[int, Address], None] = {}
    for host in hosts:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except socket.gaierror:
            if host not in _LOCALHOST:
                raise
            continue  # a machine without IPv6
        found.update({(family, address): None for family, _, _, _, address in infos})
    return list(found)
