/* SPDX-License-Identifier: ISC */
/*
 * APPEND while its octets come: what many clients hold that have begun and do not go on, and what
 * becomes of a message when the disk is full, or its client has gone.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>

#include "imap/session.h"
#include "store/incoming.h"
#include "store/world.h"
#include "unit.h"

#define CLIENTS  ((size_t)64)
#define ACCOUNTS 4U
#define MIB      ((size_t)1 << 20)

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap_bytes(void) {
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

struct client {
    struct stream *stream, *other;
    struct fiber *fiber;
    struct world *world;
    uint64_t account;
    struct imap_session_counts counts;
    enum door_end end;
};

static void serve(void *arg) WAITS {
    struct client *c = arg;
    struct imap_session_config config = imap_session_defaults;
    config.tag = S("in");
    c->end = imap_session(c->other, &config, c->world->store, c->account, &c->counts);
    (void)stream_shutdown(c->other);
}

static void say(struct client *c, const char *text) WAITS {
    stream_str(c->stream, text);
    assert_int_equal(stream_flush(c->stream), 0);
}

/* The next line begins so. */
static void hear(struct client *c, const char *text) WAITS {
    struct slice line;
    assert_int_equal(stream_read_line(c->stream, STREAM_WINDOW, &line), 0);
    if (!slice_starts(line, slice_of_str(text)))
        fail_msg("%.*s", SLICE_ARG(line));
}

static void connect_to(struct client *c, struct world *w, uint64_t account) WAITS {
    struct stream *ends[2];
    stream_pair(65536, ends);
    *c = (struct client){.stream = ends[0], .other = ends[1], .world = w, .account = account};
    assert_int_equal(fiber_start("session", serve, c, &c->fiber), 0);
    hear(c, "in OK");
}

static void disconnect(struct client *c) WAITS {
    stream_free(c->stream);
    fiber_join(c->fiber);
    stream_free(c->other);
}

/* So many octets, in lines. */
static void send_octets(struct client *c, size_t count) WAITS {
    char lines[1000];
    for (size_t i = 0; i < sizeof lines; i++)
        lines[i] = i % 50 == 48 ? '\r' : i % 50 == 49 ? '\n' : 'x';
    for (size_t sent = 0; sent < count; sent += sizeof lines)
        stream_write(c->stream, slice_of(lines, MIN(sizeof lines, count - sent)));
    assert_int_equal(stream_flush(c->stream), 0);
}

static size_t open_files(void) {
    DIR *d = opendir("/proc/self/fd");
    size_t count = 0;
    assert_non_null(d);
    while (readdir(d))
        count++;
    closedir(d);
    return count;
}

static uint64_t held(struct world *w) {
    struct store_stats stats;
    store_stats(w->store, &stats);
    return stats.incoming;
}

WORLD_TEST(sixty_four_messages_of_50_mib_that_come_at_once_take_little_memory) {
    struct client *clients = mem_array(CLIENTS, sizeof *clients);
    world_open(w);
    for (unsigned i = 0; i < CLIENTS; i++)
        connect_to(&clients[i], w, TEST_ACCOUNT + i % ACCOUNTS);
    size_t before = heap_bytes(), files = open_files();
    for (unsigned i = 0; i < CLIENTS; i++) {
        say(&clients[i], "a APPEND INBOX {52428800}\r\n");
        hear(&clients[i], "+ ");
        send_octets(&clients[i], 2 * MIB + 60000);
    }
    assert_int_equal(fiber_sleep(1), 0);
    assert_true(open_files() >= files + CLIENTS); /* all have begun */
    assert_true(held(w) <= STORE_INCOMING_MEMORY);
    assert_in_range(heap_bytes(), 0, before + STORE_INCOMING_MEMORY + CLIENTS * (64U << 10));
    for (unsigned i = 0; i < CLIENTS; i++) {
        disconnect(&clients[i]);
        assert_int_equal(clients[i].end, DOOR_END_LOST);
        assert_int_equal(clients[i].counts.appended, 0);
    }
    assert_int_equal(held(w), 0);
    assert_in_range(open_files(), 0, files);
    free(clients);
}

WORLD_TEST(a_large_message_is_stored_as_it_came) {
    struct client c;
    char command[64];
    world_open(w);
    connect_to(&c, w, TEST_ACCOUNT);
    (void)snprintf(command, sizeof command, "a APPEND INBOX {%zu}\r\n", 5 * MIB);
    say(&c, command);
    hear(&c, "+ ");
    send_octets(&c, 5 * MIB);
    say(&c, "\r\n");
    hear(&c, "a OK [APPENDUID ");
    disconnect(&c);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 1);
    assert_int_equal(s->messages[0].size, 5 * MIB);
    free(s);
}

WORLD_TEST(d4_a_disk_that_becomes_full_ends_the_message_and_not_the_conversation) {
    struct client c;
    world_open(w);
    connect_to(&c, w, TEST_ACCOUNT);
    store_set_min_free(w->store, 1ULL << 60);
    say(&c, "a APPEND INBOX {400000}\r\n");
    hear(&c, "a NO [UNAVAILABLE] ");
    store_set_min_free(w->store, 1);
    say(&c, "b APPEND INBOX {400000}\r\n");
    hear(&c, "+ ");
    send_octets(&c, 200000);
    store_set_min_free(w->store, 1ULL << 60);
    send_octets(&c, 200000);
    say(&c, "\r\n");
    hear(&c, "b NO [UNAVAILABLE] ");
    assert_int_equal(held(w), 0);
    store_set_min_free(w->store, 1);
    say(&c, "c NOOP\r\n");
    hear(&c, "c OK ");
    disconnect(&c);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 0);
    free(s);
}

WORLD_TEST(more_than_an_account_may_have_coming_waits_and_is_refused_when_that_takes_long) {
    struct client *clients = mem_array(CLIENTS, sizeof *clients);
    const unsigned fit = STORE_INCOMING_ACCOUNT / (50 * MIB);
    world_open(w);
    for (unsigned i = 0; i < fit + 2; i++) {
        connect_to(&clients[i], w, TEST_ACCOUNT);
        say(&clients[i], "a APPEND INBOX {52428800}\r\n");
    }
    for (unsigned i = 0; i < fit; i++)
        hear(&clients[i], "+ ");
    assert_int_equal(fiber_sleep(40 * USEC_SEC), 0);
    disconnect(&clients[0]);
    hear(&clients[fit], "+ ");
    hear(&clients[fit + 1], "a NO [LIMIT] ");
    say(&clients[fit + 1], "b NOOP\r\n");
    hear(&clients[fit + 1], "b OK ");
    for (unsigned i = 1; i < fit + 2; i++)
        disconnect(&clients[i]);
    free(clients);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_messages_of_50_mib_that_come_at_once_take_little_memory),
        cmocka_unit_test(a_large_message_is_stored_as_it_came),
        cmocka_unit_test(d4_a_disk_that_becomes_full_ends_the_message_and_not_the_conversation),
        cmocka_unit_test(
            more_than_an_account_may_have_coming_waits_and_is_refused_when_that_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
