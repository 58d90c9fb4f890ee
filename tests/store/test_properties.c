/* SPDX-License-Identifier: ISC */
/* Named values of mailboxes and accounts: subscriptions, metadata, rights. */
#include "world.h"

#include <stdio.h>

#include "fiber/fiber.h"
#include "store/rights.h"

/* A test on both backends. */
#define BOTH_TEST(name)                                                                            \
    static void name##_on(struct world *w);                                                        \
    WORLD_TEST(name) {                                                                             \
        name##_on(w);                                                                              \
    }                                                                                              \
    WORLD_TEST(name##_in_memory) {                                                                 \
        w->memory.memory = memory_new();                                                           \
        name##_on(w);                                                                              \
    }                                                                                              \
    static void name##_on(struct world *w)
#define BOTH(name) cmocka_unit_test(name), cmocka_unit_test(name##_in_memory)

static uint32_t make_mailbox(struct world *w, uint32_t parent, const char *name) {
    uint32_t id;
    assert_int_equal(
        store_create_mailbox(w->account, parent, slice_of_str(name), STORE_ROLE_NONE, &id), 0);
    return id;
}

static void reopen_from_packs(struct world *w) {
    world_close(w);
    if (!w->memory.memory) {
        char *db = world_path(w, TEST_DB), *wal = world_path(w, TEST_DB "-wal");
        assert_int_equal(unlink(db), 0);
        (void)unlink(wal);
        free(db);
        free(wal);
    }
    world_open(w);
}

static void expect_metadata(struct world *w, uint32_t mailbox, const char *entry,
                            struct slice wanted) {
    struct buf value = {0};
    assert_int_equal(store_get_metadata(w->account, mailbox, slice_of_str(entry), &value), 0);
    assert_true(slice_eq(buf_slice(&value), wanted));
    buf_done(&value);
}

static bool has_metadata(struct world *w, uint32_t mailbox, const char *entry) {
    struct buf value = {0};
    int r = store_get_metadata(w->account, mailbox, slice_of_str(entry), &value);
    buf_done(&value);
    assert_true(r == 0 || r == -E_UNKNOWN);
    return r == 0;
}

static void add_name(void *arg, const struct store_property *p) {
    buf_add(arg, p->name);
    buf_add(arg, p->is_set ? S(" ") : S("- "));
}

static void expect_names(struct world *w, uint32_t mailbox, enum store_property_kind kind,
                         const char *wanted) {
    struct buf names = {0};
    store_property_each(w->account, mailbox, kind, add_name, &names);
    assert_true(slice_eq(buf_slice(&names), slice_of_str(wanted)));
    buf_done(&names);
}

BOTH_TEST(rfc5464_metadata_is_any_bytes_and_names_are_the_same_in_any_case) {
    char *large = mem_alloc(STORE_VALUE_MAX + 1);
    memset(large, 'v', STORE_VALUE_MAX + 1);
    struct slice nul = slice_of("a\0b", 3), most = slice_of(large, STORE_VALUE_MAX),
                 more = slice_of(large, STORE_VALUE_MAX + 1), empty = S("");
    world_open(w);
    uint32_t other = make_mailbox(w, 0, "other");
    uint64_t modseq = store_account_modseq(w->account);
    assert_int_equal(store_set_metadata(w->account, other, S("/Private/Comment"), &nul), 0);
    assert_true(store_account_modseq(w->account) > modseq);
    assert_int_equal(store_set_metadata(w->account, other, S("/shared/comment"), &most), 0);
    assert_int_equal(store_set_metadata(w->account, 0, S("/shared/admin"), &empty), 0);
    assert_int_equal(store_set_metadata(w->account, 0, S("/shared/admin"), &more), -E_LIMIT);
    assert_int_equal(store_set_metadata(w->account, 99, S("/shared/x"), &nul), -E_UNKNOWN);
    static const char *const BAD[] = {"/other/x",     "/shared/",    "/shared//x", "private/x",
                                      "/shared/x/",   "/shared/a*b", "/shared/a%", "/shared/\xc3",
                                      "/shared/a\nb", "/shared"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        assert_int_equal(store_set_metadata(w->account, 0, slice_of_str(BAD[i]), &nul), -E_SYNTAX);
    for (int round = 0; round < 3; round++) {
        expect_metadata(w, other, "/private/comment", nul);
        expect_metadata(w, other, "/SHARED/comment", most);
        expect_metadata(w, 0, "/shared/admin", empty);
        assert_false(has_metadata(w, STORE_INBOX, "/shared/comment"));
        expect_names(w, other, STORE_METADATA, "/private/comment /shared/comment ");
        round ? reopen_from_packs(w) : world_reopen(w);
    }
    assert_int_equal(store_set_metadata(w->account, other, S("/shared/comment"), NULL), 0);
    assert_int_equal(store_set_metadata(w->account, other, S("/shared/never one"), NULL), 0);
    reopen_from_packs(w);
    expect_names(w, other, STORE_METADATA, "/private/comment ");
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    reopen_from_packs(w);
    expect_names(w, other, STORE_METADATA, "");
    expect_names(w, 0, STORE_METADATA, "/shared/admin ");
    free(large);
}

BOTH_TEST(changes_are_told_by_their_modseq) {
    struct slice v = S("v"), u = S("u");
    struct buf names = {0};
    world_open(w);
    assert_int_equal(store_set_metadata(w->account, 0, S("/shared/a"), &v), 0);
    assert_int_equal(store_set_metadata(w->account, STORE_INBOX, S("/shared/b"), &v), 0);
    uint64_t seen = store_account_modseq(w->account);
    assert_int_equal(store_set_metadata(w->account, 0, S("/shared/a"), &v), 0); /* as it is */
    assert_int_equal(store_account_modseq(w->account), seen);
    assert_int_equal(store_set_metadata(w->account, STORE_INBOX, S("/shared/b"), NULL), 0);
    assert_int_equal(store_set_metadata(w->account, STORE_INBOX, S("/shared/c"), &u), 0);
    struct store_mailbox inbox;
    assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &inbox), 0);
    assert_int_equal(inbox.modseq, store_account_modseq(w->account));
    for (int round = 0; round < 2; round++) {
        buf_clear(&names);
        assert_int_equal(store_property_changes(w->account, seen, add_name, &names), 0);
        assert_true(slice_eq(buf_slice(&names), S("/shared/b- /shared/c ")));
        world_reopen(w);
        assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &inbox), 0);
        assert_int_equal(inbox.modseq, store_account_modseq(w->account));
    }
    buf_done(&names);
}

BOTH_TEST(removed_names_are_not_remembered_without_bound) {
    struct slice v = S("v");
    struct buf names = {0};
    char name[32];
    struct store_stats before, after;
    world_open(w);
    store_stats(w->store, &before);
    for (int i = 0; i < 2500; i++) {
        (void)snprintf(name, sizeof name, "/shared/%d", i);
        assert_int_equal(store_set_metadata(w->account, 0, slice_of_str(name), &v), 0);
        assert_int_equal(store_set_metadata(w->account, 0, slice_of_str(name), NULL), 0);
    }
    assert_int_equal(store_property_changes(w->account, 1, add_name, &names), -E_LIMIT);
    assert_int_equal(
        store_property_changes(w->account, store_account_modseq(w->account) - 2, add_name, &names),
        0);
    assert_true(slice_eq(buf_slice(&names), S("/shared/2499- ")));
    store_stats(w->store, &after);
    assert_true(after.memory - before.memory < 200000);
    buf_done(&names);
}

BOTH_TEST(count_and_bytes_have_limits_that_are_told) {
    char *value = mem_alloc(STORE_VALUE_MAX);
    memset(value, 'v', STORE_VALUE_MAX);
    struct slice v = slice_of(value, STORE_VALUE_MAX);
    char name[32];
    int r = 0, set = 0;
    world_open(w);
    for (; r == 0; set++) {
        (void)snprintf(name, sizeof name, "/shared/%d", set);
        r = store_set_metadata(w->account, 0, slice_of_str(name), &v);
    }
    assert_int_equal(r, -E_LIMIT);
    assert_int_equal(set - 1, STORE_PROPERTIES_BYTES / STORE_VALUE_MAX - 1);
    assert_int_equal(store_set_metadata(w->account, 0, S("/shared/0"), NULL), 0);
    assert_int_equal(store_set_metadata(w->account, 0, slice_of_str(name), &v), 0);
    struct store_stats st;
    store_stats(w->store, &st);
    assert_true(st.memory < 200000); /* values are not in memory */
    free(value);
}

/* ------------------------------------------------------------------ subscriptions */

BOTH_TEST(rfc9051_6_3_7_names_are_subscribed_not_mailboxes) {
    world_open(w);
    assert_int_equal(store_subscribe(w->account, S("no such"), true), 0);
    assert_int_equal(store_subscribe(w->account, S(""), true), -E_SYNTAX);
    uint32_t a = make_mailbox(w, 0, "a"), b = make_mailbox(w, a, "b");
    make_mailbox(w, 0, "ab");
    struct buf path = {0};
    assert_int_equal(store_mailbox_path(w->account, b, &path), 0);
    assert_true(slice_eq(buf_slice(&path), S("a" STORE_UNDER "b")));
    assert_int_equal(store_subscribe(w->account, S("a"), true), 0);
    assert_int_equal(store_subscribe(w->account, buf_slice(&path), true), 0);
    assert_int_equal(store_subscribe(w->account, S("ab"), true), 0);
    uint64_t modseq = store_account_modseq(w->account);
    assert_int_equal(store_subscribe(w->account, S("ab"), true), 0);
    assert_int_equal(store_account_modseq(w->account), modseq);
    assert_int_equal(store_rename_mailbox(w->account, a, 0, S("z")), 0);
    for (int round = 0; round < 2; round++) {
        assert_false(store_is_subscribed(w->account, S("a")));
        assert_true(store_is_subscribed(w->account, S("z")));
        assert_true(store_is_subscribed(w->account, S("z" STORE_UNDER "b")));
        assert_true(store_is_subscribed(w->account, S("ab")));
        assert_true(store_is_subscribed(w->account, S("no such")));
        reopen_from_packs(w);
    }
    assert_int_equal(store_remove_mailbox(w->account, b, false), 0);
    assert_true(store_is_subscribed(w->account, S("z" STORE_UNDER "b")));
    assert_int_equal(store_subscribe(w->account, S("z" STORE_UNDER "b"), false), 0);
    reopen_from_packs(w);
    assert_false(store_is_subscribed(w->account, S("z" STORE_UNDER "b")));
    buf_done(&path);
}

/* ------------------------------------------------------------------ rights */

static void rfc4314_2_1_rights_are_letters(void **state) {
    static const struct {
        const char *text, *same;
    } GOOD[] = {{"", ""},
                {"lr", "lr"},
                {"rl", "lr"},
                {"aetxkpiwsrl", "lrswipkxtea"},
                {"c", "k"},
                {"d", "xte"},
                {"lrswipcda", "lrswipkxtea"}};
    uint32_t rights;
    char text[STORE_RIGHTS_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(GOOD); i++) {
        assert_int_equal(store_rights_parse(slice_of_str(GOOD[i].text), &rights), 0);
        assert_true(slice_eq(store_rights_text(rights, text), slice_of_str(GOOD[i].same)));
    }
    assert_int_equal(store_rights_parse(S("lq"), &rights), -E_SYNTAX);
    assert_int_equal(store_rights_parse(S("L"), &rights), -E_SYNTAX);
    assert_int_equal(store_rights_parse(S("1"), &rights), -E_SYNTAX);
    assert_int_equal(store_rights_parse(slice_of("l\0", 2), &rights), -E_SYNTAX);
}

static void rfc4314_2_negative_rights_take_away_what_is_granted(void **state) {
    const struct store_grant grants[] = {
        {S("fred"), STORE_RIGHT_READ | STORE_RIGHT_INSERT},
        {S("anyone"), STORE_RIGHT_LOOKUP | STORE_RIGHT_POST},
        {S("$staff"), STORE_RIGHT_WRITE},
        {S("-fred"), STORE_RIGHT_INSERT | STORE_RIGHT_POST},
        {S("-$out"), STORE_RIGHT_LOOKUP},
        {S("owner"), STORE_RIGHT_READ},
    };
    const struct slice staff = S("$staff"), out = S("$out");
    const struct {
        struct store_person person;
        uint32_t rights;
    } CASES[] = {
        {{.name = S("fred")}, STORE_RIGHT_READ | STORE_RIGHT_LOOKUP},
        {{.name = S("fred"), .groups = &staff, .group_count = 1},
         STORE_RIGHT_READ | STORE_RIGHT_LOOKUP | STORE_RIGHT_WRITE},
        {{.name = S("anna")}, STORE_RIGHT_LOOKUP | STORE_RIGHT_POST},
        {{.name = S("anna"), .groups = &out, .group_count = 1}, STORE_RIGHT_POST},
        {{.name = S("owner"), .is_owner = true},
         STORE_RIGHT_READ | STORE_RIGHT_LOOKUP | STORE_RIGHT_POST | STORE_RIGHT_ADMINISTER},
        {{.name = S("boss"), .is_owner = true}, STORE_RIGHTS_ALL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        assert_int_equal(store_rights_of(grants, ARRAY_SIZE(grants), &CASES[i].person),
                         CASES[i].rights);
    assert_int_equal(store_rights_of(NULL, 0, &CASES[2].person), 0);
}

static uint32_t rights_of(struct world *w, uint32_t mailbox, const char *name) {
    uint32_t rights;
    assert_int_equal(store_rights_in(w->account, mailbox,
                                     &(struct store_person){.name = slice_of_str(name)}, &rights),
                     0);
    return rights;
}

BOTH_TEST(rfc4314_3_1_a_list_is_changed_and_goes_to_new_mailboxes_below) {
    world_open(w);
    uint32_t a = make_mailbox(w, 0, "a"), rights;
    assert_int_equal(store_set_rights(w->account, a, S("fred"), S("lrw")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("fred"), S("-w")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("fred"), S("+p")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("-anna"), S("r")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("anyone"), S("lr")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("fred"), S("q")), -E_SYNTAX);
    assert_int_equal(store_set_rights(w->account, a, S(""), S("l")), -E_SYNTAX);
    assert_int_equal(store_set_rights(w->account, a, S("-"), S("l")), -E_SYNTAX);
    assert_int_equal(store_set_rights(w->account, 99, S("x"), S("l")), -E_UNKNOWN);
    uint32_t b = make_mailbox(w, a, "b");
    assert_int_equal(store_set_rights(w->account, a, S("anyone"), S("")), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(rights_of(w, a, "fred"),
                         STORE_RIGHT_LOOKUP | STORE_RIGHT_READ | STORE_RIGHT_POST);
        assert_int_equal(rights_of(w, a, "anna"), 0);
        assert_int_equal(rights_of(w, b, "anna"), STORE_RIGHT_LOOKUP);
        assert_int_equal(rights_of(w, b, "other"), STORE_RIGHT_LOOKUP | STORE_RIGHT_READ);
        expect_names(w, a, STORE_RIGHTS, "-anna fred ");
        expect_names(w, b, STORE_RIGHTS, "-anna anyone fred ");
        reopen_from_packs(w);
    }
    assert_int_equal(store_rights_in(w->account, 99, &(struct store_person){0}, &rights),
                     -E_UNKNOWN);
}

/* ------------------------------------------------------------------ packs */

/* Old packs have values that were changed and removed since; compaction takes the newer ones along.
 */
WORLD_TEST(compaction_keeps_what_is_set_and_what_was_removed) {
    w->solo.pack_size = 3000;
    w->solo.compact_size = 1;
    char large[1600];
    memset(large, 'x', sizeof large);
    struct slice big = slice_of(large, sizeof large), one = S("1"), two = S("2");
    struct buf names = {0};
    world_open(w);
    world_fill(w, 1);
    uint64_t first = store_account_modseq(w->account);
    assert_int_equal(store_set_metadata(w->account, 0, S("/shared/a"), &one), 0);
    assert_int_equal(store_set_metadata(w->account, 0, S("/shared/b"), &one), 0);
    for (int round = 0; round < 12; round++) {
        assert_int_equal(store_set_metadata(w->account, 0, S("/shared/big"), &big), 0);
        assert_int_equal(store_set_metadata(w->account, 0, S("/shared/big"), NULL), 0);
        if (round == 3)
            assert_int_equal(store_set_metadata(w->account, 0, S("/shared/a"), NULL), 0);
        if (round == 3)
            assert_int_equal(store_set_metadata(w->account, 0, S("/shared/b"), &two), 0);
        (void)store_compact(w->account);
        reopen_from_packs(w);
        assert_int_equal(has_metadata(w, 0, "/shared/a"), round < 3);
        assert_false(has_metadata(w, 0, "/shared/big"));
        expect_metadata(w, 0, "/shared/b", round < 3 ? one : two);
    }
    struct store_usage u;
    store_account_usage(w->account, &u);
    assert_true(u.disk < 15000);
    assert_int_equal(store_property_changes(w->account, first, add_name, &names), -E_LIMIT);
    EXPECT_UIDS(w, 1);
    buf_done(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(rfc5464_metadata_is_any_bytes_and_names_are_the_same_in_any_case),
        BOTH(changes_are_told_by_their_modseq),
        BOTH(removed_names_are_not_remembered_without_bound),
        BOTH(count_and_bytes_have_limits_that_are_told),
        BOTH(rfc9051_6_3_7_names_are_subscribed_not_mailboxes),
        cmocka_unit_test(rfc4314_2_1_rights_are_letters),
        cmocka_unit_test(rfc4314_2_negative_rights_take_away_what_is_granted),
        BOTH(rfc4314_3_1_a_list_is_changed_and_goes_to_new_mailboxes_below),
        cmocka_unit_test(compaction_keeps_what_is_set_and_what_was_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
