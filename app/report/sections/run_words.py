"""A `loadstone.probe/1` document in words: objective, machine, grade, what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assessments.wording import NO_BREAK, amount, binary_bytes, counted, percent

Run = Mapping[str, Any]
GRADES = {
    "valid": "valid: the client was not the limit, and the target was steady",
    "client_limited": "limited by the client: what was measured above its limit says nothing of the target",
    "unstable": "unstable: the numbers may not come back",
    "degrading": "degrading: the target got slower while it was measured",
    "insufficient": "insufficient: too little data for a verdict",
}
LIMITED_BY = {
    "cpu": "it computes all the time",
    "gil": "one Python process holds the GIL",
    "lock": "a lock inside it is held",
    "pool": "a pool of workers or connections is full",
    "memory": "memory is full",
    "downstream": "it waits for something else",
    "gpu": "the GPU is full",
    "disk": "the disk is full of work",
    "network": "the network is full",
    "quota": "a CPU quota throttles it",
}


def part(run: Run, name: str) -> Mapping[str, Any]:
    """An object of the document, empty where there is none."""
    found = run.get(name)
    return found if isinstance(found, Mapping) else {}


def steps_of(run: Run) -> Sequence[Mapping[str, Any]]:
    """The steps, in the order in which they were run."""
    return [step for step in run.get("steps") or () if isinstance(step, Mapping)]


def client_limited(run: Run) -> bool:
    """Whether our own client spoilt the run, so that its capacity is no statement about the target."""
    return part(run, "run").get("grade") == "client_limited"


def most_answered(run: Run) -> float | None:
    """The highest throughput of any step in requests/s; None where nothing saturated."""
    saturation = number(part(run, "capacity").get("saturation_per_s"))
    if saturation is None:
        return None
    counted_steps = (step for step in steps_of(run) if step.get("verdict") != "client_limited")
    rates = (number(step.get("achieved_per_s")) for step in counted_steps)
    return max([saturation, *(rate for rate in rates if rate is not None)])


def number(value: Any) -> float | None:
    """The value if it is a number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def objective(run: Run) -> Mapping[str, float]:
    """The objective that the capacity belongs to: limits by `p99_ms` or `error_ratio`."""
    slo = part(run, "capacity").get("slo")
    return slo if isinstance(slo, Mapping) else {}


def objective_words(run: Run) -> str:
    """`p99 ≤ 100 ms and errors ≤ 1 %`."""
    parts = []
    for name, limit in objective(run).items():
        if name == "error_ratio":
            share = limit * 100
            parts.append(f"errors{NO_BREAK}≤{NO_BREAK}{amount(share)}{NO_BREAK}%")
        else:
            parts.append(f"{name.removesuffix('_ms')}{NO_BREAK}≤{NO_BREAK}{amount(limit)}{NO_BREAK}ms")
    if not parts:
        return "answers at all, without an objective"
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def latency_limit(run: Run) -> tuple[str, float] | None:
    """The percentile of response time that the objective limits, and the limit in ms: p99 if it has one."""
    limits = {
        name.removesuffix("_ms"): float(limit)
        for name, limit in objective(run).items()
        if name != "error_ratio" and not name.startswith(("ttft_", "tpot_"))
    }
    if not limits:
        return None
    name = "p99" if "p99" in limits else min(limits)
    return name, limits[name]


def machine_words(run: Run) -> str:
    """`2 cores, Linux 6.18`."""
    machine = part(part(run, "run"), "machine")
    parts = []
    cores = number(machine.get("cpu_usable")) or number(machine.get("cpu_count"))
    if cores:
        parts.append(counted(int(cores), "core") if cores == int(cores) else f"{amount(cores)} cores")
    if machine.get("system"):
        kernel = ".".join(str(machine.get("kernel", "")).split("-")[0].split(".")[:2])
        parts.append(f"{machine['system']} {kernel}".strip())
    return ", ".join(parts)


def machine_rows(run: Run) -> list[tuple[str, str]]:
    """What is known of the machine that the load came from."""
    machine = part(part(run, "run"), "machine")
    rows = []
    for key, label in (
        ("name", "Name"),
        ("cpu_model", "Processor"),
        ("cpu_count", "Cores"),
        ("cpu_usable", "Usable cores"),
        ("memory_bytes", "Memory"),
        ("system", "System"),
        ("kernel", "Kernel"),
        ("architecture", "Architecture"),
        ("python", "Python"),
        ("container", "Container"),
        ("virtual_machine", "Virtual machine"),
        ("others_cpu_cores", "Used by others, cores"),
    ):
        value = machine.get(key)
        if value is None:
            continue
        if isinstance(value, bool):
            shown = "yes" if value else "no"
        elif key.endswith("_bytes") and number(value) is not None:
            shown = binary_bytes(float(value))
        elif isinstance(value, int | float):
            shown = amount(float(value))
        else:
            shown = str(value)
        rows.append((label, shown))
    return rows


def error_share(step: Mapping[str, Any]) -> float | None:
    """The share of requests of a step that failed or timed out."""
    sent = number(step.get("sent"))
    if not sent:
        return None
    failed = sum(int(count) for count in part(step, "errors").values()) + int(step.get("timeouts") or 0)
    return failed / sent


def share_words(share: float | None) -> str:
    """A small share: `0 %`, `0.3 %`."""
    if share is None:
        return "–"
    return percent(share) if share == 0 or share >= 0.1 else f"{amount(share * 100)}{NO_BREAK}%"
