"""Protocol buffer fields, read in memory that ends somewhere. What any message means may not enter.

Compiled into the modules that cimport it. Source of the encoding: protobuf.dev/programming-guides/encoding; what is
refused beside what cannot be read is what protobuf's own parsers refuse: tags and lengths of more than 5 bytes, and more
than 100 groups in one another. Every advance is compared with the end before a byte is looked at, each time anew: a
file in mapped memory can change while it is read.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    GROUP = 3
    GROUP_END = 4
    FIXED32 = 5

cdef enum:
    MOST_VARINT_BYTES = 10
    MOST_TAG_BYTES = 5
    MOST_DEPTH = 100
    MOST_NUMBER = (1 << 29) - 1

# What can be wrong, in the order in which `examples` has the words for it.
ctypedef int Wrong
cdef enum:
    NOTHING_WRONG
    VARINT_CUT
    VARINT_LONG
    FIELD_NUMBER
    WIRE_TYPE
    LENGTH
    LONE_GROUP_END
    GROUP_CUT
    GROUP_DEPTH
    PACKED_FLOATS
    OTHER_KIND
    MANY_COLUMNS
    NO_MEMORY
    OVER_BOUND
    OUTSIDE
    UNKNOWN_FIELD

# A record that is being read, and what was wrong with it. name: of the part of it, or NULL. at: where in the record.
cdef struct Reading:
    const uint8_t *begin
    const uint8_t *name
    size_t name_size
    Wrong wrong
    size_t at
    uint64_t found
    uint64_t allowed

# A field. Of a length and bytes, at to stop are those bytes; else its value. It ends at stop.
cdef struct Field:
    uint32_t tag
    const uint8_t *at
    const uint8_t *stop


cdef inline int fault(Reading *r, Wrong wrong, const uint8_t *at, uint64_t found, uint64_t allowed) noexcept nogil:
    r.wrong, r.at, r.found, r.allowed = wrong, at - r.begin, found, allowed
    return -1


cdef inline const uint8_t *varint(
    Reading *r, const uint8_t *at, const uint8_t *end, int most, uint64_t *value
) noexcept nogil:
    """Read a varint of so many bytes at most, the lower 64 bits of it; give what comes after it, or NULL."""
    cdef uint64_t found = 0
    cdef int n
    for n in range(most):
        if end - at <= n:
            fault(r, VARINT_CUT, at, n, 0)
            return NULL
        found |= <uint64_t>(at[n] & 0x7F) << 7 * n
        if at[n] < 0x80:
            value[0] = found
            return at + n + 1
    fault(r, VARINT_LONG, at, 0, most)
    return NULL


cdef inline const uint8_t *tag(Reading *r, const uint8_t *at, const uint8_t *end, uint32_t *found) noexcept nogil:
    cdef uint64_t value
    cdef const uint8_t *after = varint(r, at, end, MOST_TAG_BYTES, &value)
    if after == NULL:
        return NULL
    if value >> 32 or not value >> 3:
        fault(r, FIELD_NUMBER, at, value >> 3, MOST_NUMBER)
        return NULL
    found[0] = <uint32_t>value
    return after


cdef inline const uint8_t *scalar(
    Reading *r, const uint8_t *begin, const uint8_t *at, const uint8_t *end, uint32_t tag, Field *field
) noexcept nogil:
    """Find the value of a field that is no group; give what comes after it, or NULL. begin: of the field."""
    cdef uint64_t size
    cdef uint32_t wire_type = tag & 7
    field.tag, field.at = tag, at
    if wire_type == VARINT:
        return varint(r, at, end, MOST_VARINT_BYTES, &size)
    if wire_type == BYTES:
        field.at = varint(r, at, end, MOST_TAG_BYTES, &size)
        if field.at == NULL:
            return NULL
    elif wire_type == FIXED64:
        size = 8
    elif wire_type == FIXED32:
        size = 4
    else:
        fault(r, LONE_GROUP_END if wire_type == GROUP_END else WIRE_TYPE, begin, wire_type, tag >> 3)
        return NULL
    if size > <uint64_t>(end - field.at):
        fault(r, LENGTH, begin, size, end - field.at)
        return NULL
    return field.at + size


cdef inline const uint8_t *group(
    Reading *r, const uint8_t *at, const uint8_t *end, uint32_t first
) noexcept nogil:
    """Walk through a group, which began with that tag, and those in it; give what comes after it, or NULL."""
    cdef uint32_t opened[MOST_DEPTH]
    cdef int depth = 1
    cdef const uint8_t *begin
    cdef uint32_t found
    cdef Field field
    opened[0] = first >> 3
    while depth:
        begin = at
        if at == end:
            fault(r, GROUP_CUT, at, opened[depth - 1], 0)
            return NULL
        at = tag(r, at, end, &found)
        if at == NULL:
            return NULL
        if found & 7 == GROUP:
            if depth == MOST_DEPTH:
                fault(r, GROUP_DEPTH, begin, 0, MOST_DEPTH)
                return NULL
            opened[depth] = found >> 3
            depth += 1
        elif found & 7 == GROUP_END and found >> 3 == opened[depth - 1]:
            depth -= 1
        else:
            at = scalar(r, begin, at, end, found, &field)
            if at == NULL:
                return NULL
    return at


cdef inline int any_field(Reading *r, const uint8_t *begin, const uint8_t *end, Field *field) noexcept nogil:
    cdef uint32_t found
    cdef const uint8_t *at = tag(r, begin, end, &found)
    if at == NULL:
        return -1
    if found & 7 == GROUP:
        field.tag, field.at = found, at
        field.stop = group(r, at, end, found)
    else:
        field.stop = scalar(r, begin, at, end, found, field)
    return 0 if field.stop != NULL else -1


cdef inline int next_field(Reading *r, const uint8_t *at, const uint8_t *end, Field *field) noexcept nogil:
    """Read the field that begins there, before the end; 0, or -1 for a fault."""
    if end - at >= 2 and at[0] & 7 == BYTES and 8 <= at[0] < 0x80 and at[1] < 0x80 and at[1] <= end - at - 2:
        field.tag, field.at, field.stop = at[0], at + 2, at + 2 + at[1]
        return 0
    return any_field(r, at, end, field)
