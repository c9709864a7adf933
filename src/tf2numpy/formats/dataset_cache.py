"""What `Dataset.cache` keeps in a file: elements in a tensor bundle. Checkpoints may not enter.

Source: tensorflow/core/kernels/data/cache_dataset_ops.cc. The structure of the elements is not recorded: components are
called 0, 1 ... in their order, a lone one "data".
"""

from __future__ import annotations

from itertools import islice

from .._blobs import blob_of
from .._errors import FormatError
from .._protocols import Place, Stored
from .._remote_errors import CannotList
from ..wire.cache_keys import place_of
from ..wire.table import FOOTER_BYTES, Table, is_table
from ._bundle import INDEX_SUFFIX, index_of
from ._reading import reading

_KIND = "dataset cache"
_LOCK = ".lockfile"


def dataset_cache(path: Place, head: bytes, *, check: bool = True) -> Stored | None:
    """Open a cache by the name that was given to `Dataset.cache`, or by its index.

    Raises: FormatError for a cache that is being written, for missing or damaged files; ChecksumError; MissingExtra.
    """
    if _is_folder(path):
        return None
    prefix = path.parent / path.name.removesuffix(INDEX_SUFFIX)
    index = index_of(prefix)
    if not index.is_file():
        return None
    blob = blob_of(index)
    if not is_table(bytes(blob.read(max(0, blob.size - FOOTER_BYTES), blob.size))):
        return None
    with reading(repr(str(index))):
        table = Table(blob.read, blob.size, check=check)
        keys = [key for key, _ in islice(table, 2)]
        if len(keys) < 2 or keys[0] or place_of(keys[1]) is None:
            return None
        # Slow to import, and every checkpoint comes by here.
        from ._cached_elements import Cached
        from ._dataset_files import CURRENT, Described, arrays_of
        from ._record_files import Streams

        locked = _locks(prefix)
        if locked:
            raise FormatError(
                f"it is being written, or its writer was stopped: there is {locked[0]!r}; wait, or write it anew"
            )
        cached = Cached(prefix, table, check=check)
    return arrays_of(path, [cached], Described(cached.leaves, CURRENT, -1, _KIND), Streams())


def _is_folder(path: Place) -> bool:
    """Tell whether there is a folder, and not only may be one, for all that a server which cannot list tells."""
    try:
        return path.is_dir() and any(True for _ in path.iterdir())
    except CannotList:
        return False


def _locks(prefix: Place) -> list[str]:
    """Name the files that say that a cache is being written; on a server that cannot list, the first if it is there."""
    try:
        names = [one.name for one in prefix.parent.iterdir()]
    except CannotList:
        first = f"{prefix.name}_0{_LOCK}"
        names = [first] if (prefix.parent / first).is_file() else []
    return sorted(name for name in names if name.startswith(f"{prefix.name}_") and name.endswith(_LOCK))
