"""Keeps answers and a title of one number in the store at argv[1], and says each number that is kept.

Goes on until it is killed.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace

from assessments.store import Answer, Setup, open_store


def main(url: str) -> None:
    with open_store(url) as store:
        for number in itertools.count(1):
            answers = [
                Answer(f"INF-{index:02}", state="unsure", note=str(number)) for index in range(number % 7 + 1)
            ]
            store.keep("checkout", answers, lambda present, title=str(number): titled(present, title))
            print(number, flush=True)


def titled(present: Setup, title: str) -> Setup:
    return replace(present, title=title)


if __name__ == "__main__":
    main(sys.argv[1])
