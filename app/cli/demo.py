"""`loadstone demo`: starts the demo service that comes along, finds what it carries, and ends within 90 s."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import CommandParser, dash
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.cli.measuring import Wishes
    from probes.load.spec import LoadSpec

SLO = "p99<=100ms,errors<=1%"
ASSESSMENT = "demo"
SEED = 7
BUDGET_S, QUICK_BUDGET_S = 75.0, 19.0
"""Of the search alone; the service's start, the warm-up and a last look take up to ten seconds more."""
PRECISION, QUICK_PRECISION = 0.05, 0.15
BODIES = 64
USERS, ITEMS = 5_000, 20_000

_FILE_STORE = "loadstone.sqlite"
_FILE_RESULT = "result.json"


def parser() -> CommandParser:
    """How the command line of `demo` is read."""
    parser = CommandParser(
        "demo",
        "[options]",
        "Starts the demo service that comes along (the recommender of an online shop) and\n"
        f"finds the highest rate at which {SLO} holds, within 90 seconds.\n"
        "Exit code 0 when it completed, whatever the verdict.",
        ("loadstone demo", "loadstone demo --quick", "loadstone demo --out demo-results"),
    )
    group = parser.add_argument_group("the demo")
    group.add_argument("--quick", action="store_true", help="at most 25 s, with a wider interval")
    group.add_argument(
        "--out", metavar="DIR", help=f"store in DIR/{_FILE_STORE} and write DIR/{_FILE_RESULT}"
    )
    parser.add_store_option(group)
    output = parser.add_output_group()
    output.add_argument(
        "--events", metavar="-", type=dash("--events"), help="what happens, as one JSON object a line"
    )
    output.add_argument("--quiet", action="store_true", help="no progress, only the result")
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Starts the service, measures it, stores and prints. Raises `UserError` when it cannot begin."""
    wishes = wishes_of(options)
    from app.cli.measuring import check_wishes, measure, tell

    check_wishes(wishes)
    from probes.load.probe import LoadProbe
    from probes.targets.http import parse_target
    from probes.targets.service import Service

    spec = spec_of(options.quick)
    output.progress("starting the demo service, the recommender of an online shop, on this machine")
    with Service(service_command()) as service:
        target = parse_target(f"http://127.0.0.1:{service.port}/recommend", bodies=bodies())
        width = " (quick: less time, so a wider interval)" if options.quick else ""
        output.progress(
            f"looking for the highest rate at which it keeps {SLO}, for {spec.budget_s:.0f} s or less{width}"
        )
        measured = measure(LoadProbe(target, spec, pids=(service.pid,)), spec, wishes, output)
    remark = (
        "Quick: the interval is wider than that of loadstone demo without --quick." if options.quick else None
    )
    code = tell(measured, spec, wishes, output, remark)
    return 0 if completed(measured.result) else code


def completed(result: Mapping[str, object]) -> bool:
    """True when the demo ran to its end, whatever it found."""
    run = result.get("run")
    return isinstance(run, dict) and run.get("status") == "completed"


def service_command() -> list[str]:
    """How the demo service is started, on a free port, to end with this process."""
    folder = Path(__file__).resolve().parents[2]
    script = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); "
        "from resources.demo.recommender import main; sys.exit(main())"
    )
    return [sys.executable, "-P", "-c", script, "--port", "0", "--die-with-parent"]


def bodies() -> list[bytes]:
    """What the shop is asked: visitors with baskets of different sizes, always the same ones."""
    questions = [
        {
            "user": (index * 977) % USERS,
            "basket": [(index * 3571 + item * 1249) % ITEMS for item in range(index % 6)],
            "k": 10,
        }
        for index in range(BODIES)
    ]
    return [json.dumps(question).encode() for question in questions]


def spec_of(quick: bool) -> LoadSpec:
    """The load of the demo."""
    from probes.load.spec import LoadSpec, parse_slo

    return LoadSpec(
        slo=parse_slo(SLO),
        slo_asked=True,
        seed=SEED,
        precision=QUICK_PRECISION if quick else PRECISION,
        budget_s=QUICK_BUDGET_S if quick else BUDGET_S,
    )


def wishes_of(options: argparse.Namespace) -> Wishes:
    """Where the demo's events and result go. Raises `UsageError`."""
    from app.cli.measuring import Wishes

    if options.out is None:
        return Wishes(
            options.store, assessment=ASSESSMENT, json=options.json, events=options.events is not None
        )
    for name in ("store", "json"):
        if getattr(options, name) is not None:
            raise UsageError(f"--out and --{name} exclude each other: give one of them")
    folder = Path(options.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder} cannot be made ({error.strerror}): name another folder") from error
    return Wishes(
        str(folder / _FILE_STORE),
        assessment=ASSESSMENT,
        json=str(folder / _FILE_RESULT),
        events=options.events is not None,
    )
