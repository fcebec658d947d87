"""What the papers say is so."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from fitferry.cli.main import all_commands
from layers import OWNERS, RANKS

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
DESIGN = (TOP / "DESIGN.md").read_text(encoding="utf-8")


def test_the_readme_shows_the_real_help() -> None:
    """Between its markers stands what `fitferry --help` prints."""
    command = [sys.executable, "-m", "fitferry", "--help"]
    printed = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"COLUMNS": "100"}
    ).stdout  # ourselves
    shown = README.split("<!-- help -->\n```\n")[1].split("```\n<!-- /help -->")[0]

    assert printed == shown


def test_commands_in_the_papers_exist() -> None:
    """In the README, the unit, the image and the Makefile."""
    texts = [
        README,
        *((TOP / name).read_text(encoding="utf-8") for name in ("Makefile", "systemd/fitferry.service")),
    ]
    named = {word for text in texts for word in re.findall(r"(?:/|`|    |-m )fitferry ([a-z][a-z-]*)", text)}
    image = (TOP / "Dockerfile").read_text(encoding="utf-8")
    named |= set(re.findall(r'"fitferry", "([a-z]+)"', image)) | set(re.findall(r'CMD \["([a-z]+)"\]', image))

    assert {"run", "init", "login", "status", "health", "demo"} <= named
    assert named <= set(all_commands())


def test_the_design_has_the_rows_of_the_layer_test() -> None:
    """Every part in its order, and each library in the row of its owner."""
    lines = DESIGN.split("| --- | --- | --- |\n")[1].split("\n\n")[0].splitlines()
    line_of = {part: line for line in lines for part in re.findall(r"`([a-z0-9]+)/?`", line.split("|")[1])}

    assert [part for row in RANKS for part in row if part != "__main__"] == list(line_of)
    owned = {library.replace("_", "-"): owner.split(".")[0] for library, owner in OWNERS.items()}
    assert [
        library for library, part in owned.items() if library not in line_of[part].replace("_", "-")
    ] == []


def test_no_label_in_a_diagram_ends_before_its_end() -> None:
    """Mermaid takes a semicolon for the end of a line."""
    assert [part for part in re.findall("(?s)```mermaid\n(.*?)```", DESIGN) if ";" in part] == []


def test_the_picture_of_the_layers_has_the_ranks_in_their_order() -> None:
    """From the highest to the lowest; the sandbox stands aside, and imports nothing of the rest."""
    picture = DESIGN.split("flowchart LR\n")[1].split("    demo --> sandbox\n```")[0]
    shown = re.sub(r'\w+\["([^"]+)"\]', r"\1", picture.replace("\n    uploads", ""))

    assert [node.strip().split(" · ") for node in shown.split("-->")] == [
        row for row in reversed(RANKS) if row not in (["__main__"], ["sandbox"])
    ]


def test_the_design_has_the_modules_that_a_file_passes() -> None:
    """In their order, as `tests/proofs/test_walk.py` finds them."""
    walk = (TOP / "tests/proofs/test_walk.py").read_text(encoding="utf-8")
    modules = re.findall(r'^    "(\w+/\w+)",$', walk.split("WAY = [")[1].split("]")[0], re.MULTILINE)
    shown = re.findall(r"`([\w/]+)`", DESIGN.split("In modules: ")[1].split(". ")[0])

    assert shown == [module.removesuffix("/__init__") for module in modules]


def test_the_lock_names_every_dependency_and_no_host() -> None:
    """Exact versions with hashes, for the image and for the tests."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {re.split(r"[<>=;\[ ]", line)[0].lower() for line in project["project"]["dependencies"]}
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (TOP / name).read_text(encoding="utf-8")
        locked = set(re.findall(r"^([a-z0-9-]+)==\S+", text, re.MULTILINE))
        assert needed <= locked
        assert "://" not in text
        assert text.count("--hash=sha256:") >= len(locked)


def test_dependencies_have_both_bounds() -> None:
    """A lower one that is known to work, and a cap below the next that may not."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["notify"]]

    assert [line for line in lines if ">=" not in line or "<" not in line.split(">=")[1]] == []


def test_links_between_the_papers_lead_somewhere() -> None:
    """Every relative link in a Markdown file names a file that exists, and a heading or an anchor in it."""
    papers = [*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")]
    dead = [
        f"{paper.relative_to(TOP)}: {link}#{anchor}"
        for paper in papers
        for link, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", paper.read_text(encoding="utf-8"))
        if not (paper.parent / link).exists()
        or (anchor and anchor not in _anchors(paper.parent / link if link else paper))
    ]

    assert dead == []


def _anchors(paper: Path) -> set[str]:
    """The names by which parts of a paper can be linked to, as GitHub makes them from headings."""
    text = paper.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


def test_the_readme_is_short() -> None:
    """A newcomer reads it in five minutes; the rest is in docs/."""
    assert len(README.encode()) <= 10_000


def test_the_korean_readme_has_what_the_english_one_has() -> None:
    """Section by section: the same commands, and the same papers, in Korean where there is one."""
    korean = (TOP / "README.ko.md").read_text(encoding="utf-8")
    for english_part, korean_part in zip(README.split("\n## "), korean.split("\n## "), strict=True):
        assert _typed(korean_part) == _typed(english_part)
        assert _linked(korean_part) == _linked(english_part)
    translated = {f"docs/{path.name}" for path in (TOP / "docs/ko").glob("*.md")}
    assert [paper for paper in translated if f"]({paper}" in korean] == []


def _typed(text: str) -> list[str]:
    """What is to be typed, without remarks."""
    lines = re.sub("(?s)```.*?```", "", text).splitlines()
    return [line.split(" #")[0].strip() for line in lines if line.startswith("    ")]


def _linked(text: str) -> set[str]:
    """The papers that a text leads to, by their English names."""
    links = set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.ko.md"}
    return {link.replace("docs/ko/", "docs/").replace("-korean-", "-") for link in links}
