"""What only /proc knows."""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probes.watch import procfs
from probes.watch.process import descendants, process_table

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@pytest.fixture
def table() -> procfs.ProcTable:
    return procfs.ProcTable()


def test_linux_is_asked_through_proc() -> None:
    assert isinstance(process_table(), procfs.ProcTable)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="number of a system call")
def test_a_process_whose_main_thread_has_ended_is_alive(
    script: Callable[..., Any], table: procfs.ProcTable, eventually: Callable[..., Any]
) -> None:
    number = {"x86_64": 60, "aarch64": 93}[platform.machine()]
    child = script(f"""
        import ctypes
        threading.Thread(target=signal.sigwait, args=([signal.SIGUSR1],)).start()
        say(1)
        ctypes.CDLL(None).syscall({number}, 0)
        """)
    child.hear()
    process = table.identify(child.pid)
    assert process is not None
    stat = Path(f"/proc/{child.pid}/stat")
    eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    assert table.alive(process)
    gauge = table.gauge(process)
    reading = gauge.read()
    gauge.close()
    assert reading is not None
    assert not reading.ended


def test_children_are_found_where_the_kernel_does_not_list_them(
    script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procfs, "_lists_children", lambda: False)
    parent = script("pid = os.fork()\nif pid == 0: signal.pause()\nsay(pid); heard()")
    pid = parent.hear()
    assert [process.pid for process in descendants(parent.pid)] == [pid]


def test_a_gauge_never_reads_a_later_process_with_the_same_pid(table: procfs.ProcTable) -> None:
    ourselves = table.identify(os.getpid())
    assert ourselves is not None
    earlier = type(ourselves)(ourselves.pid, ourselves.start_time - 1)
    gauge = table.gauge(earlier)
    assert gauge.read() is None
    gauge.close()


def test_the_cpu_clock_agrees_with_our_own(table: procfs.ProcTable) -> None:
    import time

    ourselves = table.identify(os.getpid())
    assert ourselves is not None
    gauge = table.gauge(ourselves)
    before_s = time.process_time()
    reading = gauge.read()
    after_s = time.process_time()
    gauge.close()
    assert reading is not None
    assert before_s <= reading.cpu_s <= after_s


@pytest.mark.parametrize(
    ("digits", "address"),
    [
        (b"0100007F", "127.0.0.1"),
        (b"00000000", "0.0.0.0"),
        (b"B80D01200000000067452301EFCDAB89", "2001:db8::123:4567:89ab:cdef"),
        (b"00000000000000000000000001000000", "::1"),
    ],
)
@pytest.mark.skipif(sys.byteorder == "big", reason="examples from little-endian machines")
def test_addresses_are_read_from_the_kernels_words(digits: bytes, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    assert procfs._address(digits) == socket.inet_pton(family, address)


def test_reading_the_listeners_stops_at_the_first_connection(table: procfs.ProcTable, tmp_path: Path) -> None:
    tcp = tmp_path / "tcp"
    row = "   0: 0100007F:1F90 00000000:0000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 1\n"
    tcp.write_text("  sl  local_address\n" + row.format("0A", 7) + row.format("01", 8) + row.format("0A", 9))
    assert [listener.owner for listener in procfs._listening(str(tcp), 0x1F90)] == [7]
