"""A file name for every array name: safe on any system, never outside its folder. Nothing may be opened here.

Parts between slashes become folders. Whatever a system could take for something else is written %XX, as in web
addresses; names that would still be in each other's way get a hash of the true name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

_SUFFIX = ".npy"
_MOST_PART_BYTES = 200  # most file systems take 255
_MOST_PATH_BYTES = 800
_SPECIAL = frozenset('<>:"\\|?*%')
_DEVICES = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])( *\..*| *)", re.IGNORECASE)
_ESCAPED = re.compile(r"%[0-9A-F]{2}|.", re.DOTALL)


def file_names(names: Iterable[str]) -> dict[str, str]:
    """Give the path of each array's file, relative to the folder, with slashes; the same one each time.

    >>> file_names(["a", "a/b", "../x", "A"])
    {'a': 'a%-86f7e437faa5.npy', 'a/b': 'a/b.npy', '../x': '%2E%2E/x.npy', 'A': 'A%-6dcd4ce23d88.npy'}
    """
    stems = {name: _stem(name) for name in names}
    counts = Counter(_folded(stem) for stem in stems.values())
    return {
        name: (stem if counts[_folded(stem)] == 1 else stem + _mark(name)) + _SUFFIX for name, stem in stems.items()
    }


def _stem(name: str) -> str:
    """Give the path without its suffix."""
    *folders, last = name.split("/")
    parts = [*(_folder(part) for part in folders), _shortened(_escaped(last), last)]
    stem = "/".join(parts)
    if len(stem.encode()) <= _MOST_PATH_BYTES:
        return stem
    return _shortened(_escaped(name), name)


def _folder(part: str) -> str:
    """Name a folder: never like a file of ours."""
    found = _shortened(_escaped(part), part)
    return re.sub(r"\.(npy|json)$", r"%2E\1", found, flags=re.IGNORECASE)


def _escaped(part: str) -> str:
    if not part:
        return "%"  # no other name gives it, as % itself is %25
    pieces = [char if _harmless(char) else _percent(char) for char in part]
    if part[0] in ".~- " or _DEVICES.fullmatch(part):
        pieces[0] = _percent(part[0])
    if part[-1] in ". ":
        pieces[-1] = _percent(part[-1])
    return "".join(pieces)


def _harmless(char: str) -> bool:
    return char.isprintable() and char not in _SPECIAL and char != "/" and unicodedata.normalize("NFC", char) == char


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def _shortened(text: str, name: str) -> str:
    """Cut a part that is longer than file systems take, and let a hash tell it from others."""
    if len(text.encode()) <= _MOST_PART_BYTES:
        return text
    kept = ""
    for piece in _ESCAPED.findall(text):
        if len((kept + piece).encode()) > _MOST_PART_BYTES - 20:
            break
        kept += piece
    return kept + _mark(name)


def _mark(name: str) -> str:
    """Give what no escaped name has in it: % and no digits."""
    return "%-" + hashlib.sha1(name.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:12]


def _folded(path: str) -> str:
    """Give what paths have in common that some system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
