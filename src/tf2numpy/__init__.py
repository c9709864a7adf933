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
    from ._conversion import convert
    from ._convert import iter_chunks, to_numpy
    from ._devices import Device, Devices, devices
    from ._errors import (
        ChecksumError,
        CopyRequired,
        DatasetError,
        DeviceMemoryError,
        FormatError,
        HostMemoryError,
        InvalidArgument,
        MissingExtra,
        OutputBusy,
        OutputExists,
        StorageFull,
        StoreError,
        SymbolicTensorError,
        Tf2NumpyError,
        UnsupportedKind,
        VerifyError,
    )
    from ._file import File, LazyArray
    from ._opened import open
    from ._plan import Plan, plan
    from ._predict import predict
    from ._ragged import RaggedArray
    from ._save import save
    from ._schema import Bytes, Image, Raw, Values
    from ._sparse import SparseArray
    from ._types import ArraySpec, Chunk

__all__ = [
    "ArraySpec",
    "Bytes",
    "ChecksumError",
    "Chunk",
    "CopyRequired",
    "DatasetError",
    "Device",
    "DeviceMemoryError",
    "Devices",
    "File",
    "FormatError",
    "HostMemoryError",
    "Image",
    "InvalidArgument",
    "LazyArray",
    "MissingExtra",
    "OutputBusy",
    "OutputExists",
    "Plan",
    "RaggedArray",
    "Raw",
    "SparseArray",
    "StorageFull",
    "StoreError",
    "SymbolicTensorError",
    "Tf2NumpyError",
    "UnsupportedKind",
    "Values",
    "VerifyError",
    "__version__",
    "convert",
    "devices",
    "iter_chunks",
    "open",
    "plan",
    "predict",
    "save",
    "to_numpy",
]

_HOMES = {
    "_conversion": "convert",
    "_convert": "iter_chunks to_numpy",
    "_devices": "Device Devices devices",
    "_errors": "ChecksumError CopyRequired DatasetError DeviceMemoryError FormatError HostMemoryError InvalidArgument "
    "MissingExtra OutputBusy OutputExists StorageFull StoreError SymbolicTensorError Tf2NumpyError UnsupportedKind "
    "VerifyError",
    "_file": "File LazyArray",
    "_opened": "open",
    "_plan": "Plan plan",
    "_predict": "predict",
    "_ragged": "RaggedArray",
    "_save": "save",
    "_schema": "Bytes Image Raw Values",
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
