"""AWS lenses as documents: how Loadstone keeps one, and how they are written and compared."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from assessments.aws_lens import IMPORTED_SCHEMA, MAX_KEPT_BYTES, RISK_VALUES, AwsLens


def imported(
    lens: AwsLens, source: Mapping[str, Any], weights: Mapping[str, float], sidecar: Any = None
) -> dict[str, Any]:
    """The document in which Loadstone keeps a lens: AWS's as it was, where it came from, how it is scored.

    It is strict JSON. `source` is for people (see `source_of`); values and weights too, as they follow from
    the lens and its sidecar.
    """
    document: dict[str, Any] = {
        "schema": IMPORTED_SCHEMA,
        "source": dict(source),
        "values": dict(RISK_VALUES),
        "weights": dict(weights),
    }
    if _is_strict(lens.document):
        document["lens"] = lens.document
    else:
        document["lens_text"] = json.dumps(lens.document, ensure_ascii=True)
    return document if sidecar is None else document | {"sidecar": sidecar}


def source_of(data: bytes, file: str) -> dict[str, str]:
    """Where a lens came from: the name of its file and the SHA-256 of its bytes."""
    return {"file": file, "sha256": hashlib.sha256(data).hexdigest()}


def _is_strict(value: Any) -> bool:
    """Whether strict JSON and any database hold it: finite numbers, and text without NUL."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, Mapping):
        return all(_is_strict(key) and _is_strict(entry) for key, entry in value.items())
    return not isinstance(value, list) or all(_is_strict(entry) for entry in value)


def to_text(document: Mapping[str, Any], longest: int = MAX_KEPT_BYTES) -> str:
    """A document as a file, keys in the order in which they were read; NaN stays NaN.

    It is without indentation where it would be longer than so many bytes with it.
    """
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    if len(text.encode(errors="replace")) <= longest:
        return text
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def canonical(document: Mapping[str, Any]) -> bytes:
    """The document in the one spelling by which two are compared: sorted keys, no blanks, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def aws_id(text: str) -> str:
    """An id of ours as AWS allows it: letters, digits and `_`."""
    return text.replace("-", "_")
