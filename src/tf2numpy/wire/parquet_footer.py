"""What a Parquet file's footer says of nulls, and nothing else of it.

pyarrow's own view of the chunks of columns ends the process where a footer is damaged, so they are looked at here.
Source of its facts: parquet.thrift of the format 2.10, and Thrift's compact protocol: a struct is a row of fields, each
with the distance from the number of the one before and its type in one byte, and a zero byte at its end.
"""

from __future__ import annotations

from collections.abc import Iterator

from .._errors import FormatError

MAGIC = b"PAR1"
TAIL_BYTES = 4 + len(MAGIC)  # the length of the footer, and the magic once more
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_NUMBERS = (4, 5, 6)
_MOST_DEPTH = 32
# Numbers of fields.
_ROW_GROUPS, _COLUMNS, _META_DATA, _STATISTICS, _NULL_COUNT = 4, 1, 3, 12, 3


def footer_bytes(tail: bytes, size: int) -> int:
    """Give the length of the footer, which ends where the last bytes of a file of so many bytes begin.

    Raises: FormatError for an end that is none of such a file: it was cut off.
    """
    if len(tail) != TAIL_BYTES or tail[4:] != MAGIC:
        raise FormatError(f"it does not end with {MAGIC.decode()}, so its footer is not there: it was cut off")
    length = int.from_bytes(tail[:4], "little")
    if length > size - TAIL_BYTES - len(MAGIC):
        raise FormatError(f"its footer has {length} bytes, and the file {size}")
    return length


def null_counts(footer: memoryview) -> list[list[int | None]]:
    """Give the nulls of each column in each group of rows; None where nothing tells their number.

    Raises: FormatError for what is no footer.
    """
    return [[_nulls(chunk) for chunk in group.structs(_COLUMNS)] for group in _Struct(footer, 0).structs(_ROW_GROUPS)]


def _nulls(chunk: _Struct) -> int | None:
    for described in chunk.structs(_META_DATA):
        for statistics in described.structs(_STATISTICS):
            return statistics.number(_NULL_COUNT)
    return None


class _Struct:
    """A struct that begins at an offset, walked through anew by each question."""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self._begin, self.at = data, at, at

    def structs(self, number: int) -> Iterator[_Struct]:
        """Give the structs in a field, one or a list of them."""
        for found, kind in self._fields():
            if found != number or kind not in (_STRUCT, _LIST):
                self._skip(kind, 0)
                continue
            count, inside = self._list() if kind == _LIST else (1, _STRUCT)
            if inside != _STRUCT:
                raise FormatError(f"the field {number} at {self.at} holds no structs")
            for _ in range(count):
                one = _Struct(self._data, self.at)
                yield one
                one.at = one._begin
                one._skip(_STRUCT, 0)
                self.at = one.at
            return

    def number(self, number: int) -> int | None:
        """Give a whole number; None where it is left out."""
        for found, kind in self._fields():
            if found == number and kind in _NUMBERS:
                value = self._varint()
                return value >> 1 ^ -(value & 1)
            self._skip(kind, 0)
        return None

    def _fields(self) -> Iterator[tuple[int, int]]:
        number, self.at = 0, self._begin
        while (head := self._byte()) != 0:
            if head >> 4:
                number += head >> 4
            else:
                value = self._varint()
                number = value >> 1 ^ -(value & 1)
            yield number, head & 15

    def _list(self) -> tuple[int, int]:
        head = self._byte()
        count = self._varint() if head >> 4 == 15 else head >> 4
        if count > len(self._data) - self.at:  # an element takes a byte at least
            raise FormatError(f"the list at {self.at} of its footer has {count} elements, more than there is room for")
        return count, head & 15

    def _skip(self, kind: int, depth: int) -> None:
        if depth > _MOST_DEPTH:
            raise FormatError(f"its footer nests deeper than {_MOST_DEPTH} levels at {self.at}")
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self._byte()
        elif kind in _NUMBERS:
            self._varint()
        elif kind == _DOUBLE:
            self._forward(8)
        elif kind == _BINARY:
            self._forward(self._varint())
        elif kind in (_LIST, _SET):
            count, inside = self._list()
            for _ in range(count):
                self._byte() if inside in (_TRUE, _FALSE) else self._skip(inside, depth + 1)
        elif kind == _STRUCT:
            while (head := self._byte()) != 0:
                if not head >> 4:
                    self._varint()
                self._skip(head & 15, depth + 1)
        else:
            raise FormatError(f"its footer has a field of the type {kind} at {self.at}, which Parquet has none of")

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise FormatError("its footer ends within a field")
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise FormatError(f"its footer has a number of more than 64 bits at {self.at}")

    def _forward(self, count: int) -> None:
        if count > len(self._data) - self.at:
            raise FormatError("its footer ends within a field")
        self.at += count
