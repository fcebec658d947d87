"""Two clients that this project did not write find the sandbox to be Strava.

They run unchanged; only where they look for Strava is told to them.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import strava
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fitferry.sandbox import Sandbox

Ride = Callable[..., bytes]
BACK = "http://localhost:9/back"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "public.pem", folder / "private.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return public, private


@pytest.fixture
def secure(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox behind TLS whose certificate every client here trusts."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with Sandbox(certificate=certificate, processing_seconds=0.2, consent="approve") as sandbox:
        yield sandbox


def code_from(url: str) -> str:
    """Where a browser ends up after the consent page."""
    with httpx.Client() as browser:
        answer = browser.get(url)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_stravalib_signs_in_uploads_and_finds_its_activity(
    secure: Sandbox, ride: Ride, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stravalib 2.6, over TLS: it can be told another host, but no other scheme."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stravalib import Client  # noqa: PLC0415  # it warns while it is imported
        from stravalib.exc import ActivityUploadFailed  # noqa: PLC0415  # the same
        from stravalib.protocol import ApiV3  # noqa: PLC0415  # the same

    monkeypatch.setattr(ApiV3, "server", f"127.0.0.1:{secure.port}")
    path = tmp_path / "ride.fit"
    path.write_bytes(ride())
    client = Client()
    url = client.authorization_url(12345, BACK, scope=["activity:write", "activity:read_all"])
    tokens = client.exchange_code_for_token(12345, "sandbox-secret", code_from(url))
    client = Client(access_token=tokens["access_token"])  # type: ignore[arg-type, call-overload]  # a dict where no athlete is asked for
    with path.open("rb") as file:
        activity = client.upload_activity(file, "fit", external_id="mine").wait(timeout=60)
    (listed,) = client.get_activities()
    with path.open("rb") as file, pytest.raises(ActivityUploadFailed, match="duplicate"):
        client.upload_activity(file, "fit", external_id="again").wait(timeout=60)

    assert activity.id == listed.id
    assert activity.external_id == "mine.fit"
    assert datetime(2026, 9, 21, 12, tzinfo=UTC) == listed.start_date
    assert client.get_athlete().firstname == "Sam"


def test_the_package_strava_signs_in_uploads_and_finds_its_activity(
    secure: Sandbox, ride: Ride, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strava 0.6: the API's base can be told, its OAuth addresses are constants of a module."""
    from strava import _auth  # noqa: PLC0415  # where its addresses stand

    for name in ("TOKEN_URL", "AUTHORIZE_URL", "REVOKE_URL"):
        address = getattr(_auth, name).replace("https://www.strava.com", secure.url)
        monkeypatch.setattr(_auth, name, address)
    path = tmp_path / "ride.fit"
    path.write_bytes(ride())
    url = strava.build_authorization_url("12345", BACK, scopes=["activity:write", "activity:read_all"])
    tokens = strava.exchange_token(client_id="12345", client_secret="sandbox-secret", code=code_from(url))
    with strava.Strava(access_token=tokens.access_token, base_url=secure.url) as client:
        with path.open("rb") as file:
            upload = client.uploads.create(file=file, data_type="fit", external_id="mine")
        deadline = time.monotonic() + 60
        while upload.activity_id is None and upload.error is None and time.monotonic() < deadline:
            upload = client.uploads.retrieve(upload.id or 0)
        (listed,) = client.activities.list()

    assert upload.activity_id == listed.id
    assert upload.external_id == "mine.fit"
    strava.revoke_token(client_id="12345", client_secret="sandbox-secret", token=tokens.refresh_token)
    assert secure.world.tokens == []
