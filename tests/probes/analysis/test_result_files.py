"""The same requests in every form in which tools write them: the statistics are the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from probes.analysis.percentiles import latency_summary
from probes.analysis.requests import analyse_requests, runs_of
from probes.errors import UsageError

N = 400
BEGAN = 1_700_000_000
GENERATOR = np.random.default_rng(5)
SENT_MS = np.arange(N) * 10
TOOK_MS = GENERATOR.integers(1, 400, N)
STATUS = np.where(np.arange(N) % 50 == 7, 503, 200)
Write = Callable[[], str]


def moment(ms: int) -> str:
    """As Go writes RFC 3339: without zeros at the end of the fraction."""
    text = datetime.fromtimestamp(BEGAN + ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{ms % 1000:03d}".rstrip("0")
    return f"{text}{f'.{fraction}' if fraction else ''}Z"


def rows() -> list[tuple[int, int, int]]:
    return list(zip(SENT_MS.tolist(), TOOK_MS.tolist(), STATUS.tolist(), strict=True))


def plain() -> str:
    lines = [f"{sent / 1e3},{(sent + took) / 1e3},{status}" for sent, took, status in rows()]
    return "\n".join(["sent_s,done_s,status", *lines])


def vegeta_csv() -> str:
    return "\n".join(
        f"{BEGAN * 10**9 + sent * 10**6},{status},{took * 10**6},10,20,,Ym9keQ==,,{number},GET,http://x,"
        for number, (sent, took, status) in enumerate(rows())
    )


def vegeta_json() -> str:
    return "\n".join(
        json.dumps(
            {"attack": "", "seq": number, "code": status, "timestamp": moment(sent), "latency": took * 10**6}
            | {"bytes_out": 0, "bytes_in": 2, "error": "", "body": None, "method": "GET", "url": "http://x"}
        )
        for number, (sent, took, status) in enumerate(rows())
    )


def k6_json() -> str:
    head = {"type": "Metric", "data": {"name": "http_req_duration", "type": "trend"}}
    lines = [json.dumps(head | {"metric": "http_req_duration"})]
    for sent, took, status in rows():
        tags = {"status": str(status), "expected_response": "true" if status == 200 else "false"}
        for metric, value in (("http_reqs", 1), ("http_req_duration", took), ("http_req_waiting", took / 2)):
            data = {"time": moment(sent + took), "value": value, "tags": tags}
            lines.append(json.dumps({"metric": metric, "type": "Point", "data": data}))
    return "\n".join(lines)


def jmeter_xml() -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<testResults version="1.2">']
    for sent, took, status in rows():
        good = "true" if status == 200 else "false"
        lines.append(
            f'<httpSample t="{took}" lt="1" ts="{BEGAN * 1000 + sent}" s="{good}" lb="a &amp; b" '
            f'rc="{status}">'
            f'<httpSample t="1" ts="{BEGAN * 1000 + sent}" s="true" rc="302"/><url>http://x</url></httpSample>'
        )
    return "\n".join([*lines, "</testResults>"])


def hey() -> str:
    head = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset"
    lines = [f"{took / 1e3:.4f},0,0,0,0,0,{status},{sent / 1e3:.4f}" for sent, took, status in rows()]
    return "\n".join([head, *lines])


@pytest.mark.parametrize("write", [plain, vegeta_csv, vegeta_json, k6_json, jmeter_xml, hey])
def test_the_form_changes_nothing(write: Write, tmp_path: Path) -> None:
    (tmp_path / "results").write_text(write())
    step, notes = analyse_requests(tmp_path / "results")
    good = TOOK_MS[STATUS == 200]
    assert step["service_ms"] == latency_summary((good * 1_000_000).astype(np.int64))
    assert (step["sent"], step["ok"], step["errors"]["throttled"]) == (N, len(good), N - len(good))
    assert step["seconds"] == pytest.approx(float((SENT_MS + TOOK_MS).max() - SENT_MS.min()) / 1e3)
    assert "response_ms" not in step
    if write is not plain:
        assert "was read as one of" in notes[0]
        assert runs_of(tmp_path / "results") == [step["service_ms"]["p50"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"metric": "x", "type": "Point"}\n{"metric": ', "line 2: this is no JSON object"),
        ('{"metrics": {}, "root_group": {}}', "line 1: this is a summary of k6"),
        ('{"latencies": {}, "requests": 9}', "line 1: this is a report of vegeta"),
        ('{"hello": 1}', "neither of k6 (--out json) nor of vegeta"),
        ('{"code": 200, "latency": 1, "timestamp": "noon"}', "'noon' is no time of vegeta's"),
        ("<html></html>", "line 1: the XML begins with <html>"),
        ('<testResults>\n<httpSample t="1" ts="1700000000000" rc="200" s="true"/>\n', "no whole XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>\n<testResults/>', "document type is not read"),
        ("<testResults/>", "holds no HTTP request"),
        ("       Value   Percentile   TotalCount 1/(1-Percentile)\n", "a table of percentiles"),
    ],
)
def test_what_holds_no_requests_is_one_sentence_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "results").write_text(text)
    with pytest.raises(UsageError) as refused:
        analyse_requests(tmp_path / "results")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_binary_results_are_told_how_to_become_text(tmp_path: Path) -> None:
    (tmp_path / "results.gz").write_bytes(b"\x1f\x8b\x08 and so on")
    with pytest.raises(UsageError, match="compressed: unpack it first"):
        analyse_requests(tmp_path / "results.gz")
    (tmp_path / "results.bin").write_bytes(b"\x7f\xff\x81\x03\x01\x01\x06Result")
    with pytest.raises(UsageError, match="vegeta encode --to csv"):
        analyse_requests(tmp_path / "results.bin")
