"""`show` of a run says whose client made the calls where it was not Loadstone's own."""

from __future__ import annotations

from typing import Any

import pytest

from app.cli.show import foreign_client


@pytest.mark.parametrize(
    ("result", "client"),
    [
        ({"target": {"client": "grpcio"}}, "grpcio"),
        ({"target": {"streams": 16}}, None),
        ({"target": None}, None),
        ({}, None),
        ({"target": {"client": 3}}, None),
    ],
)
def test_the_client_is_named_where_it_is_not_ours(result: dict[str, Any], client: str | None) -> None:
    assert foreign_client(result) == client
