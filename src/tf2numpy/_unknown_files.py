"""What is said of a file or folder that no reader knows. How formats are read may not enter."""

from __future__ import annotations

import errno
import os
from itertools import islice
from pathlib import Path

from ._errors import FormatError
from ._places import fitting, is_pattern
from ._protocols import Place
from ._selection import near

_SHOWN = 20
_EMPTY = "it is empty; "
_PAGES = (b"<!doctype", b"<html")
_PAGE = "it begins as a web page does, which servers give for a folder (name a file in it) and for want of a login; "
_RECORDS = ".tfrecord"
_NO_RECORDS = (
    "it is called as TFRecords are, and its first bytes begin no record, neither as they are nor unpacked: they are "
    "damaged, or it is something else; "
)
# What lies in a folder beside the arrays, to say what they are: of checkpoints, SavedModels, TFDS and saved datasets.
_DESCRIBE = frozenset(
    [
        "checkpoint",
        "fingerprint.pb",
        "keras_metadata.pb",
        "features.json",
        "dataset_info.json",
        "dataset_spec.pb",
        "snapshot.metadata",
        "dataset_def.proto",
    ]
)
_DESCRIBES = "it is called as a file that tells of others in its folder; open the folder; "
_INDEX, _DATA = ".index", ".data-"  # the files of a checkpoint, after its prefix
_LISTED = 4096  # names of a folder that are looked at for near ones
UNLISTED = (
    "there is no such object, and its server cannot list folders: name a file in it, such as a checkpoint's .index"
)
NO_PATTERN = "a pattern means the files that fit it, and this server cannot list its files: name one of them"


def seen_in(path: Place, head: bytes) -> str:
    """Say what a folder has, in an error; of a file that it is a server's page, is empty, tells of others, or is not
    what it is called.
    """
    if not path.is_dir():
        if head.lstrip()[:9].lower().startswith(_PAGES):
            return _PAGE
        if not head:
            return _EMPTY
        return _DESCRIBES if path.name in _DESCRIBE else _NO_RECORDS if _RECORDS in path.name else ""
    names = sorted(one.name for one in path.iterdir())
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"it has {', '.join(names[:_SHOWN])}{more}; " if names else _EMPTY


def unread(path: Place, missing: FileNotFoundError) -> FileNotFoundError | FormatError:
    """Say why a name under which nothing lies can be read in no other way either. missing: says that nothing does."""
    if isinstance(path, Path) and any(map(is_pattern, path.parents)) and not path.parent.exists():
        return FileNotFoundError(errno.ENOENT, "only the last part of a name can be a pattern", str(path))
    if not is_pattern(path):
        return _with_near(path, missing) if isinstance(path, Path) else missing
    found = fitting(path)
    others = [one for one in found if not one.is_file()] or found
    if others:
        one = min(others, key=lambda one: one.name)
        what = "no TFRecord file" if one.is_file() else "a folder" if one.is_dir() else "neither a file nor a folder"
        return FormatError(
            f"{str(one)!r}, which {str(path)!r} fits, is {what}; a pattern means TFRecord files alone: open others by "
            "their own names"
        )
    if not isinstance(path, Path):
        return missing
    return FileNotFoundError(errno.ENOENT, "no file fits this pattern", str(path))


def _with_near(path: Path, missing: FileNotFoundError) -> FileNotFoundError:
    """Name what lies near, where a name is misspelt; of a checkpoint the prefix, to which saving adds a number."""
    try:
        with os.scandir(path.parent) as entries:
            names = {entry.name.removesuffix(_INDEX) for entry in islice(entries, _LISTED) if _DATA not in entry.name}
    except OSError:  # which is not what went wrong first
        return missing
    return FileNotFoundError(errno.ENOENT, f"{missing.strerror}{near(path.name, names)}", str(path))
