"""`probe --with`: what a run is held against beside its requirements, and how that is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.checks import CheckAddress, check_lines, read_check
from app.cli.layout import unstyled
from app.cli.main import main
from assessments.evidence import is_sealed
from assessments.store import open_store
from probes.errors import UsageError
from probes.facts import Source, Value, observed

Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "resources" / "demo" / "deploy"


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("prometheus=http://127.0.0.1:9090", CheckAddress("prometheus", "http://127.0.0.1:9090")),
        ("metrics=http://127.0.0.1:1/metrics", CheckAddress("metrics", "http://127.0.0.1:1/metrics")),
        ("manifests=deploy/a=b.yaml", CheckAddress("manifests", "deploy/a=b.yaml")),
    ],
)
def test_a_system_and_where_it_is(text: str, check: CheckAddress) -> None:
    assert read_check(text) == check


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prometheus", "write prometheus=http"),
        ("prometheus=", "write prometheus=http"),
        ("prometeus=http://127.0.0.1", "did you mean prometheus?"),
        ("kafka=127.0.0.1", "known are prometheus, metrics, manifests"),
        ("metrics=deploy/", "is no address"),
    ],
)
def test_what_is_no_check_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_check(text)


def said(**result: Any) -> str:
    return " ".join(" ".join(unstyled(check_lines(result, 80))).split())


def counted(**changes: Any) -> dict[str, Any]:
    entry = {
        "system": "metrics",
        "address": "http://127.0.0.1:1/metrics",
        "sent": 400,
        "counted": 400,
        "ratio": 1.0,
    }
    return entry | changes


def test_counts_in_words() -> None:
    assert "counted 400 of 400 requests sent: they agree." in said(cross_checks=[counted()])
    off = said(cross_checks=[counted(counted=200, ratio=0.5)])
    assert "counted 200 of 400 requests sent, 50 %: its own monitoring is off." in off
    cut = said(cross_checks=[counted(counted=390, given_up=10)])
    assert "counted 390 of 400 requests sent, of which this client gave up 10: they agree." in cut
    unknown = said(
        cross_checks=[counted(counted=None, ratio=None, because="nothing exposed counts requests")]
    )
    assert unknown.startswith(
        "Not known how many requests http://127.0.0.1:1/metrics counted: nothing exposed"
    )


def test_manifests_in_words() -> None:
    """96 MiB over 150 MB are 0.67; 0.9 of 1.5 cores are 60 %, under a target of 80 %."""
    values: dict[str, Value] = {
        "infra.kubernetes.memory_limit_bytes": 96 * 2**20,
        "process.rss_peak_bytes": 150_000_000,
        "infra.kubernetes.cpu_request_cores": 1.5,
        "infra.kubernetes.hpa.target_cpu_ratio": 0.8,
        "process.cpu_cores_at_saturation": 0.9,
    }
    facts = [observed(name, value, Source("load")).to_json() for name, value in values.items()]
    text = said(facts=facts, cross_checks=[{"system": "manifests", "path": "deploy", "problems": []}])
    assert "The memory limit is 0.671 times the largest resident memory under load." in text
    assert "used 60 % of the CPU request; the autoscaler's target is never reached" in text
    nothing = said(facts=[], cross_checks=[{"system": "manifests", "path": "deploy", "problems": []}])
    assert "Nothing in the manifests can be held against this run." in nothing


@pytest.mark.usefixtures("load_alone")
def test_a_probe_with_everything_beside_it(
    start_server: Callable[..., Any], tmp_path: Path, capsys: Captured
) -> None:
    """The real service, its own counter, and the demo's manifests; their facts are stored with the run."""
    service = start_server("resources/demo/recommender.py", "--port", 0, "--items", 1_000)
    store, json_file = tmp_path / "store.sqlite", tmp_path / "r.json"
    where = ["--store", str(store), "--assessment", "shop", "--json", str(json_file), "--quiet"]
    load = ["--body", '{"user": 1}', "--rate", "60", "--duration", "1s", "--warmup", "0"]
    checks = ["--with", f"metrics={service.url}", "--with", f"manifests={DEPLOY}"]
    code = main(["probe", f"{service.url}/recommend", *load, *checks, *where])
    assert code in (0, 4)
    out = " ".join(capsys.readouterr().out.split())
    document = json.loads(json_file.read_text(encoding="utf-8"))
    assert is_sealed(document)
    facts = {fact["name"]: fact["value"] for fact in document["facts"]}
    assert facts["monitoring.prometheus.count_ratio"] == 1.0
    assert facts["infra.kubernetes.memory_limit_bytes"] == 96 * 2**20
    assert "requests sent: they agree." in out
    with open_store(str(store)) as opened:
        stored = opened.run("last")
    assert stored.result["cross_checks"] == document["cross_checks"]
    assert stored.summary.assessment == "shop"


def test_a_check_that_cannot_be_made_starts_nothing(tmp_path: Path, capsys: Captured) -> None:
    options = ["probe", "http://127.0.0.1:1/", "--store", str(tmp_path / "s.sqlite")]
    assert main([*options, "--with", f"manifests={tmp_path / 'none'}"]) == 2
    assert "is not there" in capsys.readouterr().err
    assert main([*options, "--with", "metrics=http://127.0.0.1:1/metrics"]) == 3
    assert "http://127.0.0.1:1/metrics cannot be read" in capsys.readouterr().err
    assert main([*options, "--with", "metrics=http://192.0.2.1/metrics"]) == 2
    assert "--allow-remote" in capsys.readouterr().err


def test_readiness_that_did_not_hold_is_said_with_its_step_and_what_kubernetes_would_do() -> None:
    from app.cli.checks import check_lines

    seen = {"checks": 30, "failed": 12, "failed_in_a_row": 9, "held": False, "first_failed_step": 1}
    seen |= {"path": "/ready", "slowest_ms": 3.0, "because": "it answered with status 503"}
    entry = {"system": "health", "liveness": None, "readiness": "/ready", "under_load": {"readiness": seen}}
    text = " ".join(span.text for line in check_lines({"cross_checks": [entry]}, 400) for span in line)
    assert "ready in 18 of 30 checks; the first failed in step 2: it answered with status 503." in text
    assert "9 failed in a row" in text
    assert "would have taken it out of rotation after three" in text
