"""Datadog's monitors, one a file or a list of them, told by what their queries look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probes.monitoring.datadog import MonitorReader

SLOW = {
    "name": "Slow", "type": "query alert", "message": "@team", "options": {},
    "query": "avg(last_10m):p99:trace.flask.request{service:shop} > 0.25",
}  # fmt: skip
BAD = {
    "name": "Errors", "type": "metric alert", "message": "@team", "options": {},
    "query": "sum(last_5m):sum:trace.flask.request.errors{service:shop}.as_count() > 10",
}  # fmt: skip
OTHER = {
    "name": "Disk", "type": "metric alert", "message": "", "options": {},
    "query": "avg(last_5m):avg:system.disk.in_use{*} > 0.9",
}  # fmt: skip


def read(document: Any) -> dict[str, Any]:
    reader, text = MonitorReader(), json.dumps(document)
    reader.read(Path("monitors.json"), text.encode(), text)
    return {fact.name.removeprefix("monitoring.alarms."): fact.value for fact in reader.findings().facts}


@pytest.mark.parametrize("document", [[SLOW, BAD], {"monitors": [SLOW, BAD]}])
def test_lists_of_monitors(document: Any) -> None:
    assert read(document) == {"count": 2, "latency.present": True, "error.present": True}


def test_one_alone_and_one_of_something_else() -> None:
    assert read(BAD) == {"count": 1, "error.present": True}
    assert read(OTHER) == {"count": 1}


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"type": "query alert"},
        {"type": "object", "query": "x", "message": ""},
        [1, "query", "type", "message"],
    ],
)
def test_other_json_is_no_monitor(document: Any) -> None:
    assert read(document) == {}
