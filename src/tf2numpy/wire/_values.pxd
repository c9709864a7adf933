"""The lists of values in a Feature, read into a column or only looked at. What is around them may not enter.

Compiled into the modules that cimport it; nothing here needs Python's lock. All functions give 0, or -1 for a fault.
Source of the messages: tensorflow/core/example/feature.proto.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from tf2numpy.wire._arrays cimport Store, add_bytes, append, reserve
from tf2numpy.wire._columns cimport Column, Columns
from tf2numpy.wire._fields cimport (
    MOST_VARINT_BYTES,
    PACKED_FLOATS,
    UNKNOWN_FIELD,
    Field,
    Reading,
    fault,
    next_field,
    varint,
)

cdef enum:
    # Tags: the number of a field and its wire type.
    FIRST = 1 << 3 | 2
    SECOND = 2 << 3 | 2
    THIRD = 3 << 3 | 2
    FIRST_VARINT = 1 << 3 | 0
    FIRST_FIXED32 = 1 << 3 | 5

# How records are read.
cdef struct Work:
    Columns columns
    bint sequence  # has feature lists
    bint strict  # has to be what it is said to be, and no more
    bint wanted  # goes into columns


cdef inline int unknown(Work *work, const uint8_t *at, Field *field) noexcept nogil:
    """Pass over a field that the message does not have."""
    return fault(&work.columns.store.reading, UNKNOWN_FIELD, at, field.tag >> 3, field.tag & 7) if work.strict else 0


cdef inline int strings(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read a BytesList."""
    cdef Store *store = &work.columns.store
    cdef Field field
    while at < end:
        if next_field(&store.reading, at, end, &field):
            return -1
        if field.tag != FIRST:
            if unknown(work, at, &field):
                return -1
        elif column != NULL:
            if (
                (not column.ends.used and append(store, &column.ends, 0))
                or add_bytes(store, &column.values, field.at, field.stop - field.at)
                or append(store, &column.ends, column.values.used)
            ):
                return -1
        at = field.stop
    return 0


cdef inline int floats(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read a FloatList, packed or not: its bytes are those of the values."""
    cdef Store *store = &work.columns.store
    cdef Field field
    cdef size_t size
    while at < end:
        if next_field(&store.reading, at, end, &field):
            return -1
        size = field.stop - field.at
        if field.tag != FIRST and field.tag != FIRST_FIXED32:
            if unknown(work, at, &field):
                return -1
        elif size % 4:
            return fault(&store.reading, PACKED_FLOATS, at, size, 4)
        elif column != NULL and add_bytes(store, &column.values, field.at, size):
            return -1
        at = field.stop
    return 0


cdef inline int integers(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read an Int64List, packed or not."""
    cdef Field field
    while at < end:
        if next_field(&work.columns.store.reading, at, end, &field):
            return -1
        if field.tag != FIRST and field.tag != FIRST_VARINT:
            if unknown(work, at, &field):
                return -1
        elif varints(work, column, field.at, field.stop):
            return -1
        at = field.stop
    return 0


cdef inline int varints(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read varints back to back."""
    cdef Reading *reading = &work.columns.store.reading
    cdef uint64_t value = 0
    cdef uint64_t *begin
    cdef uint64_t *out
    cdef uint64_t *last
    cdef int n
    if column != NULL:
        if reserve(&work.columns.store, &column.values, 8 * count_ends(at, end)):
            return -1
        begin = <uint64_t *>(column.values.data + column.values.used)
        out = begin
        last = <uint64_t *>(column.values.data + column.values.room)
        while at < end and out < last:
            if end - at >= 8 and last - out >= 8 and not word_at(at) & 0x8080808080808080ULL:
                for n in range(8):
                    out[n] = at[n]
                at, out = at + 8, out + 8
                continue
            if at[0] < 0x80:
                out[0] = at[0]
                at += 1
            elif end - at > 1 and at[1] < 0x80:
                out[0] = (at[0] & 0x7F) | <uint64_t>at[1] << 7
                at += 2
            else:
                at = varint(reading, at, end, MOST_VARINT_BYTES, out)
                if at == NULL:
                    return -1
            out += 1
        column.values.used += 8 * (out - begin)
    while at < end:
        at = varint(reading, at, end, MOST_VARINT_BYTES, &value)
        if at == NULL:
            return -1
    return 0


cdef inline uint64_t word_at(const uint8_t *at) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, at, 8)
    return word


cdef inline uint64_t count_ends(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Count the bytes that end a varint, eight at a time."""
    cdef uint64_t count = 0
    while end - at >= 8:
        count += ((~word_at(at) & 0x8080808080808080ULL) >> 7) * 0x0101010101010101ULL >> 56
        at += 8
    while at < end:
        count += at[0] < 0x80
        at += 1
    return count
