"""Which processes are CPython, and whether py-spy may look into them.

The share of time in which the interpreter lock (GIL) is held comes from py-spy, which reads the memory of the
process from outside at random moments and stops nobody (`--nonblocking`): see `probes.watch.stacks`.
"""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from pathlib import Path

_PYTHON = re.compile(r"python(\d+(\.\d+)?)?t?(\.exe)?")


def find_py_spy() -> str | None:
    """The py-spy program: beside the interpreter that runs Loadstone, else on the PATH; None without it."""
    beside = Path(sysconfig.get_path("scripts"), "py-spy.exe" if os.name == "nt" else "py-spy")
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("py-spy")


def is_cpython(pid: int) -> bool:
    """Whether a process runs a Python interpreter, its own program or a library inside another one.

    False too where that may not be seen.
    """
    folder = Path("/proc", str(pid))
    try:
        if _PYTHON.fullmatch((folder / "exe").readlink().name):
            return True
        with (folder / "maps").open("rb") as file:
            return any(b"/libpython" in line for line in file)
    except OSError:
        return False


def is_ours(pid: int) -> bool:
    """Whether a process belongs to the user we run as; py-spy is pointed at no other."""
    try:
        return hasattr(os, "geteuid") and Path("/proc", str(pid)).stat().st_uid == os.geteuid()
    except OSError:
        return False


def why_refused(pid: int, said: str) -> str:
    """One sentence on why py-spy saw nothing of a process, from what it `said`, with what can be done."""
    text = said.lower()
    if "permission denied" in text or "operation not permitted" in text or "eperm" in text:
        return (
            f"this user may not look into process {pid}{_scope()}: allow tracing (in a container the "
            "capability SYS_PTRACE) or run both as the same user"
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")]
    return f"py-spy could not read process {pid} ({(errors or lines or ['it said nothing'])[0][:200]})"


def _scope() -> str:
    """What Linux's Yama says about tracing, where it restricts it."""
    try:
        scope = Path("/proc/sys/kernel/yama/ptrace_scope").read_text().strip()
    except OSError:
        return ""
    return "" if scope == "0" else f" (kernel.yama.ptrace_scope is {scope})"
