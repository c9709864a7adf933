"""The verb that turns a file into another: `convert`. It joins opening, renaming and saving, and owns none of them.

Nothing that depends on a format may enter this file.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import DTypeLike

from ._lazy import as_written
from ._opened import stored_by
from ._options import layout_of
from ._places import place_of
from ._protocols import Group, Source, Stored
from ._rename import Rename, renamed
from ._renamed_rows import RenamedRows
from ._save import file_request, job_for, run
from ._selection import selected
from ._write import prepared, specs_of

_MOST_SHOWN = 20


class Conversion(NamedTuple):
    """What would become of one array: its name in the file, its new one, and what it will be there.

    nbytes: in memory; None for strings, which are not read to be counted.
    """

    old: str
    new: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]
    nbytes: int | None


@overload
def convert(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    select: str | Sequence[str] | None = None,
    names: str = "human",
    slots: bool = False,
    constants: bool = False,
    checkpoint: str | None = None,
    check: bool = True,
    schema: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    images: bool = False,
    on_corrupt: Literal["raise", "skip"] = "raise",
    partial: bool = False,
    rename: Rename | None = None,
    format: str | None = None,
    max_bytes: int | str = "64MiB",
    dtype: DTypeLike | None = None,
    compression: str | None = None,
    chunks: Sequence[int] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    verify: bool = False,
    progress: bool | Callable[[int, int | None], None] | None = None,
    dry_run: Literal[False] = False,
) -> Path: ...


@overload
def convert(
    src: str | os.PathLike[str], dst: str | os.PathLike[str], *, dry_run: Literal[True], **options: Any
) -> list[Conversion]: ...


@as_written  # type: ignore[misc]  # a dry run takes no other options than these
def convert(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    select: str | Sequence[str] | None = None,
    names: str = "human",
    slots: bool = False,
    constants: bool = False,
    checkpoint: str | None = None,
    check: bool = True,
    schema: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    images: bool = False,
    on_corrupt: Literal["raise", "skip"] = "raise",
    partial: bool = False,
    rename: Rename | None = None,
    format: str | None = None,
    max_bytes: int | str = "64MiB",
    dtype: DTypeLike | None = None,
    compression: str | None = None,
    chunks: Sequence[int] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    verify: bool = False,
    progress: bool | Callable[[int, int | None], None] | None = None,
    dry_run: bool = False,
) -> Path | list[Conversion]:
    r"""Write the arrays of a file that `open` reads into a file that `save` writes, in bounded memory.

    src: the file or folder to read, local or in a store; TensorFlow is not needed. dst: the local file to write;
        its suffix names the format, unless `format` does.
    select, names, slots, constants, checkpoint, check, schema, images, on_corrupt, partial: as for `open`; select goes
        by the names before renaming.
    rename: a mapping of old names to new ones, or rules "pattern=replacement", one or a list. A rule is cut at its last
        "="; the pattern is a regular expression (Python's `re`) that must fit the whole name; \1 or \g<name> in the
        replacement is what a group of it found. Of several rules the first that fits a name counts, and a name that
        none fits stays.
    format, max_bytes, dtype, compression, chunks, overwrite, resume, verify, progress: as for `save`.
    dry_run: write nothing; give a list of what would be written, an (old, new, dtype, shape, nbytes) for each array.

    Returns: dst, which appears whole or not at all, as with `save`. What the file has and no array can be is left out,
    and a warning says what and why.

    Raises: what `open` and `save` raise; FormatError, naming all arrays that the format cannot hold, and
    InvalidArgument, naming all that would have one name, before anything is read.

    >>> import numpy as np, tempfile, tf2numpy as t2n
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = t2n.save({"a": {"kernel": np.ones(2)}, "b": np.zeros(3)}, f"{folder}/x.npz")
    ...     path = t2n.convert(source, f"{folder}/y.safetensors", rename=r"(.*)/kernel=\1.weight")
    ...     with t2n.open(path) as file:
    ...         print(list(file))
    ['a.weight', 'b']
    """
    request = file_request(dtype)
    job = job_for(
        dst,
        request,
        format=format,
        max_bytes=max_bytes,
        layout=layout_of(compression, chunks),
        overwrite=overwrite,
        resume=resume,
        verify=verify,
        progress=progress,
    )
    place = place_of(src)
    found = stored_by(
        place,
        names=names,
        slots=slots,
        constants=constants,
        checkpoint=checkpoint,
        check=check,
        schema=schema,
        images=images,
        on_corrupt=on_corrupt,
        partial=partial,
    )
    shown = str(place)
    with closing(found):
        chosen = found if select is None else selected(found, select, shown)
        if not dry_run:
            path = run(_source(found, chosen, rename, repr(shown)), job)
            _warn_of_left_out(chosen, shown)
            return path
        new = renamed(chosen.arrays, rename, _known(found), repr(shown))
        source = _group(chosen, new)
        prepared(source, job)
        specs = specs_of(source, request)
        _warn_of_left_out(chosen, shown)
        return [
            Conversion(old, name, specs[name].dtype, specs[name].shape, specs[name].nbytes) for old, name in new.items()
        ]


def _source(found: Stored, chosen: Stored, rename: Rename | None, shown: str) -> Source:
    """Give all chosen arrays under their new names, as rows where they lie so."""
    if chosen.rows is None:
        return _group(chosen, renamed(chosen.arrays, rename, _known(found), shown))
    if rename is None:
        return chosen.rows
    every = found.rows or chosen.rows
    return RenamedRows(chosen.rows, lambda names: renamed(names, rename, dict.fromkeys(every.specs(), ()), shown))


def _known(stored: Stored) -> Mapping[str, Sequence[str]]:
    return {name: stored.aliases.get(name, ()) for name in stored.arrays}


def _group(stored: Stored, new: Mapping[str, str]) -> Group:
    names = tuple(new.values())
    return Group(
        stored.kind,
        [(new[name], array) for name, array in stored.arrays.items()],
        lambda built: dict(zip(names, built, strict=True)),
        labels=tuple(f"the array {name!r}" for name in new),
    )


def _warn_of_left_out(stored: Stored, src: str) -> None:
    """Say what is in no array; of records, that is known once they are read."""
    if stored.left_out:
        warnings.warn(_left_out(src, stored.left_out), stacklevel=3)


def _left_out(src: str, left_out: Mapping[str, str]) -> str:
    shown = "; ".join(f"{name!r} ({why})" for name, why in list(left_out.items())[:_MOST_SHOWN])
    more = (
        f"; and {len(left_out) - _MOST_SHOWN} more, see open({src!r}).left_out" if len(left_out) > _MOST_SHOWN else ""
    )
    return f"{src!r} has what no array can be, and it is left out: {shown}{more}"
