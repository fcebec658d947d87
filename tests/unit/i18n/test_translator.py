"""What is said to people, in their language."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

import translations
from compile_translations import compile_all
from fitferry.core.messages import TEMPLATES, Message, settings, strava, system, uploads, verbatim
from fitferry.i18n.translator import LANGUAGES, LOCALE, Translator, of_environment, translator

OTHERS = LANGUAGES[1:]
KOREAN = translator("ko")


def test_a_message_is_translated_by_its_code() -> None:
    """Its parameters are shown as that language shows them."""
    assert KOREAN.render(Message("unit_days", (("count", 3),))) == "3일"
    assert KOREAN.duration(7500) == "2시간 5분"
    assert translator("en").duration(7500) == "2 h 5 min"


def test_what_stands_in_a_parameter_is_not_translated_because_of_where_it_stands() -> None:
    """An athlete or a file may be called like a word of ours; a message in a parameter is one of ours."""
    path, reason = "a text", system.NOT_FOUND()
    shown = KOREAN.render(settings.FILE_UNREADABLE(path=path, reason=reason))

    assert path in shown
    assert "그런 파일이나 폴더가 없음" in shown
    assert KOREAN.render(verbatim("a text")) == "a text"


def test_the_usual_errors_of_the_system_are_translated_and_others_stay() -> None:
    """By their number, not by their words."""
    assert KOREAN.render(system.from_os_error(PermissionError(13, "Permission denied"))) == "권한 없음"
    assert KOREAN.render(system.from_os_error(OSError(9999, "Something odd"))) == "Something odd"
    assert str(system.from_os_error(OSError("no number"))) == "no number"
    assert (
        str(system.from_os_error(OSError(17, "no free name in the folder"))) == "no free name in the folder"
    )


def test_the_known_reasons_of_strava_are_translated_and_others_stay_its_words() -> None:
    """With and without the full stop."""
    rejected = uploads.REJECTED(answer=strava.from_strava("Time information is missing from file."))

    assert str(rejected) == "Strava cannot use the file: Time information is missing from file"
    assert KOREAN.render(rejected) == "Strava가 이 파일을 쓸 수 없습니다: 파일에 시각 정보가 없음"
    assert KOREAN.render(strava.from_strava("Too odd.")) == "Too odd."


def test_an_unknown_language_is_english() -> None:
    """So is one whose catalogue is not compiled."""
    assert translator("xx").render(system.NOT_FOUND()) == "No such file or directory"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "fr:ko:en"}, "ko"),
        ({"LC_MESSAGES": "ko@x"}, "ko"),
    ],
)
def test_the_language_is_that_of_the_locale(environ: dict[str, str], language: str) -> None:
    """As every other program reads it."""
    assert of_environment(environ) == language


@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language: str) -> None:
    """What Babel finds in the package; `make translations` brings the catalogue up to date."""
    catalog = translations.updated(language)

    assert translations.missing(catalog) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_placeholders_of_their_message(language: str) -> None:
    """No more, so that none stays empty; and with the same kinds, so that times stay times."""
    wrong = []
    for message in translations.updated(language):
        ids = message.id if isinstance(message.id, (tuple, list)) else [message.id]
        texts = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        allowed = {field for text in ids for field in _fields(str(text))}
        needed = _fields(str(ids[-1]))
        wrong += [
            str(text)
            for text in texts
            if text
            and str(ids[0])
            and not needed - {("count", "number"), ("number_type", "")} <= _fields(str(text)) <= allowed
        ]

    assert wrong == []


def _fields(text: str) -> set[tuple[str, str]]:
    return {(name, kind or "") for _, name, kind, _ in string.Formatter().parse(text) if name}


@pytest.mark.slow
def test_every_template_is_found_by_the_extraction() -> None:
    """Their texts are literals; one that is put together would stay English."""
    found = translations.template()

    assert [template.code for template in TEMPLATES.values() if template.text not in found] == []


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_the_one_that_people_edit(language: str, tmp_path: Path) -> None:
    """It is made by the build and by the tests, lies in no commit, and does not tell which Babel made it."""
    folder = tmp_path / language / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = LOCALE / language / "LC_MESSAGES" / "fitferry.po"
    (folder / "fitferry.po").write_bytes(source.read_bytes())
    (compiled,) = compile_all(tmp_path)

    assert compiled.read_bytes() == source.with_suffix(".mo").read_bytes()
    assert b"Babel" not in compiled.read_bytes()
    assert isinstance(translator(language), Translator)
