"""The verb that says where tensors can live here: `devices`. Apart from the demo, only it imports TensorFlow."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from . import _memory
from ._units import format_bytes


@dataclass(frozen=True, slots=True)
class Device:
    """One place where a tensor can lie.

    name: "CPU:0", "GPU:0" for a logical device, which tensors name; the whole name for a physical one.
    kind: "CPU", "GPU", "TPU". role: "logical", "physical", or "host" where there is no TensorFlow.
    total_bytes, free_bytes: its memory, None where it is not known. detail: the model, where it is known.
    """

    name: str
    kind: str
    role: str
    total_bytes: int | None = None
    free_bytes: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Devices:
    """All devices, and what runs them; print it, or show it in a notebook. Iterating gives each Device."""

    devices: tuple[Device, ...]
    tensorflow: str | None

    def __iter__(self) -> Any:
        return iter(self.devices)

    def __len__(self) -> int:
        return len(self.devices)

    def __str__(self) -> str:
        table = self._table()
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        rows = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in table]
        return "\n".join([self._title(), *rows])

    def _repr_html_(self) -> str:
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in self._table())
        return f"<p>{html.escape(self._title())}</p><table>{rows}</table>"

    def _title(self) -> str:
        if self.tensorflow is None:
            return "TensorFlow is not installed (pip install 'tf2numpy[tensorflow]'): only the host is known"
        return f"TensorFlow {self.tensorflow}"

    def _table(self) -> list[tuple[str, ...]]:
        return [
            ("device", "kind", "role", "free", "total", "detail"),
            *(
                (d.name, d.kind, d.role, format_bytes(d.free_bytes), format_bytes(d.total_bytes), d.detail)
                for d in self.devices
            ),
        ]


def devices() -> Devices:
    """List every physical and logical device, its kind, and its free and total memory where that is known.

    Imports TensorFlow if it is installed and initialises its devices (which reserves GPU memory, as any first use
    does). Without TensorFlow, or without a GPU, there is no error: the host is always there. A logical CPU device
    has the host's memory; an accelerator's total is what TensorFlow may use of it.

    >>> any(device.kind == "CPU" for device in devices())
    True
    """
    try:
        import tensorflow as tf
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        return Devices((Device("host", "CPU", "host", _host_total(), _memory.free_bytes()),), None)
    physical = [
        Device(d.name.removeprefix("/physical_device:"), d.device_type, "physical", detail=_model(tf, d))
        for d in tf.config.list_physical_devices()
    ]
    limits = _memory_limits()
    logical = [_logical(tf, d, limits) for d in tf.config.list_logical_devices()]
    return Devices((*physical, *logical), tf.__version__)


def _logical(tf: Any, device: Any, limits: dict[str, int]) -> Device:
    name = device.name.rpartition("device:")[2]
    if device.device_type == "CPU":
        return Device(name, "CPU", "logical", _host_total(), _memory.free_bytes())
    total = limits.get(name)
    try:
        used = int(tf.config.experimental.get_memory_info(name)["current"])
    except (ValueError, KeyError):  # this kind of device does not count its memory
        return Device(name, device.device_type, "logical", total)
    return Device(name, device.device_type, "logical", total, None if total is None else max(0, total - used))


def _memory_limits() -> dict[str, int]:
    """Give how much of each accelerator's memory TensorFlow may use; the public API does not say."""
    from tensorflow.python.client import device_lib

    return {d.name.rpartition("device:")[2]: int(d.memory_limit) for d in device_lib.list_local_devices()}


def _model(tf: Any, device: Any) -> str:
    if device.device_type != "GPU":
        return ""
    return str(tf.config.experimental.get_device_details(device).get("device_name", ""))


def _host_total() -> int:
    import psutil

    return int(psutil.virtual_memory().total)
