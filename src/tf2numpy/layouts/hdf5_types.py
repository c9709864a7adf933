"""The HDF5 types of the elements, and which arrays HDF5 can hold. No file may enter.

`h5py` is passed in: it is optional, and only the sink and the reader import it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._dtypes import named, storage
from .._errors import FormatError
from .._types import ArraySpec
from .refusals import refuse_nameless, refuse_text

_MAX_RANK = 32

# Floats that HDF5 can describe exactly: base type; sign position, exponent position and size, mantissa
# position and size, in bits; bytes; exponent bias.
_FLOATS = {
    "bfloat16": ("IEEE_F32LE", (15, 7, 8, 0, 7), 2, 127),
    "float8_e5m2": ("IEEE_F16LE", (7, 2, 5, 0, 2), 1, 15),
}
# Integers of a byte, of which only the low bits count; HDF5 extends the sign on reading.
_INTEGERS = {
    "int4": ("STD_I8LE", 4),
    "uint4": ("STD_U8LE", 4),
    "int2": ("STD_I8LE", 2),
    "uint2": ("STD_U8LE", 2),
}


def file_type(h5py: Any, name: str, spec: ArraySpec) -> Any:
    """Give the HDF5 type of the elements, and check that the dataset can exist. Creates nothing.

    Raises: FormatError naming the array, for a dtype or rank that HDF5 cannot hold.
    """
    refuse_nameless(name, spec.dtype)
    refuse_text(name, spec.dtype, "UT")
    if len(spec.shape) > _MAX_RANK:
        raise FormatError(
            f"array {name!r}: an HDF5 dataset has at most {_MAX_RANK} axes, found {len(spec.shape)}; "
            f"reshape it, or choose a .npy path"
        )
    if spec.dtype == object:
        return h5py.h5t.py_create(h5py.vlen_dtype(np.uint8), logical=True)
    exact = _exact(h5py, spec.dtype.name)
    if exact is not None:
        return exact
    try:
        if spec.dtype.hasobject:  # a structure of objects
            raise TypeError(spec.dtype)
        return h5py.h5t.py_create(storage(spec.dtype), logical=True)
    except (TypeError, ValueError) as error:  # ValueError: of no bytes
        raise FormatError(f"array {name!r}: HDF5 has no type for {spec.dtype}; cast it first") from error


def exact_dtype(h5py: Any, kind: Any) -> np.dtype[Any] | None:
    """Give the logical dtype that an HDF5 type describes and NumPy cannot name; None for any other type.

    Raises: TypeError if the installed ml_dtypes has no such dtype.
    """
    for name in (*_FLOATS, *_INTEGERS):
        if kind.equal(_exact(h5py, name)):
            return named(name)
    return None


def _exact(h5py: Any, name: str) -> Any:
    if name in _FLOATS:
        base, fields, nbytes, bias = _FLOATS[name]
        kind = getattr(h5py.h5t, base).copy()
        kind.set_fields(*fields)  # before the size: the old one still has room for these bits
        kind.set_size(nbytes)
        kind.set_ebias(bias)
        return kind
    if name in _INTEGERS:
        base, bits = _INTEGERS[name]
        kind = getattr(h5py.h5t, base).copy()
        kind.set_precision(bits)
        return kind
    return None
