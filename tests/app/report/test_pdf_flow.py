"""How boxes fall into pages."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.report.pdf_flow import Box, Stack, pages
from app.report.pdf_text import plain_lines
from app.report.pdf_words import BODY, HEADING

FULL = 300.0
BLOCKS = st.lists(st.tuples(st.booleans(), st.integers(1, 60), st.floats(0, 30)), min_size=1, max_size=40)


def box(heading: bool, lines: int, before: float) -> Box:
    """A heading, or text of some lines."""
    if heading:
        return plain_lines("Heading", HEADING, 200).spaced(before, keep=True)
    return plain_lines("line\n" * lines, BODY, 200).spaced(before)


def flat(stack: Stack) -> list[Box]:
    """The boxes of a page, those of stacks within it too."""
    return [
        inner for entry in stack.boxes for inner in (flat(entry) if isinstance(entry, Stack) else [entry])
    ]


@settings(max_examples=300, deadline=None)
@given(blocks=BLOCKS)
def test_no_page_is_too_full_none_is_empty_and_no_heading_ends_one(
    blocks: list[tuple[bool, int, float]],
) -> None:
    made = list(pages(Stack([box(*block) for block in blocks]), FULL))
    for number, page in enumerate(made):
        assert page.boxes
        assert page.height <= FULL + 1e-6
        last = flat(page)[-1]
        if number < len(made) - 1 and last.keep:
            # Only a run of headings as high as a page has nowhere to go.
            assert all(entry.keep for entry in flat(page))
    shown = sum(len(entry.lines) for page in made for entry in flat(page))  # type: ignore[attr-defined]
    given_lines = sum(1 if heading else lines for heading, lines, _ in blocks)
    assert shown == given_lines


def test_text_that_fits_on_an_empty_page_is_not_split() -> None:
    first = plain_lines("line\n" * 15, BODY, 200)
    second = plain_lines("line\n" * 15, BODY, 200).spaced(5)
    made = list(pages(Stack([first, second]), FULL))
    assert [len(flat(page)) for page in made] == [1, 1]


def test_text_higher_than_a_page_goes_on_over_pages() -> None:
    made = list(pages(Stack([plain_lines("line\n" * 100, BODY, 200)]), FULL))
    assert len(made) == -(-100 * BODY.leading // FULL)
