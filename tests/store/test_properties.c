/* SPDX-License-Identifier: ISC */
/* Named values of mailboxes and accounts: subscriptions, metadata, rights. */
#include "world.h"

#include <stdio.h>

#include "fiber/fiber.h"
#include "store/rights.h"

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

WORLD_TEST_BOTH(rfc5464_metadata_is_any_bytes_and_names_are_the_same_in_any_case) {
    char *large = mem_alloc(STORE_VALUE_MAX + 1);
    memset(large, 'v', STORE_VALUE_MAX + 1);
    struct slice nul = slice_of("a\0b", 3), most = slice_of(large, STORE_VALUE_MAX),
                 more = slice_of(large, STORE_VALUE_MAX + 1), empty = S("");
    world_open(w);
    uint32_t other = world_mailbox(w, "other");
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
        round ? world_rebuild(w) : world_reopen(w);
    }
    assert_int_equal(store_set_metadata(w->account, other, S("/shared/comment"), NULL), 0);
    assert_int_equal(store_set_metadata(w->account, other, S("/shared/never one"), NULL), 0);
    world_rebuild(w);
    expect_names(w, other, STORE_METADATA, "/private/comment ");
    assert_int_equal(store_remove_mailbox(w->account, other, false), 0);
    world_rebuild(w);
    expect_names(w, other, STORE_METADATA, "");
    expect_names(w, 0, STORE_METADATA, "/shared/admin ");
    free(large);
}

WORLD_TEST_BOTH(several_entries_are_set_all_or_none) {
    char *large = mem_zero(STORE_VALUE_MAX + 1);
    const struct slice one = S("1"), two = S("2"), most = slice_of(large, STORE_VALUE_MAX),
                       more = slice_of(large, STORE_VALUE_MAX + 1);
    const struct store_metadata good[] = {{S("/shared/a"), &one}, {S("/shared/b"), &one},
                                          {S("/SHARED/A"), &two}, {S("/shared/c"), &one},
                                          {S("/shared/c"), NULL}, {S("/shared/d"), &most}};
    const struct store_metadata bad[] = {{S("/shared/a"), &one}, {S("/other/b"), &one}};
    const struct store_metadata big[] = {{S("/shared/a"), &one}, {S("/shared/b"), &more}};
    const struct store_metadata gone[] = {{S("/shared/a"), NULL}, {S("/shared/d"), NULL}};
    world_open(w);
    assert_int_equal(store_set_metadata_all(w->account, 0, good, ARRAY_SIZE(good)), 0);
    assert_int_equal(store_set_metadata_all(w->account, 0, bad, ARRAY_SIZE(bad)), -E_SYNTAX);
    assert_int_equal(store_set_metadata_all(w->account, 0, big, ARRAY_SIZE(big)), -E_LIMIT);
    assert_int_equal(store_set_metadata_all(w->account, 99, good, ARRAY_SIZE(good)), -E_UNKNOWN);
    for (int round = 0; round < 2; round++) {
        expect_metadata(w, 0, "/shared/a", two);
        expect_metadata(w, 0, "/shared/b", one);
        expect_metadata(w, 0, "/shared/d", most);
        expect_names(w, 0, STORE_METADATA, "/shared/a /shared/b /shared/d ");
        world_reopen(w);
    }
    assert_int_equal(store_set_metadata_all(w->account, 0, gone, ARRAY_SIZE(gone)), 0);
    expect_names(w, 0, STORE_METADATA, "/shared/b ");
    free(large);
}

/* What is set counts beside what goes, and what was there before. */
WORLD_TEST_BOTH(several_entries_have_the_limits_of_all) {
    char *value = mem_zero(STORE_VALUE_MAX);
    const struct slice v = slice_of(value, STORE_VALUE_MAX), small = S("v");
    const size_t fit = STORE_PROPERTIES_BYTES / (STORE_VALUE_MAX + sizeof "/shared/x" + 1);
    char name[32];
    world_open(w);
    for (size_t i = 0; i < fit; i++) {
        (void)snprintf(name, sizeof name, "/shared/x%02zu", i);
        assert_int_equal(store_set_metadata(w->account, 0, slice_of_str(name), &v), 0);
    }
    const struct store_metadata over[] = {{S("/shared/y"), &small}, {S("/shared/z"), &v}};
    const struct store_metadata same[] = {{S("/shared/x00"), &v}, {S("/shared/x01"), &v}};
    const struct store_metadata swap[] = {{S("/shared/x00"), NULL}, {S("/shared/z"), &v}};
    assert_int_equal(store_set_metadata_all(w->account, 0, over, 2), -E_LIMIT);
    assert_false(has_metadata(w, 0, "/shared/y"));
    assert_int_equal(store_set_metadata_all(w->account, 0, same, 2), 0);
    assert_int_equal(store_set_metadata_all(w->account, 0, swap, 2), 0);
    assert_true(has_metadata(w, 0, "/shared/z"));
    assert_false(has_metadata(w, 0, "/shared/x00"));
    free(value);
}

WORLD_TEST_BOTH(changes_are_told_by_their_modseq) {
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

WORLD_TEST_BOTH(removed_names_are_not_remembered_without_bound) {
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

WORLD_TEST_BOTH(count_and_bytes_have_limits_that_are_told) {
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

/* A path of so many bytes, and some more: mailboxes below each other; the last one. */
static uint32_t make_path(struct world *w, size_t len) {
    char name[251];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    uint32_t id = 0;
    for (size_t made = 0; made < len; made += sizeof name)
        id = world_mailbox_in(w, id, name);
    return id;
}

static bool lies_at_the_top(const struct world *w, uint32_t mailbox) {
    struct store_mailbox m;
    assert_int_equal(store_mailbox_get(w->account, mailbox, &m), 0);
    return m.parent == 0;
}

WORLD_TEST_BOTH(a_mailbox_is_not_renamed_to_where_its_subscription_is_too_long) {
    char path[STORE_PROPERTY_NAME_MAX + 1] = "x" STORE_UNDER; /* of no mailbox */
    memset(path + 2, 'p', STORE_PROPERTY_NAME_MAX - 2);
    world_open(w);
    uint32_t deep = make_path(w, 500), x = world_mailbox(w, "x");
    assert_int_equal(store_subscribe(w->account, slice_of_str(path), true), 0);
    assert_int_equal(store_rename_mailbox(w->account, x, deep, S("x")), -E_LIMIT);
    for (int round = 0; round < 2; round++) {
        assert_true(lies_at_the_top(w, x));
        assert_true(store_is_subscribed(w->account, slice_of_str(path)));
        world_rebuild(w);
    }
    assert_int_equal(store_subscribe(w->account, slice_of_str(path), false), 0);
    assert_int_equal(store_rename_mailbox(w->account, x, deep, S("x")), 0);
    assert_false(lies_at_the_top(w, x));
}

WORLD_TEST_BOTH(subscriptions_of_a_renamed_mailbox_keep_the_limit_of_bytes) {
    enum { LEN = 900 };
    char name[32];
    world_open(w);
    uint32_t deep = make_path(w, LEN), x = world_mailbox(w, "x");
    for (size_t i = 0; i <= STORE_PROPERTIES_BYTES / LEN; i++) {
        (void)snprintf(name, sizeof name, "x" STORE_UNDER "%zu", i);
        assert_int_equal(store_subscribe(w->account, slice_of_str(name), true), 0);
    }
    assert_int_equal(store_rename_mailbox(w->account, x, deep, S("x")), -E_LIMIT);
    assert_true(lies_at_the_top(w, x));
    assert_true(store_is_subscribed(w->account, S("x" STORE_UNDER "0")));
    assert_int_equal(store_rename_mailbox(w->account, x, 0, S("y")), 0);
    assert_true(store_is_subscribed(w->account, S("y" STORE_UNDER "0")));
}

WORLD_TEST_BOTH(rights_that_a_new_mailbox_inherits_keep_the_limit_of_count) {
    enum { EACH = 1250 };
    char name[32];
    world_open(w);
    uint32_t parent = world_mailbox(w, "parent"), id;
    for (unsigned i = 0; i < EACH; i++) {
        (void)snprintf(name, sizeof name, "user%u", i);
        assert_int_equal(store_set_rights(w->account, parent, slice_of_str(name), S("l")), 0);
    }
    for (unsigned i = 1; i < STORE_PROPERTIES_MAX / EACH; i++) {
        (void)snprintf(name, sizeof name, "child%u", i);
        world_mailbox_in(w, parent, name);
    }
    assert_int_equal(store_create_mailbox(w->account, parent, S("more"), STORE_ROLE_NONE, &id),
                     -E_LIMIT);
    assert_int_equal(store_set_metadata(w->account, 0, S("/shared/a"), &S("1")), -E_LIMIT);
    world_mailbox(w, "more"); /* it inherits nothing */
}

/* ------------------------------------------------------------------ subscriptions */

WORLD_TEST_BOTH(rfc9051_6_3_7_names_are_subscribed_not_mailboxes) {
    world_open(w);
    assert_int_equal(store_subscribe(w->account, S("no such"), true), 0);
    assert_int_equal(store_subscribe(w->account, S(""), true), -E_SYNTAX);
    uint32_t a = world_mailbox(w, "a"), b = world_mailbox_in(w, a, "b");
    world_mailbox(w, "ab");
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
        world_rebuild(w);
    }
    assert_int_equal(store_remove_mailbox(w->account, b, false), 0);
    assert_true(store_is_subscribed(w->account, S("z" STORE_UNDER "b")));
    assert_int_equal(store_subscribe(w->account, S("z" STORE_UNDER "b"), false), 0);
    world_rebuild(w);
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

WORLD_TEST_BOTH(rfc4314_3_1_a_list_is_changed_and_goes_to_new_mailboxes_below) {
    world_open(w);
    uint32_t a = world_mailbox(w, "a"), rights;
    assert_int_equal(store_set_rights(w->account, a, S("fred"), S("lrw")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("fred"), S("-w")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("fred"), S("+p")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("-anna"), S("r")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("anyone"), S("lr")), 0);
    assert_int_equal(store_set_rights(w->account, a, S("fred"), S("q")), -E_SYNTAX);
    assert_int_equal(store_set_rights(w->account, a, S(""), S("l")), -E_SYNTAX);
    assert_int_equal(store_set_rights(w->account, a, S("-"), S("l")), -E_SYNTAX);
    assert_int_equal(store_set_rights(w->account, 99, S("x"), S("l")), -E_UNKNOWN);
    uint32_t b = world_mailbox_in(w, a, "b");
    assert_int_equal(store_set_rights(w->account, a, S("anyone"), S("")), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(rights_of(w, a, "fred"),
                         STORE_RIGHT_LOOKUP | STORE_RIGHT_READ | STORE_RIGHT_POST);
        assert_int_equal(rights_of(w, a, "anna"), 0);
        assert_int_equal(rights_of(w, b, "anna"), STORE_RIGHT_LOOKUP);
        assert_int_equal(rights_of(w, b, "other"), STORE_RIGHT_LOOKUP | STORE_RIGHT_READ);
        expect_names(w, a, STORE_RIGHTS, "-anna fred ");
        expect_names(w, b, STORE_RIGHTS, "-anna anyone fred ");
        world_rebuild(w);
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
        world_rebuild(w);
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

static void take_image(void *arg, int fd) {
    disk.before_sync = NULL;
    world_image(arg);
}

/* Whatever of an unsynced new mailbox a power cut takes: it has all that it inherits, or is not
 * there. */
WORLD_TEST(a_torn_mailbox_has_no_half_of_its_rights) {
    world_open(w);
    uint32_t parent = world_mailbox(w, "parent"), child;
    static const char *const names[] = {"anyone", "hana", "-taro"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(store_set_rights(w->account, parent, slice_of_str(names[i]), S("lr")), 0);
    disk.before_sync = take_image;
    disk.arg = w;
    assert_int_equal(store_create_mailbox(w->account, parent, S("child"), STORE_ROLE_NONE, &child),
                     0);
    uint64_t from = disk.written.from, to = disk.written.to;
    world_close(w);
    unsigned there = 0;
    for (uint64_t at = from; at <= to; at += 32) { /* the last time nothing is lost */
        world_restore(w);
        char *pack = world_path(w, TEST_PACK);
        if (at + 32 <= to)
            file_damage(pack, at, 32);
        free(pack);
        world_open(w);
        struct store_mailbox m;
        struct buf rights = {0};
        if (store_mailbox_find(w->account, parent, S("child"), &m) == 0) {
            there++;
            store_property_each(w->account, m.id, STORE_RIGHTS, add_name, &rights);
            assert_true(slice_eq(buf_slice(&rights), S("-taro anyone hana ")));
        }
        buf_done(&rights);
        world_close(w);
    }
    assert_true(there > 0);
    world_open(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(rfc5464_metadata_is_any_bytes_and_names_are_the_same_in_any_case),
        BOTH(several_entries_are_set_all_or_none),
        BOTH(several_entries_have_the_limits_of_all),
        BOTH(changes_are_told_by_their_modseq),
        BOTH(removed_names_are_not_remembered_without_bound),
        BOTH(count_and_bytes_have_limits_that_are_told),
        BOTH(a_mailbox_is_not_renamed_to_where_its_subscription_is_too_long),
        BOTH(subscriptions_of_a_renamed_mailbox_keep_the_limit_of_bytes),
        BOTH(rights_that_a_new_mailbox_inherits_keep_the_limit_of_count),
        BOTH(rfc9051_6_3_7_names_are_subscribed_not_mailboxes),
        cmocka_unit_test(rfc4314_2_1_rights_are_letters),
        cmocka_unit_test(rfc4314_2_negative_rights_take_away_what_is_granted),
        BOTH(rfc4314_3_1_a_list_is_changed_and_goes_to_new_mailboxes_below),
        cmocka_unit_test(compaction_keeps_what_is_set_and_what_was_removed),
        cmocka_unit_test(a_torn_mailbox_has_no_half_of_its_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
