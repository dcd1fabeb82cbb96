"""The load story: the finding with its cause, charts from the steps, what is missing said plainly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from app.charts.spec import FlameChart, XYChart
from app.report.model import Columns, Figure, Paragraph, Table, plain
from app.report.sections import load_charts, load_story, page_one
from app.report.sections.run_words import objective_words
from app.report.view import View

Document = dict[str, Any]
SLO = {"p99_ms": 200}
Run = dict[str, Any]


@pytest.mark.parametrize(
    ("capacity", "title"),
    [
        (
            {"bound": "bracketed", "rate_per_s": 198.4, "slo": {"p99_ms": 200}, "limited_by": "gil"},
            "One replica stops at 198\xa0req/s because one Python process holds the GIL",
        ),
        (
            {"bound": "provisional", "rate_per_s": 198.4, "slo": SLO, "limited_by": "gil"},
            "One replica stops at about 198\xa0req/s because one Python process holds the GIL",
        ),
        (
            {"bound": "bracketed", "rate_per_s": 198.4, "slo": SLO, "limited_by": "not_identified"},
            "One replica carries 198\xa0req/s within its objective; what gives out was not identified",
        ),
        (
            {"bound": "provisional", "rate_per_s": 198.4, "slo": {"p99_ms": 200}},
            "One replica carries about 198\xa0req/s within its objective; what gives out was not identified",
        ),
        ({"bound": "bracketed", "rate_per_s": 198.4, "slo": None},
         "One replica saturates at 198\xa0req/s; what gives out was not identified"),
        ({"bound": "at_least", "low": 50.0},
         "One replica carries at least 50\xa0req/s; its limit was not reached"),
        ({"bound": "unmet_at_minimum"}, "One replica misses its objective even at the lowest rate tried"),
        ({"bound": "indeterminate"}, "Where one replica stops could not be told"),
        ({}, "Where one replica stops could not be told"),
    ],
)  # fmt: skip
def test_the_title_is_the_finding(capacity: Document, title: str) -> None:
    assert load_story.title_of({"capacity": capacity}) == title


def test_without_a_run_it_says_what_is_not_known_and_what_to_do(
    assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    section = load_story.section(View(assessed(runs=[], facts=[])), "2")
    assert section.title == "No load run is part of this assessment"
    assert "loadstone probe TARGET" in said(section)


def test_an_objective_on_tokens_alone_draws_their_time_and_not_that_of_the_answer() -> None:
    """Of two bounds the one that decided; p95 of the first token is 300 ms at 10/s and 1,200 ms at 20/s."""
    steps = [
        {
            "mode": "open", "offered_per_s": rate, "sent": 100, "response_ms": {"p50": 4e3, "p95": 9e3},
            "streaming": {"ttft_ms": {"p50": ttft / 3, "p95": ttft}, "tpot_ms": {"p50": 9.0, "p95": 12.0}},
        }
        for rate, ttft in ((10.0, 300.0), (20.0, 1200.0))
    ]  # fmt: skip
    capacity = {
        "bound": "bracketed", "rate_per_s": 18.0, "low": 17.0, "high": 19.0,
        "slo": {"tpot_p95_ms": 50.0, "ttft_p95_ms": 1000.0}, "decided_by": "ttft_p95<=1s",
    }  # fmt: skip
    chart = load_charts.response_chart({"steps": steps, "capacity": capacity})
    assert chart is not None
    assert chart.title.startswith("First token p95 leaves the objective at 18")
    assert chart.y.label.startswith("Time to first token")
    assert chart.series[0].y == (300.0, 1200.0)
    assert chart.limits[0].at == 1000.0
    other = load_charts.response_chart(
        {"steps": steps, "capacity": capacity | {"decided_by": "tpot_p95<=50ms"}}
    )
    assert other is not None
    assert (other.series[0].y, other.limits[0].at) == ((12.0, 12.0), 50.0)


def test_response_times_are_those_of_the_steps_with_objective_and_capacity(ramp: Callable[[], Run]) -> None:
    chart = load_charts.response_chart(ramp())
    assert chart is not None
    p99, p50 = chart.series
    assert (p99.label, p50.label) == ("p99", "p50")
    assert p99.measured
    steps = {rate: value for rate, value in zip(p99.x, p99.y, strict=True) if value is not None}
    assert steps[100.0] == pytest.approx(1000.0 / 100.0 * math.log(100.0))
    assert p99.low[p99.x.index(100.0)] == pytest.approx(steps[100.0] * 0.9)
    assert chart.limits[0].at == 100.0
    assert "p99 ≤ 100\xa0ms" in chart.limits[0].label
    assert (chart.findings[0].at, chart.findings[0].low, chart.findings[0].high) == (153.95, 148.0, 158.0)
    assert chart.title == "p99 leaves the objective at 154\xa0(148–158)\xa0req/s"
    assert "Poisson arrivals" in chart.caption


def test_the_most_answered_is_that_of_any_step(ramp: Callable[[], Run]) -> None:
    run = ramp()  # the search saw 200/s; a look at the saturated target after it saw more
    more = {"mode": "closed", "concurrency": 4, "achieved_per_s": 207.0, "verdict": "steady"}
    spoilt = more | {"achieved_per_s": 260.0, "verdict": "client_limited"}
    run["steps"] += [more, spoilt]
    assert "More than 207\xa0req/s is not answered" in load_story.lead_of(run)
    chart = load_charts.answered_chart(run)
    assert chart is not None
    assert chart.limits[0].label == "most answered 207"


def test_a_run_that_its_client_spoilt_makes_no_statement_about_the_service(
    ramp: Callable[[], Run], assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    run = ramp()
    run["run"] |= {"grade": "client_limited", "grade_reason": "other processes used 1.3 cores"}
    run["capacity"] |= {"limited_by": "gil"}
    assert load_story.title_of(run) == "What one replica carries is not known: the client was the limit"
    assert "154 (95\xa0% interval 148 to 158), which does not count." in load_story.lead_of(run)
    assert "is not answered" not in load_story.lead_of(run)
    chart = load_charts.response_chart(run)
    assert chart is not None
    assert chart.title.startswith("Not counted: p99 leaves the objective at 154")
    page = said(page_one.section(View(assessed(runs=[run | {"facts": []}]))))
    assert "the load run does not count" in page
    assert "No load run that counts has shown what gives out." in page
    assert "put under load" not in page


def test_a_percentile_that_a_step_lacks_is_a_gap(ramp: Callable[[], Run]) -> None:
    run = ramp()
    step = next(entry for entry in run["steps"] if entry.get("offered_per_s") == 100.0)
    del step["response_ms"]["p99"]
    chart = load_charts.response_chart(run)
    assert chart is not None
    assert chart.series[0].y[chart.series[0].x.index(100.0)] is None


def test_another_percentile_than_the_objectives_says_nothing_of_it(a_run: Callable[[], Run]) -> None:
    chart = load_charts.response_chart(a_run())  # one step alone has a p99
    assert chart is not None
    assert chart.series[0].label == "p95"
    assert chart.limits == ()
    assert "objective" not in chart.title


def test_a_single_open_step_is_no_curve(a_run: Callable[[], Run], assessed: Callable[..., Document],
                                        said: Callable[..., str]) -> None:  # fmt: skip
    run = a_run()
    run["steps"] = [step for step in run["steps"] if step["mode"] == "closed"]
    assert load_charts.response_chart(run) is None
    assert load_charts.answered_chart(run) is None
    section = load_story.section(View(assessed(runs=[run])), "2")
    assert "there is no curve" in said(section)


def test_throughput_beside_what_was_offered(ramp: Callable[[], Run]) -> None:
    chart = load_charts.answered_chart(ramp())
    assert chart is not None
    assert chart.series[0].x == chart.series[0].y
    assert chart.limits[0].at == 200.0
    assert chart.title == "It answers everything up to 160\xa0req/s"


def test_a_step_that_saturates_names_its_rate(a_run: Callable[[], Run]) -> None:
    chart = load_charts.answered_chart(a_run())
    assert chart is not None
    assert chart.title == "From 134\xa0req/s on it answers less than is asked"


def test_use_of_the_processor_and_of_memory(
    ramp: Callable[[], Run], assessed: Callable[..., Document]
) -> None:
    run = ramp()
    view = View(assessed(runs=[run]))
    chart = load_charts.resources_chart(view, run)
    assert chart is not None
    cpu, memory = chart.series
    at = cpu.x.index(160.0)
    assert cpu.y[at] == pytest.approx(100 * 0.8 / 2)  # 0.8 of 2 cores
    assert memory.y[at] == pytest.approx(100 * 60858368 / (61 * 2**20))


def test_without_a_memory_limit_only_the_processor_is_shown(
    ramp: Callable[[], Run], assessed: Callable[..., Document]
) -> None:
    run = ramp()
    chart = load_charts.resources_chart(View(assessed(runs=[run], facts=[])), run)
    assert chart is not None
    assert len(chart.series) == 1


def test_the_distribution_is_of_the_last_step_within_the_capacity(ramp: Callable[[], Run]) -> None:
    chart = load_charts.distribution_chart(ramp())
    assert chart is not None
    assert chart.x.scale == "percentile"
    assert chart.series[0].x == (0.5, 0.9, 0.95, 0.99)
    assert chart.title.startswith("At 150\xa0req/s, one request in 100 takes over ")


def test_a_law_that_was_refused_says_why(a_run: Callable[[], Run]) -> None:
    chart = load_charts.law_chart(a_run())
    assert chart is not None
    assert len(chart.series) == 1
    assert "No scalability law is given: the law explains only 5%" in chart.caption


def test_a_law_goes_through_its_first_point(a_run: Callable[[], Run]) -> None:
    run = a_run()
    run["scalability"] = {
        "variant": "3-parameter",
        "lambda": 100.0,
        "sigma": 0.1,
        "kappa": 0.0,
        "low": {"sigma": 0.08},
        "high": {"sigma": 0.12},
        "peak_concurrency": None,
    }
    chart = load_charts.law_chart(run)
    assert chart is not None
    law = chart.series[0]
    assert law.y[0] == pytest.approx(100.0)  # X(1) = λ
    assert law.x[-1] == 32.0
    assert law.y[-1] == pytest.approx(100.0 * 32 / (1 + 0.1 * 31))
    assert any("σ 0.1\xa0(0.08–0.12)" in note.text for note in chart.notes)
    assert any("no peak found up to 32" in note.text for note in chart.notes)


def test_hot_functions_are_a_flame_and_a_table(
    a_run: Callable[[], Run], assessed: Callable[..., Document], of_kind: Any, said: Callable[..., str]
) -> None:
    run = a_run()
    run["hotspots"] = [
        {"function": "rerank", "file": "ranking.py", "line": 88, "share": 0.71, "gil_share": 0.7},
        {"function": "join", "file": "features.py", "line": 3, "share": 0.2, "gil_share": 0.1},
    ]
    section = load_story.section(View(assessed(runs=[run])), "2")
    (flame,) = [f.spec for f in of_kind(section.blocks, Figure) if isinstance(f.spec, FlameChart)]
    assert flame.title == "71\xa0% of the samples are in rerank itself"
    assert [(frame.start, frame.share, frame.hot) for frame in flame.frames[1:]] == [
        (0.0, 0.71, True),
        (0.71, 0.2, False),
    ]
    assert "ranking.py, line 88" in said(section)


def test_a_flame_graph_has_callers_above_callees(
    a_run: Callable[[], Run], assessed: Callable[..., Document], of_kind: Any
) -> None:
    """As the run has it; the widest frame of the hottest function is strong, and all rows have room."""
    run = a_run()
    run["hotspots"] = [{"function": "rerank", "file": "ranking.py", "line": 88, "share": 0.71}]
    run["flame"] = [
        {"name": "serve", "file": "app.py", "line": 5, "depth": 0, "start": 0.0, "share": 1.0},
        {"name": "rerank", "file": "ranking.py", "line": 88, "depth": 1, "start": 0.0, "share": 0.71},
        {"name": "rerank", "file": "other.py", "line": 1, "depth": 1, "start": 0.71, "share": 0.2},
        {"name": "broken", "depth": "deep", "start": 0.71, "share": 0.2},
    ]
    run["stacks"] = {"of": "threads that compute", "seconds": 4.0, "samples": 391}
    (figure,) = [
        figure
        for figure in of_kind(load_story.section(View(assessed(runs=[run])), "2").blocks, Figure)
        if isinstance(figure.spec, FlameChart)
    ]
    assert [(one.name, one.place, one.depth, one.start, one.hot) for one in figure.spec.frames] == [
        ("serve", "app.py:5", 0, 0.0, False),
        ("rerank", "ranking.py:88", 1, 0.0, True),
        ("rerank", "other.py:1", 1, 0.71, False),
    ]
    assert figure.height == 24 + 2 * 16
    assert "of threads that compute" in figure.spec.caption


def test_the_table_of_evidence_stands_beside_the_cause(
    a_run: Callable[[], Run], assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    """Also where nothing could be named: then it is all there is."""
    run = a_run()
    run["capacity"] = dict(run["capacity"]) | {
        "limited_by": "not_identified",
        "because": "Nothing was full.",
        "bounds": [
            {
                "resource": "cpu",
                "utilisation": 0.49,
                "demand_ms": 9.6,
                "bound_per_s": 205.0,
                "note": "0.9 of 2",
            },
            {"resource": "memory", "utilisation": 0.5},
        ],
    }
    words = said(load_story.section(View(assessed(runs=[run])), "2"))
    for part in ("processors", "49\xa0%", "9.6", "205", "0.9 of 2", "memory", "–"):
        assert part in words, part


def test_no_error_gives_the_exact_upper_bound(assessed: Callable[..., Document], of_kind: Any) -> None:
    document = assessed()
    sent = sum(step["sent"] for step in document["runs"][0]["steps"])
    upper = 1 - 0.05 ** (1 / sent)
    words = [
        plain(block.text) for block in of_kind(load_story.section(View(document), "2").blocks, Paragraph)
    ]
    assert any(f"None of {sent:,}\xa0requests failed" in text for text in words)
    assert any(f"{upper * 100:.3g}\xa0%" in text for text in words)


def test_errors_stand_by_class(
    a_run: Callable[[], Run], assessed: Callable[..., Document], of_kind: Any
) -> None:
    run = a_run()
    run["steps"][0]["errors"]["status_5xx"] = 4
    run["steps"][1]["timeouts"] = 9
    section = load_story.section(View(assessed(runs=[run])), "2")
    table = of_kind(section.blocks, Table)[-1]
    assert [[plain(cell) for cell in row[:2]] for row in table.rows] == [
        ["timed out", "9"],
        ["status 5xx", "4"],
    ]


def test_every_step_is_a_row_and_what_is_missing_a_dash(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    table = next(
        block
        for block in of_kind(load_story.section(View(document), "2").blocks, Table)
        if block.columns[0].header == "Load"
    )
    assert len(table.rows) == len(document["runs"][0]["steps"])
    assert plain(table.rows[0][0]) == "1\xa0caller"
    assert plain(table.rows[0][4]) == "–"


def test_a_run_that_is_not_valid_says_so_before_its_charts(
    assessed: Callable[..., Document], said: Callable[..., str]
) -> None:
    section = load_story.section(View(assessed()), "2")
    assert "the target got slower while it was measured" in said(section.blocks[0])


def test_charts_stand_in_pairs(ramp: Callable[[], Run], assessed: Callable[..., Document]) -> None:
    section = load_story.section(View(assessed(runs=[ramp()])), "2")
    pairs = [block for block in section.blocks if isinstance(block, Columns)]
    assert [len(block.columns) for block in pairs] == [2, 2]
    assert all(isinstance(column[0].spec, XYChart) for block in pairs for column in block.columns)  # type: ignore[union-attr]


def test_an_objective_reads_as_people_write_it() -> None:
    run = {"capacity": {"slo": {"p99_ms": 200.0, "error_ratio": 0.01}}}
    assert objective_words(run) == "p99\xa0≤\xa0200\xa0ms and errors\xa0≤\xa01\xa0%"
    assert objective_words({"capacity": {"slo": None}}) == "answers at all, without an objective"
