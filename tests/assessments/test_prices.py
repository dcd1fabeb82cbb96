"""The price book: dated, editable, strict, and never taken for a live price."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assessments.assessment import rescored
from assessments.claims import read_answers
from assessments.prices import bundled_prices, load_prices, read_prices
from probes.errors import UsageError

OWN = """schema: loadstone.prices/1
books:
  - provider: aws
    region: eu-central-1
    currency: EUR
    as_of: 2026-02-03
    source: our contract
    instances:
      m7i.large: {per_hour: 0.07}
      on: {per_hour: 1, vcpus: 2, memory_gib: 4, gpus: 1, gpu: NVIDIA T4}
"""


def test_the_bundled_book_has_the_three_clouds_with_dates_and_sources() -> None:
    prices = bundled_prices().prices
    assert {price.provider for price in prices} == {"aws", "azure", "gcp"}
    for provider in ("aws", "azure", "gcp"):
        mine = [price for price in prices if price.provider == provider]
        assert len(mine) >= 8
        assert any(price.gpus for price in mine)
        assert any(not price.gpus for price in mine)
    for price in prices:
        assert price.currency == "USD"
        assert price.as_of <= date(2026, 12, 31)
        assert price.source
        assert price.vcpus
        assert price.memory_gib
    assert len({(price.name, price.region) for price in prices}) == len(prices)


def test_sizes_of_a_family_cost_in_proportion() -> None:
    book = bundled_prices()
    for family, sizes in (
        ("aws:m7i", {"large": 1, "xlarge": 2, "2xlarge": 4}),
        ("aws:c7i", {"large": 1, "xlarge": 2, "2xlarge": 4}),
    ):
        unit = book.find(f"{family}.large").per_hour
        for size, factor in sizes.items():
            assert book.find(f"{family}.{size}").per_hour == pytest.approx(factor * unit)
    assert book.find("azure:Standard_D4s_v5").per_hour == 2 * book.find("azure:Standard_D2s_v5").per_hour


def test_a_price_is_shown_with_its_date_and_the_advice_to_check() -> None:
    price = load_prices().find("AWS:m7i.large")
    assert price.per_hour == 0.1008
    assert f"list price as of {price.as_of.isoformat()}" in price.remark
    assert "check before you decide" in price.remark
    assert price.to_json()["as_of"] == price.as_of.isoformat()


def test_a_book_of_ones_own_goes_before(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(OWN)
    book = load_prices(tmp_path / "prices.yaml")
    mine = book.find("aws:m7i.large")
    assert (mine.per_hour, mine.currency, mine.own) == (0.07, "EUR", True)
    assert "your own book as of 2026-02-03 (our contract)" in mine.remark
    assert book.find("aws:m7i.large@us-east-1").per_hour == 0.1008
    assert book.find("aws:on").gpu == "NVIDIA T4"
    assert book.find("aws:c7i.large").own is False


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("aws:m7i.lrge", "near it are aws:m7i.large"),
        ("quantum", "does not know 'quantum'"),
        ("aws:m7i.large@mars-1", "for us-east-1 only"),
    ],
)
def test_an_unknown_instance_names_near_ones(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bundled_prices().find(name)


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("schema: loadstone.prices/1", "schema: loadstone.prices/2", 1, "write loadstone.prices/1"),
        ("per_hour: 0.07", "per_hour: -1", 9, "per_hour is -1.0?"),
        ("per_hour: 0.07", "per_hour: free", 9, "per_hour is 'free'"),
        ("per_hour: 0.07", "per_houre: 0.07", 9, "did you mean per_hour"),
        ("{per_hour: 0.07}", "0.07", None, "has to be a mapping"),
        ("as_of: 2026-02-03", "as_of: 2026-02-30", 6, "is no date"),
        ("currency: EUR", "currency: euro", 5, "is no currency"),
        ("    region: eu-central-1\n", "", 3, "lacks 'region'"),
        ("source: our contract", "source: ''", 7, "where the prices come from"),
        ("aws", "a w s", 3, "is no provider"),
        ("m7i.large: {per_hour: 0.07}", "m7i.large: {per_hour: .inf}", 9, "no number"),
        ("      on:", "      m7i.large:", 10, "twice"),
        ("books:", "book:", None, "did you mean books"),
    ],
)
def test_a_fault_in_a_book_is_named_with_file_and_line(
    before: str, after: str, line: int | None, said: str
) -> None:
    assert before in OWN
    with pytest.raises(UsageError, match=said) as caught:
        read_prices(OWN.replace(before, after, 1).encode(), "mine.yaml")
    assert str(caught.value).startswith("mine.yaml" if line is None else f"mine.yaml, line {line}:")


def test_a_book_that_is_not_there_or_too_large_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_prices(tmp_path / "none.yaml")
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(UsageError, match="larger than 1 MB"):
        load_prices(tmp_path / "big.yaml")


# the price of an assessed system


def test_the_book_prices_the_instance_of_a_profile_that_gives_no_price(scene: Any) -> None:
    priced = scene.of(price_per_replica_hour=None, currency=None, instance="aws:m7i.large")
    document = priced.assessed().to_json()
    found = document["forecast"]
    assert found["price_per_replica_hour"] == 0.1008
    # 0.1008 x 10^6 / (3600 x 50 x 0.7)
    assert found["cost_per_million"]["value"] == pytest.approx(0.8)
    assert found["cost_per_million"]["currency"] == "USD"
    assert (found["price"]["instance"], found["price"]["as_of"]) == ("aws:m7i.large", "2026-07-20")
    assert "price_per_replica_hour" not in document["profile"], "nobody gave it"
    declared = {entry["key"]: entry["note"] for entry in document["profile_declared"]}
    assert "list price as of 2026-07-20" in declared["price_per_replica_hour"]


def test_a_price_that_was_looked_up_stays_what_it_was(scene: Any) -> None:
    priced = scene.of(price_per_replica_hour=None, currency=None, instance="aws:m7i.large")
    document = priced.assessed().to_json()
    assert rescored(document) == document
    document["price"] |= {"per_hour": 0.2016, "as_of": "2026-02-01"}
    again = rescored(document)["forecast"]
    assert again["price_per_replica_hour"] == 0.2016
    assert again["price"]["as_of"] == "2026-02-01"


def test_a_price_that_was_given_goes_before_the_book(scene: Any) -> None:
    document = scene.of(instance="aws:m7i.large").assessed().to_json()
    assert document["forecast"]["price_per_replica_hour"] == 1.2
    assert "price" not in document
    assert "price" not in document["forecast"]


def test_an_instance_that_cannot_be_priced_is_refused_at_its_line() -> None:
    head = b"schema: loadstone.answers/1\nprofile:\n  target_kind: http\n"
    for more, message in (
        (b"  instance: aws:m7i.larg\n", "answers.yaml, line 4: the price book does not know 'aws:m7i.larg'"),
        (b"  instance: aws:m7i.large\n  currency: EUR\n", "answers.yaml, line 4: the price book has"),
    ):
        with pytest.raises(UsageError, match=message):
            read_answers(head + more + b"answers: {}\n", "answers.yaml")
