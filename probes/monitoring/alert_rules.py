"""Alerting rules: what an alert looks at, told from the names of the metrics in its expression.

The names are those that the Prometheus documentation on naming asks for, and those of the usual exporters and
serving engines. Recording rules that keep such a word in their name count the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from probes.documents import line_of, mappings, member

Subject = Literal["latency", "errors", "saturation", "drift", "quality", "data_size"]
LONGEST_EXPRESSION = 20_000

_OWN = re.compile(r"(prometheus|scrape|alertmanager|promhttp|go|python|process_start|net_conntrack)_")
_LATENCY = re.compile(
    r"latency|duration|response_?time|request_?time|time_to_first_token|ttft|time_per_output_token|inter_token"
    r"|request\w*_(seconds|milliseconds|ms)(_|$)"
)
_ERRORS = re.compile(r"(^|[_:])(errors?|failures?|failed|exceptions?|5xx|4xx)([_:]|$)")
_SATURATION = re.compile(
    r"cpu_(usage|seconds|utili[sz]ation)|cpu_cfs_throttled|memory_(usage|working_set|rss|max|utili[sz]ation)"
    r"|resident_memory|node_(cpu|memory|load|filesystem_avail|pressure)|in_?flight|in_?progress|queue|waiting"
    r"|pending|backlog|throttl|saturation|cache_usage|gpu_util|utili[sz]ation|horizontalpodautoscaler"
    r"|hpa_|connections|threads|consumer_?group_lag|_lag($|_)"
)
_DRIFT = re.compile(
    r"drift(?![a-z])|population_stability|(^|[_:])psi([_:]|$)|(feature|data|training_serving)_?skew"
)
_QUALITY = re.compile(
    r"accuracy|(^|[_:])(auc|ndcg|ctr|rmse|mape|f1|recall)([_:]|$)|precision_at|recall_at|click_?through"
    r"|conversion_ra|prediction_error|model_(quality|performance|score)"
)
_DATA_SIZE = re.compile(
    r"(database|table|index|collection|partition|bucket|topic|log|dataset|volume_stats|warehouse|relation)\w*"
    r"_(size|bytes|rows)|(database|table|topic|dataset|bucket)_size|bucketsizebytes|table_rows|kafka_log_log_size"
)
_STATUS_LABEL = re.compile(r"(.*_)?(code|status|status_code|outcome|result|success)")
_PATTERNS: tuple[tuple[Subject, re.Pattern[str]], ...] = (
    ("latency", _LATENCY),
    ("errors", _ERRORS),
    ("saturation", _SATURATION),
    ("drift", _DRIFT),
    ("quality", _QUALITY),
    ("data_size", _DATA_SIZE),
)
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(?P<comment>\#[^\n]*)|(?P<number>\d[\w.]*(?:[-+]\d+)?)"""
    r"""|(?P<name>[A-Za-z_:][\w:]*)|(?P<sign>=~|!~|!=|==|>=|<=|[^\s])"""
)
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = _GROUPING | {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "start", "end"}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule: its name, its expression, where it stands, and what it looks at."""

    name: str
    expression: str
    file: str
    line: int | None
    subjects: frozenset[Subject]
    threshold_ms: float | None = None


def is_rule_file(document: object) -> bool:
    """Whether a document has rule groups, as a file of rules or as Kubernetes' PrometheusRule."""
    groups = mappings(_groups(document))
    return any(isinstance(group.get("rules"), list) for group in groups)


def _groups(document: object) -> Any:
    if member(document, "kind") == "PrometheusRule":
        return member(document, "spec", "groups")
    return member(document, "groups")


def alerts_in(document: object, file: str) -> list[Alert]:
    """The alerting rules of a document of rules, or of the answer of `/api/v1/rules`."""
    return [
        alert
        for group in mappings(_groups(document))
        for rule in mappings(group.get("rules"))
        if (alert := _alert(rule, file)) is not None
    ]


def subjects_of(expression: str) -> frozenset[Subject]:
    """What an expression looks at, by the names of its metrics and its label matchers."""
    return _subjects(*_parsed(expression[:LONGEST_EXPRESSION])[:2])


def _subjects(names: list[str], matchers: list[tuple[str, str, str]]) -> frozenset[Subject]:
    own = [one.lower() for one in names if not _OWN.match(one)]
    subjects: set[Subject] = {
        subject for subject, pattern in _PATTERNS if any(pattern.search(one) for one in own)
    }
    if any(_of_status(*matcher) for matcher in matchers):
        subjects.add("errors")
    return frozenset(subjects)


def _alert(rule: Mapping[str, Any], file: str) -> Alert | None:
    of_api = rule.get("type") == "alerting"
    name = rule.get("name") if of_api else rule.get("alert")
    expression = rule.get("query") if of_api else rule.get("expr")
    if name is None or expression is None:
        return None
    text = str(expression)[:LONGEST_EXPRESSION]
    names, matchers, threshold = _parsed(text)
    subjects = _subjects(names, matchers)
    own = [one.lower() for one in names if not _OWN.match(one)]
    threshold_ms = None
    if "latency" in subjects and threshold is not None:
        units = {_milliseconds_each(one) for one in own if _LATENCY.search(one)} - {None}
        if len(units) == 1:
            threshold_ms = threshold * (units.pop() or 1.0)
    return Alert(str(name)[:200], text, file, line_of(rule), subjects, threshold_ms)


def _of_status(label: str, sign: str, value: str) -> bool:
    """Whether a label matcher picks failures, or leaves out successes."""
    if not _STATUS_LABEL.fullmatch(label):
        return False
    if sign in ("=", "=~"):
        return bool(re.search(r"[45](\d\d|\.\.|xx|\.\*)|error|fail|false", value, re.IGNORECASE))
    return bool(re.search(r"[23](\d\d|\.\.|xx|\.\*)|ok|success|true", value, re.IGNORECASE))


def _milliseconds_each(name: str) -> float | None:
    if re.search(r"_(milliseconds|millis|ms)(_|:|$)", name):
        return 1.0
    return 1000.0 if re.search(r"_(seconds|s)(_|:|$)", name) else None


def _parsed(text: str) -> tuple[list[str], list[tuple[str, str, str]], float | None]:
    """The metrics of an expression, its label matchers, and the number that it must exceed at its end."""
    tokens = [
        (str(match.lastgroup), match[0]) for match in _TOKEN.finditer(text) if match.lastgroup != "comment"
    ]
    names: list[str] = []
    matchers: list[tuple[str, str, str]] = []
    inside, skip_to = 0, -1
    for at, (kind, token) in enumerate(tokens):
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if token == "{":
            inside += 1
        elif token == "}":
            inside -= 1
        elif kind == "name" and inside > 0:
            if at + 2 < len(tokens) and tokens[at + 2][0] == "string":
                matchers.append((token, after, tokens[at + 2][1][1:-1]))
        elif kind == "name" and token.lower() in _GROUPING and after == "(":
            skip_to = next((end for end in range(at, len(tokens)) if tokens[end][1] == ")"), len(tokens))
        elif kind == "name" and at > skip_to and after != "(" and token.lower() not in _WORDS:
            names.append(token)
    names += [value for label, _, value in matchers if label == "__name__"]
    return names, matchers, _threshold(tokens)


def _threshold(tokens: Iterable[tuple[str, str]]) -> float | None:
    rest = [token for _, token in tokens]
    while rest and rest[-1] == ")":
        rest.pop()
    if len(rest) < 3 or rest[-2] not in (">", ">="):
        return None
    try:
        return float(rest[-1])
    except ValueError:
        return None
