"""Write the FIT profile's names into the package, from a profile that somebody exported from a current SDK.

    python tools/fit_profile.py PROFILE.py

PROFILE.py: `fitparse/profile.py` of the package python-fitparse (MIT; 2.7.0 is of SDK 21.218, 2026-10-06), or
`fitdecode/profile.py` of fitdecode (MIT). It is read as text, never run. Between the two marks in the modules of
TARGETS everything is replaced; the names of makers and devices are data, in a file of their own. Run the formatter
afterwards.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "daemon" / "fitferry"
TARGETS = {
    PACKAGE / "core" / "sports.py": {"SPORTS": "sport", "SUB_SPORTS": "sub_sport"},
}
DATA = PACKAGE / "formats" / "fit" / "profile.json"
BEGIN, END = "# begin of what tools/fit_profile.py writes", "# end of what tools/fit_profile.py writes"
WIDTH = 108


def main() -> None:
    """Rewrite the tables."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    version = re.search(r"SDK VERSION ([\d.]+) ON (\d{4}-\d\d-\d\d)", text)
    if version is None:
        sys.exit("the profile does not say of which SDK it is")
    types = field_types(text)
    for path, tables in TARGETS.items():
        made = "\n".join(table(name, types[kind]) for name, kind in tables.items())
        source = f"# FIT profile {version[1]} of {version[2]}.\n# fmt: off\n{made}\n# fmt: on\n"
        path.write_text(replaced(path.read_text(encoding="utf-8"), source), encoding="utf-8")
        print(f"{path.name}: {', '.join(f'{len(types[kind])} {name}' for name, kind in tables.items())}")
    names = {kind: dict(sorted(types[kind].items())) for kind in ("manufacturer", "garmin_product")}
    DATA.write_text(
        json.dumps({"sdk": f"{version[1]} of {version[2]}", **names}, indent=1) + "\n", encoding="ascii"
    )


def field_types(text: str) -> dict[str, dict[int, str]]:
    """Names by number of each type in a profile."""
    assignments = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    tables = [node.value for node in assignments if ast.unparse(node.targets[0]) == "FIELD_TYPES"]
    if not tables:
        sys.exit("the profile has no FIELD_TYPES")
    found: dict[str, dict[int, str]] = {}
    for node in ast.walk(tables[0]):
        if isinstance(node, ast.Call):
            values = {keyword.arg: keyword.value for keyword in node.keywords}
            names = values.get("values") or values.get("enum")
            if names is not None:
                found[ast.literal_eval(values["name"])] = ast.literal_eval(names)
    return found


def table(name: str, names: dict[int, str]) -> str:
    """The source of one table, as many entries in a line as fit."""
    lines, line = [f"{name}: dict[int, str] = {{"], "   "
    for number, text in sorted(names.items()):
        entry = f' {number}: "{text}",'
        if len(line) + len(entry) > WIDTH:
            lines.append(line)
            line = "   "
        line += entry
    return "\n".join([*lines, line, "}"])


def replaced(text: str, source: str) -> str:
    """A module's text with what stands between the marks replaced."""
    before, _, rest = text.partition(f"{BEGIN}\n")
    _, mark, after = rest.partition(END)
    if not mark:
        sys.exit("the marks are missing")
    return f"{before}{BEGIN}\n{source}{END}{after}"


if __name__ == "__main__":
    main()
