"""What kind of filesystem a folder is on."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitferry.system import mounts

TABLE = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /mnt/nas rw - cifs //nas/rides rw
31 22 0:41 / /mnt/with\\040space rw - nfs4 nas:/rides rw
32 30 254:1 / /mnt/nas/local rw - ext4 /dev/vdb rw
33 22 0:42 / /mnt/user rw - fuse.shfs shfs rw
34 22 0:43 / /mnt/ssh rw - fuse.sshfs host: rw
35 22 0:44 / /mnt/over rw - ext4 /dev/vdc rw
36 22 0:45 / /mnt/over rw - 9p host rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "network", "hides"),
    [
        ("/srv/rides", "ext4", False, False),
        ("/mnt/nas/rides", "cifs", True, True),
        ("/mnt/nasty", "ext4", False, False),
        ("/mnt/nas/local/x", "ext4", False, False),
        ("/mnt/with space/x", "nfs4", True, True),
        ("/mnt/user/appdata", "fuse.shfs", False, True),
        ("/mnt/ssh", "fuse.sshfs", True, True),
        ("/mnt/over/x", "9p", True, True),
    ],
)
def test_the_innermost_and_newest_mount_counts(
    tmp_path: Path, path: str, kind: str, network: bool, hides: bool
) -> None:
    """Network mounts cannot hold a database; they and FUSE hide what others write."""
    table = tmp_path / "mountinfo"
    table.write_text(TABLE, encoding="utf-8")

    assert kind == mounts.filesystem(Path(path), table)
    assert (network, hides) == (mounts.is_network(kind), mounts.needs_polling(kind))


def test_without_the_kernels_table_nothing_is_assumed(tmp_path: Path) -> None:
    """As on other systems than Linux."""
    kind = mounts.filesystem(tmp_path, tmp_path / "missing")

    assert (kind, mounts.is_network(kind), mounts.needs_polling(kind)) == ("", False, False)
