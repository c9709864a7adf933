"""The Parquet sink is a sink like any other, but that it takes the rows of all its arrays together."""

from conformance.sink import DtypeTests, VariantSuite
from tf2numpy._types import Layout
from tf2numpy.formats.parquet import parquet
from tf2numpy.sinks.parquet import ParquetSink

from .tables import read_array


class ParquetSuite(VariantSuite):
    by_rows, resumes = True, False
    sink = ParquetSink
    reader = parquet

    def read_back(self, path, name):
        return read_array(path, name)


class TestParquet(DtypeTests, ParquetSuite):
    pass


class TestParquetZstd(ParquetSuite):
    layout = Layout(compression="zstd", chunks=(3,))


class TestParquetSmallGroups(ParquetSuite):
    layout = Layout(group_bytes=100)
