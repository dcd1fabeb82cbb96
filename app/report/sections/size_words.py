"""How cost and memory grow with the size of requests, or of the model, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.report.sections.run_words import number, part
from assessments.wording import amount, binary_bytes


def growth_sentence(found: Mapping[str, Any], what: str) -> str:
    """Of a `volume` or `complexity` object; `what` grows: "Cost", or "Response time"."""
    axis = str(found.get("axis") or "size")
    exponent, low, high = (number(found.get(name)) for name in ("exponent", "low", "high"))
    law = found.get("law")
    if law == "1":
        text = f"{what} does not depend on {axis}"
    elif found.get("refused") or exponent is None:
        text = f"How {what.lower()} grows with {axis} was not told"
    else:
        span = f" ({low:.2f} to {high:.2f}, 95 %)" if low is not None and high is not None else ""
        text = f"{what} grows with {axis}"
        text += f" as {law}" if law and law != "between" else ""
        text += f", exponent {exponent:.2f}{span}"
    memory = part(found, "memory")
    per_unit = number(memory.get("bytes_per_unit"))
    if memory.get("verdict") == "growing" and per_unit is not None:
        text += f"; one more takes {binary_bytes(per_unit)} of memory"
    largest, beyond = number(found.get("largest_within_slo")), number(found.get("smallest_beyond_slo"))
    if largest is not None:
        text += f"; the largest within the objective is {amount(largest)}"
    elif beyond is not None:
        text += f"; already {amount(beyond)} breaks the objective"
    return f"{text}."
