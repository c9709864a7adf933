"""Tensors that have no value yet: one error, which names the place they stand in and the remedy that works there.

Only messages may enter this file.
"""

from __future__ import annotations

from typing import Any, NoReturn

from .._errors import SymbolicTensorError
from .._lazy import tensorflow
from .._protocols import Resolve

_KERAS_STEPS = ("one_step_on_", "multi_step_on_")
# Methods of a dataset whose functions tf.data does not name "Dataset_...", as it does those of all others.
_BARE_METHODS = ("reduce_", "save_", "load_")
_EXPERIMENTAL = "tf_data_experimental_"
_AUTOGRAPH_LOOP = "Dataset_scan_scan_body"  # what AutoGraph makes of a loop over a dataset in a tf.function


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
    functions = _functions(graph)
    if not functions:
        return (
            "in a TensorFlow 1 graph; run it, tf.compat.v1.Session().run(tensor), "
            "or leave graph mode (no tf.Graph().as_default(), no disable_eager_execution())"
        )
    # The nearest one: what helps in a tf.function around it does not reach a dataset's function.
    transformation = next(filter(None, (_transformation(function) for function in functions)), None)
    if transformation:
        return (
            f"inside {transformation}; convert the dataset itself, to_numpy(dataset), outside, "
            "or wrap the NumPy code in tf.numpy_function there"
        )
    name = str(functions[-1].name)  # of the function a person wrote; loops and branches have graphs of their own in it
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


def _transformation(function: Any) -> str | None:
    """Find the dataset's method in "Dataset_flat_map_lambda", its name and that of the function it was given."""
    name, data = str(function.name), tensorflow().data
    if name.startswith(_EXPERIMENTAL):
        return f"tf.data.experimental.{_longest_prefix(name.removeprefix(_EXPERIMENTAL), data.experimental)}"
    if name.startswith(_BARE_METHODS):
        # A tf.function may have such a name too, but its tensors are named after its own arguments.
        if not function.get_operations() or function.get_operations()[0].name != "args_0":
            return None
    elif not name.startswith("Dataset_") or (name == _AUTOGRAPH_LOOP and len(_functions(function)) > 1):
        return None
    return f"Dataset.{_longest_prefix(name.removeprefix('Dataset_'), data.Dataset)}"


def _longest_prefix(name: str, namespace: Any) -> str:
    words = name.replace("()", "")  # "snapshot()_shard_fu_lambda"
    return max((m for m in dir(namespace) if words == m or words.startswith(f"{m}_")), key=len, default=words)


def _functions(graph: Any) -> list[Any]:
    """Give the functions that are being built, innermost first; none in a TensorFlow 1 graph."""
    functions = []
    while hasattr(graph, "outer_graph"):
        functions.append(graph)
        graph = graph.outer_graph
    return functions
