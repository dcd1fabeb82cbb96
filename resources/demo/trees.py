"""The ranking model: gradient-boosted symmetric trees, grown and evaluated with numpy.

A symmetric tree asks the same question on every branch of a level, so a tree of depth d is d questions and a
table of 2**d leaf values; the answers to the questions, read as binary digits, are the row of the table.
(The form is CatBoost's, and so is the usual depth of 6.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TREES_PER_BLOCK = 50
"""Trees evaluated in one go: the working set of a block (some 450 kB for 200 rows) stays in the core's own
cache, so that neighbours on the machine's shared memory bus hardly change how long a ranking takes."""


class BoostedTrees:
    """A sum of symmetric trees over `rows` candidates at a time.

    Not thread-safe: the buffers are allocated once, so that an evaluation asks the allocator for nothing and
    equal inputs pass through equal addresses, hence give equal bits.
    """

    def __init__(self, questions: NDArray[np.intp], thresholds: Floats, leaves: Floats, rows: int) -> None:
        """`questions`: features asked about, and `thresholds` (trees, depth); `leaves` (trees, 2**depth)."""
        trees, depth = questions.shape
        if trees % TREES_PER_BLOCK:
            raise ValueError(f"the number of trees must be a multiple of {TREES_PER_BLOCK}, not {trees}")
        self.trees, self.depth, self.rows = trees, depth, rows
        blocks = trees // TREES_PER_BLOCK
        # Level by level within a block, so that each level is one contiguous slab.
        by_level = (blocks, TREES_PER_BLOCK, depth)
        self._questions = np.ascontiguousarray(questions.reshape(by_level).transpose(0, 2, 1)).reshape(
            blocks, -1
        )
        self._thresholds = np.ascontiguousarray(thresholds.reshape(by_level).transpose(0, 2, 1))[..., None]
        self._leaves = np.ascontiguousarray(leaves.reshape(blocks, -1))
        self._first_leaf = (np.arange(TREES_PER_BLOCK, dtype=np.intp) << depth)[:, None]

        self._asked = np.empty((depth * TREES_PER_BLOCK, rows), np.float32)
        self._answers = np.empty((depth, TREES_PER_BLOCK, rows), np.bool_)
        self._leaf = np.empty((TREES_PER_BLOCK, rows), np.intp)
        self._values = np.empty((TREES_PER_BLOCK, rows), np.float32)

    def score(self, features: Floats) -> Floats:
        """The log-odds of each column of `features` (features, rows)."""
        total = np.zeros(self.rows, np.float32)
        asked_by_level = self._asked.reshape(self._answers.shape)
        # mode="clip": with the default, numpy would check the indices and fill a copy of `out` first.
        for questions, thresholds, leaves in zip(
            self._questions, self._thresholds, self._leaves, strict=True
        ):
            np.take(features, questions, axis=0, out=self._asked, mode="clip")
            np.greater(asked_by_level, thresholds, out=self._answers)
            np.copyto(self._leaf, self._answers[0])
            for answers in self._answers[1:]:
                np.left_shift(self._leaf, 1, out=self._leaf)
                np.add(self._leaf, answers, out=self._leaf)
            np.add(self._leaf, self._first_leaf, out=self._leaf)
            np.take(leaves, self._leaf, out=self._values, mode="clip")
            total += self._values.sum(axis=0)
        return total


def grow(
    features: Floats,
    happened: NDArray[np.bool_],
    *,
    trees: int,
    depth: int,
    rows: int,
    rng: np.random.Generator,
) -> BoostedTrees:
    """Boosts `trees` trees on the log-loss of `happened` for the columns of `features` (features, n).

    Each question is a random feature with a random threshold of the data, and only the leaves are fitted,
    by one Newton step (extremely randomised trees: Geurts, Ernst, Wehenkel 2006; the step: Friedman 2001).
    Enough trees make up for the careless questions, and a thousand grow in a fraction of a second.
    """
    learning_rate, prior_weight = 0.08, 4.0
    count, samples = features.shape
    questions = rng.integers(0, count, (trees, depth))
    thresholds = features[questions, rng.integers(0, samples, (trees, depth))]
    leaves = np.zeros((trees, 1 << depth), np.float32)
    digits = 1 << np.arange(depth - 1, -1, -1)
    log_odds = np.zeros(samples)
    for tree in range(trees):
        leaf = digits @ (features[questions[tree]] > thresholds[tree][:, None])
        chance = 1.0 / (1.0 + np.exp(-log_odds))
        slope = np.bincount(leaf, happened - chance, 1 << depth)
        weight = np.bincount(leaf, chance * (1.0 - chance), 1 << depth)
        leaves[tree] = learning_rate * slope / (weight + prior_weight)
        log_odds += leaves[tree][leaf]
    return BoostedTrees(questions, thresholds, leaves, rows)
