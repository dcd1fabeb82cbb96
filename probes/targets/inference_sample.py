"""A request of the Open Inference Protocol, made from what the metadata of a model says that it takes."""

from __future__ import annotations

import json
import math
import random
from typing import Any

from probes.errors import TargetError
from probes.targets.kserve_messages import CONTENTS

OPEN_SIZE = 16
"""What a dimension that the model leaves open becomes; the first, which is the batch, becomes 1."""
MOST_VALUES = 16_000_000
SEED = 7


def sample_of(metadata: dict[str, Any], model: str) -> bytes:
    """A request made from the metadata of a model: numbers are normal, seeded; integers 0; texts `text`.

    Raises `TargetError` where the metadata names no inputs, or of a type that is not known.
    """
    inputs = metadata.get("inputs")
    if not inputs:
        raise TargetError(f"the metadata of {model} names no inputs: give --sample @FILE.json")
    draw = random.Random(SEED).gauss
    tensors = []
    for one in inputs:
        shape = [int(size) for size in one.get("shape", [])]
        shape = [size if size > 0 else OPEN_SIZE if place else 1 for place, size in enumerate(shape)]
        kind, count = one.get("datatype", ""), math.prod(shape)
        if kind not in CONTENTS or count > MOST_VALUES:
            what = f"{count:,} values" if kind in CONTENTS else f"values of the type {kind:.20}"
            raise TargetError(
                f"the input {one.get('name', '')} of {model} takes {what}: give --sample @FILE.json"
            )
        data: list[Any]
        if kind in ("FP32", "FP64"):
            data = [round(draw(0.0, 1.0), 6) for _ in range(count)]
        else:
            data = [{"BYTES": "text", "BOOL": False}.get(kind, 0)] * count
        tensors.append({"name": one.get("name", ""), "shape": shape, "datatype": kind, "data": data})
    return json.dumps({"inputs": tensors}).encode()
