"""What was not measured: open questions, unprovable claims, unknown facts, what was refused."""

from __future__ import annotations

from app.report.model import (
    Badge,
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    Paragraph,
    Section,
    Span,
    State,
    Table,
    Text,
    text,
)
from app.report.sections.claim_words import cut, lower
from app.report.sections.fact_names import meaning_of
from app.report.sections.run_words import GRADES, number, part, steps_of
from app.report.sections.score_words import count_words
from app.report.view import View, fact_source, fact_value, sentence, short
from assessments.lens import named_facts
from assessments.wording import NO_BREAK, capital, counted, percent

MOST_FACTS = 150


def section(view: View, number_: str) -> Section:
    """Everything that this report does not know, so that nobody takes its silence for a good sign."""
    blocks: list[Block] = [
        *_open(view),
        *_unprovable(view),
        *_refused(view),
        *_by_hand(view),
        *_unknown_facts(view),
        *_out_of_scope(view),
    ]
    if not blocks:
        blocks = [Paragraph(text("Everything that the lens asks about was answered, and was measured."))]
    return Section(
        "unmeasured",
        "What was not measured",
        _title(view),
        tuple(blocks),
        f"{number_}  What was not measured",
        text(
            "Missing data is never good. What stands here earns nothing or only half, and may turn out "
            "either way."
        ),
    )


def _title(view: View) -> str:
    share = view.verdict["measured"]["weight_share"]
    if share is None:
        return "Nothing was measured"
    return f"{percent(1 - share)} of the weight was not settled by measurement"


def _open(view: View) -> list[Block]:
    rows: list[tuple[Cell, ...]] = []
    for question in view.lens.questions:
        claim = view.claims.get(question.id, {})
        state: State = "unsure" if claim.get("state") == "unsure" else "unanswered"
        if claim.get("state") not in ("unsure", "unanswered"):
            continue
        rows.append(
            (
                text(Span(question.id, "muted", f"#claim-{question.id}")),
                text(cut(question.text, 200)),
                text(Span(view.pillar_name(question.pillar), "muted")),
                Badge(state),
            )
        )
    if not rows:
        return []
    columns = (Column(""), Column("Question", 1.0), Column("Pillar"), Column(""))
    title = count_words(len(rows), "question is open", "questions are open")
    return [
        Heading(title, 2),
        Table(columns, tuple(rows), "An open question earns nothing: answer it first.", dense=True),
    ]


def _unprovable(view: View) -> list[Block]:
    rows: list[tuple[Cell, ...]] = []
    for question in view.lens.questions:
        choice = view.chosen(question)
        claim = view.claims.get(question.id, {})
        if choice is None or not choice.unprovable or claim.get("state") in ("not_applicable", "unanswered"):
            continue
        rows.append(
            (
                text(Span(question.id, "muted", f"#claim-{question.id}")),
                text(short(question)),
                text(Span(sentence(cut(choice.unprovable, 200)), "muted")),
            )
        )
    if not rows:
        return []
    columns = (Column(""), Column("Question", 1.0), Column("Why no probe can prove it", 2.4))
    title = count_words(
        len(rows), "claim can be proven by no probe yet", "claims can be proven by no probe yet"
    )
    caption = "A dated document raises what such a claim is worth from a half to three quarters."
    return [Heading(title, 2), Table(columns, tuple(rows), caption, dense=True)]


def _refused(view: View) -> list[Block]:
    run = view.run
    if run is None:
        return [
            Heading("Nothing was put under load", 2),
            Paragraph(text("There is no load run in this assessment.")),
        ]
    items: list[Text] = []

    def add(what: str, why: str) -> None:
        items.append(text(Span(f"{what}: ", "strong"), sentence(why)))

    about, capacity, law = part(run, "run"), part(run, "capacity"), part(run, "scalability")
    if about.get("grade") not in (None, "valid"):
        add("The run", f"{GRADES.get(str(about['grade']), str(about['grade']))}")
    bound = capacity.get("bound")
    if not capacity:
        add("Capacity", "the run looked for none, or found none")
    elif bound not in ("bracketed", None):
        words = {
            "provisional": "provisional, not narrowed down as asked",
            "at_least": "only a lower bound is known",
            "unmet_at_minimum": "the objective broke at the lowest rate",
            "indeterminate": "not determined",
        }.get(str(bound), str(bound))
        add("Capacity", f"{words}; {capacity['reason']}" if capacity.get("reason") else words)
    if capacity and capacity.get("limited_by") in (None, "not_identified"):
        add(
            "What gives out first",
            "no resource was named; utilisation, demand and bound have to agree for that",
        )
    if law.get("refused") or law.get("peak_refused"):
        add("Scalability law", str(law.get("refused") or law.get("peak_refused")))
    elif not law:
        add("Scalability law", "it takes six different numbers of requests in flight")
    few = [step for step in steps_of(run) if number(part(step, "response_ms").get("p99")) is None]
    if few:
        add(
            "p99",
            f"{counted(len(few), 'step has', 'steps have')} too few requests for it (368 for an interval)",
        )
    if not part(run, "memory"):
        add("Memory growth", "not judged; it takes a longer run at one rate (loadstone probe --soak)")
    elif part(run, "memory").get("verdict") == "insufficient":
        add("Memory growth", "too short a run to tell growth from noise")
    if not view.newest("volume"):
        add("Data volume", "no run varied the size of requests (loadstone probe --sweep)")
    answers = part(run, "answers")
    if answers.get("verdict") not in ("same", "changed"):
        why = str(answers.get("reason") or "loadstone probe --check-answers")
        add("Answers under load", f"not compared with answers at rest ({why})")
    if not items:
        return []
    return [Heading("What the load run does not say", 2), Bullets(tuple(items))]


def _by_hand(view: View) -> list[Block]:
    facts = [fact for fact in view.counting.values() if fact.state in ("by_hand", "declared")]
    if not facts:
        return []
    rows = tuple(
        (
            text(meaning_of(fact.name) or fact.name),
            text(fact_value(fact)),
            text(Span(fact.state.replace("_", " "), "muted")),
            text(Span(fact_source(fact), "muted")),
        )
        for fact in facts
    )
    columns = (Column("Value", 1.3), Column("", align="right"), Column("State"), Column("Source", 1.0))
    caption = "Such values back a claim like a dated document. They prove and contradict nothing."
    return [Heading("Given by hand, not measured", 2), Table(columns, rows, caption, dense=True)]


def _unknown_facts(view: View) -> list[Block]:
    names = [
        name
        for name in named_facts(view.lens)
        if name not in view.counting and not name.startswith("profile.")
    ]
    if not names:
        return []
    by_subject: dict[str, list[str]] = {}
    for name in names[:MOST_FACTS]:
        words = meaning_of(name)
        by_subject.setdefault(_subject(name), []).append(name if words is None else lower(words))
    items = tuple(
        text(Span(f"{capital(subject)}: ", "strong"), f"{'; '.join(found)}.")
        for subject, found in by_subject.items()
    )
    count = (
        f"{counted(len(names), 'fact')} that the lens asks for {'is' if len(names) == 1 else 'are'} not known"
    )
    blocks: list[Block] = [Heading(count, 2), Bullets(items)]
    if len(names) > MOST_FACTS:
        blocks.append(Paragraph(text(f"And {len(names) - MOST_FACTS:,} more."), "small"))
    said = "Where nothing was scanned a fact is unknown, not false: scan manifests and metrics to know it."
    blocks.append(Paragraph(text(said), "small"))
    return blocks


def _subject(name: str) -> str:
    first, _, rest = name.partition(".")
    if first in ("infra", "monitoring", "data", "model"):
        return {"infra": "infrastructure"}.get(first, first) + f", {rest.partition('.')[0].replace('_', ' ')}"
    return {"load": "under load", "process": "the process", "derived": "derived", "history": "history"}.get(
        first, first
    )


def _out_of_scope(view: View) -> list[Block]:
    left = [
        question for question in view.lens.questions if view.claims.get(question.id, {}).get("out_of_scope")
    ]
    if not left:
        return []
    names = ", ".join(f"{question.id}{NO_BREAK}({short(question)})" for question in left[:60])
    more = f" and {len(left) - 60} more" if len(left) > 60 else ""
    title = f"{counted(len(left), 'question does', 'questions do')} not apply to this kind of system"
    return [
        Heading(title, 3),
        Paragraph(text(f"Left out by the lens from what the profile says: {names}{more}."), "small"),
    ]
