"""Multipart forms with one file, in one piece: a client library would send them in several."""

from __future__ import annotations

import secrets
from collections.abc import Mapping


def form(values: Mapping[str, str], filename: str, body: bytes) -> tuple[bytes, str]:
    """A form with fields and one file, and its Content-Type. What cannot stand in the file's name is replaced."""
    boundary = secrets.token_hex(16)
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in values.items()
    )
    name = filename.replace('"', "'").replace("\r", "_").replace("\n", "_")
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += f"{file}Content-Type: application/octet-stream\r\n\r\n"
    content = b"".join((head.encode("utf-8", "replace"), body, f"\r\n--{boundary}--\r\n".encode()))
    return content, f"multipart/form-data; boundary={boundary}"
