"""Write the bill of materials of what people install, as CycloneDX: `python tools/sbom.py FOLDER`.

cyclonedx-py reads the lock, which the image, the Debian packages and the wheel's own bounds are made from, and knows
each package's name, version and hashes. It does not see the version of Fitferry itself, which is not in pyproject.toml.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from release import TOP, project_version


def bill_of_materials() -> str:
    """The CycloneDX document; the same for the same tree."""
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements"]
    command += ["--pyproject", str(TOP / "pyproject.toml"), "--mc-type", "application"]
    command += ["--output-reproducible", "--validate", str(TOP / "requirements.lock")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    document = json.loads(ended.stdout)
    component = document["metadata"]["component"]
    component["version"] = project_version()
    component["purl"] = f"pkg:pypi/fitferry@{component['version']}"
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write it, named after the version."""
    path = Path(sys.argv[1]) / f"fitferry-{project_version()}.cdx.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(bill_of_materials(), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
