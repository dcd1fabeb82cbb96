"""The overview says what the command line and the report say, and leads on from each part."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.gui.widgets.labels import PlainLabel
from app.gui.widgets.numbers import NumbersWindow
from app.gui.widgets.score import BandLabel, CountedBadge, ScoreBar

NO_BREAK = "\N{NO-BREAK SPACE}"


def texts(widget: Any) -> str:
    return "\n".join(label.text() for label in widget.findChildren(PlainLabel) if label.isVisibleTo(widget))


def test_the_answer_is_the_one_of_the_command_line(open_full: Any, full_store: Any) -> None:
    _, page = open_full("overview")
    command = [sys.executable, "-m", "loadstone", "assess", "shop", "--store", str(full_store)]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    said = " ".join(printed.replace(NO_BREAK, " ").split())
    assert page.headline.text().replace(NO_BREAK, " ") in said
    assert page.headline.text() == f"Not ready for 420{NO_BREAK}req/s"
    # 34 of 100 overall, set by Models: fragile (mean of the pillars 37).
    overall = page._view.overall
    name = page._view.pillar_name(overall["pillar"])
    assert page.overall.text() == f"{overall['score']:.0f} overall, set by {name}"
    assert f"{overall['score']:.0f} of 100 overall, set by {name}: {overall['band']}" in said
    assert f"Runs out: {page.runs_out.text()}." in said
    breaks = page.breaks.text().replace(NO_BREAK, " ")
    assert f"Breaks first: {breaks}." in said
    assert breaks == "The fleet of 3, at 315 req/s"  # 3 × 70 % × 150


def test_headroom_has_what_the_fleet_carries_at_the_planned_use(open_full: Any) -> None:
    _, page = open_full("overview")
    bars = {bar.name: bar.value for bar in page.headroom.chart.spec.bars}
    # 150 requests/s of a replica: three of them at 70 %, and two of three at full use.
    assert bars[f"3{NO_BREAK}replicas at 70{NO_BREAK}% use"] == 315.0
    assert bars[f"3{NO_BREAK}replicas, one lost, full use"] == 300.0
    assert page.headroom.chart.spec.target == 420
    assert page.headroom.title.text() == f"No reserve at the target: 105{NO_BREAK}req/s short"


def test_every_pillar_has_its_glyph_score_and_band(open_full: Any) -> None:
    _, page = open_full("overview")
    lens, view = page._view.lens, page._view
    bars = page.body.findChildren(ScoreBar)
    assert len(bars) == len(lens.pillars)
    for bar, pillar in zip(bars, lens.pillars, strict=True):
        score = view.score(pillar.id)
        words = f"{score['score']:.0f}, proven {score['proven']:.0f}, claimed {score['claimed']:.0f}"
        assert bar.accessibleName().startswith(words)
    words = [label.word.text() for label in page._pillars.parentWidget().findChildren(BandLabel)]
    assert words == [view.score(pillar.id)["band"] for pillar in lens.pillars]


def test_the_badges_count_every_question_once(open_full: Any) -> None:
    _, page = open_full("overview")
    counted = [int(badge.word.text().split(NO_BREAK)[0]) for badge in page.body.findChildren(CountedBadge)]
    weighing = [entry for entry in page.session.now.judgements if entry.weight > 0 and not entry.out_of_scope]
    assert sum(counted) == len(weighing)


def test_a_contradicted_claim_leads_to_its_question(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("overview")
    assert page.claims
    claim = page.claims[0]
    assert page.contradicted_title.text().startswith(str(len(page.claims)))
    claim.setFocus()
    qtbot.keyClick(claim, Qt.Key.Key_Space)
    assert window.page.key == "checklist"
    assert window.page.current == claim.right


def test_show_the_change_leads_to_the_first_action(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("overview")
    first = page.action.text()
    qtbot.mouseClick(page.show_change, Qt.MouseButton.LeftButton)
    assert window.page.key == "plan"
    assert window.page.action.text() == first


def test_an_answer_that_changes_is_followed(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("overview")
    before = window.session.whole
    claim = window.session.answers.claims["MON-01"]
    count = page.measured.text(), len(page.claims), texts(page.body)
    window.session.claim(replace(claim, choices=(), state="unsure"))
    qtbot.waitUntil(lambda: window.session.whole is not before, timeout=60_000)
    open_ = [badge.word.text() for badge in page.body.findChildren(CountedBadge) if not badge.isHidden()]
    assert any(word.endswith("open") for word in open_)
    assert (page.measured.text(), len(page.claims), texts(page.body)) != count


def test_markup_in_names_is_text(open_full: Any) -> None:
    window, page = open_full("overview")
    for label in window.findChildren(QLabel):
        if label.text():
            assert label.textFormat() == Qt.TextFormat.PlainText, label.text()
    assert window.rail.head.text() == "Shop <h1>Verified</h1>"
    assert page.isVisible()


def test_t_shows_the_numbers_of_the_chart_that_has_the_focus(open_full: Any, qtbot: QtBot) -> None:
    window, page = open_full("overview")
    page.headroom.chart.setFocus()
    qtbot.keyClick(page.headroom.chart, Qt.Key.Key_T)
    numbers = window.findChild(NumbersWindow)
    assert numbers is not None
    assert not numbers.isModal()
    shown = numbers.model.rows
    assert ("One replica", "150", "145–156", f"150{NO_BREAK}(145–156){NO_BREAK}req/s") in shown
    numbers.close()


def test_nothing_measured_and_nothing_answered_says_the_first_step(
    open_materials: Any, profiled: Any, qtbot: QtBot
) -> None:
    empty = replace(profiled(), claims={}, challenges=())
    window, page = open_materials("overview", answers=empty, facts=(), runs=())
    assert page.stack.currentWidget() is page.empty
    assert page.empty.title.text() == "Nothing measured yet"
    assert f"of the {len(window.session.now.lens.questions)} answers" in page.empty.text.text()
    primary = page.empty.buttons[0]
    assert primary.property("kind") == "primary"
    qtbot.mouseClick(primary, Qt.MouseButton.LeftButton)
    assert window.page.key == "probe"


def test_without_a_score_the_reason_stands_where_it_would(open_materials: Any, profiled: Any) -> None:
    given = profiled()
    some = dict(list(given.claims.items())[:5])
    window, page = open_materials("overview", answers=replace(given, claims=some), facts=(), runs=())
    refused = window.session.whole.scores.overall.refused
    assert refused
    assert page.refused.text() == f"No overall score: {refused}"
    assert page.overall.isHidden()
    assert page.action.text() == "No action was found"


def test_no_text_is_cut_at_any_size(
    open_full: Any, qtbot: QtBot, nothing_is_cut: Callable[[Any], list[str]]
) -> None:
    window, page = open_full("overview")
    for size in ((1440, 900), (1024, 700), (1200, 800), (1024, 1600)):
        window.resize(*size)
        qtbot.waitUntil(lambda: not nothing_is_cut(page), timeout=10_000)


def test_the_ring_of_the_focus_lies_around_a_chart_and_not_over_its_words(
    open_full: Any, qtbot: QtBot
) -> None:
    window, page = open_full("overview")
    chart = page.headroom.chart
    for _ in range(2):
        chart.setFocus()
        ring = chart.ring
        qtbot.waitUntil(lambda of=ring: of.isVisible() and of.height() > chart.height(), timeout=10_000)
        inside = chart.mapTo(window, chart.rect().topLeft()) - ring.mapTo(window, ring.rect().topLeft())
        assert inside.x() >= 2, "the ring is 2 pixels thick"
        assert inside.y() >= 2
        held = ring.parentWidget().rect()
        assert ring.geometry() == ring.geometry() & held, "no side is cut off by what holds it"
        beyond = ring.mapTo(window, ring.rect().bottomRight()) - chart.mapTo(
            window, chart.rect().bottomRight()
        )
        assert min(beyond.x(), beyond.y()) >= 2
        page.show_change.setFocus()
        assert not ring.isVisible()
