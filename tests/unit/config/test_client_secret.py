"""The client secret comes from one place, and is never shown."""

from __future__ import annotations

import pytest

from settings_files import APP, WATCH, Place


def test_a_wrong_secret_is_not_shown(place: Place) -> None:
    """Settings problems are printed, and copied into questions."""
    assert "[5]" not in place.problems("[strava]\nclient_secret = [5]")["strava.client_secret"]


def test_a_secret_may_come_from_a_file(place: Place) -> None:
    """With the line's end that every editor adds."""
    secret = place.folder / "secret"
    secret.write_text(" s3cret\n", encoding="utf-8")
    found = place.load(f'[strava]\nclient_id = 1\nclient_secret_file = "{secret}"\n' + WATCH)

    assert found.strava.client_secret == "s3cret"
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_secret_file_that_holds_nothing_is_a_problem(place: Place, content: str | None) -> None:
    """Once, without a second one about the missing secret."""
    secret = place.folder / "secret"
    if content is not None:
        secret.write_text(content, encoding="utf-8")
    problems = place.problems(f'[strava]\nclient_id = 1\nclient_secret_file = "{secret}"\n' + WATCH)

    assert list(problems) == ["strava.client_secret_file"]


def test_two_secrets_are_one_too_many(place: Place) -> None:
    """Nobody can know which one is meant."""
    assert "strava.client_secret_file" in place.problems(APP + 'client_secret_file = "/x"\n' + WATCH)


@pytest.mark.parametrize("prefix", ["FITFERRY_", ""])
def test_either_secret_variable_replaces_both_keys_of_the_file(place: Place, prefix: str) -> None:
    """A secret from the environment never meets one of the file."""
    secret = place.folder / "secret"
    secret.write_text("from a file", encoding="utf-8")
    place.environ = {f"{prefix}STRAVA_CLIENT_SECRET_FILE": str(secret)}
    assert place.load(APP + WATCH).strava.client_secret == "from a file"
    place.environ = {f"{prefix}STRAVA_CLIENT_SECRET": "from a variable"}
    text = '[strava]\nclient_id = 1\nclient_secret_file = "/missing"\n' + WATCH

    assert place.load(text).strava.client_secret == "from a variable"
