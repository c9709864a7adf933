"""`arrays.json`, which tells the array of each file in a folder of .npy files. No array may enter."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .json_objects import parse_object

MARKER = "arrays.json"
_FORMAT = "tf2numpy folder of .npy files"
_VERSION = 1


def text(files: Mapping[str, str]) -> bytes:
    """Write the file of each array: paths below the folder, with slashes."""
    content = {"format": _FORMAT, "version": _VERSION, "arrays": dict(files)}
    return (json.dumps(content, indent=1) + "\n").encode()


def parse(found: bytes) -> dict[str, str] | None:
    """Read what `text` wrote; None if this is another's `arrays.json`.

    Raises: ValueError saying what is wrong with it.
    """
    content = parse_object(found)
    if content.get("format") != _FORMAT:
        return None
    if content.get("version") != _VERSION:
        raise ValueError(f"it is of version {content.get('version')!r}, and {_VERSION} is known; upgrade tf2numpy")
    files = content.get("arrays")
    if not isinstance(files, dict) or not all(isinstance(file, str) for file in files.values()):
        raise ValueError("'arrays' in it must be files by name")
    used: dict[str, str] = {}
    for name, file in files.items():
        parts = file.split("/")
        if not parts[-1].endswith(".npy") or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise ValueError(
                f"the array {name!r} has the file {file!r}, which is no path to a .npy file below the folder"
            )
        if file in used:
            raise ValueError(f"the arrays {used[file]!r} and {name!r} have one file, {file!r}")
        used[file] = name
    return files
