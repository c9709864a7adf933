"""`tf2numpy head PATH`: the first rows of each array in a file, or the first records. Only printing may enter."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from . import _opening
from ._table import shown

if TYPE_CHECKING:
    from .._opened import File

HELP = "print the first rows of each array in a file, or the first records"
_MOST_CHARACTERS = 160
_MOST_VALUES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a file, and how many rows."""
    parser.add_argument("path", metavar="PATH")
    parser.add_argument("-n", type=int, default=5, metavar="N", help="how many rows (default: %(default)s)")
    _opening.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the rows."""
    from .._opened import open

    with open(options.path, **_opening.given(options)) as file:
        print(f"{file.kind} {shown(str(file.path))}")
        count = max(options.n, 0)
        found = file.rows.first(count) if file.rows is not None else _arrays(file, count)
        for name, value in found.items():
            print(f"{shown(name)}  {_described(file, name, value)}")
            for row in [value] if not value.ndim else value:
                print(f"  {_text(row)}")
    return 0


def _arrays(file: File, count: int) -> dict[str, Any]:
    return {name: file[name][:count] if file[name].ndim else file[name][()] for name in file}


def _described(file: File, name: str, value: Any) -> str:
    """Say what an array is; of records, whose number is not known yet, what a row is."""
    from .._dtypes import logical_name

    shape = (None, *value.shape[1:]) if file.rows is not None else file[name].shape
    return f"{logical_name(value.dtype)} {shape}"


def _text(row: Any) -> str:
    """Write a row in one line, with the first and the last of its values if it has many."""
    import numpy as np

    if not isinstance(row, np.ndarray | np.generic | bytes):  # a ragged row of ragged rows
        return f"[{', '.join(map(_text, row))}]"[:_MOST_CHARACTERS]
    text = (
        repr(row)
        if isinstance(row, bytes)
        else np.array2string(np.asarray(row), threshold=_MOST_VALUES, separator=", ")
    )
    return " ".join(text.split())[:_MOST_CHARACTERS]
