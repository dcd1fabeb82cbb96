"""Memory that was freed goes back to the system: pictures of pages, documents, what a store was read into."""

from __future__ import annotations

import sys

LARGE = 128 * 1024
"""Bytes from which on a block is a mapping of its own, given back as soon as it is freed. It is where glibc
begins; left alone it moves that up to 32 MB with the first large block that is freed, and from then on
pictures of pages lie in the heap, where what is small and lives longer keeps their room from the system."""
_M_MMAP_THRESHOLD = -3


def give_back_large_blocks() -> bool:
    """Has large blocks given back when they are freed; False where the C library cannot be told so."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    # musl has no mallopt, or one that does nothing; it gives large blocks back by itself.
    return tell is not None and bool(tell(_M_MMAP_THRESHOLD, LARGE))
