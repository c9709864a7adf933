"""What an index of records may say, and what is said of one that says what no file can hold."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy.wire import crc32c, group_index
from tf2numpy.wire.group_index import ColumnFacts, GroupIndex


def facts(**changed):
    about = {
        "name": b"x",
        "in_list": False,
        "kind": "int64",
        "present": 2,
        "unset": False,
        "lengths": (1, 1),
        "steps": None,
        "of_groups": (np.array([0]), np.array([2])),
    }
    return ColumnFacts(**{**about, **changed})


IMPOSSIBLE = {
    "ValueError('groups that do not follow one another, or have no room for their records')": [
        GroupIndex({}, np.array([0, 40]), np.array([3])),
        GroupIndex({}, np.array([0, 0]), np.array([1])),
        GroupIndex({}, np.array([8, 40]), np.array([1])),
        GroupIndex({}, np.array([0, 40]), np.array([-1])),
        GroupIndex({}, np.array([0, 2**63 - 1, -(2**63), -1, 40]), np.array([1, 0, 1, 1])),
        GroupIndex({}, np.array([0, 2**63 - 1, -(2**63), -1, 40]), np.ones(4, np.int64)),
    ],
    "ValueError('more values than bytes')": [
        GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(of_groups=(np.array([0]), np.array([41])))]),
        GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(of_groups=(np.array([-1]), np.array([2])))]),
    ],
    "ValueError(\"a column of 'int64' that 3 of 2 records have\")": [
        GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(present=3)])
    ],
    "ValueError('2 values in 2 rows of 2 to 2')": [
        GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(lengths=(2, 2))])
    ],
    "ValueError('0 values in 0 rows of 9 to 9')": [
        GroupIndex(
            {},
            np.array([0, 40]),
            np.array([2]),
            [facts(present=0, lengths=(9, 9), of_groups=(np.zeros(1), np.zeros(1)))],
        )
    ],
    "ValueError('2 values of no kind')": [GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(kind=None)])],
    "ValueError('a column twice')": [GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(), facts()])],
    "OverflowError('cannot convert float infinity to integer')": [
        GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(present=float("inf"))])
    ],
    "ValueError('the bounds [2, 1]')": [GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(lengths=(2, 1))])],
    "ValueError(\"a column of 'text' that 2 of 2 records have\")": [
        GroupIndex({}, np.array([0, 40]), np.array([2]), [facts(kind="text")])
    ],
}


@pytest.mark.parametrize("message", IMPOSSIBLE)
def test_what_no_index_says(message):
    for index in IMPOSSIBLE[message]:
        with fails(t2n.FormatError, f"it says what no index does: {message}"):
            group_index.decoded(group_index.encoded(index))
    good = group_index.encoded(GroupIndex({"a": 1}, np.array([0, 40]), np.array([2]), [facts()]))
    assert group_index.decoded(good).columns[0].of_groups[1].tolist() == [2]
    with fails(t2n.FormatError, "its bytes and the checksum after them do not fit"):
        group_index.decoded(good[:-1] + b"?")
    with fails(t2n.FormatError, "it is no index of records"):
        group_index.decoded(b"records")
    claims = good[:8] + (1 << 60).to_bytes(8, "little") + good[16:-4]
    with pytest.raises(t2n.FormatError, match=r"^it says what no index does: "):
        group_index.decoded(claims + crc32c.masked(claims).to_bytes(4, "little"))
