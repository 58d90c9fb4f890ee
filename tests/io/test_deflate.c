/* SPDX-License-Identifier: ISC */
#include "io/deflate.h"

#include <errno.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit.h"

/* The second opinion: zlib itself, with the widest window. */
static void pack(struct slice plain, int flush, struct buf *to) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, plain.len) + 16;
    char *packed = mem_alloc(room);
    z.next_in = (const Bytef *)plain.ptr;
    z.avail_in = (uInt)plain.len;
    z.next_out = (Bytef *)packed;
    z.avail_out = (uInt)room;
    (void)deflate(&z, flush);
    buf_add_bytes(to, packed, room - z.avail_out);
    (void)deflateEnd(&z);
    free(packed);
}

static void unpack(struct slice packed, struct buf *to) {
    z_stream z = {0};
    char room[4096];
    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    z.next_in = (const Bytef *)packed.ptr;
    z.avail_in = (uInt)packed.len;
    do {
        z.next_out = (Bytef *)room;
        z.avail_out = sizeof room;
        int r = inflate(&z, Z_SYNC_FLUSH);
        assert_true(r == Z_OK || r == Z_BUF_ERROR);
        buf_add_bytes(to, room, sizeof room - z.avail_out);
    } while (z.avail_out == 0);
    assert_int_equal(z.avail_in, 0);
    (void)inflateEnd(&z);
}

static void close_ends(struct stream *ends[static 2]) {
    stream_free(ends[0]);
    stream_free(ends[1]);
}

FIBER_TEST(what_was_flushed_can_be_read_by_zlib) {
    struct stream *ends[2];
    struct buf plain = {0};
    stream_pair(1000, ends);
    stream_str(ends[0], "in the clear\r\n");
    assert_int_equal(stream_deflate(ends[0]), 0);
    stream_str(ends[0], "* OK one\r\n");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_fill(ends[1], 15), 0);
    assert_true(slice_starts(stream_window(ends[1]), S("in the clear\r\n")));
    unpack(slice_from(stream_window(ends[1]), 14), &plain);
    assert_slice(buf_slice(&plain), "* OK one\r\n");
    buf_done(&plain);
    close_ends(ends);
}

FIBER_TEST(what_zlib_has_compressed_is_read_also_what_was_there_before) {
    struct stream *ends[2];
    struct slice line;
    struct buf packed = {0};
    stream_pair(1000, ends);
    pack(S("a NOOP\r\nb NOOP\r\n"), Z_FINISH, &packed);
    stream_write(ends[0], slice_first(buf_slice(&packed), 5));
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_fill(ends[1], 5), 0);
    assert_int_equal(stream_deflate(ends[1]), 0);
    stream_write(ends[0], slice_from(buf_slice(&packed), 5));
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_read_line(ends[1], 100, &line), 0);
    assert_slice(line, "a NOOP\r\n");
    assert_int_equal(stream_read_line(ends[1], 100, &line), 0);
    assert_slice(line, "b NOOP\r\n");
    assert_int_equal(stream_fill(ends[1], 1), -E_EOF); /* the end of what is compressed */
    buf_done(&packed);
    close_ends(ends);
}

/* Some clients end a command like this: what came is read, whatever of it is still to come. */
FIBER_TEST(a_command_that_ends_with_a_partial_flush_is_read_at_once) {
    struct stream *ends[2];
    struct slice line;
    struct buf packed = {0};
    stream_pair(1000, ends);
    assert_int_equal(stream_deflate(ends[1]), 0);
    stream_set_timeout(ends[1], USEC_SEC);
    pack(S("a UID FETCH 1:* FLAGS\r\n"), Z_PARTIAL_FLUSH, &packed);
    stream_write(ends[0], buf_slice(&packed));
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_read_line(ends[1], 100, &line), 0);
    assert_slice(line, "a UID FETCH 1:* FLAGS\r\n");
    buf_done(&packed);
    close_ends(ends);
}

#define MUCH (1U << 20)

static char byte_at(size_t i) {
    return (char)(i % 7 == 0 ? i * 2654435761U >> 13 : 'a' + i % 5);
}

static void write_much(void *arg) {
    struct stream *s = arg;
    char piece[1000];
    for (size_t at = 0; at < MUCH;) {
        size_t len = MIN(MUCH - at, at % 37 + 900);
        for (size_t i = 0; i < len; i++)
            piece[i] = byte_at(at + i);
        stream_write(s, slice_of(piece, len));
        at += len;
        if (at % 5 == 0)
            assert_int_equal(stream_flush(s), 0);
    }
    assert_int_equal(stream_shutdown(s), 0);
}

static void read_much(struct stream *s) {
    size_t at = 0;
    while (stream_fill(s, 1) == 0) {
        struct slice window = stream_window(s);
        for (size_t i = 0; i < window.len; i++)
            assert_int_equal(window.ptr[i], byte_at(at + i));
        at += window.len;
        stream_consume(s, window.len);
    }
    assert_int_equal(at, MUCH);
    assert_int_equal(stream_error(s), -E_EOF);
}

/* The pipe takes 700 bytes at a time: writes have to be repeated again and again. */
FIBER_TEST(much_goes_both_ways_through_a_narrow_pipe) {
    struct stream *ends[2];
    struct fiber *writers[2];
    stream_pair(700, ends);
    for (int i = 0; i < 2; i++)
        assert_int_equal(stream_deflate(ends[i]), 0);
    assert_int_equal(fiber_start("writer", write_much, ends[0], &writers[0]), 0);
    read_much(ends[1]);
    fiber_join(writers[0]);
    assert_int_equal(fiber_start("writer", write_much, ends[1], &writers[1]), 0);
    read_much(ends[0]);
    fiber_join(writers[1]);
    close_ends(ends);
}

static void send_packed(void *arg) {
    void **args = arg;
    stream_write(args[0], buf_slice(args[1]));
    (void)stream_flush(args[0]);
}

FIBER_TEST(a_few_bytes_become_no_more_than_the_bound) {
    struct stream *ends[2];
    struct buf zeros = {0}, packed = {0};
    uint64_t came = 0;
    buf_reserve(&zeros, 80U << 20);
    memset(zeros.ptr, 0, 80U << 20);
    zeros.len = 80U << 20;
    pack(buf_slice(&zeros), Z_SYNC_FLUSH, &packed);
    buf_done(&zeros);
    assert_in_range(packed.len, 1, 90000); /* a thousandth */
    stream_pair(10000, ends);
    assert_int_equal(stream_deflate(ends[1]), 0);
    struct fiber *writer;
    void *args[] = {ends[0], &packed};
    assert_int_equal(fiber_start("writer", send_packed, args, &writer), 0);
    int r;
    while ((r = stream_fill(ends[1], 1)) == 0) {
        came += stream_window(ends[1]).len;
        stream_consume(ends[1], stream_window(ends[1]).len);
    }
    assert_int_equal(r, -E_LIMIT);
    assert_in_range(came, DEFLATE_FREE, DEFLATE_FREE + packed.len * DEFLATE_RATIO);
    stream_free(ends[1]);
    fiber_join(writer);
    stream_free(ends[0]);
    buf_done(&packed);
}

FIBER_TEST(what_is_not_compressed_ends_the_stream) {
    struct stream *ends[2];
    stream_pair(1000, ends);
    assert_int_equal(stream_deflate(ends[1]), 0);
    stream_str(ends[0], "\xff\xff NOOP\r\n");
    assert_int_equal(stream_flush(ends[0]), 0);
    assert_int_equal(stream_fill(ends[1], 1), -EPROTO);
    assert_int_equal(stream_fill(ends[1], 1), -EPROTO);
    close_ends(ends);
}

static void count_turns(void *arg) {
    for (;;) {
        ++*(unsigned *)arg;
        if (fiber_yield() < 0)
            return;
    }
}

/* Blocks of nothing: the peer keeps us reading, and others get their turn. */
FIBER_TEST(blocks_without_a_byte_hold_nobody_up) {
    struct stream *ends[2];
    unsigned turns = 0;
    stream_pair(1U << 20, ends);
    assert_int_equal(stream_deflate(ends[1]), 0);
    for (unsigned i = 0; i < 100000; i++)
        stream_write(ends[0], slice_of("\0\0\0\xff\xff", 5));
    struct buf packed = {0};
    pack(S("."), Z_SYNC_FLUSH, &packed);
    stream_write(ends[0], buf_slice(&packed));
    assert_int_equal(stream_flush(ends[0]), 0);
    struct fiber *other;
    assert_int_equal(fiber_start("other", count_turns, &turns, &other), 0);
    assert_int_equal(stream_fill(ends[1], 1), 0);
    assert_slice(stream_window(ends[1]), ".");
    assert_in_range(turns, 3, UINT32_MAX);
    fiber_cancel(other);
    fiber_join(other);
    buf_done(&packed);
    close_ends(ends);
}

FIBER_TEST(time_runs_out_as_without) {
    struct stream *ends[2];
    stream_pair(1000, ends);
    assert_int_equal(stream_deflate(ends[1]), 0);
    stream_set_timeout(ends[1], USEC_SEC);
    assert_int_equal(stream_fill(ends[1], 1), -ETIMEDOUT);
    stream_str(ends[1], "* BYE\r\n");
    assert_int_equal(stream_shutdown(ends[1]), 0);
    assert_int_equal(stream_deflate(ends[0]), 0);
    assert_int_equal(stream_fill(ends[0], 7), 0);
    assert_slice(stream_window(ends[0]), "* BYE\r\n");
    close_ends(ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_flushed_can_be_read_by_zlib),
        cmocka_unit_test(test_what_zlib_has_compressed_is_read_also_what_was_there_before),
        cmocka_unit_test(test_a_command_that_ends_with_a_partial_flush_is_read_at_once),
        cmocka_unit_test(test_much_goes_both_ways_through_a_narrow_pipe),
        cmocka_unit_test(test_a_few_bytes_become_no_more_than_the_bound),
        cmocka_unit_test(test_what_is_not_compressed_ends_the_stream),
        cmocka_unit_test(test_blocks_without_a_byte_hold_nobody_up),
        cmocka_unit_test(test_time_runs_out_as_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
