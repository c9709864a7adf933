"""Whatever TensorFlow 2 holds becomes NumPy: in memory without surprises, on disk without needing the memory.

Importing this imports neither TensorFlow nor NumPy; each name is loaded when it is first used.

>>> import numpy as np
>>> import tf2numpy as t2n
>>> t2n.to_numpy([1, np.arange(2)])
[1, array([0, 1])]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from ._convert import iter_chunks, to_numpy
    from ._devices import Device, Devices, devices
    from ._errors import (
        CopyRequired,
        DatasetError,
        DeviceMemoryError,
        FormatError,
        HostMemoryError,
        InvalidArgument,
        MissingExtra,
        OutputExists,
        StorageFull,
        SymbolicTensorError,
        Tf2NumpyError,
        UnsupportedKind,
    )
    from ._plan import Plan, plan
    from ._ragged import RaggedArray
    from ._save import save
    from ._sparse import SparseArray
    from ._types import ArraySpec, Chunk

__all__ = [
    "ArraySpec",
    "Chunk",
    "CopyRequired",
    "DatasetError",
    "Device",
    "DeviceMemoryError",
    "Devices",
    "FormatError",
    "HostMemoryError",
    "InvalidArgument",
    "MissingExtra",
    "OutputExists",
    "Plan",
    "RaggedArray",
    "SparseArray",
    "StorageFull",
    "SymbolicTensorError",
    "Tf2NumpyError",
    "UnsupportedKind",
    "__version__",
    "devices",
    "iter_chunks",
    "plan",
    "save",
    "to_numpy",
]

_HOMES = {
    "_convert": "iter_chunks to_numpy",
    "_devices": "Device Devices devices",
    "_errors": "CopyRequired DatasetError DeviceMemoryError FormatError HostMemoryError InvalidArgument MissingExtra "
    "OutputExists StorageFull SymbolicTensorError Tf2NumpyError UnsupportedKind",
    "_plan": "Plan plan",
    "_ragged": "RaggedArray",
    "_save": "save",
    "_sparse": "SparseArray",
    "_types": "ArraySpec Chunk",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
