"""Rules for an autoscaler, ready to apply, as the forecast of the document holds them."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent
from typing import Any

from app.report.model import Block, Code, Heading, Paragraph, text
from app.report.view import View, sentence


def rule_blocks(view: View) -> list[Block]:
    """A HorizontalPodAutoscaler and an AWS target-tracking policy, or the sentence why there is none."""
    heading = Heading("Rules to apply", 2, anchor="rules")
    found = view.forecast.get("autoscaling")
    rules: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    kubernetes, aws = rules.get("kubernetes"), rules.get("aws")
    if not kubernetes and not aws:
        why = str(rules.get("refused") or "this assessment was judged by a version that made none")
        return [
            heading,
            Paragraph(text(f"No rules are given: {sentence(why)[:1].lower()}{sentence(why)[1:]}")),
        ]
    blocks: list[Block] = [
        heading,
        Paragraph(
            text(
                "Every number is derived from the measured capacity, as the comments say. Try the rules "
                "where a "
                "mistake costs nothing; loadstone forecast writes the same files for other names and "
                "services."
            )
        ),
    ]
    if kubernetes:
        blocks.append(Code(str(kubernetes["text"]), f"Kubernetes: {kubernetes['file']}"))
    if aws:
        above, _, commands = str(aws.get("explanation") or "").partition("To apply it:\n")
        known = str(kubernetes["text"]) if kubernetes else ""
        derived = [line.strip() for line in above.splitlines()[1:] if line.strip() not in known]
        blocks.append(Code(str(aws["text"]), f"AWS target tracking: {aws['file']}"))
        if derived:
            blocks.append(Paragraph(text(" ".join(map(sentence, derived))), "small"))
        if commands:
            blocks.append(Code(dedent(commands), "To apply it"))
    return blocks
