"""What an instance costs for an hour: dated list prices that come along, and a person's own before them.

A price is never fetched. Every price carries the date as of which somebody wrote it down, and where from; who
prints a price prints the date with it (`Price.remark`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from assessments.profile import Profile
from probes.documents import DocumentError, line_of, read_file, read_yaml
from probes.errors import UsageError

SCHEMA = "loadstone.prices/1"
MAX_PRICE_PER_HOUR = 100_000.0
MAX_BYTES = 1_000_000

_BOOK_KEYS = ("provider", "region", "currency", "as_of", "source", "instances")
_INSTANCE_KEYS = ("per_hour", "vcpus", "memory_gib", "gpus", "gpu")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Price:
    """The list price of one instance for an hour. What the book does not say of the machine is None.

    `own` is True where it comes from a person's own file.
    """

    provider: str
    instance: str
    per_hour: float
    currency: str
    region: str
    as_of: date
    source: str
    vcpus: float | None = None
    memory_gib: float | None = None
    gpus: int = 0
    gpu: str | None = None
    own: bool = False

    @property
    def name(self) -> str:
        """`aws:m7i.large`."""
        return f"{self.provider}:{self.instance}"

    @property
    def remark(self) -> str:
        """What has to stand beside the number wherever it is shown."""
        what = "price from your own book" if self.own else "list price"
        return (
            f"{self.name} in {self.region}: {what} as of {self.as_of.isoformat()} ({self.source}), "
            "check before you decide"
        )

    def to_json(self) -> dict[str, Any]:
        """The price with its origin; what is not known is left out."""
        document = {
            "instance": self.name,
            "per_hour": self.per_hour,
            "currency": self.currency,
            "region": self.region,
            "as_of": self.as_of.isoformat(),
            "source": self.source,
            "own": self.own,
            "vcpus": self.vcpus,
            "memory_gib": self.memory_gib,
            "gpus": self.gpus or None,
            "gpu": self.gpu,
        }
        return {name: value for name, value in document.items() if value is not None}


def price_of_document(document: Mapping[str, Any]) -> Price:
    """The inverse of `Price.to_json`. Raises `UsageError`."""
    try:
        provider, _, instance = str(document["instance"]).partition(":")
        known = {entry.name for entry in fields(Price)} - {"instance", "as_of"}
        values = {key: value for key, value in document.items() if key in known}
        return Price(
            provider=provider, instance=instance, as_of=date.fromisoformat(document["as_of"]), **values
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the price of an instance is not whole ({error}): write it again") from error


def price_for(profile: Profile, looked_up: Price | None = None) -> Price | None:
    """The price of the instance that a profile names and gives no price for; None where it is not needed.

    `looked_up` counts where it is that of the instance, else the bundled book. Raises `UsageError` for an
    instance that the book has not, and for a currency other than the book's.
    """
    name = profile.values.get("instance")
    if name is None or "price_per_replica_hour" in profile.values:
        return None
    price = looked_up
    if price is None or price.name.lower() != str(name).strip().partition("@")[0].lower():
        price = bundled_prices().find(str(name), "give price_per_replica_hour")
    currency = profile.values.get("currency")
    if currency not in (None, price.currency):
        raise UsageError(
            f"the price book has {price.name} in {price.currency}, not in {currency}: leave the currency "
            "out, or give price_per_replica_hour"
        )
    return price


def with_price(profile: Profile, price: Price | None) -> Profile:
    """The profile with that price, said to be declared."""
    if price is None:
        return profile
    said = f"price_per_replica_hour {price.per_hour:g} {price.currency}: {price.remark}"
    declared = {"price_per_replica_hour": said}
    if "currency" not in profile.values:
        declared["currency"] = f"currency {price.currency}: that of the price of {price.name}"
    values = {**profile.values, "price_per_replica_hour": price.per_hour, "currency": price.currency}
    return replace(
        profile, values=MappingProxyType(values), declared=MappingProxyType({**profile.declared, **declared})
    )


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices by name and region; of several regions the first in the book counts unless one is named."""

    prices: tuple[Price, ...]

    def before(self, other: PriceBook) -> PriceBook:
        """Both books; where both price an instance, this one counts."""
        return PriceBook((*self.prices, *other.prices))

    def find(self, name: str, otherwise: str = "give --price, or a book with --prices FILE") -> Price:
        """The price of `aws:m7i.large`, or `aws:m7i.large@eu-west-1`.

        Raises `UsageError` with near names; `otherwise` says what else can be done.
        """
        wanted, _, region = name.strip().partition("@")
        found = [price for price in self.prices if price.name.lower() == wanted.lower()]
        for price in found:
            if not region or price.region == region:
                return price
        if found:
            regions = ", ".join(dict.fromkeys(price.region for price in found))
            raise UsageError(
                f"the price book has {found[0].name} for {regions} only, not for '{region}': {otherwise}"
            )
        names = list(dict.fromkeys(price.name for price in self.prices))
        near = get_close_matches(wanted, names, n=3)
        hint = f"near it are {', '.join(near)}" if near else f"it has for example {', '.join(names[:3])}"
        raise UsageError(f"the price book does not know '{name}': {hint}; or {otherwise}")


@cache
def bundled_prices() -> PriceBook:
    """The list prices that come with Loadstone."""
    data = (files("resources.prices") / "prices.yaml").read_bytes()
    return read_prices(data, "prices.yaml")


def load_prices(own: Path | None = None) -> PriceBook:
    """The bundled prices, with a person's own book before them. Raises `UsageError`."""
    bundled = bundled_prices()
    if own is None:
        return bundled
    return read_prices(read_file(own, max_bytes=MAX_BYTES), str(own), own=True).before(bundled)


def read_prices(data: bytes, name: str, *, own: bool = False) -> PriceBook:
    """The prices in a `loadstone.prices/1` document. Raises `UsageError` with file and line."""
    document = read_yaml(data, name)
    reader = _Reader(name, own)
    reader.keys(document, "a price book", ("schema", "books"), ("schema", "books"))
    if document["schema"] != SCHEMA:
        raise reader.wrong(document, "schema", f"the schema is {document['schema']!r}: write {SCHEMA}")
    books = document["books"]
    if not isinstance(books, list) or not books:
        raise reader.wrong(document, "books", "books has to be a list with at least one book")
    return PriceBook(tuple(price for book in books for price in reader.book(book)))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Checks one document; every fault names the file and, where it is known, the line."""

    name: str
    own: bool

    def wrong(self, node: Any, key: str | None, what: str) -> DocumentError:
        return DocumentError(self.name, line_of(node, key), what)

    def keys(self, node: Any, what: str, known: Iterable[str], needed: Iterable[str]) -> None:
        known = list(known)
        if not isinstance(node, Mapping):
            raise self.wrong(node, None, f"{what} has to be a mapping with {', '.join(known)}")
        for key in node:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise self.wrong(node, key, f"{what} has no '{key}': {hint}")
        for key in needed:
            if key not in node:
                raise self.wrong(node, None, f"{what} lacks '{key}'")

    def book(self, node: Any) -> list[Price]:
        self.keys(node, "a book", _BOOK_KEYS, _BOOK_KEYS)
        provider, region = (self._word(node, key) for key in ("provider", "region"))
        currency = node["currency"]
        if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency):
            raise self.wrong(
                node, "currency", f"{currency!r} is no currency: write three letters such as USD"
            )
        source = node["source"]
        if not isinstance(source, str) or not 0 < len(source) <= 500:
            raise self.wrong(node, "source", "the source has to say in a line where the prices come from")
        as_of = self._date(node)
        instances = node["instances"]
        if not isinstance(instances, Mapping) or not instances:
            raise self.wrong(node, "instances", "instances has to be a mapping of names to prices")
        prices = []
        for instance, entry in instances.items():
            if not isinstance(instance, str) or not _WORD.fullmatch(instance):
                raise self.wrong(instances, instance, f"{instance!r} is no name of an instance")
            self.keys(entry, f"the instance {instance}", _INSTANCE_KEYS, ("per_hour",))
            gpu = entry.get("gpu")
            if gpu is not None and not isinstance(gpu, str):
                raise self.wrong(entry, "gpu", f"the gpu of {instance} has to be a name")
            prices.append(
                Price(
                    provider=provider,
                    instance=instance,
                    per_hour=self._number(entry, "per_hour", MAX_PRICE_PER_HOUR),
                    currency=currency,
                    region=region,
                    as_of=as_of,
                    source=source,
                    vcpus=self._optional(entry, "vcpus"),
                    memory_gib=self._optional(entry, "memory_gib"),
                    gpus=int(self._optional(entry, "gpus") or 0),
                    gpu=gpu,
                    own=self.own,
                )
            )
        return prices

    def _word(self, node: Mapping[str, Any], key: str) -> str:
        text = node[key]
        if not isinstance(text, str) or not _WORD.fullmatch(text):
            raise self.wrong(node, key, f"{text!r} is no {key}: write letters, digits, '.', '_' and '-'")
        return text

    def _date(self, node: Mapping[str, Any]) -> date:
        text = node["as_of"]
        try:
            found = date.fromisoformat(text)
            if found.isoformat() == text:
                return found
        except (TypeError, ValueError):
            pass
        raise self.wrong(node, "as_of", f"{text!r} is no date: write it as 2025-01-15")

    def _optional(self, node: Mapping[str, Any], key: str) -> float | None:
        return self._number(node, key, 1e6) if key in node else None

    def _number(self, node: Mapping[str, Any], key: str, most: float) -> float:
        value = node[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise self.wrong(node, key, f"{key} is {value!r}: write a number above 0, at most {most:g}")
        if not math.isfinite(value):
            raise self.wrong(node, key, f"{key} has to be finite")
        return float(value)
