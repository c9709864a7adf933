"""Say in an error what was being read: decoders of bytes know offsets only. Nothing else may enter."""

from __future__ import annotations

from types import TracebackType

from .._errors import FormatError


class reading:  # noqa: N801
    """A context in which the message of a FormatError begins with what it is about; a ChecksumError stays one.

    It is entered for each of thousands of tensors, which `contextlib.contextmanager` would make four times as slow.
    """

    __slots__ = ("_what",)

    def __init__(self, *what: str) -> None:
        """What was read: the parts of a text that is put together in case of an error."""
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, FormatError):
            raise type(error)(f"{''.join(self._what)} cannot be read: {error}") from error
