"""`tf2numpy verify A B`: the same arrays, bit for bit? What comparing is may not enter."""

from __future__ import annotations

import argparse

HELP = "compare two files of any formats: the same arrays, bit for bit?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take two files."""
    parser.description = (
        "Compare two files, or folders, of any formats, as tf2numpy itself reads them: do they hold the same arrays, "
        "bit for bit? To check a file by its format's own library, write it with save(..., verify=True)."
    )
    parser.add_argument("left", metavar="A")
    parser.add_argument("right", metavar="B")


def run(options: argparse.Namespace) -> int:
    """Print a line for each array that differs; give 1 if there is one."""
    from .._differences import differences
    from .._places import place_of

    found = list(differences(place_of(options.left), place_of(options.right)))
    print("\n".join(found) or "equal: the same arrays, bit for bit")
    return 1 if found else 0
