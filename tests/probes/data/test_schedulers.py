"""Schedulers are read from what is written: DAGs are parsed and never run, retries count as numbers only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probes.data.schedulers import SchedulerReader
from probes.documents import DocumentError

AIRFLOW = """import datetime
from airflow import DAG
from airflow.operators.bash import BashOperator

default_args = {"owner": "shop", "retries": 2, "retry_delay": datetime.timedelta(minutes=5)}
with DAG("nightly", schedule="@daily", default_args=default_args):
    BashOperator(task_id="join", bash_command="make join", retries=4)
raise SystemExit("never run")
"""


def read(text: str, name: str = "dags/nightly.py") -> dict[str, tuple[Any, int | None]]:
    reader = SchedulerReader()
    assert reader.looks_at(Path(name))
    reader.read(Path(name), text.encode(), text)
    facts = reader.findings().facts
    return {fact.name.removeprefix("data.scheduler."): (fact.value, fact.source.line) for fact in facts}


def test_a_dag_of_airflow_and_the_most_often_that_a_step_is_run_again() -> None:
    assert read(AIRFLOW) == {"present": (True, 6), "kind": ("Airflow", 6), "retries": (4, 7)}


def test_retries_that_are_no_number_are_not_known() -> None:
    text = AIRFLOW.replace('"retries": 2', '"retries": RETRIES').replace(", retries=4", "")
    assert "retries" not in read(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("from airflow.decorators import dag\n@dag(schedule='@daily')\ndef nightly(): ...\n", "Airflow"),
        ("from prefect import flow, task\n@task(retries=3)\ndef a(): ...\n@flow\ndef b(): a()\n", "Prefect"),
        ("import dagster\n@dagster.asset\ndef orders(): ...\n", "Dagster"),
        ("import luigi\nclass Join(luigi.Task):\n    retry_count = 3\n", "Luigi"),
        ("from metaflow import FlowSpec, step\nclass Train(FlowSpec):\n    ...\n", "Metaflow"),
    ],
)
def test_other_schedulers_of_python(text: str, kind: str) -> None:
    assert read(text)["kind"][0] == kind


@pytest.mark.parametrize(
    "text",
    [
        "from airflow.models import Variable\nx = Variable.get('a')\n",
        "# from airflow import DAG\n",
        "DAG('x')\n",
    ],
)
def test_python_that_makes_no_pipeline_is_none(text: str) -> None:
    assert read(text) == {}


def test_python_that_cannot_be_parsed_is_said_with_its_line() -> None:
    with pytest.raises(DocumentError) as caught:
        read("from airflow import DAG\nwith DAG('x' as y:\n")
    assert caught.value.line == 2


def test_a_state_machine_of_step_functions() -> None:
    states = {"Join": {"Type": "Task", "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}]}}
    found = read(json.dumps({"StartAt": "Join", "States": states}), "machine.asl.json")
    assert (found["kind"][0], found["retries"][0]) == ("Step Functions", 5)
    defaults = {"Join": {"Type": "Task", "Retry": [{"ErrorEquals": ["States.ALL"]}]}}
    assert read(json.dumps({"StartAt": "Join", "States": defaults}), "m.json")["retries"][0] == 3


def test_a_workflow_of_argo() -> None:
    text = """apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: nightly}
spec:
  workflowSpec:
    templates:
    - name: join
      retryStrategy: {limit: "3"}
"""
    assert read(text, "nightly.yaml") == {
        "present": (True, 1), "kind": ("Argo Workflows", 1), "retries": (3, 8),
    }  # fmt: skip


def test_an_application_of_argo_cd_is_no_workflow() -> None:
    assert (
        read("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n", "app.yaml") == {}
    )
