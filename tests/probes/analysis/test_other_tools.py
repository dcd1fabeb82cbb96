"""Result files of k6, JMeter, vegeta and Locust: known by their headers, read for what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from probes.analysis.requests import OUTCOMES, Requests, analyse_requests, read_requests, runs_of
from probes.errors import UsageError

K6 = (
    "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,"
    "scenario,service,status,subproto,tls_version,url,extra_tags,metadata\n"
)
"""As `k6 run --out csv` writes it."""
JMETER = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,"
    "sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n"
)


def k6(metric: str, at: str, value: object, status: str, code: str = "", expected: str = "true") -> str:  # noqa: PLR0917 - columns of the file
    return (
        f"{metric},{at},{value},,,{code},{expected},,GET,http://x,HTTP/1.1,default,,{status},,,http://x,,\n"
    )


def jmeter(at: int, took: int, code: str, good: str) -> str:
    return f"{at},{took},home,{code},OK,t 1-1,text,{good},,100,50,1,1,http://x,{took},0,1\n"


def read(tmp_path: Path, text: str) -> Requests:
    (tmp_path / "results.csv").write_text(text)
    return read_requests(tmp_path / "results.csv")


def outcomes(found: Requests) -> list[str]:
    return [OUTCOMES[code] for code in found.outcome.tolist()]


def test_of_k6_the_durations_of_requests_count_and_nothing_else(tmp_path: Path) -> None:
    text = K6 + "".join(
        [
            k6("http_reqs", "1595325560", 1, "200"),
            k6("http_req_duration", "1595325560", 221.899, "200"),
            k6("http_req_waiting", "1595325560", 220.28, "200"),
            k6("http_req_duration", "1595325561", 20.5, "503", "1503", "false"),
            k6("http_req_duration", "1595325562", 0, "0", "1212", "false"),
            k6("http_req_duration", "1595325563", 0, "0", "1220", "false"),
            k6("http_req_duration", "1595325564", 0, "0", "1310", "false"),
            k6("http_req_duration", "1595325565", 60_000, "0", "1050", "false"),
            k6("http_req_duration", "1595325566", 4, "404", "", "true"),
        ]
    )
    found = read(tmp_path, text)
    assert outcomes(found) == ["ok", "throttled", "connect", "reset", "tls", "timeout", "ok"]
    assert ((found.done_s - found.sent_s) * 1e3)[:2] == pytest.approx([221.899, 20.5])
    assert found.done_s[5] != found.done_s[5]  # never answered
    assert found.due_s is None
    assert found.sent_s.min() == 0.0


@pytest.mark.parametrize(
    "moments",
    [
        ("1595325560", "1595325562"),
        ("1595325560000", "1595325562000"),
        ("1595325560000000", "1595325562000000"),
        ("1595325560000000000", "1595325562000000000"),
        ("2020-07-21T09:59:20Z", "2020-07-21T09:59:22Z"),
    ],
)
def test_every_way_in_which_k6_writes_time(moments: tuple[str, str], tmp_path: Path) -> None:
    found = read(tmp_path, K6 + "".join(k6("http_req_duration", at, 10, "200") for at in moments))
    assert (found.sent_s[1] - found.sent_s[0]) == pytest.approx(2.0)


def test_what_k6_dropped_is_told(tmp_path: Path) -> None:
    text = (
        K6 + k6("http_req_duration", "1595325560", 1, "200") + k6("dropped_iterations", "1595325560", 7, "")
    )
    (tmp_path / "k6.csv").write_text(text)
    step, notes = analyse_requests(tmp_path / "k6.csv")
    assert "read as one of k6" in notes[0]
    assert any("k6 dropped 7 iterations" in note for note in notes)
    assert any("coordinated omission" in note for note in notes)
    assert "response_ms" not in step


def test_of_jmeter_the_stamp_is_the_beginning(tmp_path: Path) -> None:
    text = JMETER + "".join(
        [
            jmeter(1_700_000_000_000, 100, "200", "true"),
            jmeter(1_700_000_000_500, 30, "200", "false"),
            jmeter(1_700_000_001_000, 30, "404", "false"),
            jmeter(1_700_000_002_000, 9, "Non HTTP response code: java.net.SocketTimeoutException", "false"),
            jmeter(
                1_700_000_003_000, 9, "Non HTTP response code: org.apache.http.conn.HttpHostConnectException",
                "false",
            ),
        ]
    )  # fmt: skip
    found = read(tmp_path, text)
    assert outcomes(found) == ["ok", "assertion", "status_4xx", "timeout", "connect"]
    assert found.sent_s.tolist() == [0.0, 0.5, 1.0, 2.0, 3.0]
    assert found.done_s[0] == pytest.approx(0.1)


def test_of_vegeta_the_first_line_is_a_request(tmp_path: Path) -> None:
    row = "{},{},{},0,27,{},,,{},GET,http://x,\n"
    text = "".join(
        [
            row.format(1_700_000_000_000_000_000, 200, 1_500_000, "", 0),
            row.format(1_700_000_000_010_000_000, 500, 2_500_000, "500 Internal Server Error", 1),
            row.format(1_700_000_000_020_000_000, 0, 30_000_000_000, "context deadline exceeded", 2),
            row.format(1_700_000_000_030_000_000, 0, 100, "dial tcp 127.0.0.1:1: connection refused", 3),
            row.format(1_700_000_000_040_000_000, 0, 100, "read: connection reset by peer", 4),
        ]
    )
    found = read(tmp_path, text)
    assert outcomes(found) == ["ok", "status_5xx", "timeout", "connect", "reset"]
    assert found.sent_s.tolist() == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04], abs=1e-12)
    assert (found.done_s - found.sent_s)[:2].tolist() == pytest.approx([0.0015, 0.0025], abs=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Type,Name,Request Count,Failure Count\nGET,/,1,0\n", "line 1: this is a summary of Locust"),
        ("Timestamp,User Count,Type,Name,Requests/s\n1,1,GET,/,1\n", "line 1: this is a summary of Locust"),
        (K6, "is of k6 and holds no HTTP request"),
        (K6 + "http_req_duration,1595325560\n", "line 2: 2 values are too few for k6"),
        (K6 + k6("http_req_duration", "soon", 1, "200"), "line 2: 'soon' is no time since 1970"),
        (K6 + k6("http_req_duration", "1595325560", "nan", "200"), "'nan' in metric_value is no number"),
        (K6 + k6("http_req_duration", "1595325560", 1, "2OO", expected="false"), "'2OO' is not a status"),
        (JMETER + jmeter(1_700_000_000_000, -1, "200", "true"), "'-1' in elapsed is no number"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"results\.csv") as refused:
        read(tmp_path, text)
    assert said in str(refused.value)


def test_a_folder_is_the_runs_of_one_side(tmp_path: Path) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    with pytest.raises(UsageError, match="empty folder"):
        runs_of(folder)
    for name, took in (("b.csv", 20), ("a.csv", 10)):
        rows = "".join(k6("http_req_duration", "1595325560", took, "200") for _ in range(50))
        (folder / name).write_text(K6 + rows)
    assert runs_of(folder) == pytest.approx([10.0, 20.0], rel=1e-6)
    assert runs_of(folder / "b.csv") == pytest.approx([20.0], rel=1e-6)
    (tmp_path / "values.csv").write_text("value\n1\n")
    assert runs_of(tmp_path / "values.csv") is None
    (folder / "c.csv").write_text(K6 + k6("http_req_duration", "1595325560", 1, "500", expected="false"))
    with pytest.raises(UsageError, match="no run with good answers"):
        runs_of(folder)
