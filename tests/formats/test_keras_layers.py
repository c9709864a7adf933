"""What variables are called, against the installed Keras: each layer of the table, and random models."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.arrays import assert_same
from tf2numpy.formats import _keras_layers
from tf2numpy.formats._keras_config import _snake_case

keras = pytest.importorskip("keras", reason="Keras is not installed in this environment")
pytest.importorskip("h5py", reason="h5py is not installed in this environment")
L = keras.layers

VECTOR, ROW, IMAGE, VOLUME = (3,), (6, 4), (6, 6, 4), (6, 6, 6, 4)


def case(make, *shape, twice=False):
    return pytest.param(make, shape, twice)


def of_rank(name, shapes, *args, **options):
    """Give the layers of a family that differ in how many axes they work on."""
    return [
        case(functools.partial(getattr(L, name.format(i)), *args, **more), *shape)
        for i, shape in shapes.items()
        for more in ({}, options)
    ]


LAYERS = [
    *(case(functools.partial(L.Dense, 2, use_bias=bias), *VECTOR) for bias in (True, False)),
    *(case(functools.partial(L.EinsumDense, "ab,bc->ac", 2, bias_axes=axes), *VECTOR) for axes in (None, "c")),
    *of_rank("Conv{}D", {1: ROW, 2: IMAGE, 3: VOLUME}, 2, 2, use_bias=False),
    *of_rank("Conv{}DTranspose", {1: ROW, 2: IMAGE, 3: VOLUME}, 2, 2, use_bias=False),
    *of_rank("DepthwiseConv{}D", {1: ROW, 2: IMAGE}, 2, use_bias=False),
    *of_rank("SeparableConv{}D", {1: ROW, 2: IMAGE}, 2, 2, use_bias=False),
    *of_rank("ConvLSTM{}D", {1: (3, *ROW), 2: (3, *IMAGE)}, 2, 2, use_bias=False),
    case(functools.partial(L.Embedding, 5, 2), *VECTOR),
    *(
        case(functools.partial(layer, **options), *ROW)
        for layer in (L.BatchNormalization, L.LayerNormalization, L.GroupNormalization)
        for center in (True, False)
        for scale in (True, False)
        for options in [{"center": center, "scale": scale} | ({"groups": 2} if layer is L.GroupNormalization else {})]
    ),
    *([case(L.RMSNormalization, *ROW)] if hasattr(L, "RMSNormalization") else ()),
    case(L.UnitNormalization, *ROW),
    case(L.PReLU, *VECTOR),
    case(L.Normalization, *VECTOR),
    *(
        case(functools.partial(layer, 2, use_bias=bias, dropout=0.1), *ROW)
        for layer in (L.LSTM, L.GRU, L.SimpleRNN)
        for bias in (True, False)
    ),
    *(case(lambda cell=cell: L.RNN(cell(2)), *ROW) for cell in (L.LSTMCell, L.GRUCell, L.SimpleRNNCell)),
    case(lambda: L.RNN([L.LSTMCell(2), L.LSTMCell(3), L.GRUCell(2)]), *ROW),
    case(lambda: L.Bidirectional(L.GRU(2)), *ROW),
    case(lambda: L.Bidirectional(L.LSTM(2), backward_layer=L.LSTM(2, go_backwards=True, use_bias=False)), *ROW),
    case(lambda: L.TimeDistributed(L.Dense(2)), *ROW),
    *(
        case(functools.partial(layer, use_bias=bias), *ROW, twice=True)
        for layer in (functools.partial(L.MultiHeadAttention, 2, 3), functools.partial(L.GroupQueryAttention, 4, 4, 2))
        for bias in (True, False)
    ),
    *(
        case(lambda layer=layer, scale=scale: Both(layer(use_scale=scale)), *ROW)
        for layer in (L.Attention, L.AdditiveAttention)
        for scale in (True, False)
    ),
    case(functools.partial(L.Dropout, 0.5), *VECTOR),
    case(L.RandomFlip, *IMAGE),
]


def Both(layer):
    """Give a layer that attends to itself a single input."""
    return lambda x: layer([x, x])


def filled(model):
    for number, weight in enumerate(model.weights):
        weight.assign(np.full(weight.shape, number).astype(weight.dtype))
    return model


def wanted_of(model):
    return {weight.path: np.asarray(weight.numpy()) for weight in model.weights}


def assert_reads_back(model, path, wanted=None):
    """Compare a saved model with the variables it has, by their paths and in their order."""
    model.save(path)
    wanted = wanted_of(model) if wanted is None else wanted
    with t2n.open(path) as file:
        assert sorted(file) == sorted(wanted)
        for name, array in wanted.items():
            assert_same(t2n.to_numpy(file[name]), array)
        return list(file)


@pytest.mark.parametrize(("make", "shape", "twice"), LAYERS)
def test_a_layer(tf, tmp_path, make, shape, twice):
    layer, inputs = make(), keras.Input(shape)
    model = filled(keras.Model(inputs, layer(inputs, inputs) if twice else layer(inputs)))
    assert assert_reads_back(model, tmp_path / "x.keras") == [weight.path for weight in model.weights]


def test_every_layer_of_the_table_is_tested(tf):
    tested = set()
    for param in LAYERS:
        made = param.values[0]
        made = made() if not isinstance(made, type) else made
        tested.add(made.__name__ if isinstance(made, type) else type(made).__name__)
    tested |= {"LSTMCell", "GRUCell", "SimpleRNNCell", "Attention", "AdditiveAttention", "GroupQueryAttention"}
    # Too slow to be worth it, and too new for the oldest Keras.
    untested = {"ConvLSTM3D", "ReversibleEmbedding", "RMSNormalization"}
    assert (set(_keras_layers._VARIABLES) | set(_keras_layers._PARTS)) - tested <= untested


@pytest.mark.parametrize("options", [{"rms_scaling": True}, {"rms_scaling": True, "scale": False}])
def test_what_is_not_certain_has_numbers(tf, tmp_path, options):
    inputs = keras.Input(VECTOR)
    try:
        with pytest.warns(UserWarning, match="rms_scaling"):
            layer = L.LayerNormalization(name="norm", **options)
    except (TypeError, pytest.fail.Exception):
        pytest.skip("this Keras does not know that option, or does not warn of it")
    model = filled(keras.Model(inputs, layer(inputs)))
    assert_reads_back(model, tmp_path / "x.keras", {"norm/0": model.get_weights()[0]})


def test_layers_of_others_have_numbers(tf, tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class Dense(L.Dense):
        """One that has the name of a known one."""

    inputs = keras.Input(VECTOR)
    model = filled(keras.Model(inputs, L.Dense(1, name="known")(Dense(2, name="unknown")(inputs))))
    values = model.get_weights()
    wanted = dict(zip(["unknown/0", "unknown/1", "known/kernel", "known/bias"], values, strict=True))
    assert_reads_back(model, tmp_path / "x.keras", wanted)


def test_models_that_are_classes(tf, tmp_path):
    class Model(keras.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.parts = {"a": [L.Dense(2, name="first")], "b": L.Dense(1, name="second")}
            self.offset = self.add_weight(shape=(1,), name="offset")

        def call(self, x):
            return self.parts["b"](self.parts["a"][0](x)) + self.offset

    model = Model()
    model(np.ones((1, 3), "f4"))
    filled(model).save_weights(tmp_path / "x.weights.h5")
    with t2n.open(tmp_path / "x.weights.h5") as file:
        assert file["mine/0"][:].tolist() == model.offset.numpy().tolist()
        assert_same(t2n.to_numpy(file["second/0"]), model.parts["b"].kernel.numpy())
        assert len(file) == len(model.weights)


@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop", "Adagrad", "Nadam", "Ftrl", "Lion"])
def test_optimizers(tf, tmp_path, name):
    model = keras.Sequential([keras.Input(VECTOR), L.Dense(2, name="d")], name="model")
    optimizer = getattr(keras.optimizers, name)(0.125, name="opt")
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)
    model.save(tmp_path / "x.keras")
    with t2n.open(tmp_path / "x.keras", slots=True, select="opt*") as file:
        assert list(file) == ["opt/iteration", "opt/learning_rate", *(f"opt/{i}" for i in range(2, len(file)))]
        assert len(file) == len(optimizer.variables)
        assert file["opt/learning_rate"][...] == 0.125
        for array, variable in zip(file.values(), optimizer.variables, strict=True):
            assert_same(t2n.to_numpy(array), np.asarray(variable.numpy()))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model.compile(keras.optimizers.SGD(schedule, momentum=0.9, name="opt"), "mse")
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "y.keras")
    with t2n.open(tmp_path / "y.keras", slots=True, select="opt*") as file:
        assert list(file) == ["opt/iteration", "opt/1", "opt/2"]


def test_places_are_made_of_classes_as_keras_does_it(tf):
    from keras.src.utils.naming import to_snake_case

    for name in dir(L):
        assert _snake_case(name) == to_snake_case(getattr(getattr(L, name), "__name__", name)) or name.startswith(
            ("_", "Avg", "Convolution", "Global", "Max", "SeparableConvolution")
        )


KINDS = ["Dense", "BatchNormalization", "Dropout", "LayerNormalization", "PReLU", "nested", "again"]


@settings(max_examples=15)
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=6), half=st.booleans(), whole=st.booleans())
def test_random_models(tf, tmp_path_factory, kinds, half, whole):
    """Layers of many kinds, some used twice, some in a model of their own, in bfloat16 or not."""
    keras.backend.clear_session()
    dtype = "bfloat16" if half else "float32"
    inputs = x = keras.Input((3,))
    shared = L.Dense(3, name="shared", dtype=dtype)
    for number, kind in enumerate(kinds):
        if kind == "again":
            x = shared(x)
        elif kind == "nested":
            parts = [keras.Input((3,)), L.Dense(2, name="a", dtype=dtype), L.Dense(3, name="b", use_bias=False)]
            x = keras.Sequential(parts, name=f"nested{number}")(x)
        else:
            options = {"Dense": (3,), "Dropout": (0.5,)}.get(kind, ())
            x = getattr(L, kind)(*options, name=f"layer{number}", dtype=dtype)(x)
    model = filled(keras.Model(inputs, x, name="net"))
    folder = tmp_path_factory.mktemp("models")
    if whole:
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
    order = assert_reads_back(model, folder / "x.keras")
    assert order == [weight.path for weight in model.weights]
    model.save_weights(folder / "x.weights.h5")
    with t2n.open(folder / "x.weights.h5", names="key") as weights, t2n.open(folder / "x.keras", names="key") as all_:
        assert sorted(weights) == sorted(all_)
        for name, array in weights.items():
            assert_same(t2n.to_numpy(array), t2n.to_numpy(all_[name]))
    model.save(folder / "x.h5")
    with t2n.open(folder / "x.h5") as file:
        assert sorted(file) == sorted(order)
        assert not file.left_out
        for name, array in wanted_of(model).items():
            assert_same(t2n.to_numpy(file[name]), array)
