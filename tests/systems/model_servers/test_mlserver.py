"""MLServer with a forest of scikit-learn, by the Open Inference Protocol over REST and over gRPC."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

INSTALL = "pip install -r tests/systems/model_servers/mlserver/requirements.txt in an environment of its own"
TRAIN = """
import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
joblib.dump(RandomForestClassifier(20, random_state=0).fit(*load_iris(return_X_y=True)), "iris.joblib")
"""
SKLEARN = {"implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./iris.joblib"}}
INPUT = {"name": "x", "datatype": "FP64", "shape": [-1, 4]}
GRPC = [name for name in ("hpack", "grpc_reflection") if importlib.util.find_spec(name) is None]
SEARCH = ("--slo", "p99<=500ms,errors<=1%", "--budget", "20s", "--check-answers")

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("load_alone")]
Loadstone = Callable[..., Any]


@dataclass(frozen=True)
class MLServer:
    """Where it listens; the model `iris` says what it takes, `silent` does not."""

    http: int
    grpc: int
    metrics: int
    process: psutil.Process

    @property
    def counts(self) -> tuple[str, str]:
        return "--with", f"metrics=http://127.0.0.1:{self.metrics}/metrics"

    def target(self, protocol: str, model: str = "iris") -> str:
        return f"kserve+{protocol}://127.0.0.1:{self.grpc if protocol == 'grpc' else self.http}/{model}"

    def family(self) -> set[int]:
        return {self.process.pid} | {child.pid for child in self.process.children(recursive=True)}


@pytest.fixture(scope="module")
def mlserver(
    environment_of: Callable[..., Any],
    serve: Callable[..., psutil.Process],
    ports: Callable[[int], list[int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> MLServer:
    """With one worker process, as it comes."""
    environment = environment_of("mlserver", INSTALL)
    folder = tmp_path_factory.mktemp("mlserver")
    http, grpc, metrics = ports(3)
    settings = {"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics}
    (folder / "settings.json").write_text(json.dumps(settings | {"parallel_workers": 1}))
    for name, inputs in (("iris", [INPUT]), ("silent", [])):
        (folder / name).mkdir()
        environment.run("-c", TRAIN, folder=folder / name)
        settings = {"name": name, "inputs": inputs, **SKLEARN}
        (folder / name / "model-settings.json").write_text(json.dumps(settings))
    process = serve(
        [environment.program("mlserver"), "start", str(folder)],
        port=http, ready="/v2/models/silent/ready", folder=folder,
    )  # fmt: skip
    return MLServer(http, grpc, metrics, process)


@pytest.mark.parametrize(
    "protocol",
    [
        "http",
        pytest.param(
            "grpc",
            marks=pytest.mark.skipif(bool(GRPC), reason='the extra is missing: pip install -e ".[grpc]"'),
        ),
    ],
)
def test_a_search_without_a_sample(
    protocol: str, mlserver: MLServer, loadstone: Loadstone, check_search: Callable[[Any], None]
) -> None:
    """The model says what it takes, the server counts what was sent, the answers stay what they were."""
    outcome = loadstone(mlserver.target(protocol), *SEARCH, *mlserver.counts)
    check_search(outcome)
    target = outcome.result["target"]
    assert (target["kind"], target["sample_from"]) == (f"kserve_{protocol}", "model")
    assert set(target["pids"]) <= mlserver.family()
    counted = outcome.counted
    assert counted["because"] is None
    assert counted["sent"] - counted["given_up"] <= counted["counted"] <= counted["sent"]
    answers = outcome.result["answers"]
    assert 0 < answers["equal"] == answers["compared"]


def test_a_model_that_does_not_say_what_it_takes(mlserver: MLServer, loadstone: Loadstone) -> None:
    outcome = loadstone(mlserver.target("http", "silent"))
    assert outcome.code == 3
    assert "the metadata of silent names no inputs: give --sample @FILE.json" in outcome.errors


def test_a_model_that_is_not_there(mlserver: MLServer, loadstone: Loadstone) -> None:
    outcome = loadstone(mlserver.target("http", "other"))
    assert outcome.code == 3
    assert "has no model other, or has not loaded it yet" in outcome.errors


def test_a_request_of_the_wrong_shape_gets_the_server_s_own_words(
    mlserver: MLServer, loadstone: Loadstone
) -> None:
    body = json.dumps({"inputs": [INPUT | {"shape": [1, 3], "data": [1, 2, 3]}]})
    outcome = loadstone(mlserver.target("http"), "--body", body)
    assert outcome.code == 3
    assert "X has 3 features, but RandomForestClassifier is expecting 4 features" in outcome.errors
