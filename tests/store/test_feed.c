/* SPDX-License-Identifier: ISC */
/* The change feed: what has changed since a moment, no more and no less. */
#include "world.h"

#include <stdio.h>

#include "store/feed.h"
#include "store/properties.h"

static void add_mailbox(void *arg, uint32_t mailbox, const struct store_mailbox_changes *c) {
    buf_printf(arg, "%u ", mailbox);
}

static void assert_changed(struct world *w, uint64_t since, const char *mailboxes) {
    _cleanup_(buf_done) struct buf text = {0};
    store_mailboxes_changed(w->account, since, add_mailbox, &text);
    assert_string_equal(buf_str(&text), mailboxes);
}

static void keep_one(void *arg, uint32_t mailbox, const struct store_mailbox_changes *c) {
    *(struct store_mailbox_changes *)arg = *c;
}

static uint64_t now(const struct world *w) {
    return store_account_modseq(w->account);
}

WORLD_TEST_BOTH(mailboxes_come_latest_first) {
    world_open(w);
    uint32_t a = world_mailbox(w, "a"), b = world_mailbox(w, "b");
    struct store_copied copied;
    uint64_t begin = now(w);
    assert_changed(w, begin, "");
    world_fill(w, 2);
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){1}, 1, a, false, &copied), 0);
    assert_changed(w, begin, "2 1 ");
    uint64_t then = now(w);
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){2}, 1, b, true, &copied), 0);
    assert_changed(w, then, "1 3 ");
    assert_changed(w, begin, "1 3 2 ");
    assert_int_equal(store_remove_mailbox(w->account, b, false), 0);
    assert_changed(w, then, "1 ");
    assert_changed(w, now(w), "");
}

WORLD_TEST_BOTH(each_kind_of_change_has_its_modseq) {
    const struct store_flags flags = {.add = STORE_SEEN};
    struct store_flags_changed changed;
    struct store_mailbox_changes c;
    size_t removed;
    world_open(w);
    uint64_t begin = now(w);
    world_fill(w, 1);
    store_mailboxes_changed(w->account, begin, keep_one, &c);
    assert_true(c.arrived == now(w) && c.vanished == 0 && c.flagged == 0);
    uint64_t arrived = c.arrived;
    assert_int_equal(
        store_set_flags(w->account, STORE_INBOX, (const uint32_t[]){1}, 1, &flags, &changed, NULL),
        0);
    store_mailboxes_changed(w->account, begin, keep_one, &c);
    assert_true(c.arrived == arrived && c.vanished == 0 && c.flagged == changed.modseq);
    assert_int_equal(store_expunge(w->account, STORE_INBOX, (const uint32_t[]){1}, 1, &removed), 0);
    store_mailboxes_changed(w->account, begin, keep_one, &c);
    assert_true(c.arrived == arrived && c.vanished == now(w) && c.flagged == changed.modseq);
    uint64_t then = now(w);
    assert_int_equal(store_set_metadata(w->account, STORE_INBOX, S("/private/x"), &S("1")), 0);
    assert_changed(w, then, ""); /* that is no message */
}

static void add_name(void *arg, const struct store_name_change *c) {
    buf_printf(arg, "%u:%.*s>%.*s ", c->mailbox, SLICE_ARG(c->was), SLICE_ARG(c->is));
}

static void assert_names(struct world *w, uint64_t since, const char *expected) {
    _cleanup_(buf_done) struct buf text = {0};
    assert_int_equal(store_name_changes(w->account, since, add_name, &text), 0);
    assert_string_equal(buf_str(&text), expected);
}

WORLD_TEST_BOTH(names_are_told_as_they_were_and_are) {
    world_open(w);
    uint64_t begin = now(w);
    uint32_t a = world_mailbox(w, "a"), b = world_mailbox_in(w, a, "b");
    assert_names(w, begin,
                 "2:>a 3:>a\x1f"
                 "b ");
    uint64_t then = now(w);
    assert_int_equal(store_rename_mailbox(w->account, a, 0, S("c")), 0);
    assert_int_equal(store_rename_mailbox(w->account, b, 0, S("d")), 0);
    assert_int_equal(store_remove_mailbox(w->account, b, false), 0);
    assert_names(w, then,
                 "2:a>c 3:c\x1f"
                 "b>d 3:d> ");
    assert_names(w, now(w), "");
}

WORLD_TEST_BOTH(more_names_than_are_kept_are_too_long_ago) {
    char name[STORE_NAME_MAX + 1];
    world_open(w);
    uint64_t begin = now(w);
    uint32_t a = world_mailbox(w, "a");
    memset(name, 'x', sizeof name);
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(name, 4, "%03u", i);
        name[3] = 'x';
        assert_int_equal(store_rename_mailbox(w->account, a, 0, slice_of(name, STORE_NAME_MAX)), 0);
    }
    _cleanup_(buf_done) struct buf text = {0};
    assert_int_equal(store_name_changes(w->account, begin, add_name, &text), -E_LIMIT);
    assert_int_equal(text.len, 0);
    uint64_t then = now(w);
    assert_int_equal(store_rename_mailbox(w->account, a, 0, S("b")), 0);
    assert_int_equal(store_name_changes(w->account, then, add_name, &text), 0);
    assert_int_equal(text.len, strlen("2:>b ") + STORE_NAME_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(mailboxes_come_latest_first),
        BOTH(each_kind_of_change_has_its_modseq),
        BOTH(names_are_told_as_they_were_and_are),
        BOTH(more_names_than_are_kept_are_too_long_ago),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
