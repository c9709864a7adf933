"""What the columns of Arrow tables are in NumPy, by their types and metadata. No element may be read here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._errors import FormatError
from ..layouts.arrow_types import Noted, decoded, encoding, name_of, named_in_full

_DAY = np.dtype("<M8[D]")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column becomes.

    nullable: of each level, the rows first, whether something may be missing there; one more than it has ragged axes.
    dtype: the logical one. shape: of the innermost values. single: Arrow's type of one element of them.
    is_empty: a value has no elements, and the column only says how many there are. listed: how many it has, where it is
    stored as a list like a ragged one; else 0. is_as_stored: the elements are so in
    Arrow's memory.
    """

    nullable: tuple[bool, ...]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    single: Any
    is_empty: bool = False
    listed: int = 0
    is_as_stored: bool = False

    def __post_init__(self) -> None:
        """Refuse rows of more axes, or more elements, than NumPy's arrays can have."""
        try:
            np.empty((0, *self.shape), self.dtype)
        except ValueError as error:
            raise FormatError(f"its rows are of a shape that no array of NumPy's has: {error}") from error


def kind_of(pa: Any, field: Any, told: Noted) -> Kind | str:
    """Say what a column becomes; or why it can become nothing.

    Raises: FormatError for metadata that tells something else than the type.
    """
    kind, nullable = field.type, [field.nullable]
    while pa.types.is_list(kind) or pa.types.is_large_list(kind):
        nullable.append(kind.value_field.nullable)
        kind = kind.value_type
    if told.listed and len(nullable) < 2:
        raise _contradiction(told, kind)
    levels = tuple(nullable[:-1] if told.listed else nullable)
    if told.shape and 0 in told.shape and str(kind) == "bool":
        nothing = named_in_full(told.dtype)
        if nothing is None:
            raise _contradiction(told, kind)
        return Kind(levels, nothing, told.shape, kind, is_empty=True)
    shape: tuple[int, ...] = (told.listed,) if told.listed else ()
    if isinstance(kind, pa.FixedShapeTensorType):
        if kind.permutation is not None and list(kind.permutation) != sorted(kind.permutation):
            return "tensors whose axes are stored in another order; transpose them first"
        shape, kind = tuple(kind.shape), kind.value_type
    while pa.types.is_fixed_size_list(kind):
        shape, kind = (*shape, kind.list_size), kind.value_type
    is_dictionary = pa.types.is_dictionary(kind)
    if is_dictionary:
        kind = kind.value_type
    if told.dtype:
        found = _told(levels, told, shape, kind, name_of(pa, kind))
        return replace(found, listed=told.listed, is_as_stored=_is_as_stored(found) and not is_dictionary)
    dtype = _plain(pa, kind)
    if isinstance(dtype, str):
        return dtype
    if told.shape and math.prod(told.shape) != math.prod(shape):
        raise _contradiction(told, field.type)
    found = Kind(levels, dtype, told.shape or shape, kind)
    return replace(found, listed=told.listed, is_as_stored=_is_as_stored(found) and not is_dictionary)


def _is_as_stored(kind: Kind) -> bool:
    """Tell whether Arrow's memory can be looked at as NumPy's: not bits, strings, days, or bytes the other way."""
    return kind.dtype.kind not in "bOSUT" and kind.dtype.isnative and kind.dtype != _DAY


def _told(levels: tuple[bool, ...], told: Noted, shape: tuple[int, ...], kind: Any, name: str) -> Kind:
    """Take the dtype that the metadata tells, if the type can hold its elements."""
    dtype = decoded(name, told.dtype)
    found = None if dtype is None else encoding(dtype)
    wanted = (*(told.shape or ()), *(found.tail if found else ()))
    if dtype is None or math.prod(wanted) != math.prod(shape) or bool(wanted) != bool(shape):
        raise _contradiction(told, kind)
    return Kind(levels, np.dtype(object) if dtype.kind == "T" else dtype, told.shape or (), kind)


def _plain(pa: Any, kind: Any) -> np.dtype[Any] | str:
    """Give the dtype of a type without metadata of ours; or say why there is none."""
    types = pa.types
    if (found := decoded(name_of(pa, kind), "")) is not None:
        return found
    texts = ("string", "large_string", "binary", "large_binary", "string_view", "binary_view")
    if str(kind) in texts or types.is_fixed_size_binary(kind):
        return np.dtype(object)
    if types.is_date32(kind):
        return _DAY
    if types.is_date64(kind):
        return np.dtype("<M8[ms]")
    if types.is_timestamp(kind):
        if kind.tz is None:
            return np.dtype(f"<M8[{kind.unit}]")
        return (
            f"times in the zone {kind.tz!r}, which NumPy's times cannot name; cast them to {str(kind).split(',')[0]}]"
        )
    return f"{_short(kind)}, which no array of NumPy's holds"


def _short(kind: Any) -> str:
    text = " ".join(str(kind).split())
    return text if len(text) <= 100 else f"{text[:100]}..."


def _contradiction(told: Noted, kind: Any) -> FormatError:
    shape = f" of the shape {list(told.shape)}" if told.shape else ""
    return FormatError(f"its metadata tells {told.dtype or 'values'}{shape}, and its type is {_short(kind)}")
