"""Parts of tensors: their keys as TensorFlow writes them, their places, and whether they are the whole."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import slice_proto
from tf2numpy import FormatError
from tf2numpy.wire.protobuf import Message
from tf2numpy.wire.slices import bounds, check_cover, extents, key


@pytest.mark.parametrize(
    ("name", "part", "expected"),
    [
        (b"v", ((0, 63),), "00 76 00 01 01 01 80 bf"),
        (b"v", ((63, 1),), "00 76 00 01 01 01 bf 81"),
        (b"v", ((64, 8128),), "00 76 00 01 01 01 c0 40 df c0"),
        (b"v", ((8192, 11808),), "00 76 00 01 01 01 e0 20 00 e0 2e 20"),
        (b"w", ((2, 2), (0, -1)), "00 77 00 01 01 02 82 82 80 7f"),
        (b"a\0b\xff", (), "00 61 00 ff 62 ff 00 00 01 00"),
    ],
)
def test_keys(name, part, expected):
    assert key(name, part).hex(" ") == expected


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6))
def test_keys_sort_as_their_numbers_do(numbers):
    in_order = sorted(numbers)
    keys = [key(b"x", ((number, 0),)) for number in in_order]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(set(in_order))


EXTENTS = st.lists(st.tuples(st.integers(0, 2**40), st.integers(-1, 2**40)), max_size=4).map(tuple)


@given(EXTENTS)
def test_messages(part):
    assert extents(Message(slice_proto(part))) == part


def test_places():
    assert bounds(((1, 2), (0, -1), (5, -1)), (3, 4, 5)) == ((1, 3), (0, 4), (0, 5))
    assert bounds((), ()) == ()


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (((1, 2),), "a part has 1 axes, and the tensor 2"),
        (((0, 4), (0, -1)), "the part [0:4, 0:4] is not within a tensor of shape (3, 4)"),
        (((-1, 2), (0, -1)), "the part [-1:1, 0:4] is not within a tensor of shape (3, 4)"),
        (((0, -2), (0, -1)), "the part [0:-2, 0:4] is not within a tensor of shape (3, 4)"),
        (((0, 2**63 - 1), (0, 1)), f"the part [0:{2**63 - 1}, 0:1] is not within a tensor of shape (3, 4)"),
    ],
)
def test_places_outside(part, message):
    with pytest.raises(FormatError) as caught:
        bounds(part, (3, 4))
    assert str(caught.value) == message


@st.composite
def partitions(draw):
    """Cut a box in two again and again, and perhaps spoil the result."""
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=3)))
    parts = [tuple((0, n) for n in shape)]
    for _ in range(draw(st.integers(0, 6))):
        part = parts.pop(draw(st.integers(0, len(parts) - 1)))
        axis = draw(st.integers(0, len(shape) - 1)) if shape else None
        if axis is None:
            parts.append(part)
            break
        at = draw(st.integers(*part[axis]))
        parts += [(*part[:axis], ends, *part[axis + 1 :]) for ends in ((part[axis][0], at), (at, part[axis][1]))]
    if draw(st.booleans()):
        spoiled = draw(st.integers(0, len(parts) - 1))
        parts[spoiled : spoiled + 1] = draw(st.sampled_from([[], [parts[spoiled]] * 2]))
    return shape, parts


@given(partitions())
def test_covers(case):
    shape, parts = case
    counts = np.zeros(shape, int)
    for part in parts:
        counts[tuple(slice(*ends) for ends in part)] += 1
    if (counts == 1).all():
        check_cover(parts, shape)
    else:
        with pytest.raises(FormatError):
            check_cover(parts, shape)


def test_what_is_wrong_with_parts():
    with pytest.raises(FormatError, match=r"^its 2 parts leave elements out, the first at \(0, 3\)$"):
        check_cover([((0, 2), (0, 3)), ((2, 4), (0, 5))], (4, 5))
    with pytest.raises(FormatError, match=r"^the part \[1:4, 0:5\] overlaps another one$"):
        check_cover([((0, 2), (0, 5)), ((1, 4), (0, 5))], (4, 5))
    diagonal = [((n, n + 1), (n, n + 1)) for n in range(5000)]
    with pytest.raises(FormatError, match=r"^its 5000 parts cut it into 25000000 cells; 16777216 are allowed$"):
        check_cover(diagonal, (5000, 5000))


def test_many_parts_of_one_axis():
    check_cover([((n, n + 1), (0, 7)) for n in range(50_000)], (50_000, 7))
    grid = list(itertools.product([(0, 9), (9, 10)], [(n, n + 1) for n in range(1000)]))
    check_cover(grid, (10, 1000))
