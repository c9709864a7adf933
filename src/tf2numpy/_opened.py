"""The verb that reads files: `open`. It finds the reader that knows a file.

What a format is like may not enter.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from . import _registry
from ._blobs import blob_of
from ._errors import FormatError, InvalidArgument
from ._file import File
from ._lazy import as_written
from ._places import is_pattern, place_of
from ._protocols import Place, Reader, Stored
from ._remote_errors import CannotList
from ._selection import selected
from ._unknown_files import NO_PATTERN, UNLISTED, seen_in, unread

_HEAD_BYTES = 64
_OF_RECORDS = {"schema": None, "images": False, "on_corrupt": "raise", "partial": False, "index": False}
_DEFAULTS = {"names": "human", "slots": False, "constants": False, "checkpoint": None, "check": True, **_OF_RECORDS}


@as_written
def open(
    path: str | os.PathLike[str],
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
    index: bool = False,
) -> File:
    """Open a file of TensorFlow's, or one that `save` or a format's own library wrote: names and lazy arrays.

    path: a checkpoint, a SavedModel or a frozen graph; what Keras saved (.keras, .weights.h5, .weights.json, .h5); a
        serialized tensor, a dataset that was saved or cached, an event log of TensorBoard's; TFRecords, one file, all
        that a pattern fits ("train-*.tfrecord"), or a folder of them; the folder of a dataset that TensorFlow Datasets
        prepared ("train/image", "test/image", ...); a .npy, .npz, .h5, .zarr, .safetensors, .parquet
        or .arrow file, or a folder of .npy files. TensorFlow is not needed. What a file is, is told by its content, not
        by its suffix. It is a local path, or the name of an object or a folder in a store: gs://, s3://, az://,
        https://, http:// (or file://), of which no more is fetched than what is asked for. Credentials come from the
        environment, as the library obstore takes them.
    select: only the arrays that one of these names or patterns ("*/kernel") fits, by any name they have.

    The other options are refused for files that they mean nothing to:
    names: "human" calls an array as the model does, "key" as the file does; the other names work as well.
    slots: with the optimizer's variables and other bookkeeping. constants: with the constants of a SavedModel's graph.
    checkpoint: which one of a folder with several; the latest by default.
    check: compare the checksums in the file with what is read; only whole arrays can be compared, slices are not.
    schema: of TFRecords, what their features are, by name: `Bytes`, `Values`, `Raw`, `Image`, a pair of shape and
        dtype, or one of tf.io's specifications; or what a features.json of TensorFlow Datasets has, or its path. The
        arrays follow from it alone, and what it does not name is left out.
    images: of TensorFlow Datasets, decode the images that a features.json tells of; by default they are the encoded
        bytes that lie in the records, which take a tenth of the memory and no further library.
    on_corrupt: of TFRecords, "skip" leaves out records that do not fit their checksums or are no such message as the
        others, and says in `left_out` which; a length that is damaged ends its file there.
    partial: of TFRecords, give the whole records of a file that ends within one, as it does while it is written.
    index: of uncompressed TFRecords on a disk, keep where records lie and what they have in a small hidden file beside
        each (.NAME.t2n-index), so that only the first slice ever reads all; a file that changed is read again.

    Nothing is read before it is asked for: `file["a"][10:20]` reads those rows, `np.asarray(file["a"])` all of them,
    and `to_numpy`, `save`, `iter_chunks` and `plan` take the file or one of its arrays. dtypes are the logical ones,
    bfloat16 and its kin included; strings are object arrays of bytes.

    Raises: FormatError for a file of no known format, or a damaged one; FileNotFoundError; MissingExtra. Of a store
    also PermissionError, StoreError if it gives no answer, ChecksumError for an object that was replaced meanwhile.

    >>> import numpy as np, tempfile, tf2numpy as t2n
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = t2n.save(np.arange(6).reshape(3, 2), f"{folder}/a.npy")
    ...     with t2n.open(path) as file:
    ...         print(file["data"][1:])
    [[2 3]
     [4 5]]
    """
    place = place_of(path)
    stored = stored_by(
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
        index=index,
    )
    return File(place, stored if select is None else selected(stored, select, str(place)))


def stored_by(path: Place, **options: Any) -> Stored:
    """Find what a file holds as `open` does; options: those of `open` but select, any of them.

    Raises: as `open`.
    """
    if (names := options.get("names", "human")) not in ("human", "key"):
        raise InvalidArgument(f"names={names!r} is no way to name arrays; it is 'human' or 'key'")
    if isinstance(schema := options.get("schema"), str | os.PathLike):
        options["schema"] = place_of(schema)
    return stored_in(path, {option: value for option, value in options.items() if value != _DEFAULTS[option]})


def stored_in(
    path: Place, options: Mapping[str, Any] | None = None, *, offered: Mapping[str, Any] | None = None
) -> Stored:
    """Find the reader that knows a file or folder, and what it finds there.

    options: those of `open` that differ from the default. offered: more of them, for formats that know them.
    Raises: as `open`.
    """
    head, missing = _begin(path)
    only_prefix = missing is not None and not path.is_dir()
    several = (_registry.PREFIX, _registry.PATTERN) if is_pattern(path) else (_registry.PREFIX,)
    unlisted = False
    for row in _registry.FORMATS:
        if not head.startswith(row.begins) or (only_prefix and row.several not in several):
            continue
        reader: Reader = _registry.load(row.target, "formats")
        given = {**(offered or {}), **(options or {})}
        taken = {option: value for option, value in given.items() if option in row.options}
        try:
            stored = reader(path, head, **taken)
        except CannotList:
            unlisted = True
            continue
        if stored is not None:
            _refuse_others(options or {}, row, f"{stored.kind} {str(path)!r}")
            return stored
    if only_prefix and missing is not None:
        raise unread(path, missing)
    if unlisted and missing is not None:
        raise FileNotFoundError(errno.ENOENT, NO_PATTERN if is_pattern(path) else UNLISTED, str(path))
    known = ", ".join(dict.fromkeys(row.target.partition(":")[0] for row in _registry.FORMATS))
    raise FormatError(f"{str(path)!r} is of no format that can be read; {seen_in(path, head)}known are {known}")


def _begin(path: Place) -> tuple[bytes, FileNotFoundError | None]:
    """Give the first bytes of a file, none of a folder; and the error, if nothing lies under just this name."""
    try:
        blob = blob_of(path)
    except IsADirectoryError:
        return b"", None
    except FileNotFoundError as error:
        return b"", error
    return blob.read(0, min(_HEAD_BYTES, blob.size)).tobytes(), None


def _refuse_others(options: Mapping[str, Any], row: _registry.Known, shown: str) -> None:
    """Refuse options that mean nothing to a format."""
    for option, value in options.items():
        if option not in row.options:
            takes = f"it takes {', '.join(row.options)}" if row.options else "it takes no such options"
            value = os.fspath(value) if isinstance(value, os.PathLike) else value
            raise InvalidArgument(f"{option}={value!r} means nothing to the {shown}: {takes}; leave {option} out")
