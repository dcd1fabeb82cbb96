"""What goes between dispatcher and host, as `host/host.py` has it too; a test holds the two together."""

from __future__ import annotations

import struct

ANSWER = struct.Struct("<BIqq")
"""Outcome (0 good, 1 raised), bytes of text that follow, wall and CPU time of the call alone in ns."""
INDEX = struct.Struct("<I")
"""The number of the sample to call with."""
LENGTH = struct.Struct(">I")
"""Bytes of JSON that follow, on the control socket."""
