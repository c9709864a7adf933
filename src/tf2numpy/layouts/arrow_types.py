"""How Arrow holds each column, in memory and in .arrow and .parquet files, and what is noted beside. No file may enter.

`pa` is pyarrow, passed in: it is optional. A column of rows of one shape is an `arrow.fixed_shape_tensor`, a ragged one
a `large_list`, bytes are `large_binary`, text is `large_string`. What the type does not tell stands in the field's
metadata under "tf2numpy", as JSON: "dtype", the logical dtype, where Arrow has none of that name, or the rows have no
elements; "shape", that of a row, or of a value in one; "listed", how many elements such a value has, where it is a list
like a ragged one, since before 26 pyarrow cannot keep a null of fixed size in Parquet; "splits", the dtypes of the
row_splits that are not all int64; "missing", the levels of which an array says what is missing; "name", the array's
where the column has another.

Source of its facts: Arrow's columnar format 1.5 and its list of canonical extension types.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._dtypes import is_extended, named, storage

KEY = b"tf2numpy"
LONE_NAME = "data"
_MOST_LENGTH = 2**31 - 1  # of the rows of a column of fixed-size lists
_PLAIN = (
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *(f"float{bits}" for bits in (16, 32, 64)),
)
_TIMES = {"M": ("ms", "us", "ns"), "m": ("s", "ms", "us", "ns")}  # Parquet has no timestamps in seconds
# What `recorded` can be: "int4", ">f4", "<M8[25s]", "|S5". NumPy would understand much more, lists of fields among it.
_RECORDED = re.compile(r"[<>|]?[A-Za-z]\w*(\[\d*\w+\])?", re.ASCII)


class Encoding(NamedTuple):
    """How the elements of one dtype lie in Arrow's memory.

    type: the name of Arrow's type. stored: their dtype there, None of strings. tail: the axis that an element becomes.
    recorded: the dtype's name, where the type does not tell it; else "".
    """

    type: str
    stored: np.dtype[Any] | None
    tail: tuple[int, ...] = ()
    recorded: str = ""


def encoding(dtype: np.dtype[Any]) -> Encoding | None:
    """Say how a dtype is held; None if it cannot be: structures, extended precision, text that may be no text."""
    if dtype.kind == "O":
        return Encoding("large_binary", None)
    if dtype.kind == "U":
        return Encoding("large_string", None, recorded=dtype.str)
    if dtype.kind == "T":
        return None if hasattr(dtype, "na_object") else Encoding("large_string", None, recorded="StringDType")
    if dtype.kind == "S" and dtype.itemsize:
        return Encoding(f"binary[{dtype.itemsize}]", np.dtype(f"V{dtype.itemsize}"), recorded=dtype.str)
    if is_extended(dtype):
        bits = storage(dtype)
        return Encoding(bits.name, bits, recorded=dtype.name)
    little = dtype.newbyteorder("<")
    swapped = "" if dtype == little else dtype.str
    if dtype.name in ("complex64", "complex128"):
        part = np.dtype(f"<f{dtype.itemsize // 2}")
        return Encoding(part.name, part, (2,), swapped or dtype.name)
    if dtype.kind in _TIMES:
        unit, count = np.datetime_data(dtype)
        if count == 1 and unit in _TIMES[dtype.kind]:
            family = "timestamp" if dtype.kind == "M" else "duration"
            return Encoding(f"{family}[{unit}]", np.dtype("<i8"), recorded=swapped)
        return Encoding("int64", np.dtype("<i8"), recorded=dtype.str)
    return Encoding(dtype.name, little, recorded=swapped) if dtype.name in _PLAIN else None


def decoded(type_name: str, recorded: str) -> np.dtype[Any] | None:
    """Give the dtype that is held so; None for names that do not go together. type_name: as `name_of` gives it."""
    try:
        dtype = _recorded(recorded) if recorded else _plainly(type_name)
        found = None if dtype is None else encoding(dtype)
    except (TypeError, ValueError):
        return None
    return dtype if found is not None and (found.type, found.recorded) == (type_name, recorded) else None


def name_in_full(dtype: np.dtype[Any]) -> str:
    """Name a dtype that `encoding` knows for a column of rows without elements, which has no type of its own."""
    found = encoding(dtype)
    return (found.recorded if found else "") or ("string" if dtype.hasobject else dtype.str)


def named_in_full(name: str) -> np.dtype[Any] | None:
    """Give the dtype that `name_in_full` has so named; None for other names."""
    try:
        dtype = _recorded(name)
        return dtype if dtype is not None and encoding(dtype) is not None and name_in_full(dtype) == name else None
    except (TypeError, ValueError):
        return None


def type_of(pa: Any, name: str) -> Any:
    """Give the Arrow type of a name that an `Encoding` has."""
    family, _, argument = name.removesuffix("]").partition("[")
    if argument:
        return getattr(pa, family)(int(argument) if family == "binary" else argument)
    return pa.bool_() if name == "bool" else getattr(pa, name)()


def name_of(pa: Any, kind: Any) -> str:
    """Name an Arrow type the way an `Encoding` does; types that are none of these have names that none has."""
    if pa.types.is_fixed_size_binary(kind):
        return f"binary[{kind.byte_width}]"
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(str(kind), str(kind))


@dataclass(frozen=True, slots=True)
class Noted:
    """What the metadata of a field tells; see above."""

    dtype: str = ""
    shape: tuple[int, ...] | None = None
    listed: int = 0
    splits: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()
    name: str | None = None

    def metadata(self) -> dict[bytes, bytes]:
        """Give it as a field's metadata; nothing of what is as it usually is."""
        told = {
            **({"dtype": self.dtype} if self.dtype else {}),
            **({"shape": self.shape} if self.shape else {}),
            **({"listed": self.listed} if self.listed else {}),
            **({"splits": self.splits} if any(one != "int64" for one in self.splits) else {}),
            **({"missing": self.missing} if self.missing else {}),
            **({"name": self.name} if self.name is not None else {}),
        }
        return {KEY: json.dumps(told, separators=(",", ":")).encode()} if told else {}


def noted(metadata: Mapping[bytes, bytes] | None) -> Noted:
    """Read the metadata of a field.

    Raises: ValueError for what `metadata` never gives.
    """
    text = (metadata or {}).get(KEY)
    if text is None:
        return Noted()
    told = json.loads(text)
    if not isinstance(told, dict) or told.keys() - {"dtype", "shape", "listed", "splits", "missing", "name"}:
        raise ValueError(f"{text[:200]!r} is no object of the keys that are known")
    splits, missing, shape = told.get("splits", []), told.get("missing", []), told.get("shape", [])
    listed = told.get("listed", 0)
    names = (told.get("dtype", ""), told.get("name", ""))
    well = (
        all(isinstance(name, str) for name in names)
        and all(isinstance(part, list) for part in (splits, missing, shape))
        and all(one in ("int32", "int64") for one in splits)
        and all(type(one) is int and 0 <= one <= 2**62 for one in (*missing, *shape))
        and type(listed) is int
        and 0 <= listed <= _MOST_LENGTH
    )
    if not well:
        raise ValueError(f"{text[:200]!r} has values of other types")
    return Noted(names[0], tuple(shape) or None, listed, tuple(splits), tuple(missing), told.get("name"))


def leaf_type(pa: Any, found: Encoding, shape: tuple[int, ...], *, listed: bool) -> Any:
    """Give the type of values of this shape each, () for single ones; listed: as a list like a ragged one.

    Rows without elements are a column of booleans, all False: Parquet cannot read back lists of size 0.
    """
    shape = (*shape, *found.tail)
    value, length = type_of(pa, found.type), math.prod(shape)
    if not shape:
        return value
    if not length:
        return pa.bool_()
    if listed:
        return pa.large_list(pa.field("element", value, nullable=False))
    return pa.fixed_shape_tensor(value, shape) if found.type in _PLAIN else pa.list_(value, length)


def is_too_long(found: Encoding, shape: tuple[int, ...]) -> bool:
    """Tell whether a value of this shape has more elements than Arrow's lists of fixed size take."""
    return math.prod((*shape, *found.tail)) > _MOST_LENGTH


def _plainly(type_name: str) -> np.dtype[Any] | None:
    if type_name == "large_binary":
        return np.dtype(object)
    unit = type_name.partition("[")[2].removesuffix("]")
    if type_name.startswith(("timestamp[", "duration[")):
        return np.dtype(f"<{'M' if type_name[0] == 't' else 'm'}8[{unit}]")
    return np.dtype(type_name) if type_name in _PLAIN else None


def _recorded(recorded: str) -> np.dtype[Any] | None:
    if recorded == "StringDType":
        strings = getattr(np.dtypes, "StringDType", None)  # from NumPy 2 on
        return None if strings is None else strings()
    return named(recorded) if _RECORDED.fullmatch(recorded) else None
