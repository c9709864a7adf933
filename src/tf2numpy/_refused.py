"""All the arrays that a sink cannot take, in one error. What a format can hold, and why not, may not enter."""

from __future__ import annotations

from collections.abc import Mapping

from ._errors import FormatError
from ._protocols import Sink
from ._types import ArraySpec

_MOST_NAMED = 50


def check_all(sink: Sink, specs: Mapping[str, ArraySpec]) -> None:
    """Refuse what a sink cannot take, naming every array that it refuses, alike ones together.

    Raises: FormatError, a line for each reason; InvalidArgument for chunks that suit none of the arrays.
    """
    try:
        sink.check(specs)
    except FormatError as first:
        alike = _alike(sink, specs)
        if not alike:  # each alone would do: they are in each other's way
            raise
        raise FormatError("\n".join(message + _others(names) for message, *names in alike)) from first


def _alike(sink: Sink, specs: Mapping[str, ArraySpec]) -> list[list[str]]:
    """Give the reasons for which arrays are refused: the message for the first, then the names of the others."""
    found: dict[str, list[str]] = {}
    for name, spec in specs.items():
        try:
            sink.check({name: spec})
        except FormatError as error:
            message = str(error)
            reason = message.replace(repr(name), "")
            if reason in found:
                found[reason].append(name)
            else:
                found[reason] = [message]
    return list(found.values())


def _others(names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"; so it is with {', '.join(map(repr, names[:_MOST_NAMED]))}{more}"
