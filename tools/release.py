"""What a release needs: one version, an owner, pinned actions and base, a dated section of the changelog.

    python tools/release.py prepare --owner NAME --registry HOST --contact ADDRESS --base-digest sha256:…
    python tools/release.py check [--tag v0.2.0]
    python tools/release.py notes

`prepare` writes into the tree what only the owner of the published project can know, and pins every action of the
workflows to the commit that its tag names today. `check` refuses a tree where one of that is missing. `notes` prints
the changelog of this version.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

TOP = Path(__file__).parent.parent
FORGE = "https://github.com"
CONTACT = "security@example.invalid"
"""Stands where the address of the maintainers belongs."""
FILLED = {
    "pyproject.toml": ("OWNER/fitferry",),
    "SECURITY.md": ("OWNER/fitferry", CONTACT),
    "compose.yaml": (":-REGISTRY}", ":-OWNER}"),
    "packaging/fitferry.container": ("REGISTRY/OWNER/",),
    "packaging/unraid.xml": ("REGISTRY/OWNER/", "OWNER/fitferry"),
    "packaging/debian/control": ("OWNER/fitferry", CONTACT),
    ".github/ISSUE_TEMPLATE/config.yml": ("OWNER/fitferry",),
}
"""The files that name owner, registry or contact, and what stands there until they are known."""
USES = re.compile(r"(?m)^(\s*(?:-\s+)?uses:\s+)([\w.-]+/[\w.-]+)((?:/[\w./-]+)?)@(\S+)(?:[ \t]+#.*)?$")
"""A step's action: repository, path in it, what it is pinned to."""
COMMIT = re.compile(r"[0-9a-f]{40}")
BASE = re.compile(r"(?m)^(ARG BASE=[^@\s]+)(?:@(sha256:[0-9a-f]{64}))?$")
"""The image that the Dockerfile builds on, and its digest."""
VERSION = re.compile(r'(?m)^__version__ = "([^"]+)"$')


class NotReady(Exception):
    """The tree cannot be released; the problems, one a line."""


def project_version(top: Path = TOP) -> str:
    """The version, from the one place that has it."""
    found = VERSION.search((top / "daemon/fitferry/__init__.py").read_text(encoding="utf-8"))
    if found is None:
        raise NotReady("daemon/fitferry/__init__.py has no __version__")
    return found[1]


def commit_time(top: Path = TOP) -> int:
    """Seconds since 1970 that stand in everything built: $SOURCE_DATE_EPOCH, else the last commit's."""
    if os.environ.get("SOURCE_DATE_EPOCH"):
        return int(os.environ["SOURCE_DATE_EPOCH"])
    ended = subprocess.run(
        ["git", "-C", str(top), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise NotReady("no git here: set SOURCE_DATE_EPOCH")
    return int(ended.stdout)


def notes(top: Path = TOP) -> str:
    """The changelog's section of this version, without its heading."""
    version = project_version(top)
    text = (top / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"(?ms)^## {re.escape(version)} .*?\n(.*?)(?=^## |\Z)", text)
    return found[1].strip() if found else ""


def workflows(top: Path) -> list[Path]:
    """The workflow files."""
    return sorted((top / ".github/workflows").glob("*.yml"))


def problems(top: Path = TOP, tag: str | None = None) -> Iterator[str]:
    """Everything that stands in the way of a release of this tree."""
    version = project_version(top)
    if tag is not None and tag != f"v{version}":
        yield f"the tag is {tag}, the version {version}"
    changelog = (top / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"(?m)^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$", changelog):
        yield f"CHANGELOG.md has no line '## {version} - YYYY-MM-DD'"
    elif not notes(top):
        yield f"CHANGELOG.md says nothing of {version}"
    for name, words in FILLED.items():
        text = (top / name).read_text(encoding="utf-8")
        yield from (f"{name} still says {word}" for word in words if word in text)
    yield from unpinned(top)


def unpinned(top: Path) -> Iterator[str]:
    """What others publish and could change."""
    for path in workflows(top):
        for _, repository, _, ref in USES.findall(path.read_text(encoding="utf-8")):
            if not COMMIT.fullmatch(ref):
                yield f"{path.name}: {repository}@{ref} is not pinned to a commit"
    base = BASE.search((top / "Dockerfile").read_text(encoding="utf-8"))
    if base is None or base[2] is None:
        yield "Dockerfile: BASE is not pinned by a digest"


def check(top: Path = TOP, tag: str | None = None) -> None:
    """Raise NotReady with every problem."""
    found = list(problems(top, tag))
    if found:
        raise NotReady("\n".join(found))


def remote_tags(url: str) -> dict[str, str]:
    """Each tag of a repository with the commit that it names."""
    ended = subprocess.run(
        ["git", "ls-remote", "--tags", "--", url], capture_output=True, text=True, check=True
    )
    tags: dict[str, str] = {}
    for line in ended.stdout.splitlines():
        commit, _, name = line.partition("\trefs/tags/")
        # An annotated tag is listed twice; the second line, with ^{}, has its commit.
        tags[name.removesuffix("^{}")] = commit
    return tags


def pinned(text: str, tags_of: Callable[[str], dict[str, str]]) -> str:
    """A workflow with each action pinned to a commit, and the most precise tag of that commit beside it."""

    def pin(use: re.Match[str]) -> str:
        start, repository, path, ref = use.groups()
        if COMMIT.fullmatch(ref):
            return use[0]
        tags = tags_of(repository)
        if ref not in tags:
            raise NotReady(f"{repository} has no tag {ref}")
        names = [name for name, commit in tags.items() if commit == tags[ref]]
        return (
            f"{start}{repository}{path}@{tags[ref]} # {max(names, key=lambda name: (name.count('.'), name))}"
        )

    return USES.sub(pin, text)


def prepare(
    top: Path, *, owner: str, registry: str, contact: str, base_digest: str, forge: str = FORGE
) -> None:
    """Fill in what only the owner knows, and pin what others publish. Raises NotReady for a wrong value."""
    for name, value, shape in (
        ("owner", owner, r"[A-Za-z0-9][A-Za-z0-9-]*"),
        ("registry", registry, r"[a-z0-9.-]+(:\d+)?"),
        ("contact", contact, r"[^@\s]+@[^@\s]+\.[^@\s]+"),
        ("base-digest", base_digest, r"sha256:[0-9a-f]{64}"),
    ):
        if not re.fullmatch(shape, value):
            raise NotReady(f"--{name}: {value!r} cannot be right")
    known: dict[str, dict[str, str]] = {}

    def tags_of(repository: str) -> dict[str, str]:
        if repository not in known:
            known[repository] = remote_tags(f"{forge}/{repository}")
        return known[repository]

    texts = {path: pinned(path.read_text(encoding="utf-8"), tags_of) for path in workflows(top)}
    # The names of images are in lower case, whatever the account's name is.
    values = {"OWNER/fitferry": f"{owner}/fitferry", CONTACT: contact, ":-REGISTRY}": f":-{registry}}}"}
    values |= {":-OWNER}": f":-{owner.lower()}}}", "REGISTRY/OWNER/": f"{registry}/{owner.lower()}/"}
    for name, words in FILLED.items():
        text = (top / name).read_text(encoding="utf-8")
        for word in sorted(words, key=len, reverse=True):
            text = text.replace(word, values[word])
        texts[top / name] = text
    dockerfile = (top / "Dockerfile").read_text(encoding="utf-8")
    texts[top / "Dockerfile"] = BASE.sub(rf"\1@{base_digest}", dockerfile)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """Do what was asked; exit 1 with the problems."""
    parser = argparse.ArgumentParser(description="Prepare and check a release.")
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check")
    checking.add_argument("--tag")
    preparing = commands.add_parser("prepare")
    for name in ("owner", "registry", "contact", "base-digest"):
        preparing.add_argument(f"--{name}", required=True)
    preparing.add_argument("--forge", default=FORGE)
    commands.add_parser("notes")
    given = parser.parse_args()
    try:
        if given.command == "check":
            check(tag=given.tag)
            print(f"{project_version()} can be released")
        elif given.command == "prepare":
            prepare(
                TOP,
                owner=given.owner,
                registry=given.registry,
                contact=given.contact,
                base_digest=given.base_digest,
                forge=given.forge,
            )
        else:
            print(notes())
    except NotReady as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
