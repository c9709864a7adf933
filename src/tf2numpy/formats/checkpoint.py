"""TensorFlow's checkpoints: by prefix, by a file of theirs, or a folder of them. What is in the files may not enter.

Version 2 is an index with data files (see `_bundle`), version 1 one file (see `_checkpoint_v1`).
"""

from __future__ import annotations

import re
from dataclasses import replace

from .._errors import FormatError, InvalidArgument
from .._protocols import Place, Stored
from .._remote_errors import CannotList
from ..wire.object_graph import GRAPH_KEY
from ._bundle import INDEX_SUFFIX, files_of, index_of, open_bundle
from ._checkpoint_folder import chosen, is_table_file
from ._names import named

_KIND = "checkpoint"
_DATA_FILE = re.compile(r"(.+)\.data-\d{5}-of-\d{5}")


def checkpoint(
    path: Place,
    head: bytes,
    *,
    names: str = "human",
    slots: bool = False,
    checkpoint: str | None = None,
    check: bool = True,
) -> Stored | None:
    """Open a checkpoint: its prefix, its index or a data file, or the folder, of which `checkpoint` chooses one.

    Raises: FormatError for files that are damaged or missing, saying which; ChecksumError; InvalidArgument for a choice
    where there is none.
    """
    found = _found(path, checkpoint)
    if found is None:
        return None
    if checkpoint is not None and not path.is_dir():
        raise InvalidArgument(
            f"checkpoint={checkpoint!r} chooses one of a folder, and {str(path)!r} is one checkpoint; leave it out"
        )
    if index_of(found).is_file():
        bundle = open_bundle(found, check=check, kind=_KIND)
        stored = Stored(_KIND, bundle.arrays, lambda: None, left_out=bundle.left_out)
        graph = bundle.text(GRAPH_KEY)
    else:
        from ._checkpoint_v1 import open_v1  # slow to import, and few files need it

        stored, graph = open_v1(found, check=check), None
    stored = replace(stored, chosen=found.name if path.is_dir() else "")
    return named(stored, graph, names=names, slots=slots, shown=repr(str(found)))


def _found(path: Place, wanted: str | None) -> Place | None:
    """Find the prefix of the checkpoint that is meant, or a file of version 1; None if it is no checkpoint.

    Raises: as `checkpoint`.
    """
    try:
        if path.is_dir() and (found := chosen(path, wanted)) is not None:
            return found
    except CannotList:
        if not index_of(path).is_file():
            raise
    if path.is_file():
        return _of_file(path)
    if index_of(path).is_file():
        return path
    there = files_of(path)
    if there:
        raise FormatError(
            f"{str(path)!r} has no index: there is {', '.join(there)}, and no {index_of(path).name}; a save that did "
            "not finish leaves that, or a copy that is not whole"
        )
    from ._checkpoint_v1 import is_pattern

    return path if is_pattern(path) else None


def _of_file(path: Place) -> Place | None:
    if path.name.endswith(INDEX_SUFFIX):
        prefix = path.parent / path.name.removesuffix(INDEX_SUFFIX)
        return prefix if is_table_file(path) or files_of(prefix) else None
    data_file = _DATA_FILE.fullmatch(path.name)
    if data_file and index_of(path.parent / data_file[1]).is_file():
        return path.parent / data_file[1]
    return path if is_table_file(path) else None
