"""Addresses find the module that reads them, and options that a kind does not take are refused."""

from __future__ import annotations

import pytest

from probes.errors import UsageError
from probes.targets.http import HttpTarget
from probes.targets.kinds import CODE, MODULES, options_of, parse_target, scheme_of


@pytest.mark.parametrize("scheme", [*MODULES])
def test_every_kind_reads_an_address_without_a_server(scheme: str) -> None:
    """Reading sends nothing, so that a run file can be checked before its target is started."""
    assert "allow_remote" in options_of(scheme)
    assert scheme_of(f"{scheme.upper()}://127.0.0.1:1/x") == scheme


def test_the_options_reach_the_target() -> None:
    target = parse_target("http://127.0.0.1:9/x", {"method": "PUT", "body": b"{}"})
    assert isinstance(target, HttpTarget)
    assert (target.method, target.bodies) == ("PUT", (b"{}",))


def test_an_option_of_another_kind_is_named() -> None:
    with pytest.raises(UsageError, match=r"^--spread is not for a target of the kind http: leave it out$"):
        parse_target("http://127.0.0.1:9/x", {"spread": True})


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://127.0.0.1/x", "no kind of target known here"),
        ("htpp://127.0.0.1/x", "did you mean http:"),
        ("127.0.0.1:8000/x", "no address of a target"),
        ("", "no address of a target"),
    ],
)
def test_an_unknown_kind_is_refused_with_the_nearest(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_target(address, {})


def test_code_is_known_by_its_scheme() -> None:
    assert [scheme_of(f"{name}:a:b") for name in CODE] == list(CODE)


@pytest.mark.parametrize("address", ["grpc://127.0.0.1:9/a.B/C", "kserve+grpc://127.0.0.1:9/m"])
def test_a_missing_extra_is_named_with_the_line_that_installs_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "probes.targets.grpc_call.find_spec", lambda name: None if name == "hpack" else object()
    )
    with pytest.raises(UsageError, match=r'needs hpack: install with pip install "loadstone\[grpc\]"$'):
        parse_target(address, {})
