"""Protocol buffer messages in their text form, as far as they are flat. What any message means may not enter.

Source of the syntax: protobuf.dev/reference/protobuf/textformat-spec.
"""

from __future__ import annotations

import re

from .._errors import FormatError

# Nothing is tried in another way once it fits ("*+"): to remember how takes hundreds of times the memory of the text.
_STRING = r'"(?:[^"\\\n]++|\\.)*+"|' + r"'(?:[^'\\\n]++|\\.)*+'"
_SPACE = re.compile(r"(?:\s++|#[^\n]*+)*+")
_FIELD = re.compile(rf"(\w++)\s*+:\s*+((?:(?:{_STRING})\s*+)++|[-+.\w]++)\s*+[,;]?")
_ONE_STRING = re.compile(_STRING)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_SHOWN = 40


def text_fields(data: bytes) -> dict[str, list[bytes]]:
    """Give the values of each field by its name: strings without their quotes, numbers as they are written.

    Raises: FormatError, naming the line, for what is no flat message.
    """
    text = data.decode("utf-8", "surrogateescape")
    found: dict[str, list[bytes]] = {}
    at = _after_space(text, 0)
    while at < len(text):
        field = _FIELD.match(text, at)
        if field is None:
            line = text.count("\n", 0, at) + 1
            raise FormatError(f"line {line} has {text[at : at + _SHOWN]!r}, and must have a name, a colon and a value")
        name, value = field.groups()
        found.setdefault(name, []).append(_unquoted(value) if value[0] in "\"'" else value.encode())
        at = _after_space(text, field.end())
    return found


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _unquoted(value: str) -> bytes:
    """Join the strings of a value, their escapes replaced."""
    joined = "".join(one[0][1:-1] for one in _ONE_STRING.finditer(value)).encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_plain, joined)


def _plain(escape: re.Match[bytes]) -> bytes:
    octal, hexadecimal, short, long, letter = escape.groups()
    if octal or hexadecimal:
        return bytes(((int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF,))
    if letter:
        return _LETTERS.get(letter, letter)
    number = int(short or long, 16)
    if number > 0x10FFFF:
        raise FormatError(f"{escape[0].decode()} is no character")
    return chr(number).encode("utf-8", "surrogatepass")
