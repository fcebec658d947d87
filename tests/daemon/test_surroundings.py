"""Every command under every broken environment: a sentence that names the cause, or nothing at all; no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import forked_commands
from daemon_harness import PATIENCE, DaemonHarness, harness

ELSEWHERE = {"FITFERRY_STRAVA_API": "http://strava.example/api/v3"}
"""What is on this machine is asked through no proxy."""
SURROUNDINGS: dict[str, dict[str, str]] = {
    "an IPv6 range in NO_PROXY": {
        "NO_PROXY": "localhost,127.0.0.0/8,fe80::/10,[fd00::]/8",
        "HTTP_PROXY": "http://127.0.0.1:9",
    },
    "SOCKS in ALL_PROXY": {"ALL_PROXY": "socks://127.0.0.1:1080", **ELSEWHERE},
    "a proxy that is none": {"HTTP_PROXY": "http://[::1", **ELSEWHERE},
    "a proxy that is away": {"ALL_PROXY": "http://127.0.0.1:9"},
    "certificates that are gone": {"SSL_CERT_FILE": "/nowhere/ca.pem"},
    "a folder of certificates that is gone": {"SSL_CERT_DIR": "/nowhere"},
    "a key log that cannot be written": {"SSLKEYLOGFILE": "/nowhere/keys"},
    "a time zone in quotes": {"TZ": '"Europe/Berlin"'},
    "a time zone that is none": {"TZ": "Mars/Olympus"},
    "quotes around everything": {
        "FITFERRY_LOG_LEVEL": '"info"',
        "STRAVA_CLIENT_SECRET": " 'sandbox-secret' ",
    },
    "no home": {"HOME": "/nowhere/at-all"},
    "no encoding": {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    "root by PUID": {"PUID": "0"},
}
COMMANDS = (
    ["status"], ["status", "--json"], ["uploads"], ["check"], ["health"], ["config"], ["backlog"], ["login"],
    ["connect"], ["disconnect"], ["retry", "--failed"], ["dismiss", "1"], ["keys", "rotate"], ["token", "list"],
    ["sessions", "end"], ["inspect", "/dev/null"], ["upload", "/dev/null"], ["notify-test"], ["--help"],
)  # fmt: skip
NAMED = {
    "SOCKS in ALL_PROXY": "ALL_PROXY",
    "a proxy that is none": "HTTP_PROXY",
    "certificates that are gone": "SSL_CERT_FILE",
    "a key log that cannot be written": "SSLKEYLOGFILE",
}
"""What `run` and `check` name, and does not start with."""
WARNED = {"a time zone that is none": "TZ", "root by PUID": "PUID"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonHarness]:
    """Settings in a folder of their own; the daemon does not run."""
    with harness(tmp_path_factory.mktemp("home")) as one:
        one.config.chmod(0o600)
        yield one


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_no_command_ends_in_a_traceback(home: DaemonHarness, surroundings: str) -> None:
    """Exit codes are those of the contract: 0, 1, 3, 75 and 78, and 2 for wrong words."""
    ended = _run_all(home, [*COMMANDS, ["check"]], SURROUNDINGS[surroundings])
    for words, (code, _, stderr) in zip(COMMANDS, ended, strict=False):
        assert "Traceback" not in stderr, (words, stderr)
        assert code in {0, 1, 2, 3, 75, 78}, (words, code)
    checked = ended[-1][1]
    for name in (NAMED | WARNED).get(surroundings, "").split():
        assert any(name in line for line in checked.splitlines() if not line.startswith("ok")), checked


def _run_all(
    home: DaemonHarness, commands: Sequence[list[str]], environ: Mapping[str, str]
) -> list[tuple[int, str, str]]:
    """Exit code, standard output and standard error of each command, in a Python that was started so."""
    words = json.dumps([["--config", str(home.config), *command] for command in commands])
    ran = subprocess.run(
        [sys.executable, forked_commands.__file__, words],
        capture_output=True, timeout=PATIENCE, check=False, env={**home.environ(), **environ},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr.decode()
    return [(code, stdout, stderr) for code, stdout, stderr in json.loads(ran.stdout)]


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_the_daemon_starts_or_says_why_not(tmp_path: Path, surroundings: str) -> None:
    """With exit 78 and the variable's name, or it runs all the same."""
    with harness(tmp_path) as home:
        home.config.chmod(0o600)
        home.more, home.server = SURROUNDINGS[surroundings], None  # Python is to start so, too
        process = home.spawn()
        if surroundings in NAMED:
            assert process.wait(60) == 78
            assert NAMED[surroundings] in home.words()
        else:
            home.wait(lambda: (home.state / "status.json").exists() or process.poll() is not None)
            assert process.poll() is None, home.words()
            assert home.stop() == 0
        assert "Traceback" not in home.words()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_command_needs_the_streams_that_its_caller_has_closed(home: DaemonHarness, closed: str) -> None:
    """What it says then leads nowhere; a file that it opens never becomes one of them."""
    for words in (["--version"], ["--help"], ["config"]):
        ended = _through_shell(home, words, closed)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_daemon_runs_without_any_stream(tmp_path: Path) -> None:
    """As a supervisor may start it; its database is not its standard output."""
    with harness(tmp_path) as home:
        shell = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *home.command("run")]
        home.process = subprocess.Popen(shell, env=home.environ())
        home.wait(lambda: (home.state / "status.json").exists() or home.process_has_ended())

        descriptors = Path(f"/proc/{home.process.pid}/fd")
        assert {(descriptors / number).readlink() for number in "012"} == {Path(os.devnull)}
        assert home.stop() == 0


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["config"]])
def test_a_full_disk_behind_the_output_is_a_sentence(home: DaemonHarness, words: list[str]) -> None:
    """`fitferry config > file`, where no room is left."""
    ended = _through_shell(home, words, ">/dev/full")

    assert (ended.returncode, ended.stderr) == (1, "fitferry: No space left on device\n")


def _through_shell(
    home: DaemonHarness, words: Sequence[str], redirected: str
) -> subprocess.CompletedProcess[str]:
    """A command whose streams a shell has redirected."""
    shell = ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *home.command(*words)]
    return subprocess.run(
        shell, capture_output=True, text=True, timeout=PATIENCE, check=False, env=home.environ()
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_closed_folder_is_a_sentence(open_to_all: Path) -> None:
    """`/home/pi` is closed on Debian: which folder it is, and whose, is said."""
    with harness(open_to_all) as home:
        (home.rides / "below").mkdir()
        home.configure(rides=str(home.rides / "below"))
        home.config.chmod(0o644)
        home.rides.chmod(0o700)
        for words in (["check"], ["status"], ["config"]):
            ended = subprocess.run(  # as every distribution has it
                ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *home.command(*words)],
                capture_output=True, text=True, timeout=60, check=False, env=home.environ(),
            )  # fmt: skip
            assert "Traceback" not in ended.stderr, ended.stderr
            if words == ["check"]:
                assert f"{home.rides} is closed to this user" in ended.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("closed", [".", "below"])
def test_a_closed_folder_is_a_matter_of_rights_and_no_missing_mount(open_to_all: Path, closed: str) -> None:
    """Closed itself or above: the daemon says which folder, advises to open it, and goes on by itself once it is."""
    with harness(open_to_all) as home:
        (home.rides / "below").mkdir()
        home.configure(rides=str(home.rides / "below"))
        home.state.mkdir()
        for path in (home.config, home.state):
            os.chown(path, 65534, 65534)
        home.config.chmod(0o600)
        (home.rides / closed).chmod(0o700)
        become = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        with home.log.open("ab") as log:
            home.process = subprocess.Popen([*become, *home.command("run")], stderr=log, env=home.environ())
        home.wait((home.state / "status.json").exists)
        (said,) = home.wait(
            lambda: [one["message"] for one in home.status()["problems"] if "folder" in one["code"]]
        )
        assert f"({(home.rides / closed).resolve()} is closed to Fitferry's user)" in said
        assert "the right to read it" in said
        assert "mount" not in said
        (home.rides / closed).chmod(0o755)
        home.wait(lambda: home.status()["watch"][0]["available"])
        assert home.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_root_changes_is_still_the_daemons_users(open_to_all: Path) -> None:
    """`sudo fitferry keys rotate`, while no daemon runs: it has to read the new key."""
    with harness(open_to_all) as home:
        home.state.mkdir()
        os.chown(home.state, 65534, 65534)
        open_to_all.chmod(0o711)
        for words in (["keys", "rotate"], ["retry", "--failed"], ["backlog", "none"]):
            assert home.run(*words).returncode == 0

        assert {path.stat().st_uid for path in home.state.iterdir()} == {65534}
        assert (home.state / "key").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_state_folder_that_cannot_be_written_is_read_all_the_same(open_to_all: Path) -> None:
    """As a copy on a medium that is mounted read-only."""
    with harness(open_to_all) as home:
        assert home.run("backlog", "none").returncode == 0
        home.config.chmod(0o644)
        home.state.chmod(0o555)
        (home.state / "state.db").chmod(0o444)
        for words in (["uploads"], ["backlog"]):
            ended = subprocess.run(
                ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *home.command(*words)],
                capture_output=True, text=True, timeout=60, check=False, env=home.environ(),
            )  # fmt: skip
            assert (ended.returncode, ended.stderr) == (0, "")
