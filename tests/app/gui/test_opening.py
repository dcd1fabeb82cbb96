"""What a file is, by its content; and what is made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import resources.demo
from app.gui.opening import look, make
from app.report.attachment import exported
from app.report.formats import render
from assessments.assessment import assess
from assessments.evidence import sealed
from assessments.store import Store, open_store
from assessments.stored import materials
from probes.errors import UserError

(_DEMO,) = resources.demo.__path__
DEMO = Path(_DEMO)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def store(filled_store: Path) -> Store:
    return open_store(str(filled_store))


@pytest.fixture
def document(store: Store) -> dict[str, object]:
    return assess(materials(store, "shop"), NOW).to_json()


def test_a_report_is_verified_and_restored_under_a_name(
    store: Store, document: dict[str, object], tmp_path: Path
) -> None:
    file = tmp_path / "whatever.dat"
    file.write_bytes(render(document, "pdf"))
    found = look(file)
    assert (found.kind, found.name, found.is_sound) == ("report", "shop", True)
    assert [check.name for check in found.checks] == ["bytes", "data", "score", "pages"]
    assert {check.outcome for check in found.checks} == {"right"}
    with pytest.raises(UserError, match="already"):
        make(store, found, "shop")
    assert make(store, found, " of a colleague ") == "of a colleague"
    assert materials(store, "of a colleague").answers.claims == materials(store, "shop").answers.claims


def test_a_report_that_was_changed_is_refused(document: dict[str, object], tmp_path: Path) -> None:
    data = bytearray(render(document, "pdf"))
    data[len(data) // 2] ^= 1
    file = tmp_path / "report.pdf"
    file.write_bytes(bytes(data))
    with pytest.raises(UserError, match="changed after it was written"):
        look(file)


def test_a_sealed_json_report_is_one_too(document: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(exported(document)))
    assert look(file).kind == "report"
    file.write_text(json.dumps({**exported(document), "as_of": "2030-01-01T00:00:00+00:00"}))
    with pytest.raises(UserError, match="seal"):
        look(file)


def test_answers_bring_their_lens_and_profile(store: Store, tmp_path: Path) -> None:
    found = look(DEMO / "answers.yaml")
    assert found.kind == "answers"
    assert "questions of the lens" in found.about
    make(store, found, "from answers")
    assert materials(store, "from answers").answers.claims


def test_a_lens_makes_an_assessment_by_it(store: Store, tmp_path: Path) -> None:
    lens = {
        "schemaVersion": "2021-11-01",
        "name": "Team lens",
        "description": "ours",
        "pillars": [
            {
                "id": "ops",
                "name": "Operations",
                "questions": [
                    {
                        "id": "ops1",
                        "title": "Is it watched?",
                        "choices": [{"id": "ops1_a", "title": "Yes"}, {"id": "ops1_no", "title": "No"}],
                        "riskRules": [
                            {"condition": "ops1_a", "risk": "NO_RISK"},
                            {"condition": "default", "risk": "HIGH_RISK"},
                        ],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "team.json"
    file.write_text(json.dumps(lens))
    found = look(file)
    assert (found.kind, found.name) == ("lens", "team")
    make(store, found, "by our lens")
    assert [question.id for question in materials(store, "by our lens").lens.questions] == ["ops1"]


def test_a_run_file_says_what_it_will_do_before_it_does_it() -> None:
    for path in (DEMO / "loadstone.yaml", DEMO):
        found = look(path)
        assert found.kind == "run"
        assert any("starts a program" in remark for remark in found.remarks)
        assert any("under load" in remark for remark in found.remarks)


def test_manifests_are_evidence_as_a_folder_and_as_a_file(store: Store) -> None:
    folder = look(DEMO / "deploy")
    assert folder.kind == "evidence"
    file = look(next((DEMO / "deploy").glob("*.yaml")))
    assert file.kind == "evidence"
    make(store, folder, "scanned")
    assert materials(store, "scanned").facts


def test_facts_say_whether_their_seal_is_right(tmp_path: Path) -> None:
    facts = {"schema": "loadstone.facts/1", "facts": [], "problems": [], "scanned": []}
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(sealed(facts)))
    assert look(file).remarks == ()
    file.write_text(json.dumps(facts))
    assert "no right seal" in look(file).remarks[0]


def test_a_store_is_known_by_its_bytes(filled_store: Path, tmp_path: Path) -> None:
    assert look(filled_store).kind == "store"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x7fELF\0\0", "is nothing that Loadstone opens"),
        (b"dear friend, how are you?\n", "is nothing that Loadstone opens"),
        (b"{broken", "is nothing that Loadstone opens"),
        (b"%PDF-1.4\nhello", "seal of a report"),
        (b"schema: loadstone.answers/1\nanswers: {XXX-99: a}\n", "no question 'XXX-99'"),
        (b"kind: Poem\napiVersion: v1\n", "is nothing that Loadstone opens"),
        ("größe: [1, 2".encode("latin-1"), "is nothing that Loadstone opens"),
    ],
)
def test_what_is_nothing_says_what_can_be_opened(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "file.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError, match=said):
        look(file)


def test_what_is_gone_or_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not there any more"):
        look(tmp_path / "gone.pdf")
    with pytest.raises(UserError, match="opens"):
        look(Path("/dev/null"))
