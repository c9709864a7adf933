"""How a .safetensors file names each dtype, and how long its header may be. Nothing of any one file may enter.

Source of its facts: the parser of safetensors 0.8. Only names that 0.7 knows too are written, as a name that is
not known makes a whole file unreadable.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from .._dtypes import is_extended, named, storage

_CODES = {
    "bool": "BOOL",
    **{f"{kind}{bits}": f"{kind[0].upper()}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"F{bits}" for bits in (16, 32, 64)},
    "complex64": "C64",
    "bfloat16": "BF16",
    "float8_e5m2": "F8_E5M2",
    "float8_e4m3fn": "F8_E4M3",
}
_NAMES = {code: name for name, code in _CODES.items()} | {
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
}
KNOWN = tuple(_NAMES)
# In the metadata, followed by an array's name: the dtype that the header cannot name.
RECORD = "tf2numpy.dtype."
MOST_HEADER_BYTES = 100_000_000  # the library reads no longer one
# What `recorded` can be: "int4", ">f4", "<M8[25s]". NumPy would understand much more, lists of fields among it.
_RECORDED = re.compile(r"[<>]?[A-Za-z]\w*(\[\d*\w+\])?", re.ASCII)


class Encoding(NamedTuple):
    """How the elements of one dtype lie in the file.

    code: the file's name of what they are there. stored: their dtype in the file, always little-endian.
    tail: the axis that an element becomes. recorded: the dtype's name, where the code does not tell it; else "".
    """

    code: str
    stored: np.dtype[Any]
    tail: tuple[int, ...] = ()
    recorded: str = ""


def encoding(dtype: np.dtype[Any]) -> Encoding | None:
    """Say how a dtype is stored; None if it cannot be: text, objects, structures, extended precision."""
    if is_extended(dtype):
        code = _CODES.get(dtype.name)
        if code:
            return Encoding(code, dtype)
        return Encoding(_CODES[storage(dtype).name], dtype, recorded=dtype.name)
    stored = dtype.newbyteorder("<")
    if dtype.kind in "Mm":
        return Encoding("I64", stored, recorded=dtype.str)
    swapped = "" if dtype == stored else dtype.str
    if dtype.name == "complex128":
        return Encoding("F64", stored, (2,), swapped or "complex128")
    if dtype.name in _CODES:
        return Encoding(_CODES[dtype.name], stored, recorded=swapped)
    return None


def decoded(code: str, recorded: str) -> tuple[np.dtype[Any], Encoding] | None:
    """Give the dtype that was stored so, and how; None for names that do not go together or are not known."""
    try:
        if not recorded:
            dtype = named(_NAMES[code])
            return dtype, Encoding(code, dtype if is_extended(dtype) else dtype.newbyteorder("<"))
        if not _RECORDED.fullmatch(recorded):
            return None
        dtype = named(recorded)
    except (KeyError, TypeError, ValueError):
        return None
    found = encoding(dtype)
    return (dtype, found) if found and (found.code, found.recorded) == (code, recorded) else None
