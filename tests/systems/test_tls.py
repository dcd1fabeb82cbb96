"""https:// targets: certificates made for the test, and servers that keep to TLS or do not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from probes.errors import TargetError, UsageError
from probes.load.spec import ClosedSegment
from probes.targets.http import parse_target

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
SERVER = "tests/systems/servers/tls_server.py"
Start = Callable[..., Any]


KEY = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: Path
    key: Path


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def signed(folder: Path, name: str, authority: Pair, *, host: str = "localhost", days: str = "2") -> Pair:
    """A certificate for `host` (and 127.0.0.1), signed by the authority."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    request, more = folder / f"{name}.csr", folder / f"{name}.cnf"
    address = ",IP:127.0.0.1" if host == "localhost" else ""
    more.write_text(f"subjectAltName=DNS:{host}{address}\n")
    openssl("req", "-newkey", *KEY, "-nodes", "-keyout", pair.key, "-out", request, "-subj", f"/CN={host}")
    openssl(
        *("x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey", authority.key),
        *("-CAcreateserial", "-days", days, "-extfile", more, "-out", pair.certificate),
    )
    return pair


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Pair:
    pair = Pair(folder / "authority.pem", folder / "authority.key")
    openssl(
        *("req", "-x509", "-newkey", *KEY, "-nodes", "-keyout", pair.key, "-out", pair.certificate),
        *("-days", 2, "-subj", "/CN=Authority of a test", "-addext", "keyUsage=keyCertSign"),
    )
    return pair


@pytest.fixture(scope="module")
def good(folder: Path, authority: Pair) -> Pair:
    return signed(folder, "good", authority)


@pytest.fixture
def secure(start_server: Start, good: Pair) -> Start:
    """Starts a server of one mode; its address is by name, as certificates want it."""

    def start(mode: str = "good", pair: Pair = good) -> str:
        server = start_server(SERVER, "--certificate", pair.certificate, "--key", pair.key, "--mode", mode)
        return f"https://localhost:{server.port}/"

    return start


def test_verified_load_is_answered_stamped_and_told(secure: Start, authority: Pair, probe: Start) -> None:
    """Every request is answered, over connections that stay; the kernel's stamps come as without TLS."""
    ca = str(authority.certificate)
    told = probe(secure(), rate=100, target={"ca": ca})
    assert (told.step["sent"], told.step["ok"]) == (100, 100)
    assert told.result["target"]["address"].startswith("https://localhost:")
    assert told.result["target"]["tls"] == {"verified": True, "ca": ca}
    assert told.result["client"]["kernel_stamps"]


def test_a_closed_loop_over_tls_keeps_its_callers(secure: Start, authority: Pair, probe: Start) -> None:
    told = probe(
        secure(), segments=(ClosedSegment(4, 0.5),), warmup_s=0.0, target={"ca": str(authority.certificate)}
    )
    assert told.step["ok"] == told.step["sent"] > 8
    assert 3 < told.step["concurrency"] <= 4.01


def test_answers_longer_than_a_record_come_whole(secure: Start, authority: Pair, engine: Start) -> None:
    found = engine(secure("large"), rate=20, ca=str(authority.certificate))
    assert found.step.ok == found.step.sent == 20
    assert found.bytes_read > 20 * 300_000


@pytest.mark.parametrize("how", ["unknown", "expired", "other name", "itself"])
def test_a_certificate_that_does_not_hold_is_refused_before_any_load(
    how: str, secure: Start, authority: Pair, folder: Path
) -> None:
    ca: str | None = str(authority.certificate)
    pair = signed(folder, "good-too", authority)
    if how == "unknown":
        ca = None
    elif how == "expired":
        pair = signed(folder, "expired", authority, days="0")
    elif how == "other name":
        pair = signed(folder, "other", authority, host="elsewhere.example")
    else:
        pair = Pair(folder / "self.pem", folder / "self.key")
        openssl(
            *("req", "-x509", "-newkey", *KEY, "-nodes", "-keyout", pair.key, "-days", 2),
            *("-out", pair.certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        )
    url = secure(pair=pair)
    with pytest.raises(TargetError, match=r"certificate is not accepted.*--ca.*--insecure"):
        parse_target(url, ca=ca).check(10.0)
    assert parse_target(url, insecure=True).check(10.0).status == 200


def test_under_load_a_certificate_that_does_not_hold_is_an_error_of_tls(secure: Start, engine: Start) -> None:
    found = engine(secure(), rate=20)
    assert found.step.errors["tls"] == found.step.sent > 0
    assert found.step.ok == 0
    assert any("certificate is not accepted" in text for text in found.notes.values())


def test_a_handshake_without_an_end_is_given_up(secure: Start, authority: Pair, engine: Start) -> None:
    found = engine(secure("silent"), rate=20, seconds=0.5, timeout_s=0.5, ca=str(authority.certificate))
    step = found.step
    assert step.ok == 0
    assert step.errors["tls"] + step.unsent + step.timeouts + step.cancelled == step.scheduled == 10
    assert step.errors["tls"] > 0
    assert any("handshake took too long" in text for text in found.notes.values())


def test_what_speaks_no_tls_is_told(secure: Start, authority: Pair) -> None:
    with pytest.raises(TargetError, match="does not speak TLS"):
        parse_target(secure("plain"), ca=str(authority.certificate)).check(10.0)


@pytest.mark.parametrize(("mode", "ok"), [("ends", 20), ("cut", 0)])
def test_an_answer_without_a_length_is_whole_only_if_the_session_was_ended(
    mode: str, ok: int, secure: Start, authority: Pair, engine: Start
) -> None:
    """Whoever cuts the connection could cut the answer: only the end of the session tells (RFC 8446, 6.1)."""
    found = engine(secure(mode), rate=20, ca=str(authority.certificate))
    assert (found.step.ok, found.step.errors["tls"]) == (ok, 20 - ok)


def test_options_of_tls_are_checked(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no certificate\n")
    for url, options, said in (
        ("http://127.0.0.1:9/", {"insecure": True}, "for https:// targets"),
        ("https://127.0.0.1:9/", {"ca": str(nothing)}, "holds no certificates"),
        ("https://127.0.0.1:9/", {"ca": str(tmp_path / "none.pem")}, "cannot be used"),
        ("https://127.0.0.1:9/", {"ca": str(nothing), "insecure": True}, "leave out --ca or --insecure"),
    ):
        with pytest.raises(UsageError, match=said):
            parse_target(url, **options)
