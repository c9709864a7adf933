"""Symbolic tensors in the functions that datasets and loops are given: the place is named as a person wrote it."""

import pytest

import tf2numpy as t2n

IN_DATASET = (
    "inside {}; convert the dataset itself, to_numpy(dataset), outside, or wrap the NumPy code in tf.numpy_function "
    "there"
)
IN_FUNCTION = (
    "inside the tf.function {!r}; return it and convert the result outside, wrap the NumPy code in "
    "tf.numpy_function, or, to debug, tf.config.run_functions_eagerly(True)"
)


def refused(run, name, place):
    """Expect the error with this whole sentence; AutoGraph writes around it where it was raised."""
    with pytest.raises(t2n.SymbolicTensorError) as caught:
        run()
    sentence = f"{name!r} has no value yet: it stands {place}"
    lines = [line.strip().removeprefix("SymbolicTensorError: ") for line in str(caught.value).splitlines()]
    assert sentence in lines, str(caught.value)


def start(tf):
    return tf.constant(0, tf.int64)


# name of the method -> a use of it whose function converts its first argument
TRANSFORMATIONS = {
    "Dataset.reduce": lambda tf, d, folder: d.reduce(start(tf), lambda state, x: t2n.to_numpy(state) + x),
    "Dataset.scan": lambda tf, d, folder: d.scan(start(tf), lambda state, x: (t2n.to_numpy(state), x)),
    "Dataset.map": lambda tf, d, folder: d.map(lambda x: tf.cond(x > 0, lambda: t2n.to_numpy(x), lambda: x)),
    "Dataset.save": lambda tf, d, folder: d.save(str(folder), shard_func=lambda x: t2n.to_numpy(x)),
    "Dataset.snapshot": lambda tf, d, folder: d.snapshot(str(folder), shard_func=lambda x: t2n.to_numpy(x)),
    "tf.data.experimental.parallel_interleave": lambda tf, d, folder: d.apply(
        tf.data.experimental.parallel_interleave(lambda x: t2n.to_numpy(x), 2)
    ),
    "tf.data.experimental.group_by_reducer": lambda tf, d, folder: d.apply(
        tf.data.experimental.group_by_reducer(lambda x: t2n.to_numpy(x), None)
    ),
}


@pytest.mark.parametrize("method", TRANSFORMATIONS)
def test_in_a_dataset_transformation(tf, tmp_path, method):
    refused(
        lambda: TRANSFORMATIONS[method](tf, tf.data.Dataset.range(3), tmp_path / "data"),
        "args_0:0",
        IN_DATASET.format(method),
    )


@pytest.mark.parametrize("method", ["window_size_func", "reduce_func"])
def test_in_the_other_functions_of_group_by_window(tf, method):
    functions = {
        "key_func": lambda x: x,
        "reduce_func": lambda key, window: window,
        "window_size_func": lambda key: key,
    }
    functions[method] = lambda key, *window: t2n.to_numpy(key)
    refused(
        lambda: tf.data.Dataset.range(3).group_by_window(**functions),
        "args_0:0",
        IN_DATASET.format("Dataset.group_by_window"),
    )


def test_in_a_named_function_given_to_reduce(tf):
    def total(state, x):
        return state + t2n.to_numpy(x)

    refused(lambda: tf.data.Dataset.range(3).reduce(start(tf), total), "args_1:0", IN_DATASET.format("Dataset.reduce"))


GIVEN_DATASETS = {
    "load": lambda tf, folder: tf.data.Dataset.load(folder, reader_func=lambda d: t2n.to_numpy(d)),
    "snapshot": lambda tf, folder: tf.data.Dataset.range(3).snapshot(folder, reader_func=lambda d: t2n.to_numpy(d)),
}


@pytest.mark.parametrize("method", GIVEN_DATASETS)
def test_in_a_function_that_is_given_datasets(tf, tmp_path, method):
    tf.data.Dataset.range(3).save(str(tmp_path))
    with pytest.raises(t2n.SymbolicTensorError) as caught:
        GIVEN_DATASETS[method](tf, str(tmp_path))
    place = IN_DATASET.format(f"Dataset.{method}")
    assert f"a dataset cannot be read here: this code runs {place}\n" in f"{caught.value}\n"


def test_a_tf_function_of_a_similar_name_is_a_tf_function(tf):
    @tf.function
    def reduce_mean(x):
        return t2n.to_numpy(x)

    @tf.function
    def save_all():
        return t2n.to_numpy(tf.constant(1.0, name="one"))

    refused(lambda: reduce_mean(tf.constant(1.0)), "x:0", IN_FUNCTION.format("reduce_mean"))
    refused(save_all, "one:0", IN_FUNCTION.format("save_all"))


def test_in_a_transformation_in_a_tf_function(tf):
    """The dataset's function is the nearer one, and none of the remedies for a tf.function reaches it."""

    @tf.function
    def step(x):
        return tf.data.Dataset.range(3).reduce(start(tf), lambda state, y: t2n.to_numpy(y))

    @tf.function
    def mapped(x):
        for element in tf.data.Dataset.range(3).map(lambda y: t2n.to_numpy(y)):
            x += element
        return x

    refused(lambda: step(1), "args_1:0", IN_DATASET.format("Dataset.reduce"))
    refused(lambda: mapped(1), "args_0:0", IN_DATASET.format("Dataset.map"))


def test_in_a_loop_over_a_dataset_in_a_tf_function(tf):
    @tf.function
    def step(dataset):
        for x in dataset:  # AutoGraph makes a Dataset.scan of it, which nobody wrote
            t2n.to_numpy(x)

    refused(lambda: step(tf.data.Dataset.range(3)), "args_1:0", IN_FUNCTION.format("step"))


def scan_body(state, x):
    return state, t2n.to_numpy(x)


def test_in_a_scan_whose_function_is_named_like_autographs(tf):
    refused(lambda: tf.data.Dataset.range(3).scan(start(tf), scan_body), "args_1:0", IN_DATASET.format("Dataset.scan"))


LOOPS = {
    "map/while/TensorArrayV2Read/TensorListGetItem:0": lambda tf, x: tf.map_fn(t2n.to_numpy, x),
    "scan/while/TensorArrayV2Read/TensorListGetItem:0": lambda tf, x: tf.scan(lambda a, b: t2n.to_numpy(b), x),
    "while/Placeholder:0": lambda tf, x: tf.while_loop(lambda i: i < 3, lambda i: (t2n.to_numpy(i),), [x[0]]),
    "cond/add:0": lambda tf, x: tf.cond(x[0] > 0, lambda: t2n.to_numpy(x[0] + 1), lambda: x[0]),
    "switch_case/indexed_case/add:0": lambda tf, x: tf.switch_case(x[0], [lambda: t2n.to_numpy(x[0] + 1)]),
}


@pytest.mark.parametrize("name", LOOPS)
def test_in_loops_and_branches_of_a_tf_function(tf, name):
    def step(x):
        LOOPS[name](tf, x)

    refused(lambda: tf.function(step, autograph=False)(tf.range(3)), name, IN_FUNCTION.format("step"))


@pytest.mark.parametrize("way", ["py_function", "numpy_function"])
def test_the_body_of_a_py_function_has_values(tf, way):
    seen = []

    def body(x):
        seen.append(t2n.to_numpy(x).tolist())
        return x

    @tf.function
    def step(x):
        return getattr(tf, way)(body, [x], tf.int32)

    step(tf.constant([1, 2]))
    for loop in (lambda x: tf.map_fn(body, x), lambda x: tf.cond(x[0] > 0, lambda: body(x), lambda: x)):
        loop(tf.constant([3, 4]))
    assert seen == [[1, 2], 3, 4, [3, 4]]
