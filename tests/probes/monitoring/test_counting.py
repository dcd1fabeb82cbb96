"""Requests counted over requests sent: exact where it can be known, and unknown otherwise."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.monitoring.counting import RawSeries, Selection, count_ratio, counted_in_range, select_requests
from probes.monitoring.exposition import Exposition, read_exposition, scrape
from probes.monitoring.fetch import resolve

START = 1_800_000_000.0


def exposed(series: dict[str, float], start: float | None = 100.0, at: float | None = None) -> Exposition:
    """An exposition of `http_requests_total{path, status}`; keys are "path status"."""
    lines = ["# TYPE http_requests_total counter"]
    for key, value in series.items():
        path, status = key.split()
        lines.append(f'http_requests_total{{path="{path}",status="{status}"}} {value}')
    if start is not None:
        lines += ["# TYPE process_start_time_seconds gauge", f"process_start_time_seconds {start}"]
    return read_exposition(("\n".join(lines) + "\n").encode(), "f", at=at)


class TestTwoExpositions:
    def test_all_label_sets_of_the_path_count_and_no_other_path(self) -> None:
        before = exposed({"/a 200": 10, "/a 500": 1, "/b 200": 7, "/metrics 200": 3})
        after = exposed({"/a 200": 400, "/a 500": 11, "/b 200": 900, "/metrics 200": 4})
        check = count_ratio(before, after, 400, path="/a")
        assert (check.counted, check.ratio, check.restarted) == (400, 1.0, False)
        assert check.counter == 'http_requests_total{path="/a"}'

    def test_what_was_not_there_before_is_unknown(self) -> None:
        check = count_ratio(exposed({"/b 200": 5}), exposed({"/a 200": 400, "/b 200": 5}), 400, path="/a")
        assert check.ratio is None
        assert check.because is not None
        assert "had no value before" in check.because
        assert check.facts() == []

    def test_a_new_status_of_a_process_that_was_there_counts_from_zero(self) -> None:
        before, after = exposed({"/a 200": 5}), exposed({"/a 200": 395, "/a 500": 10})
        assert count_ratio(before, after, 400, path="/a").ratio == 1.0

    def test_a_new_status_of_an_unknown_process_is_unknown(self) -> None:
        before, after = exposed({"/a 200": 5}, None), exposed({"/a 200": 395, "/a 500": 10}, None)
        assert count_ratio(before, after, 400, path="/a").ratio is None

    def test_a_decrease_is_a_restart_counted_from_zero(self) -> None:
        check = count_ratio(exposed({"/a 200": 500}, None), exposed({"/a 200": 120}, None), 400, path="/a")
        assert (check.counted, check.ratio, check.restarted) == (120, 0.3, True)

    def test_a_restart_without_a_decrease_is_told_by_the_start_time(self) -> None:
        before, after = exposed({"/a 200": 10}, 100, at=200), exposed({"/a 200": 150}, 210, at=220)
        check = count_ratio(before, after, 400, path="/a")
        assert (check.counted, check.restarted) == (150, True)

    def test_two_workers_that_count_apart_are_told_by_their_start_times(self) -> None:
        before, after = exposed({"/a 200": 10}, 100, at=200), exposed({"/a 200": 200}, 101, at=220)
        check = count_ratio(before, after, 400, path="/a")
        assert check.ratio is None
        assert check.because is not None
        assert "several processes" in check.because

    @pytest.mark.parametrize("sent", [0, -1])
    def test_nothing_sent(self, sent: int) -> None:
        assert count_ratio(exposed({"/a 200": 1}), exposed({"/a 200": 1}), sent, path="/a").ratio is None

    def test_a_path_that_nothing_counts(self) -> None:
        assert count_ratio(exposed({"/a 200": 1}), exposed({"/a 200": 9}), 8, path="/c").ratio is None

    @given(
        st.lists(st.integers(0, 10**9), min_size=1, max_size=5),
        st.lists(st.integers(0, 10**6), min_size=5, max_size=5),
    )
    def test_without_a_restart_the_count_is_the_sum_of_the_steps(
        self, old: list[int], steps: list[int]
    ) -> None:
        before = {f"/a {200 + at}": float(value) for at, value in enumerate(old)}
        after = {f"/a {200 + at}": float(value + steps[at]) for at, value in enumerate(old)}
        check = count_ratio(exposed(before), exposed(after), 100, path="/a")
        assert check.counted == sum(steps[: len(old)])

    def test_the_fact_says_what_it_rests_on(self) -> None:
        check = count_ratio(exposed({"/a 200": 0}), exposed({"/a 200": 197}), 397, path="/a")
        ratio, restarted = check.facts("http://127.0.0.1:8000/metrics")
        assert (ratio.name, ratio.value, ratio.samples) == (
            "monitoring.prometheus.count_ratio",
            197 / 397,
            397,
        )
        assert ratio.state == "measured"
        assert restarted.value is False


class TestSelection:
    def test_a_route_s_pattern_stands_for_its_paths(self) -> None:
        exposition = exposed({"/users/{id} 200": 1, "/users 200": 1})
        assert select_requests(exposition, "/users/17?x=1") == Selection(
            "http_requests_total", {"path": "/users/{id}"}
        )
        assert select_requests(exposition, "/users") == Selection("http_requests_total", {"path": "/users"})
        assert select_requests(exposition, "/users/17/a") is None

    def test_a_grpc_method_is_found_by_its_labels_and_none_stands_for_a_path(self) -> None:
        """As py-grpc-prometheus counts in MLServer, where the first path has no series yet."""
        labels = 'grpc_code="OK",grpc_method="%s",grpc_service="inference.GRPCInferenceService"'
        text = "# TYPE rest_server_requests_total counter\n# TYPE grpc_server_handled_total counter\n"
        text += "".join(
            f"grpc_server_handled_total{{{labels % name}}} {n}\n"
            for name, n in (("ModelInfer", 7), ("ModelMetadata", 1))
        )
        exposition = read_exposition(text.encode(), "f")
        found = select_requests(exposition, "/inference.GRPCInferenceService/ModelInfer")
        assert found is not None
        assert list(found.of(exposition.samples).values()) == [7]
        assert select_requests(exposition, "/other.Service/ModelInfer") is None
        assert select_requests(exposition, "/v2/models/iris/infer") is None

    def test_without_a_counter_the_histogram_counts(self) -> None:
        text = '# TYPE request_latency_seconds histogram\nrequest_latency_seconds_bucket{le="+Inf"} 3\n'
        text += "request_latency_seconds_count 3\nrequest_latency_seconds_sum 1\n"
        assert select_requests(read_exposition(text.encode(), "f"), "/a") == Selection(
            "request_latency_seconds_count", {}
        )

    def test_nothing_that_counts(self) -> None:
        assert select_requests(read_exposition(b"# TYPE a gauge\na 1\n", "f")) is None

    def test_label_values_are_quoted(self) -> None:
        assert str(Selection("n", {"path": 'a"b\\c\nd'})) == 'n{path="a\\"b\\\\c\\nd"}'


def series(values: list[float | None], every: float = 1.0, since: float = -2.0, **labels: str) -> RawSeries:
    """Samples from `since` seconds after START on; None where a scrape brought nothing."""
    samples = [(START + since + at * every, value) for at, value in enumerate(values) if value is not None]
    return RawSeries({"job": "j", "instance": "i", **labels}, samples)


class TestRawSamples:
    def test_steps_are_counted_from_the_last_sample_before(self) -> None:
        check = counted_in_range([series([3, 5, 5, 105, 205, 305, 405, 405])], START, START + 5, 400, 1.0)
        assert (check.counted, check.ratio, check.restarted) == (400, 1.0, False)

    def test_a_restart_is_counted_from_zero_and_flagged(self) -> None:
        check = counted_in_range([series([0, 0, 0, 100, 200, 30, 130, 130])], START, START + 5, 400, 1.0)
        assert (check.counted, check.restarted) == (330, True)

    def test_no_sample_before_the_window_is_unknown(self) -> None:
        check = counted_in_range(
            [series([100, 200, 300, 400, 400, 400], since=1)], START, START + 5, 400, 1.0
        )
        assert check.ratio is None

    def test_a_new_status_of_a_target_that_was_scraped_before_counts_from_zero(self) -> None:
        known = series([0, 0, 0, 100, 200, 300, 390, 390], status="200")
        born = series([10, 10], since=4, status="500")
        assert counted_in_range([known, born], START, START + 5, 400, 1.0).counted == 400
        elsewhere = series([10, 10], since=4, instance="other")
        assert counted_in_range([known, elsewhere], START, START + 5, 400, 1.0).ratio is None

    def test_replicas_add_up(self) -> None:
        two = [series([0, 0, 0, 50, 100, 150, 200, 200], instance=name) for name in "ab"]
        assert counted_in_range(two, START, START + 5, 400, 1.0).ratio == 1.0

    def test_fewer_than_four_intervals_are_too_few(self) -> None:
        check = counted_in_range([series([0, 0, 0, 400, 400, 400])], START, START + 3.9, 400, 1.0)
        assert check.because is not None
        assert "load for 4 s at least" in check.because

    def test_scrapes_that_failed_are_too_few(self) -> None:
        check = counted_in_range([series([0, 0, 0, None, None, None, None, 400])], START, START + 5, 400, 1.0)
        assert check.ratio is None

    def test_a_server_that_has_not_scraped_since_is_unknown(self) -> None:
        check = counted_in_range([series([0, 0, 0, 100, 200, 300, 400])], START, START + 5, 400, 1.0)
        assert check.because is not None
        assert "since the last request" in check.because

    def test_nothing_at_all(self) -> None:
        assert counted_in_range([], START, START + 5, 400, 1.0).ratio is None


def test_the_demo_service_counts_every_request(start_server: Callable[..., Any]) -> None:
    server = start_server("resources/demo/recommender.py", "--port", 0, "--items", 1_000)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)

    def send(query: str) -> None:
        connection.request("GET", f"/recommend?{query}")
        connection.getresponse().read()

    where = resolve(f"{server.url}/metrics")
    send("user=1")
    before = scrape(where)
    for at in range(150):
        send(f"user={at}")
    for _ in range(7):
        send("user=nobody")  # status 400: a series that is born meanwhile
    after = scrape(where)
    connection.close()
    check = count_ratio(before, after, 157, path="/recommend?user=1")
    assert (check.counted, check.ratio, check.restarted, check.because) == (157, 1.0, False, None)
