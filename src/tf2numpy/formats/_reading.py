"""Say in an error what was being read: decoders of bytes know offsets only. Nothing else may enter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._errors import FormatError


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Begin the message of a FormatError with what it is about; a ChecksumError stays one."""
    try:
        yield
    except FormatError as error:
        raise type(error)(f"{what} cannot be read: {error}") from error
