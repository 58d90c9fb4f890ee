/* SPDX-License-Identifier: ISC */
/* Paths of other accounts' mailboxes, and what a visit and its session say to each other. */
#include "imap/visit/others.h"

#include "base/error.h"
#include "unit.h"

static void check(const char *path, const char *owner, const char *rest) {
    struct slice o = S(""), r = S("");
    bool is = imap_owner_of_path(slice_of_str(path), &o, &r);
    assert_int_equal(is, owner != NULL);
    if (owner) {
        assert_slice(o, owner);
        assert_slice(r, rest);
    }
}

static void test_the_owner_stands_up_to_the_slash_behind_his_domain(void **state) {
    check("Other Users/tama@example.test/INBOX", "tama@example.test", "INBOX");
    check("Other Users/tama@example.test/Work/2026", "tama@example.test", "Work/2026");
    check("Other Users/a/b@example.test/x", "a/b@example.test", "x");
    check("Other Users/tama@example.test", NULL, NULL);
    check("Other Users/tama@example.test/", NULL, NULL);
    check("Other Users/tama/INBOX", NULL, NULL);
    check("Other Users/", NULL, NULL);
    check("Other Users", NULL, NULL);
    check("Other Usersx/tama@example.test/INBOX", NULL, NULL);
    check("INBOX", NULL, NULL);
    check("", NULL, NULL);
}

static const struct imap_terms terms = {.mark = "0123456789abcdef0123456789abcde", .enabled = 0x2a};

static void test_a_mark_says_what_is_selected_and_enabled(void **state) {
    struct imap_terms t = terms;
    char line[IMAP_MARK_LEN];
    bool selected = false;
    unsigned enabled = 0;
    t.mark[31] = 'f';
    imap_mark(&t, true, line);
    assert_memory_equal(line, "0123456789abcdef0123456789abcdef 1 2a\r\n", IMAP_MARK_LEN);
    assert_true(imap_mark_read(&t, slice_of(line, IMAP_MARK_LEN), &selected, &enabled));
    assert_true(selected);
    assert_int_equal(enabled, 0x2a);
    assert_false(imap_mark_read(&t, slice_of(line, IMAP_MARK_LEN - 1), &selected, &enabled));
    for (size_t i = 0; i < IMAP_MARK_LEN; i++) {
        char before = line[i];
        line[i] = '!';
        assert_false(imap_mark_read(&t, slice_of(line, IMAP_MARK_LEN), &selected, &enabled));
        line[i] = before;
    }
}

static void test_terms_travel(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    struct imap_terms t = terms, back;
    t.mark[31] = 'f';
    imap_terms_write(&t, &text);
    assert_int_equal(imap_terms_read(buf_slice(&text), &back), 0);
    assert_memory_equal(back.mark, t.mark, IMAP_MARK_HEX);
    assert_int_equal(back.enabled, t.enabled);
    for (size_t i = 0; i < text.len; i++) {
        char before = text.ptr[i];
        text.ptr[i] = '~';
        assert_int_equal(imap_terms_read(buf_slice(&text), &back), -E_SYNTAX);
        text.ptr[i] = before;
        assert_int_equal(imap_terms_read(slice_first(buf_slice(&text), i), &back), -E_SYNTAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_owner_stands_up_to_the_slash_behind_his_domain),
        cmocka_unit_test(test_a_mark_says_what_is_selected_and_enabled),
        cmocka_unit_test(test_terms_travel),
    };
    return cmocka_run_group_tests_name("others", tests, NULL, NULL);
}
