"""What messages say of Python's options, in the words of the command line. Which options there are may not enter."""

from __future__ import annotations

import re
import shlex
from collections.abc import Container

_OPTION = re.compile(r"\b([a-z]+(?:_[a-z]+)*)=(True\b|False\b|'[^']*'|\d+\b|\([-\w, ]+\)|(?=[ ,;.)]|$))")


def as_flags(message: str, options: Container[str]) -> str:
    """Write `overwrite=True` as `--overwrite`, `check=False` as `--no-check`, `chunks=(2, 3)` as `--chunks 2,3`.

    options: the names that are options here; what looks like another one stays.

    >>> as_flags("pass overwrite=True, or leave format='h5' out", {"overwrite", "format"})
    'pass --overwrite, or leave --format h5 out'
    """

    def flag(match: re.Match[str]) -> str:
        name, value = match.groups()
        if name not in options:
            return match[0]
        words = name.replace("_", "-")
        if value in ("True", "False"):
            return f"--{words}" if value == "True" else f"--no-{words}"
        if value.startswith("("):
            value = value.strip("(,)").replace(" ", "")
        return f"--{words} {shlex.quote(value.strip(chr(39)))}" if value else f"--{words}"

    return _OPTION.sub(flag, message)
