/* SPDX-License-Identifier: ISC */
/*
 * FETCH over both backends of the store: what comes is what the message has, however long it is and
 * whatever happens to it meanwhile.
 */
#include "imap/session.h"

#include <stdio.h>

#include "section_of.h"
#include "store/world.h"
#include "unit.h"

struct client {
    struct stream *stream, *other;
    struct fiber *fiber;
    struct world *world;
    struct buf said;
    enum door_end end;
};

static void serve(void *arg) WAITS {
    struct client *c = arg;
    struct imap_session_config config = imap_session_defaults;
    config.user = S("tama@example.test");
    struct imap_session_counts counts;
    config.tag = S("in");
    c->end = imap_session(c->other, &config, c->world->store, TEST_ACCOUNT, &counts);
    (void)stream_shutdown(c->other);
}

static void say(struct client *c, const char *text) WAITS {
    stream_str(c->stream, text);
    assert_int_equal(stream_flush(c->stream), 0);
}

/* All up to the line that begins with the tag. */
static struct slice hear(struct client *c, const char *tag) WAITS {
    buf_clear(&c->said);
    for (;;) {
        assert_int_equal(stream_fill(c->stream, 1), 0);
        buf_add(&c->said, stream_window(c->stream));
        stream_consume(c->stream, stream_window(c->stream).len);
        struct slice said = buf_slice(&c->said);
        if (!slice_ends(said, S("\r\n")))
            continue;
        ssize_t before = slice_rfind_byte(slice_first(said, said.len - 2), '\n');
        struct slice line = slice_from(said, (size_t)(before + 1));
        if (slice_starts(line, slice_of_str(tag)) && line.ptr[strlen(tag)] == ' ')
            return said;
    }
}

static void connect_to(struct client *c, struct world *w) WAITS {
    struct stream *ends[2];
    stream_pair(65536, ends);
    *c = (struct client){.stream = ends[0], .other = ends[1], .world = w};
    assert_int_equal(fiber_start("session", serve, c, &c->fiber), 0);
    (void)hear(c, "in");
    say(c, "s SELECT INBOX\r\n");
    (void)hear(c, "s");
}

static void disconnect(struct client *c) WAITS {
    stream_free(c->stream);
    fiber_join(c->fiber);
    stream_free(c->other);
    buf_done(&c->said);
}

/* ------------------------------------------------------------------ octets */

/* Messages of all sizes, with headers that end in many ways. */
static void make_message(unsigned kind, struct buf *to) {
    const size_t header = kind % 3 == 0 ? 100 : kind % 3 == 1 ? 40000 : 1100000;
    const size_t body = kind / 3 % 2 == 0 ? 500 : 200000;
    buf_add_str(to, "Subject: one\r\nContent-Transfer-Encoding: base64\r\n");
    for (unsigned i = 0; to->len < header; i++)
        buf_printf(to, "X-%u: value %u\r\n\tfolded\r\n", i, i * 7);
    if (kind / 6 == 0)
        buf_add_str(to, "To: tama\r\n\r\n");
    for (unsigned i = 0; to->len < header + body; i++)
        buf_printf(to, "%08x%08x\r\n", i * 2654435761U, i);
}

static const char *const attributes[] = {
    "BODY.PEEK[]",
    "BODY.PEEK[HEADER]",
    "BODY.PEEK[TEXT]",
    "BODY.PEEK[1]",
    "BODY.PEEK[1.MIME]",
    "BODY.PEEK[]<17.70000>",
    "BODY.PEEK[TEXT]<70000.1000>",
    "BODY.PEEK[HEADER.FIELDS (to X-3 Subject)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (X-1)]<5.100>",
    "BINARY.PEEK[1]",
    "BINARY.PEEK[1]<70000.70000>",
};

/* The value of "* 1 FETCH (NAME {n}CRLF...)". */
static struct slice literal_of(struct slice said) {
    uint64_t size;
    ssize_t open = slice_find_byte(said, '{'), close = slice_find_byte(said, '}');
    assert_true(open > 0 && close > open);
    struct slice digits =
        slice_first(slice_from(said, (size_t)open + 1), (size_t)(close - open - 1));
    assert_int_equal(slice_to_u64(digits, SIZE_MAX, &size), 0);
    struct slice rest = slice_from(said, (size_t)close + 3);
    assert_true(slice_starts(slice_from(rest, (size_t)size), S(")\r\n")));
    return slice_first(rest, (size_t)size);
}

static void compare(struct client *c, struct slice message, unsigned number) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    map_of(&a, message, &map);
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        _cleanup_(buf_done) struct buf expected = {0};
        struct imap_attributes what = {0};
        struct imap_cursor cursor;
        char line[100];
        const struct imap_text text = {.bytes = slice_of_str(attributes[i])};
        token_begin(&cursor, &text, &a);
        assert_true(imap_take_attributes(&cursor, &what));
        assert_int_equal(section_of(&a, &what.sections[0], &map, message, &expected), 0);
        (void)snprintf(line, sizeof line, "a FETCH %u %s\r\n", number, attributes[i]);
        say(c, line);
        struct slice got = literal_of(hear(c, "a"));
        if (!slice_eq(got, buf_slice(&expected)))
            fail_msg("message %u %s: %zu octets, expected %zu", number, attributes[i], got.len,
                     expected.len);
    }
}

WORLD_TEST_BOTH(the_octets_of_a_section_are_those_that_its_message_has) {
    struct client c;
    world_open(w);
    for (unsigned kind = 0; kind < 12; kind++) {
        _cleanup_(buf_done) struct buf message = {0};
        char key[20];
        make_message(kind, &message);
        (void)snprintf(key, sizeof key, "kind %u", kind);
        (void)world_deliver(w, key, buf_str(&message));
    }
    connect_to(&c, w);
    for (unsigned kind = 0; kind < 12; kind++) {
        _cleanup_(buf_done) struct buf message = {0};
        make_message(kind, &message);
        compare(&c, buf_slice(&message), kind + 1);
    }
    disconnect(&c);
    world_close(w);
}

/* ------------------------------------------------------------------ many messages */

WORLD_TEST_BOTH_ON(messages_come_in_their_order_with_what_is_theirs, false) {
    struct client c;
    _cleanup_(buf_done) struct buf expected = {0};
    world_open(w);
    for (unsigned i = 1; i <= 200; i++) {
        _cleanup_(buf_done) struct buf message = {0};
        char key[20];
        (void)snprintf(key, sizeof key, "many %u", i);
        buf_printf(&message, "Subject: %u\r\n\r\n", i);
        size_t body = i % 50 == 0 ? 20000 : i % 7 * 100;
        for (size_t k = 0; k < body; k++)
            buf_add_byte(&message, 'x');
        (void)world_deliver(w, key, buf_str(&message));
        if (i % 9 == 0)
            continue;
        buf_printf(&expected,
                   "* %u FETCH (UID %u ENVELOPE (NIL \"%u\" NIL NIL NIL NIL NIL NIL NIL NIL) "
                   "BODY[HEADER] {%zu}\r\nSubject: %u\r\n\r\n)\r\n",
                   i - i / 9, i, i, message.len - body, i);
    }
    for (uint32_t uid = 9; uid <= 200; uid += 9)
        world_expunge(w, uid);
    connect_to(&c, w);
    say(&c, "a UID FETCH 1:* (ENVELOPE BODY.PEEK[HEADER])\r\n");
    buf_add_str(&expected, "a OK fetched\r\n");
    assert_slice(hear(&c, "a"), buf_str(&expected));
    disconnect(&c);
    world_close(w);
}

WORLD_TEST_BOTH(a_set_with_holes_gets_its_messages_and_no_others) {
    struct client c;
    world_open(w);
    world_fill(w, 9);
    connect_to(&c, w);
    say(&c, "a FETCH 1,3:4,9,6 BODY.PEEK[]\r\n");
    assert_slice(hear(&c, "a"), "* 1 FETCH (BODY[] {10}\r\nnumber 1\r\n)\r\n"
                                "* 3 FETCH (BODY[] {10}\r\nnumber 3\r\n)\r\n"
                                "* 4 FETCH (BODY[] {10}\r\nnumber 4\r\n)\r\n"
                                "* 6 FETCH (BODY[] {10}\r\nnumber 6\r\n)\r\n"
                                "* 9 FETCH (BODY[] {10}\r\nnumber 9\r\n)\r\n"
                                "a OK fetched\r\n");
    disconnect(&c);
    world_close(w);
}

/* ------------------------------------------------------------------ what happens meanwhile */

static void deliver_large(struct world *w, size_t size) WAITS {
    _cleanup_(buf_done) struct buf message = {0};
    buf_add_str(&message, "Subject: large\r\n\r\n");
    while (message.len < size)
        buf_add_str(&message, "0123456789012345678901234567890123456789\r\n");
    (void)world_deliver(w, "large", buf_str(&message));
}

/* What is being sent out of a file stays until it has been. */
WORLD_TEST(a_message_that_is_removed_while_it_is_sent_comes_as_a_whole) {
    struct client c;
    world_open(w);
    world_fill(w, 3);
    deliver_large(w, 1000000);
    connect_to(&c, w);
    say(&c, "a FETCH 4 BODY[]\r\n");
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    world_expunge(w, 4);
    (void)store_compact(w->account);
    struct slice said = hear(&c, "a");
    assert_true(slice_starts(said, S("* 4 FETCH (BODY[] {1000")));
    assert_true(slice_find(said, S("a OK")) > 1000000);
    disconnect(&c);
    world_close(w);
}

/* It holds its own buffers, and no more for what waits to be sent. */
WORLD_TEST_BOTH(a_client_that_does_not_read_costs_no_memory) {
    struct client c;
    world_open(w);
    deliver_large(w, 2000000);
    for (unsigned i = 0; i < 100; i++) {
        char key[20];
        (void)snprintf(key, sizeof key, "more %u", i);
        (void)world_deliver(w, key, "Subject: more\r\n\r\n");
    }
    connect_to(&c, w);
    size_t before = stream_memory();
    say(&c, "a FETCH 1:* (BODY[] ENVELOPE)\r\n");
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_true(stream_memory() <= before + 2UL * 16384);
    (void)hear(&c, "a");
    disconnect(&c);
    assert_int_equal(c.end, DOOR_END_LOST);
    world_close(w);
}

/* ------------------------------------------------------------------ damage */

WORLD_TEST(a_damaged_message_leaves_the_others_readable) {
    struct client c;
    world_open(w);
    world_fill(w, 3);
    _cleanup_(free_p) struct snapshot *now = world_snapshot(w);
    struct world_place place = world_place(w, &now->messages[1]);
    _cleanup_(free_p) char *path = world_path(w, TEST_PACK);
    file_damage(path, place.body, 4);
    connect_to(&c, w);
    say(&c, "a FETCH 1:3 (UID BODY.PEEK[])\r\n");
    assert_slice(hear(&c, "a"),
                 "* 1 FETCH (UID 1 BODY[] {10}\r\nnumber 1\r\n)\r\n"
                 "* 2 FETCH (UID 2)\r\n"
                 "* 3 FETCH (UID 3 BODY[] {10}\r\nnumber 3\r\n)\r\n"
                 "a NO [CORRUPTION] some of the messages cannot be read just now\r\n");
    say(&c, "b FETCH 1:3 BODY\r\n");
    struct slice said = hear(&c, "b");
    assert_true(slice_find(said, S("* 3 FETCH (BODY (")) > 0);
    assert_true(slice_find(said, S("* 2 FETCH")) < 0);
    assert_true(slice_find(said, S("b NO [CORRUPTION]")) > 0);
    disconnect(&c);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(the_octets_of_a_section_are_those_that_its_message_has),
        BOTH(messages_come_in_their_order_with_what_is_theirs),
        BOTH(a_set_with_holes_gets_its_messages_and_no_others),
        cmocka_unit_test(a_message_that_is_removed_while_it_is_sent_comes_as_a_whole),
        BOTH(a_client_that_does_not_read_costs_no_memory),
        cmocka_unit_test(a_damaged_message_leaves_the_others_readable),
    };
    return cmocka_run_group_tests_name("imap fetch", tests, NULL, NULL);
}
