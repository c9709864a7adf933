"""SipHash-1-3, by which no one who does not know the key can find names that collide. No column may enter.

Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy


cdef inline uint64_t rotated(uint64_t x, int bits) noexcept nogil:
    return x << bits | x >> 64 - bits


cdef inline void mixed(uint64_t *v) noexcept nogil:
    v[0] += v[1]
    v[2] += v[3]
    v[1] = rotated(v[1], 13) ^ v[0]
    v[3] = rotated(v[3], 16) ^ v[2]
    v[0] = rotated(v[0], 32)
    v[2] += v[1]
    v[0] += v[3]
    v[1] = rotated(v[1], 17) ^ v[2]
    v[3] = rotated(v[3], 21) ^ v[0]
    v[2] = rotated(v[2], 32)


cdef inline uint64_t siphash(uint64_t key0, uint64_t key1, const uint8_t *data, size_t size) noexcept nogil:
    cdef uint64_t[4] v = [
        key0 ^ 0x736F6D6570736575ULL,
        key1 ^ 0x646F72616E646F6DULL,
        key0 ^ 0x6C7967656E657261ULL,
        key1 ^ 0x7465646279746573ULL,
    ]
    cdef uint64_t word, last = <uint64_t>size << 56
    cdef size_t left = size
    cdef int n
    while left >= 8:
        memcpy(&word, data, 8)
        v[3] ^= word
        mixed(v)
        v[0] ^= word
        data += 8
        left -= 8
    word = 0
    memcpy(&word, data, left)
    last |= word
    v[3] ^= last
    mixed(v)
    v[0] ^= last
    v[2] ^= 0xFF
    for n in range(3):
        mixed(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]
