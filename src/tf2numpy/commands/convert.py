"""`tf2numpy convert SRC DST`: the verb `convert`, with its options as words. What converting is may not enter."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import _opening
from ._table import shown, table

HELP = "write the arrays of a file into a file of another format"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what `convert` takes."""
    parser.add_argument("src", metavar="SRC", help="the file or folder to read, or its name in a store")
    parser.add_argument("dst", metavar="DST", help="the file to write: .npy .npz .h5 .zarr .parquet ...")
    _opening.add_arguments(parser)
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="RULE",
        help=r"pattern=replacement: a regular expression that fits a whole name, and the new one, with groups as \1; "
        "of several rules the first that fits a name counts",
    )
    parser.add_argument(
        "--rename-file",
        metavar="FILE",
        help="rules, one a line (# begins a comment), or a JSON object of old and new names",
    )
    parser.add_argument("--dry-run", action="store_true", help="list what would be written, and write nothing")
    parser.add_argument("--format", help='instead of the suffix; "dir" is a folder of .npy files')
    parser.add_argument("--dtype", help="cast all numbers to this dtype")
    parser.add_argument("--compression", help="zstd, gzip, blosc, snappy or lz4, where the format has it")
    parser.add_argument(
        "--chunks", type=_sizes, metavar="N,N...", help="the shape of the format's chunks; of a table, rows of a group"
    )
    parser.add_argument("--max-bytes", default="64MiB", metavar="BYTES", help="memory at once (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on with an output that was interrupted")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing output")
    parser.add_argument("--verify", action="store_true", help="read the finished file back and compare checksums")
    parser.add_argument("--quiet", action="store_true", help="show no progress, and nothing when done")


def run(options: argparse.Namespace) -> int:
    """Convert, or list what would be converted."""
    from .._conversion import convert

    wanted: dict[str, Any] = {
        **_opening.given(options),
        "rename": _rename(options),
        **{name: getattr(options, name) for name in ("format", "dtype", "compression", "chunks", "max_bytes")},
        **{name: getattr(options, name) for name in ("resume", "overwrite", "verify")},
    }
    if options.dry_run:
        _list(convert(options.src, options.dst, dry_run=True, **wanted))
        return 0
    path = convert(options.src, options.dst, progress=False if options.quiet else None, **wanted)
    if not options.quiet:
        print(f"wrote {path}")
    return 0


def _list(rows: list[Any]) -> None:
    from .._dtypes import logical_name
    from .._units import format_bytes

    cells = [
        (
            shown(row.old),
            shown(row.new),
            logical_name(row.dtype),
            str(row.shape),
            "-" if row.nbytes is None else format_bytes(row.nbytes),
        )
        for row in rows
    ]
    print("\n".join(table([("old", "new", "dtype", "shape", "bytes"), *cells])))
    print(f"{len(rows)} arrays, {format_bytes(sum(row.nbytes or 0 for row in rows))}; nothing is written")


def _rename(options: argparse.Namespace) -> Mapping[str, str] | list[str] | None:
    """Put the rules together; None if there are none.

    Raises: InvalidArgument for what is no text, a JSON text that is no object of names, and one beside rules.
    """
    from .._errors import InvalidArgument
    from ..layouts.json_objects import parse_object

    if options.rename_file is None:
        return options.rename or None
    try:
        text = Path(options.rename_file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            f"{options.rename_file} is no text in UTF-8 ({error.reason} at byte {error.start}); give a file of rules, "
            "or a JSON object of old and new names"
        ) from None
    if not text.lstrip().startswith("{"):
        lines = (line.strip() for line in text.splitlines())
        return [*options.rename, *(line for line in lines if line and not line.startswith("#"))]
    if options.rename:
        raise InvalidArgument(f"{options.rename_file} maps names, and --rename gives rules; give one of them")
    try:
        names = parse_object(text.encode())
    except ValueError as error:
        raise InvalidArgument(f"{options.rename_file} is no JSON object of old and new names: {error}") from error
    if not all(isinstance(new, str) for new in names.values()):
        raise InvalidArgument(f"{options.rename_file} has a new name that is no text; map old names to new ones")
    return names


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape; give a size for each axis, as 64,64") from None
