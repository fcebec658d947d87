"""What the papers name is there: tests, files, targets, events, metrics; and what there is of some kinds is named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from fakes import JOB
from fitferry.config.keys import all_keys
from fitferry.config.rules import SET, WHEN
from fitferry.core.rules import Subject, template_values
from fitferry.monitoring import prometheus
from fitferry.system import state_dir
from fitferry.uploads import hooks

TOP = Path(__file__).parents[2]
PAPERS = [*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")]
PACKAGE = TOP / "daemon" / "fitferry"
TEXTS = {paper: paper.read_text(encoding="utf-8") for paper in PAPERS}
GONE = {"CHANGELOG.md"}
"""Papers that may speak of what was."""


def names(pattern: str) -> list[tuple[str, str]]:
    """What a pattern finds in the papers: the paper's name, and the first group."""
    return [
        (paper.name, found)
        for paper, text in TEXTS.items()
        if paper.name not in GONE
        for found in re.findall(pattern, text)
    ]


def test_tests_that_are_named_exist() -> None:
    """By their whole names, or as far as an ellipsis."""
    tests = [path.read_text(encoding="utf-8") for path in (TOP / "tests").rglob("test_*.py")]
    there = {name for text in tests for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE)}
    there |= {path.stem for path in (TOP / "tests").rglob("test_*.py")}
    missing = [
        (paper, name)
        for paper, name in names(r"`(?:test_\w+\.py: )?(test_\w+…?)(?:`|\.py`)")
        if not any(one.startswith(name[:-1]) if name.endswith("…") else one == name for one in there)
    ]

    assert missing == []


def test_tests_stand_in_the_files_that_are_named_with_them() -> None:
    """A file, a colon, and its tests; a file without a folder is one of `tests/daemon`."""
    wrong = []
    for paper, text in TEXTS.items():
        for file, listed in re.findall(r"`([\w/]*test_\w+\.py)`: ((?:`test_\w+…?`(?:,\s+)?)+)", text):
            source = (TOP / file if "/" in file else TOP / "tests/daemon" / file).read_text(encoding="utf-8")
            wrong += [
                (paper.name, file, name)
                for name in re.findall(r"`(\w+)…?`", listed)
                if f"def {name}" not in source
            ]

    assert wrong == []


def test_files_that_are_named_exist() -> None:
    """Modules of the package, tests, tools, benches and what is installed."""
    places = (TOP, PACKAGE, PACKAGE / "inbox")
    missing = [
        (paper, name)
        for paper, name in names(
            r"`((?:[\w.-]+/)*[\w.-]+/[\w.-]+\.(?:py|toml|json|yaml|service|xml|sh|conf))`"
        )
        if not name.startswith(("/", "~"))
        if not any((place / name).exists() for place in places)
        if not (TOP / name.partition(" ")[0]).exists()
    ]
    benches = [
        (paper, name)
        for paper, name in names(r"`python (bench/[\w/]+(?:\.py)?)")
        if not (TOP / name).exists()
    ]

    assert missing + benches == []


def test_targets_that_are_named_exist() -> None:
    """Of `make`."""
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))

    assert [
        (paper, name) for paper, name in names(r"(?:`|    )make ([a-z0-9-]+)") if name not in targets
    ] == []


def test_makefile_says_of_each_target_that_it_is_no_file() -> None:
    """A folder of that name would stop it."""
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"[a-z0-9-]+", makefile.split(".PHONY:")[1].split("\nPYTHON")[0]))

    assert set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE)) == phony


@pytest.mark.parametrize("paper", ["docs/troubleshooting.md", "docs/ko/troubleshooting.md"])
def test_what_people_see_is_quoted_as_it_is(paper: str) -> None:
    """In the first column of the table of mistakes: words of a message, in the paper's language."""
    with (PACKAGE / "i18n/translations/ko/LC_MESSAGES/fitferry.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    said = [str(message.string if "/ko/" in paper else message.id) for message in messages]
    quoted = re.findall(
        r'"([^"]+)"', " ".join(re.findall(r"^\| ([^|]+) \|", TEXTS[TOP / paper], re.MULTILINE))
    )

    assert len(quoted) > 5
    assert [words for words in quoted if not any(words in message for message in said)] == []


@pytest.mark.parametrize("paper", sorted(path.name for path in (TOP / "docs/ko").glob("*.md")))
def test_a_korean_paper_has_the_sections_and_rows_of_the_english_one(paper: str) -> None:
    """As many of each."""
    english, korean = TEXTS[TOP / "docs" / paper], TEXTS[TOP / "docs/ko" / paper]

    for begins in ("## ", "| ", "   | "):
        assert korean.count(f"\n{begins}") == english.count(f"\n{begins}")


@pytest.mark.parametrize("paper", ["docs/troubleshooting.md", "docs/ko/troubleshooting.md"])
def test_the_state_folder_is_described_as_it_is(paper: str) -> None:
    """Each of its files, and no other."""
    described = next(part for part in TEXTS[TOP / paper].split("\n\n") if "| `state.db` |" in part)
    shown = set(re.findall(r"^\| `([^`]+)` \|", described, re.MULTILINE))
    fixed = {
        value
        for name, value in vars(state_dir).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    }
    copies = {"state.mark", "state-DATE.db", "before-update-….db", "state.db.damaged-TIME", "key"}

    assert {name.rstrip("/") for name in shown} == fixed | copies


def logged() -> Iterator[tuple[str, str]]:
    """The events of the log as the package writes them, each with an outcome that stands there as a word, or ""."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            called, event = ast.unparse(node.func), node.args[0].value
            if isinstance(event, str) and (
                called in {"log", "log_event", "link_notice.show"} or called.startswith("_log.")
            ):
                outcomes = [keyword.value for keyword in node.keywords if keyword.arg == "outcome"]
                yield (
                    event,
                    next((str(word.value) for word in outcomes if isinstance(word, ast.Constant)), ""),
                )


def exit_codes() -> set[str]:
    """The codes with which the daemon says why it cannot run."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "CannotRun":
                code = ast.unparse(node.args[1])
                found |= (
                    {code} if code.isdigit() else set(re.findall(rf"^{code} = (\d+)", source, re.MULTILINE))
                )
    return found


@pytest.mark.parametrize(
    ("paper", "begins"), [("README.md", "Exit codes of `run`: "), ("README.ko.md", "`run`의 종료 코드: ")]
)
def test_every_exit_code_of_run_is_named(paper: str, begins: str) -> None:
    """And no other but 0."""
    sentence = TEXTS[TOP / paper].split(begins)[1].split(".")[0]

    assert set(re.findall(r"\b\d+\b", sentence)) == exit_codes() | {"0"}


def test_variables_that_are_named_exist() -> None:
    """A setting's, a command's after an upload, or one that compose.yaml takes; and all of a command's are named."""
    settings = {f"{key.variable}" for key in all_keys()} | {"FITFERRY_CONFIG"}
    compose = set(re.findall(r"\$\{(\w+)", (TOP / "compose.yaml").read_text(encoding="utf-8")))
    command = set(hooks.environment(JOB))
    named = {name for _, name in names(r"\b(FITFERRY_[A-Z0-9_]*[A-Z0-9])\b")}

    assert named - settings - compose == command


def test_the_words_of_the_glossary_are_those_of_the_code() -> None:
    """Each stands there as a name or in a docstring, and the glossary is in the order of the alphabet."""
    table = TEXTS[TOP / "DESIGN.md"].split("| word | meaning |\n")[1].split("\n\n")[0]
    words = re.findall(r"^\| ([a-z -]+) \|", table, re.MULTILINE)
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))

    assert words == sorted(words)
    assert [word for word in words if not re.search(rf"\b{re.sub('[ -]', '[ _-]', word)}", code)] == []


def test_modules_that_docstrings_and_comments_name_exist() -> None:
    """As in `core.retry_policy`, with what is named in them; and files of the tree by their paths."""
    sources = [path for part in ("daemon", "tests", "bench", "tools") for path in (TOP / part).rglob("*.py")]
    folders = "|".join(sorted(path.name for path in PACKAGE.iterdir() if path.is_dir()))
    missing = []
    for path in sources:
        text = path.read_text(encoding="utf-8")
        missing += [
            (path.name, name)
            for name in re.findall(rf"`((?:{folders})(?:\.\w+)+)`", text)
            if not _is_there(name)
        ]
        missing += [
            (path.name, name)
            for name in re.findall(r"`((?:tests|tools|bench|docs)/[\w/.-]+\.\w+)`", text)
            if not (TOP / name).exists()
        ]

    assert missing == []


def _is_there(name: str) -> bool:
    """Whether the package has a module of a dotted name, or one with what stands behind the last dot."""
    path = PACKAGE.joinpath(*name.split("."))
    if path.is_dir() or path.with_suffix(".py").exists() or (TOP / name).exists():
        return True
    owner = path.parent / "__init__.py" if path.parent.is_dir() else path.parent.with_suffix(".py")
    return owner.exists() and re.search(rf"\b{path.name}\b", owner.read_text(encoding="utf-8")) is not None


def test_what_rules_may_say_is_described() -> None:
    """Each condition, each field, and each word in braces, and no other."""
    text = TEXTS[TOP / "docs/rules.md"].split("`when` may name")[1]
    conditions, changes, words = text.replace("Names and descriptions may hold", "`set` may name").split(
        "`set` may name"
    )
    subject = Subject("me", "a.fit", JOB)

    assert set(re.findall(r"`([a-z_]{4,})`", conditions)) == set(WHEN)
    assert set(re.findall(r"`([a-z_]{4,})`", changes)) == set(SET)
    assert set(re.findall(r"`\{(\w+)\}`", words)) == set(template_values(subject))


def test_addresses_that_are_named_exist() -> None:
    """Below /api, as docs/openapi.yaml has them."""
    openapi = (TOP / "docs/openapi.yaml").read_text(encoding="utf-8")
    there = set(re.findall(r"^  (/[^:]+):", openapi, re.MULTILINE))
    named = {name for _, name in names(r"(?:HOST|8480|`)(/api/v1/[\w/{}]+|/healthz|/metrics)")}

    assert named
    assert named - there == set()


def threads() -> Iterator[str]:
    """The names of the daemon's threads, without what is put in."""
    for path in PACKAGE.rglob("*.py"):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "threading.Thread",
                "WorkThread",
            }:
                named = [keyword.value for keyword in node.keywords if keyword.arg == "name"] or node.args[:1]
                for name in named:
                    first = name.values[0] if isinstance(name, ast.JoinedStr) else name
                    if isinstance(first, ast.Constant):
                        yield str(first.value).strip()


def test_every_thread_is_described() -> None:
    """And no other, beside those of libraries."""
    table = TEXTS[TOP / "DESIGN.md"].split("| thread | how many | what it does |\n")[1].split("\n\n")[0]
    shown = [
        name
        for column in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", column)
    ]

    assert sorted(shown) == sorted(threads())


def rows(paper: str, heading: str) -> set[str]:
    """The first column of the table below a heading of a paper."""
    below = TEXTS[TOP / "docs" / paper].split(f"## {heading}\n")[1].split("\n## ")[0]
    return {
        name
        for line in re.findall(r"^\| (`.*?) \|", below, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", line)
    }


def test_every_event_of_the_log_is_described() -> None:
    """And no other; each is one word in snake case, and so are the outcomes that the code spells out."""
    found = set(logged())
    table = TEXTS[TOP / "docs/monitoring.md"].split("| event | what happened | outcomes |\n")[1]
    outcomes_of = {
        event: set(re.findall(r"`(\w+)`", outcomes))
        for events, outcomes in re.findall(r"^\| (`.+?) \| .* \|(.*?)\|$", table, re.MULTILINE)
        for event in re.findall(r"`(\w+)`", events)
    }

    assert set(outcomes_of) == {event for event, _ in found}
    assert all(re.fullmatch(r"[a-z]+(?:_[a-z]+)*", event) for event, _ in found)
    assert [
        (event, outcome) for event, outcome in found if outcome and outcome not in outcomes_of[event]
    ] == []


def test_every_metric_is_described() -> None:
    """And no other."""
    source = Path(prometheus.__file__).read_text(encoding="utf-8")
    found = set(re.findall(r'"(fitferry_\w+)"', source))

    assert rows("monitoring.md", "Prometheus and Grafana") == found
