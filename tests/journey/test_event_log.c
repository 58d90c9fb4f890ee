/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "fiber/scheduler.h"
#include "fiber/wait.h"
#include "journey/event_log.h"
#include "journey/sample.h"

/* An event log in a folder of its own. */
struct world {
    char folder[64], path[96];
    struct event_log_options options;
    struct event_log *events;
    struct arena arena;
    unsigned said; /* events of the event log itself */
    char last_said[256];
};

static void note(void *arg, const struct event *e) {
    struct world *w = arg;
    if (!slice_eq(e->role, S("events")))
        return;
    w->said++;
    (void)snprintf(w->last_said, sizeof w->last_said, "%.*s: %.*s", SLICE_ARG(e->kind),
                   SLICE_ARG(e->text));
}

static void start(struct world *w) {
    w->events = event_log_new(&w->options);
    assert_int_equal(fiber_spawn("events", event_log_work, w->events), 0);
}

static void stop(struct world *w) {
    event_log_stop(w->events);
    event_log_free(w->events);
    w->events = NULL;
}

static void prepare(struct world *w) {
    *w = (struct world){.folder = "/tmp/journey-XXXXXX"};
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->path, sizeof w->path, "%s/events.db", w->folder);
    w->options = (struct event_log_options){
        .path = w->path, .keep = 30 * USEC_DAY, .size_max = 1 << 30, .added = note, .arg = w};
}

static void open_world(struct world *w) {
    prepare(w);
    start(w);
}

static void close_world(struct world *w) {
    static const char *const names[] = {"events.db", "events.db-wal", "events.db-shm",
                                        "events.db.damaged", "events.db.damaged-wal"};
    if (w->events)
        stop(w);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/%s", w->folder, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(w->folder), 0);
    arena_done(&w->arena);
}

static void add_message(struct world *w, uint64_t number) {
    _cleanup_(arena_done) struct arena a = {0};
    for (unsigned step = 0; step < SAMPLE_STEPS; step++) {
        struct event e;
        enum role role = sample_step(number, step, &a, &e);
        event_log_add(w->events, role, &e);
    }
}

/* One that is short, by its text. */
static void add(struct world *w, enum role role, queue_id message, const char *text) {
    struct event e = {.wall = fiber_wall(),
                      .message = message,
                      .kind = S(KIND_RELOAD),
                      .text = slice_of_str(text)};
    event_log_add(w->events, role, &e);
}

static struct event_list journey(struct world *w, queue_id message, uint64_t after, usec_t wait) {
    struct event_list events = {0};
    struct problem problem = {0};
    if (event_log_journey(w->events, message, after, wait, &w->arena, &events, &problem) != 0)
        fail_msg("%s", problem.text);
    return events;
}

static struct event_list ask_log(struct world *w, struct event_log_question q) {
    struct event_list events = {0};
    assert_int_equal(event_log_read(w->events, &q, &w->arena, &events, NULL), 0);
    return events;
}

static size_t found(struct world *w, const char *what, queue_id **ret) {
    size_t count = 0;
    struct problem problem = {0};
    if (event_log_find(
            w->events,
            &(struct event_log_search){.words = (struct slice[]){slice_of_str(what)}, .count = 1},
            20, &w->arena, ret, &count, &problem) != 0)
        fail_msg("%s", problem.text);
    return count;
}

/* ------------------------------------------------------------------ what goes in comes out */

FIBER_TEST(a_journey_has_the_events_of_its_message_in_order) {
    struct world w;
    open_world(&w);
    add_message(&w, 1);
    add_message(&w, 2);
    struct event_list events = journey(&w, sample_message(1), 0, 0);
    assert_int_equal(events.count, SAMPLE_STEPS);
    assert_slice(events.list[0].kind, "accepted");
    assert_slice(events.list[0].role, "edge");
    assert_int_equal(events.list[0].message, sample_message(1));
    assert_int_equal(events.list[0].wall, TEST_WALL + 100);
    assert_slice(events.list[2].kind, "delivered");
    assert_int_equal(journey(&w, sample_message(1), events.list[2].sequence, 0).count, 1);
    assert_int_equal(journey(&w, sample_message(3), 0, 0).count, 0);
    close_world(&w);
}

FIBER_TEST(messages_are_found_by_what_people_know) {
    static const char *const whats[] = {
        "user1@example.net",      "READER1@Example.JP", " <1.ABC@mail.example.net> ",
        "1.abc@mail.example.net", "offer NUMBER 1 for",
    };
    struct world w;
    queue_id *ids = NULL;
    char id[QUEUE_ID_SIZE];
    open_world(&w);
    add_message(&w, 1);
    add_message(&w, 2);
    for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
        if (found(&w, whats[i], &ids) != 1 || ids[0] != sample_message(1))
            fail_msg("\"%s\" finds the wrong messages", whats[i]);
    }
    (void)queue_id_format(sample_message(1), id);
    assert_int_equal(found(&w, id, &ids), 1);
    assert_int_equal(ids[0], sample_message(1));
    id[6] = '\0';
    assert_int_equal(found(&w, id, &ids), 2);
    assert_int_equal(found(&w, "nobody@example.net", &ids), 0);
    assert_int_equal(found(&w, "", &ids), 0);
    close_world(&w);
}

/* Somebody who gets much mail is asked for a message of long ago. */
FIBER_TEST(two_words_find_what_is_behind_many_messages_of_one) {
    struct world w;
    queue_id *ids = NULL;
    size_t count = 0;
    const struct slice words[] = {S("user0@example.net"), S("offer number 5000 for")};
    struct event_log_search search = {.words = words, .count = ARRAY_SIZE(words)};
    open_world(&w);
    for (uint64_t n = 1; n <= 1200; n++)
        add_message(&w, n * 5000);
    assert_int_equal(event_log_find(w.events, &search, 20, &w.arena, &ids, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], sample_message(5000));
    close_world(&w);
}

FIBER_TEST(the_newest_messages_come_first) {
    struct world w;
    queue_id *ids = NULL;
    open_world(&w);
    for (uint64_t n = 1; n <= 50; n++)
        add_message(&w, n * 5000); /* the same recipient */
    assert_int_equal(found(&w, "reader0@example.jp", &ids), 20);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(ids[i], sample_message((50 - i) * 5000));
    close_world(&w);
}

FIBER_TEST(an_address_that_stands_for_others_is_found_by_both) {
    struct event_fact facts[] = {{S(FACT_TO), S("all@example.jp")},
                                 {S(FACT_TARGETS), S("mike@example.jp\nshiro@example.com")}};
    struct world w;
    queue_id *ids = NULL;
    open_world(&w);
    struct event e = {.wall = fiber_wall(),
                      .message = sample_message(9),
                      .kind = S(KIND_EXPANDED),
                      .facts = facts,
                      .fact_count = 2};
    event_log_add(w.events, ROLE_QUEUE, &e);
    assert_int_equal(found(&w, "all@example.jp", &ids), 1);
    assert_int_equal(found(&w, "shiro@example.com", &ids), 1);
    close_world(&w);
}

FIBER_TEST(an_answer_has_at_most_a_hundred_events) {
    struct world w;
    open_world(&w);
    for (unsigned i = 0; i < 250; i++)
        add(&w, ROLE_QUEUE, 7, "again");
    struct event_list events = journey(&w, 7, 0, 0);
    assert_int_equal(events.count, 100);
    events = journey(&w, 7, events.list[99].sequence, 0);
    events = journey(&w, 7, events.list[99].sequence, 0);
    assert_int_equal(events.count, 50);
    close_world(&w);
}

FIBER_TEST(an_answer_fits_into_a_frame) {
    struct world w;
    size_t bytes = 0;
    char *big = mem_zero(16384);
    memset(big, 'x', 16384);
    struct event_fact facts[] = {{S("a"), slice_of(big, 16384)},
                                 {S("b"), slice_of(big, 16384)},
                                 {S("c"), slice_of(big, 16384)},
                                 {S("d"), slice_of(big, 16384)},
                                 {S("e"), slice_of(big, 16384)}};
    open_world(&w);
    for (unsigned i = 0; i < 30; i++) {
        struct event e = {.wall = fiber_wall(),
                          .message = 7,
                          .kind = S(KIND_RELOAD),
                          .facts = facts,
                          .fact_count = 5};
        event_log_add(w.events, ROLE_EDGE, &e);
    }
    struct event_list events = journey(&w, 7, 0, 0);
    for (size_t i = 0; i < events.count; i++) {
        for (size_t k = 0; k < events.list[i].fact_count; k++)
            bytes += events.list[i].facts[k].value.len + 64;
    }
    assert_in_range(events.count, 2, 29);
    assert_true(bytes < RPC_FRAME_MAX);
    free(big);
    close_world(&w);
}

/* ------------------------------------------------------------------ the log */

FIBER_TEST(the_log_has_all_events_in_order) {
    struct world w;
    open_world(&w);
    add_message(&w, 1);
    add(&w, ROLE_MASTER, 0, "The server is open.");
    struct event_list events = ask_log(&w, (struct event_log_question){0});
    assert_int_equal(events.count, SAMPLE_STEPS + 1);
    assert_slice(events.list[SAMPLE_STEPS].role, "master");
    assert_int_equal(events.list[SAMPLE_STEPS].message, 0);
    for (size_t i = 0; i < events.count; i++)
        assert_int_equal(events.list[i].sequence, i + 1);
    close_world(&w);
}

FIBER_TEST(the_last_events_of_a_role) {
    struct world w;
    open_world(&w);
    for (uint64_t n = 0; n < 10; n++)
        add_message(&w, n);
    struct event_list events = ask_log(&w, (struct event_log_question){.last = 3});
    assert_int_equal(events.count, 3);
    assert_int_equal(events.list[0].sequence, 38);
    events = ask_log(&w, (struct event_log_question){.last = 3, .role = S("mail")});
    assert_int_equal(events.count, 3);
    assert_slice(events.list[0].kind, "delivered");
    assert_int_equal(events.list[0].message, sample_message(7));
    events = ask_log(&w, (struct event_log_question){.last = 1000, .role = S("mail")});
    assert_int_equal(events.count, 10);
    events = ask_log(&w, (struct event_log_question){.role = S("keys")});
    assert_int_equal(events.count, 0);
    close_world(&w);
}

/* Half a MiB of others fitted into one answer, which ended there. */
FIBER_TEST(words_are_found_behind_any_number_of_other_events) {
    struct world w;
    char text[400];
    const struct slice words[] = {S("needle")};
    struct event_log_question q = {.last = 100, .words = words, .word_count = 1};
    open_world(&w);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 3; i++) {
        add(&w, ROLE_QUEUE, 1, "a needle");
        for (int k = 0; k < 3000; k++)
            add(&w, ROLE_QUEUE, 2, text);
        (void)ask_log(&w, (struct event_log_question){.last = 1}); /* they are written */
    }
    assert_int_equal(ask_log(&w, q).count, 3);
    close_world(&w);
}

FIBER_TEST(a_rare_role_is_found_behind_many_others) {
    struct world w;
    open_world(&w);
    for (unsigned i = 0; i < 45000; i++)
        add(&w, ROLE_EDGE, 0, "x");
    add(&w, ROLE_KEYS, 0, "The one.");
    struct event_list events = ask_log(&w, (struct event_log_question){.role = S("keys")});
    assert_int_equal(events.count, 1);
    assert_slice(events.list[0].text, "The one.");
    close_world(&w);
}

/* ------------------------------------------------------------------ waiting */

static void add_later(void *arg) {
    struct world *w = arg;
    (void)fiber_sleep(3 * USEC_SEC);
    add(w, ROLE_QUEUE, 8, "another message");
    (void)fiber_sleep(2 * USEC_SEC);
    add(w, ROLE_QUEUE, 7, "at last");
}

FIBER_TEST(a_call_waits_for_news_of_its_message) {
    struct world w;
    open_world(&w);
    usec_t begin = fiber_now();
    assert_int_equal(fiber_spawn("later", add_later, &w), 0);
    struct event_list events = journey(&w, 7, 0, 30 * USEC_SEC);
    assert_int_equal(events.count, 1);
    assert_slice(events.list[0].text, "at last");
    assert_in_range(fiber_now() - begin, 5 * USEC_SEC, 5 * USEC_SEC + EVENT_LOG_WRITE_DELAY);
    close_world(&w);
}

FIBER_TEST(a_call_without_news_ends_in_time) {
    struct world w;
    open_world(&w);
    usec_t begin = fiber_now();
    assert_int_equal(journey(&w, 7, 0, 2 * USEC_SEC).count, 0);
    assert_int_equal(fiber_now() - begin, 2 * USEC_SEC);
    begin = fiber_now();
    assert_int_equal(journey(&w, 7, 0, USEC_HOUR).count, 0);
    assert_int_equal(fiber_now() - begin, EVENT_LOG_WAIT_MAX);
    close_world(&w);
}

FIBER_TEST(the_log_is_followed_role_by_role) {
    struct world w;
    open_world(&w);
    add(&w, ROLE_EDGE, 0, "before");
    assert_int_equal(fiber_spawn("later", add_later, &w), 0);
    struct event_list events =
        ask_log(&w, (struct event_log_question){.role = S("queue"), .wait = 30 * USEC_SEC});
    assert_int_equal(events.count, 1);
    assert_slice(events.list[0].text, "another message");
    uint64_t after = events.list[0].sequence;
    events = ask_log(&w, (struct event_log_question){.after = after, .wait = 30 * USEC_SEC});
    assert_slice(events.list[0].text, "at last");
    close_world(&w);
}

static void stop_later(void *arg) {
    struct world *w = arg;
    (void)fiber_sleep(USEC_SEC);
    event_log_stop(w->events);
}

FIBER_TEST(stopping_ends_all_waits) {
    struct world w;
    struct fiber *stopping;
    open_world(&w);
    usec_t begin = fiber_now();
    assert_int_equal(fiber_start("stop", stop_later, &w, &stopping), 0);
    assert_int_equal(journey(&w, 7, 0, 30 * USEC_SEC).count, 0);
    fiber_join(stopping);
    assert_in_range(fiber_now() - begin, USEC_SEC, 2 * USEC_SEC);
    close_world(&w);
}

/* ------------------------------------------------------------------ kept, and let go */

FIBER_TEST(stopping_writes_what_is_left) {
    struct world w;
    open_world(&w);
    add_message(&w, 1);
    stop(&w);
    start(&w);
    assert_int_equal(journey(&w, sample_message(1), 0, 0).count, SAMPLE_STEPS);
    add(&w, ROLE_MASTER, 0, "again");
    struct event_list events = ask_log(&w, (struct event_log_question){.last = 1});
    assert_int_equal(events.list[0].sequence, SAMPLE_STEPS + 1);
    close_world(&w);
}

FIBER_TEST(events_are_written_soon) {
    struct world w;
    struct event_log_stats stats;
    open_world(&w);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    add_message(&w, 1);
    event_log_stats(w.events, &stats);
    assert_int_equal(stats.written, 0);
    assert_int_equal(fiber_sleep(EVENT_LOG_WRITE_DELAY + USEC_MS), 0);
    event_log_stats(w.events, &stats);
    assert_int_equal(stats.written, SAMPLE_STEPS);
    close_world(&w);
}

FIBER_TEST(events_older_than_the_settings_say_are_let_go) {
    struct world w;
    queue_id *ids = NULL;
    open_world(&w);
    for (uint64_t n = 0; n < 600; n++)
        add_message(&w, n);
    assert_int_equal(fiber_sleep(29 * USEC_DAY), 0);
    assert_int_equal(found(&w, "reader17@example.jp", &ids), 1);
    add(&w, ROLE_EDGE, 0, "young");
    assert_int_equal(fiber_sleep(2 * USEC_DAY), 0);
    assert_int_equal(found(&w, "reader17@example.jp", &ids), 0);
    assert_int_equal(found(&w, "offer number 17 ", &ids), 0);
    struct event_list events = ask_log(&w, (struct event_log_question){0});
    assert_int_equal(events.count, 1);
    assert_slice(events.list[0].text, "young");
    close_world(&w);
}

/* It began years ahead, and what happened yesterday seems old. */
FIBER_TEST(nothing_is_let_go_while_the_clock_may_be_wrong) {
    struct world w;
    queue_id *ids = NULL;
    open_world(&w);
    add_message(&w, 17);
    stop(&w);
    assert_int_equal(fiber_sleep(3650 * USEC_DAY), 0); /* or it only seems so */
    start(&w);
    add(&w, ROLE_EDGE, 0, "new");
    assert_int_equal(fiber_sleep(USEC_HOUR - USEC_MIN), 0);
    assert_int_equal(found(&w, "reader17@example.jp", &ids), 1);
    assert_int_equal(fiber_sleep(2 * USEC_MIN), 0);
    assert_int_equal(found(&w, "reader17@example.jp", &ids), 0);
    close_world(&w);
}

FIBER_TEST(nothing_is_let_go_when_the_clock_has_just_jumped) {
    struct world w;
    queue_id *ids = NULL;
    open_world(&w);
    add_message(&w, 17);
    assert_int_equal(fiber_sleep(2 * USEC_HOUR), 0);
    fiber_scheduler->wall_offset += 3650 * USEC_DAY;
    add(&w, ROLE_EDGE, 0, "new");
    assert_int_equal(fiber_sleep(USEC_HOUR - USEC_MIN), 0);
    assert_int_equal(found(&w, "reader17@example.jp", &ids), 1);
    assert_int_equal(fiber_sleep(2 * USEC_MIN), 0);
    add(&w, ROLE_EDGE, 0, "newer");
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(found(&w, "reader17@example.jp", &ids), 0);
    close_world(&w);
}

/* More of them than are looked at in one go. */
FIBER_TEST(events_of_a_clock_that_was_ahead_keep_no_others) {
    struct world w;
    queue_id *ids = NULL;
    open_world(&w);
    event_log_set_limits(w.events, 3 * USEC_DAY, 1 << 30);
    fiber_scheduler->wall_offset += 3650 * USEC_DAY;
    for (uint64_t n = 0; n < 1500; n++)
        add_message(&w, n);
    fiber_scheduler->wall_offset -= 3650 * USEC_DAY;
    assert_int_equal(fiber_sleep(2 * USEC_DAY), 0);
    add_message(&w, 2000);
    assert_int_equal(fiber_sleep(2 * USEC_DAY), 0);
    add(&w, ROLE_EDGE, 0, "young");
    assert_int_equal(found(&w, "reader17@example.jp", &ids), 1);
    assert_int_equal(fiber_sleep(36 * USEC_HOUR), 0);
    add(&w, ROLE_EDGE, 0, "new");
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(found(&w, "reader17@example.jp", &ids), 0);
    struct event_list events = ask_log(&w, (struct event_log_question){0});
    assert_int_equal(events.count, 2);
    assert_slice(events.list[0].text, "young");
    close_world(&w);
}

FIBER_TEST(sequence_numbers_go_on_when_all_is_old) {
    struct world w;
    open_world(&w);
    add_message(&w, 1);
    assert_int_equal(fiber_sleep(60 * USEC_DAY), 0);
    stop(&w);
    start(&w);
    add(&w, ROLE_EDGE, 0, "new");
    struct event_list events = ask_log(&w, (struct event_log_question){.last = 1});
    assert_int_equal(events.list[0].sequence, SAMPLE_STEPS + 1);
    close_world(&w);
}

FIBER_TEST(the_file_stays_within_its_bound) {
    struct world w;
    struct stat st;
    prepare(&w);
    w.options.size_max = 4 << 20;
    start(&w);
    for (uint64_t n = 0; n < 20000; n++) { /* about 23 MB */
        add_message(&w, n);
        if (n % 100 == 0)
            assert_int_equal(fiber_sleep(20 * USEC_MS), 0);
    }
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    struct event_list events = ask_log(&w, (struct event_log_question){0});
    assert_true(events.list[0].sequence > 50000);
    events = ask_log(&w, (struct event_log_question){.last = 1});
    assert_int_equal(events.list[0].sequence, 80000);
    stop(&w);
    assert_int_equal(stat(w.path, &st), 0);
    assert_in_range(st.st_size, 1 << 20, 5 << 20);
    start(&w);
    close_world(&w);
}

FIBER_TEST(a_smaller_bound_makes_the_file_smaller) {
    struct world w;
    struct stat before, after;
    open_world(&w);
    for (uint64_t n = 0; n < 15000; n++)
        add_message(&w, n);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    stop(&w);
    assert_int_equal(stat(w.path, &before), 0);
    assert_true(before.st_size > 12 << 20);
    start(&w);
    event_log_set_limits(w.events, 30 * USEC_DAY, 2 << 20);
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    stop(&w);
    assert_int_equal(stat(w.path, &after), 0);
    assert_true(after.st_size <= 11 << 20); /* up to 8 MB unused may stay */
    close_world(&w);
}

/* ------------------------------------------------------------------ bad days */

static void write_file(const char *path, const char *bytes, size_t len, off_t at) {
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    (void)close(fd);
}

static bool put_aside(const struct world *w) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s.damaged", w->path);
    return access(path, F_OK) == 0;
}

FIBER_TEST(a_file_that_is_no_database_is_put_aside) {
    struct world w;
    static const char garbage[8192] = "This is not a database.";
    prepare(&w);
    write_file(w.path, garbage, sizeof garbage, 0);
    start(&w);
    add_message(&w, 1);
    assert_int_equal(journey(&w, sample_message(1), 0, 0).count, SAMPLE_STEPS);
    assert_true(put_aside(&w));
    assert_int_equal(w.said, 1);
    assert_true(slice_find(slice_of_str(w.last_said), S("events.db is not an SQLite")) >= 0);
    struct event_list events = ask_log(&w, (struct event_log_question){.role = S("events")});
    assert_int_equal(events.count, 1);
    close_world(&w);
}

FIBER_TEST(a_newer_format_is_put_aside) {
    struct world w;
    sqlite3 *db;
    open_world(&w);
    add_message(&w, 1);
    stop(&w);
    assert_int_equal(sqlite3_open(w.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    start(&w);
    add_message(&w, 2);
    assert_int_equal(journey(&w, sample_message(2), 0, 0).count, SAMPLE_STEPS);
    assert_int_equal(journey(&w, sample_message(1), 0, 0).count, 0);
    assert_true(put_aside(&w));
    close_world(&w);
}

FIBER_TEST(damage_met_at_work_begins_a_new_database) {
    struct world w;
    static char garbage[4096];
    struct stat st;
    queue_id *ids;
    size_t count;
    open_world(&w);
    for (uint64_t n = 0; n < 5000; n++)
        add_message(&w, n);
    stop(&w);
    assert_int_equal(stat(w.path, &st), 0);
    memset(garbage, 0x5a, sizeof garbage);
    for (off_t at = 8 * 4096; at < st.st_size; at += 4096)
        write_file(w.path, garbage, sizeof garbage, at);
    start(&w);
    (void)event_log_find(
        w.events,
        &(struct event_log_search){.words = (struct slice[]){S("reader17@example.jp")}, .count = 1},
        20, &w.arena, &ids, &count, NULL);
    add_message(&w, 6000);
    assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
    assert_int_equal(journey(&w, sample_message(6000), 0, 0).count, SAMPLE_STEPS);
    assert_true(put_aside(&w));
    assert_int_equal(w.said, 1);
    close_world(&w);
}

FIBER_TEST(rows_that_somebody_else_added_are_no_obstacle) {
    struct world w;
    sqlite3 *db;
    open_world(&w);
    add_message(&w, 1);
    assert_int_equal(journey(&w, sample_message(1), 0, 0).count, SAMPLE_STEPS);
    assert_int_equal(sqlite3_open(w.path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "INSERT INTO event VALUES (5, 0, NULL, x'00')", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    add_message(&w, 2);
    assert_int_equal(fiber_sleep(20 * USEC_SEC), 0);
    assert_int_equal(journey(&w, sample_message(2), 0, 0).count, SAMPLE_STEPS);
    struct event_list events = ask_log(&w, (struct event_log_question){.after = 4});
    assert_slice(events.list[0].text, "This event cannot be read.");
    close_world(&w);
}

/* What this program does when it is started as "look". */
static int look(const char *path) {
    sqlite3 *db;
    bool read = sqlite3_open(path, &db) == SQLITE_OK &&
                sqlite3_exec(db, "SELECT count(*) FROM event", NULL, NULL, NULL) == SQLITE_OK;
    return sqlite3_close(db) != SQLITE_OK || !read;
}

FIBER_TEST(another_program_may_look_into_the_event_log_while_it_works) {
    struct world w;
    struct stat st;
    char log[112];
    int status = -1;
    open_world(&w);
    (void)snprintf(log, sizeof log, "%s-wal", w.path);
    add_message(&w, 1);
    assert_int_equal(journey(&w, sample_message(1), 0, 0).count, SAMPLE_STEPS);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl("/proc/self/exe", "look", w.path, NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(stat(log, &st), 0);
    add_message(&w, 2);
    assert_int_equal(journey(&w, sample_message(2), 0, 0).count, SAMPLE_STEPS);
    close_world(&w);
}

FIBER_TEST(a_follower_from_before_the_damage_gets_what_comes) {
    struct world w;
    open_world(&w);
    add(&w, ROLE_EDGE, 0, "old");
    struct event_list events =
        ask_log(&w, (struct event_log_question){.after = 1000000, .wait = USEC_SEC});
    assert_int_equal(events.count, 0);
    assert_int_equal(fiber_spawn("later", add_later, &w), 0);
    events = ask_log(&w, (struct event_log_question){.after = 1000000, .wait = USEC_MIN});
    assert_int_equal(events.count, 1);
    assert_int_equal(fiber_sleep(5 * USEC_SEC), 0);
    close_world(&w);
}

FIBER_TEST(without_a_database_events_wait_in_memory) {
    struct world w;
    struct event_list events;
    prepare(&w);
    assert_int_equal(rmdir(w.folder), 0);
    start(&w);
    add_message(&w, 1);
    assert_int_equal(event_log_journey(w.events, sample_message(1), 0, 0, &w.arena, &events, NULL),
                     -ENOENT);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(w.said, 1); /* once, not every few seconds */
    assert_true(slice_starts(slice_of_str(w.last_said), S("error: Events cannot be written")));
    assert_int_equal(mkdir(w.folder, 0700), 0);
    assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
    assert_int_equal(journey(&w, sample_message(1), 0, 0).count, SAMPLE_STEPS);
    close_world(&w);
}

FIBER_TEST(memory_is_bounded_and_losses_are_said) {
    struct world w;
    struct event_log_stats stats;
    prepare(&w);
    w.options.memory_max = 100000;
    assert_int_equal(rmdir(w.folder), 0);
    start(&w);
    for (uint64_t n = 0; n < 1000; n++)
        add_message(&w, n);
    event_log_stats(w.events, &stats);
    assert_in_range(stats.waiting_bytes, 90000, 110000);
    assert_int_equal(stats.added + stats.lost, 4000);
    assert_int_equal(mkdir(w.folder, 0700), 0);
    assert_int_equal(fiber_sleep(10 * USEC_SEC), 0);
    struct event_list events = ask_log(&w, (struct event_log_question){.last = 1});
    assert_slice(events.list[0].kind, "lost");
    char expected[100];
    (void)snprintf(expected, sizeof expected,
                   "Events were not kept (%llu): they came faster than they can be written.",
                   (unsigned long long)stats.lost);
    assert_slice(events.list[0].text, expected);
    close_world(&w);
}

/* So that one of them in the hands of a stranger cannot have all else forgotten. */
FIBER_TEST(who_faces_the_outside_fills_half_of_the_memory) {
    static const enum role outside[] = {ROLE_EDGE, ROLE_RELAY, ROLE_RESOLVER};
    struct world w;
    struct event_log_stats stats;
    struct event e = {.kind = S(KIND_REJECTED), .text = S("Not wanted.")};
    prepare(&w);
    w.options.memory_max = 100000;
    w.options.outside = ROLE_BIT(ROLE_EDGE) | ROLE_BIT(ROLE_RELAY) | ROLE_BIT(ROLE_RESOLVER);
    assert_int_equal(rmdir(w.folder), 0);
    start(&w);
    for (uint64_t n = 0; n < 6000; n++)
        event_log_add(w.events, outside[n % 3], &e);
    event_log_stats(w.events, &stats);
    assert_in_range(stats.waiting_bytes, 45000, 55000);
    uint64_t before = stats.added;
    for (uint64_t n = 0; n < 100; n++)
        event_log_add(w.events, ROLE_QUEUE, &e);
    event_log_stats(w.events, &stats);
    assert_int_equal(stats.added, before + 100);
    assert_int_equal(mkdir(w.folder, 0700), 0);
    close_world(&w);
}

FIBER_TEST(a_clock_gone_mad_is_not_believed) {
    struct world w;
    open_world(&w);
    struct event e = {.wall = INT64_MAX, .kind = S(KIND_RELOAD), .text = S("when?")};
    event_log_add(w.events, ROLE_EDGE, &e);
    struct event_list events = ask_log(&w, (struct event_log_question){0});
    assert_int_equal(events.list[0].wall, fiber_wall());
    close_world(&w);
}

/* ------------------------------------------------------------------ with real threads */

static void see_after_kill(void *arg) {
    struct world *w = arg;
    start(w);
    assert_int_equal(journey(w, sample_message(5), 0, 0).count, SAMPLE_STEPS);
    add_message(w, 1000000000);
    assert_int_equal(journey(w, sample_message(1000000000), 0, 0).count, SAMPLE_STEPS);
    assert_int_equal(w->said, 0);
    assert_false(put_aside(w));
    close_world(w);
}

static void add_until_killed(void *arg) {
    struct world *w = arg;
    start(w);
    for (uint64_t n = 0;; n++) {
        add_message(w, n);
        if (n % 20 == 0)
            (void)fiber_sleep(USEC_MS);
    }
}

/* kill -9 in the middle of writing: what was written before is there, and it goes on. */
static void a_killed_event_log_is_not_damaged(void **state) {
    struct world w;
    struct fiber_config config = {0};
    struct stat st = {0};
    (void)state;
    prepare(&w);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fiber_run(&config, add_until_killed, &w) < 0);
    for (unsigned i = 0; i < 1000 && st.st_size < 300000; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s-wal", w.path);
        (void)stat(path, &st);
        (void)usleep(5000);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(fiber_run(&config, see_after_kill, &w), 0);
}

static void keep_asking(void *arg) {
    struct world *w = arg;
    queue_id *ids;
    while (fiber_yield() == 0) {
        _cleanup_(arena_done) struct arena a = {0};
        size_t count = 0;
        int r = event_log_find(w->events,
                               &(struct event_log_search){
                                   .words = (struct slice[]){S("user5@example.net")}, .count = 1},
                               5, &a, &ids, &count, NULL);
        assert_true(r == 0 || (r == -ECANCELED && fiber_cancelled()));
    }
}

REAL_FIBER_TEST(reading_goes_on_while_writing) {
    struct world w;
    struct fiber *asking;
    queue_id *ids = NULL;
    open_world(&w);
    assert_int_equal(fiber_start("asking", keep_asking, &w, &asking), 0);
    for (uint64_t n = 0; n < 5000; n++) {
        add_message(&w, n);
        if (n % 50 == 0)
            assert_int_equal(fiber_yield(), 0);
    }
    fiber_cancel(asking);
    fiber_join(asking);
    assert_int_equal(found(&w, "user5@example.net", &ids), 5);
    assert_int_equal(ids[0], sample_message(4005));
    close_world(&w);
}

static void search_in_vain(void *arg) {
    struct world *w = arg;
    queue_id *ids;
    size_t count;
    assert_int_equal(event_log_find(w->events,
                                    &(struct event_log_search){
                                        .words = (struct slice[]){S("nowhere")}, .count = 1},
                                    5, &w->arena, &ids, &count, NULL),
                     -ECANCELED);
}

REAL_FIBER_TEST(a_search_ends_with_who_asked_for_it) {
    struct world w;
    struct fiber *asking;
    queue_id *ids;
    open_world(&w);
    for (uint64_t n = 0; n < 5000; n++)
        add_message(&w, n);
    assert_int_equal(found(&w, "nowhere", &ids), 0);
    assert_int_equal(fiber_start("asking", search_in_vain, &w, &asking), 0);
    assert_int_equal(fiber_yield(), 0);
    fiber_cancel(asking);
    fiber_join(asking);
    close_world(&w);
}

int main(int argc, char **argv) {
    if (strcmp(argv[0], "look") == 0)
        return look(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_journey_has_the_events_of_its_message_in_order),
        cmocka_unit_test(test_messages_are_found_by_what_people_know),
        cmocka_unit_test(test_two_words_find_what_is_behind_many_messages_of_one),
        cmocka_unit_test(test_the_newest_messages_come_first),
        cmocka_unit_test(test_an_address_that_stands_for_others_is_found_by_both),
        cmocka_unit_test(test_an_answer_has_at_most_a_hundred_events),
        cmocka_unit_test(test_an_answer_fits_into_a_frame),
        cmocka_unit_test(test_the_log_has_all_events_in_order),
        cmocka_unit_test(test_the_last_events_of_a_role),
        cmocka_unit_test(test_words_are_found_behind_any_number_of_other_events),
        cmocka_unit_test(test_a_rare_role_is_found_behind_many_others),
        cmocka_unit_test(test_a_call_waits_for_news_of_its_message),
        cmocka_unit_test(test_a_call_without_news_ends_in_time),
        cmocka_unit_test(test_the_log_is_followed_role_by_role),
        cmocka_unit_test(test_a_search_ends_with_who_asked_for_it),
        cmocka_unit_test(test_stopping_ends_all_waits),
        cmocka_unit_test(test_stopping_writes_what_is_left),
        cmocka_unit_test(test_events_are_written_soon),
        cmocka_unit_test(test_events_older_than_the_settings_say_are_let_go),
        cmocka_unit_test(test_nothing_is_let_go_while_the_clock_may_be_wrong),
        cmocka_unit_test(test_nothing_is_let_go_when_the_clock_has_just_jumped),
        cmocka_unit_test(test_events_of_a_clock_that_was_ahead_keep_no_others),
        cmocka_unit_test(test_sequence_numbers_go_on_when_all_is_old),
        cmocka_unit_test(test_the_file_stays_within_its_bound),
        cmocka_unit_test(test_a_smaller_bound_makes_the_file_smaller),
        cmocka_unit_test(test_a_file_that_is_no_database_is_put_aside),
        cmocka_unit_test(test_a_newer_format_is_put_aside),
        cmocka_unit_test(test_damage_met_at_work_begins_a_new_database),
        cmocka_unit_test(test_rows_that_somebody_else_added_are_no_obstacle),
        cmocka_unit_test(test_another_program_may_look_into_the_event_log_while_it_works),
        cmocka_unit_test(test_a_follower_from_before_the_damage_gets_what_comes),
        cmocka_unit_test(test_without_a_database_events_wait_in_memory),
        cmocka_unit_test(test_memory_is_bounded_and_losses_are_said),
        cmocka_unit_test(test_who_faces_the_outside_fills_half_of_the_memory),
        cmocka_unit_test(test_a_clock_gone_mad_is_not_believed),
        cmocka_unit_test(a_killed_event_log_is_not_damaged),
        cmocka_unit_test(test_reading_goes_on_while_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
