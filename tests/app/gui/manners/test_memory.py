"""What the window no longer needs goes back to the system."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

MALLOC = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform.startswith("linux") else None
SCRIPT = """
import ctypes, sys
sys.path.insert(0, sys.argv[1])
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split())]
c = ctypes.CDLL(None)
c.mallinfo2.restype, c.malloc.restype, c.free.argtypes = Info, ctypes.c_void_p, (ctypes.c_void_p,)
c.malloc.argtypes = (ctypes.c_size_t,)
if sys.argv[2] == "yes":
    from app.gui.memory import give_back_large_blocks
    assert give_back_large_blocks()
# The first one that is freed is what moves the threshold up.
c.free(c.malloc(4_000_000))
before = c.mallinfo2().hblkhd
picture = c.malloc(3_000_000)
print(c.mallinfo2().hblkhd - before)
"""


@pytest.mark.skipif(MALLOC is None, reason="mallinfo2 is a function of glibc from 2.33 on")
@pytest.mark.parametrize("told", ["yes", "no"])
def test_a_picture_of_a_page_is_a_mapping_of_its_own_only_when_the_library_was_told(told: str) -> None:
    root = Path(__file__).resolve().parents[4]
    said = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, str(root), told],
        env={name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    mapped = int(said.stdout)
    assert mapped >= 3_000_000 if told == "yes" else mapped == 0
