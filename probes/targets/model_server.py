"""Models behind HTTP: Open Inference Protocol v2, TensorFlow Serving, SageMaker (MLflow too).

The server is asked whether it is ready, and for the model's metadata where no sample was given. After that
the target is an HTTP target like every other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probes.errors import TargetError, UsageError
from probes.targets import http
from probes.targets.http import HttpTarget
from probes.targets.inference_sample import sample_of
from probes.targets.refusal import in_brackets
from probes.targets.target import Answer

_NAMED = re.compile(r"/([^/?]+)(?:/versions/([^/?]+))?/?")
_DTYPES = {"FLOAT": "FP32", "DOUBLE": "FP64", "HALF": "FP32", "STRING": "BYTES"}
"""TensorFlow's types whose names the Open Inference Protocol does not share."""


@dataclass(frozen=True)
class ModelServerTarget(HttpTarget):
    """A model; `bodies` is `(None,)` until `prepared` made one from the metadata."""

    kind: str = "kserve_http"
    model: str = ""
    ready_path: str = ""
    metadata_path: str = ""

    def prepared(self, timeout_s: float) -> ModelServerTarget:
        """The target with its request made, after the server said that it is ready."""
        answer = self._got(self.ready_path, timeout_s)
        where = f"{self.host}:{self.port}"
        if answer.status == 404 and self.model:
            raise TargetError(
                f"{where} has no model {self.model}, or has not loaded it yet; correct the address or wait"
            )
        if answer.status != 200:
            raise TargetError(
                f"{where} answers {answer.status} to {self.ready_path}{in_brackets(answer.body)}; wait until "
                f"{self.model or 'its model'} is loaded, or correct the address"
            )
        if self.bodies != (None,):
            return self
        metadata = self._got(self.metadata_path, timeout_s)
        try:
            if metadata.status != 200:
                raise ValueError
            document = json.loads(metadata.body)
            sample = _SAMPLES[self.kind](document, self.model)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise TargetError(
                f"the metadata of {self.model} at {self.metadata_path} cannot be read: give --body @FILE.json"
            ) from error
        return replace(self, bodies=(sample,), sample_from="model")

    def _got(self, path: str, timeout_s: float) -> Answer:
        asked = replace(self, method="GET", path=path, bodies=(None,))
        return asked.ask(timeout_s)


def _tensorflow_sample(document: dict[str, Any], model: str) -> bytes:
    """A request in columns from the metadata of `GET /v1/models/NAME/metadata`."""
    signatures = document["metadata"]["signature_def"]["signature_def"]
    usable = [name for name in signatures if signatures[name].get("inputs")]
    if not usable:
        raise TargetError(f"the metadata of {model} names no inputs: give --body @FILE.json")
    name = "serving_default" if "serving_default" in usable else usable[0]
    inputs = []
    for called, tensor in signatures[name]["inputs"].items():
        kind = str(tensor["dtype"]).removeprefix("DT_")
        sizes = [int(dim["size"]) for dim in tensor.get("tensor_shape", {}).get("dim", [])]
        inputs.append({"name": called, "shape": sizes, "datatype": _DTYPES.get(kind, kind)})
    made = json.loads(sample_of({"inputs": inputs}, model))["inputs"]
    columns = {one["name"]: _nested(one["data"], one["shape"]) for one in made}
    return json.dumps({"signature_name": name, "inputs": columns}).encode()


def _nested(flat: list[Any], shape: Sequence[int]) -> Any:
    """The values of a tensor, row-major, as lists in lists."""
    if not shape:
        return flat[0]
    for size in reversed(shape[1:]):
        flat = [flat[at : at + size] for at in range(0, len(flat), size)]
    return flat


_SAMPLES: dict[str, Callable[[dict[str, Any], str], bytes]] = {
    "kserve_http": sample_of,
    "tf_serving": _tensorflow_sample,
}


def parse_target(
    address: str,
    *,
    headers: Sequence[str] = (),
    body: bytes | None = None,
    bodies: Sequence[bytes] | None = None,
    expect_status: int | None = None,
    expect_body: str | None = None,
    allow_remote: bool = False,
    ca: str | None = None,
    insecure: bool = False,
) -> ModelServerTarget:
    """The target of `kserve+http://host:port/model`, `tfserving+http://…/model` or `sagemaker+http://host:port`.

    Sends nothing. Raises `UsageError` when something is wrong with the address or the options, `TargetError`
    when the host name cannot be resolved.
    """
    protocol, _, plain = address.strip().partition("+")
    protocol = protocol.lower()
    target = http.parse_target(
        plain, method="POST", headers=headers, body=body, bodies=bodies,
        expect_status=expect_status, expect_body=expect_body,
        allow_remote=allow_remote, ca=ca, insecure=insecure,
    )  # fmt: skip
    values = {**vars(target), "sample_from": "given" if target.bodies != (None,) else "model"}
    values["address"] = f"{protocol}+{target.address}"
    if protocol == "sagemaker":
        if target.path != "/":
            raise UsageError("the paths of SageMaker are fixed: write sagemaker+http://host:port")
        if target.bodies == (None,):
            raise UsageError(
                "a SageMaker endpoint does not say what it takes: give --body @FILE.json (MLflow keeps one "
                "beside its models, serving_input_example.json)"
            )
        values["path"] = "/invocations"
        return ModelServerTarget(**values, kind="sagemaker", ready_path="/ping")
    named = _NAMED.fullmatch(target.path)
    if named is None:
        raise UsageError(f"'{target.path[:80]}' names no model: write {protocol}+http://host:port/model")
    root = ("/v2" if protocol == "kserve" else "/v1") + f"/models/{named[1]}"
    if named[2]:
        root += f"/versions/{named[2]}"
    if protocol == "kserve":
        values["path"] = f"{root}/infer"
        return ModelServerTarget(
            **values, kind="kserve_http", model=named[1], ready_path=f"{root}/ready", metadata_path=root
        )
    values["path"] = f"{root}:predict"
    return ModelServerTarget(
        **values, kind="tf_serving", model=named[1], ready_path=root, metadata_path=f"{root}/metadata"
    )
