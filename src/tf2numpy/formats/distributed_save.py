"""What `distributed_save` of the tf.data service wrote: a folder of chunks. Other folders may not enter.

Source: tensorflow/core/data/service/snapshot/path_utils.cc. Several workers write at once, so the order of the elements
is not recorded: they come stream by stream, and chunk by chunk in each.
"""

from __future__ import annotations

import re

from .._errors import FormatError
from .._protocols import Place, Stored
from ._dataset_files import CURRENT, Described, dataset
from ._snapshot_folder import METADATA, SPEC, listed, read_metadata
from .dataset_save import read_structure

_KIND = "distributed save of a dataset"
_CHUNK = re.compile(r"chunk_(\d{1,18})_(\d{1,18})_(-?\d{1,18})")


def distributed_save(path: Place, head: bytes, *, check: bool = True) -> Stored | None:
    """Open a folder that `tf.data.experimental.distributed_save` wrote.

    Raises: FormatError for a save that failed or is not done, missing or damaged chunks; ChecksumError; MissingExtra.
    """
    if head or not path.is_dir() or not (path / SPEC).is_file() or not (path / METADATA).is_file():
        return None
    if read_metadata(path / METADATA) is not None:
        return None
    shown = repr(str(path))
    if (path / "ERROR").is_file():
        raise FormatError(f"{shown} is a {_KIND} that failed, as its file 'ERROR' tells; save the dataset again")
    if not (path / "DONE").is_file():
        raise FormatError(f"{shown} is a {_KIND} that is not done: it has no file 'DONE'; wait, or save it again")
    chunks = path / "chunks"
    if chunks not in listed(path) or not chunks.is_dir():
        raise FormatError(f"{shown} has no folder 'chunks', where its data should be; copy it there")
    found = {}
    for one in listed(chunks):
        if match := _CHUNK.fullmatch(one.name):
            found[int(match[1]), int(match[2])] = (one, int(match[3]))
    files = [found[place] for place in sorted(found)]
    elements = -1 if any(count < 0 for _, count in files) else sum(count for _, count in files)
    described = Described(read_structure(path), CURRENT, elements, _KIND)
    return dataset(path, [file for file, _ in files], described, check=check)
