# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled part of `examples`: what the records of a block hold, in columns. Where records lie may not enter.

Other threads of Python run meanwhile. The bytes are anyone's: `_fields` reads them, and compares each advance with the
end. Source of the messages: tensorflow/core/example/{example,feature}.proto.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from tf2numpy.wire._columns cimport (
    BYTES_VALUES,
    CONTEXT,
    FLOATS,
    INTS,
    LIST,
    NO_KIND,
    Array,
    Column,
    Columns,
    Kind,
    Lengths,
    Level,
    add_column,
    add_length,
    append,
    column_at,
    column_of,
    count_values,
    drop_all,
    end_row,
    meet,
    reserve,
    undo_row,
)
from tf2numpy.wire._fields cimport (
    MOST_VARINT_BYTES,
    NO_MEMORY,
    OUTSIDE,
    PACKED_FLOATS,
    UNKNOWN_FIELD,
    Field,
    Reading,
    fault,
    next_field,
    varint,
)
from tf2numpy.wire._siphash cimport siphash

cdef enum:
    # Tags: the number of a field and its wire type.
    FIRST = 1 << 3 | 2
    SECOND = 2 << 3 | 2
    THIRD = 3 << 3 | 2
    FIRST_VARINT = 1 << 3 | 0
    FIRST_FIXED32 = 1 << 3 | 5

cdef const uint8_t *NOWHERE = b""
cdef uint64_t HIGH_BITS = 0x8080808080808080ULL

# How records are read.
cdef struct Work:
    Columns columns
    bint sequence  # has feature lists
    bint strict  # has to be what it is said to be, and no more
    bint wanted  # goes into columns

# What a Feature holds at last: one kind of values, those from there on.
cdef struct Chosen:
    Kind kind
    const uint8_t *since


cdef class Memory:
    """Values that were handed over: a buffer of bytes, writable, which NumPy takes as it is."""

    cdef uint8_t *data
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        buffer.buf = self.data if self.data != NULL else <void *>NOWHERE
        buffer.len, buffer.itemsize, buffer.format, buffer.ndim = self.size, 1, NULL, 1
        buffer.shape, buffer.strides, buffer.suboffsets, buffer.internal = &self.size, NULL, NULL, NULL
        buffer.readonly = False
        buffer.obj = self

    def __len__(self):
        return self.size

    def __dealloc__(self):
        free(self.data)

    cdef void take(self, Columns *columns, Array *array) noexcept:
        """Become the memory of an array, which is empty then."""
        cdef void *fitting
        if array.used < array.room and array.used:
            fitting = realloc(array.data, array.used)
            if fitting != NULL:
                array.data = <uint8_t *>fitting
        self.data, self.size = array.data, array.used
        columns.nbytes -= array.room
        memset(array, 0, sizeof(Array))


cdef class Kernel:
    """Columns of the features of records, block by block."""

    cdef Work work
    cdef bint busy

    def __cinit__(self, bint sequence, select, lists, uint64_t most_bytes, uint64_t key0, uint64_t key1):
        """select, lists: the wanted features by name, with the numbers of their kinds or 0; None: all there are."""
        cdef Columns *columns = &self.work.columns
        cdef Level level
        memset(&self.work, 0, sizeof(Work))
        self.work.sequence, self.work.wanted = sequence, True
        columns.most_bytes, columns.key[0], columns.key[1] = <size_t>-1, key0, key1
        columns.first[CONTEXT], columns.first[LIST] = -1, -1
        for level, names in ((CONTEXT, select), (LIST, lists)):
            if names is None:
                continue
            for name, kind in names.items():
                self.declare(name, level, kind)
            columns.closed[level] = True
        if most_bytes:
            columns.most_bytes = most_bytes

    def __dealloc__(self):
        drop_all(&self.work.columns)

    @property
    def rows(self):
        return self.work.columns.row

    @property
    def nbytes(self):
        return self.work.columns.nbytes

    def decode(
        self, const uint8_t[::1] data not None, const int64_t[::1] starts not None, const int64_t[::1] stops not None
    ):
        """Add the records data[starts[i]:stops[i]].

        Gives: None; or, of the first that is refused, what is wrong with it, its offset in the record, what was found,
        what is allowed, and the name of the feature or None. The records before it are added.
        """
        cdef int64_t size = data.shape[0], count = starts.shape[0], number
        cdef int32_t known = 0
        cdef bint refused = False
        cdef const uint8_t *begin = &data[0] if size else NOWHERE
        cdef Work *work = &self.work
        cdef Reading *reading = &work.columns.reading
        if stops.shape[0] != count:
            raise ValueError(f"{count} records begin, and {stops.shape[0]} end")
        if self.busy:
            raise RuntimeError("this decoder is at work in another thread; each thread needs one of its own")
        self.busy = True
        with nogil:
            for number in range(count):
                reading.begin = begin
                known = work.columns.count
                reading.name = NULL
                if not 0 <= starts[number] <= stops[number] <= size:
                    fault(reading, OUTSIDE, begin, 0, size)
                    refused = True
                    break
                reading.begin = begin + starts[number]
                if message(work, reading.begin, begin + stops[number]) or end_row(&work.columns):
                    refused = True
                    break
        try:
            if refused:
                name = None if reading.name == NULL else reading.name[: reading.name_size]
                return reading.wrong, reading.at, reading.found, reading.allowed, name
        finally:
            if refused:
                undo_row(&work.columns, known)
            self.busy = False

    def take(self):
        """Hand the values over and go on with the same columns, empty.

        Gives: for each column its name, whether it is in a list, its kind, how many rows have it, and the memory of its
        values, of the ends of bytes values, of the numbers of the rows, of the number of values of each row or step, and
        of the number of steps of each row, each with the one that all have where it is empty, and of the steps without a
        kind.
        """
        cdef Columns *columns = &self.work.columns
        cdef Column *column
        cdef int32_t n
        cdef Memory memory
        if self.busy:
            raise RuntimeError("this decoder is at work in another thread; each thread needs one of its own")
        found = []
        for n in range(columns.count):
            column = column_at(columns, n)
            found.append(
                (
                    column.name.data[: column.name.used],
                    column.level == LIST,
                    column.kind,
                    column.count,
                    Memory(),
                    Memory(),
                    Memory(),
                    Memory(),
                    column.lengths.common,
                    Memory(),
                    column.steps.common,
                    Memory(),
                )
            )
        for n in range(columns.count):  # nothing fails from here on
            column = column_at(columns, n)
            row = found[n]
            (<Memory>row[4]).take(columns, &column.values)
            (<Memory>row[5]).take(columns, &column.ends)
            (<Memory>row[6]).take(columns, &column.rows)
            hand_over(columns, &column.lengths, <Memory>row[7])
            hand_over(columns, &column.steps, <Memory>row[9])
            (<Memory>row[11]).take(columns, &column.unset)
            column.count, column.row, column.kind_row = 0, -1, -1
        columns.row = 0
        return found

    cdef int declare(self, bytes name, Level level, Kind kind) except -1:
        cdef Columns *columns = &self.work.columns
        cdef const uint8_t *data = name
        cdef int32_t number = add_column(
            columns, siphash(columns.key[0], columns.key[1], data, len(name)), data, len(name), level
        )
        if number < 0:
            if columns.reading.wrong == NO_MEMORY:
                raise MemoryError
            raise ValueError(f"{columns.reading.allowed} features can be selected at most")
        column_at(columns, number).kind = kind
        return 0


def is_message(const uint8_t[::1] record not None, bint sequence):
    """Tell whether a record is an Example, or a SequenceExample, and nothing else."""
    cdef Work work
    cdef size_t size = record.shape[0]
    cdef const uint8_t *begin = &record[0] if size else NOWHERE
    memset(&work, 0, sizeof(Work))
    work.sequence, work.strict, work.columns.reading.begin = sequence, True, begin
    return message(&work, begin, begin + size) == 0


cdef void hand_over(Columns *columns, Lengths *lengths, Memory memory) noexcept:
    if lengths.differs < 0:
        free(lengths.each.data)
        columns.nbytes -= lengths.each.room
        memset(&lengths.each, 0, sizeof(Array))
    memory.take(columns, &lengths.each)
    lengths.count, lengths.common, lengths.differs = 0, 0, -1


cdef int message(Work *work, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read an Example or a SequenceExample; 0, or -1 for a fault, as all below."""
    cdef Field field
    while at < end:
        if next_field(&work.columns.reading, at, end, &field):
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


cdef int unknown(Work *work, const uint8_t *at, Field *field) noexcept nogil:
    """Pass over a field that the message does not have."""
    return fault(&work.columns.reading, UNKNOWN_FIELD, at, field.tag >> 3, field.tag & 7) if work.strict else 0


cdef int entries(Work *work, const uint8_t *at, const uint8_t *end, Level level) noexcept nogil:
    """Read a Features or a FeatureLists: a map."""
    cdef Field field
    cdef int32_t before = -1
    while at < end:
        if next_field(&work.columns.reading, at, end, &field):
            return -1
        if field.tag == FIRST:
            if entry(work, field.at, field.stop, level, &before):
                return -1
        elif unknown(work, at, &field):
            return -1
        at = field.stop
    return 0


cdef int entry(Work *work, const uint8_t *at, const uint8_t *end, Level level, int32_t *before) noexcept nogil:
    """Read an entry of a map: of several keys the last, and all values, which are one in parts."""
    cdef Reading *reading = &work.columns.reading
    cdef Field field
    cdef Column *column = NULL
    cdef const uint8_t *values = at
    cdef const uint8_t *place = at
    cdef int32_t number
    cdef int failed
    reading.name, reading.name_size = at, 0
    while place < end:
        if next_field(reading, place, end, &field):
            return -1
        if field.tag == FIRST:
            reading.name, reading.name_size = field.at, field.stop - field.at
            if place == values:
                values = field.stop  # as all writers write it, and never read again
        elif field.tag != SECOND and unknown(work, place, &field):
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
    else:
        failed = feature(work, column, values, end)
    if not failed:
        reading.name = NULL
    return failed


cdef int feature(Work *work, Column *column, const uint8_t *begin, const uint8_t *end) noexcept nogil:
    """Read the Feature of an entry, whose fields are given."""
    cdef Reading *reading = &work.columns.reading
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


cdef int feature_list(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read the FeatureList of an entry, whose fields are given."""
    cdef Reading *reading = &work.columns.reading
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


cdef int one_step(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read a Feature of a FeatureList."""
    cdef Chosen chosen = Chosen(NO_KIND, NULL)
    cdef size_t values = 0, ends = 0
    cdef int64_t length
    if choose(work, at, end, &chosen):
        return -1
    if column != NULL:
        values, ends = column.values.used, column.ends.used
    if values_of(work, settled(work, column, &chosen), at, end, &chosen):
        return -1
    if column == NULL:
        return 0
    if not chosen.kind and append(&work.columns, &column.unset, column.lengths.count):
        return -1
    length = count_values(column.kind, column.values.used, column.ends.used) - count_values(column.kind, values, ends)
    return add_length(&work.columns, &column.lengths, length)


cdef int choose(Work *work, const uint8_t *at, const uint8_t *end, Chosen *chosen) noexcept nogil:
    """Find which kind of values a Feature holds at last: each other one makes it forget those before."""
    cdef Field field
    while at < end:
        if next_field(&work.columns.reading, at, end, &field):
            return -1
        if field.tag == FIRST or field.tag == SECOND or field.tag == THIRD:
            if field.tag >> 3 != chosen.kind:
                chosen.kind, chosen.since = field.tag >> 3, at
        elif unknown(work, at, &field):
            return -1
        at = field.stop
    return 0


cdef Column *settled(Work *work, Column *column, Chosen *chosen) noexcept nogil:
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


cdef int values_of(
    Work *work, Column *column, const uint8_t *at, const uint8_t *end, Chosen *chosen
) noexcept nogil:
    """Read the values of a Feature into a column. Those that are forgotten, and all without a column, are only looked at."""
    cdef Field field
    cdef Column *target
    cdef int failed
    while at < end:
        if next_field(&work.columns.reading, at, end, &field):
            return -1
        target = column if at >= chosen.since and field.tag >> 3 == chosen.kind else NULL
        failed = 0
        if field.tag == FIRST:
            failed = strings(work, target, field.at, field.stop)
        elif field.tag == SECOND:
            failed = floats(work, target, field.at, field.stop)
        elif field.tag == THIRD:
            failed = integers(work, target, field.at, field.stop)
        if failed:
            return -1
        at = field.stop
    return 0


cdef int strings(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read a BytesList."""
    cdef Columns *columns = &work.columns
    cdef Field field
    cdef size_t size
    while at < end:
        if next_field(&columns.reading, at, end, &field):
            return -1
        if field.tag != FIRST:
            if unknown(work, at, &field):
                return -1
        elif column != NULL:
            size = field.stop - field.at
            if reserve(columns, &column.values, size) or reserve(columns, &column.ends, 16):
                return -1
            if not column.ends.used:
                append(columns, &column.ends, 0)
            memcpy(column.values.data + column.values.used, field.at, size)
            column.values.used += size
            append(columns, &column.ends, column.values.used)
        at = field.stop
    return 0


cdef int floats(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read a FloatList, packed or not: its bytes are those of the values."""
    cdef Columns *columns = &work.columns
    cdef Field field
    cdef size_t size
    while at < end:
        if next_field(&columns.reading, at, end, &field):
            return -1
        size = field.stop - field.at
        if field.tag != FIRST and field.tag != FIRST_FIXED32:
            if unknown(work, at, &field):
                return -1
        elif size % 4:
            return fault(&columns.reading, PACKED_FLOATS, at, size, 4)
        elif column != NULL:
            if reserve(columns, &column.values, size):
                return -1
            memcpy(column.values.data + column.values.used, field.at, size)
            column.values.used += size
        at = field.stop
    return 0


cdef int integers(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read an Int64List, packed or not."""
    cdef Field field
    while at < end:
        if next_field(&work.columns.reading, at, end, &field):
            return -1
        if field.tag != FIRST and field.tag != FIRST_VARINT:
            if unknown(work, at, &field):
                return -1
        elif varints(work, column, field.at, field.stop):
            return -1
        at = field.stop
    return 0


cdef int varints(Work *work, Column *column, const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Read varints back to back."""
    cdef Reading *reading = &work.columns.reading
    cdef uint64_t value = 0
    cdef uint64_t *begin
    cdef uint64_t *out
    cdef uint64_t *last
    cdef int n
    if column != NULL:
        if reserve(&work.columns, &column.values, 8 * count_ends(at, end)):
            return -1
        begin = <uint64_t *>(column.values.data + column.values.used)
        out = begin
        last = <uint64_t *>(column.values.data + column.values.room)
        while at < end and out < last:
            if end - at >= 8 and last - out >= 8 and not word_at(at) & HIGH_BITS:
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
        count += ((~word_at(at) & HIGH_BITS) >> 7) * 0x0101010101010101ULL >> 56
        at += 8
    while at < end:
        count += at[0] < 0x80
        at += 1
    return count
