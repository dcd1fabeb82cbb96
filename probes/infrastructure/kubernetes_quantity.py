"""Kubernetes' quantities (`500m`, `1.5Gi`, `1e3`), read exactly.

Grammar: k8s.io/apimachinery/pkg/api/resource/quantity.go. A number with a decimal or binary suffix or with an
exponent; what is smaller than the unit is rounded up, as Kubernetes does.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_QUANTITY = re.compile(
    r"([+-]?)([0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE]([+-]?[0-9]{1,2})|([A-Za-z]*))"
)
_LARGEST = 2**63 - 1


class QuantityError(ValueError):
    """No quantity of Kubernetes; the message says what to write."""


def quantity(written: object) -> Fraction:
    """The exact value of a quantity: cores, bytes or pieces. Raises `QuantityError`."""
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise QuantityError("this is no quantity: write a number such as 500m or 2Gi")
    text = str(written).strip()
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise QuantityError(f"'{text[:40]}' is no quantity: write a number such as 500m or 2Gi")
    sign, digits, exponent, suffix = match.groups()
    value = Fraction(digits + "0" if digits.endswith(".") else digits)
    if exponent is not None:
        value *= Fraction(10) ** int(exponent)
    elif suffix in _BINARY:
        value *= 2 ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        value *= Fraction(10) ** _DECIMAL[suffix]
    else:
        near = "Gi" if suffix.upper().startswith("G") else "Mi"
        raise QuantityError(
            f"'{text[:40]}' is no quantity, it ends in '{suffix[:10]}': write {near}, for example"
        )
    if sign == "-" and value:
        raise QuantityError(f"'{text[:40]}' is negative: write a positive quantity")
    if value > _LARGEST:
        raise QuantityError(f"'{text[:40]}' is larger than Kubernetes can hold: write a smaller quantity")
    return value


def whole(value: Fraction) -> int:
    """Bytes or pieces, rounded up as Kubernetes does."""
    return math.ceil(value)


def cores(value: Fraction) -> float:
    """CPU cores to a thousandth, rounded up as Kubernetes does."""
    return math.ceil(value * 1000) / 1000
