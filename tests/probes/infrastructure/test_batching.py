"""Model servers that gather requests, by their own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.infrastructure.batching import BatchingReader

TRITON = """name: "rank"
platform: "onnxruntime_onnx"
max_batch_size: 32

dynamic_batching {
  preferred_batch_size: [8, 16]
  max_queue_delay_microseconds: 500
}
"""
KSERVE = """apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: rank}
spec:
  predictor:
    batcher:
      maxBatchSize: 32
      maxLatency: 500
"""
TORCHSERVE = 'models={"rank": {"1.0": {"batchSize": 4, "maxBatchDelay": 100}}}\n'
TENSORFLOW = "max_batch_size { value: 32 }\nbatch_timeout_micros { value: 500 }\n"


def line(name: str, text: str) -> int | None:
    reader = BatchingReader()
    assert reader.looks_at(Path(name))
    reader.read(Path(name), text.encode(), text)
    return next((fact.source.line for fact in reader.findings().facts), None)


@pytest.mark.parametrize(
    ("name", "text", "at"),
    [
        ("rank/config.pbtxt", TRITON, 5),
        ("rank/config.pbtxt", TRITON.replace("dynamic_batching {", "dynamic_batching: {"), 5),
        ("rank.yaml", KSERVE, 6),
        ("config.properties", TORCHSERVE, 1),
        ("model-config.yaml", "minWorkers: 1\nbatchSize: 8\nmaxBatchDelay: 50\n", 2),
        ("batching.config", TENSORFLOW, 1),
    ],
)
def test_gathered_requests_are_seen_with_their_line(name: str, text: str, at: int) -> None:
    assert line(name, text) == at


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rank/config.pbtxt", TRITON.split("dynamic", maxsplit=1)[0]),
        ("rank.yaml", KSERVE.split("    batcher", maxsplit=1)[0]),
        ("config.properties", TORCHSERVE.replace("4", "1")),
        ("values.yaml", "batcher: {size: 3}\nbatchSize: 8\n"),
        ("other.config", "max_batch_size { value: 32 }\n"),
    ],
)
def test_a_batch_size_alone_or_of_something_else_gathers_none(name: str, text: str) -> None:
    assert line(name, text) is None
