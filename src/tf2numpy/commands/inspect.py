"""`tf2numpy inspect PATH`: what is in a file, as a table, a tree or JSON. No array is read, but for --stats.

Of records there is a line for each feature, of anything else one for each array.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import _opening
from ._table import label_lines, left_out_lines, note_lines, number, shown, table

if TYPE_CHECKING:
    from .._file import File
    from .._protocols import StoredRows
    from .._statistics import Statistics
    from .._types import Feature

    _Found = dict[str, Statistics | None]

HELP = "list the arrays in a file: names, dtypes, shapes, bytes; of records the features, and how many lack them"
_MOST_DEPTH = 64  # of names: what is deeper stays one part


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a file and the ways to show it."""
    parser.add_argument("path", metavar="PATH")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="for programs; numbers that JSON has not are text, as 'nan'")
    shape.add_argument("--tree", action="store_true", help="by the parts of the names, with subtotals")
    parser.add_argument(
        "--stats",
        action="store_true",
        help="with min, max, mean and NaNs: of magnitudes if complex, of lengths if strings",
    )
    parser.add_argument(
        "--aliases", action="store_true", help="with the other names of arrays even where the terminal is too narrow"
    )
    _opening.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print what the file holds."""
    from .._opened import open

    with open(options.path, **_opening.given(options)) as file:
        found = _statistics(file) if options.stats else {}
        if options.json:
            print(json.dumps(_document(file, found, stats=options.stats), indent=2))
            return 0
        chosen = f", of which {shown(file.chosen)}" if file.chosen else ""
        print(f"{file.kind} {shown(str(file.path))}{chosen}")
        if options.tree:
            lines = _tree(file, found)
        elif file.rows is not None:
            lines = _features(file.rows.features(), found)
        else:
            lines = _table(file, found, aliases=options.aliases)
        beside = [*label_lines(file.labels), *note_lines(file.notes), *left_out_lines(file.left_out)]
        for line in [*lines, _totals(file), *beside]:
            print(line)
    return 0


def _statistics(file: File) -> _Found:
    from .._progress import Progress
    from .._statistics import statistics

    found = {}
    total = sum(_nbytes(file, name) or 0 for name in file)
    with Progress("reading", unit="B", total=total) as bar:
        for name in file:
            found[name] = statistics(file[name].source)
            bar.update(_nbytes(file, name) or 0)
    return found


def _table(file: File, found: _Found, *, aliases: bool) -> list[str]:
    rows = [_header(found), *([shown(name), *_cells(file, name, found)] for name in file)]
    plain = table(rows)
    if not file.aliases:
        return plain
    others = ["other names", *(", ".join(map(shown, file.aliases.get(name, ()))) for name in file)]
    wide = table([[*row, names] for row, names in zip(rows, others, strict=True)])
    fits = max(map(len, wide)) <= shutil.get_terminal_size().columns
    return wide if aliases or fits else plain


def _features(features: list[Feature], found: _Found) -> list[str]:
    """Give a line for each feature of records: ragged axes are None, and statistics are of the innermost values."""
    from .._dtypes import logical_name

    rows = [["name", "dtype", "shape", "missing", *_of_statistics(found)]]
    for one in features:
        missing = "-" if one.missing is None else str(one.missing)
        cells = [shown(one.name), logical_name(one.dtype), str(one.shape), missing]
        rows.append([*cells, *(_numbers(found[one.values]) if found else [])])
    return table(rows)


def _header(found: _Found) -> list[str]:
    return ["name", "dtype", "shape", "bytes", *_of_statistics(found)]


def _of_statistics(found: _Found) -> list[str]:
    return ["min", "max", "mean", "NaN", "of"] if found else []


def _cells(file: File, name: str, found: _Found) -> list[str]:
    from .._dtypes import logical_name

    spec = file[name].source.spec
    facts = [logical_name(spec.dtype), str(spec.shape), _size(spec.nbytes)]
    return [*facts, *_numbers(found[name])] if found else facts


def _numbers(one: Statistics | None) -> list[str]:
    if one is None:
        return ["-"] * 5
    return [number(one.least), number(one.largest), number(one.mean), str(one.nans), one.of]


def _size(nbytes: int | None) -> str:
    from .._units import format_bytes

    return "-" if nbytes is None else format_bytes(nbytes)


def _nbytes(file: File, name: str) -> int | None:
    return file[name].source.spec.nbytes


def _totals(file: File) -> str:
    sizes = [_nbytes(file, name) for name in file]
    strings = sizes.count(None)
    beside = f", beside {strings} of strings" if strings else ""
    records = "" if file.rows is None else f"{file.rows.count()} records of {len(file.rows.features())} features in "
    return f"{records}{len(file)} arrays, {_size(sum(size or 0 for size in sizes))}{beside}"


def _tree(file: File, found: _Found) -> list[str]:
    root: dict[str, Any] = {}
    for name in file:
        *groups, last = name.split("/", _MOST_DEPTH)
        place = root
        for group in groups:
            place = place.setdefault(f"{group}/", {})
        place[last] = name
    header = _header(found)
    rows = _branches(file, found, root, "")
    return table([header, *([*row, *[""] * (len(header) - len(row))] for row in rows)])


def _branches(file: File, found: _Found, place: dict[str, Any], indent: str) -> Iterator[list[str]]:
    """Give a row for each group, with the bytes of all that is in it, and for each array."""
    for part, inside in place.items():
        if isinstance(inside, str):
            yield [indent + shown(part), *_cells(file, inside, found)]
            continue
        names = list(_names_in(inside))
        nbytes = sum(_nbytes(file, name) or 0 for name in names)
        yield [indent + shown(part), "", f"{len(names)} arrays", _size(nbytes)]
        yield from _branches(file, found, inside, indent + "  ")


def _names_in(place: dict[str, Any]) -> Iterator[str]:
    for inside in place.values():
        if isinstance(inside, str):
            yield inside
        else:
            yield from _names_in(inside)


def _document(file: File, found: _Found, *, stats: bool) -> dict[str, Any]:
    from .._dtypes import logical_name

    arrays = []
    for name in file:
        spec = file[name].source.spec
        one: dict[str, Any] = {
            "name": name,
            "dtype": logical_name(spec.dtype),
            "shape": list(spec.shape),
            "bytes": spec.nbytes,
            "aliases": list(file.aliases.get(name, ())),
        }
        if stats:
            one["stats"] = _stats_document(found[name])
        arrays.append(one)
    return {
        "path": str(file.path),
        "kind": file.kind,
        "chosen": file.chosen or None,
        "arrays": arrays,
        "total_bytes": sum(one["bytes"] or 0 for one in arrays),
        "labels": {name: list(names) for name, names in file.labels.items()},
        "notes": dict(file.notes),
        "left_out": dict(file.left_out),
        **({} if file.rows is None else _records_document(file.rows)),
    }


def _records_document(rows: StoredRows) -> dict[str, Any]:
    from .._dtypes import logical_name

    features = [
        {
            "name": one.name,
            "dtype": logical_name(one.dtype),
            "shape": list(one.shape),
            "missing": one.missing,
            "values": one.values,
        }
        for one in rows.features()
    ]
    return {"records": rows.count(), "features": features}


def _stats_document(found: Statistics | None) -> dict[str, Any] | None:
    if found is None:
        return None
    numbers = {"min": found.least, "max": found.largest, "mean": found.mean}
    exact = {name: one if one is None or math.isfinite(one) else str(one) for name, one in numbers.items()}
    return {"of": found.of, **exact, "nan": found.nans}
