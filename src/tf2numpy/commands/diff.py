"""`tf2numpy diff A B`: how the arrays of two files differ. What comparing is may not enter."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from . import _opening
from ._table import left_out_lines, number, shown

if TYPE_CHECKING:
    from .._diff import Comparison, Difference
    from .._types import ArraySpec

HELP = "say how the arrays of two files of any formats differ: names, dtypes, shapes, values"
FAILED = 2  # as of diff: 1 means that they differ


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take two files."""
    parser.add_argument("left", metavar="A")
    parser.add_argument("right", metavar="B")
    _opening.add_select(parser)
    _opening.add_names(parser)


def run(options: argparse.Namespace) -> int:
    """Print a line for each array that differs, and a summary; give 0 if all are equal, or else 1.

    A line begins with - for an array only in A, + for one only in B, ~ for one that differs.
    """
    from .._diff import compared
    from .._opened import stored_in
    from .._places import place_of

    counts = {"-": 0, "+": 0, "~": 0, "=": 0}
    left, right = place_of(options.left), place_of(options.right)
    names = {"names": options.names}  # where a format has but one way to name arrays, the other file may have more
    with closing(stored_in(left, offered=names)) as a, closing(stored_in(right, offered=names)) as b:
        for path, stored in ((left, a), (right, b)):
            for line in left_out_lines(stored.left_out):
                print(f"{path}: {line}", file=sys.stderr)
        for found in compared(a, b, options.select or ()):
            sign, what = _described(found)
            counts[sign] += 1
            if sign != "=":
                print(f"{sign} {shown(found.name)}  {what}")
    print("{-} only in A, {+} only in B, {~} differ, {=} equal".format_map(counts))
    return 0 if counts["="] == sum(counts.values()) else 1


def _described(found: Comparison) -> tuple[str, str]:
    if found.is_equal:
        return "=", ""
    if found.left is None or found.right is None:
        return ("+" if found.left is None else "-"), _facts(found.left or found.right)
    facts = [_facts(found.left), _facts(found.right)]
    changed = [" -> ".join(facts)] if facts[0] != facts[1] else []
    return "~", "; ".join(changed + ([_values(found.values)] if found.values is not None else []))


def _facts(spec: ArraySpec | None) -> str:
    from .._dtypes import logical_name

    return "" if spec is None else f"{logical_name(spec.dtype)} {spec.shape}"


def _values(found: Difference) -> str:
    if not found.differing:
        return "all values equal"
    parts = [f"{found.differing} of {found.size} elements differ"]
    if found.absolute is not None:
        parts.append(f"by at most {number(found.absolute)} ({number(found.relative)} relative)")
    if found.nans:
        parts.append(f"{found.nans} of them NaN on one side")
    if found.first:
        parts.append(f"first at {list(found.first)}")
    return ", ".join(parts)
