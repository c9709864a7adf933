"""Encoded images as TensorFlow decodes them, channels and depths too; and what is said of damaged and other ones."""

import time
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails
from hostile.mutate import TIMES, mutations
from tf2numpy.wire.image_headers import head_of
from tf2numpy.wire.images import decode, sized

pytest.importorskip("imagecodecs")

GOLDEN = Path(__file__).parent.parent / "golden" / "images"
IMAGES = dict(np.load(GOLDEN / "images.npz"))
# libjpeg's fast transform, the one that tf.io.decode_image takes, differs from the accurate one by so much.
FAST_TRANSFORM = 6
NOT_ALIKE = {"png-palette-2-bits/4", "png-1-bit/4"}  # images.py says why


def decoded(data, channels, dtype="uint8"):
    head = sized(memoryview(data), np.dtype(dtype).itemsize * 8)
    out = np.zeros((head.height, head.width, channels or head.channels), dtype)
    decode(memoryview(data), head, out)
    return out


@pytest.mark.parametrize("case", [case for case in IMAGES if "/" in case])
def test_as_tensorflow_decodes_them(case):
    name, channels, dtype = case.split("/")
    if "-16" in name and dtype == "uint8":
        with fails(t2n.FormatError, "it has 16 bits a sample, of which uint8 would lose half; declare it as uint16"):
            decoded(IMAGES[name], int(channels), dtype)
        return
    found, wanted = decoded(IMAGES[name], int(channels), dtype), IMAGES[case]
    if case.rpartition("/")[0] in NOT_ALIKE:
        np.testing.assert_array_equal(found[..., :3], wanted[..., :3])
        assert (found[..., 3:] == np.iinfo(dtype).max).all()
        return
    if name.startswith("jpeg") and dtype == "uint16":
        assert np.abs(found.astype(int) - wanted).max() <= 256 * FAST_TRANSFORM
        np.testing.assert_array_equal(found, 256 * IMAGES[f"{name}/{channels}/uint8"].astype(dtype))
        return
    np.testing.assert_array_equal(found, wanted)


def test_tensorflow_here_decodes_them_so_too(tf):
    for name in (name for name in IMAGES if name.startswith(("png", "jpeg")) and not {"/", "-16"} & {*name, name[-3:]}):
        data = IMAGES[name].tobytes()
        if name.startswith("jpeg"):
            wanted = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE").numpy()
        else:
            wanted = tf.io.decode_png(data, channels=3).numpy()
        np.testing.assert_array_equal(decoded(data, 3), wanted, err_msg=name)


@pytest.mark.parametrize("name", ["jpeg-444", "gif", "bmp", "webp", "png-grey-8"])
def test_more_channels_than_tensorflow_gives(name):
    colours, clear = decoded(IMAGES[name], 3), decoded(IMAGES[name], 4)
    np.testing.assert_array_equal(clear[..., :3], colours)
    assert (clear[..., 3] == 255).all()
    grey = decoded(IMAGES[name], 2)
    assert (grey[..., 1] == 255).all()
    assert np.abs(grey[..., 0] - colours.astype(int) @ [0.299, 0.587, 0.114]).max() < 2


PNG, JPEG = IMAGES["png-colours-8"].tobytes(), IMAGES["jpeg-420"].tobytes()
BMP = IMAGES["bmp-grey"].tobytes()
REFUSED = {
    "it begins with b'no image', and no image that can be decoded does: JPEG, PNG, GIF, BMP and WebP can": b"no image.",
    "it begins with b'', and no image that can be decoded does: JPEG, PNG, GIF, BMP and WebP can": b"",
    f"it is cut short: it ends after {len(PNG) - 12} bytes": PNG[:-12],
    "it is cut short: it ends after 20 bytes": JPEG[:20],
    f"it is a JPEG that is cut short: it has no end within its {len(JPEG) - 2} bytes": JPEG[:-2],
    "it is a JPEG without an image": b"\xff\xd8\xff\xd9",
    "it is a JPEG of 12 bits a sample; of 8 bits can be decoded": (GOLDEN / "12-bits.jpeg").read_bytes(),
    "it is a GIF of 2 frames; of one frame can be decoded": (GOLDEN / "two-frames.gif").read_bytes(),
    "it is an animated WebP; of one frame can be decoded": (GOLDEN / "two-frames.webp").read_bytes(),
    "it is a GIF that is damaged: a block begins with the byte 63": b"GIF89a\1\0\1\0\0\0\0?",
    "it is cut short: it takes 1026 bytes, and has 500": b"RIFF\xfa\3\0\0WEBPVP8 ".ljust(500),
    "it is a PNG of 0 x 34 pixels": PNG[:20] + bytes(4) + PNG[24:],
    "it is a PNG whose type of colours is 7; [0, 2, 3, 4, 6] are known": PNG[:25] + b"\7" + PNG[26:],
    "it is a BMP of 4 bits a pixel (header 40, compression 0); of 8, 24 and 32 bits, not compressed, can be decoded": (
        BMP[:28] + b"\4" + BMP[29:]
    ),
    "it is a BMP with a palette of colours; with one of greys can be decoded": BMP[:60] + b"\x7f" + BMP[61:],
    f"it is cut short: it takes {len(BMP)} bytes, and has {len(BMP) - 1}": BMP[:-1],
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_refused(message):
    with fails(t2n.FormatError, message):
        decoded(REFUSED[message], 3)


def test_what_is_damaged():
    with pytest.raises(t2n.FormatError, match=r"^it is a PNG that cannot be decoded: IDAT: \w"):  # the library's words
        decoded(PNG[:100] + bytes([PNG[100] ^ 1]) + PNG[101:], 3)


def test_pixels_that_so_few_bytes_cannot_hold():
    huge = PNG[:16] + (60_000).to_bytes(4, "big") * 2 + PNG[24:]
    with fails(
        t2n.FormatError,
        f"it is a PNG that says to have 60000 x 60000 pixels, which take 3600000000 bytes at least, and of its "
        f"{len(PNG)} bytes no more than 67108864 can be made",
    ):
        decoded(huge, 3)
    assert head_of(memoryview(huge)).height == 60_000


@pytest.mark.parametrize("name", ["png-colours-8", "png-palette", "jpeg-420", "jpeg-progressive", "gif", "bmp", "webp"])
def test_damaged_images_are_decoded_or_refused(name):
    begun, given = time.monotonic(), 0
    for number, data in enumerate(mutations(IMAGES[name].tobytes(), 200)):
        assert time.monotonic() - begun < 60 * TIMES, f"{number} copies took too long"
        try:
            head = sized(memoryview(data), 8)
            if head.height * head.width > 1 << 20:
                continue
            assert decoded(data, 3).shape == (head.height, head.width, 3)
            given += 1
        except t2n.FormatError:
            continue
    assert given or name.startswith("png")
