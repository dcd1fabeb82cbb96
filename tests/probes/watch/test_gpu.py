"""GPUs, through a library that behaves like NVML: machines that run these tests have none."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from probes.watch.gpu import GpuGauge


class Nvml:
    """Two GPUs, of which one does not tell its use."""

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint))[0] = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, device: Any) -> int:
        ctypes.cast(device, ctypes.POINTER(ctypes.c_void_p))[0] = index + 1
        return 0

    def nvmlDeviceGetUtilizationRates(self, device: ctypes.c_void_p, rates: Any) -> int:
        if device.value == 2:
            return 3  # NVML_ERROR_NOT_SUPPORTED
        ctypes.cast(rates, ctypes.POINTER(ctypes.c_uint))[0] = 96
        return 0


def test_the_busiest_gpu_counts_and_one_that_does_not_tell_is_left_out() -> None:
    assert GpuGauge(Nvml()).busy() == 0.96


def test_without_the_library_there_is_no_gauge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.watch.gpu._LIBRARY", "libno-such-library.so.1")
    assert GpuGauge.open() is None
