"""Tensors that have no value yet: one error, which names the place they stand in and the remedy that works there.

Only messages may enter this file.
"""

from __future__ import annotations

from typing import Any, NoReturn

from .._errors import SymbolicTensorError
from .._lazy import tensorflow
from .._protocols import Resolve

_KERAS_STEPS = ("one_step_on_", "multi_step_on_")


def refuse_symbolic(x: Any) -> NoReturn:
    """Refuse a symbolic tensor.

    Raises: SymbolicTensorError naming the function, dataset transformation or graph the tensor belongs to.
    """
    name = getattr(x, "name", None) or "a tensor"
    raise SymbolicTensorError(f"{name!r} has no value yet: it stands {place_and_remedy(x.graph)}")


def refuse_in_graph(what: str) -> NoReturn:
    """Refuse a value that can only be read outside the graph that is being built.

    Raises: SymbolicTensorError naming that graph.
    """
    graph = tensorflow().compat.v1.get_default_graph()
    raise SymbolicTensorError(f"{what} cannot be read here: this code runs {place_and_remedy(graph)}")


def keras_tensor(x: Any, resolve: Resolve) -> NoReturn:
    """Refuse a KerasTensor, the placeholder of a functional model."""
    raise SymbolicTensorError(
        f"{x.name!r} has no value yet: it stands in a Keras functional graph, a KerasTensor of shape {x.shape}; "
        "build the model, keras.Model(inputs, outputs), and convert what it returns for real data"
    )


def place_and_remedy(graph: Any) -> str:
    """Write where a graph is being built, and what to do there instead."""
    outermost = _outermost_function(graph)
    if outermost is None:
        return (
            "in a TensorFlow 1 graph; run it, tf.compat.v1.Session().run(tensor), "
            "or leave graph mode (no tf.Graph().as_default(), no disable_eager_execution())"
        )
    name = str(outermost.name)
    if name.startswith("Dataset_"):
        method = _transformation(name.removeprefix("Dataset_"))
        return (
            f"inside Dataset.{method}; convert the dataset itself, to_numpy(dataset), outside, "
            "or wrap the NumPy code in tf.numpy_function there"
        )
    if name.startswith("scratch_graph"):
        return (
            "in a Keras functional graph, inside a layer's call; convert what the built model returns, "
            "or write the layer with keras.ops"
        )
    if name.startswith(_KERAS_STEPS):
        return (
            f"inside {name!r}, the step that Keras compiled of the model; convert what predict returns, wrap the "
            "NumPy code in tf.numpy_function, or, to debug, compile(run_eagerly=True)"
        )
    return (
        f"inside the tf.function {name!r}; return it and convert the result outside, wrap the NumPy code in "
        "tf.numpy_function, or, to debug, tf.config.run_functions_eagerly(True)"
    )


def _transformation(name: str) -> str:
    """Find the method in "flat_map_lambda", a method's name followed by that of the function it was given."""
    methods = [m for m in dir(tensorflow().data.Dataset) if name == m or name.startswith(f"{m}_")]
    return max(methods, key=len, default=name)


def _outermost_function(graph: Any) -> Any:
    """Climb from a loop's or branch's own graph to the function a person wrote; None outside any function."""
    function = None
    while hasattr(graph, "outer_graph"):
        function, graph = graph, graph.outer_graph
    return function
