"""Text for terminals: aligned columns, and names that cannot move the cursor. What is shown may not enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def shown(name: str) -> str:
    """Give a name of a file's, or a reason, with everything escaped that is not printed as it is."""
    if not name:
        return "''"
    return name if name.isprintable() else name.encode("unicode_escape").decode()


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align columns; the first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def number(value: int | float | None) -> str:
    """Give an integer whole and another number by six digits; "-" for none."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """Say what of a file no array can be, a line each."""
    return [f"left out: {shown(name)} ({shown(why)})" for name, why in left_out.items()]
