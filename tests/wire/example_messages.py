"""Examples and SequenceExamples, field by field: as TensorFlow writes them and in every other way that is legal."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from .test_protobuf import chunk, encoded

KINDS = {"bytes": 1, "float": 2, "int64": 3}


def feature(kind, values, packed=True):
    """A Feature with one list of values."""
    if kind == "bytes":
        content = b"".join(chunk(1, value) for value in values)
    elif kind == "float":
        parts = [struct.pack("<f", value) for value in values]
        content = chunk(1, b"".join(parts)) if packed else b"".join(b"\x0d" + part for part in parts)
    else:
        parts = [encoded(value % 2**64) for value in values]
        content = chunk(1, b"".join(parts)) if packed else b"".join(b"\x08" + part for part in parts)
    return chunk(KINDS[kind], content)


def ints(*values):
    return feature("int64", values)


def floats(*values):
    return feature("float", values)


def strings(*values):
    return feature("bytes", values)


def entry(name, value):
    return chunk(1, chunk(1, name) + chunk(2, value))


def example(features):
    """An Example of Features by name."""
    return chunk(1, b"".join(entry(name, value) for name, value in features.items()))


def in_x(content):
    return example({b"x": content})


def sequence_example(context, lists):
    """A SequenceExample of Features, and of lists of Features, by name."""
    made = {name: b"".join(chunk(1, step) for step in steps) for name, steps in lists.items()}
    return example(context) + chunk(2, b"".join(entry(name, value) for name, value in made.items()))


@st.composite
def varints(draw, value, most=10):
    """One number, perhaps with bytes more than it needs."""
    found = encoded(value)
    more = draw(st.sampled_from([0] * 9 + [1, 4]))
    if not more or len(found) + more > most:
        return found
    return found[:-1] + bytes([found[-1] | 0x80]) + b"\x80" * (more - 1) + b"\x00"


@st.composite
def fields(draw, number, wire_type, content):
    """A field; content: what follows its tag, and its length if it has one."""
    tag = draw(varints(number << 3 | wire_type, 5))
    return tag + (draw(varints(len(content), 5)) + content if wire_type == 2 else content)


@st.composite
def unknown(draw, taken):
    """A field that the message does not have. taken: the (number, wire type) of those it has."""
    number = draw(st.sampled_from([1, 2, 3, 4, 5, 17, (1 << 29) - 1]))
    wire_type = draw(st.sampled_from([kind for kind in (0, 1, 2, 3, 5) if (number, kind) not in taken]))
    if wire_type == 3:
        inside = b"".join(draw(st.lists(unknown(()), max_size=2)))
        return encoded(number << 3 | 3) + inside + encoded(number << 3 | 4)
    content = {0: encoded(draw(U64)), 1: b"8 bytes.", 2: draw(st.binary(max_size=3)), 5: b"four"}[wire_type]
    return draw(fields(number, wire_type, content))


U64 = st.integers(0, 2**64 - 1) | st.integers(0, 300)
NAMES = st.sampled_from([b"", b"a", b"b", b"c", b"ab", b"a name of more than sixteen bytes"])


@st.composite
def mixed(draw, parts, taken, strange):
    """Fields of a message with unknown ones among them."""
    if strange and draw(st.integers(0, 9)) == 0:
        parts = list(parts)
        parts.insert(draw(st.integers(0, len(parts))), draw(unknown(taken)))
    return b"".join(parts)


@st.composite
def lists_of_values(draw, kind, strange):
    parts = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 0, 2, 3]))):
        packed = draw(st.booleans()) or not strange
        if kind == 1:
            parts.append(draw(fields(1, 2, draw(st.binary(max_size=4)))))
        elif kind == 2 and packed:
            parts.append(draw(fields(1, 2, b"".join(draw(st.lists(st.binary(min_size=4, max_size=4), max_size=4))))))
        elif kind == 2:
            parts.append(draw(fields(1, 5, draw(st.binary(min_size=4, max_size=4)))))
        elif packed:
            numbers = draw(st.lists(st.integers(0, 127) | U64, max_size=20))
            parts.append(draw(fields(1, 2, b"".join([draw(varints(value)) for value in numbers]))))
        else:
            parts.append(draw(fields(1, 0, draw(varints(draw(U64))))))
    return draw(mixed(parts, {(1, 2), (1, (None, None, 5, 0)[kind])}, strange))


@st.composite
def features(draw, strange, kind=None):
    """A Feature, mostly of one kind."""
    kinds = [1 + draw(st.integers(0, 2)) if kind is None else kind]
    if strange:
        kinds = draw(st.sampled_from([kinds] * 8 + [[], kinds * 2, [2, 3, *kinds]]))
    parts = [draw(fields(one, 2, draw(lists_of_values(one, strange)))) for one in kinds]
    return draw(mixed(parts, {(1, 2), (2, 2), (3, 2)}, strange))


@st.composite
def entries(draw, name, value, strange, in_parts):
    """An entry of a map; in parts: of whatever fields, besides."""
    key = draw(fields(1, 2, name))
    parts = [key, draw(fields(2, 2, draw(value)))]
    if strange:
        more = [
            parts,
            parts[::-1],
            [*parts, draw(fields(2, 2, draw(value)))],
            [draw(fields(1, 2, b"a")), *parts],
            [key],
        ]
        parts = draw(st.sampled_from([parts] * 6 + more))
    return draw(fields(1, 2, draw(mixed(parts, {(1, 2), (2, 2)}, strange and in_parts))))


@st.composite
def maps(draw, value_of, strange, in_parts, kinds):
    names = draw(st.lists(NAMES, max_size=5, unique=not strange))
    made = [draw(entries(name, value_of(strange, kinds.get(name)), strange, in_parts)) for name in names]
    return draw(mixed(made, {(1, 2)}, strange))


@st.composite
def feature_lists(draw, strange, kind=None):
    """A FeatureList."""
    steps = [draw(fields(1, 2, step)) for step in draw(st.lists(features(strange, kind), max_size=4))]
    return draw(mixed(steps, {(1, 2)}, strange))


@st.composite
def records(draw, sequence, strange=True, in_parts=True):
    """One record. strange: in any legal way. in_parts: so are entries of maps, of which protobuf's libraries differ.

    Most features of a name have one kind, so that a good part of the records fit one another.
    """
    kinds = dict(zip([b"", b"a", b"b", b"c", b"ab"], [3, 3, 2, 1, 3], strict=True))
    if draw(st.integers(0, 9)) == 0:
        kinds = {}
    parts = [draw(fields(1, 2, draw(maps(features, strange, in_parts, kinds))))]
    if sequence:
        parts.append(draw(fields(2, 2, draw(maps(feature_lists, strange, in_parts, kinds)))))
    if strange:
        parts = draw(st.sampled_from([parts] * 5 + [parts[::-1], [*parts, *parts], []]))
    return draw(mixed(parts, {(1, 2), (2, 2)}, strange))
