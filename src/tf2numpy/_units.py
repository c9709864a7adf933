"""Byte counts as people write and read them. Nothing else may enter this file."""

from __future__ import annotations

import re

from ._errors import InvalidArgument

_FACTORS = {"": 1, "B": 1}
for _power, _letter in enumerate("KMGT", start=1):
    _FACTORS[f"{_letter}B"] = 1000**_power
    _FACTORS[f"{_letter}IB"] = 1024**_power
# Thirty digits: enough for any file, too few for a float to overflow.
_PATTERN = re.compile(r"\s*(\d{1,30}(?:\.\d{1,30})?)\s*([A-Za-z]*)\s*")


def parse_bytes(value: int | str, *, name: str = "max_bytes") -> int:
    """Turn 67108864 or "64MiB" into a number of bytes.

    Units: KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB powers of 1024; case does not matter.
    Raises: InvalidArgument for anything else, zero and negative numbers included.

    >>> parse_bytes("64MiB")
    67108864
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str):
        match = _PATTERN.fullmatch(value)
        factor = _FACTORS.get(match[2].upper()) if match else None
        if match and factor and (count := int(float(match[1]) * factor)) > 0:
            return count
    raise InvalidArgument(
        f"{name}={value!r} is not a positive number of bytes; give an int, or text such as '64MiB' or '2GB'"
    )


def format_bytes(count: int | None) -> str:
    """Write a number of bytes the way people read it, in binary units.

    >>> format_bytes(3 * 1024**2)
    '3.0 MiB'
    """
    if count is None:
        return "unknown"
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB"):
        size /= 1024
        if size < 1023.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} YiB"
