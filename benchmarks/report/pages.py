"""CPU time, memory and size of a report of 20 pages, beside reportlab's own Platypus on the same text and
tables.

    python benchmarks/report/pages.py [--repeat 5]

Ours has charts, bookmarks, links, the attached data and the seal on top; Platypus gets the paragraphs and
tables alone, in the same fonts. Each is drawn in a fresh process, in turns; printed are medians of CPU
seconds (with all imports, and of the drawing alone), the highest resident memory, pages and bytes, and the
ratio. Aims for ours: 1.5 s CPU, 150 MB, 1 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SECTIONS = 10
ROWS = 32
TEXT = (
    "Up to 150 req/s the service answers in 76 ms at p99. From there requests wait for the interpreter lock: "
    "at 198 req/s it is held 97 % of the time while 2.7 of 4 cores idle. "
    "Above 207 req/s no more is answered. "
)
HEAD = ("", "Question", "Claim", "Verdict", "Evidence")


def cells(section: int, row: int) -> tuple[str, ...]:
    """The texts of a row of a table."""
    name = f"INF-{section * ROWS + row:03}"
    return (
        name,
        f"Highest load of one replica, {name}",
        "measured quarterly",
        "verified",
        "198 (192–203) req/s",
    )


def ours() -> bytes:
    """Our report: each section with a chart, a score, text and a table."""
    from app.charts.spec import Axis, Limit, Series, XYChart
    from app.report.attachment import canonical_bytes, content_hash
    from app.report.model import (
        Badge,
        Column,
        Figure,
        Heading,
        Paragraph,
        Report,
        Score,
        ScoreBar,
        Section,
        Span,
        Table,
        text,
    )
    from app.report.pdf import render_pdf

    rates = tuple(float(rate) for rate in range(10, 210, 4))
    times = tuple(20 + 4000 / (230 - rate) for rate in rates)
    columns = (Column(""), Column(HEAD[1], 1.5), Column(HEAD[2], 1.0), Column(HEAD[3]), Column(HEAD[4], 1.2))
    sections = []
    for number in range(SECTIONS):
        chart = XYChart(
            "p99 leaves the objective at 198 req/s",
            Axis("offered, req/s"),
            Axis("Response time, ms"),
            (
                Series(
                    "p99", rates, times, low=tuple(0.9 * y for y in times), high=tuple(1.1 * y for y in times)
                ),
            ),
            (Limit(150, "objective"),),
        )
        rows = []
        for row in range(ROWS):
            name, question, claim, _, evidence = cells(number, row)
            rows.append(
                (text(Span(name, "muted")), text(question), text(claim), Badge("verified"), text(evidence))
            )
        blocks = (
            ScoreBar(Score(48, 53, 73, 14), not_done=27),
            *(Paragraph(text(TEXT * 2)) for _ in range(5)),
            Heading("Response time"),
            Figure(chart, 190, number + 1),
            Heading("The claims"),
            Table(columns, tuple(rows), anchors=tuple(f"{number}.{row}" for row in range(ROWS))),
        )
        lead = text("See ", Span("the first", link="#s0", page=True), ".")
        sections.append(
            Section(f"s{number}", f"Section {number}", "A section with its finding", blocks, "1  Part", lead)
        )
    facts = [{"name": "load.capacity", "value": value / 7, "unit": "1/s"} for value in range(2_000)]
    data = canonical_bytes({"schema": "loadstone.assessment/1", "facts": facts})
    report = Report("Benchmark", "Twenty pages", "2026-11-23", "0", content_hash(data), tuple(sections))
    return render_pdf(report, data)


def platypus() -> bytes:
    """The same text and tables by reportlab's Platypus."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

    from app.report import fonts

    body = ParagraphStyle("body", fontName=fonts.name(400), fontSize=9, leading=13)
    title = ParagraphStyle("title", fontName=fonts.name(600), fontSize=18, leading=23)
    story: list[Any] = []
    for number in range(SECTIONS):
        story.append(Paragraph("A section with its finding", title))
        story += [Paragraph(TEXT * 2, body) for _ in range(5)]
        rows = [[Paragraph(cell, body) for cell in HEAD]]
        rows += [[Paragraph(cell, body) for cell in cells(number, row)] for row in range(ROWS)]
        story += [Table(rows, colWidths=(50, 150, 100, 70, 120), repeatRows=1), PageBreak()]
    file = BytesIO()
    SimpleDocTemplate(file, pagesize=A4, invariant=1, pageCompression=1).build(story)
    return file.getvalue()


MADE: dict[str, Callable[[], bytes]] = {"ours": ours, "platypus": platypus}


def child(name: str) -> None:
    """Draw twice in this process and print what it took: the first time with all imports."""
    made = MADE[name]()
    whole = time.process_time()
    started = time.process_time()
    made = MADE[name]()
    drawing = time.process_time() - started
    measured = {
        "cpu_s": whole,
        "drawing_s": drawing,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pages": len(re.findall(rb"/Type /Page\b(?!s)", made)),
        "kb": len(made) / 1000,
    }
    print(json.dumps(measured))


def main() -> None:
    """Measure both in turns and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--child", choices=tuple(MADE), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in MADE}
    for _ in range(options.repeat):
        for name in MADE:
            command = [sys.executable, __file__, "--child", name]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
            found[name].append(json.loads(done.stdout))
    medians = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for name, runs in found.items()
    }
    for name, said in medians.items():
        print(
            f"{name:9} {said['cpu_s']:.2f} s CPU with imports, {said['drawing_s']:.2f} s drawing again, "
            f"{said['rss_mb']:.0f} MB, {said['pages']:.0f} pages, {said['kb']:.0f} kB"
        )
    for key in ("cpu_s", "drawing_s"):
        print(f"ours / platypus, {key}: {medians['ours'][key] / medians['platypus'][key]:.2f}")


if __name__ == "__main__":
    main()
