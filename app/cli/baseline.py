"""A run, or several, held against earlier ones: `probe --baseline`, by the rule of two sets of runs.

What is compared is one figure a run (`probes.analysis.regression`). Which figures depends on the load: of a
search the capacity, of callers the throughput, of a given rate neither, because it is given; the median and
the percentiles of the SLO, except of a search, where they belong to other rates; and the CPU a request.
A run that is not graded valid says nothing certain about the target and is left out on the side of the new
ones; on the side of the old ones it is refused before anything is sent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import outcome
from app.cli.figures import interval, known, share
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.layout import Line
    from probes.load.spec import LoadSpec

Document = Mapping[str, Any]

LARGER_IS_BETTER = ("capacity", "throughput")
SCHEMA = "loadstone.probe/1"
_SAME_LOAD = (
    *("mode", "slo", "segments", "sweep", "arrivals"),
    *("timeout_s", "connections", "precision", "max_rate"),
)
_LARGEST_FILE = 100_000_000


@dataclass(frozen=True)
class Baseline:
    """The runs that came before, each an entry as `entry_of` makes it; `allow` is the least that matters.

    `left_out` are those that were measured in turn and do not count, because they are not graded valid.
    """

    entries: tuple[Document, ...]
    allow: float | None = None
    left_out: tuple[Document, ...] = ()

    def joined_by(self, entry: Document) -> Baseline:
        """With one more run, which counts if it is graded valid."""
        if entry.get("grade") == "valid":
            return replace(self, entries=(*self.entries, entry))
        return replace(self, left_out=(*self.left_out, entry))


def figures_of(result: Document) -> dict[str, float]:
    """The figures of a run that runs are compared by, those over 0 that were measured."""
    from probes.slo import parse_slo

    load = result.get("load") or {}
    names = []
    if outcome.finds_capacity(result):
        if (result.get("capacity") or {}).get("bound") in ("bracketed", "provisional"):
            names.append("capacity")
    else:
        step = outcome.decisive_step(result) or {}
        if step.get("mode") == "closed":
            names.append("throughput")
        names.append("p50")
        try:
            names += [bound.name for bound in parse_slo(str(load.get("slo"))).bounds if bound.name != "p50"]
        except UsageError:  # a run stored without one
            names.append("p99")
    names.append("cpu_ms_per_request")
    found = {name: outcome.measure(result, name) for name in names}
    return {name: value for name, value in found.items() if value is not None and value > 0}


def entry_of(result: Document) -> dict[str, Any]:
    """What is kept of a run to compare it: its id, grade with its reason, status and figures."""
    run = result.get("run") or {}
    entry = {"run": run.get("id"), "status": run.get("status"), "grade": run.get("grade")}
    if run.get("grade") != "valid" and run.get("grade_reason"):
        entry["grade_reason"] = run["grade_reason"]
    return entry | {"metrics": figures_of(result)}


def entries_of(result: Document) -> list[Document]:
    """The runs that a document tells of: those it was repeated with, itself among them."""
    repeats = result.get("repeats")
    if isinstance(repeats, list) and all(isinstance(entry, Mapping) for entry in repeats) and repeats:
        return repeats
    return [entry_of(result)]


def read_baseline(
    words: Sequence[str], store_url: str | None, load: Document, allow: float | None
) -> Baseline:
    """The runs that `words` name: files that `--json` wrote, or ids of stored runs; each run once.

    Raises `UsageError` for a word that is neither, for a run under another load than `load` (as
    `LoadSpec.to_json`), and for one that is not graded valid.
    """
    entries: dict[str, Document] = {}
    for word in words:
        result = _read(word, store_url)
        other = result.get("load") or {}
        apart = [key for key in _SAME_LOAD if other.get(key) != _plain(load).get(key)]
        if apart:
            raise UsageError(
                f"--baseline {word} was measured under another load ({', '.join(apart)}): "
                "runs are compared only under the same"
            )
        for entry in entries_of(result):
            if entry.get("grade") != "valid" or entry.get("status") != "completed":
                said = entry.get("grade") if entry.get("status") == "completed" else entry.get("status")
                raise UsageError(
                    f"run {entry.get('run')} of --baseline {word} is {str(said).replace('_', ' ')} and says "
                    "nothing certain about the target: leave it out, or measure it again"
                )
            entries.setdefault(str(entry.get("run")), entry)
    return Baseline(tuple(entries.values()), allow)


def live_address(words: Sequence[str]) -> str | None:
    """The address among the words of `--baseline`: a target that is measured in turn; None where none is.

    Raises `UsageError` for an address beside anything else.
    """
    from probes.targets.kinds import scheme_of

    found = [word for word in words if scheme_of(word) and not Path(word).exists()]
    if found and len(words) > 1:
        raise UsageError(
            f"--baseline {found[0]} is a target to measure in turn: give it alone, without runs or files"
        )
    return found[0] if found else None


def refuse_too_short(spec: LoadSpec) -> None:
    """Raises `UsageError` where no run could count because a step has too few requests for the SLO."""
    from probes.analysis.percentiles import smallest_sample
    from probes.load.spec import OpenSegment

    if not spec.slo.bounds:
        return
    strictest = max(spec.slo.bounds, key=lambda bound: bound.quantile)
    wanted = smallest_sample(strictest.quantile)
    for segment in spec.segments:
        if not isinstance(segment, OpenSegment):
            continue
        rate = (segment.rate_from + segment.rate_to) / 2
        due = rate * segment.seconds
        if due < wanted:
            enough = wanted + 3 * math.sqrt(wanted)  # chance may leave some out
            raise UsageError(
                f"{rate:g}/s for {segment.seconds:g} s is {due:,.0f} requests, and a run says nothing about "
                f"{strictest.name} with fewer than {wanted}, so none would be compared: give each run "
                f"{math.ceil(enough / rate)} s, or an SLO on a lower percentile"
            )


def _plain(load: Document) -> Document:
    """The load as it is read back from JSON."""
    import json

    return dict(json.loads(json.dumps(load)))


def _read(word: str, store_url: str | None) -> Document:
    path = Path(word)
    if not path.exists():
        from assessments.store import open_store

        if path.suffix or "/" in word:
            raise UsageError(f"--baseline {word} is not there: name a file of probe --json, or a stored run")
        with open_store(store_url) as store:
            return store.run(word).result
    from probes.documents import DocumentError, read_file, read_json

    document = read_json(read_file(path, max_bytes=_LARGEST_FILE), word)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise DocumentError(word, None, "this is no result of loadstone probe --json: name one")
    return document


def compare(baseline: Baseline, entries: Iterable[Document]) -> dict[str, Any]:
    """CONTRACT's `baseline` object for the new runs."""
    from probes.analysis.regression import compare_metrics, fewest_runs, overall_verdict

    entries = list(entries)
    usable = [entry for entry in entries if entry.get("grade") == "valid"]
    left_out = [entry for entry in entries if entry.get("grade") != "valid"]
    before, after = _by_metric(baseline.entries), _by_metric(usable)
    shared = [name for name in before if name in after]
    found = compare_metrics({name: before[name] for name in shared}, after, baseline.allow, LARGER_IS_BETTER)
    needed = max((comparison.more_runs_needed for comparison in found), default=0)
    if not found:
        needed = max((fewest_runs(name) for name in before), default=fewest_runs("p50"))
    document: dict[str, Any] = {
        "runs": [entry.get("run") for entry in baseline.entries],
        "verdict": overall_verdict(found),
        "more_runs_needed": needed,
        "changes": [comparison.to_json() for comparison in found],
        "compared": len(usable),
    }
    if baseline.allow is not None:
        document["allow"] = baseline.allow
    if left_out or baseline.left_out:
        document["left_out"] = [
            {"side": side, **{key: entry[key] for key in ("run", "grade", "grade_reason") if key in entry}}
            for side, those in (("before", baseline.left_out), ("now", left_out))
            for entry in those
        ]
    return document


def _by_metric(entries: Iterable[Document]) -> dict[str, list[float]]:
    """The figures by name; those that only some of the runs have are left out."""
    found: dict[str, list[float]] = {}
    runs = 0
    for entry in entries:
        runs += 1
        for name, value in (entry.get("metrics") or {}).items():
            number = known(value)
            if number is not None and number > 0:
                found.setdefault(name, []).append(number)
    return {name: values for name, values in found.items() if len(values) == runs}


def baseline_lines(result: Document, columns: int) -> list[Line]:
    """What the comparison says, for people; nothing without one."""
    from app.cli.layout import plain, wrapped

    document = result.get("baseline")
    if not isinstance(document, Mapping):
        return []
    words = {"worse": "slower", "better": "faster", "same": "as fast", "unclear": "not to be told apart"}
    verdict = str(document.get("verdict"))
    text = (
        f"Against the baseline: {words.get(verdict, verdict)} "
        f"({_runs(len(document.get('runs') or ()))} before, {_runs(document.get('compared') or 0)} now)."
    )
    lines = wrapped(text, columns, "strong")
    lines += _left_out_lines(document, columns)
    for change in document.get("changes") or ():
        span = interval(change.get("low"), change.get("high"))
        said = f" ({span}, 95\N{NO-BREAK SPACE}%)" if span else ""
        name = plain(change.get("metric"))
        lines += wrapped(
            f"{name} is {change['ratio']:.3f} times as before{said}: {change['verdict']}", columns
        )
    seen = [known(change.get("smallest_change")) for change in document.get("changes") or ()]
    least = max((change for change in seen if change is not None), default=None)
    if least is not None and verdict in ("same", "unclear"):
        text = f"These runs would tell a change of {share(least)} or more in four of five cases."
        lines += wrapped(text, columns, "muted")
    needed = known(document.get("more_runs_needed"))
    if verdict == "unclear" and needed:
        valid = " valid" if document.get("left_out") else ""
        lines += wrapped(
            f"{needed:.0f} more{valid} runs on each side would tell (--repeat).", columns, "muted"
        )
    return lines


def _left_out_lines(document: Document, columns: int) -> list[Line]:
    """The runs that did not count, and the commonest reason."""
    from app.cli.layout import plain, wrapped

    left_out = [entry for entry in document.get("left_out") or () if isinstance(entry, Mapping)]
    if not left_out:
        return []
    reasons = Counter(str(entry.get("grade_reason") or entry.get("grade")) for entry in left_out)
    reason = plain(reasons.most_common(1)[0][0], 200).rstrip(".").replace("_", " ")
    for_example = "" if len(reasons) == 1 else "for example, "
    text = f"Left out, not graded valid: {_runs(len(left_out))} ({for_example}{reason})."
    return wrapped(text, columns, "muted")


def repeat_lines(result: Document, columns: int) -> list[Line]:
    """One line a run of those that were repeated; nothing of a single one."""
    from app.cli.figures import number
    from app.cli.layout import plain, table

    entries = result.get("repeats")
    if not isinstance(entries, list) or len(entries) < 2:
        return []
    names = list(dict.fromkeys(name for entry in entries for name in entry.get("metrics") or ()))
    rows = [
        (
            plain(entry.get("run")),
            plain(str(entry.get("grade")).replace("_", " ")),
            *(number((entry.get("metrics") or {}).get(name)) for name in names),
        )
        for entry in entries
    ]
    return table(("run", "grade", *names), rows, "ll" + "r" * len(names), columns)


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"
