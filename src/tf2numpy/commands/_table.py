"""Text for terminals: aligned columns, and names that cannot move the cursor. What is shown may not enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SHOWN = 8


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


def note_lines(notes: Mapping[str, str]) -> list[str]:
    """Say what is given otherwise than the file describes it, a line each."""
    return [f"note: {shown(name)} ({shown(how)})" for name, how in notes.items()]


def label_lines(labels: Mapping[str, Sequence[str]]) -> list[str]:
    """Say what the first classes of each array are called, a line each."""
    return [f"classes: {shown(name)} ({_first(names)})" for name, names in labels.items()]


def _first(names: Sequence[str]) -> str:
    more = f", ... {len(names)} in all" if len(names) > _SHOWN else ""
    return ", ".join(map(shown, names[:_SHOWN])) + more
