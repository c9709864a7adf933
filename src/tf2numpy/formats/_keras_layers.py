"""Which variables and which parts the layers of Keras have, in the order of its files. No file may enter.

Keras stores variables by number. What they are called follows from the class of their layer and its configuration: for
the classes below, checked by building each and saving it, the same from Keras 2.13 to 3.15. Of any other class, and
where the numbers do not match, nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Class -> its own variables, in order; "bias:use_bias" is there if the configuration says so.
_VARIABLES = {
    **dict.fromkeys(
        (
            "Dense",
            *("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
            *("DepthwiseConv1D", "DepthwiseConv2D"),
        ),
        "kernel bias:use_bias",
    ),
    **dict.fromkeys(("LSTMCell", "GRUCell", "SimpleRNNCell"), "kernel recurrent_kernel bias:use_bias"),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), "depthwise_kernel pointwise_kernel bias:use_bias"),
    "EinsumDense": "kernel bias:bias_axes",
    "Embedding": "embeddings",
    "ReversibleEmbedding": "embeddings",
    "BatchNormalization": "gamma:scale beta:center moving_mean moving_variance",
    **dict.fromkeys(("LayerNormalization", "GroupNormalization"), "gamma:scale beta:center"),
    "RMSNormalization": "scale",
    "PReLU": "alpha",
    "Normalization": "mean variance count",
    **dict.fromkeys(("Attention", "AdditiveAttention"), "scale:use_scale"),
}
_VARIABLES_OF_KERAS_2 = dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), "depthwise_kernel bias:use_bias")

# With any of these, a layer has other variables than the table says.
_UNKNOWN_WITH = ("rms_scaling", "renorm", "quantization_config")

_CONV_LSTM = {"cell": ("conv_lstm_cell", "LSTMCell")}
_ATTENTION = {
    **{f"{start}{end}_dense": (end, "Dense") for start in ("", "_") for end in ("query", "key", "value")},
    **{f"{start}output_dense": ("attention_output", "Dense") for start in ("", "_")},
    "_gate_dense": ("gate", "Dense"),
}
# Class -> its parts: attribute -> name, and the class whose variables a part has by the configuration of the whole.
_PARTS = {
    "LSTM": {"cell": ("lstm_cell", "LSTMCell")},
    "GRU": {"cell": ("gru_cell", "GRUCell")},
    "SimpleRNN": {"cell": ("simple_rnn_cell", "SimpleRNNCell")},
    "ConvLSTM1D": _CONV_LSTM,
    "ConvLSTM2D": _CONV_LSTM,
    "ConvLSTM3D": _CONV_LSTM,
    "MultiHeadAttention": _ATTENTION,
    "GroupQueryAttention": _ATTENTION,
}

# Those whose variables begin with the same ones; the others follow from the model.
_OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "Nadam"),
    *("RMSprop", "SGD", "ScheduleFreeAdamW"),
)


def variables(cls: str, config: Mapping[str, Any], *, keras_2: bool) -> tuple[str, ...] | None:
    """Name the variables of a layer itself, not of its parts; None where they are not known.

    config: the layer's configuration, whose dtypes and shapes do not matter.
    """
    listed = (_VARIABLES_OF_KERAS_2 if keras_2 and cls in _VARIABLES_OF_KERAS_2 else _VARIABLES).get(cls)
    if listed is None or any(config.get(option) for option in _UNKNOWN_WITH):
        return None
    found = []
    for each in listed.split():
        name, _, option = each.partition(":")
        if option and option not in config:
            return None
        if not option or config[option]:
            found.append(name)
    return tuple(found)


def parts(cls: str) -> Mapping[str, tuple[str, str]]:
    """Give the parts that follow from the class of a layer alone: attribute -> name, class."""
    return _PARTS.get(cls, {})


def first_of_optimizer(cls: str, config: Mapping[str, Any], *, keras_2: bool) -> tuple[str, ...]:
    """Name the variables that an optimizer has before those of the model's weights."""
    if cls not in _OPTIMIZERS:
        return ()
    if keras_2 or not isinstance(config.get("learning_rate"), int | float):  # a schedule is no variable
        return ("iteration",)
    return ("iteration", "learning_rate")
