"""The page of evidence, over a real store and real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication

from app.gui import sources
from app.gui.models.facts import ROW
from assessments.evidence import sealed
from assessments.stored import materials

ENTER, ESCAPE = Qt.Key.Key_Return, Qt.Key.Key_Escape
PEAK, LIMIT = "process.rss_peak_bytes", "infra.kubernetes.memory_limit_bytes"
RATIO = "monitoring.prometheus.count_ratio"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 4
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: shop
        image: shop:1.2.3
        ports: [{containerPort: 80}]
        resources: {limits: {memory: 2Gi}}
"""


def names(desk: Any) -> list[str]:
    """The facts that the table shows, from the top down."""
    table = desk.evidence.filter
    return [table.index(row, 0).data(ROW).fact.name for row in range(table.rowCount())]


def counting(desk: Any) -> dict[str, Any]:
    return {name: fact.value for name, fact in desk.session.now.evidence.facts.items()}


def wait_taken(desk: Any) -> None:
    desk.bot.waitUntil(lambda: desk.evidence.last_taken is not None, timeout=20_000)
    desk.bot.waitUntil(lambda: desk.window.context.executor.pending == 0, timeout=20_000)


def fact(name: str, value: Any, unit: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "state": "measured",
        "at": "2026-11-20T10:00:00+00:00",
        "source": {"probe": "prometheus", "machine": "other"},
    }


def test_the_table_shows_what_counts_with_its_source(desk: Any) -> None:
    desk.open("evidence")
    assert set(names(desk)) == {
        "infra.kubernetes.hpa.present",
        "infra.kubernetes.memory_limit.present",
        LIMIT,
        PEAK,
        "derived.memory_limit_headroom",
    }
    assert desk.evidence.subtitle() == "5 facts count"
    counts = {key: segment.text() for key, segment in desk.evidence.kinds.segments.items()}
    assert (counts["read"], counts["derived"], counts["set_aside"]) == ("Read 3", "Derived 1", "Set aside 0")


def test_a_fact_tells_which_claims_rest_on_it_and_leads_there(desk: Any) -> None:
    desk.open("evidence", fact=PEAK)
    detail = desk.evidence.detail
    assert detail.name.text() == PEAK
    from PySide6.QtWidgets import QPushButton

    links = [button for button in detail.findChildren(QPushButton) if button.text().startswith("INF-08")]
    desk.click(links[0])
    assert desk.window.page is desk.checklist
    assert desk.checklist.current == "INF-08"


def test_the_lines_around_stand_in_place_and_path_and_line_are_copied(desk: Any, tmp_path: Path) -> None:
    file = tmp_path / "deploy" / "shop.yaml"
    file.parent.mkdir()
    file.write_text("".join(f"line {number}\n" for number in range(1, 13)), encoding="utf-8")
    sources.remember_folder(desk.window.settings, tmp_path)
    desk.open("evidence", fact=LIMIT)
    detail = desk.evidence.detail
    assert "▸ 7  line 7" in detail.lines.toPlainText()
    desk.click(detail.copy)
    assert QGuiApplication.clipboard().text() == "deploy/shop.yaml:7"
    assert detail.copied.text() == "deploy/shop.yaml:7 is copied."


def test_where_no_editor_is_known_opening_copies_and_says_so(
    desk: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    for name in ("VISUAL", "EDITOR", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "shop.yaml").write_text("a\n" * 9, encoding="utf-8")
    sources.remember_folder(desk.window.settings, tmp_path)
    desk.open("evidence", fact=LIMIT)
    desk.click(desk.evidence.detail.open)
    assert QGuiApplication.clipboard().text() == "deploy/shop.yaml:7"
    assert "No editor with a window is known" in desk.evidence.detail.copied.text()


def test_a_source_that_is_not_here_is_said(desk: Any) -> None:
    desk.open("evidence", fact=LIMIT)
    assert "the file is not on this machine" in desk.evidence.detail.place.text()
    assert desk.evidence.detail.open.isHidden()


def test_a_fact_is_challenged_with_a_reason_and_the_challenge_withdrawn(desk: Any) -> None:
    desk.open("evidence", fact=PEAK)
    detail = desk.evidence.detail
    desk.press("c")
    detail.form.reasons.setCurrentText("remediated")
    detail.form.note.setFocus()
    desk.press("<b>new</b> image", ENTER)
    assert [(entry.fact, entry.reason, entry.note) for entry in desk.stored().challenges] == [
        (PEAK, "remediated", "<b>new</b> image")
    ]
    assert PEAK not in counting(desk)
    assert desk.evidence.model.counts()["set_aside"] == 1
    desk.evidence.set_kind("set_aside")
    desk.evidence.table.selectRow(0)
    assert detail.aside.text() == "It does not count: challenged as remediated: <b>new</b> image."
    desk.click(detail.withdraw)
    assert desk.stored().challenges == ()
    assert PEAK in counting(desk)


def test_escape_closes_the_form_and_challenges_nothing(desk: Any) -> None:
    desk.open("evidence", fact=PEAK)
    desk.press("c", ESCAPE)
    assert desk.evidence.detail.form.isHidden()
    assert desk.stored().challenges == ()


def test_a_manifest_that_is_dropped_is_scanned_and_named_from_its_folder(desk: Any, tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "shop.yaml").write_text(MANIFEST, encoding="utf-8")
    desk.open("evidence")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    desk.evidence.dropEvent(event)
    wait_taken(desk)
    assert counting(desk)["infra.kubernetes.replicas"] == 4
    files = {entry.source.file for entry in materials(desk.store, "shop").facts if entry.source.file}
    assert "manifests/shop.yaml" in files
    assert not any(str(tmp_path) in str(file) for file in files)
    desk.evidence.enter(fact="infra.kubernetes.replicas")
    assert "replicas: 4" in desk.evidence.detail.lines.toPlainText()


def test_files_of_facts_prove_when_sealed_and_back_when_not(desk: Any, tmp_path: Path) -> None:
    document = {"schema": "loadstone.facts/1", "facts": [fact(RATIO, 1.0, "1")]}
    desk.open("evidence")
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(document), encoding="utf-8")
    desk.evidence.take([plain])
    wait_taken(desk)
    assert desk.session.now.evidence.facts[RATIO].state == "by_hand"
    genuine = tmp_path / "sealed.json"
    genuine.write_text(json.dumps(sealed(document)), encoding="utf-8")
    desk.evidence.last_taken = None
    desk.evidence.take([genuine])
    wait_taken(desk)
    assert desk.session.now.evidence.facts[RATIO].state == "measured"
    assert not desk.evidence.table.isColumnHidden(5)


def test_what_cannot_be_read_is_said_in_place_and_nothing_is_lost(desk: Any, tmp_path: Path) -> None:
    desk.open("evidence")
    before = counting(desk)
    picture = tmp_path / "picture.yaml"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" * 20)
    desk.evidence.take([picture])
    desk.bot.waitUntil(desk.evidence.notice.isVisible, timeout=20_000)
    assert "picture.yaml" in desk.evidence.notice.text.text()
    assert counting(desk) == before


def test_problems_of_some_files_are_listed_beside_the_facts_of_others(desk: Any, tmp_path: Path) -> None:
    good, bad = tmp_path / "shop.yaml", tmp_path / "gone.yaml"
    good.write_text(MANIFEST, encoding="utf-8")
    desk.open("evidence")
    desk.evidence.take([good, bad])
    wait_taken(desk)
    page = desk.evidence
    assert counting(desk)["infra.kubernetes.replicas"] == 4
    assert any("gone.yaml" in entry for entry in page.last_taken.problems)
    assert page._problem_bar.isVisible()
    page._problem_head.setChecked(True)
    assert "gone.yaml" in page.problems.text()
    assert page.problems.textFormat() == Qt.TextFormat.PlainText


def test_a_fact_by_hand_is_added_and_refused_where_it_does_not_fit(desk: Any) -> None:
    desk.open("evidence")
    desk.evidence.ask_by_hand()
    form = desk.evidence.form
    form.names.setCurrentIndex(form.names.findData("infra.kubernetes.replicas"))
    form.value.setFocus()
    desk.press("two", ENTER)
    assert "is no number" in form.wrong.text()
    assert form.isVisible()
    form.value.clear()
    desk.press("2", ENTER)
    desk.bot.waitUntil(lambda: "infra.kubernetes.replicas" in counting(desk), timeout=20_000)
    kept = desk.session.now.evidence.facts["infra.kubernetes.replicas"]
    assert (kept.value, kept.state) == (2, "by_hand")
    assert form.isHidden()


def test_search_and_escape(desk: Any) -> None:
    desk.open("evidence")
    desk.press("/", "largest memory")
    assert set(names(desk)) == {PEAK, "derived.memory_limit_headroom"}
    desk.press(ESCAPE)
    assert len(names(desk)) == 5
    desk.press("/", "no such thing")
    assert not desk.evidence.nothing.isHidden()


def test_a_question_narrows_the_table_to_what_it_asks_for(desk: Any) -> None:
    desk.open("evidence", question="INF-01")
    assert names(desk) == ["infra.kubernetes.hpa.present"]
    desk.click(desk.evidence.strip.link)
    assert len(names(desk)) == 5


@pytest.mark.parametrize("width", [1440, 1024])
def test_every_column_lies_within_the_window(desk: Any, width: int) -> None:
    desk.open("evidence")
    desk.window.resize(width, 700)
    table = desk.evidence.table

    def fits() -> bool:
        wide = sum(table.columnWidth(column) for column in range(6) if not table.isColumnHidden(column))
        return bool(wide <= table.viewport().width())

    desk.bot.waitUntil(fits, timeout=20_000)
