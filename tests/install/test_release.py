"""What a release is made from: nothing left to fill in, everything of others pinned, a lint for each paper."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

import release
import sbom

TOP = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
ACTIONLINT = shutil.which("actionlint", path=str(BIN))
ZIZMOR = shutil.which("zizmor", path=str(BIN))
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what a release reads and writes."""
    copy = tmp_path / "tree"
    names = {*release.FILLED, "Dockerfile", "CHANGELOG.md", "daemon/fitferry/__init__.py"}
    for name in names | {str(path.relative_to(TOP)) for path in release.workflows(TOP)}:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, copy / name)
    version = release.project_version()
    changelog = re.sub(
        rf"(?m)^## {re.escape(version)} .*$",
        f"## {version} - 2026-12-01",
        (TOP / "CHANGELOG.md").read_text(encoding="utf-8"),
    )
    (copy / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    return copy


@pytest.fixture
def forge(tmp_path: Path) -> Path:
    """A forge with every action that the workflows use; each major tag is also a precise one."""
    folder = tmp_path / "forge"
    texts = [path.read_text(encoding="utf-8") for path in release.workflows(TOP)]
    for repository, ref in {(found[1], found[3]) for text in texts for found in release.USES.findall(text)}:
        place = folder / repository
        if not place.exists():
            place.mkdir(parents=True)
            git(place, "init", "--quiet")
            git(place, "commit", "--quiet", "--allow-empty", "--message=one")
        git(place, "tag", "--annotate", "--message=x", ref)
        git(place, "tag", f"{ref}.1.2")
    return folder


def git(place: Path, *words: str) -> str:
    """What git prints."""
    command = ["git", "-C", str(place), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def prepare(tree: Path, forge: Path, **changed: str) -> None:
    """Fill in a whole tree."""
    values = {"owner": "Alice", "registry": "images.example", "contact": "a@b.example", "base_digest": DIGEST}
    release.prepare(tree, forge=f"file://{forge}", **{**values, **changed})


def test_a_tree_that_nobody_prepared_is_refused(tree: Path) -> None:
    """Every action, every blank and the base are named."""
    with pytest.raises(release.NotReady) as refused:
        release.check(tree, f"v{release.project_version()}")

    refusal = str(refused.value)
    assert "actions/checkout" in refusal
    assert "is not pinned to a commit" in refusal
    assert "Dockerfile: BASE is not pinned by a digest" in refusal
    assert {line.split(" still says ")[0] for line in refusal.splitlines() if " still says " in line} == set(
        release.FILLED
    )


def test_a_prepared_tree_can_be_released(tree: Path, forge: Path) -> None:
    """Each action is pinned to the commit that its tag named, with the precise tag beside it for dependabot."""
    prepare(tree, forge)

    release.check(tree, f"v{release.project_version()}")
    commit = git(forge / "actions/checkout", "rev-parse", "HEAD")
    workflow = (tree / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert re.search(rf"actions/checkout@{commit} # v\d+\.1\.2\n", workflow)
    compose = yaml.safe_load((tree / "compose.yaml").read_text(encoding="utf-8"))
    image = compose["services"]["fitferry"]["image"]
    assert image == (
        "${FITFERRY_REGISTRY:-images.example}/${FITFERRY_OWNER:-alice}/fitferry:${FITFERRY_VERSION:-latest}"
    )
    container = (tree / "packaging/fitferry.container").read_text(encoding="utf-8")
    assert "Image=images.example/alice/fitferry:latest\n" in container
    assert "FROM ${BASE}" in (tree / "Dockerfile").read_text(encoding="utf-8")


def test_preparing_twice_changes_nothing_more(tree: Path, forge: Path) -> None:
    """What is pinned stays pinned; dependabot moves it on."""
    prepare(tree, forge)
    first = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    git(forge / "actions/checkout", "commit", "--quiet", "--allow-empty", "--message=two")

    prepare(tree, forge)

    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == first


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (".github/workflows/ci.yml", r"@[0-9a-f]{40} # \S+", "@main", "is not pinned to a commit"),
        ("Dockerfile", "@sha256:a+", "", "not pinned by a digest"),
        ("CHANGELOG.md", r" - 2026-12-01", " - unreleased", "has no line"),
        ("CHANGELOG.md", r"(?s)( - 2026-12-01\n).*", r"\1", "says nothing of"),
        ("SECURITY.md", "a@b.example", release.CONTACT, "still says"),
    ],
)
def test_one_thing_missing_is_enough(
    tree: Path, forge: Path, name: str, old: str, new: str, words: str
) -> None:
    """For a refusal."""
    prepare(tree, forge)
    text = (tree / name).read_text(encoding="utf-8")
    changed = re.sub(old, new, text, count=1)
    assert changed != text
    (tree / name).write_text(changed, encoding="utf-8")

    with pytest.raises(release.NotReady, match=words):
        release.check(tree)


def test_another_tag_than_the_version_is_refused(tree: Path, forge: Path) -> None:
    """A tag is set by hand."""
    prepare(tree, forge)

    with pytest.raises(release.NotReady, match=r"the tag is v9\.9\.9"):
        release.check(tree, "v9.9.9")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner", "a/b"),
        ("registry", "https://x"),
        ("contact", "nobody"),
        ("base_digest", "sha256:short"),
    ],
)
def test_a_value_that_cannot_be_right_changes_nothing(tree: Path, forge: Path, name: str, value: str) -> None:
    """And is named."""
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}

    with pytest.raises(release.NotReady, match=name.replace("_", "-")):
        prepare(tree, forge, **{name: value})

    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_an_action_without_that_tag_changes_nothing(tree: Path, forge: Path) -> None:
    """A tag that is gone is no reason to pin something else."""
    git(forge / "actions/checkout", "tag", "--delete", *git(forge / "actions/checkout", "tag").split())

    with pytest.raises(release.NotReady, match="actions/checkout has no tag"):
        prepare(tree, forge)
    assert "OWNER/fitferry" in (tree / "pyproject.toml").read_text(encoding="utf-8")


def test_the_changelog_begins_with_this_version() -> None:
    """Dated, or not yet."""
    headings = re.findall(r"(?m)^## (.*)$", (TOP / "CHANGELOG.md").read_text(encoding="utf-8"))

    assert re.fullmatch(
        rf"{re.escape(release.project_version())} - (unreleased|\d{{4}}-\d\d-\d\d)", headings[0]
    )
    assert release.notes()


@pytest.mark.skipif(ACTIONLINT is None, reason="actionlint has no wheel for this machine")
def test_actionlint_has_nothing_to_say_of_the_workflows() -> None:
    """Syntax, expressions, runners, shells."""
    ended = subprocess.run(
        [str(ACTIONLINT), "-no-color", *map(str, release.workflows(TOP))],
        capture_output=True,
        text=True,
        check=False,
        cwd=TOP,
    )

    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.skipif(ZIZMOR is None, reason="zizmor is not installed")
def test_zizmor_has_nothing_to_say_of_the_workflows() -> None:
    """Permissions, injections, credentials that stay behind; in its strictest persona but one."""
    ended = subprocess.run(
        [str(ZIZMOR), "--offline", "--no-progress", "--color=never", "--persona=pedantic", str(TOP)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr


def workflow(name: str) -> Any:
    """A workflow as YAML has it."""
    return yaml.safe_load((TOP / ".github/workflows" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [path.name for path in release.workflows(TOP)])
def test_workflows_may_only_read_unless_a_job_says_more(name: str) -> None:
    """And every job says what it may."""
    read = workflow(name)

    assert read["permissions"] in ({}, {"contents": "read"})
    assert [job for job, told in read["jobs"].items() if "permissions" not in told] == []


@pytest.mark.parametrize("name", [path.name for path in release.workflows(TOP)])
def test_workflows_call_targets_that_exist(name: str) -> None:
    """What is tested here is what runs there."""
    targets = set(re.findall(r"(?m)^([a-z-]+):", (TOP / "Makefile").read_text(encoding="utf-8")))
    steps = [step for job in workflow(name)["jobs"].values() for step in job["steps"]]
    called = {word for step in steps for word in re.findall(r"(?:^|\s)make ([a-z-]+)", step.get("run", ""))}

    assert called
    assert called <= targets


def test_ci_tests_each_python_that_is_promised() -> None:
    """The classifiers are what people see on the index."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    matrices = [
        job["strategy"]["matrix"]["python"]
        for job in workflow("ci.yml")["jobs"].values()
        if "strategy" in job
    ]

    assert promised[0] == project["requires-python"].removeprefix(">=")
    assert promised in matrices


def test_what_can_be_pasted_needs_no_file_beside_it() -> None:
    """Each variable of compose.yaml has a value, nothing is built, no secret file is required."""
    text = (TOP / "compose.yaml").read_text(encoding="utf-8")
    service = yaml.safe_load(text)["services"]["fitferry"]

    assert [one for one in re.findall(r"\$\{([^}]*)\}", text) if ":-" not in one and one != "NAME"] == []
    assert "build" not in service
    assert "secrets" not in service
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (
        True,
        ["ALL"],
        ["no-new-privileges:true"],
    )


def test_a_clone_builds_what_compose_names() -> None:
    """compose.override.yaml is read beside compose.yaml by itself."""
    override = yaml.safe_load((TOP / "compose.override.yaml").read_text(encoding="utf-8"))

    assert override["services"]["fitferry"] == {"build": ".", "image": "fitferry"}


def test_the_unraid_template_says_what_compose_says() -> None:
    """The port, the folders, the variables."""
    template = ET.parse(TOP / "packaging/unraid.xml").getroot()  # noqa: S314  # ours
    targets = {config.attrib["Target"]: config.attrib["Type"] for config in template.iter("Config")}
    service = yaml.safe_load((TOP / "compose.yaml").read_text(encoding="utf-8"))["services"]["fitferry"]

    assert targets["8480"] == "Port"
    assert (targets["/config"], targets["/rides"]) == ("Path", "Path")
    variables = {name for name, kind in targets.items() if kind == "Variable"}
    assert variables <= set(service["environment"])
    extra = template.findtext("ExtraParams") or ""
    assert "--read-only" in extra
    assert "--cap-drop ALL" in extra


def test_dependabot_looks_after_everything_that_is_pinned() -> None:
    """Python's packages, the actions, the image's base."""
    read = yaml.safe_load((TOP / ".github/dependabot.yml").read_text(encoding="utf-8"))

    assert {one["package-ecosystem"] for one in read["updates"]} == {"pip", "github-actions", "docker"}


def test_hooks_are_those_of_make_check() -> None:
    """One set of tools, pinned in one file."""
    read = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = {hook["id"] for repo in read["repos"] for hook in repo["hooks"]}

    assert [repo["repo"] for repo in read["repos"]] == ["local"]
    assert hooks == {"ruff-format", "ruff", "codespell", "mypy"}


def test_the_bill_of_materials_names_every_locked_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """With version and hashes; and nothing that would differ the next time."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    read = json.loads(sbom.bill_of_materials())
    lock = (TOP / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"(?m)^([a-z0-9-]+)==([^ ;]+)", lock))

    assert {(part["name"], part["version"]) for part in read["components"]} == locked
    assert all(part["externalReferences"][0]["hashes"] for part in read["components"])
    assert read["metadata"]["component"]["version"] == release.project_version()
    assert "serialNumber" not in read
    assert "timestamp" not in read["metadata"]


def test_nothing_is_misspelt() -> None:
    """As codespell has it."""
    ended = subprocess.run([str(BIN / "codespell")], cwd=TOP, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (0, "")
