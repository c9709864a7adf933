"""Columns of values that grow row by row, in memory that is handed over whole. What the values come from may not enter.

Compiled into the modules that cimport it; nothing here needs Python's lock. A column costs nothing for a row that does
not have it, and keeps what is the same in all rows once: how many values a row has, and which rows have any.
Whatever fails leaves a row half made; `undo` takes it back.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from tf2numpy.wire._arrays cimport Array, Lengths, Store, add_length, append, cut_lengths, drop, grow, reserve
from tf2numpy.wire._fields cimport MANY_COLUMNS, OTHER_KIND, fault
from tf2numpy.wire._siphash cimport siphash

cdef enum:
    MOST_COLUMNS = 1 << 16

# Of what kind values are: the number of the field of a Feature.
ctypedef uint32_t Kind
cdef enum:
    NO_KIND = 0
    BYTES_VALUES = 1
    FLOATS = 2
    INTS = 3

# Where a feature is found. Those in a list have a number of steps in each row, and of values in each step.
ctypedef int Level
cdef enum:
    CONTEXT = 0
    LIST = 1

# What a column has before a row is added.
cdef struct Mark:
    size_t values
    size_t ends
    size_t unset
    int64_t lengths
    int64_t steps
    int64_t count

cdef struct Column:
    Array name
    uint64_t hash
    Level level
    Kind kind
    int64_t kind_row  # the row which the kind is from, or -1 if it was declared
    int32_t next  # the column that followed in the record before
    int64_t count  # rows that have it
    Array rows  # which they are, if not the first ones
    Array values
    Array ends  # of bytes values: 0, then where each ends
    Array unset  # the steps that have no kind
    Lengths lengths
    Lengths steps
    int64_t row  # the last row in which it was met
    bint seen  # and what it is there: whether it has a kind, and
    Kind clash  # the one it has in place of the column's
    const uint8_t *clash_at
    Mark mark

cdef struct Columns:
    Store store
    Array columns  # of Column
    Array slots  # of int32_t: a hash table of columns, -1 where there is none
    Array touched  # of int32_t: the columns met in this row
    int64_t row
    int32_t count
    int32_t touched_count
    int32_t first[2]  # for each level, the column that came first in the record before
    bint closed[2]  # whether there is no column but those declared
    uint64_t key[2]


cdef inline int add_row(Columns *c, Column *column) noexcept nogil:
    """Note that the row has the column."""
    cdef int64_t n
    if column.count != c.row and column.rows.data == NULL:
        if reserve(&c.store, &column.rows, 8 * (column.count + 1)):
            return -1
        for n in range(column.count):
            append(&c.store, &column.rows, n)
    if column.rows.data != NULL and append(&c.store, &column.rows, c.row):
        return -1
    column.count += 1
    return 0


cdef inline int64_t count_values(Kind kind, size_t values, size_t ends) noexcept nogil:
    if kind == FLOATS:
        return values // 4
    if kind == INTS:
        return values // 8
    return ends // 8 - 1 if ends else 0


cdef inline Column *column_at(Columns *c, int32_t number) noexcept nogil:
    return <Column *>c.columns.data + number


cdef inline void undo(Columns *c, Column *column) noexcept nogil:
    """Take back what a row has added to a column."""
    cdef Mark *mark = &column.mark
    column.values.used, column.ends.used, column.unset.used = mark.values, mark.ends, mark.unset
    cut_lengths(&column.lengths, mark.lengths)
    cut_lengths(&column.steps, mark.steps)
    column.count = mark.count
    if column.rows.data != NULL:
        column.rows.used = 8 * column.count
    if column.kind_row == c.row:
        column.kind, column.kind_row = NO_KIND, -1


cdef inline void meet(Columns *c, int32_t number) noexcept nogil:
    """Begin a column's values of this row, perhaps anew."""
    cdef Column *column = column_at(c, number)
    if column.row == c.row:
        undo(c, column)
    else:
        column.row = c.row
        (<int32_t *>c.touched.data)[c.touched_count] = number
        c.touched_count += 1
        column.mark = Mark(
            column.values.used,
            column.ends.used,
            column.unset.used,
            column.lengths.count,
            column.steps.count,
            column.count,
        )
    column.seen, column.clash = False, NO_KIND


cdef inline int end_row(Columns *c) noexcept nogil:
    """Complete the row."""
    cdef Column *column
    cdef int32_t n
    cdef int failed
    for n in range(c.touched_count):
        column = column_at(c, (<int32_t *>c.touched.data)[n])
        if column.clash:
            c.store.reading.name, c.store.reading.name_size = column.name.data, column.name.used
            return fault(&c.store.reading, OTHER_KIND, column.clash_at, column.clash, column.kind)
        if not column.seen:
            continue
        if column.level == LIST:
            failed = add_length(&c.store, &column.steps, column.lengths.count - column.mark.lengths)
        else:
            failed = add_length(
                &c.store,
                &column.lengths,
                count_values(column.kind, column.values.used, column.ends.used)
                - count_values(column.kind, column.mark.values, column.mark.ends),
            )
        if failed or add_row(c, column):
            return -1
    c.row += 1
    c.touched_count = 0
    return 0


cdef inline void undo_row(Columns *c, int32_t count) noexcept nogil:
    """Take back what the row has added to any column, and the columns it has made. count: those there were."""
    cdef int32_t n
    for n in range(c.touched_count):
        undo(c, column_at(c, (<int32_t *>c.touched.data)[n]))
        column_at(c, (<int32_t *>c.touched.data)[n]).row = -1
    c.touched_count = 0
    while c.count > count:
        remove_last(c)


cdef inline int32_t *slot_of(Columns *c, uint64_t hash, const uint8_t *name, size_t size, Level level) noexcept nogil:
    """Find the place of a column in the hash table: where it is, or where it would be."""
    cdef int32_t *slots = <int32_t *>c.slots.data
    cdef size_t most = c.slots.used // sizeof(int32_t) - 1, at = hash & most
    cdef Column *column
    while slots[at] >= 0:
        column = column_at(c, slots[at])
        if column.hash == hash and is_named(column, name, size, level):
            break
        at = (at + 1) & most
    return &slots[at]


cdef inline bint is_named(Column *column, const uint8_t *name, size_t size, Level level) noexcept nogil:
    return column.name.used == size and column.level == level and same(column.name.data, name, size)


cdef inline bint same(const uint8_t *one, const uint8_t *other, size_t size) noexcept nogil:
    """Compare as many bytes of both; most are so few that a call takes longer. The last ones may be compared twice."""
    cdef size_t at = 0
    if size < 4:
        return not size or (
            one[0] == other[0] and one[size // 2] == other[size // 2] and one[size - 1] == other[size - 1]
        )
    if size < 8:
        return not (differ(one, other, 4) or differ(one + size - 4, other + size - 4, 4))
    while at < size - 8:
        if differ(one + at, other + at, 8):
            return False
        at += 8
    return not differ(one + size - 8, other + size - 8, 8)


cdef inline uint64_t differ(const uint8_t *one, const uint8_t *other, size_t size) noexcept nogil:
    cdef uint64_t left = 0, right = 0
    memcpy(&left, one, size)
    memcpy(&right, other, size)
    return left ^ right


cdef inline int32_t column_of(
    Columns *c, const uint8_t *name, size_t size, Level level, int32_t before
) noexcept nogil:
    """Give the column of that name, or a new one; -1 if it is not wanted, -2 for a fault.

    before: the one that came before it in this record, or -1.
    """
    cdef int32_t *guess = &c.first[level] if before < 0 else &column_at(c, before).next
    cdef uint64_t hash
    cdef int32_t found = guess[0]
    if 0 <= found < c.count and is_named(column_at(c, found), name, size, level):
        return found
    hash = siphash(c.key[0], c.key[1], name, size)
    found = slot_of(c, hash, name, size, level)[0] if c.count else -1
    if found < 0:
        if c.closed[level]:
            return -1
        found = add_column(c, hash, name, size, level)
        if found < 0:
            return -2
        guess = &c.first[level] if before < 0 else &column_at(c, before).next  # they may have moved
    guess[0] = found
    return found


cdef inline int32_t add_column(
    Columns *c, uint64_t hash, const uint8_t *name, size_t size, Level level
) noexcept nogil:
    """Make a column; give its number, or -1 for a fault."""
    cdef Column *column
    cdef Array copy
    if c.count == MOST_COLUMNS:
        return fault(&c.store.reading, MANY_COLUMNS, name, 0, MOST_COLUMNS)
    if (
        (2 * sizeof(int32_t) * (c.count + 1) > c.slots.used and widen(c))
        or reserve(&c.store, &c.columns, sizeof(Column))
        or reserve(&c.store, &c.touched, sizeof(int32_t))
    ):
        return -1
    memset(&copy, 0, sizeof(Array))
    if grow(&c.store, &copy, size):
        return -1
    memcpy(copy.data, name, size)
    copy.used = size
    column = column_at(c, c.count)
    memset(column, 0, sizeof(Column))
    column.name, column.hash, column.level = copy, hash, level
    column.kind_row, column.row, column.next = -1, -1, -1
    column.lengths.differs, column.steps.differs = -1, -1
    slot_of(c, hash, name, size, level)[0] = c.count
    c.columns.used += sizeof(Column)
    c.touched.used += sizeof(int32_t)
    c.count += 1
    return c.count - 1


cdef inline int widen(Columns *c) noexcept nogil:
    """Make a hash table of twice the size, at least two places for each column, and put them into it in their order."""
    cdef Array slots
    cdef int32_t n
    cdef Column *column
    memset(&slots, 0, sizeof(Array))
    if grow(&c.store, &slots, 4 * sizeof(int32_t) if c.count == 0 else 2 * c.slots.used):
        return -1
    drop(&c.store, &c.slots)
    slots.used = 4 * sizeof(int32_t)
    while 2 * slots.used <= slots.room:
        slots.used *= 2
    memset(slots.data, 0xFF, slots.used)
    c.slots = slots
    for n in range(c.count):
        column = column_at(c, n)
        slot_of(c, column.hash, column.name.data, column.name.used, column.level)[0] = n
    return 0


cdef inline void remove_last(Columns *c) noexcept nogil:
    """Remove the column that was made last: none that is found by its place in the hash table was put there after it."""
    cdef Column *column = column_at(c, c.count - 1)
    slot_of(c, column.hash, column.name.data, column.name.used, column.level)[0] = -1
    drop_column(c, column)
    c.count -= 1
    c.columns.used -= sizeof(Column)
    c.touched.used -= sizeof(int32_t)


cdef inline void drop_column(Columns *c, Column *column) noexcept nogil:
    drop(&c.store, &column.name)
    drop(&c.store, &column.rows)
    drop(&c.store, &column.values)
    drop(&c.store, &column.ends)
    drop(&c.store, &column.unset)
    drop(&c.store, &column.lengths.each)
    drop(&c.store, &column.steps.each)


cdef inline void drop_all(Columns *c) noexcept nogil:
    cdef int32_t n
    for n in range(c.count):
        drop_column(c, column_at(c, n))
    drop(&c.store, &c.columns)
    drop(&c.store, &c.slots)
    drop(&c.store, &c.touched)
