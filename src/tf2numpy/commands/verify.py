"""`tf2numpy verify A [B]`: is a file whole? Are two the same? What reading and comparing are may not enter."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing

from ._table import left_out_lines, shown

HELP = "read all of a file, by its checksums; or compare two of any formats: the same arrays, bit for bit?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a file, or two."""
    parser.description = (
        "Read all that a file, or folder, holds, as tf2numpy itself reads it, and compare every checksum that its "
        "format keeps. Or compare two, of any formats: do they hold the same arrays, bit for bit? To check a file by "
        "its format's own library, write it with save(..., verify=True)."
    )
    parser.add_argument("left", metavar="A")
    parser.add_argument("right", metavar="B", nargs="?")


def run(options: argparse.Namespace) -> int:
    """Print a line for each array that cannot be read, or differs; give 1 if there is one."""
    return _of_one(options.left) if options.right is None else _of_two(options.left, options.right)


def _of_one(path: str) -> int:
    from .._damage import EVERYTHING, read_through
    from .._opened import stored_in
    from .._places import place_of
    from .._units import format_bytes

    count = damaged = nbytes = 0
    with closing(stored_in(place_of(path), offered=EVERYTHING)) as stored:
        for found in read_through(stored):
            count, nbytes = count + 1, nbytes + found.nbytes
            if found.error is not None:
                damaged += 1
                print(f"{shown(found.name)}: {shown(str(found.error))}")
        for line in left_out_lines(stored.left_out):
            print(line, file=sys.stderr)
    if damaged:
        print(f"damaged: {damaged} of {count} arrays cannot be read")
    else:
        print(f"whole: {count} arrays, {format_bytes(nbytes)}, were read, and fit every checksum that is kept of them")
    return 1 if damaged else 0


def _of_two(left: str, right: str) -> int:
    from .._differences import differences
    from .._places import place_of

    found = list(differences(place_of(left), place_of(right)))
    print("\n".join(found) or "equal: the same arrays, bit for bit")
    return 1 if found else 0
