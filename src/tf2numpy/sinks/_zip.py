"""The structures of a zip archive as bytes. Neither files nor arrays may enter.

Source of its facts: PKWARE's APPNOTE.TXT. Everything has the first date a zip can name, so that the same members
give the same archive.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

STORED, DEFLATED = 0, 8
_ZIP64_VERSION = 45
_UTF8_FLAG = 0x800
_FIRST_DATE = 0x21  # 1 January 1980
_MADE_BY = 3 << 8 | _ZIP64_VERSION  # on Unix, whose modes the next field holds
_MODE = 0o100644 << 16
_ELSEWHERE = 0xFFFFFFFF  # the number stands in the zip64 field instead
_ELSEWHERE_SHORT = 0xFFFF
_PADDING_ID = 0xD935  # as Android's zipalign marks it


@dataclass(frozen=True, slots=True)
class Member:
    """One member: where its local header lies, and what follows it.

    alignment: the bytes of the content begin at a multiple of it.
    """

    name: str
    at: int
    method: int = STORED
    alignment: int = 1
    crc: int = 0
    nbytes: int = 0
    packed_nbytes: int = 0

    def local_header(self) -> bytes:
        """Give the bytes before the content; their length does not depend on the sizes."""
        name = self.name.encode()
        extra = struct.pack("<HHQQ", 1, 16, self.nbytes, self.packed_nbytes)
        pad = -(self.at + 30 + len(name) + len(extra)) % self.alignment
        if pad:
            pad += self.alignment if pad < 4 else 0
            extra += struct.pack("<HH", _PADDING_ID, pad - 4) + bytes(pad - 4)
        sizes = (_ELSEWHERE, _ELSEWHERE, len(name), len(extra))
        return b"PK\3\4" + struct.pack("<5H3L2H", *self._common(), *sizes) + name + extra

    def central_header(self) -> bytes:
        """Give the member's line in the directory at the archive's end."""
        name, longs = self.name.encode(), []
        numbers = [self.packed_nbytes, self.nbytes, self.at]
        if max(numbers[:2]) >= _ELSEWHERE:
            longs = [self.nbytes, self.packed_nbytes]
            numbers[:2] = [_ELSEWHERE, _ELSEWHERE]
        if self.at >= _ELSEWHERE:
            longs.append(self.at)
            numbers[2] = _ELSEWHERE
        extra = struct.pack(f"<HH{len(longs)}Q", 1, 8 * len(longs), *longs) if longs else b""
        lengths = (*numbers[:2], len(name), len(extra), 0, 0, 0, _MODE, numbers[2])
        return b"PK\1\2" + struct.pack("<6H3L5H2L", _MADE_BY, *self._common(), *lengths) + name + extra

    def _common(self) -> tuple[int, ...]:
        flags = 0 if self.name.isascii() else _UTF8_FLAG
        return _ZIP64_VERSION, flags, self.method, 0, _FIRST_DATE, self.crc


def directory(members: Sequence[Member], at: int) -> bytes:
    """Give what ends an archive, to be written at this offset."""
    central = b"".join(member.central_header() for member in members)
    numbers = (len(members), len(members), len(central), at)
    short = (min(len(members), _ELSEWHERE_SHORT),) * 2 + (min(len(central), _ELSEWHERE), min(at, _ELSEWHERE))
    zip64 = b""
    if short != numbers or _ELSEWHERE_SHORT in short[:2] or _ELSEWHERE in short[2:]:
        zip64 = b"PK\6\6" + struct.pack("<Q2H2L4Q", 44, _MADE_BY, _ZIP64_VERSION, 0, 0, *numbers)
        zip64 += b"PK\6\7" + struct.pack("<LQL", 0, at + len(central), 1)
    return central + zip64 + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, *short, 0)
