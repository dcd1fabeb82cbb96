"""A whole assessment: the document holds all it was made from, and is made of it again to the digit."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import yaml

from assessments.assessment import assess, materials_of, rescored
from assessments.evidence import read_evidence, sealed
from assessments.judging import Materials
from assessments.lens import Lens, bundled_lens, named_facts
from probes.errors import UsageError
from probes.facts import CATALOGUE, Fact, Source

GIB = 2**30


def shared(document: Any) -> Any:
    """As it comes back from a canonical JSON: keys in another order, 99.0 as 99."""

    def plain(value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, dict):
            return {key: plain(entry) for key, entry in value.items()}
        return [plain(entry) for entry in value] if isinstance(value, list) else value

    return json.loads(json.dumps(plain(document), sort_keys=True))


def text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


# the document


def test_the_document_has_what_the_contract_names(scene: Any) -> None:
    document = scene.assessed().to_json()
    assert document["schema"] == "loadstone.assessment/1"
    assert set(document) >= {
        "version", "as_of", "assessment", "profile", "lens", "answers", "facts", "runs", "milestones",
        "claims", "scores", "findings", "actions", "forecast",
    }  # fmt: skip
    assert document["as_of"] == "2026-03-01T00:00:00+00:00"
    assert document["assessment"] == {"name": "shop", "id": "a1", "title": "The shop"}
    assert set(document["claims"][0]) >= {"question", "choice", "state", "credit", "because", "facts"}
    assert document["lens"]["name"] == "small-lens"
    assert {fact["name"] for fact in document["facts"]} >= {"load.capacity", "derived.fleet_headroom"}


def test_the_parts_of_a_score_add_up_in_the_document_too(scene: Any) -> None:
    weights = {"weights": {"INF-01": 1.7, "INF-08": 0.3}}
    tight = replace(scene.but(infra__kubernetes__memory_limit_bytes=GIB), answers_more=weights)
    for pillar in tight.assessed().to_json()["scores"]["pillars"].values():
        assert abs(pillar["supported"] + sum(pillar["lost"].values()) - 100) < 1e-8
        assert pillar["proven"] <= pillar["supported"] <= pillar["claimed"]


def test_what_does_not_count_is_printed_with_its_reason(scene: Any) -> None:
    challenge = {"fact": "load.capacity", "reason": "test data", "at": "2026-03-01", "note": "a laptop"}
    document = replace(scene, answers_more={"challenges": [challenge]}).assessed().to_json()
    (aside,) = document["set_aside"]
    assert (aside["fact"]["name"], aside["why"]) == ("load.capacity", "challenged as test data: a laptop")
    assert document["answers"]["challenges"][0]["note"] == "a laptop"
    assert document["forecast"] is None, "without a capacity"


def test_evidence_expires_and_the_score_decays_with_the_moment_it_is_judged_at(scene: Any) -> None:
    now = scene.evidence.as_of
    scores = [
        scene.assessed(now + timedelta(days=days)).scores.pillar("infrastructure").reading.proven
        for days in (0, 28.9, 29, 79.9, 80)
    ]
    # all proven; from 30 days after the load run only that there is an autoscaler (.5) and a limit (.25),
    # which were read 100 days ago and count for 180
    assert scores == [100, 100, 37.5, 37.5, 0]


def test_evidence_by_hand_backs_and_never_proves(scene: Any) -> None:
    typed = replace(
        scene, measured={}, read={}, more=tuple(replace(fact, state="by_hand") for fact in scene.facts)
    )
    assessed = typed.assessed()
    assert {entry.state for entry in assessed.judgements} == {"claimed"}
    assert {entry.credit.credit for entry in assessed.judgements} == {0.75}


def test_evidence_of_another_machine_counts_by_its_seal(scene: Any) -> None:
    facts = [fact.to_json() for fact in scene.facts]
    for entry in facts:
        entry["source"]["machine"] = "build-7"
    document = {"schema": "loadstone.facts/1", "facts": facts, "problems": [], "scanned": []}
    bare = replace(scene, measured={}, read={})
    read = read_evidence(json.dumps(sealed(document)).encode(), "there.json")
    assert read.sealed
    elsewhere = replace(bare, more=read.facts).assessed()
    assert elsewhere.to_json()["scores"] == scene.assessed().to_json()["scores"]
    headroom = elsewhere.judged.evidence.facts["derived.memory_limit_headroom"]
    assert headroom.source.machine == "build-7", "what follows names the machine too"
    forged = sealed(document)
    forged["facts"][0]["value"] = 1e6
    read = read_evidence(json.dumps(forged).encode(), "forged.json")
    assert not read.sealed
    assert {entry.state for entry in replace(bare, more=read.facts).assessed().judgements} == {"claimed"}


# ready to apply


def test_the_autoscaling_rules_derive_from_the_measurement_and_stand_in_the_document(scene: Any) -> None:
    rules = scene.assessed().to_json()["forecast"]["autoscaling"]
    written = rules["kubernetes"]["text"]
    manifest = yaml.safe_load(written)
    assert (manifest["apiVersion"], manifest["kind"]) == ("autoscaling/v2", "HorizontalPodAutoscaler")
    assert manifest["spec"]["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "shop",
    }
    # 140/s on 33.6/s a replica: 5, and one to spare; 20 ms of CPU at 33.6/s: 0.672 of 1 core
    assert (manifest["spec"]["minReplicas"], manifest["spec"]["maxReplicas"]) == (2, 6)
    (metric,) = manifest["spec"]["metrics"]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 67}
    assert "the capacity was measured on 2026-02-28 in the run r1" in written
    policy = json.loads(rules["aws"]["text"])
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == pytest.approx(33.6 * 60)
    assert set(policy) == {
        "PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension", "PolicyType",
        "TargetTrackingScalingPolicyConfiguration",
    }  # fmt: skip
    assert "33.6 requests/s x 60 = 2016 a minute" in rules["aws"]["explanation"]
    assert rules["refused"] is None


def test_without_cpu_the_rule_scales_by_requests_and_other_kinds_are_named(scene: Any) -> None:
    by_requests = scene.but(
        process__cpu_ms_per_request=None, infra__kubernetes__workload="StatefulSet/shop-db"
    )
    manifest = yaml.safe_load(
        by_requests.assessed().to_json()["forecast"]["autoscaling"]["kubernetes"]["text"]
    )
    assert manifest["spec"]["scaleTargetRef"]["kind"] == "StatefulSet"
    (metric,) = manifest["spec"]["metrics"]
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "33600m"}
    for workload in (None, "Rollout/shop", "Deployment/Not A Name", "Deployment/"):
        other = scene.but(infra__kubernetes__workload=workload).assessed().to_json()["forecast"]
        target = yaml.safe_load(other["autoscaling"]["kubernetes"]["text"])["spec"]["scaleTargetRef"]
        assert target["name"] == "model-server"


def test_without_ground_for_a_rule_the_document_says_why(scene: Any) -> None:
    def rules(of: Any) -> Any:
        return of.assessed().to_json()["forecast"]["autoscaling"]

    no_load = rules(scene.of(peak_per_s=None, target_peak_per_s=None))
    assert (no_load["kubernetes"], no_load["aws"]) == (None, None)
    assert "nobody said what has to be carried" in no_load["refused"]
    assert "lower bound" in rules(scene.but(load__capacity=50.0))["refused"]


def test_a_rule_from_a_capacity_by_hand_says_so(scene: Any) -> None:
    typed = tuple(replace(fact, state="by_hand") for fact in scene.facts if fact.name == "load.capacity")
    rules = (
        replace(scene.but(load__capacity=None), more=typed).assessed().to_json()["forecast"]["autoscaling"]
    )
    assert "the capacity was given by hand, not measured, on 2026-02-28" in rules["kubernetes"]["text"]


# made again


def random_materials(chance: random.Random, scene: Any) -> Materials:
    """Facts of every kind of state, age and value, answers of every kind, a profile with gaps."""
    now = scene.evidence.as_of
    facts = []
    wanted = ["load.capacity", "process.rss_peak_bytes", "process.memory_verdict", "derived.fleet_headroom",
              "process.growth_bytes_per_request", "process.cpu_cores_at_saturation", "load.limited_by",
              "history.load_runs_90_days", *scene.read, "monitoring.prometheus.count_ratio"]  # fmt: skip
    for name in chance.sample(wanted, chance.randint(0, len(wanted))):
        entry = CATALOGUE[name]
        value: Any = {
            "number": chance.choice([0.0, 0.1, 99.0, 48.3333333333, 1e12, -3.0]),
            "ratio": chance.choice([0.0, 1.0, 0.6666666666, 1.05]),
            "integer": chance.choice([0, 1, 6, GIB, 3 * GIB]),
            "boolean": chance.random() < 0.5,
            "choice": chance.choice(entry.choices or ("",)),
            "text": "Deployment/shop \N{SNOWMAN}",
            "date": "2027-01-01",
        }[entry.type]
        state: Any = chance.choice(["measured", "read", "declared", "by_hand", "stale", "unreadable"])
        low = high = None
        if entry.type == "number" and state != "unreadable" and chance.random() < 0.5:
            low, high = value * (0.9 if value > 0 else 1.1), value + abs(value) * 0.1
        zone = chance.choice([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-8))])
        at = (now - timedelta(days=chance.choice([0, 0.001, 1, 29, 31, 179, 181, -1]))).astimezone(zone)
        source = Source(
            chance.choice(["load", "kubernetes", "derived"]),
            run=chance.choice([None, "r1"]),
            machine=chance.choice([None, "build-7"]),
        )
        value = None if state == "unreadable" else value
        facts.append(Fact(name, value, entry.unit, source, at, state, low, high))
    changed = scene.of(
        peak_per_s=chance.choice([None, 0, 40, 100.5, 300]),
        target_peak_per_s=chance.choice([None, 140]),
        replicas=chance.choice([None, 1, 3]),
        growth=chance.choice([None, {"workload": "8%/month"}, {"workload": "12/month", "users": "0"}]),
        utilisation=chance.choice([None, 0.7, 1]),
    )
    claims = {
        name: claim
        for name, claim in (
            ("INF-01", chance.choice(["INF_01_no", "INF_01_a", "INF_01_b", "unsure"])),
            ("INF-08", chance.choice(["INF_08_a", "INF_08_b", {"not_applicable": "no limits anywhere"}])),
            ("MON-01", {"choice": "MON_01_a", "note": "as said", "attachments": [
                {"file": "runbook.pdf", "dated": chance.choice(["2026-02-01", "2020-01-01"])}]}),
        )
        if chance.random() < 0.9
    }  # fmt: skip
    more: dict[str, Any] = {}
    if chance.random() < 0.3:
        more["weights"] = {"INF-08": chance.choice([1, 2.5])}
    if chance.random() < 0.3:
        more["challenges"] = [{"fact": "load.capacity", "reason": "remediated", "at": "2026-02-28"}]
    runs = [
        {"run": {"id": f"r{place}", "started_at": (now - timedelta(days=place)).isoformat(),
                 "status": chance.choice(["completed", "failed"]), "grade": "valid"}, "facts": [1]}
        for place in range(chance.randint(0, 3))
    ]  # fmt: skip
    given = replace(changed, claims=claims, answers_more=more, runs=tuple(runs))
    return replace(given.materials, facts=tuple(facts), problems=("a file was left out",))


def test_any_document_is_made_again_byte_for_byte_also_when_it_was_shared(scene: Any) -> None:
    chance = random.Random(20260301)
    now = scene.evidence.as_of
    states: set[str] = set()
    for _ in range(400):
        moment = now + timedelta(days=chance.choice([0, 10, 200]), microseconds=chance.choice([0, 1]))
        document = assess(random_materials(chance, scene), moment).to_json()
        states |= {claim["state"] for claim in document["claims"]}
        assert text(rescored(document)) == text(document)
        again = shared(document)
        assert text(shared(rescored(again))) == text(again)
    assert len(states) >= 7, states


def test_rescoring_trusts_nothing_that_was_computed(scene: Any) -> None:
    honest = scene.but(infra__kubernetes__memory_limit_bytes=GIB).assessed().to_json()
    forged = copy.deepcopy(honest)
    forged["scores"]["overall"]["score"] = 100.0
    forged["claims"][1]["state"] = "verified"
    forged["verdict"]["headline"] = "Ready"
    forged["forecast"]["autoscaling"]["kubernetes"]["text"] = "nonsense"
    assert text(rescored(forged)) == text(honest)


def test_the_order_of_facts_and_answers_makes_no_difference(scene: Any) -> None:
    chance = random.Random(2)
    materials = scene.but(infra__kubernetes__memory_limit_bytes=GIB).materials
    now = scene.evidence.as_of
    expected = text(assess(materials, now).to_json()["facts"])
    scores = text(assess(materials, now).to_json()["scores"])
    for _ in range(10):
        facts = tuple(chance.sample(materials.facts, len(materials.facts)))
        claims = dict(chance.sample(list(materials.answers.claims.items()), 3))
        mixed = replace(materials, facts=facts, answers=replace(materials.answers, claims=claims))
        document = assess(mixed, now).to_json()
        assert (text(document["facts"]), text(document["scores"])) == (expected, scores)


PROGRAM = """
import json, sys
from datetime import datetime
from assessments.assessment import rescored
from assessments.evidence import sealed
print(sealed(rescored(json.load(open(sys.argv[1], encoding="utf-8"))))["seal"])
"""


def test_hash_seeds_time_zones_and_processes_make_no_difference(scene: Any, tmp_path: Any) -> None:
    full = full_materials(random.Random(5), bundled_lens(), scene)
    document = assess(full, scene.evidence.as_of).to_json()
    file = tmp_path / "document.json"
    file.write_text(text(document), encoding="utf-8")
    seals = {sealed(document)["seal"]}
    for seed, zone in (("0", "UTC"), ("1", "Asia/Kathmandu"), ("4711", "America/Los_Angeles")):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(file)],
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": ":".join(sys.path), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        )
        seals.add(done.stdout.strip())
    assert len(seals) == 1


def full_materials(chance: random.Random, lens: Lens, scene: Any) -> Materials:
    """The lens that comes along, answered at random, with every fact that it asks for."""
    now = scene.evidence.as_of
    facts = []
    for name in named_facts(lens):
        entry = CATALOGUE.get(name)
        if entry is None or name.startswith(("derived.", "history.", "profile.")):
            continue
        value: Any = {
            "number": round(chance.uniform(0.1, 100), 3),
            "ratio": round(chance.random(), 3),
            "integer": chance.randint(1, 50),
            "boolean": chance.random() < 0.6,
            "choice": chance.choice(entry.choices or ("",)),
            "text": "text",
            "date": "2027-01-01",
        }[entry.type]
        at = now - timedelta(days=chance.choice([1, 20]))
        facts.append(Fact(name, value, entry.unit, Source("test", run="r1"), at))
    claims = {question.id: chance.choice(question.choices).id for question in lens.questions}
    return replace(replace(scene, lens=lens, claims=claims).materials, facts=(*scene.facts, *facts))


def test_the_lens_that_comes_along_is_judged_and_made_again(scene: Any) -> None:
    chance = random.Random(6)
    for _ in range(5):
        document = assess(full_materials(chance, bundled_lens(), scene), scene.evidence.as_of).to_json()
        assert len(document["claims"]) >= 50
        assert text(rescored(document)) == text(document)
        again = shared(document)
        assert text(shared(rescored(again))) == text(again)


# what is no assessment


def test_a_document_that_is_no_assessment_is_one_sentence(scene: Any) -> None:
    whole = scene.assessed().to_json()
    spoilt: list[tuple[dict[str, Any], str]] = [
        ({**whole, "schema": "loadstone.probe/1"}, "is no assessment"),
        ({**whole, "as_of": "yesterday"}, "no moment"),
        ({**whole, "facts": [{"name": "load.capacity"}]}, "no whole assessment"),
        ({**whole, "facts": 5}, "no whole assessment"),
        ({**whole, "answers": {}}, "schema"),
        ({key: value for key, value in whole.items() if key != "lens"}, "no whole assessment"),
        ({**whole, "as_of": "2026-03-01T00:00:00"}, "time zone"),
        ({**whole, "assessment": []}, "no whole assessment"),
    ]
    for document, why in spoilt:
        with pytest.raises(UsageError, match=why):
            rescored(document)
    for key in ("runs", "milestones", "problems"):
        for junk in (5, [5], "text", None):
            with pytest.raises(UsageError, match=f"no whole assessment .*'{key}'"):
                rescored({**whole, key: junk})


def test_a_moment_without_a_time_zone_and_answers_to_another_lens_are_refused(scene: Any) -> None:
    with pytest.raises(UsageError, match="time zone"):
        assess(scene.materials, scene.evidence.as_of.replace(tzinfo=None))
    with pytest.raises(UsageError, match="no question 'INF-99'"):
        scene.claiming(INF_99="x").assessed()


def test_materials_survive_the_document(scene: Any) -> None:
    given = scene.materials
    back = materials_of(scene.assessed().to_json())
    assert (back.name, back.id, back.title, back.profile) == (
        given.name,
        given.id,
        given.title,
        given.profile,
    )
    assert sorted(back.facts, key=repr) == sorted(given.facts, key=repr)
    assert back.answers.claims == given.answers.claims


def test_moments_at_the_ends_of_the_calendar_are_refused(scene: Any) -> None:
    for year in (1, 1969, 3000, 9999):
        with pytest.raises(UsageError, match="is judged in the years 1970 to 2999"):
            scene.assessed(datetime(year, 6, 1, tzinfo=UTC))
        document = scene.assessed().to_json() | {"as_of": f"{year:04}-06-01T00:00:00+00:00"}
        with pytest.raises(UsageError, match="is judged in the years"):
            rescored(document)
