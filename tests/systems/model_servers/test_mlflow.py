"""`mlflow models serve` with a forest of scikit-learn, by SageMaker's contract: /ping and /invocations."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

INSTALL = "python3 -m venv VENV && VENV/bin/pip install 'mlflow==3.17.*' scikit-learn"
SAVE = """
import mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
x, y = load_iris(return_X_y=True, as_frame=True)
model = RandomForestClassifier(20, random_state=0).fit(x, y)
mlflow.sklearn.save_model(model, "iris", signature=infer_signature(x, model.predict(x)), input_example=x[:1],
                          serialization_format="cloudpickle")
"""

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("load_alone")]


@pytest.fixture(scope="module")
def mlflow(
    environment_of: Callable[..., Any],
    serve: Callable[..., psutil.Process],
    ports: Callable[[int], list[int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path]:
    """(address, the example of a request that MLflow keeps beside the model)."""
    environment = environment_of("mlflow", INSTALL)
    folder = tmp_path_factory.mktemp("mlflow")
    environment.run("-c", SAVE, folder=folder)
    (port,) = ports(1)
    serve(
        [environment.program("mlflow"), "models", "serve", "-m", "iris", "--env-manager", "local",
         "-h", "127.0.0.1", "-p", str(port)],
        port=port, ready="/ping", folder=folder,
        environment={"PATH": f"{environment.python.parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    return f"sagemaker+http://127.0.0.1:{port}", folder / "iris" / "serving_input_example.json"


def test_a_search_with_the_example_that_mlflow_keeps(
    mlflow: tuple[str, Path], loadstone: Callable[..., Any], check_search: Callable[[Any], None]
) -> None:
    address, example = mlflow
    outcome = loadstone(
        address, "--body", f"@{example}", "--slo", "p99<=1s,errors<=1%", "--budget", "20s", "--check-answers",
    )  # fmt: skip
    check_search(outcome)
    target = outcome.result["target"]
    assert (target["kind"], target["sample_from"]) == ("sagemaker", "given")
    answers = outcome.result["answers"]
    assert 0 < answers["equal"] == answers["compared"]


def test_a_request_in_another_form_gets_the_server_s_own_words(
    mlflow: tuple[str, Path], loadstone: Callable[..., Any]
) -> None:
    outcome = loadstone(mlflow[0], "--body", json.dumps({"x": 1}))
    assert outcome.code == 3
    assert "answers 400 Bad Request" in outcome.errors
    assert (
        "it says: The input must be a JSON dictionary with exactly one of the input fields" in outcome.errors
    )
