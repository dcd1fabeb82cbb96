"""`loadstone forecast`: replicas, autoscaling target, cost and the date of running out."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import CommandParser, one_of, whole_number
from app.cli.output import Output
from probes.errors import UsageError

if TYPE_CHECKING:
    from assessments.autoscaling import Scaling
    from assessments.evidence import Evidence
    from assessments.forecast import Estimate, Forecast
    from assessments.prices import Price

UNDECIDED = 4
SERVICES = ("sagemaker", "ecs", "asg")


def parser() -> CommandParser:
    """How the command line of `forecast` is read."""
    parser = CommandParser(
        "forecast",
        "(NAME | --capacity RATE | --run RUN) [options]",
        "What a capacity means: how many replicas, at which cost, and until when.\n"
        "The capacity is that of one replica, in requests a second. Of an assessment NAME the\n"
        "measured capacity and what its profile says are taken; options say otherwise.",
        (
            "loadstone forecast shop",
            "loadstone forecast shop --growth 12%/month --hpa hpa.yaml --deployment shop-api",
            "loadstone forecast --capacity 52 --low 48 --high 56 --peak 270 --price 1.20",
            "loadstone forecast --run last --peak 270 --replicas 10 --growth 8%/month",
            "loadstone forecast --run last --peak 270 --instance aws:m7i.large",
            "loadstone forecast --run last --peak 270 --hpa hpa.yaml --deployment shop-api",
        ),
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="the assessment, or NAME@LABEL")
    group = parser.add_argument_group("capacity of a replica")
    group.add_argument("--capacity", metavar="RATE", type=_number("--capacity"), help="requests a second")
    group.add_argument("--low", metavar="RATE", type=_number("--low"), help="lower bound (95 %%)")
    group.add_argument("--high", metavar="RATE", type=_number("--high"), help="upper bound (95 %%)")
    group.add_argument(
        "--run", dest="run_id", metavar="RUN", help="the capacity that a stored run measured: its id, or last"
    )
    parser.add_store_option(group)
    group = parser.add_argument_group("what it has to carry")
    group.add_argument("--peak", metavar="RATE", type=_number("--peak"), help="requests a second at the peak")
    group.add_argument(
        "--utilisation",
        metavar="SHARE",
        type=_share("--utilisation"),
        help="planned utilisation of a replica at the peak (default 0.7)",
    )
    group.add_argument(
        "--replicas", metavar="N", type=whole_number("--replicas", 1, 1_000_000), help="replicas that run now"
    )
    group.add_argument(
        "--growth",
        metavar="RATE",
        help="of the peak: 8%%/month (compound), 12/month (linear), 8%%..12%%/month; also per day, week, "
        "quarter, year; shrinking as --growth=-3%%/month",
    )
    group.add_argument(
        "--from", dest="start", metavar="DATE", type=_day, help="day of the peak (default today)"
    )
    group.add_argument(
        "--horizon",
        metavar="MONTHS",
        type=_number("--horizon"),
        default=36.0,
        help="no date is given beyond (default 36)",
    )
    group.add_argument(
        "--seed",
        metavar="N",
        type=whole_number("--seed", 0, 2**32 - 1),
        default=1,
        help="of the draws where growth is a range (default 1)",
    )
    group = parser.add_argument_group("cost of a replica")
    group.add_argument("--price", metavar="PRICE", type=_number("--price"), help="for an hour")
    group.add_argument("--currency", metavar="CODE", type=_currency, help="of --price (default USD)")
    group.add_argument(
        "--instance", metavar="NAME", help="take the list price of aws:m7i.large, azure:…, gcp:… and its date"
    )
    group.add_argument("--prices", metavar="FILE", help="a price book of your own, which goes before ours")
    group = parser.add_argument_group("autoscaling rules")
    group.add_argument("--hpa", metavar="FILE", help="write a Kubernetes HorizontalPodAutoscaler")
    group.add_argument("--deployment", metavar="NAME", help="the Deployment that it scales")
    group.add_argument("--namespace", metavar="NAME", help="where that is")
    group.add_argument("--metric", metavar="NAME", help="requests/s of a pod (http_requests_per_second)")
    group.add_argument(
        "--target-tracking", metavar="FILE", help="write an AWS target-tracking policy, and FILE.txt about it"
    )
    group.add_argument(
        "--service",
        metavar="NAME",
        type=one_of("--service", SERVICES),
        help=f"what that scales: {', '.join(SERVICES)} (default sagemaker)",
    )
    group.add_argument("--resource", metavar="ID", help="its id, such as endpoint/NAME/variant/NAME")
    group.add_argument("--resource-label", metavar="LABEL", help="of the load balancer that counts requests")
    group.add_argument(
        "--min-replicas", metavar="N", type=whole_number("--min-replicas", 1, 1_000_000), help="(default 2)"
    )
    group.add_argument(
        "--cpu-at-capacity",
        metavar="CORES",
        type=_number("--cpu-at-capacity"),
        help="CPU cores that a replica uses at its capacity: scale by CPU",
    )
    group.add_argument(
        "--cpu-request",
        metavar="CORES",
        type=_cores,
        help="CPU cores that a replica requests, or has: 1.0, 500m",
    )
    parser.add_output_group()
    return parser


def run(options: argparse.Namespace, output: Output) -> int:
    """Prints the forecast and writes what was asked for. Raises `UserError`."""
    from app.cli.forecast_shown import shown
    from app.cli.written import write_document
    from assessments.forecast import Plan, forecast, parse_growth
    from assessments.outlook import DEFAULT_UTILISATION

    _check_combinations(options)
    if options.growth is not None:
        parse_growth(options.growth)
    price = _price(options)
    about: dict[str, Any] = {}
    notes: list[str] = []
    if options.capacity is not None:
        capacity = _given_capacity(options)
    else:
        measured = _measured_capacity(options) if options.name is None else _assessed_capacity(options)
        if isinstance(measured, str):
            output.error(measured)
            return UNDECIDED
        capacity, about, notes = measured
    growth = None if options.growth is None else parse_growth(options.growth)
    plan = Plan(
        capacity=capacity,
        utilisation=DEFAULT_UTILISATION if options.utilisation is None else options.utilisation,
        peak_per_s=options.peak,
        running=options.replicas,
        price_per_hour=options.price if price is None else price.per_hour,
        currency=(options.currency or "USD") if price is None else price.currency,
    )
    axes = [] if growth is None else [plan.workload(growth)]
    start = date.today() if options.start is None else options.start  # noqa: DTZ011, the person's own day
    found = forecast(plan, start, axes, options.horizon, options.seed)
    if price is not None:
        notes.append(price.remark)
    carry = getattr(options, "load_to_carry", None)
    of_rules = found if carry is None else forecast(replace(plan, peak_per_s=carry), start)
    written = _write_rules(options, of_rules)
    if options.json is not None:
        document = found.to_json() | about | ({"price": price.to_json()} if price else {}) | {"notes": notes}
        write_document(document, options.json, output)
    output.lines(shown(found, notes, written, output.columns, may_run="assessment" in about))
    return 0


def _check_combinations(options: argparse.Namespace) -> None:
    given = [value for value in (options.name, options.capacity, options.run_id) if value is not None]
    if len(given) != 1:
        raise UsageError(
            "a forecast starts from the capacity of one replica: give an assessment NAME, --capacity RATE or "
            "--run RUN, and one of them alone"
        )
    if options.capacity is None and (options.low is not None or options.high is not None):
        raise UsageError(
            "--low and --high belong to --capacity: what was measured brings its own interval, leave them out"
        )
    if options.instance is not None and (options.price is not None or options.currency is not None):
        raise UsageError("--instance brings price and currency: leave --price and --currency out")
    if options.prices is not None and options.instance is None:
        raise UsageError("--prices FILE says what instances cost: add --instance NAME")
    if options.cpu_at_capacity is not None and options.cpu_request is None:
        raise UsageError("autoscalers count CPU relative to what is requested: add --cpu-request CORES")
    if options.cpu_request is not None and options.cpu_at_capacity is None:
        raise UsageError(
            "--cpu-request alone gives no target: add --cpu-at-capacity CORES, as it was measured"
        )
    for writer, names in (
        ("--hpa", ("deployment", "namespace", "metric")),
        ("--target-tracking", ("service", "resource", "resource_label")),
    ):
        if getattr(options, writer[2:].replace("-", "_")) is None:
            for name in names:
                if getattr(options, name) is not None:
                    raise UsageError(f"--{name.replace('_', '-')} belongs to {writer} FILE: add that")
    if options.hpa is None and options.target_tracking is None:
        for name in ("min_replicas", "cpu_at_capacity"):
            if getattr(options, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise UsageError(
                    f"{option} goes into autoscaling rules: add --hpa FILE or --target-tracking FILE"
                )


def _given_capacity(options: argparse.Namespace) -> Any:
    from assessments.forecast import Estimate

    return Estimate(options.capacity, options.low, options.high)


def _price(options: argparse.Namespace) -> Price | None:
    if options.instance is None:
        return None
    from assessments.prices import load_prices

    return load_prices(None if options.prices is None else Path(options.prices)).find(options.instance)


def _measured_capacity(options: argparse.Namespace) -> Any:
    """The capacity, what goes into the document and the notes; or a sentence where none was established."""
    from assessments.store import open_store

    with open_store(options.store) as store:
        found = store.run(options.run_id)
    return capacity_of(found.id, found.result, found.damaged)


def _assessed_capacity(options: argparse.Namespace) -> Any:
    """The capacity that an assessment goes by; fills what no option says from its profile and evidence."""
    from app.cli.forecast_shown import counted_replicas
    from app.cli.stored_assessment import stored_assessed
    from assessments.outlook import capacity_of as assessed_capacity
    from assessments.outlook import fleet_of, load_to_carry, profile_number, utilisation_of
    from assessments.store import open_store

    with open_store(options.store) as store:
        found = stored_assessed(store, options.name)
    evidence, profile = found.judged.evidence, found.materials.profile
    capacity = assessed_capacity(evidence)
    if capacity is None:
        return (
            f"'{options.name}' has no measured capacity that counts today: put the target under load with "
            f"loadstone probe TARGET --assessment {options.name}"
        )
    fleet = fleet_of(evidence, profile)
    about: dict[str, Any] = {"assessment": options.name}
    notes = [evidence.facts["load.capacity"].source.run or ""]
    notes = [f"the capacity was measured by run {run}" for run in notes if run]
    if options.replicas is None and fleet is not None:
        options.replicas = fleet.replicas
        notes.append(f"{counted_replicas(fleet.replicas)}: {fleet.because}")
    if options.peak is None:
        options.peak = profile_number(profile, "peak_per_s")
        options.load_to_carry = load_to_carry(profile)  # what the rules have to be enough for
    if options.utilisation is None:
        options.utilisation = utilisation_of(profile)
    if options.growth is None and options.peak is not None and options.replicas is not None:
        options.growth = profile.growth.get("workload")
    _fill_rules(options, evidence, capacity, options.utilisation)
    if options.price is None and options.instance is None:
        options.price = profile_number(profile, "price_per_replica_hour")
        if found.materials.price is not None:
            notes.append(found.materials.price.remark)
            about["price"] = found.materials.price.to_json()
        currency = profile.values.get("currency")
        if options.currency is None and isinstance(currency, str) and currency:
            options.currency = currency
    return capacity, about, notes


def _fill_rules(
    options: argparse.Namespace, evidence: Evidence, capacity: Estimate, utilisation: float
) -> None:
    """What no option says of autoscaling rules, from the evidence: the same rules as in the assessment."""
    from assessments.autoscaling import MOST_CPU_SHARE, cpu_target
    from assessments.scaling_rules import cpu_of_replica, deployment_of, least_replicas

    if options.hpa is None and options.target_tracking is None:
        return
    if options.cpu_at_capacity is None and options.metric is None:
        cpu = cpu_of_replica(evidence, capacity)
        target = None if cpu is None else cpu_target(cpu, capacity, utilisation)
        if cpu is not None and target is not None and 0.01 <= target[1] <= MOST_CPU_SHARE:
            options.cpu_at_capacity, options.cpu_request = cpu.cores_at_capacity, cpu.cores_requested
    if options.min_replicas is None and (least := least_replicas(evidence)) is not None:
        options.min_replicas, options.min_because = least, "as the manifest has it"
    if options.deployment is None:
        options.deployment = deployment_of(evidence)


def capacity_of(run_id: str, result: Mapping[str, Any], damaged: list[str]) -> Any:
    """What a stored run says of capacity: (estimate, about, notes), or the reason why it says nothing."""
    from app.cli.figures import known
    from assessments.forecast import Estimate

    about, capacity = result.get("run") or {}, result.get("capacity") or {}
    grade, bound = about.get("grade"), capacity.get("bound")
    reason = capacity.get("reason") or about.get("grade_reason") or about.get("reason")
    because = f" ({reason})" if reason else ""
    again = "probe the target again"
    if grade == "client_limited":
        why = about.get("grade_reason") or reason
        return (
            f"run {run_id} was limited by this client{f' ({why})' if why else ''}: it says nothing about the "
            f"target's capacity, {again} from a less busy machine"
        )
    rate, low, high = (known(capacity.get(key)) for key in ("rate_per_s", "low", "high"))
    if bound == "at_least" and rate is None:
        rate = low
    if bound in (None, "indeterminate", "unmet_at_minimum") or rate is None or rate <= 0:
        what = {
            "indeterminate": "could not tell the capacity",
            "unmet_at_minimum": "broke its SLO at the lowest rate already",
        }.get(str(bound), "measured no capacity")
        return f"run {run_id} {what}{because}: there is nothing to forecast from, {again}"
    notes = []
    if bound == "provisional":
        notes.append(f"the capacity of run {run_id} is provisional{because}")
    if bound == "at_least":
        low, high = rate if low is None else min(low, rate), None
        notes.append(f"run {run_id} found no limit: the capacity is at least {rate:g}/s{because}")
    if capacity.get("slo") is None:
        notes.append(f"run {run_id} had no SLO: this is its highest throughput, slower answers included")
    if grade not in (None, "valid"):
        why = about.get("grade_reason")
        notes.append(f"run {run_id} is graded {grade}{f' ({why})' if why else ''}")
    if about.get("status") not in (None, "completed"):
        notes.append(f"run {run_id} was not completed ({about.get('status')})")
    notes += [f"run {run_id} is damaged in the store: {sentence}" for sentence in damaged]
    notes.append("the target of the run counts as one replica")
    estimate = Estimate(rate, low if low and low > 0 else None, high)
    return estimate, {"run": run_id, "bound": bound}, notes


def _write_rules(options: argparse.Namespace, found: Forecast) -> list[str]:
    """Writes the autoscaling rules that were asked for; a sentence on each file."""
    if options.hpa is None and options.target_tracking is None:
        return []
    from assessments import autoscaling

    cpu = None
    if options.cpu_at_capacity is not None:
        cpu = autoscaling.Cpu(options.cpu_at_capacity, options.cpu_request)
    because = getattr(options, "min_because", "as asked for")
    scaling = autoscaling.plan_scaling(found, cpu, options.min_replicas, because)
    files: list[tuple[str, str, str]] = []
    if options.hpa is not None:
        manifest = autoscaling.hpa_manifest(
            scaling,
            options.deployment or autoscaling.DEFAULT_DEPLOYMENT,
            options.metric or autoscaling.DEFAULT_METRIC,
            options.namespace,
        )
        files.append(("--hpa", options.hpa, manifest))
    if options.target_tracking is not None:
        policy = autoscaling.target_tracking(
            scaling, options.service or "sagemaker", options.resource, options.resource_label
        )
        path = options.target_tracking
        files.append(("--target-tracking", path, policy.to_json()))
        files.append(("--target-tracking", f"{path}.txt", policy.explanation(path)))
    for option, path, text in files:
        try:
            Path(path).write_text(text, encoding="utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UsageError(f"{option} {path} cannot be written ({why}): name another file") from error
    return [_scaling_sentence(scaling, ", ".join(path for _, path, _ in files))]


def _scaling_sentence(scaling: Scaling, files: str) -> str:
    by = "" if scaling.cpu_percent is None else f" or {scaling.cpu_percent} % of the requested CPU"
    return (
        f"Wrote {files}: {scaling.min_replicas} to {scaling.max_replicas} replicas, "
        f"{scaling.requests_per_s:.6g} requests/s{by} each; the derivation stands in the file."
    )


def _number(option: str) -> Callable[[str], float]:
    """An argument type: a finite number above 0."""

    def read(text: str) -> float:
        found = re.fullmatch(
            r"[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text.strip(), re.ASCII
        )
        value = float(text) if found else math.nan
        if not (math.isfinite(value) and value > 0):
            raise UsageError(f"'{text}' is no value for {option}: write a number above 0, such as 52 or 1.20")
        return value

    return read


def _share(option: str) -> Callable[[str], float]:
    """An argument type: a share above 0 and up to 1, as `0.7` or `70%`."""

    def read(text: str) -> float:
        bare = text.strip()
        try:
            value = _number(option)(bare.removesuffix("%")) / (100 if bare.endswith("%") else 1)
        except UsageError:
            value = math.nan
        if not 0 < value <= 1:
            raise UsageError(f"'{text}' is no value for {option}: write a share up to 1, such as 0.7 or 70%")
        return value

    return read


def _cores(text: str) -> float:
    """CPU cores as Kubernetes writes them: `1.5`, or `500m` for thousandths."""
    bare = text.strip()
    return _number("--cpu-request")(bare.removesuffix("m")) / (1000 if bare.endswith("m") else 1)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        raise UsageError(f"'{text}' is no value for --from: write a date such as 2026-01-01")
    return found


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise UsageError(f"'{text}' is no value for --currency: write three letters such as EUR")
    return text
