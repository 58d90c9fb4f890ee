/* SPDX-License-Identifier: ISC */
#include "base/siphash.h"

#include "base/bytes.h"
#include "base/random.h"

static uint64_t rotl(uint64_t x, unsigned n) {
    return (x << n) | (x >> (64 - n));
}

static void rounds(uint64_t v[4], int count) {
    while (count-- > 0) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
    }
}

static void absorb(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
}

uint64_t siphash_keyed(struct slice s, const uint8_t key[16]) {
    uint64_t k0 = get_u64(key);
    uint64_t k1 = get_u64(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575U, k1 ^ 0x646f72616e646f6dU, k0 ^ 0x6c7967656e657261U,
                     k1 ^ 0x7465646279746573U};
    uint64_t last = (uint64_t)s.len << 56;
    for (; s.len >= 8; s = slice_from(s, 8))
        absorb(v, get_u64(s.ptr));
    for (size_t i = 0; i < s.len; i++)
        last |= (uint64_t)(uint8_t)s.ptr[i] << (8 * i);
    absorb(v, last);
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint8_t process_key[16];

/* Before main: threads find it drawn. */
__attribute__((constructor)) static void draw_key(void) {
    random_bytes(process_key, sizeof process_key);
}

uint64_t siphash(struct slice s) {
    return siphash_keyed(s, process_key);
}
