# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled part of `examples`: what the records of a block hold, in columns. Where records lie may not enter.

Other threads of Python run meanwhile. The bytes are anyone's: `_fields` reads them, and compares each advance with the
end. Source of the messages: tensorflow/core/example/{example,feature}.proto.
"""

from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

from tf2numpy.wire._arrays cimport Array, Lengths, Store, drop, memory_free, memory_trimmed
from tf2numpy.wire._columns cimport (
    CONTEXT,
    LIST,
    Column,
    Columns,
    Kind,
    Level,
    add_column,
    column_at,
    drop_all,
    end_row,
    undo_row,
)
from tf2numpy.wire._fields cimport NO_MEMORY, OUTSIDE, Reading, fault
from tf2numpy.wire._messages cimport Work, message
from tf2numpy.wire._siphash cimport siphash

cdef const uint8_t *NOWHERE = b""

cdef class Memory:
    """Values that were handed over: a buffer of bytes, writable, which NumPy takes as it is."""

    cdef void *data
    cdef Py_ssize_t size
    cdef size_t room

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.data if self.data != NULL else <void *>NOWHERE, self.size, False, flags)

    def __len__(self):
        return self.size

    def __dealloc__(self):
        memory_free(self.data, self.room)

    cdef void take(self, Store *store, Array *array) noexcept:
        """Become the memory of an array, which is empty then."""
        self.data, self.size = array.data, array.used
        self.room = memory_trimmed(&self.data, array.room, array.used)
        store.nbytes -= array.room
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
        columns.store.most_bytes, columns.key[0], columns.key[1] = <size_t>-1, key0, key1
        columns.first[CONTEXT], columns.first[LIST] = -1, -1
        for level, names in ((CONTEXT, select), (LIST, lists)):
            if names is None:
                continue
            for name, kind in names.items():
                self.declare(name, level, kind)
            columns.closed[level] = True
        if most_bytes:
            columns.store.most_bytes = most_bytes

    def __dealloc__(self):
        drop_all(&self.work.columns)

    @property
    def rows(self):
        return self.work.columns.row

    @property
    def nbytes(self):
        return self.work.columns.store.nbytes

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
        cdef Reading *reading = &work.columns.store.reading
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
            (<Memory>row[4]).take(&columns.store, &column.values)
            (<Memory>row[5]).take(&columns.store, &column.ends)
            (<Memory>row[6]).take(&columns.store, &column.rows)
            hand_over(&columns.store, &column.lengths, <Memory>row[7])
            hand_over(&columns.store, &column.steps, <Memory>row[9])
            (<Memory>row[11]).take(&columns.store, &column.unset)
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
            if columns.store.reading.wrong == NO_MEMORY:
                raise MemoryError
            raise ValueError(f"{columns.store.reading.allowed} features can be selected at most")
        column_at(columns, number).kind = kind
        return 0


def fill_strings(found, const uint8_t[::1] data not None, const int64_t[::1] ends not None):
    """Make the byte strings data[ends[i]:ends[i + 1]], one for each element of an array of objects.

    Raises: ValueError for ends that are not as many, do not rise, or go beyond the data.
    """
    cdef object[::1] target = found
    cdef int64_t count = target.shape[0], size = data.shape[0], at
    cdef const uint8_t *begin = &data[0] if size else NOWHERE
    if ends.shape[0] != count + 1:
        raise ValueError(f"{count} strings have {ends.shape[0]} ends; {count + 1} are needed")
    for at in range(count):
        if not 0 <= ends[at] <= ends[at + 1] <= size:
            raise ValueError(f"the string {at} is {ends[at]} to {ends[at + 1]} of {size} bytes")
        target[at] = PyBytes_FromStringAndSize(<const char *>begin + ends[at], ends[at + 1] - ends[at])


def is_message(const uint8_t[::1] record not None, bint sequence):
    """Tell whether a record is an Example, or a SequenceExample, and nothing else."""
    cdef Work work
    cdef size_t size = record.shape[0]
    cdef const uint8_t *begin = &record[0] if size else NOWHERE
    memset(&work, 0, sizeof(Work))
    work.sequence, work.strict, work.columns.store.reading.begin = sequence, True, begin
    return message(&work, begin, begin + size) == 0


cdef void hand_over(Store *store, Lengths *lengths, Memory memory) noexcept:
    if lengths.differs < 0:
        drop(store, &lengths.each)
    memory.take(store, &lengths.each)
    lengths.count, lengths.common, lengths.differs = 0, 0, -1
