"""Examples and SequenceExamples, read field by field into columns. Where records lie may not enter.

Compiled into the module that cimports it; nothing here needs Python's lock. All functions give 0, or -1 for a fault.
Source of the messages: tensorflow/core/example/{example,feature}.proto.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t

from tf2numpy.wire._arrays cimport add_length, append
from tf2numpy.wire._columns cimport (
    CONTEXT,
    LIST,
    NO_KIND,
    Column,
    Kind,
    Level,
    column_at,
    column_of,
    count_values,
    meet,
)
from tf2numpy.wire._fields cimport Field, Reading, next_field
from tf2numpy.wire._values cimport FIRST, SECOND, THIRD, Work, floats, integers, strings, unknown

# What a Feature holds at last: one kind of values, those from there on.
cdef struct Chosen:
    Kind kind
    const uint8_t *since


cdef inline int message(Work *work, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read an Example or a SequenceExample; 0, or -1 for a fault, as all below."""
    cdef Field field
    while at < end:
        if next_field(&work.columns.store.reading, at, end, &field):
            return -1
        if field.tag == FIRST:
            if entries(work, field.at, field.stop, CONTEXT):
                return -1
        elif field.tag == SECOND and work.sequence:
            if entries(work, field.at, field.stop, LIST):
                return -1
        elif unknown(work, at, &field):
            return -1
        at = field.stop
    return 0


cdef inline int entries(Work *work, const uint8_t *at, const uint8_t *end, Level level) noexcept nogil:
    """Read a Features or a FeatureLists: a map."""
    cdef Field field
    cdef int32_t before = -1
    while at < end:
        if next_field(&work.columns.store.reading, at, end, &field):
            return -1
        if field.tag == FIRST:
            if entry(work, field.at, field.stop, level, &before):
                return -1
        elif unknown(work, at, &field):
            return -1
        at = field.stop
    return 0


cdef inline int entry(Work *work, const uint8_t *at, const uint8_t *end, Level level, int32_t *before) noexcept nogil:
    """Read an entry of a map: of several keys the last, and all values, which are one in parts."""
    cdef Reading *reading = &work.columns.store.reading
    cdef Field field
    cdef Column *column = NULL
    cdef const uint8_t *values = at
    cdef const uint8_t *place = at
    cdef int32_t number
    cdef int failed
    cdef bint in_parts = True
    cdef Chosen chosen = Chosen(NO_KIND, NULL)
    reading.name, reading.name_size = at, 0
    while place < end:
        if next_field(reading, place, end, &field):
            return -1
        if field.tag == FIRST:
            reading.name, reading.name_size = field.at, field.stop - field.at
            if place == values:
                values = field.stop  # as all writers write it, and never read again
        elif field.tag == SECOND:
            in_parts = place != values or field.stop != end
        elif unknown(work, place, &field):
            return -1
        place = field.stop
    if work.wanted:
        number = column_of(&work.columns, reading.name, reading.name_size, level, before[0])
        if number == -2:
            return -1
        if number == -1:
            reading.name = NULL
            return 0
        meet(&work.columns, number)
        before[0] = number
        column = column_at(&work.columns, number)
    if level == LIST:
        failed = feature_list(work, column, values, end)
    elif in_parts:
        failed = feature(work, column, values, end)
    else:
        failed = one_feature(work, column, field.at, end, &chosen)
    if not failed:
        reading.name = NULL
    return failed


cdef inline int feature(Work *work, Column *column, const uint8_t *begin, const uint8_t *end) noexcept nogil:
    """Read the Feature of an entry, whose fields are given."""
    cdef Reading *reading = &work.columns.store.reading
    cdef Chosen chosen = Chosen(NO_KIND, NULL)
    cdef Column *target
    cdef Field field
    cdef const uint8_t *at = begin
    while at < end:
        if next_field(reading, at, end, &field):
            return -1
        if field.tag == SECOND and choose(work, field.at, field.stop, &chosen):
            return -1
        at = field.stop
    target = settled(work, column, &chosen)
    at = begin
    while at < end:
        if next_field(reading, at, end, &field):
            return -1
        if field.tag == SECOND and values_of(work, target, field.at, field.stop, &chosen):
            return -1
        at = field.stop
    return 0


cdef inline int one_feature(
    Work *work, Column *column, const uint8_t *at, const uint8_t *end, Chosen *chosen
) noexcept nogil:
    """Read a Feature that is in one part, and says which kind its values are of; one list of values is all that most have."""
    cdef Field field
    if at < end:
        if next_field(&work.columns.store.reading, at, end, &field):
            return -1
        if field.stop == end and (field.tag == FIRST or field.tag == SECOND or field.tag == THIRD):
            chosen.kind, chosen.since = field.tag >> 3, at
            return values(work, settled(work, column, chosen), &field)
    if choose(work, at, end, chosen):
        return -1
    return values_of(work, settled(work, column, chosen), at, end, chosen)


cdef inline int feature_list(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read the FeatureList of an entry, whose fields are given."""
    cdef Reading *reading = &work.columns.store.reading
    cdef Field field, step
    cdef const uint8_t *place
    if column != NULL:
        column.seen = True
    while at < end:
        if next_field(reading, at, end, &field):
            return -1
        place = field.at
        while field.tag == SECOND and place < field.stop:
            if next_field(reading, place, field.stop, &step):
                return -1
            if step.tag == FIRST:
                if one_step(work, column, step.at, step.stop):
                    return -1
            elif unknown(work, place, &step):
                return -1
            place = step.stop
        at = field.stop
    return 0


cdef inline int one_step(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read a Feature of a FeatureList."""
    cdef Chosen chosen = Chosen(NO_KIND, NULL)
    cdef size_t before = 0, ends = 0
    cdef int64_t length
    if column != NULL:
        before, ends = column.values.used, column.ends.used
    if one_feature(work, column, at, end, &chosen):
        return -1
    if column == NULL:
        return 0
    if not chosen.kind and append(&work.columns.store, &column.unset, column.lengths.count):
        return -1
    length = count_values(column.kind, column.values.used, column.ends.used) - count_values(column.kind, before, ends)
    return add_length(&work.columns.store, &column.lengths, length)


cdef inline int choose(Work *work, const uint8_t *at, const uint8_t *end, Chosen *chosen) noexcept nogil:
    """Find which kind of values a Feature holds at last: each other one makes it forget those before."""
    cdef Field field
    while at < end:
        if next_field(&work.columns.store.reading, at, end, &field):
            return -1
        if field.tag == FIRST or field.tag == SECOND or field.tag == THIRD:
            if field.tag >> 3 != chosen.kind:
                chosen.kind, chosen.since = field.tag >> 3, at
        elif unknown(work, at, &field):
            return -1
        at = field.stop
    return 0


cdef inline Column *settled(Work *work, Column *column, Chosen *chosen) noexcept nogil:
    """Give the column that values of that kind go into; NULL if it holds others, or there is none."""
    if column == NULL or not chosen.kind:
        return NULL
    if not column.kind:
        column.kind, column.kind_row = chosen.kind, work.columns.row
    if column.kind != chosen.kind:
        if not column.clash:
            column.clash, column.clash_at = chosen.kind, chosen.since
        return NULL
    column.seen = True
    return column


cdef inline int values_of(
    Work *work, Column *column, const uint8_t *at, const uint8_t *end, Chosen *chosen
) noexcept nogil:
    """Read the values of a Feature into a column. Those that are forgotten, and all without a column, are only looked at."""
    cdef Field field
    while at < end:
        if next_field(&work.columns.store.reading, at, end, &field):
            return -1
        if values(work, column if at >= chosen.since and field.tag >> 3 == chosen.kind else NULL, &field):
            return -1
        at = field.stop
    return 0


cdef inline int values(Work *work, Column *column, Field *field) noexcept nogil:
    """Read one list of values, if the field is one."""
    if field.tag == FIRST:
        return strings(work, column, field.at, field.stop)
    if field.tag == SECOND:
        return floats(work, column, field.at, field.stop)
    if field.tag == THIRD:
        return integers(work, column, field.at, field.stop)
    return 0
