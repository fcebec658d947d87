"""The command init: it writes settings that work, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitferry.config.load import load
from offline import offline


def test_init_writes_a_config_that_works(tmp_path: Path) -> None:
    """Without a terminal every answer comes by option."""
    secret, path = tmp_path / "secret", tmp_path / "new" / "config.toml"
    secret.write_text("s3cret\n", encoding="utf-8")
    words = ["init", "--folder", str(tmp_path / "my rides"), "--client-id", "12345"]
    words += ["--client-secret-file", str(secret), "--since", "2026-01-31", "--config", str(path)]
    answer = offline(*words)
    found = load(path, {})

    assert answer.exit_code == 0, answer.output
    assert (
        found.strava.client_id,
        found.strava.client_secret,
        str(found.strava.since),
    ) == ("12345", "s3cret", "2026-01-31")
    assert [tmp_path / "my rides"] == [watch.folder for watch in found.watch]
    again = offline(*words)
    assert again.exit_code != 0
    assert "--force" in str(again.exception)
    assert offline(*words, "--force").exit_code == 0


def test_init_without_a_terminal_says_what_is_missing(tmp_path: Path) -> None:
    """And writes nothing."""
    path = tmp_path / "config.toml"
    answer = offline("init", "--folder", "/srv/rides", "--config", str(path))

    assert "--client-id" in str(answer.exception)
    assert not path.exists()


def test_init_leaves_nothing_behind_that_does_not_work(tmp_path: Path) -> None:
    """A wrong number is told, and no file is kept."""
    path = tmp_path / "config.toml"
    words = [
        "init",
        "--folder",
        "/srv/rides",
        "--client-id",
        "me@example.com",
        "--client-secret-file",
        "/nowhere",
    ]
    answer = offline(*words, "--config", str(path))

    assert "--client-id: needed is the number" in str(answer.exception)
    assert not path.exists()


def test_init_with_a_wrong_answer_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    """Even where it was told to replace it."""
    path = tmp_path / "config.toml"
    path.write_text("kept", encoding="utf-8")
    words = ["init", "--folder", "/srv/rides", "--client-id", "abc", "--client-secret-file", str(path)]
    answer = offline(*words, "--config", str(path), "--force")

    assert "--client-id: needed is the number" in str(answer.exception)
    assert path.read_text(encoding="utf-8") == "kept"
    assert [path] == list(tmp_path.iterdir())


def test_init_writes_where_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder that the environment names for settings; a folder's name may hold anything."""
    secret, folder = tmp_path / "secret", tmp_path / 'a "b" \\ [ , ] c'
    secret.write_text("s", encoding="utf-8")
    words = ["init", "--folder", str(folder), "--client-id", "1", "--client-secret-file", str(secret)]
    for name, path in (
        ("XDG_CONFIG_HOME", tmp_path / "xdg" / "fitferry" / "config.toml"),
        ("FITFERRY_CONFIG", tmp_path / "named.toml"),
    ):
        monkeypatch.setenv(name, str(tmp_path / "xdg" if name.startswith("XDG") else path))
        answer = offline(*words)
        assert answer.exit_code == 0, answer.exception
        assert [folder] == [watch.folder for watch in load(path, {}).watch]
