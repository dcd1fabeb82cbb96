"""Charts of the PDF report: title, drawing, line of method. A chart is laid out once, pages more often."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.charts.layout import layout
from app.report import fonts, words
from app.report.figure_words import caption_of, safe_spec
from app.report.model import Figure, ScoreBar
from app.report.pdf_flow import Box, Stack
from app.report.pdf_pieces import Picture
from app.report.pdf_text import plain_lines
from app.report.pdf_words import BODY, FIGURE_TITLE, SMALL, Style
from app.report.score_bar import HEIGHT, score_bar


class Figures:
    """Makes boxes of figures, and keeps the shapes of charts that were laid out before."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[int, float, float], tuple[Any, Any]] = {}

    def box(self, figure: Figure, width: float, title: Style = FIGURE_TITLE) -> Box:
        """The title, the chart and what it was made with, never apart."""
        spec = figure.spec
        key = (id(spec), width, figure.height)
        if key not in self._drawn:
            # The spec is kept with its shapes, so that its id stays its own.
            self._drawn[key] = (
                spec,
                layout(safe_spec(spec, fonts.shown), width, figure.height, fonts.measure),
            )
        drawn = self._drawn[key][1]
        boxes: list[Box] = []
        if spec.title:
            boxes.append(plain_lines(words.one_line(spec.title, 400), title, width))
        boxes.append(Picture(drawn.shapes, drawn.height).spaced(3))
        if caption := caption_of(figure):
            boxes.append(plain_lines(caption, SMALL, width).spaced(5))
        return Stack(boxes)


def score_bar_box(bar: ScoreBar, width: float) -> Box:
    """A score with its parts labelled, or why there is none."""
    if bar.score.refused is not None:
        return plain_lines(words.one_line(bar.score.refused), replace(BODY, role="muted"), width)
    return Picture(score_bar(bar, width, fonts.measure), HEIGHT)
