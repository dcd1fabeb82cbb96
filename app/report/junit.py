"""The claims as JUnit XML, which build servers show: a suite a pillar, a test case a question.

A claim that is contradicted is a failure. Verified, partly proven and understated ones pass. Everything that
was not measured, not answered or refused is skipped and says why: nothing passes because nobody looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

from app.report import words
from app.report.view import View, short

Outcome = Literal["passed", "failure", "skipped"]
PASSED = ("verified", "partly", "understated")


@dataclass(frozen=True, slots=True)
class Case:
    """A test case: what came of it, in a word and a sentence."""

    name: str
    outcome: Outcome
    kind: str = ""
    message: str = ""


def render_junit(document: Mapping[str, Any]) -> bytes:
    """The claims of a `loadstone.assessment/1` document as JUnit XML."""
    view = View(document)
    suites = [("readiness", [_verdict(view)])]
    suites += [(view.pillar_name(pillar.id), _pillar(view, pillar.id)) for pillar in view.lens.pillars]
    suites += [(f"requirements of run {name}", cases) for name, cases in _requirements(view)]
    suites = [(name, cases) for name, cases in suites if cases]
    every = [case for _, cases in suites for case in cases]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_head(view.name, every)}>"]
    for name, cases in suites:
        stamp = f"timestamp={quoteattr(_timestamp(document))}"
        lines.append(f"  <testsuite {_head(name, cases)} {stamp}>")
        lines += [line for case in cases for line in _case(name, case)]
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return ("\n".join(lines) + "\n").encode()


def _verdict(view: View) -> Case:
    verdict = view.verdict
    reasons = " ".join(map(str, verdict.get("reasons") or ()))
    readiness = str(verdict.get("readiness"))
    outcomes: dict[str, Outcome] = {"ready": "passed", "capacity": "failure", "not_ready": "failure"}
    return Case(str(verdict.get("headline")), outcomes.get(readiness, "skipped"), readiness, reasons)


def _pillar(view: View, pillar: str) -> list[Case]:
    cases = []
    refused = view.score(pillar).get("refused")
    if refused:
        cases.append(Case("score", "skipped", "refused", str(refused)))
    for question in view.questions(pillar):
        claim = view.claims.get(question.id)
        if claim is None:
            continue
        state = str(claim["state"])
        outcome: Outcome = (
            "failure" if state == "contradicted" else "passed" if state in PASSED else "skipped"
        )
        because = str(claim.get("because") or "")
        cases.append(Case(f"{question.id} {short(question)}", outcome, state, because))
    return cases


def _requirements(view: View) -> list[tuple[str, list[Case]]]:
    found = []
    for run in view.document.get("runs") or ():
        if not isinstance(run, Mapping):
            continue
        cases = []
        for requirement in run.get("requirements") or ():
            if not isinstance(requirement, Mapping):
                continue
            held, measured = requirement.get("held"), requirement.get("measured")
            outcomes: dict[Any, Outcome] = {True: "passed", False: "failure"}
            outcome = outcomes[held] if isinstance(held, bool) else "skipped"
            message = "not measured" if measured is None else f"measured {measured}"
            cases.append(Case(str(requirement.get("text")), outcome, "requirement", message))
        found.append((str((run.get("run") or {}).get("id", "?")), cases))
    return found


def _timestamp(document: Mapping[str, Any]) -> str:
    """The moment of judging without its zone, as build servers read it."""
    return str(document.get("as_of", ""))[:19]


def _head(name: str, cases: Sequence[Case]) -> str:
    counts = {outcome: sum(case.outcome == outcome for case in cases) for outcome in ("failure", "skipped")}
    return (
        f'name={_attribute(name)} tests="{len(cases)}" failures="{counts["failure"]}" errors="0" '
        f'skipped="{counts["skipped"]}" time="0"'
    )


def _case(suite: str, case: Case) -> list[str]:
    start = (
        f'    <testcase classname={_attribute(f"loadstone.{suite}")} name={_attribute(case.name)} time="0"'
    )
    said = f"{case.kind}: {case.message}" if case.message else case.kind
    match case.outcome:
        case "passed":
            return [f"{start}/>"]
        case "skipped":
            return [f"{start}>", f"      <skipped message={_attribute(said)}/>", "    </testcase>"]
    failure = f"      <failure type={_attribute(case.kind)} message={_attribute(case.message)}/>"
    return [f"{start}>", failure, "    </testcase>"]


def _attribute(text: str) -> str:
    """The text as an attribute with its quotes: on one line, and without what XML cannot hold."""
    return quoteattr(words.one_line(text))
