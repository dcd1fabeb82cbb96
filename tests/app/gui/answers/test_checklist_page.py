"""The checklist driven by keys and clicks, over a real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtWidgets import QApplication, QLabel

from assessments import stored
from assessments.claims import Answers, Attachment, Claim
from assessments.lens import load_lens

ENTER, ESCAPE = Qt.Key.Key_Return, Qt.Key.Key_Escape
ALT, CONTROL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
HOSTILE = "<h1>Verified</h1>"
MIB = 2**20


def levels(desk: Any) -> dict[str, Any]:
    """What the ladder shows, by the id of the choice."""
    return {row.level.key: row.level for row in desk.checklist.pane.ladder.levels}


def test_a_whole_pillar_is_answered_by_keys_alone(desk: Any) -> None:
    desk.open()
    assert desk.checklist.current == "INF-01"
    # Accept what is proposed, go to the next open question, accept, go on, answer, go on.
    desk.press(ENTER, ENTER)
    assert desk.checklist.current == "INF-08"
    desk.press(ENTER, ENTER)
    assert desk.checklist.current == "INF-09"
    desk.press("1", ENTER)
    assert desk.checklist.current == "MON-01"
    expected = {"INF-01": "INF_01_a", "INF-08": "INF_08_a", "INF-09": "INF_09_a"}
    assert {name: claim.choices[0] for name, claim in desk.session.answers.claims.items()} == expected
    assert {name: claim.choices[0] for name, claim in desk.stored().claims.items()} == expected
    assert [desk.state(name) for name in expected] == ["verified", "verified", "claimed"]
    assert desk.checklist.subtitle() == "3 of 4 settled"


def test_j_k_and_arrows_move(desk: Any) -> None:
    desk.open()
    places = []
    for key in ("j", Qt.Key.Key_Down, "k", Qt.Key.Key_Up, "k"):
        desk.press(key)
        places.append(desk.checklist.current)
    assert places == ["INF-08", "INF-09", "INF-08", "INF-01", "INF-01"]


def test_a_click_on_a_level_and_on_a_question_do_what_keys_do(desk: Any) -> None:
    desk.open(question="INF-09")
    desk.click(desk.checklist.pane.ladder.levels[0])
    assert desk.claim("INF-09").choices == ("INF_09_a",)
    index = desk.checklist.model.index_of("MON-01")
    area = desk.checklist.list.visualRect(index)
    from PySide6.QtTest import QTest

    viewport = desk.checklist.list.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=area.center())
    assert desk.checklist.current == "MON-01"


def test_proposals_are_no_answers_until_they_are_confirmed(desk: Any) -> None:
    desk.open()
    page = desk.checklist
    assert levels(desk)["INF_01_a"].is_proposed
    assert levels(desk)["INF_01_a"].mark == "proposed, Enter accepts"
    assert not any(level.is_chosen for level in levels(desk).values())
    page.show_proposals()
    assert list(page.proposals.boxes) == ["INF-01", "INF-08"]
    desk.press(ESCAPE)
    desk.press("j", "j", "k")
    assert dict(desk.session.answers.claims) == {}
    assert dict(desk.stored().claims) == {}
    assert desk.state("INF-01") == "unanswered"


def test_all_proposals_are_accepted_in_one_step_that_can_be_undone(desk: Any) -> None:
    desk.open(question="INF-08")
    desk.press("n", "from the ramp", ESCAPE)
    page = desk.checklist
    page.show_proposals()
    desk.click(page.proposals.accept)
    assert desk.claim("INF-01").choices == ("INF_01_a",)
    assert desk.claim("INF-08") == Claim("INF-08", ("INF_08_a",), note="from the ramp")
    desk.press(Qt.Key.Key_Z, modifier=CONTROL)
    assert dict(desk.stored().claims) == {"INF-08": Claim("INF-08", state="unanswered", note="from the ramp")}
    desk.press(Qt.Key.Key_Z, modifier=CONTROL | SHIFT)
    assert set(desk.stored().claims) == {"INF-01", "INF-08"}


def test_a_proposal_that_is_not_checked_is_not_accepted(desk: Any) -> None:
    desk.open()
    page = desk.checklist
    page.show_proposals()
    desk.click(page.proposals.boxes["INF-01"])
    page.proposals.boxes["INF-01"].setChecked(False)
    desk.click(page.proposals.accept)
    assert set(desk.stored().claims) == {"INF-08"}


def attach(desk: Any) -> None:
    desk.press("a", "ramp.pdf")
    desk.checklist.pane.attachments.dated.setDate(QDate(2026, 3, 1))
    desk.press(ENTER)


def not_applicable(desk: Any) -> None:
    desk.press("x", "no limits anywhere", ENTER)


def challenge(desk: Any) -> None:
    desk.press("3", "c")
    form = desk.checklist.pane.challenge
    form.facts.setCurrentIndex(form.facts.findData("derived.memory_limit_headroom"))
    form.note.setText("an old image")
    desk.click(form.save)


CHANGES: dict[str, Callable[[Any], None]] = {
    "answer": lambda desk: desk.press("2"),
    "unsure": lambda desk: desk.press("u"),
    "not applicable": not_applicable,
    "note": lambda desk: desk.press("n", "from the ramp", ESCAPE),
    "attachment": attach,
    "proposal": lambda desk: desk.press(ENTER),
    "challenge": challenge,
}


@pytest.mark.parametrize("kind", CHANGES)
def test_every_kind_of_change_is_undone_and_redone_on_screen_and_in_the_store(desk: Any, kind: str) -> None:
    desk.open(question="INF-08")
    before = desk.stored()
    CHANGES[kind](desk)
    after = desk.stored()
    assert (after.claims, after.challenges) != (before.claims, before.challenges)
    for _ in range(desk.session.undo_stack.index()):
        desk.press(Qt.Key.Key_Z, modifier=CONTROL)
    undone = desk.stored()
    assert (undone.claims, undone.challenges) == (before.claims, before.challenges)
    desk.click(desk.checklist.redo)
    while desk.session.undo_stack.canRedo():
        desk.click(desk.checklist.redo)
    redone = desk.stored()
    assert (redone.claims, redone.challenges) == (after.claims, after.challenges)
    assert desk.session.answers.claims == redone.claims


def test_undo_leads_to_the_question_that_it_changes(desk: Any) -> None:
    desk.open(question="INF-09")
    desk.press("1", "j")
    assert desk.checklist.current == "MON-01"
    desk.press(Qt.Key.Key_Z, modifier=CONTROL)
    assert desk.checklist.current == "INF-09"
    assert desk.claim("INF-09") is None


def test_an_attachment_is_listed_and_removed(desk: Any) -> None:
    desk.open(question="INF-09")
    attach(desk)
    assert desk.claim("INF-09").attachments == (Attachment("ramp.pdf", date(2026, 3, 1)),)
    pane = desk.checklist.pane.attachments
    pane.removed.emit(desk.claim("INF-09").attachments[0])
    assert desk.claim("INF-09") is None


def test_a_note_is_one_step_however_long_it_is_written(desk: Any) -> None:
    desk.open(question="INF-09")
    desk.press("1")
    pane = desk.checklist.pane
    desk.press("n")
    for text in ("the", " second", " person"):
        desk.press(text)
        pane.keep_note()
    assert desk.claim("INF-09").note == "the second person"
    desk.session.undo_stack.undo()
    assert desk.claim("INF-09") == Claim("INF-09", ("INF_09_a",))


def test_a_note_is_saved_by_itself_while_it_is_written(desk: Any) -> None:
    desk.open(question="INF-09")
    desk.press("n", "written, not left")
    assert desk.checklist.pane.note.hasFocus()
    desk.bot.waitUntil(lambda: desk.claim("INF-09") is not None, timeout=20_000)
    assert desk.stored().claims["INF-09"].note == "written, not left"


@pytest.mark.parametrize("way", ["another question", "another page", "closing the window"])
def test_a_note_is_kept_when_one_goes_elsewhere_at_once(desk: Any, way: str) -> None:
    desk.open(question="INF-09")
    desk.press("n", "half a")
    if way == "another question":
        desk.checklist.show_question("MON-01")
    elif way == "another page":
        desk.window.go_to("plan")
    else:
        desk.window.close()
    assert desk.stored().claims["INF-09"].note == "half a"


def test_markup_in_a_note_shows_literally(desk: Any) -> None:
    desk.open(question="INF-09")
    desk.press("n", HOSTILE, ESCAPE)
    assert desk.stored().claims["INF-09"].note == HOSTILE
    assert desk.checklist.pane.note.toPlainText() == HOSTILE
    desk.press("x", HOSTILE, ENTER)
    shown = desk.checklist.pane.absent.text
    assert shown.text() == f"Said not to apply: {HOSTILE}"
    for label in desk.window.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText or not label.text()


def test_single_letters_do_nothing_in_text_fields(desk: Any) -> None:
    desk.open(question="INF-09")
    desk.press("/", "u1x?n")
    assert desk.checklist.search.text() == "u1x?n"
    desk.press(ESCAPE, "n", "juku 1 2 3")
    assert desk.checklist.pane.note.toPlainText() == "juku 1 2 3"
    assert desk.checklist.current == "INF-09"
    desk.press(ESCAPE)
    assert desk.claim("INF-09") == Claim("INF-09", state="unanswered", note="juku 1 2 3")


def test_filters_by_keys_show_what_they_count(desk: Any) -> None:
    desk.open(question="INF-08")
    desk.press("3")
    page = desk.checklist
    for key, name in zip("12345", ("all", "open", "contradicted", "critical", "changed"), strict=True):
        desk.press(Qt.Key(Qt.Key.Key_0 + int(key)), modifier=ALT)
        assert page.model.filter == name
        assert page.filters.segments[name].isChecked()
        count = page.model.counts()[name]
        assert page.filters.segments[name].text().endswith(f" {count}")
        assert len(
            [entry for entry in page.model.questions() if entry != "INF-08" or name == "contradicted"]
        ) in (
            count,
            count - 1,
        )
    assert page.model.counts()["contradicted"] == 1
    assert not page.nothing.isHidden()
    assert "changed an answer" in page.nothing.text()


def test_search_finds_and_escape_takes_it_back(desk: Any) -> None:
    desk.open()
    desk.press("/", "metrics", ENTER)
    assert desk.checklist.current == "MON-01"
    assert desk.checklist.list.hasFocus()
    desk.press("/", ESCAPE)
    assert desk.checklist.model.questions() == ["INF-01", "INF-08", "INF-09", "MON-01"]


def test_a_contradiction_stands_in_place_with_its_numbers(desk: Any) -> None:
    desk.open(question="INF-08")
    desk.press("3")
    finding = desk.checklist.pane.finding
    assert finding.isVisible()
    assert finding.head.text() == "Contradicted by a measurement"
    # 1536 MiB over 1463 MiB
    assert "1.05" in finding.text.text()
    shown = levels(desk)
    assert [shown[key].word for key in ("INF_08_c", "INF_08_b", "INF_08_a")] == [
        "contradicted",
        "not proven",
        "verified",
    ]
    assert "1.05" in shown["INF_08_c"].decided
    assert "≥\N{NO-BREAK SPACE}1.1" in shown["INF_08_c"].decided
    assert shown["INF_08_c"].is_refuted_below
    assert not shown["INF_08_b"].is_refuted_below


def test_changing_the_answer_settles_a_contradiction_without_a_loss(desk: Any) -> None:
    desk.open(question="INF-08")
    for question in ("INF-01", "INF-09"):
        desk.checklist.show_question(question)
        desk.press("1")
    desk.checklist.show_question("INF-08")
    desk.press("3")
    rows = [(row[1].text(), row[2].text()) for row in desk.checklist.side.rows if row[0].isVisible()]
    now = desk.session.now.scores.pillar("infrastructure").reading.score
    assert rows[:2] == [("now, contradicted", f"{now:.0f}"), ("answer 1, honest", f"{now:.0f}")]
    assert desk.checklist.pane.change.text() == "Change answer to 1"
    desk.click(desk.checklist.pane.change)
    assert desk.state("INF-08") == "verified"
    assert desk.session.now.scores.pillar("infrastructure").reading.score == pytest.approx(now)
    assert desk.checklist.pane.finding.isHidden()


def test_the_fix_of_a_contradiction_leads_to_the_plan(desk: Any) -> None:
    desk.open(question="INF-08")
    desk.press("3")
    desk.click(desk.checklist.pane.fix)
    assert desk.window.page is desk.window.page_of("plan")
    assert desk.window.page_of("plan").where == {"question": "INF-08"}


def test_challenging_the_fact_with_a_reason_takes_the_contradiction_away(desk: Any) -> None:
    desk.open(question="INF-08")
    challenge(desk)
    assert desk.state("INF-08") != "contradicted"
    (kept,) = desk.stored().challenges
    assert (kept.fact, kept.reason, kept.note) == (
        "derived.memory_limit_headroom",
        "test data",
        "an old image",
    )


def test_a_level_says_what_it_lacks(desk: Any) -> None:
    desk.open(question="MON-01")
    assert (
        levels(desk)["MON_01_b"].decided
        == "needs requests counted, of those sent ≥\N{NO-BREAK SPACE}99\N{NO-BREAK SPACE}%, not known"
    )
    assert levels(desk)["MON_01_a"].word == "not proven"
    desk.checklist.show_question("INF-08")
    assert levels(desk)["INF_08_b"].decided == "no probe reads notes"


def test_new_evidence_is_told_in_a_strip_and_filtered(desk: Any, request: Any) -> None:
    desk.open(question="MON-01")
    desk.press("2")
    fact = _fact("monitoring.prometheus.count_ratio", 0.5)
    desk.add([fact])
    page = desk.checklist
    assert page.news.isVisible()
    assert page.news.text.text() == "There is new evidence. It changed 1 answer: 1 contradicted."
    desk.click(page.news.link)
    assert page.model.questions() == ["MON-01"]
    page.list.setFocus()
    desk.press(ESCAPE)
    assert page.news.isHidden()
    assert page.model.counts()["changed"] == 1


def _fact(name: str, value: Any) -> Any:
    from datetime import UTC, datetime

    from probes.facts import CATALOGUE, Fact, Source

    source = Source("prometheus", file="http://127.0.0.1:9/metrics")
    return Fact(name, value, CATALOGUE[name].unit, source, datetime.now(UTC), "measured")


def test_ones_own_answers_raise_no_strip(desk: Any) -> None:
    desk.open(question="INF-08")
    desk.press("3", "1", "u")
    assert desk.checklist.news.isHidden()


@pytest.mark.parametrize("is_mine", [True, False])
def test_an_answer_that_somebody_else_changed_meanwhile_is_settled_in_place(desk: Any, is_mine: bool) -> None:
    desk.open(question="INF-09")
    desk.wait_saved()
    theirs = Claim("INF-09", ("INF_09_no",), note=HOSTILE)
    others = stored.materials(desk.store, "shop").answers
    stored.keep(desk.store, "shop", answers=replace(others, claims={"INF-09": theirs}))
    desk.press("1")
    pane = desk.checklist.pane
    desk.bot.waitUntil(pane.conflict.isVisible, timeout=20_000)
    assert HOSTILE in pane.conflict.text.text()
    assert desk.checklist.others.isVisible()
    assert desk.window.saved.text().startswith("Not all saved")
    assert desk.stored().claims["INF-09"] == theirs
    desk.click(pane.mine if is_mine else pane.theirs)
    decided = Claim("INF-09", ("INF_09_a",)) if is_mine else theirs
    assert desk.stored().claims["INF-09"] == decided
    assert desk.claim("INF-09") == decided
    assert pane.conflict.isHidden()
    assert desk.checklist.others.isHidden()


def test_below_1200_pixels_the_right_column_stands_under_the_question(desk: Any) -> None:
    desk.open(question="INF-08")
    page = desk.checklist
    assert (
        page.side.mapTo(page, page.side.rect().topLeft()).x()
        > page.pane.mapTo(page, page.pane.rect().topRight()).x() - 1
    )
    desk.window.resize(1100, 800)
    desk.bot.waitUntil(lambda: page.question_scroll.widget().isAncestorOf(page.side), timeout=20_000)
    desk.bot.waitUntil(lambda: page.side.y() >= page.pane.geometry().bottom(), timeout=20_000)
    desk.window.resize(1440, 800)
    desk.bot.waitUntil(lambda: not page.question_scroll.widget().isAncestorOf(page.side), timeout=20_000)


def test_what_gets_the_focus_beyond_the_edge_comes_into_view(desk: Any) -> None:
    desk.open(question="INF-08")
    page = desk.checklist
    desk.press("3")
    desk.window.resize(1024, 700)
    note, port = page.pane.note, page.question_scroll.viewport()

    def is_in_view() -> bool:
        return port.rect().contains(note.mapTo(port, note.rect().center()))

    bar = page.question_scroll.verticalScrollBar()

    def is_hidden() -> bool:
        """Once the columns have their widths; which end hides it is the font's matter."""
        for end in (bar.minimum(), bar.maximum()):
            bar.setValue(end)
            if port.width() > note.width() and not is_in_view():
                return True
        return False

    desk.bot.waitUntil(is_hidden, timeout=20_000)
    desk.press("n")
    desk.bot.waitUntil(is_in_view, timeout=20_000)


def test_every_widget_that_takes_the_focus_has_a_name(desk: Any) -> None:
    desk.open(question="INF-08")
    desk.press("3")
    desk.checklist.pane.ask_challenge()
    from PySide6.QtWidgets import QAbstractButton, QWidget

    for widget in desk.checklist.findChildren(QWidget):
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            is_named = isinstance(widget, QAbstractButton) and bool(widget.text())
            assert is_named or widget.accessibleName(), widget


def test_the_source_of_a_fact_leads_to_the_evidence_where_no_editor_can_open_it(desk: Any) -> None:
    desk.open(question="INF-08")
    entry = desk.checklist.side.entries[0]
    desk.click(entry.source)
    assert desk.window.page is desk.evidence
    assert desk.evidence.detail.row is not None
    assert desk.evidence.detail.row.fact.source.file == "deploy/shop.yaml"


AWS_LENS = {
    "schemaVersion": "2021-11-01",
    "name": "A small custom lens",
    "description": "",
    "pillars": [
        {
            "id": "reliability",
            "name": "Reliability",
            "questions": [
                {
                    "id": "rel1",
                    "title": "How do you <b>test</b>?",
                    "description": "",
                    "choices": [
                        {"id": "rel1_a", "title": "Under load"},
                        {"id": "rel1_b", "title": "By drills"},
                        {"id": "rel1_no", "title": "None of these"},
                    ],
                    "riskRules": [
                        {"condition": "rel1_a && rel1_b", "risk": "NO_RISK"},
                        {"condition": "rel1_a || rel1_b", "risk": "MEDIUM_RISK"},
                        {"condition": "default", "risk": "HIGH_RISK"},
                    ],
                }
            ],
        }
    ],
}


def test_an_imported_lens_takes_several_choices_and_says_their_risk(desk: Any) -> None:
    lens = load_lens(json.dumps(AWS_LENS).encode(), "aws.json")
    stored.keep(desk.store, "aws", lens=lens)
    desk.open(name="aws")
    pane = desk.checklist.pane
    assert pane.text.text() == "How do you <b>test</b>?"
    assert [row.level.is_box for row in pane.ladder.levels] == [True] * 3
    risks = []
    for key in "0102":
        desk.press(key)
        claim = desk.claim("rel1")
        risks.append((() if claim is None else claim.choices, pane.risk.text()))
    assert risks == [
        (("rel1_a",), "Risk as answered: medium."),
        (("rel1_a", "rel1_b"), "Risk as answered: none."),
        (("rel1_b",), "Risk as answered: medium."),
        # None of these takes the others away.
        (("rel1_no",), "Risk as answered: high."),
    ]
    desk.press("1")
    assert desk.claim("rel1").choices == ("rel1_b",)
    desk.click(pane.ladder.levels[1])
    assert desk.claim("rel1") is None


def test_closing_the_assessment_leaves_an_empty_page(desk: Any) -> None:
    desk.open(question="INF-08")
    desk.session.close()
    assert desk.checklist.current == ""
    assert not desk.checklist.isEnabled()
    assert QApplication.focusWidget() is None or not desk.checklist.pane.note.hasFocus()


def test_before_anything_was_read_the_folder_of_the_service_is_asked_for(
    desk: Any, window_lens: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtWidgets import QFileDialog

    (tmp_path / "hpa.yaml").write_text(
        "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: shop}\n"
        "spec: {scaleTargetRef: {kind: Deployment, name: shop}, minReplicas: 2, maxReplicas: 5}\n"
    )
    stored.keep(desk.store, "new", lens=window_lens, answers=Answers("none"))
    desk.open(name="new")
    page = desk.checklist
    assert page.offer.isVisible()
    assert "repository" in page.offer.text.text()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    desk.click(page.offer.link)
    desk.bot.waitUntil(lambda: desk.evidence.model.rowCount() > 0, timeout=20_000)
    desk.window.go_to("checklist")
    desk.bot.waitUntil(lambda: "proves 1 open answer" in page.offer.text.text(), timeout=20_000)
    assert desk.session.answers.claims == {}, "proposed, and not answered"
