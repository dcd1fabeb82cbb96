"""`loadstone analyse`: files of other tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def requests_file(tmp_path: Path) -> Path:
    """1,000 requests, one every 10 ms, each answered after 10 ms, every hundredth with status 500."""
    path = tmp_path / "requests.csv"
    rows = [
        f"{at / 100:.3f},{at / 100:.3f},{at / 100 + 0.010:.3f},{500 if at % 100 == 0 else 200}"
        for at in range(1000)
    ]
    path.write_text("due_s,sent_s,done_s,status\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("spelling", ["analyse", "analyze"])
def test_the_requests_of_a_file_are_told_as_a_step(
    spelling: str, requests_file: Path, capsys: Captured
) -> None:
    assert main([spelling, "requests", str(requests_file)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1,000 requests in 10 s: 99 good answers a second, errors 1 %." in out
    assert "response ms 10 10 10 10" in out


def test_the_step_is_given_to_machines(requests_file: Path, capsys: Captured) -> None:
    assert main(["analyse", "requests", str(requests_file), "--json", "-"]) == 0
    step = json.loads(capsys.readouterr().out)
    assert (step["sent"], step["ok"], step["errors"]["status_5xx"]) == (1000, 990, 10)


def test_a_file_without_due_times_is_told_as_what_it_is(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "few.csv").write_text("sent_s,done_s\n0,0.01\n1,1.01\n")
    assert main(["analyse", "requests", str(tmp_path / "few.csv")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "warning: The file has no due times" in out
    assert "response ms" not in out


def test_a_bad_file_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "bad.csv").write_text("sent_s,done_s\n1,0\n")
    assert main(["analyse", "requests", str(tmp_path / "bad.csv")]) == 2
    assert "bad.csv, line 2" in capsys.readouterr().err


def written(folder: Path, name: str, header: str, rows: list[str]) -> str:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def test_the_published_raytracer_measurements_have_their_published_law(
    tmp_path: Path, capsys: Captured
) -> None:
    # the data set of the R package usl: N and X, and its coefficients
    rows = [f"{n},{x}" for n, x in ((1, 20), (4, 78), (8, 130), (12, 170), (16, 190), (20, 200))]
    file = written(tmp_path, "raytracer.csv", "concurrency,throughput", rows)
    assert main(["analyse", "scalability", file, "--json", "-"]) == 0
    law = json.loads(capsys.readouterr().out)
    assert law["sigma"] == pytest.approx(0.02444, rel=0.05)
    assert law["lambda"] == pytest.approx(20.856, rel=0.01)
    assert law["low"]["sigma"] < law["sigma"] < law["high"]["sigma"]


def test_too_few_concurrencies_have_no_law_and_are_undecided(tmp_path: Path, capsys: Captured) -> None:
    file = written(tmp_path, "few.csv", "concurrency,throughput", ["1,20", "2,39"])
    assert main(["analyse", "scalability", file]) == 4
    assert "Scalability law: none" in capsys.readouterr().out


def test_a_leak_at_two_rates_is_one_by_request(tmp_path: Path, capsys: Captured) -> None:
    # 40 requests/s for a minute and none for the next; 300 bytes kept of each
    rows, done = [], 0
    for second in range(1_800):
        rate = 40 if (second // 60) % 2 == 0 else 0
        done += rate if second else 0
        rows.append(f"{second},{200_000_000 + 300 * done},{rate}")
    file = written(tmp_path, "rss.csv", "seconds,bytes,rate_per_s", rows)
    limit = 200_000_000 + 300 * done + 2**30
    assert main(["analyse", "memory", file, "--limit", str(limit), "--json", "-"]) == 0
    memory = json.loads(capsys.readouterr().out)
    assert memory["verdict"] == "growing"
    assert memory["bytes_per_request"] == pytest.approx(300, rel=0.01)
    assert memory["bytes_per_s"] is None
    # at the 20/s that were asked for on average, twice the 24.9 h of 40/s
    assert memory["hours_to_limit"] == pytest.approx(2 * 24.855, rel=0.02)


def test_memory_without_rates_grows_by_time_and_a_short_file_is_undecided(
    tmp_path: Path, capsys: Captured
) -> None:
    rows = [f"{second},{200_000_000 + 12_000 * second}" for second in range(1_200)]
    file = written(tmp_path, "rss.csv", "seconds,bytes", rows)
    assert main(["analyse", "memory", file]) == 0
    assert "Memory grows by 12,000 bytes a second" in " ".join(capsys.readouterr().out.split())
    short = written(tmp_path, "short.csv", "seconds,bytes", rows[:20])
    assert main(["analyse", "memory", short, "--json", "-"]) == 4
    memory = json.loads(capsys.readouterr().out)
    assert (memory["verdict"], memory["bytes_per_s"]) == ("insufficient", None)


@pytest.mark.parametrize(
    ("after", "options", "code", "verdict"),
    [
        ([111, 108, 113, 110, 109], [], 5, "worse"),
        ([111, 108, 113, 110, 109], ["--larger-is-better"], 0, "better"),
        ([102, 100, 101, 99, 103], [], 0, "same"),
        ([111, 108, 113, 110], [], 4, "unclear"),
        ([111, 108, 113, 110, 109], ["--allow", "20%"], 0, "same"),
    ],
)
def test_two_sets_of_runs_are_compared_by_the_rule(  # noqa: PLR0917
    tmp_path: Path, capsys: Captured, after: list[int], options: list[str], code: int, verdict: str
) -> None:
    # STATISTICS, "Two runs compared"
    before = written(tmp_path, "a.csv", "value", ["101", "99", "103", "100", "98"])
    other = written(tmp_path, "b.csv", "value", [str(value) for value in after])
    assert main(["analyse", "compare", before, other, *options, "--json", "-"]) == code
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == document["changes"][0]["verdict"] == verdict
    if len(after) == 5 and after[0] == 111:
        assert document["changes"][0]["ratio"] == pytest.approx(1.09983, abs=5e-6)
    assert (document["more_runs_needed"] > 0) == (verdict == "unclear")


@pytest.mark.parametrize(
    ("arguments", "content", "said"),
    [
        (["memory", "FILE"], "seconds,byts\n1,2\n", "FILE, line 1: no column 'byts'"),
        (["memory", "FILE"], "seconds\n1\n", "the column bytes is missing"),
        (["memory", "FILE"], "seconds,bytes\n1,x\n", "FILE, line 2: bytes is 'x'"),
        (["memory", "FILE"], "seconds,bytes\n1,nan\n", "FILE, line 2: bytes is 'nan'"),
        (["memory", "FILE"], "seconds,bytes\n1,1\n1,1\n", "time must rise"),
        (["memory", "FILE"], "seconds,bytes\n1,1,1\n", "FILE, line 2: 3 values"),
        (["memory", "FILE"], "seconds,bytes\n", "no rows"),
        (["memory", "FILE"], "", "is empty"),
        (["memory", "FILE", "FILE"], "seconds,bytes\n1,1\n", "one file too many"),
        (["compare", "FILE"], "value\n1\n", "compare needs two files"),
        (["compare", "FILE", "FILE"], "value\n0\n", "over 0"),
        (["scalability", "FILE"], "concurrency,throughput\n0,1\n", "FILE: "),
        (
            ["scalability", "FILE", "--limit", "5"],
            "concurrency,throughput\n1,1\n",
            "belongs to loadstone analyse memory",
        ),
        (["memory", "FILE", "--limit", "-5"], "seconds,bytes\n1,1\n", "is no limit"),
        (["memry", "FILE"], "", "did you mean memory?"),
    ],
)
def test_what_cannot_be_analysed_is_one_sentence(
    tmp_path: Path, capsys: Captured, arguments: list[str], content: str, said: str
) -> None:
    file = tmp_path / "f.csv"
    file.write_text(content)
    assert main(["analyse", *(str(file) if part == "FILE" else part for part in arguments)]) == 2
    error = capsys.readouterr().err
    assert said.replace("FILE", str(file)) in error
    assert len(error.strip().splitlines()) == 1


def test_cost_by_size_is_told_as_a_law(tmp_path: Path, capsys: Captured) -> None:
    rows = [f"{size},{30 + 0.1 * size**2}" for size in (1, 2, 4, 8, 16, 32, 64, 128, 256)]
    file = written(tmp_path, "rows.csv", "size,cost", rows)
    assert main(["analyse", "volume", file, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["law"], document["refused"]) == ("n^2", None)
    assert document["exponent"] == pytest.approx(2.0, abs=0.05)
    assert document["points"][0] == {"size": 1.0, "cost": 30.1}
    assert main(["analyse", "volume", file]) == 0
    assert "Cost grows as n^2: exponent 2.0" in capsys.readouterr().out
    few = written(tmp_path, "few.csv", "size,cost", rows[:5])
    assert main(["analyse", "volume", few]) == 4
    assert "No law is named: 5 different sizes cannot tell a law" in capsys.readouterr().out
    flat = written(tmp_path, "flat.csv", "size,cost", [row.split(",")[0] + ",3" for row in rows])
    assert main(["analyse", "volume", flat]) == 0
    assert "does not depend on the size" in capsys.readouterr().out
    assert main(["analyse", "volume", written(tmp_path, "x.csv", "size,cost", ["1,0"] * 9)]) == 2
    assert "over 0" in capsys.readouterr().err


def test_folders_of_runs_of_another_tool_are_compared(tmp_path: Path, capsys: Captured) -> None:
    """Five runs a side, STATISTICS' check values as medians: slower by a tenth, decided."""
    header = "timeStamp,elapsed,label,responseCode,success"
    for side, medians in (("a", (101, 99, 103, 100, 98)), ("b", (111, 108, 113, 110, 109))):
        (tmp_path / side).mkdir()
        for number, median in enumerate(medians):
            written(tmp_path / side, f"{number}.jtl", header, [f"1700000000000,{median},x,200,true"] * 9)
    before, after = str(tmp_path / "a"), str(tmp_path / "b")
    assert main(["analyse", "compare", before, after, "--json", "-"]) == 5
    document = json.loads(capsys.readouterr().out)
    assert document["changes"][0]["metric"] == "p50"
    assert document["changes"][0]["ratio"] == pytest.approx(1.09983, abs=1e-4)
    one = str(tmp_path / "a" / "0.jtl")
    assert main(["analyse", "compare", one, str(tmp_path / "b" / "0.jtl")]) == 4  # one run a side
    assert main(["analyse", "compare", one, written(tmp_path, "v.csv", "value", ["1"])]) == 2
    assert "give the same of both" in capsys.readouterr().err
    assert main(["analyse", "compare", before, after, "--larger-is-better"]) == 2
    assert main(["analyse", "requests", one]) == 0
    assert "read as one of JMeter" in capsys.readouterr().out


def test_a_bound_is_proven_or_says_how_many_requests_are_missing(tmp_path: Path, capsys: Captured) -> None:
    """MLPerf: p99 takes 459 requests without a miss."""
    rows = [f"{at / 100},{at / 100},{at / 100 + 0.01},200" for at in range(459)]
    whole = written(tmp_path, "whole.csv", "due_s,sent_s,done_s,status", rows)
    assert main(["analyse", "requests", whole, "--slo", "p99<=20ms", "--json", "-"]) == 0
    (proof,) = json.loads(capsys.readouterr().out)["proof"]
    assert (proof["proven"], proof["more_requests_needed"], proof["over"]) == (True, 0, 0)
    assert main(["analyse", "requests", whole, "--slo", "p99<=20ms"]) == 0
    assert "is proven at 99" in capsys.readouterr().out
    part = written(tmp_path, "part.csv", "due_s,sent_s,done_s,status", rows[:400])
    assert main(["analyse", "requests", part, "--slo", "p99<=20ms"]) == 0
    assert "59 more requests would prove" in capsys.readouterr().out
    assert main(["analyse", "requests", whole, "--slo", "p98<=20ms"]) == 2
    capsys.readouterr()


def test_times_that_still_rise_are_called_unsteady(tmp_path: Path, capsys: Captured) -> None:
    rows = [f"{at / 100},{at / 100},{at / 100 + 0.01 + at / 5_000},200" for at in range(600)]
    rising = written(tmp_path, "rising.csv", "due_s,sent_s,done_s,status", rows)
    assert main(["analyse", "requests", rising]) == 0
    assert "Not steady: the response times of step 1 still rose or fell" in capsys.readouterr().out
