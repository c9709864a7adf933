"""The names Zarr has for dtypes, and their fill values. No file and no chunk may enter.

Zarr's core has booleans, integers, floats and complex numbers. Fixed-length bytes and text, times, and strings of
any length have the names that zarr-python 3.1 gives them. A dtype without a name there (bfloat16, float8, int4 and
their kin) is stored as the unsigned integers of its bits, and named in the attribute "dtype": any library reads these
arrays. The names that tensorstore has for some of them are read too.
"""

from __future__ import annotations

import base64
import re
from typing import Any, NamedTuple

import numpy as np

from .._dtypes import is_extended, logical_name, named, storage

_CORE = (
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "complex64", "complex128"),
)
_TEXTS = {"variable_length_bytes": "vlen-bytes", "bytes": "vlen-bytes", "string": "vlen-utf8"}
_TIMES = {"M": "numpy.datetime64", "m": "numpy.timedelta64"}
_MOST_ITEM_BYTES = 1 << 24
_FLOATS = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


class Described(NamedTuple):
    """How metadata tells of a dtype: its name there, the fill value, the byte order, attributes of our own."""

    data_type: Any
    fill_value: Any
    endian: str | None
    attributes: dict[str, str]


def describe(dtype: np.dtype[Any]) -> Described | None:
    """Say how metadata tells of a logical dtype; None if Zarr can't hold it."""
    if dtype.hasobject:
        return Described("variable_length_bytes", "", None, {})
    stored = storage(dtype)
    attributes = {"dtype": logical_name(dtype)} if is_extended(dtype) else {}
    endian = None
    if stored.itemsize > 1 and stored.kind != "S":
        endian = "big" if stored.str[0] == ">" else "little"
    kind, name = stored.kind, stored.name
    if name in _CORE:
        zeros = {"b": False, "f": 0.0, "c": [0.0, 0.0]}
        return Described(name, zeros.get(kind, 0), endian, attributes)
    if kind in "SU" and stored.itemsize:
        family = "null_terminated_bytes" if kind == "S" else "fixed_length_utf32"
        return Described({"name": family, "configuration": {"length_bytes": stored.itemsize}}, "", endian, {})
    if kind in "mM" and np.datetime_data(stored)[0] != "generic":
        unit, scale = np.datetime_data(stored)
        return Described({"name": _TIMES[kind], "configuration": {"unit": unit, "scale_factor": scale}}, 0, endian, {})
    return None


class Named(NamedTuple):
    """The dtypes that metadata names: the elements as stored, what they mean, the codec if they differ in size."""

    stored: np.dtype[Any]
    logical: np.dtype[Any]
    text: str | None = None


def dtype_of(data_type: Any, endian: str | None, attributes: Any) -> Named:
    """Give the dtypes of what metadata tells.

    Raises: ValueError saying what is not known.
    """
    name, settings = _named(data_type)
    if name in _TEXTS:
        return Named(np.dtype(object), np.dtype(object), _TEXTS[name])
    try:
        stored = _fixed(name, settings)
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f"its data type {data_type!r} is none that is known here") from error
    if endian == "big" and not is_extended(stored):
        stored = stored.newbyteorder(">")
    meant = attributes.get("dtype") if isinstance(attributes, dict) else None
    logical = _extended(meant) if stored.kind == "u" and isinstance(meant, str) else None
    return Named(stored, stored if logical is None or storage(logical) != stored else logical)


def fill_of(value: Any, named: Named) -> Any:
    """Give the fill value that metadata tells: an array without axes of the logical dtype, or bytes for text.

    Raises: ValueError for a value that is none of the dtype.
    """
    stored = named.stored
    try:
        if named.text:
            return value.encode() if named.text == "vlen-utf8" else base64.b64decode(value, validate=True)
        if not is_extended(stored):
            return np.array(_scalar(value, stored), stored).view(named.logical)
        if isinstance(value, str) and value.startswith("0x"):
            return np.array(int(value, 16), storage(stored)).view(stored)
        return np.array(_float(value, np.dtype(float))).astype(stored)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"its fill value {value!r} is none of {logical_name(named.logical)}") from error


def _scalar(value: Any, dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "c":
        real, imaginary = (_float(part, np.dtype(f"f{dtype.itemsize // 2}")) for part in value)
        return complex(real, imaginary)
    if dtype.kind == "f":
        return _float(value, dtype)
    if dtype.kind == "S":
        return base64.b64decode(value, validate=True)
    if dtype.kind == "U" and isinstance(value, str):
        return value
    if dtype.kind in "mM":
        return np.int64(-(2**63) if value == "NaT" else value).astype(dtype.newbyteorder("="))
    wanted = bool if dtype.kind == "b" else int
    if type(value) is not wanted:
        raise TypeError(value)
    return value


def _float(value: Any, dtype: np.dtype[Any]) -> Any:
    if isinstance(value, str) and value.startswith("0x"):
        bits = bytes.fromhex(value[2:])
        return np.frombuffer(bits, dtype.newbyteorder(">"))[0] if len(bits) == dtype.itemsize else _float(None, dtype)
    return _FLOATS[value] if isinstance(value, str) and value in _FLOATS else float(value)


def _named(data_type: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(data_type, str):
        return data_type, {}
    if isinstance(data_type, dict) and isinstance(data_type.get("name"), str):
        settings = data_type.get("configuration", {})
        return data_type["name"], settings if isinstance(settings, dict) else {}
    raise ValueError(f"its data type {data_type!r} is none that is known here")


def _fixed(name: str, settings: dict[str, Any]) -> np.dtype[Any]:
    if name in _CORE:
        return np.dtype(name).newbyteorder("<")
    if name in _TIMES.values():
        unit, scale = settings["unit"], settings["scale_factor"]
        if unit == "generic" or not re.fullmatch(r"[a-zA-Zu]{1,2}", unit) or type(scale) is not int:
            raise ValueError(unit)
        kind = "M" if name == _TIMES["M"] else "m"
        return np.dtype(f"<{kind}8[{scale}{unit}]")
    if name in ("null_terminated_bytes", "fixed_length_utf32"):
        kind, size = ("S", 1) if name == "null_terminated_bytes" else ("U", 4)
        length = settings["length_bytes"]
        if type(length) is not int or not 0 < length <= _MOST_ITEM_BYTES or length % size:
            raise ValueError(length)
        return np.dtype(f"<{kind}{length // size}")
    found = _extended(name)
    if found is None:
        raise TypeError(name)
    return found


def _extended(name: str) -> np.dtype[Any] | None:
    if not re.fullmatch("[a-z0-9_]+", name):
        return None
    try:
        found = named(name)
    except TypeError:
        return None
    return found if is_extended(found) else None
