import collections
import dataclasses
import importlib.util
from typing import Any, NamedTuple

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import KindSuite, assert_equal, fails, from_ragged


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass
class Plain:
    a: Any
    b: Any = None
    derived: Any = dataclasses.field(init=False, default=None)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: Any
    b: Any = None


class TestStructures(KindSuite):
    kind = "structure"

    def values(self, tf):
        ragged = tf.ragged.constant([[1], [2, 3]])
        return [
            {"b": tf.constant([1, 2]), "a": [tf.constant(3.0), (tf.Variable([4.0]),)]},
            [ragged, {"sparse": tf.SparseTensor([[0, 1]], [1.0], [2, 2])}],
            (tf.constant([1.0]), None, "text", 7),
        ]

    def large(self, tf):
        return {"a": tf.random.uniform([512, 1024]), "b": [tf.random.uniform([1024, 512])]}

    def expected(self, tf, value):
        if isinstance(value, dict):
            return {key: self.expected(tf, part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.expected(tf, part) for part in value)
        if isinstance(value, tf.RaggedTensor):
            return from_ragged(value)
        if isinstance(value, tf.SparseTensor):
            return t2n.SparseArray(
                value.indices.numpy(), value.values.numpy(), tuple(value.dense_shape.numpy().tolist())
            )
        return np.asarray(value.numpy()) if hasattr(value, "numpy") else value

    @pytest.fixture
    def cases(self, tf, request):
        cases = [(value, self.expected(tf, value)) for value in self.values(tf)]
        # What passes through unchanged counts as an array of its own in plans and pieces.
        return cases[:2] if "plan" in request.node.name or "chunks" in request.node.name else cases


def test_containers_keep_their_type_and_order(tf):
    one = tf.constant([1])
    for value in (
        {"z": one, "a": one, 3: one},
        collections.OrderedDict([("z", one), ("a", one)]),
        collections.defaultdict(list, {"z": one}),
        collections.deque([one, one], maxlen=5),
        [one, (one, [one])],
        Point(one, (one,)),
        (),
        {},
        [{}],
    ):
        found = t2n.to_numpy(value)
        assert type(found) is type(value)
        assert len(found) == len(value)
        if isinstance(value, dict):
            assert list(found) == list(value)
    assert_equal(t2n.to_numpy(Point(one, 2)).x, one.numpy())
    assert t2n.to_numpy(collections.deque([one], maxlen=5)).maxlen == 5


def test_dataclasses(tf):
    for cls in (Plain, Frozen):
        value = cls(tf.constant([1]), [tf.constant(2.0)])
        found = t2n.to_numpy(value)
        assert type(found) is cls
        assert_equal(found.a, np.array([1], "i4"))
        assert_equal(found.b, [np.array(2.0, "f4")])
        assert tf.is_tensor(value.a)  # the one that was given is left as it is
    value = Plain(1)
    value.derived = tf.constant([3])
    assert_equal(t2n.to_numpy(value).derived, np.array([3], "i4"))
    assert list(t2n.plan(value).arrays) == ["a", "derived"]


def test_attrs_classes(tf):
    if importlib.util.find_spec("attrs") is None:
        assert importlib.util.find_spec("attr") is None
        return
    import attrs

    for decorate in (attrs.define, attrs.frozen):
        cls = decorate(type("Pair", (), {"__annotations__": {"left": Any, "right": Any}}))
        found = t2n.to_numpy(cls(tf.constant([1]), "text"))
        assert type(found) is cls
        assert_equal(found.left, np.array([1], "i4"))
        assert found.right == "text"


def test_what_a_module_wraps(tf):
    module = tf.Module()
    module.list = [tf.constant(1), {"b": tf.constant([2.0])}, (tf.constant(3),)]
    module.dict = {"z": tf.constant([4]), "a": [tf.constant(5)]}
    module.tuple = (tf.Variable(6), Point(tf.constant(7), 8))
    one, three, five = (np.array(n, "i4") for n in (1, 3, 5))
    assert type(module.list).__name__ == "ListWrapper"
    assert_equal(t2n.to_numpy(module.list), [one, {"b": np.array([2], "f4")}, (three,)])
    assert type(module.dict).__name__ == "_DictWrapper"
    found = t2n.to_numpy(module.dict)
    assert_equal({key: found[key] for key in ("z", "a")}, {"z": np.array([4], "i4"), "a": [five]})
    assert type(module.tuple).__name__ == "_TupleWrapper"
    found = t2n.to_numpy(module.tuple)
    assert_equal(found[0], np.array(6, "i4"))
    assert_equal(found[1][0], np.array(7, "i4"))


def test_other_mappings_and_sequences(tf):
    one = tf.constant([1])
    assert_equal(t2n.to_numpy(collections.UserDict(b=one, a=2)), {"b": one.numpy(), "a": 2})
    assert_equal(t2n.to_numpy(collections.UserList([one])), [one.numpy()])


def test_what_is_numpys_or_pythons_is_the_very_same_object():
    masked = np.ma.masked_array([1, 2], [True, False])
    values = [np.arange(3), masked, np.float32(2), np.array("x"), 10**40, 2.5, 1j, True, "text", b"bytes", None]
    for value in values:
        for copy in (True, None, False):
            assert t2n.to_numpy(value, copy=copy) is value
    found = t2n.to_numpy(values)
    assert found is not values
    assert all(ours is theirs for ours, theirs in zip(found, values, strict=True))


def test_masked_arrays_are_not_cut():
    masked = np.ma.masked_array([1, 2], [True, False])
    with fails(
        t2n.UnsupportedKind,
        "a masked array is two arrays, and only one would be kept; "
        "give {'data': x.data, 'mask': np.ma.getmaskarray(x)}, or x.filled(value)",
    ):
        list(t2n.iter_chunks({"m": masked}))


class Opaque:
    pass


def test_a_leaf_that_cannot_be_converted_is_named(tf):
    message = (
        f"a {__name__}.Opaque has no NumPy form; give a TensorFlow value (tensor, variable, dataset, model ...), "
        "an array or number, or a structure of these"
    )
    with fails(t2n.UnsupportedKind, message):
        t2n.to_numpy(Opaque())
    for path, value in (
        ("x['a'][1].x", {"a": [1, Point(Opaque(), 2)]}),
        ("x.b['k']", Plain(1, {"k": Opaque()})),
        ("x['u'][0].a", collections.UserDict(u=[Frozen(Opaque())])),
    ):
        with fails(t2n.UnsupportedKind, f"at {path}: {message}"):
            t2n.to_numpy(value)


@pytest.mark.parametrize("wrap", [lambda x: {"a": [1, x]}, lambda x: Plain(1, {"k": x})], ids=["dict", "dataclass"])
def test_a_leaf_that_fails_when_it_is_read_is_named(tf, wrap):
    path = "x['a'][1]" if isinstance(wrap(0), dict) else "x.b['k']"
    with fails(
        t2n.CopyRequired,
        f"at {path}: copy=False allows only a view, and NumPy cannot view TensorFlow's strings; "
        "pass copy=None or copy=True",
    ):
        t2n.to_numpy(wrap(tf.constant(["a"])), copy=False)
    with fails(
        t2n.InvalidArgument,
        f"at {path}: dtype=str decodes UTF-8, and element (0,) is not UTF-8 (invalid start byte at byte 0); "
        "leave dtype out to get its bytes",
    ):
        t2n.to_numpy(wrap(tf.constant([b"\xff"])), dtype=str)


def test_structures_that_contain_themselves(tf):
    plain, user = Plain(tf.constant(1)), collections.UserList()
    plain.b = plain
    user.append([user])
    outer: list[Any] = []
    outer.append(Plain(outer))
    for value, path in ((plain, "x.b"), (user, "x[0][0]"), (outer, "x[0].a")):
        with fails(t2n.UnsupportedKind, f"at {path}: this structure contains itself"):
            t2n.to_numpy(value)
    inner: list[Any] = []
    inner.append(inner)
    with fails(t2n.UnsupportedKind, "this structure contains itself, or is nested over 1000 levels deep"):
        t2n.to_numpy(inner)


def test_one_part_twice_is_no_cycle(tf):
    shared = Plain(tf.constant([1]))
    found = t2n.to_numpy([shared, {"again": shared}])
    assert_equal(found[1]["again"].a, found[0].a)


def test_names_that_collide(tf):
    one, two = tf.constant([1]), tf.constant([2, 2])
    for value, name in (
        ({"a": {"b": one}, "a/b": two}, "a/b"),
        ({1: one, "1": two}, "1"),
        (collections.UserDict({1: one, "1": two}), "1"),
    ):
        found = t2n.to_numpy(value)
        first, second = found.values()
        first = first["b"] if isinstance(first, dict) else first
        assert (first.tolist(), second.tolist()) == ([1], [2, 2])
        for verb in (t2n.iter_chunks, t2n.plan):
            with fails(
                t2n.FormatError, f"two arrays of this structure would have the name {name!r}; rename one of the keys"
            ):
                verb(value)


def test_dtype_over_a_structure(tf):
    value = {"n": tf.constant([1, 2]), "s": tf.constant(["a"]), "np": np.arange(2), "five": 5, "none": None, "t": "t"}
    found = t2n.to_numpy(value, dtype="float16")
    wanted = {"n": np.array([1, 2], "f2"), "s": np.array([b"a"], object), "np": np.array([0, 1], "f2")}
    assert_equal(found, {**wanted, "five": 5, "none": None, "t": "t"})
    decoded = t2n.to_numpy(value, dtype=str)
    assert decoded["s"].tolist() == ["a"]
    assert decoded["np"] is value["np"]
    assert_equal(decoded["n"], np.array([1, 2], "i4"))
    with fails(t2n.InvalidArgument, "dtype=float16 casts numbers, and this structure holds strings; leave dtype out"):
        t2n.to_numpy([tf.constant(["a"]), {"b": tf.constant("c")}], dtype="float16")
    with fails(t2n.InvalidArgument, "dtype=str decodes strings, and this structure holds none; leave dtype out"):
        t2n.to_numpy([tf.constant([1]), None], dtype=str)


def test_the_kind_of_a_leaf_in_a_plan(tf):
    plan = t2n.plan({"a": tf.constant([1.0]), "b": [np.zeros(3)], "c": None})
    assert {name: spec.shape for name, spec in plan.arrays.items()} == {"a": (1,), "b/0": (3,)}
    assert plan.device == "CPU:0, host"
    assert t2n.plan({"b": [np.zeros(3)], "c": None}).strategy == "pass"
