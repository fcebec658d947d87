"""The commands in the language of the locale, or of the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from daemon_harness import DaemonHarness, harness
from offline import COMMANDS
from samples import SAMPLES


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonHarness]:
    """A daemon in a folder of its own that speaks Korean, whose daemon runs and is not connected."""
    with harness(tmp_path_factory.mktemp("stranger")) as one:
        one.configure(port='0\nlanguage = "ko"')
        one.start()
        yield one


def test_no_sentence_of_a_wrong_word_is_half_in_english(stranger: DaemonHarness) -> None:
    """What click says itself is translated, too."""
    ended = stranger.run("token", "new", "phone", LANG="ko_KR.UTF-8")

    assert "다음 중에서 고르세요:\n\tupload,\n\tread" in ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["uploads"],
        ["check"],
        ["backlog"],
        ["inspect", str(SAMPLES / "course.fit")],
        ["--help"],
        ["retry"],
    ],
)
def test_the_commands_speak_the_locales_language(running: DaemonHarness, words: list[str]) -> None:
    """Or the one that the settings name; JSON stays as it is."""
    running.wait(lambda: running.status()["state"] == "ok")
    english = running.run(*words, LANG="en_GB.UTF-8")
    korean = running.run(*words, LANG="ko_KR.UTF-8")
    by_setting = running.run(*words, LANG="ko_KR.UTF-8", FITFERRY_WEB_LANGUAGE="en")

    assert korean.returncode == english.returncode
    assert words == ["uploads"] or re.search("[가-힣]", korean.stdout + korean.stderr)
    assert not re.search("[가-힣]", english.stdout + english.stderr)
    assert not re.search("[가-힣]", by_setting.stdout + by_setting.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        ["status"],
        ["check"],
        ["backlog"],
        ["inspect", str(SAMPLES / "course.fit"), str(SAMPLES / "edge_820_ride.fit")],
        ["upload", str(SAMPLES / "course.fit"), "/dev/null"],
        ["retry"],
        ["retry", "99"],
        ["uploads", "--limit", "x"],
        ["uploads", "--limit", "0"],
        ["uploads", "--status", "x"],
        ["uploads", "--limit"],
        ["uploads", "--limt"],
        ["uploads", "x"],
        ["upload"],
        ["uplods"],
        ["keys"],
    ],
)
def test_no_english_is_left_in_korean(stranger: DaemonHarness, words: list[str]) -> None:
    """By the settings, whatever the locale is: help, click's own words, and what the daemon says."""
    ended = stranger.run(*words, LANG="C.UTF-8", COLUMNS="200")

    assert re.search("[가-힣]", ended.stdout + ended.stderr)
    assert remnants(ended.stdout + ended.stderr) == []


@pytest.mark.parametrize("text", ['[web]\nlanguage = "ko"\nport = "x"', '[web]\nlanguage = "ko"\nprot = 1'])
def test_wrong_settings_are_told_in_their_own_language(home: DaemonHarness, text: str) -> None:
    """As long as it can be read what that is."""
    home.config.write_text(text, encoding="utf-8")
    ended = home.run("check", LANG="C.UTF-8")

    assert remnants(ended.stdout + ended.stderr) == []


def remnants(text: str) -> list[str]:
    """The English words in what was printed, without names, paths, keys, options and what is to be typed."""
    names = r"`[^`]*`|'[^']*'|\[[^]]*\]|\S*[/.:_=\d-]\S*|\b[A-Z]\w*"
    kept = {
        "fitferry",
        "fit",
        "cycling",
        "commuting",
        "garmin",
        "course",
        "overlay",
        "tmpfs",
    }  # a name, a format, what files say
    kept |= {
        "urls",
        "external",
        "all",
        "since",
        "folder",
        "rotate",
        "new",
        "list",
        "revoke",
        "end",
        "watch",
        "chmod",
        *COMMANDS,
    }  # what is to be typed, or stands so
    return [word for word in re.findall("[a-z]{3,}", re.sub(names, " ", text)) if word not in kept]
