"""What TensorFlow writes, whatever it is, is read as TensorFlow reads it; and where TensorFlow cannot, as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import tf2numpy as t2n
from conformance.arrays import assert_same
from real_files import real
from tables import strings

pytestmark = pytest.mark.tf

DTYPES = ["float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool", "uint16", "complex128"]
DTYPES += ["float16", "uint32", "uint64", "bfloat16"]
SHAPES = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
TEXTS = st.lists(st.binary(max_size=200), max_size=12).map(lambda texts: strings(*texts))


def numbers(dtype):
    if dtype == "bfloat16":
        ml_dtypes = pytest.importorskip("ml_dtypes")
        return npst.arrays("uint16", SHAPES).map(lambda bits: bits.view(ml_dtypes.bfloat16))
    return npst.arrays(dtype, SHAPES)


VALUES = st.dictionaries(
    st.text("abz_./é", min_size=1, max_size=6),
    st.sampled_from(DTYPES).flatmap(numbers) | TEXTS,
    min_size=1,
    max_size=6,
)


def variables(tf, values):
    """Make variables of arrays, of any name, since a list has none."""
    names = list(values)
    made = [tf.Variable(values[n], dtype=tf.string if values[n].dtype == object else None) for n in names]
    return names, made


@settings(max_examples=40)
@given(values=VALUES, check=st.booleans())
def test_names_and_values(tf, tmp_path_factory, values, check):
    path = tmp_path_factory.mktemp("x") / "ck"
    names, made = variables(tf, values)
    tf.raw_ops.SaveV2(
        prefix=str(path),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[variable.value() for variable in made],
    )
    theirs = tf.train.load_checkpoint(str(path))
    with t2n.open(path, check=check, slots=True) as file:
        assert set(file) == set(names) == set(theirs.get_variable_to_shape_map())
        for name, value in values.items():
            assert_same(np.asarray(file[name]), np.asarray(value, order="C"))
            if value.dtype != object:
                assert_same(np.asarray(file[name]), np.asarray(theirs.get_tensor(name), value.dtype))
            assert_same(np.array(file[name][...], value.dtype), np.asarray(value, order="C"))


@settings(max_examples=25)
@given(data=st.data(), dtype=st.sampled_from(DTYPES), most=st.integers(1, 40))
def test_variables_over_several_files(tf, tmp_path_factory, data, dtype, most):
    folder = tmp_path_factory.mktemp("x")
    some = numbers(dtype).filter(np.size)  # TensorFlow drops those without elements
    values = {f"v{n}": data.draw(some) for n in range(3)}
    names, made = variables(tf, values)
    row_bytes = max(value.nbytes // len(value) if value.ndim else value.nbytes for value in values.values())
    # TensorFlow looks for ever for a place for a row that no file may hold.
    policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=max(most * made[0].dtype.size, 16, row_bytes))
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    try:
        tf.train.Checkpoint(**dict(zip(names, made, strict=True))).write(folder / "ck", options=options)
    except Exception as error:
        pytest.skip(f"TensorFlow does not write it: {error}")
    with t2n.open(folder / "ck") as file:
        assert set(file) == set(names)
        for name, value in values.items():
            assert_same(np.asarray(file[name]), np.asarray(value, order="C"))


@settings(max_examples=20)
@given(values=VALUES)
def test_version_1(tf, tmp_path_factory, values):
    v1 = tf.compat.v1
    path = tmp_path_factory.mktemp("x") / "model"
    names = list(values)
    kept = [name for name in names if values[name].dtype.name not in ("uint32", "uint64", "bfloat16", "complex128")]
    if not kept:
        return
    with tf.Graph().as_default(), v1.Session() as session:
        tensors = [
            tf.constant(values[n], tf.string if values[n].dtype == object else None, values[n].shape) for n in kept
        ]
        save = tf.raw_ops.Save(filename=str(path), tensor_names=kept, data=tensors)
        session.run(save)
    with t2n.open(path, slots=True) as file:
        assert set(file) == set(kept)
        for name in kept:
            assert_same(np.asarray(file[name]), np.asarray(values[name], order="C"))


def test_an_index_of_several_blocks(tf, tmp_path):
    names = [f"n{'x' * 30}{number}" for number in range(6000)]
    values = np.arange(6000)
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "ck"), tensor_names=names, shape_and_slices=[""] * 6000, tensors=list(tf.constant(values))
    )
    with t2n.open(tmp_path / "ck", slots=True) as file:
        assert {name: int(array[...]) for name, array in file.items()} == dict(zip(names, values.tolist(), strict=True))


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["estimator_checkpoint/model.ckpt-999", "saved_model/penguin_keras/variables/variables"]
)
def test_real_files(tf, name):
    path = real(f"{name}.index").with_suffix("")
    theirs = tf.train.load_checkpoint(str(path))
    with t2n.open(path, names="key", slots=True) as file:
        assert set(file) == set(theirs.get_variable_to_shape_map())
        for key, array in file.items():
            tensor = theirs.get_tensor(key)
            expected = np.asarray(tensor, object) if array.dtype == object else np.asarray(tensor)
            assert_same(np.asarray(array), expected)
