/* SPDX-License-Identifier: ISC */
/* The bytes of packs: what is written, and that nothing else is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "pack/pack.h"

#define GENERATION 0x1122334455667788ULL

static void make(struct buf *b) {
    pack_encode(b, GENERATION, 7, 0x0102, S("facts"), S("123456789"));
}

static void record_has_the_written_layout(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    make(&b);
    assert_int_equal(b.len, 36 + 5 + 9 + 16);
    static const char head[] = {'H',  'y',  'R',  (char)0xd1, 1,    7,    2, 1, (char)0x88, 0x77,
                                0x66, 0x55, 0x44, 0x33,       0x22, 0x11, 9, 0, 0,          0,
                                0,    0,    0,    0,          5,    0,    0, 0};
    assert_memory_equal(b.ptr, head, sizeof head);
    /* CRC-32C of "123456789", the check value of the polynomial. */
    assert_int_equal(get_u32(b.ptr + 28), 0xe3069283);
    assert_memory_equal(b.ptr + 36, "facts123456789", 14);
    assert_memory_equal(b.ptr + 50, "HyE\xd2", 4);
    assert_int_equal(get_u32(b.ptr + 54), get_u32(b.ptr + 32));
    assert_int_equal(get_u64(b.ptr + 58), b.len);
}

static void record_comes_back(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct pack_record r;
    struct slice body;
    make(&b);
    assert_int_equal(pack_check(buf_slice(&b), GENERATION, &r, &body), 0);
    assert_int_equal(r.type, 7);
    assert_int_equal(r.flags, 0x0102);
    assert_true(slice_eq(r.facts, S("facts")));
    assert_true(slice_eq(body, S("123456789")));
    assert_int_equal(pack_record_len(&r), b.len);
}

static void each_flipped_bit_is_noticed(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct pack_record r;
    struct slice body;
    make(&b);
    for (size_t i = 0; i < b.len * 8; i++) {
        b.ptr[i / 8] = (char)(b.ptr[i / 8] ^ 1 << i % 8);
        assert_int_not_equal(pack_check(buf_slice(&b), GENERATION, &r, &body), 0);
        b.ptr[i / 8] = (char)(b.ptr[i / 8] ^ 1 << i % 8);
    }
    assert_int_equal(pack_check(buf_slice(&b), GENERATION, &r, &body), 0);
}

static void each_shorter_length_is_torn(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct pack_record r;
    struct slice body;
    make(&b);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(pack_check(slice_first(buf_slice(&b), len), GENERATION, &r, &body),
                         -E_EOF);
}

static void record_of_another_generation_is_none(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct pack_record r;
    make(&b);
    assert_int_equal(pack_check_head(buf_slice(&b), GENERATION + 1, &r), -E_CORRUPT);
    assert_int_equal(pack_check_head(buf_slice(&b), 0, &r), 0);
}

static void newer_record_is_not_damage(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct pack_record r;
    make(&b);
    b.ptr[4] = 2;
    put_u32(b.ptr + 32, crc32c(crc32c(0, slice_of(b.ptr, 32)), S("facts")));
    assert_int_equal(pack_check_head(buf_slice(&b), GENERATION, &r), -E_VERSION);
}

static void absurd_lengths_are_refused(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    struct pack_record r;
    make(&b);
    put_u32(b.ptr + 24, UINT32_MAX);
    assert_int_equal(pack_check_head(buf_slice(&b), GENERATION, &r), -E_CORRUPT);
    put_u32(b.ptr + 24, 5);
    put_u64(b.ptr + 16, UINT64_MAX);
    assert_int_equal(pack_check_head(buf_slice(&b), GENERATION, &r), -E_CORRUPT);
}

static const struct pack_file_head HEAD = {.kind = PACK_KIND('T', 'E', 'S', 'T'),
                                           .number = 42,
                                           .generation = GENERATION,
                                           .created = 1800000000000000};

static void file_head_comes_back(void **state) {
    char bytes[PACK_FILE_HEAD];
    struct pack_file_head h;
    pack_file_encode(&HEAD, bytes);
    assert_memory_equal(bytes, "HayaPack\1\0\0\0TEST\52\0\0\0\0\0\0\0", 24);
    assert_int_equal(pack_file_decode(slice_of(bytes, sizeof bytes), &h), 0);
    assert_int_equal(h.kind, HEAD.kind);
    assert_int_equal(h.number, 42);
    assert_int_equal(h.generation, GENERATION);
    assert_int_equal(h.created, HEAD.created);
}

static void each_flipped_bit_of_a_file_head_is_noticed(void **state) {
    char bytes[PACK_FILE_HEAD];
    struct pack_file_head h;
    pack_file_encode(&HEAD, bytes);
    for (size_t i = 0; i < sizeof bytes * 8; i++) {
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
        assert_int_equal(pack_file_decode(slice_of(bytes, sizeof bytes), &h), -E_CORRUPT);
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
    }
    assert_int_equal(pack_file_decode(slice_of(bytes, sizeof bytes - 1), &h), -E_CORRUPT);
    put_u16(bytes + 8, 2);
    put_u32(bytes + 60, crc32c(0, slice_of(bytes, 60)));
    assert_int_equal(pack_file_decode(slice_of(bytes, sizeof bytes), &h), -E_VERSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_has_the_written_layout),
        cmocka_unit_test(record_comes_back),
        cmocka_unit_test(each_flipped_bit_is_noticed),
        cmocka_unit_test(each_shorter_length_is_torn),
        cmocka_unit_test(record_of_another_generation_is_none),
        cmocka_unit_test(newer_record_is_not_damage),
        cmocka_unit_test(absurd_lengths_are_refused),
        cmocka_unit_test(file_head_comes_back),
        cmocka_unit_test(each_flipped_bit_of_a_file_head_is_noticed),
    };
    return cmocka_run_group_tests_name("pack format", tests, NULL, NULL);
}
