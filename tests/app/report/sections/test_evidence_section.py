"""Evidence: every fact with value, source and age; what does not count with its reason; what is unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from app.report.model import Table, plain
from app.report.sections import evidence, unmeasured
from app.report.view import View

Document = dict[str, Any]


def _rows(section: Any, of_kind: Any) -> dict[str, list[str]]:
    found = {}
    for table in of_kind(section.blocks, Table):
        for row in table.rows:
            cells = [plain(cell) if isinstance(cell, tuple) else "" for cell in row]
            found[cells[0].partition("\n")[2]] = cells[1:]
    return found


def test_every_fact_that_counts_has_value_state_source_and_age(
    assessed: Callable[..., Document], of_kind: Any
) -> None:
    document = assessed()
    rows = _rows(evidence.section(View(document), "6"), of_kind)
    assert set(rows) == {fact["name"] for fact in document["facts"]}
    limit = rows["infra.kubernetes.memory_limit_bytes"]
    assert limit == ["61\xa0MiB", "read", "deploy/recommender.yaml, line 41", "1\xa0day"]
    assert rows["load.capacity"][:3] == ["110\xa0(82.5–124)\xa0req/s", "measured", "run 3f9c41d8"]


def test_what_was_set_aside_has_its_reason(assessed: Callable[..., Document], said: Any) -> None:
    section = evidence.section(View(assessed()), "6")
    assert section.title.endswith("1\xa0was set aside")
    assert "It was unreadable." in said(section)


def test_expired_evidence_and_challenges_of_people_are_set_aside(
    assessed: Callable[..., Document], a_run: Callable[[], Document], of_kind: Any
) -> None:
    from datetime import datetime

    later = datetime.fromisoformat(a_run()["run"]["started_at"]) + timedelta(days=45)
    challenge = {
        "fact": "monitoring.prometheus.count_ratio",
        "reason": "test data",
        "at": "2026-12-24",
        "note": "counted on <staging>",
    }
    document = assessed(as_of=later, given={"challenges": [challenge]})
    rows = _rows(evidence.section(View(document), "6"), of_kind)
    assert rows["load.capacity"][1].startswith("It is 4")
    assert "load runs count for 30" in rows["load.capacity"][1]
    assert rows["monitoring.prometheus.count_ratio"][1] == "Challenged as test data: counted on <staging>."


def test_a_fact_of_another_version_is_said_to_be_left_out(
    assessed: Callable[..., Document], said: Any
) -> None:
    document = assessed()
    document["facts"].append(
        {"name": "load.from_the_future", "value": 1, "unit": "1", "at": "2026-11-25T00:00:00Z"}
    )
    assert "1\xa0fact is not known to this version" in said(evidence.section(View(document), "6"))


def test_problems_are_listed(assessed: Callable[..., Document], said: Any) -> None:
    section = evidence.section(View(assessed(problems=("deploy.yaml, line 12: no replicas",))), "6")
    assert "deploy.yaml, line 12: no replicas" in said(section)


def test_a_machine_is_named_where_there_is_one(assessed: Callable[..., Document], said: Any) -> None:
    document = assessed()
    document["facts"][0]["source"]["machine"] = "build-7"
    assert "build-7" in said(evidence.section(View(document), "6"))


def test_without_evidence_it_says_what_to_do(assessed: Callable[..., Document], said: Any) -> None:
    section = evidence.section(View(assessed(runs=[], facts=[])), "6")
    assert section.title == "There is no evidence yet"
    assert "loadstone scan" in said(section)


def test_open_questions_and_claims_that_no_probe_can_prove(
    assessed: Callable[..., Document], of_kind: Any, said: Any
) -> None:
    section = unmeasured.section(View(assessed()), "7")
    words = said(section)
    assert "One question is open" in words
    assert "Three claims can be proven by no probe yet" in words
    assert "No probe reads consumer lag yet." in words
    tables = of_kind(section.blocks, Table)
    assert [plain(row[0]) for row in tables[0].rows] == ["MON-05"]
    assert [plain(row[0]) for row in tables[1].rows] == ["MOD-07", "DAT-01", "DAT-03"]


def test_what_the_run_refused_is_said(assessed: Callable[..., Document], said: Any) -> None:
    words = said(unmeasured.section(View(assessed()), "7"))
    assert "The law explains only 5% of the variation in throughput" in words
    assert "8\xa0steps have too few requests for it" in words
    assert "Provisional, not narrowed down as asked" in words
    assert "No run varied the size of requests" in words


def test_facts_that_the_lens_asks_for_and_nobody_knows(assessed: Callable[..., Document], said: Any) -> None:
    words = said(unmeasured.section(View(assessed(runs=[], facts=[])), "7"))
    assert "Capacity of a replica" in words or "capacity of a replica" in words
    assert "There is no load run in this assessment." in words
    assert "100\xa0% of the weight was not settled by measurement" in words


def test_values_by_hand_are_named_as_such(assessed: Callable[..., Document], a_run: Any, said: Any) -> None:
    from probes.facts import Fact

    entry = {
        "name": "load.cold_start_seconds",
        "value": 75,
        "unit": "s",
        "state": "by_hand",
        "at": a_run()["run"]["started_at"],
        "source": {"probe": "person"},
    }
    words = said(unmeasured.section(View(assessed(facts=[Fact.from_json(entry)])), "7"))
    assert "Given by hand, not measured" in words
    assert "75\xa0s" in words
