/* SPDX-License-Identifier: ISC */
/* What accounts begin with: the INBOX, and the default mailboxes. */
#include "world.h"

#include <stdio.h>

#include "fiber/fiber.h"
#include "store/properties.h"
#include "store/shared.h"

#define OTHER_ACCOUNT 4712U /* 4712 = 0x1268 */
#define OTHER_PACK    "68/4712/packs/000001.pack"

static const struct store_default defaults[] = {
    {STORE_ROLE_DRAFTS, S("Drafts")},
    {STORE_ROLE_SENT, S("送信済み")},
    {STORE_ROLE_TRASH, S("Trash")},
};

/* The other account, as it is opened by a store with or without defaults. */
static struct store_account *begin(struct world *w, bool with_defaults) {
    struct store_account *a;
    if (w->store)
        world_close(w);
    world_open(w);
    if (with_defaults)
        store_set_defaults(w->store, defaults, ARRAY_SIZE(defaults));
    assert_int_equal(store_account_open(w->store, OTHER_ACCOUNT, &a), 0);
    return a;
}

static void expect_defaults(const struct store_account *a) {
    struct store_mailbox m;
    assert_int_equal(store_mailbox_count(a), 1 + ARRAY_SIZE(defaults));
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        assert_int_equal(store_mailbox_find(a, 0, defaults[i].name, &m), 0);
        assert_int_equal(m.role, defaults[i].role);
        assert_int_equal(m.messages, 0);
        assert_true(m.uidvalidity > 0);
        assert_true(m.modseq > 0 && m.modseq <= store_account_modseq(a));
        assert_true(store_is_subscribed(a, defaults[i].name));
    }
    assert_true(store_is_subscribed(a, S("INBOX")));
}

static void expect_inbox_alone(const struct store_account *a) {
    assert_int_equal(store_mailbox_count(a), 1);
    assert_false(store_is_subscribed(a, S("INBOX")));
}

static void remove_defaults(struct store_account *a) {
    struct store_mailbox m;
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        assert_int_equal(store_mailbox_find(a, 0, defaults[i].name, &m), 0);
        assert_int_equal(store_remove_mailbox(a, m.id, false), 0);
    }
}

WORLD_TEST_BOTH(an_account_begins_with_the_default_mailboxes) {
    for (int round = 0; round < 3; round++) {
        struct store_account *a = begin(w, round == 0);
        expect_defaults(a);
        store_account_close(a);
    }
}

WORLD_TEST(the_packs_alone_give_the_default_mailboxes_back) {
    store_account_close(begin(w, true));
    world_close(w);
    char *db = world_path(w, "68/4712/mail.db"), *wal = world_path(w, "68/4712/mail.db-wal");
    (void)unlink(db);
    (void)unlink(wal);
    free(db), free(wal);
    struct store_account *a = begin(w, false);
    expect_defaults(a);
    store_account_close(a);
}

WORLD_TEST_BOTH(the_numbers_of_the_default_mailboxes_are_given_once) {
    struct store_account *a = begin(w, true);
    struct store_mailbox trash, work;
    uint32_t id;
    assert_int_equal(store_mailbox_find(a, 0, S("Trash"), &trash), 0);
    uint64_t modseq = store_account_modseq(a);
    assert_int_equal(store_create_mailbox(a, 0, S("Work"), STORE_ROLE_NONE, &id), 0);
    assert_int_equal(store_mailbox_get(a, id, &work), 0);
    assert_true(work.id > trash.id);
    assert_true(work.uidvalidity > trash.uidvalidity);
    assert_true(work.modseq > modseq);
    store_account_close(a);
}

WORLD_TEST_BOTH(an_account_that_never_had_another_mailbox_gets_them_when_it_is_opened) {
    struct store_account *a = begin(w, false);
    expect_inbox_alone(a);
    store_account_close(a);
    for (int round = 0; round < 2; round++) {
        a = begin(w, true);
        expect_defaults(a);
        store_account_close(a);
    }
}

WORLD_TEST_BOTH(what_its_user_has_removed_does_not_come_again) {
    struct store_account *a = begin(w, true);
    remove_defaults(a);
    store_account_close(a);
    a = begin(w, true);
    assert_int_equal(store_mailbox_count(a), 1);
    store_account_close(a);
}

WORLD_TEST_BOTH(an_account_with_a_mailbox_of_its_own_gets_none) {
    uint32_t id;
    struct store_account *a = begin(w, false);
    assert_int_equal(store_create_mailbox(a, 0, S("Work"), STORE_ROLE_NONE, &id), 0);
    assert_int_equal(store_remove_mailbox(a, id, false), 0);
    store_account_close(a);
    a = begin(w, true);
    expect_inbox_alone(a);
    store_account_close(a);
}

WORLD_TEST_BOTH(one_that_is_to_begin_bare_gets_none_now_or_later) {
    struct store_account *a;
    world_open(w);
    store_set_defaults(w->store, defaults, ARRAY_SIZE(defaults));
    assert_int_equal(store_begin_bare(w->store, OTHER_ACCOUNT), 0);
    for (int round = 0; round < 2; round++) {
        a = begin(w, true);
        expect_inbox_alone(a);
        store_account_close(a);
    }
    assert_int_equal(store_begin_bare(w->store, OTHER_ACCOUNT), -EEXIST);
    assert_int_equal(store_begin_bare(w->store, TEST_ACCOUNT), -EEXIST);
    world_reopen(w);
    assert_int_equal(store_begin_bare(w->store, OTHER_ACCOUNT), -EEXIST);
}

/* The pack cut at each length, without a database: what a power cut may leave. */
WORLD_TEST(default_mailboxes_that_are_torn_come_whole_at_the_next_opening) {
    store_account_close(begin(w, true));
    world_close(w);
    char *pack = world_path(w, OTHER_PACK), *whole = mem_printf("%s/whole", w->dir),
         *db = world_path(w, "68/4712/mail.db"), *wal = world_path(w, "68/4712/mail.db-wal"),
         *second = world_path(w, "68/4712/packs/000002.pack");
    file_copy(pack, whole);
    uint64_t size = file_size(whole);
    for (uint64_t cut = 0; cut < size; cut += 5) {
        (void)unlink(db);
        (void)unlink(wal);
        (void)unlink(second);
        file_copy(whole, pack);
        file_cut(pack, cut);
        struct store_account *a = begin(w, true);
        expect_defaults(a);
        store_account_close(a);
        world_close(w);
    }
    free(pack), free(whole), free(db), free(wal), free(second);
}

WORLD_TEST(an_older_account_is_opened_although_the_disk_does_not_take_its_defaults) {
    store_account_close(begin(w, false));
    world_reopen(w);
    store_set_defaults(w->store, defaults, ARRAY_SIZE(defaults));
    struct store_account *a;
    disk.write_error = ENOSPC;
    assert_int_equal(store_account_open(w->store, OTHER_ACCOUNT, &a), 0);
    disk.write_error = 0;
    expect_inbox_alone(a);
    store_account_close(a);
    a = begin(w, true);
    expect_defaults(a);
    store_account_close(a);
}

/* ------------------------------------------------------------------ what many have alike */

static const struct store_default five[] = {
    {STORE_ROLE_ARCHIVE, S("Archive")}, {STORE_ROLE_DRAFTS, S("Drafts")},
    {STORE_ROLE_JUNK, S("Junk")},       {STORE_ROLE_SENT, S("Sent")},
    {STORE_ROLE_TRASH, S("Trash")},
};

static uint64_t memory_of(const struct world *w) {
    struct store_stats stats;
    store_stats(w->store, &stats);
    return stats.memory;
}

/* There may be ten thousand whose users are silent. */
WORLD_TEST(an_account_of_which_nothing_is_used_takes_1500_bytes) {
    struct store_account *list[20];
    for (int round = 0; round < 2; round++) { /* new ones, and as they are read */
        world_open(w);
        store_set_defaults(w->store, five, ARRAY_SIZE(five));
        const uint64_t before = memory_of(w);
        for (size_t i = 0; i < ARRAY_SIZE(list); i++)
            assert_int_equal(store_account_open(w->store, OTHER_ACCOUNT + i, &list[i]), 0);
        if (round == 1)
            assert_in_range(memory_of(w) - before, 500U * ARRAY_SIZE(list),
                            1500U * ARRAY_SIZE(list));
        for (size_t i = 0; i < ARRAY_SIZE(list); i++)
            store_account_close(list[i]);
        world_close(w);
    }
}

WORLD_TEST_BOTH(what_one_account_changes_of_what_all_have_alike_is_as_it_was_for_the_others) {
    struct store_account *a = begin(w, true), *b;
    struct store_mailbox m;
    assert_int_equal(store_account_open(w->store, OTHER_ACCOUNT + 1, &b), 0);
    assert_int_equal(store_mailbox_find(a, 0, S("Drafts"), &m), 0);
    assert_int_equal(store_rename_mailbox(a, m.id, 0, S("Notes")), 0);
    assert_int_equal(store_mailbox_find(a, 0, S("Trash"), &m), 0);
    assert_int_equal(store_rename_mailbox(a, m.id, STORE_INBOX, m.name), 0);
    assert_int_equal(store_subscribe(a, S("INBOX"), false), 0);
    expect_defaults(b);
    store_account_close(b);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(store_mailbox_find(a, 0, S("Notes"), &m), 0);
        assert_int_equal(store_mailbox_find(a, STORE_INBOX, S("Trash"), &m), 0);
        assert_true(store_is_subscribed(a, S("Notes")));
        assert_false(store_is_subscribed(a, S("Drafts")));
        assert_false(store_is_subscribed(a, S("INBOX")));
        store_account_close(a);
        a = begin(w, true);
    }
    store_account_close(a);
}

WORLD_TEST_BOTH(names_of_default_mailboxes_stay_while_settings_change_more_often_than_are_shared) {
    struct store_account *list[SHARED_NAMES_MAX + 3];
    struct store_mailbox m;
    char name[20];
    world_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
        (void)snprintf(name, sizeof name, "Sent %zu", i);
        store_set_defaults(w->store, &(struct store_default){STORE_ROLE_SENT, slice_of_str(name)},
                           1);
        assert_int_equal(store_account_open(w->store, OTHER_ACCOUNT + i, &list[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
        (void)snprintf(name, sizeof name, "Sent %zu", i);
        assert_int_equal(store_mailbox_count(list[i]), 2);
        assert_int_equal(store_mailbox_find(list[i], 0, slice_of_str(name), &m), 0);
        assert_true(store_is_subscribed(list[i], slice_of_str(name)));
        store_account_close(list[i]);
    }
}

/* ------------------------------------------------------------------ roles */

struct claim {
    struct world *world;
    const char *name;
    int result;
};

static void claim_sent(void *arg) WAITS {
    struct claim *c = arg;
    uint32_t id;
    c->result =
        store_create_mailbox(c->world->account, 0, slice_of_str(c->name), STORE_ROLE_SENT, &id);
}

WORLD_TEST_BOTH(rfc6154_of_two_that_want_a_role_at_once_one_gets_it) {
    struct claim claims[] = {{w, "Sent", 1}, {w, "送信済み", 1}, {w, "Envoyés", 1}};
    struct fiber *fibers[ARRAY_SIZE(claims)];
    size_t made = 0, refused = 0;
    world_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++)
        assert_int_equal(fiber_start("claim", claim_sent, &claims[i], &fibers[i]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        fiber_join(fibers[i]);
        made += claims[i].result == 0;
        refused += claims[i].result == -E_REFUSED;
    }
    assert_int_equal(made, 1);
    assert_int_equal(refused, ARRAY_SIZE(claims) - 1);
    assert_int_equal(store_mailbox_count(w->account), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(an_account_begins_with_the_default_mailboxes),
        cmocka_unit_test(the_packs_alone_give_the_default_mailboxes_back),
        BOTH(the_numbers_of_the_default_mailboxes_are_given_once),
        BOTH(an_account_that_never_had_another_mailbox_gets_them_when_it_is_opened),
        BOTH(what_its_user_has_removed_does_not_come_again),
        BOTH(an_account_with_a_mailbox_of_its_own_gets_none),
        BOTH(one_that_is_to_begin_bare_gets_none_now_or_later),
        cmocka_unit_test(default_mailboxes_that_are_torn_come_whole_at_the_next_opening),
        cmocka_unit_test(an_older_account_is_opened_although_the_disk_does_not_take_its_defaults),
        cmocka_unit_test(an_account_of_which_nothing_is_used_takes_1500_bytes),
        BOTH(what_one_account_changes_of_what_all_have_alike_is_as_it_was_for_the_others),
        BOTH(names_of_default_mailboxes_stay_while_settings_change_more_often_than_are_shared),
        BOTH(rfc6154_of_two_that_want_a_role_at_once_one_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
