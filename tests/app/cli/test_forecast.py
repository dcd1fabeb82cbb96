"""`loadstone forecast`: from numbers, from stored runs, with prices and autoscaling rules."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli.main import main
from assessments.store import open_store
from probes.events import Finished, Started

Captured = pytest.CaptureFixture[str]
Make = Callable[..., dict[str, Any]]
Run = Callable[..., subprocess.CompletedProcess[str]]

WORKED = [
    "forecast",
    "--capacity",
    "52",
    "--low",
    "48",
    "--high",
    "56",
    "--peak",
    "270",
    "--utilisation",
    "0.7",
    "--price",
    "1.20",
    "--replicas",
    "10",
    "--from",
    "2026-01-01",
]


def said(captured: Captured) -> str:
    return " ".join(captured.readouterr().out.split())


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Stores a finished run as a probe would."""
    path = str(tmp_path / "store.sqlite")
    monkeypatch.setenv("LOADSTONE_STORE", path)

    def store_run(document: dict[str, Any]) -> None:
        with open_store(path) as store, store.record(document["run"]["id"]) as recorder:
            recorder(Started(0.0, document["run"], document["target"], document["load"]))
            recorder(Finished(3.0, document))
        assert recorder.failure is None

    return store_run


def test_the_worked_example_to_every_digit(capsys: Captured) -> None:
    assert main([*WORKED, "--growth", "8%/month"]) == 0
    out = said(capsys)
    for part in (
        "8 replicas carry the peak of 270 requests/s at 70 % utilisation (conservative 9, with a spare 10)",
        "33.6 requests/s a replica: 70 % of the lower bound 48",
        "9.1575 [8.5034, 9.9206] USD, at 1.20 for a replica-hour",
        "runs out on 2026-04-29 [2026-03-28, 2026-05-28], in 3.8816 [2.8416, 4.8445] months",
    ):
        assert part in out


def test_the_document_for_machines_is_contracts(capsys: Captured) -> None:
    assert main([*WORKED, "--growth", "12/month", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["schema"] == "loadstone.forecast/1"
    assert document["capacity_per_replica"] == {"value": 52, "low": 48, "high": 56}
    assert document["replicas"] == {"now": 8, "conservative": 9, "with_spare": 10, "running": 10}
    assert document["autoscaling_target_per_replica"] == 33.6
    assert document["axes"]["workload"]["runs_out_on"]["value"] == "2026-08-27"
    assert "2026-08-27" in err


def test_a_range_of_growth_names_its_method_and_its_seed(capsys: Captured) -> None:
    argv = [*WORKED, "--growth", "8%..12%/month", "--seed", "5"]
    assert main(argv) == 0
    first = said(capsys)
    assert "Monte-Carlo, 100,000 draws, seed 5" in first
    assert main(argv) == 0
    assert said(capsys) == first


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--growth", "0.7%/month"], "not run out within the horizon of 36 months; at the earliest on 2028-"),
        (["--growth", "8%/month", "--horizon", "2"], "within the horizon of 2 months"),
        (["--growth=-3%/month"], "does not run out: nothing grows"),
        (["--growth", "0"], "does not run out: nothing grows"),
        (
            ["--growth", "8%/month", "--peak", "400"],
            "over already: the peak of 400/s is at or over the 364/s",
        ),
        (
            ["--growth", "8%/month", "--peak", "400"],
            "but not over their capacity; by this growth since 1.2254",
        ),
        (["--growth", "8%/month", "--peak", "600"], "and over their whole capacity"),
        (["--utilisation", "70%"], "8 replicas"),
        (["--currency", "EUR"], "9.9206] EUR"),
    ],
)
def test_other_answers(more: list[str], part: str, capsys: Captured) -> None:
    assert main([*WORKED, *more]) == 0
    assert part in said(capsys)


def test_without_an_interval_nothing_is_made_up(capsys: Captured) -> None:
    assert main(["forecast", "--capacity", "52", "--peak", "270"]) == 0
    out = said(capsys)
    assert "8 replicas carry the peak" in out
    assert "conservative" not in out
    assert "not known: it needs the lower bound" in out


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        ("", "give an assessment NAME, --capacity RATE or --run RUN"),
        ("--capacity 52 --run last", "give an assessment NAME"),
        ("--capacity nan", "'nan' is no value for --capacity"),
        ("--capacity 0", "'0' is no value"),
        ("--capacity -5", "'-5' is no value"),
        ("--capacity inf", "'inf' is no value"),
        ("--capacity 1_000", "'1_000' is no value"),
        ("--capacity 52 --low 60 --high 50", "lies above the upper bound"),
        ("--capacity 52 --low 53", "lies above its value"),
        ("--capacity 52 --utilisation 1.1", "no value for --utilisation"),
        ("--capacity 52 --growth 8%/month", "--peak and --replicas"),
        ("--capacity 52 --peak 1 --replicas 1 --growth 8%", "per which time"),
        ("--capacity 52 --from tomorrow", "no value for --from"),
        ("--capacity 52 --from 20260101", "no value for --from"),
        ("--capacity 52 --horizon 100000", "a horizon of 100000 months"),
        ("--capacity 52 --currency euro", "no value for --currency"),
        ("--capacity 52 --instance aws:m7i.lrge", "near it are aws:m7i.large"),
        ("--capacity 52 --instance aws:m7i.large --price 1", "leave --price"),
        ("--capacity 52 --prices x.yaml", "add --instance"),
        ("--capacity 52 --cpu-at-capacity 0.88 --hpa x", "add --cpu-request"),
        ("--capacity 52 --cpu-request 1 --hpa x", "add --cpu-at-capacity"),
        ("--capacity 52 --deployment shop", "belongs to --hpa"),
        ("--capacity 52 --service ecs", "belongs to --target-tracking"),
        ("--capacity 52 --min-replicas 3", "goes into autoscaling rules"),
        ("--capacity 52 --hpa x", "give --low"),
        ("--capacity 52 --low 48 --hpa x", "give --peak"),
        ("--capacity 52 --low 48 --peak 270 --hpa /no/where/x", "cannot be written"),
        ("--run last --low 3", "brings its own interval"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(argv: str, part: str, capsys: Captured) -> None:
    assert main(["forecast", *argv.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert part in err
    assert err.count("\n") == 1


def test_an_instance_brings_its_price_and_the_date_of_it(capsys: Captured, tmp_path: Path) -> None:
    assert main(["forecast", "--capacity", "52", "--instance", "aws:m7i.large"]) == 0
    out = said(capsys)
    assert f"{0.1008e6 / (3600 * 52 * 0.7):.4f} USD, at 0.1008" in out
    assert "list price as of 2026-07-20" in out
    assert "check before you decide" in out
    book = tmp_path / "own.yaml"
    book.write_text(
        "schema: loadstone.prices/1\nbooks:\n- {provider: own, region: here, currency: EUR, "
        "as_of: 2026-01-02, source: invoice, instances: {box: {per_hour: 2}}}\n"
    )
    argv = ["forecast", "--capacity", "52", "--instance", "own:box", "--prices", str(book), "--json", "-"]
    assert main(argv) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cost_per_million"]["currency"] == "EUR"
    assert document["price"]["as_of"] == "2026-01-02"


def test_rules_for_autoscalers_are_written(tmp_path: Path, capsys: Captured) -> None:
    hpa, policy = tmp_path / "hpa.yaml", tmp_path / "policy.json"
    argv = [*WORKED, "--hpa", str(hpa), "--deployment", "shop-api", "--target-tracking", str(policy)]
    assert main([*argv, "--cpu-at-capacity", "0.88", "--cpu-request", "1000m"]) == 0
    document = yaml.safe_load(hpa.read_text())
    assert document["spec"]["scaleTargetRef"]["name"] == "shop-api"
    assert document["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 56
    tracking = json.loads(policy.read_text())["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 2016.0
    assert "a minute, as AWS counts it" in Path(f"{policy}.txt").read_text()
    assert "2 to 10 replicas, 33.6 requests/s or 56 % of the requested CPU each" in said(capsys)


def test_a_stored_run_gives_the_capacity(keep: Callable[..., None], result: Make, capsys: Captured) -> None:
    keep(result())
    assert main(["forecast", "--run", "last", "--peak", "420", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["capacity_per_replica"] == {"value": 198.4, "low": 193.0, "high": 203.1}
    assert document["replicas"]["now"] == 4
    assert document["run"] == "3f9a00112233"
    assert "counts as one replica" in err


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            {"bound": "provisional", "capacity": {"reason": "few slow moments"}},
            "provisional (few slow moments)",
        ),
        ({"bound": "at_least"}, "the capacity is at least 198.4/s"),
        ({"capacity": {"slo": None}}, "had no SLO"),
        ({"grade": "unstable"}, "graded unstable"),
        ({"status": "interrupted"}, "not completed (interrupted)"),
    ],
)
def test_a_capacity_with_a_reservation_is_used_and_says_so(
    keep: Callable[..., None], result: Make, capsys: Captured, changes: dict[str, Any], part: str
) -> None:
    keep(result(**changes))
    assert main(["forecast", "--run", "last"]) == 0
    assert part in said(capsys)


def test_at_least_has_no_upper_end(keep: Callable[..., None], result: Make, capsys: Captured) -> None:
    keep(result(bound="at_least"))
    argv = [
        "forecast",
        "--run",
        "last",
        "--peak",
        "200",
        "--replicas",
        "2",
        "--growth",
        "8%..12%/month",
        "--json",
        "-",
    ]
    assert main(argv) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["capacity_per_replica"]["high"] is None
    assert document["axes"]["workload"]["months"]["high"] is None
    assert document["axes"]["workload"]["months"]["low"] is not None


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"grade": "client_limited"}, "was limited by this client"),
        (
            {"bound": "indeterminate", "capacity": {"reason": "too noisy"}},
            "could not tell the capacity (too noisy)",
        ),
        ({"bound": "unmet_at_minimum"}, "broke its SLO at the lowest rate already"),
        ({"bound": None}, "measured no capacity"),
    ],
)
def test_a_run_without_a_capacity_is_undecided(
    keep: Callable[..., None], result: Make, capsys: Captured, changes: dict[str, Any], part: str
) -> None:
    keep(result(**changes))
    assert main(["forecast", "--run", "last"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert part in err
    assert err.count("\n") == 1


def test_numbers_alone_need_neither_database_nor_numpy(loadstone: Run) -> None:
    script = (
        "import sys, loadstone\n"
        f"sys.argv = ['loadstone', *{[*WORKED, '--growth', '8%/month']!r}]\n"
        "loadstone.main()\n"
        "print([name for name in ('numpy', 'sqlalchemy', 'scipy') if name in sys.modules])\n"
    )
    done = loadstone(python=("-c", script))
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "[]"
