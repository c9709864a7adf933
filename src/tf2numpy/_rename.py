"""New names for arrays, by a mapping or by rules. No file may enter: only names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ._errors import InvalidArgument
from ._selection import near

# The names of all arrays of a file, each with its other names.
Names = Mapping[str, Sequence[str]]
Rename = Mapping[str, str] | str | Sequence[str]

_MOST_SHOWN = 20


def renamed(chosen: Iterable[str], rename: Rename | None, names: Names, shown: str) -> dict[str, str]:
    """Give the new name of each chosen array; one that nothing concerns keeps its own.

    rename: a mapping of old names, or other names of the array, to new ones; or rules "pattern=replacement", of which
        the first that fits counts. A rule is cut at its last "="; its pattern, a regular expression of Python's `re`,
        must fit the whole name, and its replacement takes groups as \\1 or \\g<name>.
    names: all names of the file, of which some may not be chosen. shown: the file, for messages.

    Raises: InvalidArgument for a name or rule that concerns nothing in the file, a rule that is none, and new names
    that are empty or the same for several arrays.
    """
    if rename is None:
        return {name: name for name in chosen}
    if isinstance(rename, Mapping):
        new = _by_mapping(rename, names, shown)
    else:
        new = _by_rules([rename] if isinstance(rename, str) else rename, names, shown)
    found = {name: new.get(name, name) for name in chosen}
    _refuse_unusable(found)
    return found


def _by_mapping(rename: Mapping[str, str], names: Names, shown: str) -> dict[str, str]:
    called: dict[str, set[str]] = {}
    for name, others in names.items():
        for other in others:
            called.setdefault(other, set()).add(name)
    new: dict[str, str] = {}
    for old, wanted in rename.items():
        meant = {old} if old in names else called.get(old, set())
        if len(meant) != 1:
            hint = f"; {', '.join(map(repr, sorted(meant)))} are called so" if meant else near(old, [*names, *called])
            raise InvalidArgument(f"{shown} has no array {old!r} to rename{hint}")
        (name,) = meant
        if new.setdefault(name, wanted) != wanted:
            raise InvalidArgument(
                f"the array {name!r} is renamed twice, to {new[name]!r} and to {wanted!r}; choose one"
            )
    return new


def _by_rules(rules: Sequence[str], names: Names, shown: str) -> dict[str, str]:
    new: dict[str, str] = {}
    for rule in rules:
        text, equals, replacement = rule.rpartition("=")
        if not equals:
            raise InvalidArgument(f"the rename rule {rule!r} has no '='; write it as pattern=replacement")
        try:
            pattern = re.compile(text)
            fitting = {name: fit.expand(replacement) for name in names if (fit := pattern.fullmatch(name)) is not None}
        except (re.error, IndexError) as error:
            raise InvalidArgument(
                f"the rename rule {rule!r} is no regular expression with a replacement: {error}"
            ) from error
        if not fitting:
            raise InvalidArgument(
                f"the rename rule {rule!r} fits none of the {len(names)} arrays of {shown}; its pattern must fit a "
                r"whole name, as '(.*)/kernel=\1/weight' does"
            )
        new = fitting | new
    return new


def _refuse_unusable(new: Mapping[str, str]) -> None:
    """Refuse names that are empty, and those that several arrays would have, all of them at once."""
    sharing: dict[str, list[str]] = {}
    for old, name in new.items():
        if not name:
            raise InvalidArgument(
                f"the array {old!r} would be renamed to nothing; give it a name, or leave it out by select"
            )
        sharing.setdefault(name, []).append(old)
    clashes = [f"{' and '.join(map(repr, olds))} would be {name!r}" for name, olds in sharing.items() if len(olds) > 1]
    if clashes:
        more = f" and {len(clashes) - _MOST_SHOWN} more" if len(clashes) > _MOST_SHOWN else ""
        raise InvalidArgument(
            f"renaming gives several arrays one name: {'; '.join(clashes[:_MOST_SHOWN])}{more}; change the rules, or "
            "leave some out by select"
        )
