/* SPDX-License-Identifier: ISC */
/* Messages in a real index: what is found in them is a hit, where it was asked for. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "search/confirm.h"
#include "search/index.h"
#include "search/reading.h"

static const char *const messages[] = {
    "From: Tama <tama@example.test>\r\nSubject: fish for dinner\r\nX-Mark: one\r\n\r\n"
    "There is tuna, and\r\nmore of it.\r\n",
    "From: =?utf-8?B?5bGx55Sw5aSq6YOO?= <yamada@example.test>\r\n"
    "Subject: =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=\r\n"
    "Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n\x1b$BEl5~ET$N2q5D<<\x1b(B\r\n",
    "Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<p>chicken &amp; <b>din</b>ner</p>\r\n"
    "--b\r\nContent-Type: application/pdf; name=\"=?utf-8?B?5aCx5ZGK?=.pdf\"\r\n\r\nx\r\n--b--\r\n",
};

static void index_messages(struct search_index *ix) {
    _cleanup_(search_document_done) struct search_document d = {0};
    _cleanup_(search_reading_free_p) struct search_reading *r = search_reading_new(&d);
    assert_int_equal(search_index_begin(ix), 0);
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        search_document_clear(&d);
        for (struct slice m = slice_of_str(messages[i]); m.len > 0; m = slice_from(m, 10))
            search_reading_feed(r, slice_first(m, 10));
        search_reading_end(r);
        assert_int_equal(search_index_add(ix, i + 1, 0, &d), 0);
    }
    assert_int_equal(search_index_end(ix, 0), 0);
}

static void check(struct search_index *ix, enum search_field field, const char *needle,
                  const char *expected) {
    _cleanup_(buf_done) struct buf folded = {0}, text = {0};
    struct search_hits hits;
    search_fold_needle(slice_of_str(needle), &folded);
    assert_int_equal(search_index_find(ix, field, buf_slice(&folded), USEC_NEVER, &hits), 0);
    assert_true(hits.narrows);
    for (size_t i = 0; i < hits.count; i++)
        buf_printf(&text, "%llu ", (unsigned long long)hits.bodies[i]);
    search_hits_done(&hits);
    assert_slice(buf_slice(&text), expected);
}

static void test_what_is_in_a_message_is_a_hit(void **state) {
    char folder[] = "/tmp/test-reading-XXXXXX", file[64];
    struct search_index *ix;
    struct problem problem;
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/search.db", folder);
    assert_int_equal(search_index_open(file, SEARCH_WRITE, &ix, &problem), 0);
    index_messages(ix);
    check(ix, SEARCH_ANY, "dinner", "1 3 ");
    check(ix, SEARCH_SUBJECT, "dinner", "1 ");
    check(ix, SEARCH_ANY, "tuna, and more", "1 ");
    check(ix, SEARCH_ANY, "x-mark: one", "1 ");
    check(ix, SEARCH_FROM, "tama@example", "1 ");
    check(ix, SEARCH_FROM, "山田太郎 <yamada", "2 ");
    check(ix, SEARCH_SUBJECT, "会議", "2 ");
    check(ix, SEARCH_ANY, "京都の会議室", "2 ");
    check(ix, SEARCH_ANY, "報告.pdf", "3 ");
    check(ix, SEARCH_ANY, "chicken & din", "3 ");
    check(ix, SEARCH_ANY, "nowhere", "");
    search_index_close(ix);
    assert_int_equal(search_index_discard(file), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_blanks_are_one_blank_wherever_they_stand(void **state) {
    static const char letters[] = "ab    \t\r\n.\x01";
    (void)state;
    for (unsigned n = 0; n < 20000; n++) {
        _cleanup_(buf_done) struct buf folded = {0}, expected = {0};
        char text[40];
        const size_t len = random_below(sizeof text);
        for (size_t i = 0; i < len; i++) {
            text[i] = letters[random_below(sizeof letters - 1)];
            if (!ascii_is_space(text[i]))
                buf_add_byte(&expected, text[i]);
            else if (expected.len == 0 || expected.ptr[expected.len - 1] != ' ')
                buf_add_byte(&expected, ' ');
        }
        search_fold(slice_of(text, len), &folded);
        assert_true(slice_eq(buf_slice(&folded), buf_slice(&expected)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_in_a_message_is_a_hit),
        cmocka_unit_test(test_blanks_are_one_blank_wherever_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
