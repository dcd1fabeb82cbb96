"""Round values of axes, how numbers are written, and fewer points where there are more than columns."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.ticks import iso, minmax_decimate, nice_ticks, number, percentile

FINITE = st.floats(-1e12, 1e12, allow_nan=False)


def labels(low: float, high: float, about: int, scale: str = "linear") -> list[str]:
    return [text for _, text in nice_ticks(low, high, about, scale)]  # type: ignore[arg-type]


def day(year: int, month: int, of_month: int) -> float:
    return float(date(year, month, of_month).toordinal())


class TestLinear:
    def test_steps_are_one_two_two_and_a_half_or_five(self) -> None:
        assert labels(0, 1000, 5) == ["0", "200", "400", "600", "800", "1,000"]
        assert labels(0, 100, 4) == ["0", "25", "50", "75", "100"]
        assert labels(0, 207, 4) == ["0", "50", "100", "150", "200"]

    def test_heckberts_example(self) -> None:
        # Graphics Gems (1990), "Nice numbers for graph labels": 105 to 543 is labelled 100, 200 … 600 there
        # (loose); the tight ticks are those inside the range.
        assert labels(105, 543, 5) == ["200", "300", "400", "500"]

    def test_no_zeros_at_the_end_and_no_rounding_dirt(self) -> None:
        assert labels(0, 0.3, 3) == ["0", "0.1", "0.2", "0.3"]
        assert labels(-0.5, 0.5, 4) == ["−0.5", "−0.25", "0", "0.25", "0.5"]

    def test_values_all_the_same_have_one_tick(self) -> None:
        assert labels(7, 7, 5) == ["7"]

    def test_ends_out_of_order_or_not_finite_have_none(self) -> None:
        assert nice_ticks(2, 1, 5) == ()
        assert nice_ticks(0, math.inf, 5) == ()
        assert nice_ticks(math.nan, 1, 5) == ()

    @given(FINITE, st.floats(1e-6, 1e9), st.integers(2, 12))
    def test_ticks_lie_inside_ascend_and_are_told_apart(self, low: float, span: float, about: int) -> None:
        ticks = nice_ticks(low, low + span, about)
        values = [value for value, _ in ticks]
        assert values == sorted(values)
        assert all(low <= value <= low + span for value in values)
        assert len({text for _, text in ticks}) == len(ticks)

    @given(st.floats(0.001, 1e9), st.integers(2, 12))
    def test_there_are_about_as_many_as_asked_for(self, high: float, about: int) -> None:
        # Neighbouring steps differ by at most 2, so the nearest is off by at most sqrt(2) in ratio.
        intervals = len(nice_ticks(0, high, about)) - 1
        assert math.floor(about / 1.5) <= intervals <= math.ceil(about * 1.5)


class TestOtherScales:
    def test_a_log_axis_is_marked_at_one_two_and_five(self) -> None:
        assert labels(10, 1000, 6, "log") == ["10", "20", "50", "100", "200", "500", "1,000"]

    def test_many_decades_are_marked_at_powers(self) -> None:
        assert labels(1, 1e6, 6, "log") == ["1", "10", "100", "1,000", "10,000", "100,000", "1,000,000"]
        assert labels(1, 1e12, 4, "log") == ["1", "1,000", "1,000,000", "10⁹", "10¹²"]

    def test_less_than_a_decade_is_marked_evenly(self) -> None:
        assert labels(120, 180, 3, "log") == ["120", "140", "160", "180"]

    def test_a_log_axis_from_zero_has_no_ticks(self) -> None:
        assert nice_ticks(0, 100, 5, "log") == ()

    def test_percentiles_go_on_by_nines(self) -> None:
        assert labels(0, 0.9995, 5, "percentile") == ["0", "50", "90", "95", "99", "99.9"]
        assert percentile(0.99999) == "99.999"

    def test_months_name_the_year_where_it_begins(self) -> None:
        ticks = nice_ticks(day(2026, 12, 20), day(2028, 9, 1), 4, "date")
        assert ticks == (
            (day(2027, 1, 1), "Jan 2027"),
            (day(2027, 7, 1), "Jul"),
            (day(2028, 1, 1), "Jan 2028"),
            (day(2028, 7, 1), "Jul"),
        )

    def test_weeks_begin_on_mondays(self) -> None:
        ticks = nice_ticks(day(2026, 12, 20), day(2027, 1, 20), 5, "date")
        assert [text for _, text in ticks] == ["2026-12-21", "12-28", "2027-01-04", "01-11", "01-18"]
        assert {date.fromordinal(int(value)).weekday() for value, _ in ticks} == {0}

    def test_many_years_are_marked_by_years(self) -> None:
        assert labels(day(2000, 1, 1), day(2090, 1, 1), 5, "date") == ["2000", "2020", "2040", "2060", "2080"]

    @given(st.integers(1, 3_652_059), st.integers(0, 40_000), st.integers(1, 12))
    def test_dates_lie_inside_and_ascend(self, start: int, span: int, about: int) -> None:
        end = min(start + span, 3_652_059)
        values = [value for value, _ in nice_ticks(start, end, about, "date")]
        assert values == sorted(set(values))
        assert all(start <= value <= end for value in values)


class TestNumber:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (-0.0, "0"),
            (1500, "1,500"),
            (1234567, "1,234,567"),
            (-0.25, "−0.25"),
            (0.1 + 0.2, "0.3"),
            (217.7912, "217.79"),
            (2e9, "2×10⁹"),
            (1e18, "10¹⁸"),
            (-2.5e-7, "−2.5×10⁻⁷"),
            (math.nan, "–"),
            (math.inf, "–"),
        ],
    )
    def test_is_written_for_people(self, value: float, text: str) -> None:
        assert number(value) == text

    def test_rounds_to_what_is_asked_for_without_a_negative_zero(self) -> None:
        assert number(12.345, 1) == "12.3"
        assert number(-0.001, 2) == "0"

    def test_days_are_iso(self) -> None:
        assert iso(day(2027, 3, 14)) == "2027-03-14"
        assert iso(1e12) == "9999-12-31"


class TestDecimate:
    def test_few_points_stay_as_they_are(self) -> None:
        assert minmax_decimate([1.0, 2.0], [5.0, None], 100) == ((1.0, 2.0), (5.0, None))

    def test_a_single_spike_among_thousands_is_kept(self) -> None:
        x = [float(at) for at in range(10_000)]
        y: list[float | None] = [1.0] * 10_000
        y[6_789] = 900.0
        kept_x, kept_y = minmax_decimate(x, y, 50)
        assert len(kept_x) <= 4 * 50
        assert kept_y[kept_x.index(6_789.0)] == 900.0

    @given(
        st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=400),
        st.integers(1, 20),
    )
    def test_extremes_gaps_and_order_survive(self, y: list[float | None], columns: int) -> None:
        x = [float(at) for at in range(len(y))]
        kept_x, kept_y = minmax_decimate(x, y, columns)
        assert list(kept_x) == sorted(set(kept_x))
        assert all(y[int(place)] == value for place, value in zip(kept_x, kept_y, strict=True))
        there = [value for value in y if value is not None]
        kept = [value for value in kept_y if value is not None]
        assert (min(there), max(there)) == (min(kept), max(kept)) if there else not kept
        assert (None in kept_y) == (None in y)
        assert len(kept_x) <= max(5 * columns, 4 * columns)
