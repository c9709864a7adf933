/* Memory that grows. What is in it may not enter.

   From 4 MiB on Linux maps it in whole huge pages, where the page faults of small ones would take most of the time of
   filling it; NumPy asks for the memory of its arrays likewise. It grows by being mapped elsewhere, again at the
   boundary of a huge page: moving them to any other place takes them apart, which takes longer than copying. */

#ifndef TF2NUMPY_MEMORY_H
#define TF2NUMPY_MEMORY_H

#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>

#define MEMORY_HUGE ((size_t)2 << 20)
#define MEMORY_MAPPED ((size_t)4 << 20)

/* What is taken for that many bytes. */
static size_t memory_room(size_t size) {
    return size < MEMORY_MAPPED ? size : (size + MEMORY_HUGE - 1) & ~(MEMORY_HUGE - 1);
}

static void memory_free(void *data, size_t room) {
    if (room < MEMORY_MAPPED)
        free(data);
    else
        munmap(data, room);
}

static uint8_t *memory_mapped(size_t room) {
    uint8_t *begin = (uint8_t *)mmap(
        NULL, room + MEMORY_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == (uint8_t *)MAP_FAILED) return NULL;
    size_t before = -(uintptr_t)begin & (MEMORY_HUGE - 1);
    if (before) munmap(begin, before);
    munmap(begin + before + room, MEMORY_HUGE - before);
    madvise(begin + before, room, MADV_HUGEPAGE);
    return begin + before;
}

/* Give memory that begins with what the old has, or NULL: the old is as it was then. */
static void *memory_grown(void *data, size_t room, size_t new_room) {
    if (new_room < MEMORY_MAPPED) return realloc(data, new_room);
    uint8_t *mapped = memory_mapped(new_room);
    if (mapped == NULL) return NULL;
    if (room < MEMORY_MAPPED) {
        if (room) memcpy(mapped, data, room);
        free(data);
    } else if (mremap(data, room, new_room, MREMAP_MAYMOVE | MREMAP_FIXED, mapped) == MAP_FAILED) {
        munmap(mapped, new_room);
        return NULL;
    } else {
        madvise(mapped, new_room, MADV_HUGEPAGE);
    }
    return mapped;
}

/* Give back what is not used of it; the room that is left. */
static size_t memory_trimmed(void **data, size_t room, size_t used) {
    if (room < MEMORY_MAPPED) {
        void *fitting = used ? realloc(*data, used) : NULL;
        if (fitting == NULL) return room;
        *data = fitting;
        return used;
    }
    size_t left = memory_room(used);
    if (left < MEMORY_MAPPED) left = MEMORY_MAPPED;
    if (left < room) munmap((uint8_t *)*data + left, room - left);
    return left;
}

#else

static size_t memory_room(size_t size) { return size; }

static void memory_free(void *data, size_t room) {
    (void)room;
    free(data);
}

static void *memory_grown(void *data, size_t room, size_t new_room) {
    (void)room;
    return realloc(data, new_room);
}

static size_t memory_trimmed(void **data, size_t room, size_t used) {
    void *fitting = used ? realloc(*data, used) : NULL;
    if (fitting == NULL) return room;
    *data = fitting;
    return used;
}

#endif
#endif
