"""The state folder, and who holds it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fitferry.core.errors import CannotRun
from fitferry.system import lockfile, state_dir


def test_a_new_folder_lets_others_through_and_nothing_more(tmp_path: Path) -> None:
    """Monitors read the status file in it."""
    state_dir.prepare(tmp_path / "a" / "b")

    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o711


@pytest.mark.parametrize(
    ("before", "after"), [(0o755, 0o711), (0o777, 0o711), (0o700, 0o700), (0o710, 0o710)]
)
def test_a_wider_folder_is_narrowed_and_a_stricter_one_left(tmp_path: Path, before: int, after: int) -> None:
    """Keys and tokens lie in it."""
    tmp_path.chmod(before)
    state_dir.prepare(tmp_path)

    assert after == stat.S_IMODE(tmp_path.stat().st_mode)


def test_a_folder_on_a_network_mount_is_refused(tmp_path: Path) -> None:
    """SQLite's locks cannot be relied on there; the message says what to set."""
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(f"31 22 0:41 / {tmp_path} rw - nfs4 nas:/ rw\n", encoding="utf-8")
    with pytest.raises(CannotRun, match=r"network mount \(nfs4\).*\[state\]") as raised:
        state_dir.prepare(tmp_path, mountinfo)

    assert raised.value.exit_code == 78


def test_the_api_token_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    """And long enough not to be guessed."""
    token = state_dir.api_token(tmp_path)

    assert token == state_dir.api_token(tmp_path)
    assert len(token) >= 40
    assert stat.S_IMODE((tmp_path / "api-token").stat().st_mode) == 0o600


def test_one_daemon_holds_the_folder(tmp_path: Path) -> None:
    """The kernel frees the lock whatever becomes of its holder."""
    assert not lockfile.held(tmp_path)
    with lockfile.taken(tmp_path):
        assert lockfile.held(tmp_path)
        with pytest.raises(CannotRun) as raised, lockfile.taken(tmp_path):
            pytest.fail("two of them")
    assert not lockfile.held(tmp_path)

    assert raised.value.exit_code == 75


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_sees_who_holds_the_folder_too(open_to_all: Path) -> None:
    """Who may not open the lock asks the kernel's list: a file that lies there says nothing."""
    with lockfile.taken(open_to_all):
        os.seteuid(65534)
        try:
            held = lockfile.held(open_to_all)
        finally:
            os.seteuid(0)
    os.seteuid(65534)
    try:
        left = lockfile.held(open_to_all)
    finally:
        os.seteuid(0)

    assert (held, left) == (True, False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_leaves_nothing_of_its_own_in_the_folder_of_the_daemons_user(open_to_all: Path) -> None:
    """Only as long as it acts there, and not where root is the daemon's user."""
    os.chown(open_to_all, 65534, 65533)
    with state_dir.as_its_owner(open_to_all):
        (open_to_all / "key").touch()
    (open_to_all / "later").touch()

    (open_to_all / "state.db").touch()
    with state_dir.as_its_owner(open_to_all):
        (open_to_all / "of root").touch()

    assert [(open_to_all / name).stat().st_uid for name in ("key", "later", "of root")] == [65534, 0, 0]
    assert (open_to_all / "key").stat().st_gid == 65533
