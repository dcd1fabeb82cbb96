"""What the name of a container's image says: its tag, its digest, and whether it stays the same image."""

from __future__ import annotations

import re

_DIGEST = re.compile(r"@sha(256|512):[0-9a-f]{32,128}$")


def has_digest(image: str) -> bool:
    """Whether it ends in a digest, as `registry.example/app:1.2@sha256:0f…`."""
    return bool(_DIGEST.search(image))


def tag_of(image: str) -> str:
    """The tag, "" where there is none; the port of a registry is none."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[2]


def is_pinned(image: str) -> bool:
    """Whether an image has a digest, or a tag other than `latest`."""
    return has_digest(image) or tag_of(image) not in ("", "latest")
