/* SPDX-License-Identifier: ISC */
/* Orders of SORT and THREAD that are kept: bounded, and never another answer than that of who asks
 * without them. */
#include "imap/search/results.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "talk.h"
#include "unit.h"

/* ------------------------------------------------------------------ what is kept */

#define SIZE 1000U

static struct imap_results_key key_of(uint64_t how) {
    return (struct imap_results_key){.account = 1, .how = how, .count = IMAP_RESULTS_FROM};
}

static void put(struct imap_results *r, uint64_t how, char fill) {
    const struct imap_results_key key = key_of(how);
    char result[SIZE];
    memset(result, fill, sizeof result);
    imap_results_put(r, &key, slice_of(result, sizeof result));
}

/* The octet that a result is filled with; 0: there is none. */
static char kept(struct imap_results *r, uint64_t how) {
    _cleanup_(buf_done) struct buf result = {0};
    const struct imap_results_key key = key_of(how);
    if (!imap_results_get(r, &key, &result))
        return 0;
    assert_int_equal(result.len, SIZE);
    return result.ptr[SIZE - 1];
}

static void those_used_last_stay_within_the_bound(void **state) {
    struct imap_results *r = imap_results_new(SIZE * 7 / 2);
    put(r, 1, 'a');
    put(r, 2, 'b');
    assert_int_equal(kept(r, 1), 'a');
    put(r, 3, 'c');
    put(r, 4, 'd');
    assert_int_equal(kept(r, 2), 0);
    assert_int_equal(kept(r, 1), 'a');
    assert_int_equal(kept(r, 3), 'c');
    assert_int_equal(kept(r, 4), 'd');
    assert_true(imap_results_held(r) <= SIZE * 7 / 2);
    imap_results_free(r);
}

static void one_that_is_found_twice_is_kept_once(void **state) {
    struct imap_results *r = imap_results_new((size_t)10 * SIZE);
    put(r, 1, 'a');
    const size_t held = imap_results_held(r);
    put(r, 1, 'b');
    assert_int_equal(imap_results_held(r), held);
    assert_int_equal(kept(r, 1), 'b');
    imap_results_free(r);
}

static void what_is_too_large_or_of_few_messages_is_not_kept(void **state) {
    struct imap_results *r = imap_results_new(SIZE);
    struct imap_results_key key = key_of(2);
    put(r, 1, 'a');
    assert_int_equal(imap_results_held(r), 0);
    key.count--;
    imap_results_put(r, &key, S("abc"));
    assert_int_equal(imap_results_held(r), 0);
    imap_results_free(r);
}

static void whatever_differs_is_another_result(void **state) {
    struct imap_session s = {.account_id = 7, .uidvalidity = 9, .told = {.mailbox = 3}};
    const uint32_t uids[] = {1, 2, 5};
    const struct buf list = {.ptr = (char *)(uintptr_t)uids, .len = sizeof uids},
                     fewer = {.ptr = list.ptr, .len = 2 * sizeof *uids};
    struct imap_results_key key = imap_results_key(&s, S("SORT"), &list), other;
    other = imap_results_key(&s, S("SORT"), &list);
    assert_memory_equal(&key, &other, sizeof key);
    other = imap_results_key(&s, S("sort"), &list);
    assert_memory_not_equal(&key, &other, sizeof key);
    other = imap_results_key(&s, S("SORT"), &fewer);
    assert_memory_not_equal(&key, &other, sizeof key);
    s.told.mailbox = 4;
    other = imap_results_key(&s, S("SORT"), &list);
    assert_memory_not_equal(&key, &other, sizeof key);
    s.told.mailbox = 3;
    s.uidvalidity = 10;
    other = imap_results_key(&s, S("SORT"), &list);
    assert_memory_not_equal(&key, &other, sizeof key);
    s.uidvalidity = 9;
    s.account_id = 8;
    other = imap_results_key(&s, S("SORT"), &list);
    assert_memory_not_equal(&key, &other, sizeof key);
}

/* ------------------------------------------------------------------ sessions */

static const char *const asked[] = {
    "a SORT (SUBJECT) UTF-8 ALL",
    "a SORT (REVERSE SUBJECT DATE) UTF-8 ALL",
    "a UID SORT (SIZE REVERSE FROM) UTF-8 NOT DELETED",
    "a SORT (REVERSE ARRIVAL) UTF-8 ALL",
    "a THREAD REFERENCES UTF-8 ALL",
    "a UID THREAD REFS UTF-8 ALL",
    "a THREAD ORDEREDSUBJECT UTF-8 SEEN",
};

static void hear_nothing(struct talk *t, struct slice line) {
    (void)t;
    (void)line;
}

static void append(struct talk *t, unsigned number) WAITS {
    _cleanup_(buf_done) struct buf text = {0}, command = {0};
    buf_printf(&text,
               "Subject: %c%u\r\nFrom: p%u@x.test\r\nMessage-ID: <m%u@x.test>\r\n"
               "References: <m%u@x.test>\r\n\r\n%*s\r\n",
               number % 2 ? 'a' : 'B', (unsigned)random_below(10), (unsigned)random_below(5),
               number, (unsigned)random_below(number + 1), 1 + (int)random_below(20), "x");
    buf_printf(&command, "x APPEND INBOX%s {%zu+}\r\n%s", number % 3 ? "" : " (\\Seen)", text.len,
               buf_str(&text));
    (void)talk_ask(t, buf_str(&command));
}

static void fill(struct talk *t) WAITS {
    for (unsigned i = 1; i <= 25; i++)
        append(t, i);
    for (unsigned count = 25; count < 2 * IMAP_RESULTS_FROM; count *= 2)
        (void)talk_ask(t, "x COPY 1:* INBOX");
}

/* Twice, so that what was kept by the first is told by the second. */
static void assert_same_answers(struct talk *keeping, struct talk *plain) WAITS {
    (void)talk_ask(keeping, "n NOOP");
    (void)talk_ask(plain, "n NOOP");
    for (size_t i = 0; i < 2 * ARRAY_SIZE(asked); i++) {
        const char *command = asked[i % ARRAY_SIZE(asked)];
        struct slice answer = talk_ask(keeping, command), expected = talk_ask(plain, command);
        if (!slice_eq(answer, expected))
            fail_msg("%s: %.*s instead of %.*s", command, SLICE_ARG(slice_first(answer, 500)),
                     SLICE_ARG(slice_first(expected, 500)));
    }
}

WORLD_TEST_BOTH(answers_are_the_same_whatever_others_do) {
    static const char *const done[] = {
        "x UID STORE 3:9,2000:2100 +FLAGS.SILENT (\\Seen \\Deleted)",
        "x UID EXPUNGE 5,7,2000:2050",
        "x UID STORE 1:* -FLAGS.SILENT (\\Deleted)",
        "x UID COPY 11 INBOX",
    };
    struct imap_results *results = imap_results_new(IMAP_RESULTS_BYTES);
    struct talk keeping, plain;
    random_fix(5256);
    world_open(w);
    talk_begin(&plain, w, hear_nothing);
    fill(&plain);
    talk_begin_keeping(&keeping, w, hear_nothing, results);
    assert_same_answers(&keeping, &plain);
    assert_true(imap_results_held(results) > 0);
    for (size_t i = 0; i < ARRAY_SIZE(done); i++) {
        (void)talk_ask(&plain, done[i]);
        assert_same_answers(&keeping, &plain);
    }
    append(&plain, 99);
    assert_same_answers(&keeping, &plain);
    talk_end(&keeping);
    talk_end(&plain);
    imap_results_free(results);
    world_close(w);
}

/* What cannot come from sorting shows it. */
WORLD_TEST_BOTH(what_one_session_has_found_is_told_by_another) {
    _cleanup_(buf_done) struct buf uids = {0}, wrong = {0};
    struct imap_results *results = imap_results_new(IMAP_RESULTS_BYTES);
    struct imap_session session = {.account_id = TEST_ACCOUNT, .told = {.mailbox = STORE_INBOX}};
    const char by_size[] = {'S', 'O', 'R', 'T', IMAP_SORT_SIZE, 0};
    struct store_mailbox m;
    struct talk talk;
    world_open(w);
    talk_begin_keeping(&talk, w, hear_nothing, results);
    fill(&talk);
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    session.uidvalidity = m.uidvalidity;
    for (uint32_t uid = 1; uid < m.uidnext; uid++)
        buf_add_bytes(&uids, &uid, sizeof uid);
    for (uint32_t uid = m.uidnext - 1; uid > 0; uid--)
        buf_add_bytes(&wrong, &uid, sizeof uid);
    const struct imap_results_key key =
        imap_results_key(&session, slice_of(by_size, sizeof by_size), &uids);
    imap_results_put(results, &key, buf_slice(&wrong));
    char begin[32];
    (void)snprintf(begin, sizeof begin, "* SORT %u %u ", m.uidnext - 1, m.uidnext - 2);
    assert_true(slice_starts(talk_ask(&talk, "a SORT (SIZE) UTF-8 ALL"), slice_of_str(begin)));
    talk_end(&talk);
    imap_results_free(results);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_used_last_stay_within_the_bound),
        cmocka_unit_test(one_that_is_found_twice_is_kept_once),
        cmocka_unit_test(what_is_too_large_or_of_few_messages_is_not_kept),
        cmocka_unit_test(whatever_differs_is_another_result),
        BOTH(answers_are_the_same_whatever_others_do),
        BOTH(what_one_session_has_found_is_told_by_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
