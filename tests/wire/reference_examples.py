"""A plain, slow decoder of Examples and SequenceExamples, which the compiled one is held to. No array may enter.

It follows protobuf's rules by the shortest way: a message in parts is the parts put together, each whole by itself.
"""

from __future__ import annotations

KINDS = {1: "bytes", 2: "float", 3: "int64"}
VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32 = range(6)
DEPTH = 100


class Refused(Exception):
    """Bytes that are no such message."""


def number(data, at, most):
    value = 0
    for place in range(most):
        if at + place >= len(data):
            raise Refused("a number is cut short")
        byte = data[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value % 2**64, at + place + 1
    raise Refused("a number is too long")


def fields(data, at=0, opened=()):
    """Give (number, wire type, content) of each field; of a group nothing but its number."""
    while at < len(data):
        tag, at = number(data, at, 5)
        field, wire_type = tag >> 3, tag & 7
        if not 1 <= field < 2**29:
            raise Refused("a field has a number that none can have")
        if wire_type == VARINT:
            content, at = number(data, at, 10)
        elif wire_type in (BYTES, FIXED64, FIXED32):
            size = {FIXED64: 8, FIXED32: 4}.get(wire_type)
            if size is None:
                size, at = number(data, at, 5)
            if size > len(data) - at:
                raise Refused("a field is cut short")
            content, at = data[at : at + size], at + size
        elif wire_type == GROUP:
            if len(opened) == DEPTH:
                raise Refused("groups are too deep")
            content, at = None, group_end(data, at, (*opened, field))
        elif wire_type == GROUP_END and opened and opened[-1] == field:
            yield field, wire_type, at
            return
        else:
            raise Refused("a wire type or the end of a group that cannot be there")
        yield field, wire_type, content
    if opened:
        raise Refused("a group has no end")


def group_end(data, at, opened):
    for _, wire_type, content in fields(data, at, opened):
        if wire_type == GROUP_END:
            return content
    raise AssertionError


def contents(data, field):
    return [content for found, wire_type, content in fields(data) if (found, wire_type) == (field, BYTES)]


def values(kind, data):
    found = []
    for field, wire_type, content in fields(data):
        if field != 1:
            continue
        if kind == "bytes" and wire_type == BYTES:
            found.append(content)
        elif kind == "float" and wire_type in (FIXED32, BYTES):
            if len(content) % 4:
                raise Refused("packed floats of other than 4 bytes")
            found += [content[at : at + 4] for at in range(0, len(content), 4)]
        elif kind == "int64" and wire_type == VARINT:
            found.append(content)
        elif kind == "int64" and wire_type == BYTES:
            at = 0
            while at < len(content):
                value, at = number(content, at, 10)
                found.append(value)
    if kind == "int64":
        return [value - 2**64 if value >= 2**63 else value for value in found]
    return found


def feature(data):
    """Give the kind and the values, floats as their bytes; (None, []) for a feature without a kind."""
    kind, found = None, []
    for field, wire_type, content in fields(data):
        if field in KINDS and wire_type == BYTES:
            if KINDS[field] != kind:
                kind, found = KINDS[field], []
            found += values(kind, content)
    return kind, found


def joined(parts):
    for part in parts:
        list(fields(part))
    return b"".join(parts)


def entries(data, wanted):
    """Give the value of each entry of a map, of equal keys the last; wanted: None for all, or names."""
    found = {}
    for message in data:
        for entry in contents(message, 1):
            key = (contents(entry, 1) or [b""])[-1]
            if wanted is None or key in wanted:
                yield key, joined(contents(entry, 2))
    return found


def record(data, sequence=False, select=None, lists=None):
    """Give two dicts by name: features as `feature` gives them, and feature lists as lists of these."""
    context, steps = {}, {}
    for name, value in entries(contents(data, 1), select):
        context[name] = feature(value)
    if sequence:
        for name, value in entries(contents(data, 2), lists):
            steps[name] = [feature(step) for step in contents(value, 1)]
    return context, steps


class Reference:
    """What `Decoder` is, one record after the other."""

    def __init__(self, sequence=False, select=None, lists=None):
        self.options = sequence, select, lists
        self.kinds = {(level, name): None for level, names in enumerate((select, lists)) for name in names or ()}
        self.rows = []

    def add(self, data):
        context, steps = record(data, *self.options)
        kinds = dict(self.kinds)
        for key, kind in [((0, name), kind) for name, (kind, _) in context.items()] + [
            ((1, name), kind) for name, found in steps.items() for kind, _ in [(None, []), *found]
        ]:
            if kinds.setdefault(key, kind) is None:
                kinds[key] = kind
            elif kind not in (None, kinds[key]):
                raise Refused(f"values of other kinds in {key}")
        self.kinds = kinds
        self.rows.append(({name: found for name, (kind, found) in context.items() if kind}, steps))


def is_message(data, sequence):
    """Whether there is no field but those of the message; by the same rules otherwise."""
    try:
        record(data, sequence)
        all_known(data, {1: MAP, 2: LISTS} if sequence else {1: MAP})
    except Refused:
        return False
    return True


def all_known(data, known):
    for field, wire_type, content in fields(data):
        inner = known.get(field)
        if isinstance(inner, tuple):
            if wire_type not in inner:
                raise Refused("an unknown field")
        elif inner is None or wire_type != BYTES:
            raise Refused("an unknown field")
        else:
            all_known(content, inner)


FEATURE = {1: {1: (BYTES,)}, 2: {1: (FIXED32, BYTES)}, 3: {1: (VARINT, BYTES)}}
MAP = {1: {1: (BYTES,), 2: FEATURE}}
LISTS = {1: {1: (BYTES,), 2: {1: FEATURE}}}
