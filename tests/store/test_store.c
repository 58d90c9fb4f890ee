/* SPDX-License-Identifier: ISC */
/* What callers of the store are promised, on a good day. */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>

#include "fiber/scheduler.h"

WORLD_TEST_BOTH(d1_a_delivered_message_is_there_byte_for_byte) {
    world_open(w);
    struct slice parts[] = {S("Return-Path: <tama@example.test>\r\n"),
                            S("Subject: neko\r\n\r\n.dot\r\n\xe7\x8c\xab no end")};
    struct store_delivery d = {.mailbox = STORE_INBOX,
                               .key = S("Q1 pochi@example.test"),
                               .parts = parts,
                               .part_count = 2,
                               .arrival = TEST_NOW - 5};
    struct store_delivered done;
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), 0);
    assert_false(done.already);
    assert_int_equal(done.uid, 1);
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 1);
    const struct store_message *l = &s->messages[0];
    assert_int_equal(l->size, parts[0].len + parts[1].len);
    assert_int_equal(s->bytes, l->size);
    assert_int_equal(l->date, TEST_NOW - 5);
    assert_int_equal(l->shape, STORE_DOT_LINES | STORE_EIGHT_BIT | STORE_OPEN_END);
    char bytes[200];
    assert_int_equal(store_read(w->account, l, 0, bytes, sizeof bytes), (ssize_t)l->size);
    assert_memory_equal(bytes, parts[0].ptr, parts[0].len);
    assert_memory_equal(bytes + parts[0].len, parts[1].ptr, parts[1].len);
    assert_int_equal(store_read(w->account, l, parts[0].len, bytes, 7), 7);
    assert_memory_equal(bytes, "Subject", 7);
    free(s);
}

WORLD_TEST_BOTH(a_message_comes_from_a_file_behind_its_prefix) {
    world_open(w);
    char *path = world_path(w, "spooled");
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    size_t len = (2U << 20) + 17;
    char *bytes = mem_alloc(len + 3);
    for (size_t i = 0; i < len + 3; i++)
        bytes[i] = (char)('a' + i % 23);
    assert_int_equal(pwrite(fd, bytes, len + 3, 0), (ssize_t)len + 3);
    struct slice prefix = S("Delivered-To: x\r\n");
    struct store_delivery d = {.mailbox = STORE_INBOX,
                               .parts = &prefix,
                               .part_count = 1,
                               .fd = fd,
                               .offset = 3,
                               .len = len};
    struct store_delivered done;
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), 0);
    struct snapshot *s = world_snapshot(w);
    char *read = mem_alloc(prefix.len + len);
    assert_int_equal(store_read(w->account, &s->messages[0], 0, read, prefix.len + len),
                     (ssize_t)(prefix.len + len));
    assert_memory_equal(read, prefix.ptr, prefix.len);
    assert_memory_equal(read + prefix.len, bytes + 3, len);
    d.len = len + 1; /* the file is shorter: nothing is stored */
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), -E_EOF);
    struct store_usage u;
    store_account_usage(w->account, &u);
    assert_int_equal(u.messages, 1);
    free(s);
    free(read);
    free(bytes);
    free(path);
    close(fd);
}

/* In memory there is no file: whoever wants to send is told so, and reads. */
WORLD_TEST_BOTH(sendfile_gets_the_place_of_the_bytes) {
    world_open(w);
    world_fill(w, 2);
    struct snapshot *s = world_snapshot(w);
    struct store_file b;
    char bytes[16];
    if (w->memory.memory) {
        assert_int_equal(store_file_get(w->account, &s->messages[1], &b), -ENOTSUP);
        assert_int_equal(store_read(w->account, &s->messages[1], 0, bytes, 10), 10);
    } else {
        assert_int_equal(store_file_get(w->account, &s->messages[1], &b), 0);
        assert_int_equal(b.len, 10);
        assert_int_equal(pread(b.fd, bytes, b.len, (off_t)b.offset), 10);
        store_file_release(w->account, &b);
    }
    assert_memory_equal(bytes, "number 2\r\n", 10);
    free(s);
}

WORLD_TEST_BOTH(d6_a_second_delivery_under_a_key_stores_nothing) {
    world_open(w);
    struct store_delivered first = world_deliver(w, "key 1", "number 1\r\n");
    struct store_delivered again = world_deliver(w, "key 1", "number 1\r\n");
    assert_true(again.already);
    assert_int_equal(again.body, first.body);
    assert_int_equal(again.uid, 1);
    EXPECT_UIDS(w, 1);
    world_reopen(w);
    again = world_deliver(w, "key 1", "number 1\r\n");
    assert_true(again.already);
    assert_int_equal(again.body, first.body);
    world_expunge(w, 1);
    assert_true(world_deliver(w, "key 1", "number 1\r\n").already);
    EXPECT_UIDS(w);
    assert_int_equal(world_deliver(w, "key 2", "number 2\r\n").uid, 2);
}

WORLD_TEST_BOTH(messages_without_a_key_are_all_stored) {
    world_open(w);
    assert_int_equal(world_deliver(w, "", "number 1\r\n").uid, 1);
    assert_int_equal(world_deliver(w, "", "number 2\r\n").uid, 2);
    EXPECT_UIDS(w, 1, 2);
}

WORLD_TEST_BOTH(d6_keys_are_forgotten_after_their_lifetime_only) {
    w->solo.key_lifetime = w->memory.key_lifetime = 3 * USEC_DAY;
    world_open(w);
    world_fill(w, 1);
    for (int day = 0; day < 2; day++) {
        fiber_sleep(USEC_DAY + USEC_MIN);
        world_deliver(w, "", "number\r\n");
        world_reopen(w);
        assert_true(world_deliver(w, "key 1", "number 1\r\n").already);
    }
    fiber_sleep(2 * USEC_DAY);
    world_deliver(w, "", "number\r\n");
    world_reopen(w);
    assert_false(world_deliver(w, "key 1", "number 1\r\n").already);
}

/* A machine may start with a clock that is years ahead, and its queue ask for everything again. */
WORLD_TEST(d6_a_clock_that_has_jumped_ahead_forgets_no_keys) {
    w->solo.key_lifetime = 3 * USEC_DAY;
    world_open(w);
    world_fill(w, 1);
    world_reopen(w);
    for (int round = 0; round < 2; round++) {
        fiber_scheduler->wall_offset += 3650 * USEC_DAY;
        world_deliver(w, "", "number\r\n");
        world_reopen(w);
        assert_true(world_deliver(w, "key 1", "number 1\r\n").already);
        fiber_scheduler->wall_offset -= 3650 * USEC_DAY;
        world_deliver(w, "", "number\r\n");
        fiber_sleep(2 * USEC_HOUR);
    }
}

WORLD_TEST(d6_keys_are_forgotten_although_a_clock_was_ahead_once) {
    w->solo.key_lifetime = 3 * USEC_DAY;
    world_open(w);
    fiber_scheduler->wall_offset += 3650 * USEC_DAY;
    world_deliver(w, "", "number\r\n");
    fiber_sleep(2 * USEC_HOUR);
    world_deliver(w, "", "number\r\n");
    fiber_sleep(USEC_MIN); /* it is in the database */
    fiber_scheduler->wall_offset -= 3650 * USEC_DAY;
    world_deliver(w, "key 1", "number 1\r\n");
    fiber_sleep(4 * USEC_DAY);
    world_deliver(w, "", "number\r\n");
    world_reopen(w);
    assert_false(world_deliver(w, "key 1", "number 1\r\n").already);
}

/* The message may have been held back for weeks before: what counts is when it was stored. */
WORLD_TEST_BOTH(d6_the_key_of_a_message_that_waited_long_is_remembered_as_long) {
    struct slice part = S("number 1\r\n");
    struct store_delivery late = {.mailbox = STORE_INBOX,
                                  .key = S("late"),
                                  .arrival = TEST_NOW - 30 * USEC_DAY,
                                  .parts = &part,
                                  .part_count = 1};
    struct store_delivered d;
    w->solo.key_lifetime = w->memory.key_lifetime = 3 * USEC_DAY;
    world_open(w);
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &late, &d), 0);
    world_reopen(w);
    assert_true(world_deliver(w, "late", "number 1\r\n").already);
    fiber_sleep(USEC_DAY + USEC_MIN);
    world_deliver(w, "", "number 2\r\n");
    world_expunge(w, 1);
    world_reopen(w);
    assert_int_equal(store_compact(w->account), 0);
    world_reopen(w);
    assert_true(world_deliver(w, "late", "number 1\r\n").already);
    EXPECT_UIDS(w, 2);
}

WORLD_TEST_BOTH(rfc9051_2_3_1_uids_only_grow_and_stay) {
    world_open(w);
    world_fill(w, 3);
    world_expunge(w, 3);
    world_reopen(w);
    assert_int_equal(world_deliver(w, "key 4", "number 4\r\n").uid, 4);
    EXPECT_UIDS(w, 1, 2, 4);
    struct store_mailbox before, after;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &before), 0);
    world_reopen(w);
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &after), 0);
    assert_int_equal(after.uidvalidity, before.uidvalidity);
    assert_int_equal(after.uidnext, 5);
    assert_int_equal(after.modseq, before.modseq);
    EXPECT_UIDS(w, 1, 2, 4);
}

/* A client that was told a UIDNEXT looks for new messages from there on. */
static unsigned looks;

static void look_at_uidnext(void *arg, int fd) {
    const struct world *w = arg;
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    assert_int_equal(m.uidnext, m.messages + 1);
    looks++;
}

static int look_before_commit(void *arg) {
    const struct world *w = arg;
    if (w->account) /* it is open */
        look_at_uidnext(arg, 0);
    return 0;
}

WORLD_TEST_BOTH(rfc9051_2_3_1_1_a_uidnext_that_was_seen_is_durable) {
    w->memory.before_commit = look_before_commit;
    w->memory.arg = w;
    world_open(w);
    looks = 0;
    disk.before_sync = look_at_uidnext;
    disk.arg = w;
    world_fill(w, 3);
    disk.before_sync = NULL;
    assert_true(looks >= 3);
    look_at_uidnext(w, 0);
}

WORLD_TEST_BOTH(rfc1939_7_uidl_never_changes_and_never_repeats) {
    world_open(w);
    world_fill(w, 2);
    char first[STORE_UIDL_SIZE], second[STORE_UIDL_SIZE], text[STORE_UIDL_SIZE];
    struct snapshot *s = world_snapshot(w);
    store_uidl(&s->messages[0], first);
    struct slice u = store_uidl(&s->messages[1], second);
    assert_true(u.len >= 1 && u.len <= 70);
    for (size_t i = 0; i < u.len; i++)
        assert_true(u.ptr[i] >= 0x21 && u.ptr[i] <= 0x7e);
    assert_string_not_equal(first, second);
    free(s);
    world_expunge(w, 1);
    world_reopen(w);
    world_fill(w, 3);
    s = world_snapshot(w);
    store_uidl(&s->messages[0], text);
    assert_string_equal(text, second);
    store_uidl(&s->messages[1], text);
    assert_string_not_equal(text, first);
    assert_string_not_equal(text, second);
    free(s);
}

WORLD_TEST_BOTH(a_snapshot_does_not_change_under_its_reader) {
    world_open(w);
    world_fill(w, 3);
    struct snapshot *s = world_snapshot(w);
    world_expunge(w, 2);
    world_fill(w, 4);
    assert_int_equal(s->count, 3);
    assert_int_equal(s->messages[1].uid, 2);
    char bytes[16];
    assert_int_equal(store_read(w->account, &s->messages[0], 0, bytes, sizeof bytes), 10);
    free(s);
    EXPECT_UIDS(w, 1, 3, 4);
}

static void take_the_mark_back(void *world) WAITS {
    world_flag(world, 2, 0, STORE_DELETED);
}

struct removal {
    struct world *w;
    struct buf removed;
};
static void remove_marked(void *removal) WAITS {
    static const uint32_t uids[] = {1, 2, 3};
    struct removal *r = removal;
    assert_int_equal(store_expunge_marked(r->w->account, STORE_INBOX, uids, 3, &r->removed), 0);
}

/* RFC 9051 §6.4.3: a mark that is taken back before the message goes keeps it, even if who removes
 * it has asked before that was done. */
WORLD_TEST_BOTH(a_mark_that_is_taken_back_in_time_keeps_the_message) {
    struct removal r = {.w = w};
    struct fiber *taker, *remover;
    world_open(w);
    world_fill(w, 4);
    for (uint32_t uid = 1; uid <= 4; uid++)
        world_flag(w, uid, STORE_DELETED, 0);
    assert_int_equal(fiber_start("taker", take_the_mark_back, w, &taker), 0);
    assert_int_equal(fiber_start("remover", remove_marked, &r, &remover), 0);
    fiber_join(taker);
    fiber_join(remover);
    EXPECT_UIDS(w, 2, 4);
    assert_int_equal(r.removed.len, 2 * sizeof(uint32_t));
    assert_memory_equal(r.removed.ptr, ((const uint32_t[]){1, 3}), 2 * sizeof(uint32_t));
    uint64_t modseq = store_account_modseq(w->account);
    remove_marked(&r); /* nothing is left to remove, and nothing changes */
    EXPECT_UIDS(w, 2, 4);
    assert_int_equal(r.removed.len, 2 * sizeof(uint32_t));
    assert_int_equal(store_account_modseq(w->account), modseq);
    buf_done(&r.removed);
    world_rebuild(w);
    EXPECT_UIDS(w, 2, 4);
}

WORLD_TEST_BOTH(expunge_counts_only_what_was_there) {
    world_open(w);
    world_fill(w, 4);
    const uint32_t uids[] = {9, 4, 2, 4, 7};
    size_t removed;
    assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, 5, &removed), 0);
    assert_int_equal(removed, 2);
    assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, 5, &removed), 0);
    assert_int_equal(removed, 0);
    assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, 0, &removed), 0);
    assert_int_equal(store_expunge(w->account, 99, uids, 5, &removed), -E_UNKNOWN);
    EXPECT_UIDS(w, 1, 3);
    struct store_usage u;
    store_account_usage(w->account, &u);
    assert_int_equal(u.messages, 2);
    assert_int_equal(u.bytes, 20);
    world_reopen(w);
    EXPECT_UIDS(w, 1, 3);
    store_account_usage(w->account, &u);
    assert_int_equal(u.bytes, 20);
}

static void count_turns(void *arg) {
    unsigned *turns = arg;
    while (fiber_yield() == 0)
        ++*turns;
}

/* Another session has expunged what this one still sees. */
struct seen {
    struct store_account *account;
    uint64_t modseq;
    unsigned times;
};

static void see(void *arg) {
    struct seen *s = arg;
    assert_true(store_account_modseq(s->account) > s->modseq);
    s->modseq = store_account_modseq(s->account);
    s->times++;
}

WORLD_TEST_BOTH(who_watches_an_account_is_told_of_each_change_until_he_has_seen_enough) {
    world_open(w);
    struct seen seen[2] = {{w->account, store_account_modseq(w->account), 0},
                           {w->account, store_account_modseq(w->account), 0}};
    struct store_watch watches[2] = {{.changed = see, .arg = &seen[0]},
                                     {.changed = see, .arg = &seen[1]}};
    store_watch(w->account, &watches[0]);
    store_watch(w->account, &watches[1]);
    world_fill(w, 2);
    assert_int_equal(seen[0].times, 2);
    world_flag(w, 1, STORE_SEEN, 0);
    store_unwatch(&watches[0]);
    world_expunge(w, 1);
    assert_int_equal(seen[0].times, 3);
    assert_int_equal(seen[1].times, 4);
    assert_int_equal(seen[1].modseq, store_account_modseq(w->account));
    store_unwatch(&watches[1]);
}

WORLD_TEST_BOTH(many_uids_that_are_gone_keep_nobody_waiting) {
    enum { PIECES = 50, COUNT = PIECES * 1024 };
    uint32_t *uids = mem_array(COUNT, sizeof *uids);
    struct fiber *other;
    unsigned turns = 0;
    size_t removed = 1;
    for (uint32_t i = 0; i < COUNT; i++)
        uids[i] = i + 2;
    world_open(w);
    world_fill(w, 1);
    assert_int_equal(fiber_start("other", count_turns, &turns, &other), 0);
    assert_int_equal(store_expunge(w->account, STORE_INBOX, uids, COUNT, &removed), 0);
    assert_int_equal(removed, 0);
    assert_true(turns >= PIECES);
    fiber_cancel(other);
    fiber_join(other);
    free(uids);
}

WORLD_TEST_BOTH(rfc7162_flags_change_with_a_new_modseq_and_stay) {
    world_open(w);
    world_fill(w, 3);
    const uint32_t uids[] = {1, 3};
    uint64_t before = store_account_modseq(w->account), modseq, same;
    struct store_flags wanted = {.add = STORE_SEEN | STORE_FLAGGED};
    struct store_flags_changed changed;
    assert_int_equal(store_set_flags(w->account, STORE_INBOX, uids, 2, &wanted, &changed, NULL), 0);
    modseq = changed.modseq;
    assert_true(modseq > before);
    assert_int_equal(changed.changed, 2);
    wanted.add = STORE_SEEN;
    assert_int_equal(store_set_flags(w->account, STORE_INBOX, uids, 2, &wanted, &changed, NULL), 0);
    same = changed.modseq;
    assert_int_equal(same, modseq);
    modseq = world_flag(w, uids[0], 0, STORE_FLAGGED);
    for (int round = 0; round < 2; round++) {
        struct snapshot *s = world_snapshot(w);
        assert_int_equal(s->messages[0].flags, STORE_SEEN);
        assert_int_equal(s->messages[0].modseq, modseq);
        assert_int_equal(s->messages[1].flags, 0);
        assert_int_equal(s->messages[2].flags, STORE_SEEN | STORE_FLAGGED);
        assert_int_equal(s->messages[2].modseq, same);
        free(s);
        struct store_mailbox m;
        assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
        assert_int_equal(m.unseen, 1);
        world_reopen(w);
    }
}

WORLD_TEST_BOTH(mailboxes_are_made_once_and_stay) {
    world_open(w);
    uint32_t id, below, other;
    assert_int_equal(
        store_create_mailbox(w->account, 0, S("\xe4\xbb\x95\xe4\xba\x8b"), STORE_ROLE_NONE, &id),
        0);
    assert_int_equal(store_create_mailbox(w->account, id, S("Sent"), STORE_ROLE_SENT, &below), 0);
    assert_int_equal(store_create_mailbox(w->account, id, S("Sent"), STORE_ROLE_SENT, &other),
                     -EEXIST);
    assert_int_equal(store_create_mailbox(w->account, 0, S("inbox"), STORE_ROLE_NONE, &other),
                     -EEXIST);
    assert_int_equal(store_create_mailbox(w->account, 77, S("x"), STORE_ROLE_NONE, &other),
                     -E_UNKNOWN);
    assert_int_equal(store_create_mailbox(w->account, 0, S("a\x01"), STORE_ROLE_NONE, &other),
                     -E_SYNTAX);
    assert_int_equal(store_create_mailbox(w->account, 0, S("\xff"), STORE_ROLE_NONE, &other),
                     -E_SYNTAX);
    struct store_delivery d = {.mailbox = below};
    struct store_delivered done;
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), 0);
    world_reopen(w);
    assert_int_equal(store_mailbox_count(w->account), 3);
    struct store_mailbox m, inbox;
    assert_int_equal(store_mailbox_find(w->account, id, S("Sent"), &m), 0);
    assert_int_equal(m.id, below);
    assert_int_equal(m.role, STORE_ROLE_SENT);
    assert_int_equal(m.messages, 1);
    assert_int_equal(m.uidnext, 2);
    assert_int_equal(store_mailbox_find(w->account, 0, S("InBox"), &inbox), 0);
    assert_int_equal(inbox.id, STORE_INBOX);
    assert_true(m.uidvalidity > inbox.uidvalidity);
    d.mailbox = 99;
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), -E_UNKNOWN);
}

WORLD_TEST_BOTH(rfc1939_8_one_session_holds_the_maildrop) {
    world_open(w);
    struct store_account *other;
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &other), 0);
    assert_int_equal(store_lock_maildrop(w->account), 0);
    assert_int_equal(store_lock_maildrop(other), -E_BUSY);
    world_fill(w, 1);
    store_unlock_maildrop(w->account);
    assert_int_equal(store_lock_maildrop(other), 0);
    store_unlock_maildrop(other);
    store_account_close(other);
}

WORLD_TEST_BOTH(over_quota_is_refused) {
    world_open(w);
    struct slice part = S("0123456789");
    struct store_delivery d = {
        .mailbox = STORE_INBOX, .parts = &part, .part_count = 1, .quota = 25};
    struct store_delivered done;
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), 0);
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), 0);
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), -E_LIMIT);
    world_expunge(w, 1);
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), 0);
}

/* ------------------------------------------------------------------ several at once */

static int deliver_three(struct world *w, const char *third, uint64_t quota,
                         struct store_delivered ret[static 3]) {
    const struct slice parts[3] = {S("number 1\r\n"), S("number 2\r\n"), slice_of_str(third)};
    struct store_delivery d[3];
    for (size_t i = 0; i < ARRAY_SIZE(d); i++)
        d[i] = (struct store_delivery){
            .mailbox = STORE_INBOX, .parts = &parts[i], .part_count = 1, .quota = quota};
    return store_deliver_all(w->store, TEST_ACCOUNT, d, ARRAY_SIZE(d), ret);
}

WORLD_TEST_BOTH(rfc3502_messages_that_come_together_share_a_sync_and_follow_each_other) {
    struct store_delivered done[3];
    struct store_stats before, after;
    world_open(w);
    store_stats(w->store, &before);
    assert_int_equal(deliver_three(w, "number 3\r\n", 0, done), 0);
    store_stats(w->store, &after);
    assert_int_equal(after.groups, before.groups + 1);
    for (uint32_t i = 0; i < ARRAY_SIZE(done); i++) {
        assert_int_equal(done[i].uid, i + 1);
        assert_int_equal(done[i].body, done[0].body + i);
    }
    EXPECT_UIDS(w, 1, 2, 3);
    world_crash(w);
    EXPECT_UIDS(w, 1, 2, 3);
}

WORLD_TEST_BOTH(rfc3502_messages_that_do_not_all_fit_are_not_stored) {
    struct store_delivered done[3];
    world_open(w);
    assert_int_equal(deliver_three(w, "number 3\r\n", 29, done), -E_LIMIT);
    EXPECT_UIDS(w);
    assert_int_equal(deliver_three(w, "number 3\r\n", 30, done), 0);
    assert_int_equal(done[0].uid, 1);
}

/* A keyword that the last one brings is one too many for the mailbox. */
WORLD_TEST_BOTH(rfc3502_a_message_that_cannot_be_stored_takes_the_others_along) {
    char names[STORE_KEYWORDS_MAX + 1][8];
    struct slice keywords[STORE_KEYWORDS_MAX + 1];
    const struct slice part = S("number 1\r\n");
    struct store_delivery d[2];
    struct store_delivered done[2];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        keywords[i] = slice_of(names[i], (size_t)snprintf(names[i], sizeof names[i], "k%zu", i));
    for (size_t i = 0; i < ARRAY_SIZE(d); i++)
        d[i] = (struct store_delivery){
            .mailbox = STORE_INBOX, .parts = &part, .part_count = 1, .quota = 25};
    d[1].keywords = keywords;
    d[1].keyword_count = ARRAY_SIZE(keywords);
    world_open(w);
    assert_int_equal(store_deliver_all(w->store, TEST_ACCOUNT, d, 2, done), -E_LIMIT);
    EXPECT_UIDS(w);
    d[1].keyword_count = 1;
    assert_int_equal(store_deliver_all(w->store, TEST_ACCOUNT, d, 2, done), 0);
    assert_int_equal(done[1].uid, done[0].uid + 1);
}

WORLD_TEST(rfc3502_nothing_is_stored_when_the_disk_fails) {
    struct store_delivered done[3];
    world_open(w);
    world_fill(w, 1);
    disk.write_error = EIO;
    disk.short_write = 200; /* the first message, and more */
    assert_true(deliver_three(w, "number 3\r\n", 0, done) < 0);
    disk.write_error = 0;
    EXPECT_UIDS(w, 1);
    world_crash(w);
    EXPECT_UIDS(w, 1);
}

struct hopeful {
    struct world *w;
    int result;
};

static void send_ten_bytes(void *arg) {
    struct hopeful *h = arg;
    struct slice part = S("12345678\r\n");
    struct store_delivery d = {
        .mailbox = STORE_INBOX, .parts = &part, .part_count = 1, .quota = 25};
    struct store_delivered done;
    h->result = store_deliver(h->w->store, TEST_ACCOUNT, &d, &done);
}

WORLD_TEST_BOTH(messages_that_come_at_once_share_the_quota) {
    struct hopeful all[5];
    struct fiber *fibers[ARRAY_SIZE(all)];
    unsigned taken = 0;
    world_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        all[i] = (struct hopeful){.w = w};
        assert_int_equal(fiber_start("hopeful", send_ten_bytes, &all[i], &fibers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        fiber_join(fibers[i]);
        assert_true(all[i].result == 0 || all[i].result == -E_LIMIT);
        taken += all[i].result == 0;
    }
    assert_int_equal(taken, 2);
}

static void wait_for_change(void *arg) {
    struct world *w = arg;
    assert_int_equal(store_wait_change(w->account, store_account_modseq(w->account)), 0);
    buf_add_str(&w->reports, "woken");
}

WORLD_TEST_BOTH(a_change_wakes_who_waits_for_it) {
    world_open(w);
    struct fiber *f;
    assert_int_equal(fiber_start("waiter", wait_for_change, w, &f), 0);
    fiber_yield();
    assert_int_equal(w->reports.len, 0);
    world_fill(w, 1);
    fiber_join(f);
    assert_int_equal(w->reports.len, 5);
}

/* ------------------------------------------------------------------ many at once */

struct sender {
    struct world *w;
    uint64_t account;
    unsigned messages;
    const char *key; /* NULL: a new one for each */
    unsigned round;
    unsigned stored;
};

static void send_messages(void *arg) {
    struct sender *s = arg;
    for (unsigned i = 0; i < s->messages; i++) {
        char key[64];
        int len = snprintf(key, sizeof key, "%p %u %u", arg, s->round, i);
        struct slice part = S("number\r\n");
        struct store_delivery d = {.mailbox = STORE_INBOX,
                                   .key =
                                       s->key ? slice_of_str(s->key) : slice_of(key, (size_t)len),
                                   .parts = &part,
                                   .part_count = 1};
        struct store_delivered done;
        assert_int_equal(store_deliver(s->w->store, s->account, &d, &done), 0);
        s->stored += !done.already;
    }
}

#define SENDERS 20

static unsigned run_senders(struct world *w, unsigned accounts, unsigned messages,
                            const char *key) {
    static unsigned round;
    struct sender senders[SENDERS];
    struct fiber *fibers[SENDERS];
    unsigned stored = 0;
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){w, TEST_ACCOUNT + i % accounts, messages, key, round, 0};
        assert_int_equal(fiber_start("sender", send_messages, &senders[i], &fibers[i]), 0);
    }
    round++;
    for (unsigned i = 0; i < SENDERS; i++) {
        fiber_join(fibers[i]);
        stored += senders[i].stored;
    }
    return stored;
}

/* A commit in memory takes no time by itself. */
static int take_a_while(void *arg) WAITS {
    (void)arg;
    return fiber_sleep(USEC_MS);
}

WORLD_TEST_BOTH(d2_what_waits_while_a_sync_runs_shares_the_next) {
    w->memory.before_commit = take_a_while;
    world_open(w);
    struct store_stats before, after;
    store_stats(w->store, &before);
    assert_int_equal(run_senders(w, 1, 10, NULL), 200);
    store_stats(w->store, &after);
    assert_int_equal(after.delivered - before.delivered, 200);
    assert_true(after.groups - before.groups <= 20);
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    assert_int_equal(m.messages, 200);
    assert_int_equal(m.uidnext, 201);
}

struct caller {
    struct world *w;
    struct slice part;
    int file;
    size_t file_len;
    struct store_delivered done;
};

static void call_once(void *arg) {
    struct caller *c = arg;
    struct store_delivery d = {.mailbox = STORE_INBOX,
                               .parts = &c->part,
                               .part_count = 1,
                               .fd = c->file,
                               .len = c->file_len};
    assert_int_equal(store_deliver(c->w->store, TEST_ACCOUNT + 1, &d, &c->done), 0);
}

/* The account has to be opened first; some messages are read from files, some scanned in threads.
 */
WORLD_TEST_BOTH_ON(messages_of_an_account_are_stored_in_the_order_in_which_they_came, false) {
    enum { CALLERS = 60, PART = 200 << 10, FILE_PART = 1200 << 10 };
    struct caller callers[CALLERS];
    struct fiber *fibers[CALLERS];
    world_open(w);
    _cleanup_(free_p) char *bytes = mem_zero(FILE_PART);
    _cleanup_(free_p) char *path = world_path(w, "spooled");
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, bytes, FILE_PART, 0), FILE_PART);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){w, S("small\r\n"), -1, 0, {0}};
        if (i % 3 == 0)
            callers[i] = (struct caller){w, S("large\r\n"), fd, FILE_PART, {0}};
        else if (i % 3 == 1)
            callers[i].part = slice_of(bytes, PART);
        assert_int_equal(fiber_start("caller", call_once, &callers[i], &fibers[i]), 0);
    }
    for (unsigned i = 0; i < CALLERS; i++) {
        fiber_join(fibers[i]);
        assert_int_equal(callers[i].done.uid, i + 1);
    }
    close(fd);
}

WORLD_TEST_BOTH_ON(d2_groups_on_real_threads, false) {
    world_open(w);
    assert_int_equal(run_senders(w, 3, 20, NULL), 20 * SENDERS);
    world_reopen(w);
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    assert_int_equal(m.messages, 7 * 20);
    assert_int_equal(m.uidnext, 7 * 20 + 1);
}

WORLD_TEST_BOTH_ON(d6_the_same_key_from_many_sides_is_stored_once, false) {
    world_open(w);
    assert_int_equal(run_senders(w, 1, 5, "the only one"), 1);
}

WORLD_TEST_BOTH_ON(accounts_and_their_files_stay_within_limits, false) {
    w->options.memory = 1; /* nothing stays that nobody uses */
    w->solo.max_handles = 3;
    world_open(w);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(run_senders(w, 20, 4, NULL), 80);
        struct store_stats s;
        store_stats(w->store, &s);
        for (int tries = 0; tries < 500 && (s.accounts > 1 || s.handles > 3); tries++) {
            (void)fiber_sleep(10 * USEC_MS);
            store_stats(w->store, &s);
        }
        assert_true(s.accounts <= 1);
        assert_true(s.handles <= 3); /* none in memory */
    }
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    assert_int_equal(m.messages, 8);
}

/* Only packs have files. */
WORLD_TEST(files_that_nobody_uses_are_closed) {
    world_open(w);
    world_fill(w, 2);
    struct store_stats s;
    store_stats(w->store, &s);
    assert_int_equal(s.handles, 1);
    fiber_sleep(USEC_MIN);
    store_stats(w->store, &s);
    assert_int_equal(s.handles, 0);
    EXPECT_UIDS(w, 1, 2);
    world_fill(w, 3);
    fiber_sleep(USEC_MIN);
    store_stats(w->store, &s);
    assert_int_equal(s.handles, 0);
    world_crash(w);
    EXPECT_UIDS(w, 1, 2, 3);
    fiber_sleep(USEC_MIN);
    store_stats(w->store, &s);
    assert_int_equal(s.handles, 0);
}

static void cancelled_sender(void *arg) {
    struct world *w = arg;
    struct store_delivered d;
    int r = world_try_deliver(w, "key 1", "number 1\r\n", &d);
    buf_printf(&w->reports, "%s", r == -ECANCELED ? "cancelled" : r == 0 ? "stored" : "failed");
}

WORLD_TEST_BOTH_ON(a_cancelled_delivery_is_all_or_nothing, false) {
    world_open(w);
    for (int yields = 0; yields < 6; yields++) {
        struct fiber *f;
        buf_clear(&w->reports);
        assert_int_equal(fiber_start("sender", cancelled_sender, w, &f), 0);
        for (int i = 0; i < yields; i++)
            (void)fiber_yield();
        fiber_cancel(f);
        fiber_join(f);
        struct store_usage u;
        store_account_usage(w->account, &u);
        bool stored = slice_eq(buf_slice(&w->reports), S("stored"));
        assert_int_equal(u.messages, stored || u.messages ? 1 : 0);
        assert_false(slice_eq(buf_slice(&w->reports), S("failed")));
    }
    (void)world_deliver(w, "key 1", "number 1\r\n");
    struct store_usage u;
    store_account_usage(w->account, &u);
    assert_int_equal(u.messages, 1);
}

WORLD_TEST_BOTH(the_place_of_a_uid_is_the_same_wherever_was_read_before) {
    static const size_t before[] = {0, 1, 124, 125, 126, 200, 237};
    world_open(w);
    world_fill(w, 300); /* more than a node has */
    for (uint32_t uid = 3; uid <= 300; uid += 5)
        world_expunge(w, uid);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct store_view *v;
        assert_int_equal(store_view_open(w->account, STORE_INBOX, &v), 0);
        for (uint32_t uid = 0; uid <= 303; uid++) {
            struct store_message m;
            store_view_at(v, before[i], &m);
            size_t removed = uid > 300 ? 60 : (uid + 1) / 5; /* those below it */
            size_t there = (uid > 300 ? 300 : uid == 0 ? 0 : uid - 1) - removed;
            assert_int_equal(store_view_place(v, uid), uid == 0 ? 0 : there);
        }
        store_view_close(v);
    }
    world_close(w);
}

WORLD_TEST_BOTH(messages_behind_each_other_are_read_at_once) {
    struct store_piece pieces[8];
    struct buf bytes = {0};
    char key[8];
    world_open(w);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        (void)world_deliver(
            w, key, i == 3 ? "X: 3\r\n\r\nlonger than the others\r\n" : "X: y\r\n\r\nz\r\n");
    }
    struct snapshot *s = world_snapshot(w);
    struct store_view *v;
    assert_int_equal(store_view_open(w->account, STORE_INBOX, &v), 0);
    buf_add_str(&bytes, "before");
    int n = store_read_many(v, 1, 4, &bytes, pieces);
    assert_int_equal(n, 4);
    for (int i = 0; i < n; i++)
        assert_int_equal(pieces[i].len, s->messages[1 + i].size);
    assert_memory_equal(bytes.ptr + pieces[2].at, "X: 3\r\n\r\nlonger", 14);
    assert_memory_equal(bytes.ptr, "before", 6);
    if (!w->memory.memory) { /* what is in memory does not rot */
        _cleanup_(free_p) char *path = world_path(w, TEST_PACK);
        file_damage(path, world_place(w, &s->messages[3]).body, 1);
        assert_int_equal(store_read_many(v, 1, 4, &bytes, pieces), 2);
        assert_int_equal(store_read_many(v, 3, 2, &bytes, pieces), -E_CORRUPT);
    }
    buf_done(&bytes);
    store_view_close(v);
    free(s);
    world_close(w);
}

static void count_used(void *arg, uint64_t account) {
    assert_int_equal(account, TEST_ACCOUNT);
    (*(unsigned *)arg)++;
}

WORLD_TEST_BOTH(whoever_asks_what_an_account_holds_is_not_told_to_ask) {
    unsigned used = 0;
    struct store_usage usage = {0};
    w->options.used = count_used;
    w->options.used_arg = &used;
    world_open(w);
    (void)world_deliver(w, "one", "Subject: one\r\n\r\n1\r\n");
    store_account_close(TAKE_PTR(w->account));
    store_close(TAKE_PTR(w->store));
    assert_int_equal(store_open(&w->options, &w->store, NULL), 0);
    used = 0;
    assert_int_equal(store_usage(w->store, TEST_ACCOUNT, &usage), 0);
    assert_int_equal(usage.messages, 1);
    assert_int_equal(used, 0);
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &w->account), 0);
    world_close(w);
}

/* The files are those of packs; that nothing is left is asked of both. */
WORLD_TEST_BOTH(a_purged_account_has_no_files_and_is_opened_no_more) {
    unsigned used = 0;
    struct store_usage usage = {0};
    struct store_account *again = NULL;
    w->options.used = count_used;
    w->options.used_arg = &used;
    world_open(w);
    (void)world_deliver(w, "one", "Subject: one\r\n\r\n1\r\n");
    assert_true(used >= 2); /* it came into memory, and got a message */
    assert_int_equal(store_usage(w->store, TEST_ACCOUNT, &usage), 0);
    assert_true(usage.messages == 1 && usage.bytes == 19);
    assert_int_equal(store_usage(w->store, TEST_ACCOUNT + 1, &usage), 0);
    assert_true(usage.messages == 0);
    _cleanup_(free_p) char *folder = world_path(w, "67/4711");
    _cleanup_(free_p) char *none = world_path(w, "68");
    assert_false(file_exists(none));

    assert_int_equal(store_purge(w->store, TEST_ACCOUNT), -E_BUSY);
    assert_int_equal(file_exists(folder), !w->memory.memory);
    store_account_close(TAKE_PTR(w->account));
    assert_int_equal(store_purge(w->store, TEST_ACCOUNT), 0);
    assert_false(file_exists(folder));
    assert_int_equal(store_purge(w->store, TEST_ACCOUNT), 0);
    assert_int_equal(store_purge(w->store, TEST_ACCOUNT + 7), 0);
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &again), -E_PERMANENT);
    assert_int_equal(world_try_deliver(w, "two", "x\r\n", NULL), -E_PERMANENT);
    assert_false(file_exists(folder));
    store_close(TAKE_PTR(w->store));
    assert_int_equal(store_open(&w->options, &w->store, NULL), 0);
    assert_int_equal(store_usage(w->store, TEST_ACCOUNT, &usage), 0);
    assert_true(usage.messages == 0 && usage.bytes == 0);
    world_close(w);
}

/* In memory a purge is one step, which no crash cuts short. */
WORLD_TEST(a_purge_that_a_crash_has_cut_short_is_finished_by_the_next_one) {
    world_open(w);
    (void)world_deliver(w, "one", "Subject: one\r\n\r\n1\r\n");
    world_close(w);
    _cleanup_(free_p) char *folder = world_path(w, "67/4711");
    _cleanup_(free_p) char *rubbish = world_path(w, "67/4711.purged");
    assert_int_equal(rename(folder, rubbish), 0);
    assert_int_equal(solo_offline.purge(w->dir, TEST_ACCOUNT), 0);
    assert_false(file_exists(rubbish));
}

WORLD_TEST_BOTH(a_message_keeps_the_key_with_which_it_was_delivered) {
    world_open(w);
    world_fill(w, 2);
    (void)world_deliver(w, "", "no key\r\n");
    uint32_t other = world_mailbox(w, "other");
    const uint32_t uid = 2;
    struct store_copied moved;
    assert_int_equal(store_copy(w->account, STORE_INBOX, &uid, 1, other, true, &moved), 0);
    for (int round = 0; round < 2; round++) {
        struct snapshot *s = world_snapshot(w), *in_other = world_snapshot_of(w, other);
        const struct store_message *messages[] = {&s->messages[0], &s->messages[1],
                                                  &in_other->messages[0]};
        static const char *const keys[] = {"key 1", "", "key 2"};
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
            struct buf key = {0};
            assert_int_equal(store_delivery_key(w->account, messages[i], &key), 0);
            assert_true(slice_eq(buf_slice(&key), slice_of_str(keys[i])));
            buf_done(&key);
        }
        free(s), free(in_other);
        world_reopen(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(the_place_of_a_uid_is_the_same_wherever_was_read_before),
        BOTH(a_message_keeps_the_key_with_which_it_was_delivered),
        BOTH(messages_behind_each_other_are_read_at_once),
        BOTH(d1_a_delivered_message_is_there_byte_for_byte),
        BOTH(a_message_comes_from_a_file_behind_its_prefix),
        BOTH(sendfile_gets_the_place_of_the_bytes),
        BOTH(d6_a_second_delivery_under_a_key_stores_nothing),
        BOTH(messages_without_a_key_are_all_stored),
        BOTH(d6_keys_are_forgotten_after_their_lifetime_only),
        cmocka_unit_test(d6_a_clock_that_has_jumped_ahead_forgets_no_keys),
        cmocka_unit_test(d6_keys_are_forgotten_although_a_clock_was_ahead_once),
        BOTH(d6_the_key_of_a_message_that_waited_long_is_remembered_as_long),
        BOTH(rfc9051_2_3_1_uids_only_grow_and_stay),
        BOTH(rfc9051_2_3_1_1_a_uidnext_that_was_seen_is_durable),
        BOTH(rfc1939_7_uidl_never_changes_and_never_repeats),
        BOTH(a_snapshot_does_not_change_under_its_reader),
        BOTH(a_mark_that_is_taken_back_in_time_keeps_the_message),
        BOTH(expunge_counts_only_what_was_there),
        BOTH(who_watches_an_account_is_told_of_each_change_until_he_has_seen_enough),
        BOTH(many_uids_that_are_gone_keep_nobody_waiting),
        BOTH(rfc7162_flags_change_with_a_new_modseq_and_stay),
        BOTH(mailboxes_are_made_once_and_stay),
        BOTH(rfc1939_8_one_session_holds_the_maildrop),
        BOTH(over_quota_is_refused),
        BOTH(rfc3502_messages_that_come_together_share_a_sync_and_follow_each_other),
        BOTH(rfc3502_messages_that_do_not_all_fit_are_not_stored),
        BOTH(rfc3502_a_message_that_cannot_be_stored_takes_the_others_along),
        cmocka_unit_test(rfc3502_nothing_is_stored_when_the_disk_fails),
        BOTH(messages_that_come_at_once_share_the_quota),
        BOTH(a_change_wakes_who_waits_for_it),
        BOTH(d2_what_waits_while_a_sync_runs_shares_the_next),
        BOTH(messages_of_an_account_are_stored_in_the_order_in_which_they_came),
        BOTH(d2_groups_on_real_threads),
        BOTH(d6_the_same_key_from_many_sides_is_stored_once),
        BOTH(accounts_and_their_files_stay_within_limits),
        cmocka_unit_test(files_that_nobody_uses_are_closed),
        BOTH(a_cancelled_delivery_is_all_or_nothing),
        BOTH(whoever_asks_what_an_account_holds_is_not_told_to_ask),
        BOTH(a_purged_account_has_no_files_and_is_opened_no_more),
        cmocka_unit_test(a_purge_that_a_crash_has_cut_short_is_finished_by_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
