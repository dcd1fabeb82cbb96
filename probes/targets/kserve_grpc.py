"""A model behind the Open Inference Protocol v2 over gRPC: `kserve+grpc://host:port/model`.

Samples are written as over REST: `{"inputs": [{"name": …, "shape": […], "datatype": …, "data": […]}]}`.
Without one the input is made from the model's own metadata.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from probes.errors import TargetError, UsageError
from probes.targets.grpc import GrpcTarget, given_samples
from probes.targets.grpc_call import Reply, call, need_packages, read_endpoint
from probes.targets.inference_sample import sample_of
from probes.targets.kserve_messages import CONTENTS, PACKAGE, SERVICE, method

_PATH = re.compile(r"/([^/]+)(?:/versions/([^/]+))?/?")


@dataclass(frozen=True)
class KserveGrpcTarget(GrpcTarget):
    """A model; `samples` are requests as over REST, none until the metadata was asked for them."""

    model: str = ""
    version: str = ""

    def prepared(self, timeout_s: float) -> KserveGrpcTarget:
        """The target with its messages made, after the server said that it is ready."""
        where = self.endpoint.authority
        ready = self._said(self._ask("ServerReady", {}, timeout_s), "ServerReady")
        if not ready.get("ready"):
            raise TargetError(f"{where} says that it is not ready; wait until its models are loaded")
        asked = {"name": self.model, "version": self.version}
        if not self._said(self._ask("ModelReady", asked, timeout_s), "ModelReady").get("ready"):
            raise TargetError(f"{where} says that {self.model} is not ready; wait until it is loaded")
        samples, sample_from = self.samples, self.sample_from
        if not samples:
            metadata = self._said(self._ask("ModelMetadata", asked, timeout_s), "ModelMetadata")
            samples, sample_from = (sample_of(metadata, self.model),), "model"
        found = replace(self, samples=samples, sample_from=sample_from).with_method(method("ModelInfer"))
        assert isinstance(found, KserveGrpcTarget)
        return found

    def as_message(self, sample: bytes) -> bytes:
        """The JSON of a ModelInferRequest for a request as over REST. Raises `UsageError`."""
        try:
            document = json.loads(sample)
            tensors = [_tensor(one) for one in document["inputs"]]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(
                'the sample is no request of the Open Inference Protocol: write {"inputs": [{"name": "x", '
                '"shape": [1, 4], "datatype": "FP32", "data": [0, 0, 0, 0]}]}'
            ) from error
        request = {"modelName": self.model, "modelVersion": self.version, "inputs": tensors}
        return json.dumps(request).encode()

    def _ask(self, name: str, request: dict[str, str], timeout_s: float) -> Reply:
        asked = method(name)
        return call(self.endpoint, asked.path, asked.encoded(json.dumps(request).encode()), timeout_s)

    def _said(self, reply: Reply, name: str) -> dict[str, Any]:
        if reply.status != 200:
            what = (
                f"has no model {self.model}, or has not loaded it yet"
                if reply.code == 5
                else f"answers {reply.said} to {name}"
            )
            raise TargetError(f"{self.endpoint.authority} {what}; correct the address or wait")
        said: dict[str, Any] = json.loads(method(name).decoded(reply.message))
        return said


def _tensor(one: dict[str, Any]) -> dict[str, Any]:
    """A tensor as over REST as the JSON of the message; its data may be nested by rows."""
    data = list(_flat(one["data"]))
    kind = one["datatype"]
    if kind == "BYTES":
        data = [base64.b64encode(str(text).encode()).decode() for text in data]
    field = CONTENTS[kind]
    shape = [int(size) for size in one["shape"]]
    if math.prod(shape) != len(data):
        raise UsageError(f"the tensor {one['name']} has {len(data)} values, which is not its shape {shape}")
    return {"name": one["name"], "datatype": kind, "shape": shape, "contents": {field: data}}


def _flat(data: Any) -> Any:
    for value in data:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value


def parse_target(
    address: str,
    *,
    headers: Sequence[str] = (),
    body: bytes | None = None,
    bodies: Sequence[bytes] | None = None,
    expect_body: str | None = None,
    streams: int | None = None,
    client: str | None = None,
    allow_remote: bool = False,
    ca: str | None = None,
    insecure: bool = False,
) -> KserveGrpcTarget:
    """The target of `kserve+grpc://host:port/model` (or `…/model/versions/N`); sends nothing.

    Raises `UsageError` when something is wrong with the options or a package is missing, `TargetError` when
    the host name cannot be resolved.
    """
    endpoint, path = read_endpoint(
        address, headers, allow_remote=allow_remote, ca=ca, insecure=insecure, streams=streams,
        expect_body=expect_body, client=client,
    )  # fmt: skip
    named = _PATH.fullmatch(path)
    if named is None:
        raise UsageError(f"'{path[:80]}' names no model: write kserve+grpc://host:port/model")
    need_packages(client=endpoint.client)
    samples = given_samples(body, bodies)
    return KserveGrpcTarget(
        kind="kserve_grpc",
        address=f"{address.partition('://')[0].lower()}://{endpoint.authority}{path}",
        endpoint=endpoint,
        service=f"{PACKAGE}.{SERVICE}",
        method_name="ModelInfer",
        samples=samples,
        sample_from="given" if samples else "model",
        model=named[1],
        version=named[2] or "",
    )
