"""What is said to people, in their language."""

from __future__ import annotations

import re
import string

import pytest

import catalogue
from fitferry.i18n.translator import LANGUAGES, LETTERS, LOCALE, fields, of_environment, say, words

OTHERS = LANGUAGES[1:]
KOREAN = words("ko")


def test_a_finished_sentence_is_known_by_its_template() -> None:
    """What was filled in stays, and is translated itself where it is a sentence."""
    assert KOREAN.of("48,128 of 81,234 bytes") == "81,234 바이트 중 48,128"
    assert KOREAN.of("not an activity: a course") == "활동이 아님: 코스"
    assert KOREAN.of("there is no athlete 'x y' in the settings") == "설정에 'x y'(이)라는 선수가 없습니다"
    assert KOREAN.say("{name} is connected as {who}", name="me", who="Sam") == "me: Sam(으)로 연결됨"
    assert KOREAN.say("is next") == "다음 차례"


def test_two_sentences_have_their_fixed_wording() -> None:
    """Which the people we build for have chosen."""
    assert (
        KOREAN.of("the sign-in is no longer valid; please try again")
        == "인증이 만료되었습니다. 다시 시도해주세요."
    )
    assert KOREAN.of("already on Strava") == "이미 Strava에 존재하는 활동입니다"


def test_what_is_not_known_stays_as_it_is() -> None:
    """Strava's own words, the system's, names."""
    for text in ("Malformed file", "No such file or directory", "", "{curly} braces", "100 %"):
        assert KOREAN.of(text) == text
    assert KOREAN.of(None) == ""
    assert words("en").of("already on Strava") == "already on Strava"
    assert words("xx").say("a {b}", b=1) == "a 1"


def test_braces_in_what_is_filled_in_do_no_harm() -> None:
    """A file may have any name."""
    assert "{0.__class__} %s" in KOREAN.of(f"{'{0.__class__} %s'} cannot be read (x)")
    assert say("{name} is away", name="{x}") == "{x} is away"
    assert say("100 % {of") == "100 % {of"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE", "LC_MESSAGES": "ko"}, "ko"),
        ({"LANGUAGE": "de:ko", "LANG": "en_GB"}, "ko"),
    ],
)
def test_the_locale_says_which_language(environ: dict[str, str], language: str) -> None:
    """As gettext reads it."""
    assert of_environment(environ) == language


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated(language: str) -> None:
    """Each one in the code and on the page, and none that is gone; `make words` gathers them."""
    there = {str(one.id): str(one.string) for one in catalogue.catalogue_of(language) if one.id}
    wanted = set(catalogue.messages())

    assert wanted - there.keys() == set()
    assert there.keys() - wanted == set()
    assert [text for text, said in there.items() if not said.strip()] == []
    assert len(wanted) > 400


@pytest.mark.parametrize("language", OTHERS)
def test_translations_fill_in_what_their_sentence_has(language: str) -> None:
    """No name that is not there, and no format: what is filled in is a text."""
    for one in catalogue.catalogue_of(language):
        if one.id:
            assert fields(str(one.string)) <= fields(str(one.id)), one.id
            assert not re.search(r"\{\w*[:!]", str(one.string)), one.id


def test_every_template_says_enough_of_its_own_to_be_known() -> None:
    """Of one with fewer than three letters a finished sentence would not be found again; pages fill in theirs later."""
    own = {
        text: "".join(part for part, *_ in string.Formatter().parse(text))
        for text, places in catalogue.messages().items()
        if fields(text) and not all(place.endswith(".html") for place in places)
    }
    assert [text for text, said in own.items() if sum(map(str.isalpha, said)) < LETTERS] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_the_program_reads_is_what_people_edit(language: str) -> None:
    """The compiled catalogue is up to date."""
    path = LOCALE / language / "LC_MESSAGES" / "fitferry.mo"

    assert path.read_bytes() == catalogue.compiled(catalogue.catalogue_of(language))


def test_sentences_are_found_wherever_they_stand() -> None:
    """In strings, f-strings and help; not in docstrings, comments and the log."""
    source = '''
"""A docstring of a module."""
@click.command()
def go():
    """Go there now."""
    _log.info("went there", reason=f"because {x} was")
    say("single")
    raise Refused("code", f"the file {path.name} and {error.strerror or 1} are gone")
    answer = {"some_key": "word", "other": "two words"}
'''

    assert sorted(catalogue.sentences(source)) == [
        "Go there now.",
        "single",
        "the file {name} and {value} are gone",
        "two words",
    ]
