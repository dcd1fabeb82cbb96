"""Numbers in sentences."""

from __future__ import annotations

import random

import pytest

from assessments.wording import amount, binary_bytes, capital, counted, estimate, percent, with_unit

BLANK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"), (0.0312, "0.0312"), (0.03125, "0.0312"), (4.5549, "4.55"), (33.6, "33.6"), (42.0, "42"),
        (99.94, "99.9"), (99.95, "100"), (100.4, "100"), (198.4, "198"), (999.5, "1,000"), (12_340, "12,340"),
        (1_234_567, "1,234,567"), (-63.6, f"{MINUS}63.6"), (-0.0, "0"), (0.000012, "0.000012"),
        (1e-9, "0"), (-1e-9, "0"),
    ],
)  # fmt: skip
def test_amounts_have_three_digits_and_all_before_the_point(value: float, shown: str) -> None:
    assert amount(value) == shown


def test_no_amount_is_written_with_an_exponent_and_each_is_near_its_value() -> None:
    chance = random.Random(1)
    for _ in range(2_000):
        value = chance.choice([-1, 1]) * 10 ** chance.uniform(-4, 14)
        shown = amount(value)
        assert "e" not in shown
        assert float(shown.replace(",", "").replace(MINUS, "-")) == pytest.approx(value, rel=6e-3)


def test_estimates_show_their_interval_and_leave_an_unknown_end_open() -> None:
    assert estimate(198.2, 192.4, 203.1, "req/s") == f"198{BLANK}(192–203){BLANK}req/s"
    assert estimate(198.2, 192.4, None) == f"198{BLANK}(192–?)"
    assert estimate(198.2, None, 203.1) == f"198{BLANK}(?–203)"
    assert estimate(198.2, None, None, "req/s") == f"198{BLANK}req/s"


def test_counts_and_shares_and_sizes() -> None:
    assert [counted(number, "claim") for number in (0, 1, 2, 1_200)] == [
        f"0{BLANK}claims", f"1{BLANK}claim", f"2{BLANK}claims", f"1,200{BLANK}claims",
    ]  # fmt: skip
    assert counted(2, "claim is", "claims are") == f"2{BLANK}claims are"
    assert (percent(0.614), percent(1), percent(0)) == (f"61{BLANK}%", f"100{BLANK}%", f"0{BLANK}%")
    sizes = [binary_bytes(size) for size in (0, 512, 1_536, 205 * 2**20, 2**30, 3 * 2**40)]
    assert sizes == [f"0{BLANK}B", f"512{BLANK}B", f"1.5{BLANK}KiB", f"205{BLANK}MiB", f"1{BLANK}GiB",
                     f"3,072{BLANK}GiB"]  # fmt: skip
    assert with_unit("5", "") == "5"
    assert (capital("a replica"), capital("6 replicas"), capital("")) == ("A replica", "6 replicas", "")
