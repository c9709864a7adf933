"""Write the same records uncompressed and with every compression that TensorFlow has. Needs TensorFlow 2.21.

python tests/golden/tfrecord/make.py
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent


def contents():
    rng = np.random.default_rng(0)
    sizes = [0, 1, 15, 14, *rng.integers(0, 300, 40), 4000, 0]
    return [bytes(rng.integers(0, 4, n, np.uint8)) for n in sizes]


if __name__ == "__main__":
    for compression in ("", "GZIP", "ZLIB"):  # Snappy only tf.data writes
        with tf.io.TFRecordWriter(str(FOLDER / f"{compression.lower() or 'none'}.tfrecord"), compression) as writer:
            for content in contents():
                writer.write(content)
    np.savez_compressed(
        FOLDER / "expected.npz",
        lengths=[len(content) for content in contents()],
        data=np.frombuffer(b"".join(contents()), np.uint8),
    )
