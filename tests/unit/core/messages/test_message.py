"""Messages are data until they are shown, and every template has one code, a use, and callers that agree with it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import fitferry
from fitferry.core import messages
from fitferry.core.messages import (
    TEMPLATES,
    Message,
    Renderer,
    Template,
    as_message,
    define,
    define_plural,
    placeholders,
    verbatim,
)

PACKAGE = Path(fitferry.__file__).parent
NOON = 1_790_035_200.0


@pytest.fixture
def _templates() -> Iterator[None]:
    """Room for templates of a test."""
    before = set(TEMPLATES)
    yield
    for code in TEMPLATES.keys() - before:
        del TEMPLATES[code]


@pytest.mark.usefixtures("_templates")
def test_a_message_is_shown_in_english_with_raw_parameters_formatted() -> None:
    """The kind in the placeholder says how."""
    everything = define(
        "everything",
        "{name}: {have:number} of {size:bytes} in {wait:duration} at {when:time}, {day:day}",
    )
    message = everything(name="a {b}", have=1234, size=25_000_000, wait=7500, when=NOON, day=NOON)

    assert str(message) == "a {b}: 1,234 of 25 MB in 2 h 5 min at 2026-09-22 00:00 UTC, 2026-09-22"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1, "1 s"),
        (2.46, "2.5 s"),
        (59.94, "59.9 s"),
        (60, "1 min"),
        (90, "2 min"),
        (3569, "59 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (165_900, "46 h 5 min"),
        (172_740, "47 h 59 min"),
        (172_800, "2 days"),
        (172_860, "2 days"),
        (302_400, "4 days"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, shown: str) -> None:
    """No more than two units."""
    assert Renderer().duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (208_000, "208 kB"),
        (1_000_000, "1 MB"),
        (1_440_000, "1.4 MB"),
        (1_000_000_000, "1 GB"),
    ],
)
def test_sizes_read_as_people_say_them(count: int, shown: str) -> None:
    """With one decimal where there is one."""
    assert Renderer().bytes(count) == shown


@pytest.mark.usefixtures("_templates")
def test_count_chooses_the_form() -> None:
    """One is one, everything else several."""
    files = define_plural("n_files", "one file", "{count:number} files")

    assert [str(files(count=count)) for count in (0, 1, 2_000)] == ["0 files", "one file", "2,000 files"]


@pytest.mark.usefixtures("_templates")
def test_a_parameter_may_be_a_message_or_several() -> None:
    """A reason inside a reason."""
    reason = define("reason", "because of {why}")
    rain, wind = define("rain", "rain")(), define("wind", "wind")()

    assert str(reason(why=rain)) == "because of rain"
    assert str(reason(why=(rain, wind, "snow"))) == "because of rain, wind, snow"


@pytest.mark.usefixtures("_templates")
def test_messages_survive_being_stored() -> None:
    """With everything inside them, so that they can be compared and kept in sets."""
    reason = define("reason", "{why}, {list}, {n:number}, {x}")
    message = reason(why=verbatim("Zwölf"), list=(verbatim("a"), "b"), n=1.5, x=None)

    stored = Message.from_json(message.to_json())

    assert stored == message
    assert len({stored, message}) == 1
    assert "Zwölf" in message.to_json()


@pytest.mark.usefixtures("_templates")
def test_a_parameter_of_no_kind_is_shown_as_it_is() -> None:
    """Nothing as nothing, and in quotes where the template asks for them."""
    said = define("said", "{what}{nothing}, {quoted!r}")

    assert str(said(what="a", nothing=None, quoted="b")) == "a, 'b'"


def test_words_become_a_message_and_a_message_stays_one() -> None:
    """So that both can be given as a reason."""
    message = Message("unit_bytes", (("count", 1),))

    assert (as_message("words"), as_message(message)) == (verbatim("words"), message)


def test_only_a_number_chooses_a_form() -> None:
    """Gettext fails on everything else."""
    counts: list[int | None] = []

    class Language(Renderer):
        def text(self, template: Template, count: int | None) -> str:
            counts.append(count)
            return template.text

    for count in (3, "many"):
        Language().render(Message("unit_bytes", (("count", count),)))

    assert counts == [3, None]


@pytest.mark.parametrize("text", ["", "x", "[]", "1", '"a"', '{"code": 1, "params": {}}', '{"code": "a"}'])
def test_what_is_no_message_is_not_taken_for_one(text: str) -> None:
    """One planned error for all."""
    with pytest.raises(ValueError):  # noqa: PT011  # json's own error is one of them
        Message.from_json(text)


def test_messages_of_another_version_are_shown_all_the_same() -> None:
    """A database may be newer or older than the templates."""
    assert str(Message("from_the_future", (("n", 3),))) == "from_the_future (n=3)"
    assert str(Message("without_parameters")) == "without_parameters"
    assert str(Message("verbatim")) == "?"
    assert str(Message("unit_bytes", (("count", "many"),))) == "many bytes"


@pytest.mark.usefixtures("_templates")
def test_a_template_takes_its_own_parameters_only() -> None:
    """A slip shows where it is made, not where it is read."""
    with pytest.raises(TypeError, match="takes"):
        verbatim.__globals__["VERBATIM"](words="x")
    with pytest.raises(ValueError, match="twice"):
        define("verbatim", "{text}")
    with pytest.raises(ValueError, match="no placeholder"):
        define("odd", "{text:odd}")


def _names() -> dict[str, Template]:
    """Every template by area and name, as `files.NOT_WHOLE`."""
    return {
        f"{area.__name__.rpartition('.')[2]}.{name}": value
        for area in vars(messages).values()
        if isinstance(area, ModuleType) and area is not messages.message
        for name, value in vars(area).items()
        if isinstance(value, Template)
    }


def _called(node: ast.expr) -> str:
    """A template as it is written, by its area's own name where a module imports it under another."""
    return ast.unparse(node).replace("upload_messages.", "uploads.")


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_every_template_is_used() -> None:
    """A sentence that nothing says is removed, and its translations with it."""
    used = {
        _called(node) for path, tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    inside = {
        f"{path.stem}.{node.id}"
        for path, tree in _trees()
        if path.parent.name == "messages"
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }

    assert sorted(set(_names()) - used - inside) == []


@pytest.mark.slow
def test_every_call_gives_the_parameters_of_its_template() -> None:
    """Checked in the source, also on the ways that no test goes."""
    names = _names()
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {ast.unparse(node.func)}"
        for path, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (template := names.get(_called(node.func)))
        and not any(keyword.arg is None for keyword in node.keywords)
        and (
            node.args
            or {keyword.arg for keyword in node.keywords}
            != placeholders(template.text) | placeholders(template.plural or "")
        )
    ]

    assert wrong == []


def test_every_template_has_one_code() -> None:
    """Each name in the areas stands for a code of its own, and each code for a name."""
    codes = [template.code for template in _names().values()]

    assert sorted(codes) == sorted(set(codes))
    assert set(codes) <= TEMPLATES.keys()
