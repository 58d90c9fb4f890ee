/* SPDX-License-Identifier: ISC */
/*
 * A second opinion on some hundred odd messages (make_messages.py): Python's email package finds
 * the same parts, with the same octets and the same fields. SEED=N and COUNT=N in the environment
 * make others.
 */
#include "map_test.h"
#include "message_test.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/read.h"
#include "message/date.h"

#define COUNT 500

/* As zlib has it (IEEE 802.3). */
static uint32_t crc32_of(struct slice s) {
    uint32_t crc = ~0U;
    for (size_t i = 0; i < s.len; i++) {
        crc ^= (uint8_t)s.ptr[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
    }
    return ~crc;
}

static void read_file(const char *directory, unsigned number, const char *suffix, struct buf *to) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%u.%s", directory, number, suffix);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read_to_end(fd, to, SIZE_MAX), 0);
    assert_int_equal(close(fd), 0);
}

static void show_fields(const struct message_map *map, const struct message_map_part *p,
                        struct buf *to) {
    const struct message_map_envelope *e = &p->envelope;
    struct slice list = e->addresses[MAP_TO];
    struct listed one;
    if (e->subject.ptr) {
        buf_add_str(to, "subject ");
        hex_encode(to, e->subject);
        buf_add_byte(to, '\n');
    }
    if (e->date.ptr) {
        usec_t date = 0;
        assert_int_equal(date_read(e->date, &date), 0);
        assert_true(p != map->parts || map->date == date);
        buf_printf(to, "date %ld\n", (long)(date / USEC_SEC));
    }
    while (message_map_address_next(&list, &one))
        buf_printf(to, "to %.*s|%.*s@%.*s\n", SLICE_ARG(one.name), SLICE_ARG(one.local),
                   SLICE_ARG(one.host));
}

static void show(struct arena *a, struct slice message, struct buf *to) {
    _cleanup_(buf_done) struct buf blob = {0};
    struct message_map map;
    make_map(message, 61, &blob);
    assert_int_equal(message_map_read(a, buf_slice(&blob), &map), 0);
    for (size_t i = 0; i < map.part_count; i++) {
        const struct message_map_part *p = &map.parts[i];
        struct slice body = slice_from(slice_first(message, p->end), p->body);
        buf_printf(to, "%u %.*s/%.*s\n", p->depth, SLICE_ARG(arena_lower(a, p->major)),
                   SLICE_ARG(arena_lower(a, p->minor)));
        if (p->is_message)
            show_fields(&map, p, to);
        if (p->kind == MIME_LEAF)
            buf_printf(to, "%zu %u %lu\n", body.len, crc32_of(body), (unsigned long)p->decoded);
    }
}

/* The first line that differs, and where the message is. */
static void check_lines(struct slice got, struct slice want, const char *directory,
                        unsigned number) {
    struct slice one = S(""), other = S("");
    bool more = true;
    for (unsigned line = 1; more; line++) {
        more = slice_next(&got, '\n', &one);
        if (more != slice_next(&want, '\n', &other) || !slice_eq(one, other))
            fail_msg("%s/%u.eml, line %u of what is read:\n%.*s\nPython: %.*s", directory, number,
                     line, SLICE_ARG(one), SLICE_ARG(other));
    }
}

static unsigned number_of(const char *name, unsigned otherwise) {
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void python_finds_the_same_parts_and_fields(void **state) {
    unsigned seed = number_of("SEED", 1), count = number_of("COUNT", COUNT);
    char directory[] = "/tmp/hayauma-message-XXXXXX", command[256];
    assert_non_null(mkdtemp(directory));
    (void)snprintf(command, sizeof command, "python3 message/make_messages.py %u %u %s", seed,
                   count, directory);
    assert_int_equal(system(command), 0);
    for (unsigned i = 0; i < count; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(buf_done) struct buf message = {0}, want = {0}, got = {0};
        read_file(directory, i, "eml", &message);
        read_file(directory, i, "txt", &want);
        show(&a, buf_slice(&message), &got);
        check_lines(buf_slice(&got), buf_slice(&want), directory, i);
    }
    (void)snprintf(command, sizeof command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_finds_the_same_parts_and_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
