"""What is said of a run that memory ended: at what rate, how fast it grew, how much further it would go."""

from __future__ import annotations

from probes.analysis.bottleneck import Bottleneck
from probes.load.run import Run
from probes.load.safety import Ending

LEAST_GROWTH_BYTES = 1_000_000


def ended_by_memory(run: Run, ending: Ending | None) -> Bottleneck | None:
    """Memory as the limit; None where something else ended the run, or nothing did.

    Growth is that of resident memory since the watch began over all requests sent: no leak is claimed.
    """
    if ending is None or not ending.of_memory or run.watcher is None:
        return None
    samples, sent, limit = run.watcher.samples(), run.engine.sent, run.rules.memory_limit
    text = f"Memory ended the run: {ending.reason}"
    rate = max((step.achieved_per_s for step in run.steps), default=0.0)
    if rate > 0:
        text += f", and the most answered until then were {rate:.4g} requests/s"
    growth = samples[-1].rss_bytes - samples[0].rss_bytes if samples else 0
    confirm = "Give it twice the memory: it should last longer, and what it carries can then be measured."
    if growth >= LEAST_GROWTH_BYTES and sent and limit is not None:
        each = growth / sent
        left = max(0.0, limit - samples[-1].rss_bytes)
        text += f"; it grew by {growth / 1e6:.3g} MB over {sent:,} requests, {each / 1e3:.3g} kB each"
        if ending.status != "failed":
            text += f", so that the limit is reached after about {left / each:,.0f} more"
            seconds = samples[-1].t_ns / 1e9 - samples[0].t_ns / 1e9
            if seconds > 0:
                text += f" ({left / growth * seconds:.3g} s at the mean rate of this run)"
        confirm = (
            "Send as many requests at half the rate: where memory grows as much again, requests keep it; "
            "where it does not, callers at once do."
        )
    return Bottleneck("memory", f"{text}.", confirm)
