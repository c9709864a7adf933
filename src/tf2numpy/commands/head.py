"""`tf2numpy head PATH`: the first records in a file, or the first rows of each array. Only printing may enter."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import _opening
from ._table import shown

if TYPE_CHECKING:
    from .._file import File

HELP = "print the first records in a file, or the first rows of each array"
_MOST_CHARACTERS = 160
_MOST_VALUES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a file, and how many rows."""
    parser.add_argument("path", metavar="PATH")
    parser.add_argument("-n", type=int, default=5, metavar="N", help="how many records or rows (default: %(default)s)")
    _opening.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the rows.

    Raises: InvalidArgument for a number that is none of rows.
    """
    from .._errors import InvalidArgument
    from .._opened import open

    if options.n < 0:
        raise InvalidArgument(f"-n {options.n} is no number of rows; give 0 or more")
    with open(options.path, **_opening.given(options)) as file:
        print(f"{file.kind} {shown(str(file.path))}")
        for line in _arrays(file, options.n) if file.rows is None else _records(file.rows.first(options.n)):
            print(line)
    return 0


def _records(found: Mapping[str, Any]) -> Iterator[str]:
    """Give record after record, a line for each feature."""
    lacking = {name: found[f"{name}/missing"] for name in found if _says_missing(found.get(f"{name}/missing"))}
    names = [name for name in found if name.removesuffix("/missing") not in lacking or name in lacking]
    width = max((len(shown(name)) for name in names), default=0)
    for record in range(len(found[names[0]]) if names else 0):
        yield f"record {record}"
        for name in names:
            is_missing = name in lacking and lacking[name][record]
            yield f"  {shown(name).ljust(width)}  {'missing' if is_missing else _text(found[name][record])}"


def _says_missing(array: Any) -> bool:
    """Tell what says which records lack a feature from a feature that is called so, which has no truth values."""
    return array is not None and array.ndim == 1 and array.dtype == bool


def _arrays(file: File, count: int) -> Iterator[str]:
    """Give array after array, a line for each row."""
    from .._dtypes import logical_name

    for name, array in file.items():
        yield f"{shown(name)}  {logical_name(array.dtype)} {array.shape}"
        for row in array[:count] if array.ndim else [array[()]]:
            yield f"  {_text(row)}"


def _text(row: Any) -> str:
    """Write a row in one line, with the first and the last of its values if it has many."""
    import numpy as np

    if isinstance(row, bytes):
        return _cut(repr(row[:_MOST_CHARACTERS]), is_whole=len(row) <= _MOST_CHARACTERS)
    if not isinstance(row, np.ndarray | np.generic | str):  # a ragged row of ragged rows
        return _cut(f"[{', '.join(map(_text, row))}]")
    return _cut(np.array2string(np.asarray(row), threshold=_MOST_VALUES, separator=", "))


def _cut(text: str, *, is_whole: bool = True) -> str:
    line = " ".join(text.split())
    return line if is_whole and len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 3]}..."
