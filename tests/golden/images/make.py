"""Encode small images in every way, and have TensorFlow decode them. Needs TensorFlow 2.21, Pillow and imagecodecs.

python tests/golden/images/make.py
"""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import tensorflow as tf
from PIL import Image

FOLDER = Path(__file__).parent
CHANNELS = (0, 1, 3, 4)
DEEP = ("jpeg-444", "gif", "bmp", "webp")


def pixels(rng):
    """Give a smooth image of 16 bits with noise: [height, width, 4]."""
    y, x = np.mgrid[0:21, 0:34]
    waves = np.stack([np.sin(x / 5 + k) + np.cos(y / 4 - k) for k in range(4)], -1) * 14000 + 32768
    return np.clip(waves + rng.normal(size=waves.shape) * 1500, 0, 65535).astype(np.uint16)


def by_pillow(image, kind, **options):
    found = io.BytesIO()
    image.save(found, kind, **options)
    return found.getvalue()


def encoded():
    """Give encoded images by name."""
    deep = pixels(np.random.default_rng(0))
    flat = (deep >> 8).astype(np.uint8)
    colours, grey = np.ascontiguousarray(flat[..., :3]), np.ascontiguousarray(flat[..., 0])
    picture = Image.fromarray(colours)
    for depth, array in (("8", flat), ("16", deep)):
        for name, part in {"grey": array[..., :1], "grey-alpha": array[..., :2], "colours": array[..., :3]}.items():
            yield f"png-{name}-{depth}", tf.io.encode_png(part).numpy()
        yield f"png-colours-alpha-{depth}", tf.io.encode_png(array).numpy()
    yield "png-palette", by_pillow(picture.quantize(17), "PNG")
    yield "png-palette-clear", by_pillow(picture.quantize(17), "PNG", transparency=3)
    yield "png-palette-2-bits", by_pillow(picture.quantize(4), "PNG", bits=2)
    yield "png-1-bit", by_pillow(Image.fromarray(grey > 127), "PNG")
    yield "png-grey-clear", by_pillow(Image.fromarray(grey), "PNG", transparency=int(grey[0, 0]))
    yield "png-colours-clear", by_pillow(picture, "PNG", transparency=tuple(colours[0, 0].tolist()))
    for name, sampled in {"444": 0, "422": 1, "420": 2}.items():
        yield f"jpeg-{name}", by_pillow(picture, "JPEG", quality=90, subsampling=sampled)
    yield "jpeg-progressive", by_pillow(picture, "JPEG", progressive=True)
    yield "jpeg-grey", tf.io.encode_jpeg(grey[..., None]).numpy()
    yield "jpeg-cmyk", by_pillow(picture.convert("CMYK"), "JPEG")
    yield "gif", by_pillow(picture.quantize(30), "GIF")
    yield "gif-clear", by_pillow(picture.quantize(30), "GIF", transparency=3)
    yield "bmp", by_pillow(picture, "BMP")
    yield "bmp-grey", by_pillow(Image.fromarray(grey), "BMP")
    yield "bmp-32", by_pillow(Image.fromarray(flat), "BMP")
    yield "webp", by_pillow(picture, "WEBP")
    yield "webp-lossless", by_pillow(picture, "WEBP", lossless=True)
    yield "webp-alpha", by_pillow(Image.fromarray(flat), "WEBP", lossless=True)


def decoded(name, data, channels, dtype):
    """Give what TensorFlow makes of an image; None if it refuses."""
    try:
        if name.startswith("jpeg") and dtype == tf.uint8:
            return tf.io.decode_jpeg(data, channels=channels, dct_method="INTEGER_ACCURATE").numpy()
        return tf.io.decode_image(data, channels=channels, dtype=dtype, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError:
        return None


def main():
    found = {}
    for name, data in encoded():
        found[name] = np.frombuffer(data, np.uint8)
        for channels in CHANNELS:
            for dtype in (tf.uint8, tf.uint16) if name in DEEP or name.startswith("png") else (tf.uint8,):
                array = decoded(name, data, channels, dtype)
                if array is not None:
                    found[f"{name}/{channels}/{dtype.name}"] = array
    np.savez_compressed(FOLDER / "images.npz", **found)
    two = [Image.fromarray(np.full((4, 5), grey, np.uint8)) for grey in (9, 99)]
    frames = {kind: by_pillow(two[0], kind, save_all=True, append_images=two[1:]) for kind in ("GIF", "WEBP")}
    deep = imagecodecs.jpeg_encode(np.full((8, 8), 999, np.uint16), bitspersample=12)
    refused = {"two-frames.gif": frames["GIF"], "two-frames.webp": frames["WEBP"], "12-bits.jpeg": deep}
    for name, data in refused.items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
