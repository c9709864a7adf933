"""Event logs against what went into them, and against TensorFlow's own reading."""

import json
import shutil
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.kind import fails

from .event_logs import COLUMNS, GOLDEN, event, field, read, scalar, tensor


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_went_in_comes_out(version):
    with np.load(GOLDEN / f"{version}.npz") as stored:
        expected = dict(stored)
    strings = json.loads((GOLDEN / f"{version}.json").read_text())
    for path in (GOLDEN / version, GOLDEN / version / "events.out.tfevents.0.host"):
        found = read(t2n.open(path))
        assert found.keys() == expected.keys() | strings.keys()
        for name, array in expected.items():
            assert found[name].dtype == array.dtype, name
            if name == "weights/value":
                np.testing.assert_allclose(found[name], array, rtol=1e-12, err_msg=name)
            elif name == "weights/sum_squares":
                np.testing.assert_allclose(found[name], array, rtol=1e-7, err_msg=name)
            else:
                np.testing.assert_array_equal(found[name], array, err_msg=name)
        for name, wanted in strings.items():
            assert np.vectorize(bytes.hex, otypes=[object])(found[name]).tolist() == wanted, name


def test_what_is_left_out():
    left_out = t2n.open(GOLDEN / "v1").left_out
    assert left_out.keys() == {"graph_def", "meta_graph_def", "session_log"}
    assert left_out["session_log"] == "1 of them, 2 B: no value of a summary"
    assert t2n.open(GOLDEN / "v2").left_out == {}


def test_dtypes_marks_and_kinds():
    file = t2n.open(GOLDEN / "v2")
    assert file.kind == "event log"
    assert {name for name in file if file[name].source.spec.structural} == {
        "text/value/row_splits",
        "grows/value/row_splits",
        "any/value/row_splits",
        "any/shape",
        "rank/value/row_splits",
        "rank/shape/values",
        "rank/shape/row_splits",
    }


def test_a_folder_of_runs(tmp_path):
    found = read(t2n.open(GOLDEN / "runs"))
    assert found["train/loss/step"].tolist() == [0, 1, 2]
    assert found["train/loss/value"].tolist() == [0.5, 0.5, 0.25]  # two files, one after the other
    assert found["validation/loss/value"].tolist() == [0.75]
    assert list(t2n.open(GOLDEN / "runs" / "train")) == ["loss/step", "loss/wall_time", "loss/value"]
    shutil.copytree(GOLDEN / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "train" / "empty.tfevents.0").touch()
    (tmp_path / "runs" / "notes.tfevents.txt").write_text("not a log")
    (tmp_path / "runs" / "notes").mkdir()
    assert t2n.open(tmp_path / "runs").left_out == {
        "train/empty.tfevents.0": "does not begin as an event log does",
        "notes.tfevents.txt": "does not begin as an event log does",
    }


def test_into_another_format(tmp_path):
    path = t2n.convert(GOLDEN / "v2", tmp_path / "x.h5", verify=True)
    before, after = read(t2n.open(GOLDEN / "v2")), read(t2n.open(path))
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)


def test_parts_of_what_is_read_from_its_place():
    file = t2n.open(GOLDEN / "v2")
    for name in ("weights/value", "tensor/value", "grows/value/values", "any/value/values"):
        array, whole = file[name], np.asarray(file[name])
        for start in range(len(whole) + 1):
            for stop in range(start, len(whole) + 1):
                np.testing.assert_array_equal(array[start:stop], whole[start:stop])
        np.testing.assert_array_equal(array[..., -1:], whole[..., -1:])
        again = np.empty_like(whole)
        for chunk in t2n.iter_chunks(array, max_bytes=96):
            again[chunk.index] = chunk.value
        np.testing.assert_array_equal(again, whole)
    images = file["image/value"]
    assert images[1:2, 1:].tolist() == np.asarray(images)[1:2, 1:].tolist()
    assert [len(one) for one in np.asarray(images).flat] == images.source.lengths(0, 6).tolist()
    assert images.source.lengths(3, 4).tolist() == [len(np.asarray(images)[1, 1])]


def test_copies_and_views():
    file = t2n.open(GOLDEN / "v2")
    array = t2n.to_numpy(file["tensor/value"])
    assert array.flags.writeable
    assert t2n.to_numpy(file["tensor/value"], dtype="float64").dtype == np.float64
    assert not t2n.to_numpy(file["train/loss/value"], copy=None).flags.writeable
    with fails(
        t2n.CopyRequired,
        "copy=False allows only a view, and its elements lie in pieces in the file; pass copy=None or copy=True",
    ):
        t2n.to_numpy(file["tensor/value"], copy=False)
    out = np.empty((3, 2, 2), np.int32)
    assert t2n.to_numpy(file["tensor/value"], out=out) is out
    assert out.tolist() == array.tolist()


def test_single_numbers_in_every_form(log):
    proto = b"\x08\x01\x12\x00"
    forms = [
        scalar(b"x", 1),
        field(1, b"x") + field(8, proto + field(4, struct.pack("<f", 2))),
        field(1, b"x") + field(8, proto + field(5, struct.pack("<f", 3))),
        field(1, b"x") + field(8, proto + b"\x2d" + struct.pack("<f", 4)),
        field(1, b"x") + field(8, proto),  # no value: 0
        field(8, field(4, struct.pack("<f", 6)) + proto) + field(1, b"x"),  # in another order
    ]
    events = [event(step, form, wall_time=step / 2) for step in range(3) for form in forms]
    found = read(log(*events))
    assert found["x/value"].tolist() == [1, 2, 3, 4, 0, 6] * 3
    assert found["x/step"].tolist() == [step for step in range(3) for _ in forms]
    assert found["x/wall_time"].tolist() == [step / 2 for step in range(3) for _ in forms]


def test_steps_of_every_size(log):
    steps = [0, 1, 127, 128, 2**21, 2**48 - 1, 2**56 - 1, 2**56, 2**63 - 1, 2**64 - 1, 5]
    found = read(log(*(event(step, scalar(b"x", number)) for number, step in enumerate(steps))))
    assert found["x/step"].tolist() == [*steps[:-2], -1, 5]
    assert found["x/value"].tolist() == list(range(len(steps)))


def test_events_that_only_look_alike(log):
    step_again = b"\x10\x07"  # of two steps, the last counts
    events = [event(3, scalar(b"x", n)) for n in range(3)]
    events += [event(3, scalar(b"x", n), more=step_again) for n in range(3)]
    events += [event(3, scalar(b"x", n), scalar(b"y", n)) for n in range(3)]
    events += [b"\x10\x04" + event(5, scalar(b"y", n)) for n in range(3)]
    events += [b"\x09" + struct.pack("<d", n) + field(5, field(1, scalar(b"x", n))) for n in range(3)]  # no step
    found = read(log(*events))
    assert found["x/step"].tolist() == [3] * 3 + [7] * 3 + [3] * 3 + [0] * 3
    assert found["x/value"].tolist() == [0, 1, 2] * 4
    assert found["x/wall_time"].tolist() == [1.5] * 9 + [0, 1, 2]
    assert found["y/step"].tolist() == [3] * 3 + [5] * 3


def test_events_that_differ_after_the_number(log):
    def of(rest):
        return b"\x09" + struct.pack("<d", 1.5) + field(5, field(1, scalar(b"x", 1)) + rest)

    file = log(*[of(b"\x12\x00")] * 3, of(b"\x0a\x00"), of(b"\x12\x00"))
    assert file["x/value"][:].tolist() == [1] * 5
    assert file.left_out == {"": "1 value: a tag and nothing else"}


def test_one_summary_of_many_values(log):
    found = read(log(event(1, scalar(b"a", 1), scalar(b"b", 2), scalar(b"a", 3)), event(2, scalar(b"b", 4))))
    assert found["a/step"].tolist() == [1, 1]
    assert found["a/value"].tolist() == [1, 3]
    assert found["b/value"].tolist() == [2, 4]


def test_tags_of_any_name(log):
    found = list(log(event(1, scalar(b"", 1), scalar(b"\xff", 2), scalar("ä/b".encode(), 3))))
    assert found == [*COLUMNS, *(f"{tag}/{c}" for tag in ("\udcff", "ä/b") for c in COLUMNS)]


def test_values_that_do_not_go_with_the_others(log):
    handle = field(1, b"h") + field(8, b"\x08\x15\x12\x00")
    hparams = field(9, field(1, field(1, b"hparams") + field(2, b"abc")))
    file = log(
        event(1, scalar(b"x", 1), tensor(b"x", 9, [1], bytes(8)), tensor(b"x", 2, [], bytes(8))),
        event(2, scalar(b"x", 2), tensor(b"t", 9, [1], bytes(8)), tensor(b"t", 2, [], bytes(8)), handle),
        event(3, field(1, b"none"), tensor(b"hp", 1, [0], b"", hparams), scalar(b"x", 3), b""),
        event(4, field(1, b"image") + field(8, b"\x08\x07" + field(2, b"")) + field(9, field(1, field(1, b"images")))),
    )
    assert list(file) == [f"{tag}/{c}" for tag in ("x", "t", "hp") for c in COLUMNS]
    assert file["x/value"][:].tolist() == [1, 2, 3]
    assert file.left_out == {
        "x": "2 values: of another kind than the first one",
        "t": "1 value: a tensor of float64, and the first one is of int64",
        "h": "1 value: handles, which are neither numbers nor strings",
        "none": "1 value: a tag and nothing else",
        "": "1 value: a tag and nothing else",
        "image": "1 value: for the plugin 'images', and no images with a width and a height",
        "hp/plugin_data": "3 bytes that only the plugin 'hparams' reads",
    }


VALUES = st.one_of(
    st.tuples(st.just("simple"), st.floats(width=32)),
    st.tuples(st.just("float"), st.floats(width=32)),
    st.tuples(st.just("int"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("vector"), st.lists(st.floats(), max_size=4)),
    st.tuples(st.just("text"), st.lists(st.binary(max_size=5), max_size=3)),
)


@given(st.lists(st.tuples(st.integers(-5, 2**62), st.floats(0, 2e9), VALUES), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_tensorflow_serializes(tf, tmp_path, case):
    v1, path = tf.compat.v1, tmp_path / "x"
    expected = {}
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(v1.Event(wall_time=1.0, file_version="brain.Event:2").SerializeToString())
        for step, wall_time, (kind, value) in case:
            made = v1.Event(wall_time=wall_time, step=step)
            one = made.summary.value.add(tag=f"tag/{kind}")
            if kind == "simple":
                one.simple_value = value
            else:
                dtype = {"float": "float32", "int": "int64", "vector": "float64", "text": "string"}[kind]
                one.tensor.CopyFrom(tf.make_tensor_proto(value, dtype))
            writer.write(made.SerializeToString())
            for column, what in (("step", step), ("wall_time", wall_time), ("value", value)):
                expected.setdefault(f"tag/{kind}/{column}", []).append(what)
    file = t2n.open(path)
    found = {name: np.asarray(file[name]).tolist() for name in file}
    for kind in ("vector", "text"):
        if f"tag/{kind}/value/values" in found:
            flat, splits = found.pop(f"tag/{kind}/value/values"), found.pop(f"tag/{kind}/value/row_splits")
            found[f"tag/{kind}/value"] = [flat[a:b] for a, b in pairwise(splits)]
    assert repr(found) == repr({name: expected[name] for name in found})
    assert found.keys() == expected.keys()
