"""What several views answer with."""

from __future__ import annotations

from flask import redirect, request
from werkzeug.wrappers import Response


def wants_json() -> bool:
    """Whether the client would rather have JSON than a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def back_to_page(flash: str) -> Response:
    """Lead a browser back to the page, which says by `flash` what was done."""
    return redirect(f"/?done={flash}", 303)
