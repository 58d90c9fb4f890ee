/* SPDX-License-Identifier: ISC */
#include "base/crc32c.h"

#include "base/bytes.h"

#define POLYNOMIAL 0x82f63b78U /* reflected */

static uint32_t table[256];

static uint32_t crc_by_table(uint32_t crc, struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        crc = table[(crc ^ (uint8_t)s.ptr[i]) & 0xff] ^ (crc >> 8);
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_processor(uint32_t crc, struct slice s) {
    uint64_t c = crc;
    for (; s.len >= 8; s = slice_from(s, 8))
        c = __builtin_ia32_crc32di(c, get_u64(s.ptr));
    uint32_t c32 = (uint32_t)c;
    for (; s.len > 0; s = slice_from(s, 1))
        c32 = __builtin_ia32_crc32qi(c32, (uint8_t)s.ptr[0]);
    return c32;
}
static bool processor_has_crc(void) {
    return __builtin_cpu_supports("sse4.2");
}
#else
#define crc_by_processor crc_by_table
static bool processor_has_crc(void) {
    return false;
}
#endif

static uint32_t (*chosen)(uint32_t crc, struct slice s);

/* Before main, so that threads never meet a half-filled table. */
__attribute__((constructor)) static void choose(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = (c & 1) ? (c >> 1) ^ POLYNOMIAL : c >> 1;
        table[i] = c;
    }
    chosen = processor_has_crc() ? crc_by_processor : crc_by_table;
}

uint32_t crc32c(uint32_t crc, struct slice s) {
    return ~chosen(~crc, s);
}
