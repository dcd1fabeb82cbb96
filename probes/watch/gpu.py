"""How busy the GPUs are, by NVIDIA's management library (NVML) where there is one; else not measured."""

from __future__ import annotations

import ctypes
from typing import Any

_LIBRARY = "libnvidia-ml.so.1"


class _Rates(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class GpuGauge:
    """Reads all GPUs of this machine. `library` is NVML, or what behaves like it."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._devices: list[ctypes.c_void_p] = []
        count = ctypes.c_uint()
        if library.nvmlInit_v2() == 0 and library.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0:
            for index in range(count.value):
                device = ctypes.c_void_p()
                if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) == 0:
                    self._devices.append(device)

    @classmethod
    def open(cls) -> GpuGauge | None:
        """The gauge of this machine; None without NVML or without a GPU."""
        try:
            gauge = cls(ctypes.CDLL(_LIBRARY))
        except (OSError, AttributeError):
            return None
        return gauge if gauge._devices else None

    def busy(self) -> float | None:
        """Share of the last sampling period (some tenths of a second) in which the busiest GPU had work."""
        shares = []
        for device in self._devices:
            rates = _Rates()
            if self._library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(rates)) == 0:
                shares.append(rates.gpu / 100)
        return max(shares, default=None)
