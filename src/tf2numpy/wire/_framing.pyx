# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled part of `records` and `crc32c`: where records lie, and sums over bytes. What they hold may not enter.

Other threads of Python run meanwhile. The bytes are anyone's: each length is compared with what is left before it is
used.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "_crc32c.h" nogil:
    void crc32c_prepare()
    uint32_t crc32c_update(uint32_t crc, const uint8_t *data, size_t size)
    uint32_t crc32c_by_tables(uint32_t crc, const uint8_t *data, size_t size)

cdef enum:
    HEADER_BYTES = 12
    FOOTER_BYTES = 4
    WORTH_A_THREAD_BYTES = 1 << 12

cdef const uint8_t *NOTHING = b""

crc32c_prepare()


def extend(uint32_t crc, data, *, bint instruction=True):
    """Go on with a sum (0 at the beginning) over more bytes: anything with a contiguous buffer.

    instruction: False does without the processor's own, as where there is none.
    """
    cdef Py_buffer view
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    cdef const uint8_t *begin = <const uint8_t *>view.buf
    cdef size_t size = view.len
    crc = ~crc
    if not instruction:
        crc = crc32c_by_tables(crc, begin, size)
    elif size < WORTH_A_THREAD_BYTES:
        crc = crc32c_update(crc, begin, size)
    else:
        with nogil:
            crc = crc32c_update(crc, begin, size)
    PyBuffer_Release(&view)
    return ~crc & 0xFFFFFFFF


def scan(const uint8_t[::1] data not None, int64_t limit, bint check):
    """Find the whole records from the beginning of a buffer on.

    limit: how far records may go; perhaps beyond the buffer, in which at least their headers lie.
    check: end before a length that does not fit its sum.

    Gives: where the data of each begin, as the bytes of int64s, and where the last one ends.
    """
    cdef int64_t size = data.shape[0], end = 0, count
    cdef const uint8_t *begin = &data[0] if size else NOTHING
    with nogil:
        count = _scan(begin, size, limit, size, check, NULL, &end)
    found = bytearray(8 * count)
    cdef uint8_t[::1] starts = found
    if count:
        _scan(begin, size, end, count, False, &starts[0], &end)
    return found, end


def damaged(const uint8_t[::1] data not None, const int64_t[::1] starts not None, const int64_t[::1] stops not None):
    """Give which of the records data[starts[i]:stops[i]] do not fit the sums after them: a list of numbers.

    Raises: ValueError for a record that is not within the data.
    """
    cdef int64_t size = data.shape[0], count = starts.shape[0], at
    if stops.shape[0] != count:
        raise ValueError(f"{count} records begin, and {stops.shape[0]} end")
    found = []
    if not count:
        return found
    for at in range(count):
        if not 0 <= starts[at] <= stops[at] <= size - FOOTER_BYTES:
            raise ValueError(f"the record {at} is {starts[at]} to {stops[at]} of {size} bytes, and its sum must follow")
    cdef const uint8_t *begin = &data[0]
    cdef const int64_t *first = &starts[0]
    cdef const int64_t *last = &stops[0]
    at = 0
    while True:
        with nogil:
            at = _damaged(begin, first, last, at, count)
        if at == count:
            return found
        found.append(at)
        at += 1


cdef int64_t _scan(
    const uint8_t *data,
    int64_t size,
    int64_t limit,
    int64_t most,
    bint check,
    uint8_t *starts,
    int64_t *end,
) noexcept nogil:
    """Count the records, and write where their data begin, if that is asked for.

    most: how many there are at most; a file can change while it is read.
    """
    cdef int64_t at = 0, count = 0, start
    cdef uint64_t length
    while count < most and size - at >= HEADER_BYTES and limit - at >= HEADER_BYTES + FOOTER_BYTES:
        length = _little(data + at, 8)
        if check and _masked(data + at, 8) != _little(data + at + 8, 4):
            break
        if length > <uint64_t>(limit - at - HEADER_BYTES - FOOTER_BYTES):
            break
        if starts != NULL:
            start = at + HEADER_BYTES
            memcpy(starts + 8 * count, &start, 8)
        count += 1
        at += HEADER_BYTES + <int64_t>length + FOOTER_BYTES
    end[0] = at
    return count


cdef int64_t _damaged(
    const uint8_t *data, const int64_t *starts, const int64_t *stops, int64_t at, int64_t count
) noexcept nogil:
    """Give the first record from that one on whose sum differs, or else their count."""
    while at < count and _masked(data + starts[at], stops[at] - starts[at]) == _little(data + stops[at], 4):
        at += 1
    return at


cdef inline uint32_t _masked(const uint8_t *data, size_t size) noexcept nogil:
    cdef uint32_t crc = ~crc32c_update(0xFFFFFFFF, data, size)
    return (crc >> 15 | crc << 17) + <uint32_t>0xA282EAD8


cdef inline uint64_t _little(const uint8_t *data, int size) noexcept nogil:
    cdef uint64_t value = 0
    cdef int at
    for at in range(size):
        value |= <uint64_t>data[at] << 8 * at
    return value
