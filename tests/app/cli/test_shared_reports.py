"""An assessment shared: written as a report, verified, restored elsewhere, kept as milestones, compared."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from assessments.evidence import sealed

Captured = pytest.CaptureFixture[str]
ANSWERS = """
schema: loadstone.answers/1
lens: loadstone-readiness
profile: {target_kind: http, deploys_to: k8s, peak_per_s: 180, target_peak_per_s: 420, replicas: 4,
  growth: {workload: 8%/month}, price_per_replica_hour: 1.20, currency: EUR}
answers:
  INF-01: INF_01_c
  INF-08: {choice: INF_08_c, note: "<img src=/etc/passwd> <b>bold</b>"}
  INF-12: {choice: INF_12_c, attachments: [{file: runbook.pdf, dated: 2026-10-02}]}
  MON-03: unsure
"""


def fact(name: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "state": "measured",
        "at": datetime.now(UTC).isoformat(),
        "source": {"probe": "load", "machine": "bench-7"},
    } | more


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with the assessment `shop`: four answers, capacity and memory of another machine."""
    place = tmp_path / "store.sqlite"
    monkeypatch.setenv("LOADSTONE_STORE", str(place))
    monkeypatch.chdir(tmp_path)
    Path("answers.yaml").write_text(ANSWERS)
    facts = [
        fact("load.capacity", 198.4, "1/s", low=193.0, high=203.1),
        fact("process.rss_peak_bytes", 100 * 2**20, "bytes"),
    ]
    limit = fact("infra.kubernetes.memory_limit_bytes", 105 * 2**20, "bytes", state="read")
    limit["source"] = {"probe": "kubernetes", "file": "deploy.yaml", "line": 41}
    document = sealed(
        {"schema": "loadstone.facts/1", "facts": [*facts, limit], "problems": [], "scanned": []}
    )
    Path("facts.json").write_text(json.dumps(document))
    assert main(["assess", "shop", "--answers", "answers.yaml", "--evidence", "facts.json"]) == 0
    return place


@pytest.fixture
def pdf(store: Path, capsys: Captured) -> Path:
    """Its report."""
    assert main(["report", "shop", "-o", "shop.pdf"]) == 0
    capsys.readouterr()
    return Path("shop.pdf")


def document_of(name: str, capsys: Captured) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["show", name, "--json", "-"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_report_verifies(pdf: Path, capsys: Captured) -> None:
    assert main(["verify", str(pdf), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "loadstone.verify/1"
    assert found["holds"] is True
    assert {check["check"]: check["outcome"] for check in found["checks"]} == dict.fromkeys(
        ("bytes", "data", "score", "pages"), "right"
    )


def test_a_changed_byte_anywhere_fails(pdf: Path, capsys: Captured) -> None:
    data, draw = pdf.read_bytes(), random.Random(3)
    for _ in range(40):
        changed = bytearray(data)
        changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        Path("changed.pdf").write_bytes(changed)
        assert main(["verify", "changed.pdf"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("loadstone: error: changed.pdf")
        assert said.count("\n") == 1


def test_pages_that_show_something_else_than_the_data_do_not_verify(pdf: Path, capsys: Captured) -> None:
    """Who knows the format can seal pages of their own; drawn again from the data they are not equal."""
    import hashlib

    data = pdf.read_bytes().replace(b"/Title (", b"/Titel (", 1)
    start = data.rindex(b"/LoadstoneSeal <") + len(b"/LoadstoneSeal <")
    rest = data[:start] + data[start + 64 :]
    forged = data[:start] + hashlib.sha256(rest).hexdigest().encode() + data[start + 64 :]
    Path("forged.pdf").write_bytes(forged)
    assert main(["verify", "forged.pdf", "--json", "-"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["holds"] is False
    assert [check["check"] for check in found["checks"] if check["outcome"] == "wrong"] == ["pages"]


def test_a_score_that_was_raised_does_not_verify(pdf: Path, capsys: Captured) -> None:
    """The data inside say 100; judged again they do not."""
    from app.report.attachment import canonical_bytes
    from app.report.formats import render
    from app.report.reading import shared_in

    document = json.loads(json.dumps(shared_in(pdf.read_bytes(), "shop.pdf").document))
    claim = next(entry for entry in document["claims"] if entry["question"] == "INF-08")
    assert claim["state"] == "contradicted"
    claim["state"] = "verified"
    assert canonical_bytes(document) != pdf.read_bytes()
    Path("raised.pdf").write_bytes(render(document, "pdf"))
    assert main(["verify", "raised.pdf", "--json", "-"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert [check["check"] for check in found["checks"] if check["outcome"] == "wrong"] == ["score"]


def test_a_report_of_another_version_is_judged_again_but_not_drawn_again(pdf: Path, capsys: Captured) -> None:
    from app.report.formats import render
    from app.report.reading import shared_in

    document = dict(shared_in(pdf.read_bytes(), "shop.pdf").document) | {"version": "0.0.9"}
    Path("older.pdf").write_bytes(render(document, "pdf"))
    assert main(["verify", "older.pdf", "--json", "-"]) == 0
    outcomes = {entry["check"]: entry for entry in json.loads(capsys.readouterr().out)["checks"]}
    assert outcomes["score"]["outcome"] == "right"
    assert outcomes["pages"]["outcome"] == "not_checked"
    assert "0.0.9" in outcomes["pages"]["text"]


@pytest.mark.parametrize("form", ["pdf", "json"])
def test_a_restored_assessment_scores_the_same(store: Path, form: str, capsys: Captured) -> None:
    """In an empty store of somebody else, at the moment of the report, everything is equal."""
    from assessments.assessment import assess
    from assessments.store import open_store
    from assessments.stored import materials

    assert main(["report", "shop", "-o", f"shop.{form}", "--as-of", "2026-12-01T00:00:00Z"]) == 0
    with open_store(str(store)) as mine:
        then = datetime(2026, 12, 1, tzinfo=UTC)
        before = assess(materials(mine, "shop"), then).to_json()
        assert main(["restore", f"shop.{form}", "--store", "theirs.sqlite"]) == 0
        assert "Restored 'shop'" in capsys.readouterr().out
        with open_store("theirs.sqlite") as theirs:
            after = assess(materials(theirs, "shop"), then).to_json()
    assert after == before


def test_a_name_that_is_taken_is_never_overwritten(pdf: Path, capsys: Captured) -> None:
    before = document_of("shop", capsys)["answers"]
    assert main(["restore", str(pdf)]) == 2
    assert "give another name" in capsys.readouterr().err
    assert main(["restore", str(pdf), "--name", "shop of a colleague"]) == 0
    assert document_of("shop", capsys)["answers"] == before
    assert document_of("shop of a colleague", capsys)["answers"] == before


def test_json_that_was_changed_is_not_restored(store: Path, capsys: Captured) -> None:
    assert main(["report", "shop", "-o", "shop.json"]) == 0
    document = json.loads(Path("shop.json").read_text())
    document["answers"]["answers"]["INF-01"] = "INF_01_d"
    Path("shop.json").write_text(json.dumps(document))
    assert main(["restore", "shop.json", "--name", "other"]) == 2
    assert "its seal is not right" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ""),
        (b"{}", "holds no assessment"),
        (b'{"schema": "loadstone.probe/1"}', "holds no assessment"),
        (b"%PDF-1.4 nothing", "does not end with the seal"),
        (b"\x00\xff\xfe", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_what_is_no_report_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, said: str, capsys: Captured
) -> None:
    place = tmp_path / "x.json"
    place.write_bytes(content)
    for command in ("restore", "verify"):
        assert main([command, str(place)]) == 2
        err = capsys.readouterr().err
        assert err.startswith("loadstone: error: ")
        assert err.count("\n") == 1
        assert said in err or command == "verify"


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.pdf", b"%PDF-"), ("r.html", b"<!DOCTYPE html>"), ("r.json", b"{"), ("r.csv", b""),
     ("r.xml", b"<?xml"), ("r.md", b"# ")],
)  # fmt: skip
def test_the_ending_of_the_file_names_the_format(store: Path, name: str, begins: bytes) -> None:
    assert main(["report", "shop", "-o", name]) == 0
    data = Path(name).read_bytes()
    assert data.startswith(begins)
    assert b"INF-08" in data or name == "r.pdf"


def test_markup_in_a_note_is_shown_and_does_nothing(store: Path) -> None:
    assert main(["report", "shop", "-o", "r.html"]) == 0
    data = Path("r.html").read_text()
    assert "&lt;img src=/etc/passwd&gt; &lt;b&gt;bold&lt;/b&gt;" in data
    assert "<img" not in data


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["report", "shap"], "near"),
        (["report", "shop", "-o", "shop.docx"], "no format of a report"),
        (["report", "shop", "-o", "nowhere/shop.pdf"], "there is no folder nowhere"),
        (["report", "shop", "-o", "."], "is a folder"),
        (["report", "shop", "--format", "pfd"], "did you mean pdf?"),
        (["report", "shop", "--as-of", "yesterday"], "is no value for --as-of"),
        (["report", "shop@", "-o", "x.pdf"], "names no milestone"),
        (["report", "shop@never", "-o", "x.pdf"], "has no milestone 'never'"),
        (["milestone", "shop@m", "label"], "is a milestone already"),
        (["milestone", "shop", "--as-of", "2026-01-01"], "give its LABEL"),
        (["compare", "shop", "abcd"], "compare two assessments, or two runs"),
        (["forecast", "shop", "--capacity", "3"], "one of them alone"),
        (["show", "shop", "--seconds"], "belongs to a run"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    store: Path, argv: list[str], said: str, capsys: Captured
) -> None:
    capsys.readouterr()
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_a_file_that_stood_there_stays_until_the_new_one_is_whole(store: Path) -> None:
    Path("shop.md").write_text("before")
    Path("shop.md").chmod(0o640)
    assert main(["report", "shop", "-o", "shop.md"]) == 0
    assert Path("shop.md").read_text().startswith("# ")
    assert Path("shop.md").stat().st_mode & 0o777 == 0o640
    assert not list(Path().glob(".shop.md.*"))


def test_a_report_goes_to_standard_output(store: Path, loadstone: Callable[..., Any], tmp_path: Path) -> None:
    told = loadstone("report", "shop", "--format", "markdown", "-o", "-", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("# ")


def test_milestones_are_kept_listed_and_compared(store: Path, capsys: Captured) -> None:
    """An answer that was taken back and a fact that came between two milestones are told apart."""
    assert main(["milestone", "shop", "before"]) == 0
    assert "Kept 'shop' as 'before'" in capsys.readouterr().out
    assert main(["milestone", "shop", "before"]) == 2
    assert "choose another label" in capsys.readouterr().err
    Path("answers.yaml").write_text(ANSWERS.replace("INF_01_c", "INF_01_a"))
    more = sealed(
        {
            "schema": "loadstone.facts/1",
            "facts": [fact("process.cpu_ms_per_request", 4.6, "ms")],
            "problems": [],
            "scanned": [],
        }
    )
    Path("more.json").write_text(json.dumps(more))
    assert main(["assess", "shop", "--answers", "answers.yaml", "--evidence", "more.json"]) == 0
    capsys.readouterr()
    assert main(["milestone", "shop", "--json", "-"]) == 0
    assert [entry["label"] for entry in json.loads(capsys.readouterr().out)["milestones"]] == ["before"]
    assert main(["compare", "shop@before", "shop", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in found["changed"]["answers"]] == ["INF-01"]
    assert "process.cpu_ms_per_request" in [entry["id"] for entry in found["changed"]["facts"]]
    assert found["changed"]["lens"] == []
    assert main(["compare", "shop@before", "shop"]) == 0
    out = capsys.readouterr().out
    assert "INF_01_c → INF_01_a" in out


def test_an_assessment_does_not_differ_from_itself(store: Path, capsys: Captured) -> None:
    assert main(["compare", "shop", "shop"]) == 0
    assert "Nothing is different." in capsys.readouterr().out


def test_a_day_counts_to_its_end_for_a_milestone_as_it_does_for_assess(store: Path, capsys: Captured) -> None:
    day = "2027-01-31"
    assert main(["milestone", "shop", "end", "--as-of", day, "--json", "-"]) == 0
    kept = json.loads(capsys.readouterr().out)["as_of"]
    assert main(["assess", "shop", "--as-of", day, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["as_of"] == kept


def test_a_forecast_of_an_assessment_takes_its_capacity_profile_and_fleet(
    store: Path, capsys: Captured
) -> None:
    """4 replicas of 198.4/s at 70 %: 555.5/s; from 180/s at 8 % a month: ln(3.086)/ln(1.08) months."""
    import math

    capsys.readouterr()
    assert main(["forecast", "shop", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["capacity_per_replica"]["value"] == 198.4
    months = math.log(4 * 198.4 * 0.7 / 180) / math.log(1.08)
    assert found["axes"]["workload"]["months"]["value"] == pytest.approx(months, abs=0.01)
    assert found["replicas"]["needed" if "needed" in found["replicas"] else "now"] == math.ceil(
        180 / (198.4 * 0.7)
    )
    assert found["cost_per_million"]["currency"] == "EUR"
    assert main(["forecast", "shop", "--peak", "420", "--utilisation", "50%", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["replicas"]["now"] == math.ceil(420 / (198.4 * 0.5))


def test_rules_of_a_forecast_are_those_of_the_assessment(
    store: Path, tmp_path: Path, capsys: Captured
) -> None:
    import yaml

    assert main(["show", "shop", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    ours = yaml.safe_load(document["forecast"]["autoscaling"]["kubernetes"]["text"])["spec"]
    assert main(["forecast", "shop", "--hpa", str(tmp_path / "hpa.yaml")]) == 0
    written = yaml.safe_load((tmp_path / "hpa.yaml").read_text())["spec"]
    assert written == ours, "for the load to carry, not for today's peak alone"


def test_a_forecast_without_a_measured_capacity_is_undecided(store: Path, capsys: Captured) -> None:
    assert main(["assess", "bare", "--answers", "answers.yaml"]) == 0
    capsys.readouterr()
    assert main(["forecast", "bare"]) == 4
    assert "has no measured capacity" in capsys.readouterr().err
