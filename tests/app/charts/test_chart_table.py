"""The numbers of a chart as a table: every value, with its interval, gaps as gaps."""

from __future__ import annotations

from datetime import date

from app.charts.spec import (
    Axis,
    Bar,
    BarChart,
    ChangeChart,
    DateRange,
    EffortChart,
    EffortPoint,
    Finding,
    FlameChart,
    Frame,
    Limit,
    RangeChart,
    ScoreChange,
    Series,
    XYChart,
)
from app.charts.table import rows_of


def test_series_share_the_rows_of_their_x() -> None:
    spec = XYChart(
        "",
        Axis("offered, req/s"),
        Axis("ms"),
        (
            Series("p99", (25.0, 50.0), (36.0, None), low=(33.0, None), high=(39.5, None)),
            Series("p50", (50.0, 1500.0), (14.0, 15.25)),
        ),
        (Limit(200, "objective"),),
        (Finding(198, "198 req/s", 192, 203),),
    )
    assert rows_of(spec) == (
        ("offered, req/s", "p99", "p50"),
        (
            ("25", "36 (33–39.5)", "–"),
            ("50", "–", "14"),
            ("1,500", "–", "15.25"),
            ("objective", "200", ""),
            ("198 req/s", "198 (192–203)", ""),
        ),
    )


def test_dates_and_percentiles_are_written_as_such() -> None:
    day = float(date(2027, 3, 14).toordinal())
    finding = Finding(day, "runs out", day - 22, day + 28)
    dated = XYChart("", Axis("", "date"), Axis("req/s"), (Series("", (day,), (314.0,)),), (), (finding,))
    assert rows_of(dated) == (
        ("date", "req/s"),
        (("2027-03-14", "314"), ("runs out", "2027-03-14 (2027-02-20 to 2027-04-11)")),
    )
    shares = XYChart("", Axis("percentile", "percentile"), Axis("ms"), (Series("", (0.999,), (151.0,)),))
    assert rows_of(shares)[1] == (("99.9", "151"),)


def test_series_without_a_name_are_told_apart() -> None:
    fit, points = Series("", (1.0,), (2.0,)), Series("", (1.0,), (2.5,), measured=True, line=False)
    header, _ = rows_of(XYChart("", Axis("at once"), Axis("req/s"), (fit, points)))
    assert header == ("at once", "req/s (fitted)", "req/s (measured)")


def test_bars_keep_their_target() -> None:
    spec = BarChart("", (Bar("One replica", 198, 192, None, "198 req/s"),), 420, "target peak")
    assert rows_of(spec)[1] == (("One replica", "198", "192–", "198 req/s"), ("target peak", "420", "–", ""))


def test_rows_of_the_other_kinds() -> None:
    flame = FlameChart("", (Frame("rerank", "ranking.py:88", 2, 0, 0.713),))
    assert rows_of(flame)[1] == (("2", "rerank", "ranking.py:88", "71.3\u00a0%"),)
    points = (EffortPoint(2, "Spare", 3, 6, "square"), EffortPoint(1, "Limit", 0.5, 8, "circle", "→ 2028"))
    effort = EffortChart("", points, (("circle", "Infrastructure"),))
    assert rows_of(effort)[1] == (
        ("1", "Limit", "Infrastructure", "0.5", "8", "→ 2028"),
        ("2", "Spare", "square", "3", "6", ""),
    )
    dates = RangeChart(
        "", (DateRange("both", None, date(2028, 6, 1), None, "later"),), ((date(2027, 1, 15), "sale"),)
    )
    assert rows_of(dates)[1] == (("both", "later", "2028-06-01", "–"), ("sale", "2027-01-15", "–", "–"))
    assert rows_of(ChangeChart("", (ScoreChange("Data", 63.56, 71),)))[1] == (("Data", "63.6", "71"),)
