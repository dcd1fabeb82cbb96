"""A shop and its recommender: what to show beside the basket, out of some 20,000 items.

    history + basket ─► retrieve: 200 of all items, by exact dot product
                        rank:     16 features a candidate; the chance of a click times that of a purchase,
                                  1,500 boosted trees each
                        rules:    in stock, not in the basket already, not too much of one category
                        ─► the k best

The data are drawn from a seed: items lie around the centres of their categories, users favour a few
categories, and the ranking models are trained, when the shop opens, on clicks and purchases drawn from a
hidden rule.
Every request takes the same steps over arrays of the same sizes: what is asked hardly changes what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from resources.demo.trees import BoostedTrees, Floats, grow

Integers = NDArray[np.int64]

DIMENSIONS: Final = 64
CATEGORIES: Final = 40
BRANDS: Final = 300
USERS: Final = 5_000
HISTORY: Final = 50
CANDIDATES: Final = 200
FEATURES: Final = 16
TREES: Final = 1_500
DEPTH: Final = 6
MAX_BASKET: Final = 50
MAX_K: Final = 50
MAX_PER_CATEGORY: Final = 4
RECENT: Final = 10
"""The last purchases that say what a user is after now."""

TRAINING_USERS: Final = 30


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items, a column each (row = item id); ids are in order of category, embeddings of length 1."""

    embeddings: Floats
    category: Integers
    brand: Integers
    price: Floats
    discount: Floats
    log_popularity: Floats
    rating: Floats
    log_age_days: Floats
    stock: Integers


@dataclass(frozen=True, slots=True)
class Users:
    """The user base: purchases (users, HISTORY), latest last, and what is precomputed from them."""

    history: Integers
    category_share: Floats
    log_usual_price: Floats


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One item to show, the chance that it sells when shown, to six digits, and what the page needs."""

    item: int
    score: float
    category: int
    price: float


class Shop:
    """The recommender with everything it knows. One request at a time: the work buffers are shared."""

    def __init__(self, items: int = 20_000, seed: int = 7) -> None:
        """Draws the shop and trains its ranking models. Fewer than 1,000 `items` are a ValueError."""
        if items < 1_000:
            raise ValueError(f"a shop needs at least 1000 items, not {items}")
        rng = np.random.default_rng(seed)
        self.items, self.users = items, USERS
        self._catalogue = _draw_catalogue(items, rng)
        self._known = _draw_users(self._catalogue, rng)
        self._recency = (0.96 ** np.arange(HISTORY - 1, -1, -1)).astype(np.float32)
        self._similarity = np.empty(items, np.float32)
        self._features = np.empty((FEATURES, CANDIDATES), np.float32)
        self._click, self._purchase = self._train(rng)

    def recommend(self, user: int, basket: list[int], k: int) -> list[Recommendation]:
        """The `k` items to show, best first; `user`, `basket` and `k` must be in range (see `check`)."""
        candidates, similarity = self._retrieve(user, basket)
        features = self._describe(user, basket, candidates, similarity)
        chance = _chance(self._click.score(features)) * _chance(self._purchase.score(features))
        return self._select(candidates, np.round(chance, 6), basket, k)

    def check(self, user: int, basket: list[int], k: int) -> str | None:
        """Why this request cannot be answered, in a sentence; None when it can."""
        if not 0 <= user < self.users:
            return f"user {user} is unknown: users are 0 to {self.users - 1}"
        if not 1 <= k <= MAX_K:
            return f"k must be 1 to {MAX_K}, not {k}"
        if len(basket) > MAX_BASKET:
            return f"a basket holds at most {MAX_BASKET} items, not {len(basket)}"
        for item in basket:
            if not 0 <= item < self.items:
                return f"item {item} is unknown: items are 0 to {self.items - 1}"
        return None

    def _retrieve(self, user: int, basket: list[int]) -> tuple[Integers, Floats]:
        """The CANDIDATES items nearest to what the user likes, in order of id, and their dot products."""
        embeddings = self._catalogue.embeddings
        wish = self._recency @ embeddings[self._known.history[user]] / self._recency.sum()
        if basket:
            wish = 0.5 * wish + 0.5 * embeddings[basket].mean(axis=0)
        wish /= np.linalg.norm(wish)
        np.dot(embeddings, wish, out=self._similarity)
        candidates = np.argpartition(self._similarity, self.items - CANDIDATES)[-CANDIDATES:]
        candidates.sort()
        return candidates, self._similarity[candidates]

    def _describe(self, user: int, basket: list[int], candidates: Integers, similarity: Floats) -> Floats:
        """The features (FEATURES, CANDIDATES) the ranking models see; the last four are crosses of others."""
        items, known, rows = self._catalogue, self._known, self._features
        history = known.history[user]
        nearby = items.embeddings[candidates]
        category = items.category[candidates]
        share = known.category_share[user, category]
        price_gap = np.log(items.price[candidates]) - known.log_usual_price[user]
        rows[0] = similarity
        rows[1] = (nearby @ items.embeddings[basket].T).max(axis=1) if basket else 0.0
        rows[2] = (nearby @ items.embeddings[history[-RECENT:]].T).mean(axis=1)
        rows[3] = np.isin(category, items.category[basket]) if basket else 0.0
        rows[4] = share
        rows[5] = (items.brand[candidates][:, None] == items.brand[history]).mean(axis=1)
        rows[6] = price_gap
        rows[7] = np.abs(price_gap)
        rows[8] = items.discount[candidates]
        rows[9] = items.log_popularity[candidates]
        rows[10] = items.rating[candidates]
        rows[11] = items.log_age_days[candidates]
        rows[12] = similarity * share
        rows[13] = similarity * rows[9]
        rows[14] = price_gap * rows[8]
        rows[15] = rows[10] * rows[9]
        return rows

    def _select(
        self, candidates: Integers, chance: NDArray[np.float64], basket: list[int], k: int
    ) -> list[Recommendation]:
        """The business rules. What only the limit a category kept out fills up a list that would be short."""
        items = self._catalogue
        best_first = np.lexsort((candidates, -chance))
        best_first = best_first[items.stock[candidates[best_first]] > 0]
        in_basket, shown = set(basket), [0] * CATEGORIES
        chosen: list[int] = []
        kept_out: list[int] = []
        for place, item in enumerate(candidates[best_first].tolist()):
            if item in in_basket:
                continue
            category = int(items.category[item])
            if shown[category] == MAX_PER_CATEGORY:
                kept_out.append(place)
                continue
            shown[category] += 1
            chosen.append(place)
            if len(chosen) == k:
                break
        chosen += kept_out[: k - len(chosen)]
        rows = best_first[sorted(chosen)]
        return [
            Recommendation(item, score, int(items.category[item]), round(float(items.price[item]), 2))
            for item, score in zip(candidates[rows].tolist(), chance[rows].tolist(), strict=True)
        ]

    def _train(self, rng: np.random.Generator) -> tuple[BoostedTrees, BoostedTrees]:
        """Models of a click and of a purchase after it, from a hidden rule and the shop's own candidates."""
        shown = []
        for user in rng.integers(0, self.users, TRAINING_USERS).tolist():
            basket = rng.integers(0, self.items, 2).tolist()
            shown.append(self._describe(user, basket, *self._retrieve(user, basket)).copy())
        f = np.concatenate(shown, axis=1)
        liking = 3.0 * f[0] + 1.5 * f[1] + 0.6 * f[3] + 2.0 * f[4] + 4.0 * f[5] + 0.15 * f[9] - 4.0
        value = 0.8 * (f[10] - 3.5) - 0.9 * f[7] + 3.0 * f[8] * (f[6] > 0)
        clicked = rng.random(liking.size) < _chance(liking)
        bought = rng.random(value.size) < _chance(value)

        def model(features: Floats, happened: NDArray[np.bool_]) -> BoostedTrees:
            return grow(features, happened, trees=TREES, depth=DEPTH, rows=CANDIDATES, rng=rng)

        return model(f, clicked), model(f[:, clicked], bought[clicked])


def _chance(log_odds: Floats) -> NDArray[np.float64]:
    """The probability of which `log_odds` are the log-odds."""
    return 1.0 / (1.0 + np.exp(-log_odds.astype(np.float64)))


def _draw_catalogue(items: int, rng: np.random.Generator) -> Catalogue:
    """Items around the centres of their categories, on the unit sphere; their popularity is a power law."""
    category = np.sort(rng.integers(0, CATEGORIES, items))
    centres = rng.standard_normal((CATEGORIES, DIMENSIONS), np.float32)
    embeddings = centres[category] + 1.2 * rng.standard_normal((items, DIMENSIONS), np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    usual_price = rng.uniform(2.0, 5.0, CATEGORIES)
    stock = rng.poisson(30.0, items)
    stock[rng.random(items) < 0.08] = 0
    return Catalogue(
        embeddings=np.ascontiguousarray(embeddings, np.float32),
        category=category,
        brand=rng.integers(0, BRANDS, items),
        price=np.exp(usual_price[category] + 0.4 * rng.standard_normal(items)).astype(np.float32),
        discount=np.where(rng.random(items) < 0.2, rng.uniform(0.05, 0.5, items), 0.0).astype(np.float32),
        log_popularity=np.log1p(rng.pareto(1.2, items) * 20.0).astype(np.float32),
        rating=np.clip(rng.normal(3.9, 0.6, items), 1.0, 5.0).astype(np.float32),
        log_age_days=np.log1p(rng.exponential(400.0, items)).astype(np.float32),
        stock=stock,
    )


def _draw_users(catalogue: Catalogue, rng: np.random.Generator) -> Users:
    """Purchases out of three favourite categories a user, the popular items more often."""
    items = catalogue.category.size
    by_popularity = np.lexsort((-catalogue.log_popularity, catalogue.category))
    begin = np.searchsorted(catalogue.category, np.arange(CATEGORIES + 1))
    favourites = rng.integers(0, CATEGORIES, (USERS, 3))
    bought_in = np.take_along_axis(favourites, rng.integers(0, 3, (USERS, HISTORY)), axis=1)
    size = begin[bought_in + 1] - begin[bought_in]
    place = begin[bought_in] + (size * rng.random((USERS, HISTORY)) ** 2).astype(np.int64)
    history = by_popularity[np.minimum(place, items - 1)]
    share = np.zeros((USERS, CATEGORIES), np.float32)
    np.add.at(share, (np.arange(USERS)[:, None], catalogue.category[history]), np.float32(1.0 / HISTORY))
    return Users(
        history=history,
        category_share=share,
        log_usual_price=np.log(catalogue.price[history]).mean(axis=1, dtype=np.float32),
    )
