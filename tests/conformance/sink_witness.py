"""What the format's own library gives `verify=True` of an output: a part of `SinkSuite`."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tf2numpy import _registry
from tf2numpy._checksum import checksum
from tf2numpy._errors import VerifyError
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy._verify import check_output, reference_of

from .arrays import EXTENDED, PLAIN, logical, sample


class WitnessTests:
    """Every dtype that the sink takes can be verified piece by piece, and nothing else passes for it."""

    def verify(self, path, specs, chunks):
        """Compare an output with what was written to it, the way `save` does."""
        classes = [cls.__name__ for cls in type(self).sink.__mro__]
        formats = [name for name, row in _registry.SINKS.items() if row.target.partition(":")[2] in classes]
        checksums = [[c.name, [[s.start, s.stop] for s in c.index], checksum(c.value)] for c in chunks]
        check_output(path, reference_of(formats[0], self.layout), specs, checksums)

    def written(self, path, array, pieces, **spec):
        if not self.files:
            pytest.skip("writes no file")
        self.fill_one(path, array, pieces, **spec)
        return [Chunk("x", index, array[(*index, ...)]) for index in pieces]

    @pytest.mark.parametrize("dtype", PLAIN + EXTENDED)
    def test_every_dtype_can_be_verified(self, path, dtype):
        array = sample((11, 3), logical(dtype))
        chunks = self.written(path, array, [np.s_[0:4,], np.s_[4:5,], np.s_[5:11,]], unknown=True)
        self.verify(path, {"x": ArraySpec((None, 3), array.dtype)}, chunks[::-1])

    @pytest.mark.parametrize(
        ("found", "wanted"),
        [
            *(("float32", "int32"), (">f4", "float32"), ("complex128", ">c16"), ("bfloat16", "uint16")),
            *(("uint16", "bfloat16"), ("float8_e5m2", "float8_e5m2fnuz"), ("int4", "uint4"), ("uint8", "uint4")),
        ],
    )
    def test_another_dtype_or_shape_does_not_pass(self, path, found, wanted):
        array = sample((6, 2), logical(found))
        chunks = self.written(path, array, [np.s_[0:6,]])
        for shape, name in (((6, 2), wanted), ((6, 1, 2), found)):
            message = f"array 'x' is {found} of shape (6, 2), and was written as {name} of shape {shape}; the disk, "
            with pytest.raises(VerifyError, match=re.escape(message)):
                self.verify(path, {"x": ArraySpec(shape, logical(name))}, chunks)

    @pytest.mark.parametrize("place", [0, 7, 23])
    def test_another_element_does_not_pass(self, path, place):
        self.needs_any_regions()
        array = sample((4, 6), np.dtype("f4"))
        rows = [np.s_[i : i + 1, a:b] for i in range(4) for a, b in ((0, 2), (2, 6))]
        self.written(path, array, rows)
        other = array.copy()
        other.view("u4").flat[place] ^= 1
        wanted = next(r for r in rows if (other[r] != array[r]).any() or np.isnan(other[r]).any())
        bounds = ", ".join(f"{s.start}:{s.stop}" for s in wanted)
        with pytest.raises(VerifyError, match=rf"array 'x' differs in \[{bounds}\] \(CRC-32 "):
            self.verify(path, {"x": ArraySpec((4, 6), array.dtype)}, [Chunk("x", r, other[r]) for r in rows])

    def test_elements_that_were_never_written_do_not_pass(self, path):
        self.needs_any_regions()
        array = sample((6, 2), np.dtype("i4"))
        chunks = self.written(path, array, [np.s_[0:2,], np.s_[2:4, 0:1], np.s_[2:4, 1:2], np.s_[4:6,]])
        with pytest.raises(VerifyError, match=r"array 'x' has 12 elements, of which 2 were never written; the disk"):
            self.verify(path, {"x": ArraySpec((6, 2), array.dtype)}, [*chunks[:1], *chunks[2:]])

    @pytest.mark.parametrize("unknown", [False, True])
    def test_strings_can_be_verified(self, path, unknown):
        if not self.strings:
            pytest.skip("this format has no strings")
        array = sample((3000, 2), np.dtype(object))
        array[:4] = [[b"", b"\0"], [b"\0\0", b"a\0"], [b"\0a", b""], ["naïve".encode(), b"\xff"]]
        chunks = self.written(path, array, [np.s_[0:1,], np.s_[1:3000,]], unknown=unknown)
        self.verify(path, {"x": ArraySpec((None if unknown else 3000, 2), array.dtype)}, chunks)

    @pytest.mark.parametrize("text", [b"", b"\0", b"\0\0", b"a\0b\0"])
    def test_a_string_without_axes_can_be_verified(self, path, text):
        self.needs_rows(())
        if not self.strings:
            pytest.skip("this format has no strings")
        array = np.array(text, object)
        chunks = self.written(path, array, [()])
        self.verify(path, {"x": ArraySpec((), array.dtype)}, chunks)

    def test_many_arrays_can_be_verified(self, path):
        """Pieces of many arrays, growing ones and strings among them, in the order in which they were written."""
        if not self.files:
            pytest.skip("writes no file")
        columns = self.columns()
        specs = {name: spec for name, (spec, _) in columns.items()}
        chunks = [
            Chunk(name, (slice(i, i + 10),), array[i : i + 10])
            for i in range(0, 40, 10)
            for name, (_, array) in columns.items()
        ]
        self.fill(path, specs, chunks)
        self.verify(path, specs, chunks)
