"""The Arrow sink is a sink like any other, but that it takes the rows of all its arrays together."""

from conformance.sink import DtypeTests, VariantSuite
from tf2numpy._types import Layout
from tf2numpy.formats.arrow import arrow
from tf2numpy.sinks.arrow import ArrowSink

from .tables import read_array


class ArrowSuite(VariantSuite):
    by_rows, resumes = True, False
    sink = ArrowSink
    reader = arrow

    def read_back(self, path, name):
        return read_array(path, name)


class TestArrow(DtypeTests, ArrowSuite):
    pass


class TestArrowLz4(ArrowSuite):
    layout = Layout(compression="lz4", chunks=(3,))


class TestArrowSmallGroups(ArrowSuite):
    layout = Layout(group_bytes=100)
