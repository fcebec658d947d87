"""Make what is written of the settings anew from their schema: the example, the JSON schema, the READMEs' list."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from fitferry.config import template
from fitferry.config.keys import Key, keys
from fitferry.config.rules import SET, WHEN, RuleKey
from fitferry.config.schema import SECTIONS

ROOT = Path(__file__).parents[1]
READMES = (ROOT / "README.md", ROOT / "README.ko.md")
LIST = re.compile(r"(<!-- settings -->\n).*(<!-- /settings -->)", re.DOTALL)


def papers() -> dict[Path, str]:
    """Each file with what it should hold."""
    return {
        ROOT / "config.example.toml": template.example(),
        ROOT / "docs" / "config.schema.json": json_schema(),
        **{readme: with_settings(readme.read_text(encoding="utf-8")) for readme in READMES},
    }


def with_settings(readme: str) -> str:
    """A README with the list of the settings, which is the same in every language."""
    return LIST.sub(lambda found: f"{found[1]}{settings_list()}{found[2]}", readme)


def json_schema() -> str:
    """The settings file as a JSON schema, for editors."""
    names, components = msgspec.json.schema_components(
        SECTIONS.values(), schema_hook=_path_schema, ref_template="#/$defs/{name}"
    )
    sections = dict(zip(SECTIONS, names, strict=True))
    for section in SECTIONS:
        component = components[SECTIONS[section].__name__]
        component |= {"additionalProperties": False, "required": ["folder"] if section == "watch" else []}
        _show_defaults(component["properties"], section)
    sections["watch"] = {"type": "array", "items": sections["watch"]}
    rule = {
        "type": "object",
        "properties": {"when": _table_schema(WHEN), "set": _table_schema(SET)},
        "additionalProperties": False,
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of Fitferry",
        "type": "object",
        "properties": {**sections, "rule": {"type": "array", "items": rule}},
        "additionalProperties": False,
        "$defs": components,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _show_defaults(properties: Mapping[str, dict[str, object]], section: str) -> None:
    """Show the defaults as JSON has them, and none where the file names none."""
    for name, key in keys(section).items():
        properties[name].pop("default", None)
        if key.default is not None:
            properties[name]["default"] = json.loads(json.dumps(key.default))


def _table_schema(table: Mapping[str, RuleKey]) -> dict[str, object]:
    schemas = {name: msgspec.json.schema(key.type) for name, key in table.items()}
    properties = {name: {"description": str(table[name].expected), **schemas[name]} for name in table}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _path_schema(kind: type) -> dict[str, object]:
    if kind is Path:
        return {"type": "string"}
    raise NotImplementedError(kind)


def settings_list() -> str:
    """Every setting with its default, section by section, as Markdown."""
    lines = []
    for section in SECTIONS:
        head = "[[watch]]" if section == "watch" else f"[{section}]"
        lines.append(f"- `{head}` {', '.join(f'`{_key_line(key)}`' for key in keys(section).values())}")
    lines.append(f"- `[[rule]]` `when` ({', '.join(WHEN)}), `set` ({', '.join(SET)})")
    return "\n".join(lines) + "\n"


def _key_line(key: Key) -> str:
    return key.name if key.default is None else template.toml_line(key.name, key.default)


if __name__ == "__main__":
    for path, content in papers().items():
        path.write_text(content, encoding="utf-8")
