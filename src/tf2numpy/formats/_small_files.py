"""Small files of text beside others, read whole. What they say may not enter."""

from __future__ import annotations

from typing import Any

from .._blobs import blob_of
from .._errors import FormatError
from .._protocols import Place
from .._units import format_bytes
from ..layouts.json_objects import parse_object

_MOST_BYTES = 16 << 20


def text_of(path: Place) -> str:
    """Give the text of a file.

    Raises: FormatError for one that is no text, or too large to be meant.
    """
    blob = blob_of(path, whole=True)
    if blob.size > _MOST_BYTES:
        raise FormatError(
            f"{str(path)!r} has {format_bytes(blob.size)}; of such a file {format_bytes(_MOST_BYTES)} are read at most"
        )
    try:
        return bytes(blob.read(0, blob.size)).decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"{str(path)!r} is no text: {error}") from error


def json_of(path: Place) -> dict[str, Any]:
    """Give the object that a JSON file holds.

    Raises: FormatError for one that is damaged.
    """
    text = text_of(path)
    try:
        return parse_object(text.encode(), finite=False)
    except ValueError as error:
        raise FormatError(f"{str(path)!r} is damaged: {error}") from error
