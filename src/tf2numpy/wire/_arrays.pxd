"""Arrays that grow, and lengths that are kept once while all are the same. What is in them may not enter.

Compiled into the modules that cimport it; nothing here needs Python's lock.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from tf2numpy.wire._fields cimport NO_MEMORY, OVER_BOUND, Reading, fault

cdef extern from "_memory.h" nogil:
    size_t memory_room(size_t size)
    void *memory_grown(void *data, size_t room, size_t new_room)
    size_t memory_trimmed(void **data, size_t room, size_t used)
    void memory_free(void *data, size_t room)

cdef enum:
    LEAST_ROOM = 32

# What all arrays take together, and may take; and where a fault is told.
cdef struct Store:
    Reading reading
    size_t nbytes
    size_t most_bytes

# Bytes that grow. used, room: in bytes.
cdef struct Array:
    uint8_t *data
    size_t used
    size_t room

# A number of values for each row, or each step. each: all of them, if they differ or once did.
# differs: the first that is not like those before it, or -1; common: what they are while none is.
cdef struct Lengths:
    Array each
    int64_t count
    int64_t common
    int64_t differs


cdef inline int grow(Store *store, Array *array, uint64_t more) noexcept nogil:
    cdef size_t needed, room, others = store.nbytes - array.room
    cdef void *data
    if more > (<size_t>-1 >> 2) - array.used:
        return fault(&store.reading, NO_MEMORY, store.reading.begin, more, 0)
    needed = array.used + more
    room = memory_room(max(needed, 2 * array.room, <size_t>LEAST_ROOM))
    if others + room > store.most_bytes:
        room = memory_room(needed)
        if others + room > store.most_bytes:
            return fault(&store.reading, OVER_BOUND, store.reading.begin, others + room, store.most_bytes)
    data = memory_grown(array.data, array.room, room)
    if data == NULL and room > memory_room(needed):
        room = memory_room(needed)
        data = memory_grown(array.data, array.room, room)
    if data == NULL:
        return fault(&store.reading, NO_MEMORY, store.reading.begin, room, 0)
    store.nbytes = others + room
    array.data, array.room = <uint8_t *>data, room
    return 0


cdef inline int reserve(Store *store, Array *array, uint64_t more) noexcept nogil:
    return 0 if array.room - array.used >= more else grow(store, array, more)


cdef inline void drop(Store *store, Array *array) noexcept nogil:
    memory_free(array.data, array.room)
    store.nbytes -= array.room
    memset(array, 0, sizeof(Array))


cdef inline int add_bytes(Store *store, Array *array, const void *data, size_t size) noexcept nogil:
    if reserve(store, array, size):
        return -1
    if size:
        memcpy(array.data + array.used, data, size)
    array.used += size
    return 0


cdef inline int append(Store *store, Array *array, int64_t value) noexcept nogil:
    return add_bytes(store, array, &value, 8)


cdef inline int add_length(Store *store, Lengths *lengths, int64_t length) noexcept nogil:
    cdef int64_t *each
    cdef int64_t n
    if lengths.count == 0:
        lengths.common = length
    if lengths.each.data == NULL:
        if length == lengths.common:
            lengths.count += 1
            return 0
        if reserve(store, &lengths.each, 8 * (lengths.count + 1)):
            return -1
        each = <int64_t *>lengths.each.data
        for n in range(lengths.count):
            each[n] = lengths.common
        lengths.each.used = 8 * lengths.count
    if append(store, &lengths.each, length):
        return -1
    if length != lengths.common and lengths.differs < 0:
        lengths.differs = lengths.count
    lengths.count += 1
    return 0


cdef inline void cut_lengths(Lengths *lengths, int64_t count) noexcept nogil:
    lengths.count = count
    if lengths.each.data != NULL:
        lengths.each.used = 8 * count
    if lengths.differs >= count:
        lengths.differs = -1
