/* CRC-32C of bytes, by the processor's instruction for it where there is one. What is summed may not enter.

   Sums here are neither inverted nor masked. Of long stretches three parts are summed side by side, since the
   instruction takes three cycles and can begin anew in each; moving a sum on over zeros joins them. Without the
   instruction eight bytes are taken at a time, by tables.

   Fill the tables with crc32c_prepare() before anything else, once. */

#ifndef TF2NUMPY_CRC32C_H
#define TF2NUMPY_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define CRC32C_INSTRUCTION 1
#include <nmmintrin.h>
#define CRC32C_TARGET __attribute__((target("sse4.2")))
#define crc32c_8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define crc32c_1(crc, byte) ((uint32_t)_mm_crc32_u8((crc), (byte)))
static int crc32c_has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }

#elif defined(_M_X64)
#define CRC32C_INSTRUCTION 1
#include <intrin.h>
#include <nmmintrin.h>
#define CRC32C_TARGET
#define crc32c_8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define crc32c_1(crc, byte) ((uint32_t)_mm_crc32_u8((crc), (byte)))
static int crc32c_has_instruction(void) {
    int found[4];
    __cpuid(found, 1);
    return found[2] >> 20 & 1;
}

#elif defined(__aarch64__) && defined(__GNUC__) && (defined(__APPLE__) || defined(__linux__))
#define CRC32C_INSTRUCTION 1
#define CRC32C_TARGET
static inline uint32_t crc32c_8(uint32_t crc, uint64_t word) {
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
    return crc;
}
static inline uint32_t crc32c_1(uint32_t crc, uint8_t byte) {
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"((uint32_t)byte));
    return crc;
}
#ifdef __APPLE__
static int crc32c_has_instruction(void) { return 1; }
#else
#include <sys/auxv.h>
static int crc32c_has_instruction(void) { return getauxval(AT_HWCAP) >> 7 & 1; }
#endif
#endif

#define CRC32C_POLYNOMIAL 0x82f63b78u /* its lowest power last */
#define CRC32C_LONG 8192
#define CRC32C_SHORT 256

static uint32_t crc32c_tables[8][256];       /* of a byte, and of it with up to seven zeros after it */
static uint32_t crc32c_over_long[4][256];    /* of each byte of a sum: that sum after CRC32C_LONG zeros */
static uint32_t crc32c_over_short[4][256];

/* Multiply two polynomials over the field of two elements, modulo the checksum's. */
static uint32_t crc32c_times(uint32_t a, uint32_t b) {
    uint32_t product = 0;
    for (uint32_t place = 1u << 31; place; place >>= 1) {
        if (a & place) product ^= b;
        b = b >> 1 ^ (b & 1 ? CRC32C_POLYNOMIAL : 0);
    }
    return product;
}

/* zeros: a power of two. */
static void crc32c_prepare_zeros(uint32_t table[4][256], size_t zeros) {
    uint32_t power = 1u << 23; /* x to the 8 */
    for (; zeros > 1; zeros /= 2) power = crc32c_times(power, power);
    for (int byte = 0; byte < 4; byte++)
        for (uint32_t value = 0; value < 256; value++)
            table[byte][value] = crc32c_times(power, value << 8 * byte);
}

static uint32_t crc32c_by_tables(uint32_t crc, const uint8_t *data, size_t size) {
    for (; size >= 8; size -= 8, data += 8) {
        crc ^= data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
        crc = crc32c_tables[7][crc & 255] ^ crc32c_tables[6][crc >> 8 & 255] ^ crc32c_tables[5][crc >> 16 & 255] ^
              crc32c_tables[4][crc >> 24] ^ crc32c_tables[3][data[4]] ^ crc32c_tables[2][data[5]] ^
              crc32c_tables[1][data[6]] ^ crc32c_tables[0][data[7]];
    }
    for (; size; size--) crc = crc32c_tables[0][(crc ^ *data++) & 255] ^ crc >> 8;
    return crc;
}

#ifdef CRC32C_INSTRUCTION
static inline uint64_t crc32c_word(const uint8_t *data) {
    uint64_t word;
    memcpy(&word, data, 8);
    return word;
}

/* Sum three parts of that size side by side. */
CRC32C_TARGET static inline uint32_t crc32c_three(
    uint32_t crc, const uint8_t *data, size_t part, uint32_t zeros[4][256]) {
    uint32_t sums[3] = {crc, 0, 0};
    for (size_t at = 0; at < part; at += 8) {
        sums[0] = crc32c_8(sums[0], crc32c_word(data + at));
        sums[1] = crc32c_8(sums[1], crc32c_word(data + part + at));
        sums[2] = crc32c_8(sums[2], crc32c_word(data + 2 * part + at));
    }
    crc = sums[0];
    for (int next = 1; next < 3; next++)
        crc = zeros[0][crc & 255] ^ zeros[1][crc >> 8 & 255] ^ zeros[2][crc >> 16 & 255] ^ zeros[3][crc >> 24] ^
              sums[next];
    return crc;
}

CRC32C_TARGET static uint32_t crc32c_by_instruction(uint32_t crc, const uint8_t *data, size_t size) {
    for (; size >= 3 * CRC32C_LONG; size -= 3 * CRC32C_LONG, data += 3 * CRC32C_LONG)
        crc = crc32c_three(crc, data, CRC32C_LONG, crc32c_over_long);
    for (; size >= 3 * CRC32C_SHORT; size -= 3 * CRC32C_SHORT, data += 3 * CRC32C_SHORT)
        crc = crc32c_three(crc, data, CRC32C_SHORT, crc32c_over_short);
    for (; size >= 8; size -= 8, data += 8) crc = crc32c_8(crc, crc32c_word(data));
    for (; size; size--) crc = crc32c_1(crc, *data++);
    return crc;
}
#endif

static uint32_t (*crc32c_update)(uint32_t, const uint8_t *, size_t) = crc32c_by_tables;

static void crc32c_prepare(void) {
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t crc = value;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLYNOMIAL : 0);
        crc32c_tables[0][value] = crc;
    }
    for (int zeros = 1; zeros < 8; zeros++)
        for (int value = 0; value < 256; value++) {
            uint32_t crc = crc32c_tables[zeros - 1][value];
            crc32c_tables[zeros][value] = crc32c_tables[0][crc & 255] ^ crc >> 8;
        }
    crc32c_prepare_zeros(crc32c_over_long, CRC32C_LONG);
    crc32c_prepare_zeros(crc32c_over_short, CRC32C_SHORT);
#ifdef CRC32C_INSTRUCTION
    if (crc32c_has_instruction()) crc32c_update = crc32c_by_instruction;
#endif
}

#endif
