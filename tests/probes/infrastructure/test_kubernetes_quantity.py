"""Kubernetes' quantities are read exactly; the values are those of its own documentation and arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.infrastructure.kubernetes_quantity import QuantityError, cores, quantity, whole


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("500m", Fraction(1, 2)),
        ("0.1", Fraction(1, 10)),
        (0.1, Fraction(1, 10)),
        (2, 2),
        ("1.5Gi", 3 * 2**29),
        ("1e3", 1000),
        (1e3, 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("128974848", 128974848),
        ("129e6", 129_000_000),
        ("129M", 129_000_000),
        ("128974848000m", 128974848),  # these four are the same in the documentation
        ("123Mi", 128974848),
        ("1G", 10**9),
        ("1k", 1000),
        ("5u", Fraction(5, 10**6)),
        ("0", 0),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("+1", 1),
    ],
)
def test_a_quantity_has_its_exact_value(written: object, value: Fraction | int) -> None:
    assert quantity(written) == value


@pytest.mark.parametrize(
    "written", ["512MB", "1.5 Gi", "1K", "", "x", "-1", True, None, [], "1e999", "9" * 31, "1ee3"]
)
def test_what_is_no_quantity_says_what_to_write(written: object) -> None:
    with pytest.raises(QuantityError, match="write"):
        quantity(written)


def test_parts_of_a_byte_and_of_a_thousandth_are_rounded_up_as_kubernetes_does() -> None:
    assert whole(quantity("128m")) == 1
    assert cores(quantity("100u")) == 0.001
    assert cores(quantity("1.5")) == 1.5


@given(st.integers(0, 10**6), st.sampled_from(["Ki", "Mi", "Gi", "k", "M", "G", "m", ""]))
def test_a_suffix_is_its_power(count: int, suffix: str) -> None:
    powers = {
        "Ki": 2**10,
        "Mi": 2**20,
        "Gi": 2**30,
        "k": 10**3,
        "M": 10**6,
        "G": 10**9,
        "m": Fraction(1, 1000),
        "": 1,
    }
    assert quantity(f"{count}{suffix}") == count * powers[suffix]
