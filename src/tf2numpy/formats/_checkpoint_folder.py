"""Which checkpoints a folder has, and which one is meant. What is in them may not enter.

The file `checkpoint` names the latest one (tensorflow/python/training/checkpoint_state.proto, in text form). Its paths
may be those of the machine where it was written: only what lies in the folder itself counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .._blobs import blob_of
from .._errors import FormatError, InvalidArgument
from .._protocols import Place
from ..wire.table import FOOTER_BYTES, is_table
from ..wire.text_proto import text_fields
from ._bundle import INDEX_SUFFIX

_STATE = "checkpoint"
_MOST_STATE_BYTES = 16 << 20
_SHOWN = 10
_STEP = re.compile(r".*?-?(\d+)")
_UNFINISHED = re.compile(r".*\.data-\d{5}-of-\d{5}|.*\.tempstate\d*|.*_temp")
_SHARD = re.compile(r"(.*)-\d{5}-of-\d{5}")


def is_table_file(path: Place) -> bool:
    """Tell by its end whether a file is a table."""
    blob = blob_of(path)
    return is_table(bytes(blob.read(max(0, blob.size - FOOTER_BYTES), blob.size)))


def chosen(folder: Place, wanted: str | None) -> Place | None:
    """Give the prefix of the checkpoint that is meant, or its one file; None for a folder without checkpoints.

    wanted: its name, or its step, the number its name ends in; None for the latest.
    Raises: FormatError if a folder with parts of checkpoints has no whole one, or does not say which is the latest;
    InvalidArgument if there is none as wanted.
    """
    names = {one.name for one in folder.iterdir()}
    state = _state(folder) if _STATE in names and (folder / _STATE).is_file() else {}
    listed = [_base(path) for path in state.get("all_model_checkpoint_paths", ())]
    latest = [_base(path) for path in state.get("model_checkpoint_path", ())][-1:]
    found = _complete(folder, names, [*listed, *latest])
    if not found:
        _refuse_parts(folder, names, latest)
        return None
    if wanted is not None:
        return found[_named(folder, found, wanted)]
    if latest and latest[0] in found:
        return found[latest[0]]
    if latest:
        raise FormatError(
            f"{str(folder)!r}: its file {_STATE!r} names {latest[0]!r} as the latest, which is not there; "
            f"{_listed(found)}; pass checkpoint= with one of these names"
        )
    if len(found) > 1:
        raise FormatError(
            f"{str(folder)!r} has several checkpoints, and no file {_STATE!r} that says which is the latest; "
            f"{_listed(found)}; pass checkpoint= with one of these names"
        )
    return next(iter(found.values()))


def _state(folder: Place) -> Mapping[str, Sequence[bytes]]:
    """Read the file that lists the checkpoints; nothing of another file of that name."""
    blob = blob_of(folder / _STATE)
    if blob.size > _MOST_STATE_BYTES:
        return {}
    try:
        return text_fields(bytes(blob.read(0, blob.size)))
    except FormatError:
        return {}


def _base(path: bytes) -> str:
    """Give the last part of a path, of any system."""
    return re.split(r"[/\\]", str(path, "utf-8", "surrogateescape"))[-1]


def _complete(folder: Place, names: set[str], listed: Sequence[str]) -> dict[str, Place]:
    """Find the checkpoints: those with an index, and those of version 1 that the state lists; by name, in order."""
    prefixes = sorted(name.removesuffix(INDEX_SUFFIX) for name in names if name.endswith(INDEX_SUFFIX))
    found = {name: folder / name for name in prefixes if name and is_table_file(folder / f"{name}{INDEX_SUFFIX}")}
    shards = {shard[1]: name for name in sorted(names, reverse=True) if (shard := _SHARD.fullmatch(name))}
    for name in dict.fromkeys(listed):
        pattern = re.fullmatch(r"(.*)-\?{5}-of-\d{5}", name)
        file = shards.get(pattern[1], "") if pattern else name
        if name not in found and file in names and (folder / file).is_file() and is_table_file(folder / file):
            found[name] = folder / file
    return found


def _named(folder: Place, found: Mapping[str, Place], wanted: str) -> str:
    if wanted in found:
        return wanted
    fits = [name for name in found if (step := _STEP.fullmatch(name)) and step[1] == wanted]
    if len(fits) == 1:
        return fits[0]
    which = f"several such: {', '.join(fits)}" if fits else f"none such; {_listed(found)}"
    raise InvalidArgument(f"checkpoint={wanted!r}: {str(folder)!r} has {which}")


def _refuse_parts(folder: Place, names: set[str], latest: Sequence[str]) -> None:
    """Refuse a folder that has something of a checkpoint, but none that is whole."""
    parts = sorted(name for name in names if _UNFINISHED.fullmatch(name))
    if not parts and not latest:
        return
    said = f"its file {_STATE!r} names {latest[0]!r}, and " if latest else ""
    there = f"it has {_some(parts)}, parts of a save that did not finish" if parts else f"it has {_some(sorted(names))}"
    raise FormatError(
        f"{str(folder)!r} has no checkpoint that is whole: {said}there is no {INDEX_SUFFIX} file of one; {there}; "
        "copy the missing files there, or save anew"
    )


def _listed(found: Mapping[str, Place]) -> str:
    return f"there {'are' if len(found) > 1 else 'is'} {_some(list(found))}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
