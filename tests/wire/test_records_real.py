"""TFRecords that others wrote, compressed by gzip: as many as are known to be there."""

import numpy as np
import pytest

from real_files import real
from tf2numpy.wire.protobuf import Message
from tf2numpy.wire.records import records

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["taxi-00000-of-00012.gz", "taxi-00001-of-00012.gz", "sequence_eval.gz"])
def test_real_records(name, tf):
    path = real("tfrecord") / name
    data = np.fromfile(path, np.uint8)
    found = [bytes(content) for _, content in records(lambda start, stop: data[start:stop], data.size)]
    wanted = [record.numpy() for record in tf.data.TFRecordDataset(str(path), "GZIP")]
    assert found == wanted
    assert len(found) > 100
    assert all(1 in Message(content) for content in found)
