"""Whole models as Keras saves them: a .keras archive, or a folder of the same files. What is in them may not enter.

The weights of an archive are read where they lie in it. config.json is only ever read as JSON: it tells what layers and
variables are called, and nothing of it is made or run.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping

from .._blobs import Blob, Held, Slice, blob_of
from .._errors import FormatError, StoreError
from .._protocols import Place, Stored
from .._units import format_bytes
from . import _keras_config, keras_hdf5, keras_shards
from ._zip_members import DAMAGED, is_stored, place, unzipped

ARCHIVE, _FOLDER = ".keras archive", "folder of a Keras model"
_CONFIG, _METADATA = "config.json", "metadata.json"
_WEIGHTS, _SHARDS, _PICKLED = "model.weights.h5", "model.weights.json", "model.weights.npz"
_SUFFIX = ".keras"
_UNPACK = "unpack the archive (unzip does), and open the folder"
# A compressed member is unpacked into memory: weights hardly shrink, so whatever grows more is no model.
_MOST_RATIO, _ALWAYS_BYTES, _MOST_UNPACKED_BYTES = 10, 64 << 20, 1 << 30


def keras_archive(path: Place, head: bytes, *, names: str = "human", slots: bool = False) -> Stored | None:
    """Open a .keras archive. What is compressed in it is checked against its checksum; what is mapped is not.

    Raises: FormatError for a damaged archive, and for weights that are pickled, or compressed too well to be weights.
    """
    if not head.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    archive = blob_of(path)
    try:
        members = _members(archive)
        if _CONFIG not in members:
            return None
    except StoreError:
        raise
    except DAMAGED as error:
        if path.suffix.lower() != _SUFFIX:
            return None
        raise FormatError(f"{str(path)!r} is a {ARCHIVE} that cannot be read: {error}") from error
    if _WEIGHTS not in members:
        if _PICKLED in members:
            raise _pickled(str(path))
        if path.suffix.lower() != _SUFFIX:
            return None
        raise FormatError(
            f"{str(path)!r} is a {ARCHIVE} without {_WEIGHTS}: it holds {', '.join(sorted(members)[:10])}"
        )

    def read(name: str, most_bytes: int) -> Blob:
        return _content(archive, members[name], most_bytes)

    model = _model(lambda name: read(name, _keras_config.MOST_BYTES) if name in members else None)
    weights = read(_WEIGHTS, _MOST_UNPACKED_BYTES)
    return _read(keras_hdf5.stored_in(weights, ARCHIVE, model, told=True, names=names, slots=slots), weights)


def keras_folder(path: Place, head: bytes, *, names: str = "human", slots: bool = False) -> Stored | None:
    """Open a folder that Keras saved a model to, or that a .keras archive was unpacked to.

    Raises: FormatError for damaged files, and for weights that are pickled.
    """
    if head or not path.is_dir() or not (path / _CONFIG).is_file():
        return None
    found = next((name for name in (_WEIGHTS, _SHARDS, _PICKLED) if (path / name).is_file()), None)
    if found is None:
        return None
    if found == _PICKLED:
        raise _pickled(str(path))
    model = _model(lambda name: blob_of(path / name) if (path / name).is_file() else None)
    if found == _SHARDS:
        return keras_shards.stored_in(path / _SHARDS, _FOLDER, model, names=names, slots=slots)
    weights = blob_of(path / _WEIGHTS)
    return _read(keras_hdf5.stored_in(weights, _FOLDER, model, told=True, names=names, slots=slots), weights)


def _read(stored: Stored | None, weights: Blob) -> Stored:
    if stored is None:
        raise FormatError(f"{weights.name!r} is an HDF5 file, and not of the layout that Keras gives its weights")
    return stored


def _pickled(shown: str) -> FormatError:
    return FormatError(
        f"{shown!r} has its weights in {_PICKLED}, as pickled objects, which can run any program and are never "
        f"unpickled; if you trust it, load it with the Keras that wrote it ({_METADATA} says which) and save it anew"
    )


def _members(archive: Blob) -> Mapping[str, zipfile.ZipInfo]:
    """List the members of an archive.

    Raises: FormatError if two have one name; what zipfile raises for a damaged archive.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    with unzipped(archive) as opened:
        for member in opened.infolist():
            if member.filename in members:
                raise FormatError(f"{archive.name!r} has two members {member.filename!r}; the archive is damaged")
            members[member.filename] = member
    return members


def _content(archive: Blob, member: zipfile.ZipInfo, most_bytes: int) -> Blob:
    """Give the bytes of a member: a range of the archive, or unpacked in memory.

    Raises: FormatError for one that cannot be unpacked, or is larger than most_bytes, or grows too much.
    """
    name = f"{archive.name}/{member.filename}"
    try:
        start, stop = place(archive, member)
        if is_stored(member, _UNPACK):
            return Slice(archive, start, stop, name)
        allowed = min(most_bytes, max(_ALWAYS_BYTES, member.compress_size * _MOST_RATIO))
        if member.file_size > allowed:
            raise FormatError(
                f"its {format_bytes(member.compress_size)} would unpack to {format_bytes(member.file_size)}, and "
                f"{format_bytes(allowed)} are the most that is unpacked in memory; if it is to be trusted, {_UNPACK}"
            )
        with unzipped(archive) as opened:
            return Held(opened.read(member), name)
    except StoreError:
        raise
    except (FormatError, *DAMAGED) as error:
        raise FormatError(f"{name!r} cannot be read: {error}") from error


def _model(read: Callable[[str], Blob | None]) -> _keras_config.Known:
    """Give what is known of the model; read: gives the content of a file beside the weights, None if it is missing.

    Raises: FormatError for a configuration that cannot be read.
    """
    config, metadata = (_json(read(name)) for name in (_CONFIG, _METADATA))
    return _keras_config.root(config, keras_2=str(metadata.get("keras_version")).startswith("2."))


def _json(content: Blob | None) -> Mapping[str, object]:
    if content is None:
        return {}
    where = f"{content.name!r} does not tell what the layers are: "
    remedy = f"; open {_WEIGHTS} alone, out of the archive or the folder"
    if content.size > _keras_config.MOST_BYTES:
        most = format_bytes(_keras_config.MOST_BYTES)
        raise FormatError(f"{where}it has {format_bytes(content.size)}, and {most} are the most that is read{remedy}")
    try:
        return _keras_config.parse(content.read(0, content.size).tobytes())
    except ValueError as error:
        raise FormatError(f"{where}{error}{remedy}") from error
