"""The papers of the API and of monitoring: they name what is there, and nothing that is not."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from fitferry.core.api_tokens import Permission
from fitferry.core.problems import ProblemCode
from fitferry.core.upload import Status, WaitingFor
from fitferry.monitoring.status import State
from fitferry.storage import uploads
from web_client import ORIGIN, Page

pytestmark = pytest.mark.usefixtures("ledger")
DOCS = Path(__file__).parents[2] / "docs"
OPENAPI = yaml.safe_load((DOCS / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = OPENAPI["components"]["schemas"]
Ride = Callable[..., bytes]
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def test_the_api_is_described_as_it_is(page: Page) -> None:
    """Every address with its methods, and no other; what serves people is not the API."""
    there = {("get", "/healthz")}
    for rule in page.flask().url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", str(rule))
        if path.startswith(("/api/", "/in/")) or path == "/metrics":
            there |= {(method.lower(), path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    described = {(method, path) for path, methods in OPENAPI["paths"].items() for method in methods}

    assert described == there


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to."""
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = OPENAPI["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return found


def mismatches(given: dict[str, Any], value: object, where: str = "") -> Iterator[str]:
    """Where a value is not what a schema says."""
    schema = resolved(given)
    if "oneOf" in schema:
        if all(any(mismatches(one, value)) for one in schema["oneOf"]):
            yield f"{where}: fits none"
        return
    names = schema.get("type", [])
    kinds = [KINDS[name] for name in ([names] if isinstance(names, str) else names)]
    if not any(isinstance(value, kind) for kind in kinds) or value not in schema.get("enum", [value]):
        yield f"{where}: {value!r} is not {schema}"
    elif isinstance(value, list):
        for item in value:
            yield from mismatches(schema["items"], item, f"{where}[]")
    elif isinstance(value, dict) and "properties" in schema:
        yield from (f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        yield from (f"{where}.{name} is not described" for name in value.keys() - schema["properties"].keys())
        for name in value.keys() & schema["properties"].keys():
            yield from mismatches(schema["properties"][name], value[name], f"{where}.{name}")


def test_answers_are_what_the_description_says(page: Page, ride: Ride) -> None:
    """Each answer in JSON, field by field."""
    file = {"file": (io.BytesIO(ride()), "a.fit")}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("post", "/api/v1/strava/upload", {"data": file}),
        ("get", "/api/v1/status", {}),
        ("get", "/api/v1/strava/uploads", {}),
        ("get", "/api/v1/strava/uploads/pending", {}),
        ("get", "/api/v1/strava/status", {}),
        ("get", "/api/v1/strava/backlog", {}),
        ("get", "/api/v1/strava/auth", {"headers": {"Accept": "application/json"}}),
        ("post", "/api/v1/strava/connect-link", {}),
        ("post", "/api/v1/login-link", {}),
        ("post", "/api/v1/tokens", {"json": {"name": "a", "can": "upload"}}),
        ("get", "/api/v1/tokens", {}),
        ("post", "/api/v1/strava/retry", {"json": {"jobs": [1]}}),
        ("post", "/api/v1/strava/backlog", {"json": {}}),
        ("post", "/api/v1/tokens/revoke", {"json": {"name": "b"}}),
        ("post", "/api/v1/sessions/end", {}),
        ("get", "/healthz", {}),
    ]
    for method, path, given in asked:
        answer = page.api(method.upper(), path, **given)
        described = OPENAPI["paths"][path][method]["responses"][str(answer.status_code)]
        schema = described["content"]["application/json"]["schema"]
        assert list(mismatches(schema, answer.get_json())) == [], path


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (SCHEMAS["JobStatus"], Status),
        (SCHEMAS["Permission"], Permission),
        (SCHEMAS["Job"]["properties"]["waiting_for"], WaitingFor),
        (SCHEMAS["Problem"]["properties"]["code"], ProblemCode),
        (SCHEMAS["Status"]["properties"]["state"], State),
    ],
)
def test_closed_sets_are_described_whole(described: dict[str, Any], words: type[StrEnum]) -> None:
    """Each word that the code has, in its order, and no other."""
    assert [word for word in described["enum"] if word is not None] == [word.value for word in words]


def test_a_stranger_is_refused_as_the_description_says(page: Page) -> None:
    """Every address that is not open to all, in the form that is described."""
    for path, methods in OPENAPI["paths"].items():
        for method, described in methods.items():
            if described.get("security") == []:
                continue
            answer = Client(page.app).open(path.replace("{activity_id}", "1"), method=method, base_url=ORIGIN)
            assert (answer.status_code, [answer.mimetype]) == (
                401,
                list(described["responses"]["401"]["content"]),
            ), path


def test_a_body_that_does_not_fit_is_refused_as_the_description_says(page: Page) -> None:
    """Everywhere where a JSON object is taken."""
    for path, methods in OPENAPI["paths"].items():
        for method, described in methods.items():
            if "application/json" in described.get("requestBody", {}).get("content", {}):
                answer = page.api(method.upper(), path.replace("{activity_id}", "1"), data="[")
                schema = described["responses"]["400"]["content"]["application/json"]["schema"]
                assert (answer.status_code, list(mismatches(schema, answer.get_json()))) == (400, []), path


def blocks(kind: str) -> list[str]:
    """The snippets of the page on monitoring."""
    return re.findall(
        rf"```{kind}\n(.*?)```", (DOCS / "monitoring.md").read_text(encoding="utf-8"), re.DOTALL
    )


def fields(given: dict[str, Any], prefix: str = "") -> set[str]:
    """The dotted names of a schema's fields."""
    schema = resolved(given)
    found: set[str] = set()
    for part in schema.get("oneOf", ()):
        found |= fields(part, prefix)
    for name, part in schema.get("properties", {}).items():
        found |= {prefix + name} | fields(part, f"{prefix}{name}.")
    return found


def test_the_snippets_name_fields_that_are_there(page: Page) -> None:
    """Homepage, Glance, Home Assistant, Uptime Kuma: each address and each field."""
    known = fields(OPENAPI["components"]["schemas"]["Status"])
    known |= {f"queue.{status.value}" for status in page.snapshot().queue}
    snippets = "\n".join(blocks("yaml"))
    homepage, glance, assistant, kuma, prometheus = map(yaml.safe_load, blocks("yaml"))

    used = {one["field"] for one in homepage[0]["Fitferry"]["widget"]["mappings"]}
    used |= set(re.findall(r'\.JSON\.\w+ "([\w.]+)"', glance[0]["template"]))
    used |= set(re.findall(r"value_json\.([\w.]+)", snippets))
    used |= set(assistant["rest"][0]["sensor"][0]["json_attributes"]) | {kuma["jsonPath"]}
    assert used - known == set()
    assert len(used) >= 7
    assert prometheus["scrape_configs"][0]["authorization"] == {"credentials": "TOKEN"}
    secret = page.api("POST", "/api/v1/tokens", json={"name": "dashboard", "can": "read"}).get_json()["token"]
    for address in set(re.findall(r"http://HOST(/[\w/]+)", snippets)) | {"/metrics"}:
        headers = {"Authorization": f"Bearer {secret}"}
        assert Client(page.app).get(address, base_url=ORIGIN, headers=headers).status_code == 200


def test_the_dashboard_and_the_alerts_name_metrics_that_are_there(page: Page) -> None:
    """With the labels by which they choose."""
    job = page.job()
    uploads.dismiss(job.id)
    page.metrics.asked("upload", "201", 0.3)
    page.metrics.completed(3)
    samples: dict[str, set[str]] = {"up": {"job"}}
    for family in text_string_to_metric_families(page.api("GET", "/metrics").text):
        for sample in family.samples:
            samples.setdefault(sample.name, set()).update(sample.labels)
    samples["fitferry_last_upload_timestamp_seconds"] = set()  # there from the first upload on
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    alerts = yaml.safe_load((DOCS / "prometheus-alerts.yaml").read_text(encoding="utf-8"))
    asked = [
        (target["expr"], target["legendFormat"])
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    asked += [(rule["expr"], rule["annotations"]["summary"]) for rule in alerts["groups"][0]["rules"]]

    assert len(asked) > 15
    for query, words in asked:
        names = set(re.findall(r"\b(?:fitferry_\w+|up)\b", query))
        labels = set(re.findall(r"(\w+)[!=]=?~?\"", query)) | set(
            re.findall(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}", words)
        )
        assert names - samples.keys() == set(), query
        assert labels - set().union(*(samples[name] for name in names)) == set(), query
