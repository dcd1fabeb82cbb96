"""`loadstone probe`: puts a target under load, watches it, says what it carries."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import starting, user_code
from app.cli.arguments import CommandParser, dash, one_of, whole_number
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from app.cli.measuring import Wishes
    from probes.load.sizes import Sweep
    from probes.load.spec import LoadSpec, Segment
    from probes.probe import Probe
    from probes.targets.target import Target

DEFAULT_STEP = "5s"
DEFAULT_VISIT = "1s"
DEFAULT_USERS_TIME = "30s"
MOST_CONNECTIONS = 60_000
MOST_STREAMS = 1_000
MOST_USERS = 10_000
MOST_SHARDS = 64
MOST_REPEATS = 100
DEFAULT_LIVE_REPEATS = 8
LARGEST_SEED = 2**63 - 1

_MODES = (
    *("--find-capacity", "--rate", "--stages", "--ramp", "--soak", "--replay"),
    *("--concurrency", "--users", "--sweep"),
)
_ONLY_WITH = {
    "--duration": ("--rate", "--users"),
    "--think": ("--users",),
    "--step": ("--concurrency", "--sweep"),
    "--precision": ("--find-capacity",),
    "--max-rate": ("--find-capacity",),
    "--budget": ("--find-capacity", "--sweep"),
    "--overload": ("--find-capacity",),
    "--end-one": ("--find-capacity", "--rate", "--stages", "--ramp", "--soak", "--concurrency", "--users"),
    "--arrivals": ("--find-capacity", "--rate", "--stages", "--ramp", "--soak"),
    "--connections": ("--find-capacity", "--rate", "--stages", "--ramp", "--soak", "--replay"),
}


_EXCLUDING = (
    ("--body", "--bodies"), ("--store", "--no-store"), ("--assessment", "--no-store"),
    ("--check-answers", "--no-check-answers"),
)  # fmt: skip


def parser() -> CommandParser:
    """How the command line of `probe` is read."""
    parser = CommandParser(
        "probe",
        "TARGET [options]",
        "Puts a target under load, watches it, and says what it carries.\n"
        "TARGET is http:// or https://host:port/path, grpc://host:port/package.Service/Method,\n"
        "kserve+grpc:// or kserve+http://host:port/model, tfserving+http://host:port/model,\n"
        "sagemaker+http://host:port, openai+http://host:port/v1?model=NAME (chat, streamed), or\n"
        "code of yours: python:module:callable, python:file.py:callable, model:FILE or\n"
        "command:LINE. Without a load option the highest rate is found at which the SLO holds.",
        (
            "loadstone probe http://127.0.0.1:8000/predict --slo 'p99<=200ms,errors<=1%'",
            "loadstone probe http://127.0.0.1:8000/predict --body '{\"x\": 1}' --require 'capacity>=150'",
            "loadstone probe http://127.0.0.1:8000/predict --overload",
            "loadstone probe openai+http://127.0.0.1:8000/v1 --slo 'ttft_p95<=500ms' --timeout 60s",
            "loadstone probe http://127.0.0.1:8000/predict --rate 200 --duration 30s --json result.json",
            "loadstone probe http://127.0.0.1:8000/ --concurrency 1,2,4,8,16,32 --step 5s",
            "loadstone probe http://127.0.0.1:8000/ --users 200 --think 2s --duration 60s",
            "loadstone probe http://127.0.0.1:8000/ --soak 100@10m",
            "loadstone probe http://127.0.0.1:8000/predict --body @one.json --sweep batch=1,2,4,8,16,32,64",
            "loadstone probe http://127.0.0.1:8000/ --replay monday.csv",
            "loadstone probe http://127.0.0.1:8000/ --rate 50 --duration 9s --repeat 8 --json a.json",
            "loadstone probe http://127.0.0.1:8000/ --rate 50 --duration 9s --repeat 8 --baseline a.json",
            "loadstone probe model:s.onnx model:m.onnx model:l.onnx --concurrency 2 --slo 'p99<=50ms'",
            "loadstone probe http://127.0.0.1:8001/ --rate 50 --duration 9s --baseline http://127.0.0.1:8000/",
            "loadstone probe http://127.0.0.1:8000/ --rate 30000 --duration 20s --shards 2",
            "loadstone probe http://127.0.0.1:8000/ --bodies @bodies.jsonl --events -",
            "loadstone probe https://localhost:8443/ --ca authority.pem --rate 100 --duration 30s",
            "loadstone probe grpc://127.0.0.1:50051/shop.Ranker/Rank --sample '{\"user\": 7}'",
            "loadstone probe http://127.0.0.1:8000/ --with metrics=http://127.0.0.1:8000/metrics",
            "loadstone probe http://127.0.0.1:8000/ --with prometheus=http://127.0.0.1:9090",
            "loadstone probe http://127.0.0.1:8000/ --rate 100 --duration 30s --with manifests=deploy/",
            *starting.EXAMPLES,
            *user_code.EXAMPLES,
        ),
    )
    parser.add_argument("target", metavar="TARGET", help="what is put under load, see above")
    parser.add_argument(
        "more_targets",
        metavar="model:FILE",
        nargs="*",
        default=[],
        help="further models of other sizes: each gets the same load, and the largest within the SLO is told",
    )

    search = parser.add_argument_group("the highest rate that keeps the SLO (the default)")
    search.add_argument("--find-capacity", action="store_true", help="look for it")
    search.add_argument(
        "--slo", metavar="SLO", help="what has to hold (default p99<=500ms,errors<=1%%); judged in every mode"
    )
    search.add_argument(
        "--precision", metavar="SHARE", help="how narrow the interval has to be (default 5%%)"
    )
    search.add_argument("--max-rate", metavar="N", help="never send more requests a second than this")
    search.add_argument("--budget", metavar="TIME", help="how long the search may take (default 120s)")

    search.add_argument(
        "--overload",
        action="store_true",
        help="afterwards send twice what it carries for 3 s, then half: what becomes of the requests, and "
        "how long until it is back (up to 20 s more)",
    )

    load = parser.add_argument_group("load of your own, one of these")
    load.add_argument("--rate", metavar="N", help="so many requests a second, with --duration")
    load.add_argument(
        "--duration",
        metavar="TIME",
        help=f"how long --rate or --users lasts, for example 30s (--users: default {DEFAULT_USERS_TIME})",
    )
    load.add_argument("--stages", metavar="N@TIME,…", help="rates one after the other: 50@20s,100@20s")
    load.add_argument("--ramp", metavar="A..B@TIME", help="a rate that rises evenly: 10..500@60s")
    load.add_argument(
        "--soak", metavar="N@TIME", help="a rate for a long time, to see whether memory grows: 100@10m"
    )
    load.add_argument(
        "--replay",
        metavar="FILE.csv",
        help="each request at the time that the column due_s gives it, in seconds from the first",
    )
    load.add_argument(
        "--concurrency", metavar="N,N,…", help="so many callers, each waiting for its answer: 1,2,4,8,16,32"
    )
    load.add_argument(
        "--sweep",
        metavar="AXIS=N,N,…",
        help="requests of rising size, six or more: batch=1,2,4,8,16,32,64 (or rows, payload_kb, sequence, a "
        "keyword of the callable, a mark {{NAME}} in the body), sent by --concurrency callers (default 1); "
        "--budget is left for the largest size within the SLO",
    )
    load.add_argument(
        "--step",
        metavar="TIME",
        help=f"how long each --concurrency lasts (default {DEFAULT_STEP}), or each visit to a size of "
        f"--sweep (default {DEFAULT_VISIT})",
    )

    load.add_argument(
        "--users",
        metavar="N",
        type=whole_number("--users", 1, MOST_USERS),
        help="so many users, each thinking between an answer and the next request",
    )
    load.add_argument(
        "--think",
        metavar="TIME",
        help="how long they think: 2s on average (exponential), or constant:2s",
    )

    how = parser.add_argument_group("how the load is sent")
    how.add_argument(
        "--arrivals",
        metavar="poisson|constant",
        type=one_of("--arrivals", ("poisson", "constant")),
        help="at random moments, as users do (default), or evenly",
    )
    how.add_argument(
        "--seed", metavar="N", type=whole_number("--seed", 0, LARGEST_SEED), help="of the moments (default 1)"
    )
    how.add_argument("--timeout", metavar="TIME", help="give up a request after this (default 10s)")
    how.add_argument("--warmup", metavar="auto|TIME|0", help="load before anything counts (default auto)")
    how.add_argument(
        "--connections",
        metavar="N",
        type=whole_number("--connections", 1, MOST_CONNECTIONS),
        help="most connections at once with a rate (default 512)",
    )
    how.add_argument(
        "--shards",
        metavar="N|dask://HOST:PORT",
        type=_number_or_cluster,
        help="load processes that share the requests in turn, for rates beyond one core (default 1); or one "
        "on each worker of the Dask cluster whose scheduler has that address",
    )
    how.add_argument(
        "--allow-remote",
        action="store_true",
        help="the target is not this machine, and you may put it under load",
    )

    request = parser.add_argument_group("the request")
    request.add_argument("--method", metavar="NAME", help="default GET, or POST with a body")
    request.add_argument(
        "--header",
        metavar="'K: V'",
        action="append",
        default=[],
        help="repeatable; 'Authorization: env:NAME' reads the value from the environment",
    )
    request.add_argument("--body", metavar="TEXT|@FILE|@-", help="the body; @- reads standard input")
    request.add_argument("--bodies", metavar="@FILE.jsonl", help="one body a line, sent in turn")
    request.add_argument(
        "--expect-status",
        metavar="N",
        type=whole_number("--expect-status", 100, 599),
        help="the only status that is good (default: any 2xx)",
    )
    request.add_argument(
        "--expect-body",
        metavar="REGEX",
        help="what has to be found in the answer, of gRPC in the bytes of its message",
    )

    request.add_argument(
        "--ca",
        metavar="FILE",
        help="of https:// and grpcs://: whose certificates count (default: the system's)",
    )
    request.add_argument(
        "--insecure",
        action="store_true",
        help="of https:// and grpcs://: check no certificate; the result says so",
    )
    request.add_argument(
        "--proto",
        metavar="FILE",
        help="of grpc://: what the method takes, where the server has no reflection",
    )
    request.add_argument(
        "--streams",
        metavar="N",
        type=whole_number("--streams", 1, MOST_STREAMS),
        help="of grpc:// and kserve+grpc://: calls at once on a connection (default 16, so that 64 take four "
        "connections; 1 = a connection for each)",
    )
    request.add_argument(
        "--client",
        metavar="own|grpcio",
        choices=("own", "grpcio"),
        help="of grpc:// and kserve+grpc://: whose HTTP/2 makes the calls (default own; grpcio for a server "
        "that ours cannot talk to, at several times the CPU a call; the result says so)",
    )

    user_code.add_options(parser)
    starting.add_options(parser)

    judge = parser.add_argument_group("what is watched and judged")
    judge.add_argument(
        "--pid",
        metavar="PID",
        type=whole_number("--pid", 1, 2**31 - 1),
        action="append",
        default=[],
        help="a process of the target (repeatable; default: who listens there, when it is local)",
    )
    judge.add_argument(
        "--no-stacks",
        action="store_true",
        help="do not look inside the target (py-spy, waits of threads) when it was saturated",
    )
    judge.add_argument(
        "--check-answers",
        action="store_true",
        help="hold answers under load against answers at rest, by asking now and then (the default, but of "
        "code of yours, whose results are then carried over)",
    )
    judge.add_argument("--no-check-answers", action="store_true", help="do not; send nothing but the load")
    judge.add_argument(
        "--require",
        metavar="TEXT",
        action="append",
        default=[],
        help="what has to come out, for example 'capacity>=150' (repeatable); broken: exit 1",
    )

    judge.add_argument(
        "--repeat",
        metavar="N",
        type=whole_number("--repeat", 1, MOST_REPEATS),
        help="measure so many times, each a run of its own (default 1)",
    )
    judge.add_argument(
        "--baseline",
        metavar="RUN|FILE|TARGET",
        nargs="+",
        action="extend",
        default=[],
        help="hold it against earlier runs under the same load, stored or written by --json; slower: exit 5, "
        "not to be told: exit 4. A figure needs 5 runs a side, the 99th percentile 8. The address of another "
        f"target is measured in turn with this one (--repeat, default {DEFAULT_LIVE_REPEATS} each)",
    )
    judge.add_argument(
        "--allow",
        metavar="SHARE",
        type=_allowed,
        help="of --baseline: the least change that matters (default 5%%, of the 99th percentile 10%%)",
    )
    judge.add_argument(
        "--with",
        dest="checks",
        metavar="SYSTEM=ADDRESS|PATH",
        action="append",
        default=[],
        help="hold the run against prometheus=http://… (a server, or a metrics endpoint), metrics=http://…, "
        "or manifests=PATH; repeatable",
    )

    judge.add_argument(
        "--no-self-report",
        action="store_true",
        help="do not look for health paths and /metrics of the service, nor hold its count of requests "
        "against those sent",
    )

    store = parser.add_argument_group("where it is stored")
    parser.add_store_option(store)
    store.add_argument("--no-store", action="store_true", help="do not store the run")
    store.add_argument("--assessment", metavar="NAME", help="the assessment that the run joins")

    output = parser.add_output_group()
    output.add_argument(
        "--events",
        metavar="-",
        type=dash("--events"),
        help="what happens, as one JSON object a line on standard output",
    )
    output.add_argument("--quiet", action="store_true", help="no progress, only the result")
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Measures, stores and prints. Returns the exit code; raises `UserError` when nothing was started."""
    refuse_contradictions(options)
    wishes = wishes_of(options)
    from app.cli.measuring import check_wishes

    check_wishes(wishes)
    spec = spec_of(options)
    from app.cli.baseline import Baseline, live_address, read_baseline, refuse_too_short
    from app.cli.checks import checks_for, read_check, self_report

    addresses = [read_check(text) for text in options.checks]
    user_code.refuse_strange_options(options)
    if options.start is not None:
        return starting.measure_started(options, spec, wishes, addresses, output)

    from app.cli.measuring import run_folder
    from app.cli.repeats import measure_repeatedly
    from probes.cross_checked import CrossCheckedProbe
    from probes.load.probe import LoadProbe

    if options.more_targets:
        from app.cli.complexity import measure_models, refuse_strange

        refuse_strange(options)
        return measure_models(
            lambda asked, spec: user_code.probe_of(asked, spec, run_folder(wishes)),
            *(options, spec, wishes, output),
        )
    of_code = user_code.is_user_code(options.target)
    if not of_code:
        user_code.sample_as_body(options)
    target = None if of_code else target_of(options)
    checks = checks_for(addresses, target)
    if not options.no_self_report:
        checks += self_report(target, addresses)
    if options.baseline:
        refuse_too_short(spec)
    baseline = None
    rival: argparse.Namespace | None = None
    if options.baseline and (address := live_address(options.baseline)) is not None:
        baseline = Baseline((), options.allow)
        rival = argparse.Namespace(**vars(options) | {"target": address, "pid": []})
        user_code.refuse_strange_options(rival)
    elif options.baseline:
        baseline = read_baseline(options.baseline, options.store, spec.to_json(), options.allow)

    def probe_for(asked: argparse.Namespace, target: Target | None, spec: LoadSpec) -> Probe:
        if target is None:
            return user_code.probe_of(asked, spec, run_folder(wishes))
        return LoadProbe(target, spec, pids=tuple(asked.pid), folder=run_folder(wishes))

    def make(spec: LoadSpec) -> Probe:
        probe = probe_for(options, target, spec)
        return CrossCheckedProbe(probe, checks) if checks else probe

    times = options.repeat or (1 if rival is None else DEFAULT_LIVE_REPEATS)
    if rival is None:
        return measure_repeatedly(make, spec, wishes, output, times=times, baseline=baseline)
    other, other_target = rival, None if user_code.is_user_code(rival.target) else target_of(rival)
    return measure_repeatedly(
        make, spec, wishes, output, times=times, baseline=baseline,
        rival=lambda spec: probe_for(other, other_target, spec),
    )  # fmt: skip


def refuse_contradictions(options: argparse.Namespace) -> None:
    """Raises `UsageError` for options that exclude each other or that would be ignored."""
    given = {name for name in (*_MODES, *_ONLY_WITH) if _is_given(options, name)}
    modes = [name for name in _MODES if name in given]
    if "--sweep" in modes and "--concurrency" in modes:  # how many callers send the sizes
        modes.remove("--concurrency")
    if len(modes) > 1:
        raise UsageError(f"{modes[0]} and {modes[1]} are two kinds of load: give one of them")
    mode = modes[0] if modes else "--find-capacity"
    for name, allowed in _ONLY_WITH.items():
        if name in given and mode not in allowed:
            if name == "--duration":
                raise UsageError("--duration goes with --rate: write --rate N --duration T")
            if name == "--think":
                raise UsageError("--think goes with --users: write --users 200 --think 2s")
            if name == "--step":
                raise UsageError("--step goes with --concurrency: write --concurrency 1,2,4 --step 5s")
            raise UsageError(f"{name} says nothing about {mode}: leave one of them out")
    if mode == "--sweep" and options.check_answers:
        raise UsageError("--check-answers says nothing about --sweep: leave one of them out")
    if mode == "--rate" and "--duration" not in given:
        raise UsageError("--rate needs to know how long: add --duration, for example --duration 30s")
    if mode == "--users" and "--think" not in given:
        raise UsageError(
            "--users needs to know how long they think: add --think, for example --think 2s "
            "(callers who do not: --concurrency)"
        )
    for first, second in _EXCLUDING:
        if _is_given(options, first) and _is_given(options, second):
            raise UsageError(f"{first} and {second} exclude each other: give one of them")
    starting.refuse_strange(options)
    if options.allow is not None and not options.baseline:
        raise UsageError("--allow says what change from a baseline matters: add --baseline RUN or FILE")
    if options.body == "@-" and options.bodies == "@-":
        raise UsageError("only one option can read standard input")


def _allowed(text: str) -> float:
    from probes.slo import parse_ratio

    return parse_ratio(text, "the least change that matters")


def _is_given(options: argparse.Namespace, name: str) -> bool:
    value = getattr(options, name.removeprefix("--").replace("-", "_"))
    return value is not None and value is not False


def spec_of(options: argparse.Namespace) -> LoadSpec:
    """The load that the options ask for. Raises `UsageError`."""
    from probes.load.spec import (
        DEFAULT_SLO,
        LoadSpec,
        parse_rate,
        parse_ratio,
        parse_requirement,
        parse_slo,
    )

    defaults = LoadSpec()
    precision = defaults.precision
    if options.precision is not None:
        precision = parse_ratio(options.precision, "a precision")
        if precision <= 0:
            raise UsageError(f"'{options.precision}' is no precision: write a share over 0 such as 5%")
    spec = LoadSpec(
        segments=_segments(options),
        slo=parse_slo(options.slo if options.slo is not None else DEFAULT_SLO),
        slo_asked=options.slo is not None,
        arrivals=options.arrivals or defaults.arrivals,
        seed=defaults.seed if options.seed is None else options.seed,
        timeout_s=_seconds(options.timeout, "a time-out", defaults.timeout_s),
        warmup_s=_warmup(options.warmup),
        precision=precision,
        max_rate=None if options.max_rate is None else parse_rate(options.max_rate, "a highest rate"),
        budget_s=_seconds(options.budget, "a budget", defaults.budget_s),
        connections=options.connections or defaults.connections,
        requirements=tuple(parse_requirement(text) for text in options.require),
        stacks=not options.no_stacks,
        soak=options.soak is not None,
        shards=_shards(options),
        cluster=options.shards if isinstance(options.shards, str) else None,
        overload=options.overload,
        check_answers="yes" if options.check_answers else "no" if options.no_check_answers else "auto",
        sweep=_sweep(options),
    )
    spec.check()
    return spec


def _number_or_cluster(text: str) -> int | str:
    if "://" not in text:
        return whole_number("--shards", 1, MOST_SHARDS)(text)
    from probes.load.cluster.dask_cluster import read_address

    return read_address(text)


def _shards(options: argparse.Namespace) -> int:
    shards = 1 if isinstance(options.shards, str) else options.shards or 1
    if options.connections is not None and shards > options.connections:
        raise UsageError(
            f"--shards {shards} cannot share {options.connections} connections: each needs one of its own"
        )
    return int(shards)


def _sweep(options: argparse.Namespace) -> Sweep | None:
    from probes.load.sizes import parse_sweep

    if options.sweep is None:
        return None
    if options.concurrency is not None and "," in options.concurrency:
        raise UsageError("--sweep takes one --concurrency: the sizes vary, not the callers")
    return parse_sweep(options.sweep)


def _segments(options: argparse.Namespace) -> tuple[Segment, ...]:
    from probes.load.spec import (
        ClosedSegment,
        OpenSegment,
        parse_concurrency,
        parse_ramp,
        parse_rate,
        parse_seconds,
        parse_soak,
        parse_stages,
        parse_think,
    )

    if options.rate is not None:
        rate = parse_rate(options.rate)
        return (OpenSegment(rate, rate, parse_seconds(options.duration, "a duration")),)
    if options.stages is not None:
        return parse_stages(options.stages)
    if options.ramp is not None:
        return (parse_ramp(options.ramp),)
    if options.soak is not None:
        return (parse_soak(options.soak),)
    if options.replay is not None:
        from probes.load.replay import read_replay

        return (read_replay(Path(options.replay)),)
    if options.users is not None:
        length = parse_seconds(options.duration or DEFAULT_USERS_TIME, "a duration")
        return (ClosedSegment(options.users, length, parse_think(options.think)),)
    if options.sweep is not None:
        visit = parse_seconds(DEFAULT_VISIT if options.step is None else options.step, "the time of a visit")
        return parse_concurrency(options.concurrency or "1", visit)
    if options.concurrency is not None:
        step = parse_seconds(DEFAULT_STEP if options.step is None else options.step, "the time of a step")
        return parse_concurrency(options.concurrency, step)
    return ()


def _seconds(text: str | None, what: str, otherwise: float) -> float:
    from probes.load.spec import parse_seconds

    return otherwise if text is None else parse_seconds(text, what)


def _warmup(text: str | None) -> float | None:
    from probes.load.spec import parse_seconds

    if text is None or text == "auto":
        return None
    if text.strip() in ("0", "0s", "0ms"):
        return 0.0
    return parse_seconds(text, "a warm-up (auto, 0 or a time)")


def target_of(options: argparse.Namespace) -> Target:
    """The target that the options describe. Raises `UsageError`."""
    from app.cli.inputs import read_bodies, read_body
    from probes.targets.kinds import parse_target

    given: dict[str, Any] = {
        "method": options.method,
        "headers": tuple(options.header) or None,
        "body": None if options.body is None else read_body(options.body),
        "bodies": None if options.bodies is None else read_bodies(options.bodies),
        "expect_status": options.expect_status,
        "expect_body": options.expect_body,
        "allow_remote": options.allow_remote or None,
        "ca": options.ca,
        "insecure": options.insecure or None,
        "proto": options.proto,
        "streams": options.streams,
        "client": options.client,
    }
    return parse_target(options.target, {name: value for name, value in given.items() if value is not None})


def wishes_of(options: argparse.Namespace) -> Wishes:
    """Where events and result go."""
    from app.cli.measuring import Wishes

    return Wishes(
        store_url=options.store,
        keep=not options.no_store,
        assessment=options.assessment,
        json=options.json,
        events=options.events is not None,
    )
