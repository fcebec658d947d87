"""Builds the image and uses it as people do: `make test-image`, as root, with buildah and debootstrap.

No registry of images is asked: the base is a small Debian 12 with Python, made by debootstrap; that of another
architecture is run by qemu. There is no container engine either; the image is run in a mount namespace of its own with what `compose.yaml` says: a root that cannot be
written, a tmpfs for /tmp, no capability, no new privileges.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fitferry import __version__
from fitferry.sandbox import Sandbox

HERE = Path(__file__).parent
TOP = HERE.parents[1]
BASE = "localhost/fitferry-base"
ARCHES = sys.argv[1:] or ["amd64", "arm64"]
OWN = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
MEGABYTES = 160
"""The most that an image may take, unpacked."""
PACKAGES = "python3,python3-venv,ca-certificates,tzdata,util-linux"
PATIENCE = 180.0
ENGINE = {**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}


def run(*words: str | Path, **environ: str) -> str:
    """A command that has to succeed; what it printed."""
    ended = subprocess.run(  # fixed words
        [str(word) for word in words], capture_output=True, text=True, check=False, env={**ENGINE, **environ}
    )
    assert ended.returncode == 0, f"{words}: {ended.stderr[-2000:]}"
    return ended.stdout.strip()


def base(folder: Path) -> None:
    """A local base image for each architecture, under one name."""
    with contextlib.suppress(AssertionError):
        run("buildah", "manifest", "rm", BASE)
    run("buildah", "manifest", "create", BASE)
    for arch in ARCHES:
        root = folder / f"fitferry-base-{arch}"
        run(HERE / "debian.sh", root, PACKAGES, "bookworm", arch)
        archive = root.with_suffix(".tar")
        run("tar", "-C", root, "--one-file-system", "--exclude=./var/cache/apt/*", "-cf", archive, ".")
        container = run("buildah", "from", "--arch", arch, "scratch")
        run("buildah", "add", "-q", container, archive, "/")
        run("buildah", "config", "--arch", arch, container)
        run("buildah", "commit", "-q", container, f"{BASE}-{arch}")
        run("buildah", "rm", container)
        run("buildah", "manifest", "add", BASE, f"{BASE}-{arch}")
        archive.unlink()


def build() -> None:
    """The image for every architecture, as `make image` builds it."""
    # The machine's own certificates, where packages come through somebody who has his own.
    certificates = (
        "-v /etc/ssl/certs:/etc/ssl/certs:ro -v /usr/share/ca-certificates:/usr/share/ca-certificates:ro"
    )
    run(TOP / "tools/image.sh", *ARCHES, BASE=BASE, VOLUMES=certificates)


def mounted(arch: str) -> tuple[Path, dict[str, str]]:
    """An image's files and the environment that it sets."""
    name = f"localhost/fitferry:{__version__}-{arch}"
    inspected = json.loads(run("buildah", "inspect", "--type=image", name))
    assert inspected["Docker"]["architecture"] == arch
    config = inspected["Docker"]["config"]
    assert inspected["Docker"]["architecture"] == arch
    assert config["User"] == "1000:1000"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "fitferry", "health"]
    labels = {key.removeprefix("org.opencontainers.image."): said for key, said in config["Labels"].items()}
    assert labels["version"] == __version__
    assert labels.keys() >= {
        *("title", "description", "licenses", "version", "revision", "created", "source", "url")
    }
    container = run("buildah", "from", "--arch", arch, name)
    image = Path(run("buildah", "mount", container))
    size = sum(path.lstat().st_size for path in image.rglob("*") if path.is_file()) // 1_000_000
    assert size <= MEGABYTES, f"{size} MB"
    say(f"{arch}: built, labelled, {size} MB in all")
    return image, dict(line.split("=", 1) for line in config["Env"])


def push() -> None:
    """What `make push-image` sends to a registry holds both architectures, and says by which digest."""
    with tempfile.TemporaryDirectory() as folder:
        run("make", "-C", TOP, "push-image", f"DESTINATION=dir:{folder}/pushed", f"DIGEST={folder}/digest")
        pushed = json.loads((Path(folder) / "pushed/manifest.json").read_text(encoding="utf-8"))
        arches = sorted(one["platform"]["architecture"] for one in pushed["manifests"])
        assert arches == sorted(ARCHES), arches
        assert (Path(folder) / "digest").read_text(encoding="ascii").startswith("sha256:")
    say(f"what is pushed names {' and '.join(ARCHES)}")


def command(image: Path, folder: Path, who: str, *words: str) -> list[str]:
    """How a container is started: `who` is uid:gid, and as root the few rights to become somebody else are left."""
    uid, gid = who.split(":")
    left = "-all,+chown,+setuid,+setgid,+setpcap,+dac_override" if uid == "0" else "-all"
    scratch = "tmp"
    script = f"""
        mount --bind {image} {image}
        mount --bind {folder}/config {image}/config
        mount --bind {folder}/rides {image}/rides
        mount -o remount,bind,ro {image}/rides
        mount -o remount,bind,ro {image}
        mount -t tmpfs tmpfs {image}/{scratch}
        mount -t proc proc {image}/proc
        exec chroot {image} setpriv --reuid {uid} --regid {gid} --clear-groups --bounding-set={left} \
            --no-new-privs -- docker-entrypoint "$@"
    """
    return ["unshare", "--mount", "--propagation=private", "sh", "-euc", script, "sh", *words]


@contextlib.contextmanager
def started(
    image: Path, environ: dict[str, str], who: str, **more: str
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A daemon in the image, for its folders and its status; it has to end well."""
    folder = Path(tempfile.mkdtemp())
    uid, gid = (int(more.get(name, one)) for name, one in zip(("PUID", "PGID"), who.split(":"), strict=True))
    for name in ("config", "rides"):
        (folder / name).mkdir()
        os.chown(folder / name, uid, gid)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # fixed words
            command(image, folder, who, "run"), env={**environ, **more}, stdout=log, stderr=log
        )
        try:
            status = wait(lambda: read(folder / "config/status.json"), folder / "log")
            yield folder, status
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0, (folder / "log").read_text()
        finally:
            process.kill()
    shutil.rmtree(folder)


def read(path: Path) -> Any:
    """What a file of JSON holds; nothing while it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def wait(found: Callable[[], Any], log: Path) -> Any:
    """What is found before long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            value = found()
            if value:
                return value
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


def ask(folder: Path, status: dict[str, Any], path: str) -> Any:
    """Ask the daemon in the image."""
    token = (folder / "config/api-token").read_text(encoding="ascii").strip()
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    url = f"http://127.0.0.1:{status['web']['port']}{path}"
    with urllib.request.urlopen(
        urllib.request.Request(url, headers=headers), timeout=10
    ) as answer:  # ourselves
        return json.load(answer)


def use(image: Path, environ: dict[str, str], who: str, **more: str) -> None:
    """Sign in, drop a file, see it on Strava, ask for its health, look whose files there are."""
    with started(image, environ, who, **more) as (folder, status):
        assert status["web"]["host"] == "0.0.0.0"  # noqa: S104  # inside a container
        url = ask(folder, status, "/api/v1/strava/auth")["authorization_url"]
        boxes = [("authorize", "1"), ("scope", "activity:write"), ("scope", "activity:read_all")]
        urllib.request.urlopen(url, urlencode(boxes).encode(), timeout=10).close()  # noqa: S310  # the sandbox
        shutil.copy(HERE.parent / "samples/edge_820_ride.fit", folder / "rides/ride.fit")
        (folder / "rides/ride.fit").chmod(0o644)

        def done() -> bool:
            uploads = ask(folder, status, "/api/v1/strava/uploads")["uploads"]
            return [job["status"] for job in uploads] == ["completed"]

        wait(done, folder / "log")
        healthy = subprocess.run(
            command(image, folder, who, "health"), env={**environ, **more}, check=False
        )  # fixed words
        assert healthy.returncode == 0
        wanted = int(more.get("PUID", who.split(":", maxsplit=1)[0]))
        owners = {path.stat().st_uid for path in (folder / "config").rglob("*")}
        assert owners == {wanted}, owners
    say(
        f"as user {who}{' with PUID ' + more['PUID'] if more else ''}: started, signed in, one ride uploaded, healthy, stopped"
    )


def say(words: str) -> None:
    """One thing is as it should be."""
    sys.stdout.write(f"ok  {words}\n")
    sys.stdout.flush()


def main() -> None:
    """Build it, then use it as three kinds of people do; on another architecture by qemu, once."""
    base(Path(tempfile.gettempdir()))
    build()
    push()
    with Sandbox(0) as sandbox:
        settings = {
            "STRAVA_CLIENT_ID": str(sandbox.world.switches.client_id),
            "STRAVA_CLIENT_SECRET": sandbox.world.switches.client_secret,
            "FITFERRY_STRAVA_WEBSITE": sandbox.url,
            "FITFERRY_STRAVA_API": f"{sandbox.url}/api/v3",
            "FITFERRY_WEB_PORT": "0",
        }
        for arch in ARCHES:
            image, environ = mounted(arch)
            machine = run("chroot", image, "uname", "-m")
            say(f"{arch}: runs as {machine}")
            use(image, {**environ, **settings}, "1000:1000")
            if arch == OWN:
                use(image, {**environ, **settings}, "12345:23456")
                use(image, {**environ, **settings}, "0:0", PUID="4321", PGID="4321")
    sys.stdout.write("all is well\n")


if __name__ == "__main__":
    main()
