"""Make what is written of the settings anew from their schema: the example, the JSON schema, the README's list."""

from __future__ import annotations

import re
from pathlib import Path

from fitferry.config import template

ROOT = Path(__file__).parents[1]
LIST = re.compile(r"(<!-- settings -->\n).*(<!-- /settings -->)", re.DOTALL)


def papers() -> dict[Path, str]:
    """Each file with what it should hold."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    return {
        ROOT / "config.example.toml": template.example(),
        ROOT / "docs" / "config.schema.json": template.json_schema(),
        readme: LIST.sub(lambda found: f"{found[1]}{template.settings_list()}{found[2]}", text),
    }


if __name__ == "__main__":
    for path, content in papers().items():
        path.write_text(content, encoding="utf-8")
