/* SPDX-License-Identifier: ISC */
/* SELECT of a mailbox that is not in memory: it is answered before the messages are read. */
#include <sqlite3.h>
#include <stdio.h>

#include "talk.h"

#define COUNT 100U /* more than are read before the answer */

static void hear(struct talk *t, struct slice line) {
    (void)t, (void)line;
}

static void open_cold(struct world *w) {
    world_open(w);
    world_fill(w, COUNT);
    world_reopen(w);
}

static bool has(struct slice said, const char *text) {
    return slice_find(said, slice_of_str(text)) >= 0;
}

WORLD_TEST(what_the_answer_said_is_what_can_be_fetched) {
    struct talk t;
    open_cold(w);
    talk_begin(&t, w, hear);
    struct slice said = buf_slice(&t.said);
    assert_true(has(said, "* 100 EXISTS\n"));
    assert_true(has(said, "* OK [UNSEEN 1]"));
    assert_true(has(said, "* OK [UIDNEXT 101]"));
    world_fill(w, COUNT + 1);
    said = talk_ask(&t, "a FETCH 1,100 (UID)");
    assert_true(has(said, "* 1 FETCH (UID 1)\n* 100 FETCH (UID 100)\n"));
    assert_true(has(said, "* 101 EXISTS\n"));
    talk_end(&t);
}

/* RFC 7162 §3.2.5: what has changed is told before the answer, so it waits. */
WORLD_TEST(a_client_that_was_away_is_told_what_has_changed) {
    struct talk t;
    char select[80];
    open_cold(w);
    (void)world_flag(w, 7, STORE_FLAGGED, 0);
    world_expunge(w, 9);
    _cleanup_(free_p) struct snapshot *s = world_snapshot(w);
    world_reopen(w);
    talk_begin_as(&t, w, TEST_ACCOUNT, &imap_session_defaults, hear);
    (void)talk_ask(&t, "a ENABLE QRESYNC");
    (void)snprintf(select, sizeof select, "b SELECT INBOX (QRESYNC (%u 1))", s->info.uidvalidity);
    struct slice said = talk_ask(&t, select);
    assert_true(has(said, "* VANISHED (EARLIER) 9\n"));
    assert_true(has(said, "* 7 FETCH (UID 7 FLAGS (\\Flagged)"));
    talk_end(&t);
}

/* It was answered with a count that mail.db had wrongly: there is no way on for this client, and
 * the next one is told the truth. */
WORLD_TEST(a_client_that_was_told_a_wrong_count_is_sent_away) {
    struct talk t;
    struct slice line;
    open_cold(w);
    world_close(w);
    _cleanup_(free_p) char *path = world_path(w, TEST_DB);
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE mailboxes SET messages = 101, unseen = 101", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    world_open(w);
    talk_begin(&t, w, hear);
    assert_true(has(buf_slice(&t.said), "* 101 EXISTS\n"));
    assert_int_equal(stream_read_line(t.stream, 65536, &line), 0);
    assert_true(slice_starts(line, S("* BYE [UNAVAILABLE]")));
    talk_end(&t);
    talk_begin(&t, w, hear);
    assert_true(has(buf_slice(&t.said), "* 100 EXISTS\n"));
    assert_true(has(talk_ask(&t, "a NOOP"), "a OK"));
    talk_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_answer_said_is_what_can_be_fetched),
        cmocka_unit_test(a_client_that_was_away_is_told_what_has_changed),
        cmocka_unit_test(a_client_that_was_told_a_wrong_count_is_sent_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
