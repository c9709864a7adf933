"""Write cases.json: TensorProtos in every encoding, and what TensorFlow reads them as. Needs TensorFlow 2.21.

python tests/golden/tensor_proto/make.py
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

SMALL = {3: "int32", 4: "uint8", 5: "int16", 6: "int8", 11: "qint8", 12: "quint8", 13: "qint32", 15: "qint16"}
SMALL |= {16: "quint16", 17: "uint16", 29: "int4", 30: "uint4", 31: "int2", 32: "uint2"}
FLOAT8 = (24, 25, 26, 27, 28, 33)
NUMPY = {"qint8": "int8", "quint8": "uint8", "qint32": "int32", "qint16": "int16", "quint16": "uint16"}


def proto(enum, shape, **fields):
    made = tensor_pb2.TensorProto(dtype=enum)
    for n in shape:
        made.tensor_shape.dim.add(size=n)
    for name, value in fields.items():
        setattr(made, name, value) if isinstance(value, bytes) else getattr(made, name).extend(value)
    return made


def protos():
    """Every field of values: all of them, fewer, none, more."""
    fields = {enum: ("int_val", [3, 0, 1, -2, 7, 300]) for enum in SMALL}
    fields |= {enum: ("float8_val", bytes([1, 15, 120, 0, 133, 255])) for enum in FLOAT8}
    fields |= {
        1: ("float_val", [1.5, -0.0, float("inf"), 1e-45, float("nan"), 2]),
        2: ("double_val", [1.5, -0.0, float("inf"), 5e-324, float("nan"), 2]),
        7: ("string_val", [b"", b"a\0", b"\xff" * 200, b"\0", "é".encode(), b"f"]),
        8: ("scomplex_val", [1, -2, 3.5, 0, -0.0, 6, 7, 8, 9, 10, 11, 12]),
        9: ("int64_val", [-(2**63), 2**63 - 1, 0, -1, 128, 3]),
        10: ("bool_val", [True, False, True, True, False, True]),
        14: ("half_val", [0x3F80, 0x8000, 0x7F80, 1, 0xFFFF, 0]),
        18: ("dcomplex_val", [1, -2, 3.5, 0, -0.0, 6, 7, 8, 9, 10, 11, 12]),
        19: ("half_val", [0x3C00, 0x8000, 0x7C00, 1, 0xFFFF, 0]),
        22: ("uint32_val", [0, 1, 2**32 - 1, 2**31, 5, 6]),
        23: ("uint64_val", [0, 1, 2**64 - 1, 2**63, 5, 6]),
    }
    for enum, (field, values) in sorted(fields.items()):
        per = 2 if "complex" in field else 1
        for shape, given in (((2, 3), 6), ((), 1), ((2, 3), 2), ((3,), 1), ((2, 2), 0), ((4,), 6), ((2, 0), 0)):
            yield proto(enum, shape, **{field: values[: given * per]})
        if enum != 7:
            tensor = tf.io.parse_tensor(proto(enum, (2, 3), **{field: values}).SerializeToString(), tf.DType(enum))
            yield proto(enum, (3, 2), tensor_content=bits(tensor))
    yield proto(7, (2,), tensor_content=b"\x01\x02abb")
    yield proto(7, (2, 1), tensor_content=b"\x00\xc8\x01" + bytes(200))
    yield proto(29, (4,), tensor_content=b"\x0f\x07\x08\x00")
    for value in (np.arange(12.0).reshape(3, 4), [b"a", b"bb"], True, np.float32([])):
        made = tensor_pb2.TensorProto()
        made.ParseFromString(tf.io.serialize_tensor(tf.constant(value)).numpy())
        yield made
    yield tf.make_tensor_proto(1.0, shape=[2, 2])


def bits(tensor):
    """Give the memory of a tensor: ml_dtypes are unknown to the buffer protocol, quantized types to NumPy."""
    return np.asarray(tf.bitcast(tensor, tf.uint8) if tensor.dtype.is_quantized else tensor._numpy()).tobytes()


def case(made):
    serialized = made.SerializeToString()
    tensor = tf.io.parse_tensor(serialized, tf.DType(made.dtype))
    name = NUMPY.get(tensor.dtype.name, tensor.dtype.name)
    found = {"proto": serialized.hex(), "dtype": name, "shape": list(tensor.shape)}
    if name == "string":
        return found | {"strings": [element.hex() for element in np.asarray(tensor.numpy(), object).reshape(-1)]}
    return found | {"bits": bits(tensor).hex()}


if __name__ == "__main__":
    lines = [json.dumps(case(made)) for made in protos()]
    Path(__file__).with_name("cases.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
