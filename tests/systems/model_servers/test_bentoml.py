"""BentoML with a service of one worker, as an HTTP service that counts its own requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import pytest

INSTALL = "python3 -m venv VENV && VENV/bin/pip install 'bentoml==1.4.*'"
SERVICE = """
import bentoml


@bentoml.service(workers=1)
class Mean:
    @bentoml.api
    def predict(self, values: list[float]) -> float:
        return sum(values) / len(values)
"""

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("load_alone")]


@pytest.fixture(scope="module")
def bentoml(
    environment_of: Callable[..., Any],
    serve: Callable[..., psutil.Process],
    ports: Callable[[int], list[int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, psutil.Process]:
    """(address, the process that was started: its worker answers)."""
    environment = environment_of("bentoml", INSTALL)
    folder = tmp_path_factory.mktemp("bentoml")
    (folder / "service.py").write_text(SERVICE)
    (port,) = ports(1)
    process = serve(
        [environment.program("bentoml"), "serve", "service:Mean", "--host", "127.0.0.1", "--port", str(port)],
        port=port, ready="/readyz", folder=folder,
        environment={"BENTOML_HOME": str(folder / "home"), "BENTOML_DO_NOT_TRACK": "True"},
    )  # fmt: skip
    return f"http://127.0.0.1:{port}", process


def test_a_search_held_against_its_own_metrics(
    bentoml: tuple[str, psutil.Process], loadstone: Callable[..., Any], check_search: Callable[[Any], None]
) -> None:
    """The mean of 1, 2 and 6 is 3; its worker, a child of what was started, is what uses the CPU."""
    address, process = bentoml
    outcome = loadstone(
        f"{address}/predict", "--body", '{"values": [1, 2, 6]}', "--expect-body", "^3.0$", "--check-answers",
        "--slo", "p99<=500ms,errors<=1%", "--budget", "20s", "--with", f"metrics={address}/metrics",
    )  # fmt: skip
    check_search(outcome)
    assert all(step["errors"]["assertion"] == 0 for step in outcome.steps)
    family = {process.pid} | {child.pid for child in process.children(recursive=True)}
    assert set(outcome.result["target"]["pids"]) <= family
    counted = outcome.counted
    assert counted["because"] is None
    assert counted["counter"] == 'bentoml_service_request_total{endpoint="/predict"}'
    assert counted["sent"] - counted["given_up"] <= counted["counted"] <= counted["sent"]
    answers = outcome.result["answers"]
    assert 0 < answers["equal"] == answers["compared"]


def test_a_body_is_made_from_what_the_service_says_it_takes(
    bentoml: tuple[str, psutil.Process], loadstone: Callable[..., Any]
) -> None:
    """A list of numbers: one number, whose mean it is."""
    outcome = loadstone(f"{bentoml[0]}/predict")
    assert outcome.code == 3
    assert "by its own description it takes POST: give --body, or --method POST alone" in outcome.errors
    outcome = loadstone(
        f"{bentoml[0]}/predict", "--method", "POST", "--expect-body", "^1.0$", "--rate", "10",
        "--duration", "1s",
    )  # fmt: skip
    (step,) = outcome.steps
    assert step["ok"] == step["sent"] > 0
    assert outcome.result["target"]["sample_from"] == "signature"


def test_a_field_that_is_missing_is_told_in_the_server_s_own_words(
    bentoml: tuple[str, psutil.Process], loadstone: Callable[..., Any]
) -> None:
    outcome = loadstone(f"{bentoml[0]}/predict", "--body", '{"x": [1]}')
    assert outcome.code == 3
    assert "it says: 1 validation error for Input: values: Field required" in outcome.errors
