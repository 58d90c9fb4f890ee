/* SPDX-License-Identifier: ISC */
/* Keywords of messages: RFC 9051 §2.3.2 and §6.4.6, RFC 8621 §4.1.1. */
#include "world.h"

#include <stdio.h>

#include "fiber/fiber.h"
#include "store/backend.h"
#include "store/keywords.h"

/* ------------------------------------------------------------------ the table in memory */

static void expect_text(const struct keywords *k, uint32_t set, const char *text) {
    struct buf to = {0};
    keywords_text(k, set, &to);
    assert_true(slice_eq(buf_slice(&to), slice_of_str(text)));
    buf_done(&to);
}

static void expect_names(const struct keywords *k, const char *text) {
    struct buf to = {0};
    keywords_names(k, &to);
    assert_true(slice_eq(buf_slice(&to), slice_of_str(text)));
    buf_done(&to);
}

static void rfc9051_flag_keyword_is_an_atom(void **state) {
    static const char *const good[] = {"$Forwarded", "a", "NonJunk", "x-y_z!", "+1"};
    static const char *const bad[] = {"",  "a b", "\\Seen", "a(b",    "a)b",  "{1}",         "50%",
                                      "*", "\"",  "]",      "tab\tx", "\x7f", "\xe3\x81\x82"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(keyword_is_good(slice_of_str(good[i])));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(keyword_is_good(slice_of_str(bad[i])));
    char name[256];
    memset(name, 'k', sizeof name);
    assert_true(keyword_is_good(slice_of(name, 255)));
    assert_false(keyword_is_good(slice_of(name, 256)));
}

static void names_are_the_same_in_any_case_and_the_first_spelling_stays(void **state) {
    int64_t memory = 0;
    struct keywords *k = keywords_new(&memory);
    uint32_t one = keywords_set(k, S("Work $Junk")), two = keywords_set(k, S("$JUNK work"));
    assert_int_equal(one, two);
    keywords_use(k, one, 1);
    expect_text(k, one, "$Junk Work");
    assert_int_equal(keywords_set(k, S("")), 0);
    expect_names(k, "$Junk Work");
    keywords_use(k, one, -1);
    keywords_tidy(k);
    expect_names(k, "");
    uint32_t three = keywords_set(k, S("WORK"));
    keywords_use(k, three, 1);
    expect_text(k, three, "WORK");
    keywords_free(k);
    assert_int_equal(memory, 0);
}

static void numbers_and_memory_of_sets_that_nobody_has_are_given_again(void **state) {
    int64_t memory = 0, after = 0;
    struct keywords *k = keywords_new(&memory);
    uint32_t most = 0, last = 0;
    for (unsigned i = 0; i < 10000; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "a%u b%u", i % 37, i % 41);
        uint32_t set = keywords_set(k, slice_of_str(text));
        keywords_use(k, set, 1);
        if (last)
            keywords_use(k, last, -1);
        keywords_tidy(k);
        last = set;
        most = MAX(most, set);
        if (i == 100)
            after = memory;
    }
    assert_true(most <= 2 && memory <= after + 64);
    keywords_free(k);
    assert_int_equal(memory, 0);
}

/* An onlooker sees the set that was there when he came; what comes and goes meanwhile is freed. */
static void a_set_lives_as_long_as_a_view_can_see_it(void **state) {
    int64_t memory = 0;
    struct keywords_view old = {0}, other = {0}, late = {0};
    struct keywords *k = keywords_new(&memory);
    uint32_t seen = keywords_set(k, S("seen")), most = 0;
    keywords_use(k, seen, 1);
    keywords_view_open(k, &old);
    keywords_view_open(k, &other);
    keywords_use(k, seen, -1);
    keywords_view_open(k, &late);
    for (unsigned i = 0; i < 1000; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "k%u", i);
        uint32_t set = keywords_set(k, slice_of_str(text));
        keywords_use(k, set, 1);
        keywords_use(k, set, -1);
        keywords_tidy(k);
        most = MAX(most, set);
        expect_text(k, seen, "seen");
    }
    assert_true(most <= 3);
    keywords_view_close(k, &other);
    expect_text(k, seen, "seen");
    expect_names(k, "");
    keywords_view_close(k, &old);
    assert_int_equal(keywords_set(k, S("other")), seen); /* it is free */
    keywords_tidy(k);
    keywords_view_close(k, &late);
    keywords_free(k);
    assert_int_equal(memory, 0);
}

static void a_set_that_comes_back_while_it_is_looked_at_is_the_same(void **state) {
    int64_t memory = 0;
    struct keywords_view v = {0};
    struct keywords *k = keywords_new(&memory);
    uint32_t set = keywords_set(k, S("x"));
    keywords_use(k, set, 1);
    keywords_view_open(k, &v);
    keywords_use(k, set, -1);
    assert_int_equal(keywords_set(k, S("X")), set);
    keywords_use(k, set, 1);
    keywords_view_close(k, &v);
    expect_text(k, set, "x");
    keywords_free(k);
}

/* ------------------------------------------------------------------ of messages */

static struct slice words[1100];

/* Splits a text at its spaces. */
static size_t split(const char *text) {
    struct slice rest = slice_of_str(text), word;
    size_t count = 0;
    while (rest.len > 0 && slice_next(&rest, ' ', &word))
        words[count++] = word;
    return count;
}

static int try_keywords(struct world *w, uint32_t mailbox, uint32_t uid, const char *add,
                        const char *remove, struct store_flags_changed *ret) {
    size_t added = split(add);
    struct slice *list = mem_copy(words, (added + 1) * sizeof *words);
    size_t removed = split(remove);
    struct store_flags f = {.add_keywords = list,
                            .add_keyword_count = added,
                            .remove_keywords = words,
                            .remove_keyword_count = removed};
    int error = store_set_flags(w->account, mailbox, &uid, 1, &f, ret, NULL);
    free(list);
    return error;
}

static struct store_flags_changed change(struct world *w, uint32_t mailbox, uint32_t uid,
                                         const char *add, const char *remove) {
    struct store_flags_changed changed;
    assert_int_equal(try_keywords(w, mailbox, uid, add, remove, &changed), 0);
    return changed;
}

static void expect_of(struct world *w, uint32_t mailbox, uint32_t uid, const char *text) {
    struct store_view *v;
    struct store_message m;
    struct buf names = {0};
    assert_int_equal(store_view_open(w->account, mailbox, &v), 0);
    store_view_at(v, store_view_place(v, uid), &m);
    assert_int_equal(m.uid, uid);
    store_view_keywords(v, &m, &names);
    assert_int_equal(m.keywords > 0, *text != 0);
    assert_true(slice_eq(buf_slice(&names), slice_of_str(text)));
    store_view_close(v);
    buf_done(&names);
}

static void expect_all(struct world *w, uint32_t mailbox, const char *text) {
    struct buf names = {0};
    assert_int_equal(store_keywords(w->account, mailbox, &names), 0);
    assert_true(slice_eq(buf_slice(&names), slice_of_str(text)));
    buf_done(&names);
}

/* As it is, after a crash, from mail.db, and from the packs alone. */
static void next_round(struct world *w, int round) {
    if (round == 0)
        world_crash(w);
    else if (round == 1)
        world_reopen(w);
    else
        world_rebuild(w);
}

WORLD_TEST_BOTH(rfc9051_6_4_6_keywords_are_added_removed_and_replaced) {
    world_open(w);
    world_fill(w, 4);
    struct store_flags_changed c = change(w, STORE_INBOX, 1, "$Forwarded work", "");
    assert_true(c.changed == 1 && c.modseq == store_account_modseq(w->account));
    assert_int_equal(change(w, STORE_INBOX, 1, "WORK", "nothing").changed, 0);
    (void)change(w, STORE_INBOX, 2, "Work $label1", "");
    (void)change(w, STORE_INBOX, 3, "gone", "");
    (void)change(w, STORE_INBOX, 3, "", "GONE");
    (void)change(w, STORE_INBOX, 4, "a b c", "");
    struct slice list[] = {S("c"), S("d")};
    const uint32_t fourth = 4;
    struct store_flags f = {
        .add = STORE_SEEN, .add_keywords = list, .add_keyword_count = 2, .replace_keywords = true};
    assert_int_equal(store_set_flags(w->account, STORE_INBOX, &fourth, 1, &f, &c, NULL), 0);
    (void)world_flag(w, 2, STORE_FLAGGED, 0);
    for (int round = 0; round < 4; round++) {
        expect_all(w, STORE_INBOX, "$Forwarded $label1 c d work");
        expect_of(w, STORE_INBOX, 1, "$Forwarded work");
        expect_of(w, STORE_INBOX, 2, "$label1 work");
        expect_of(w, STORE_INBOX, 3, "");
        expect_of(w, STORE_INBOX, 4, "c d");
        expect_all(w, STORE_INBOX, "$Forwarded $label1 c d work");
        struct snapshot *s = world_snapshot(w);
        assert_true(s->messages[1].flags == STORE_FLAGGED && s->messages[3].flags == STORE_SEEN);
        free(s);
        next_round(w, round);
    }
}

WORLD_TEST_BOTH(rfc7162_3_1_3_a_conditional_change_leaves_newer_keywords_alone) {
    world_open(w);
    world_fill(w, 2);
    struct slice name = S("new");
    struct store_flags_changed c;
    struct store_flags f = {.add_keywords = &name,
                            .add_keyword_count = 1,
                            .conditional = true,
                            .unchanged_since = store_account_modseq(w->account)};
    (void)change(w, STORE_INBOX, 2, "old", "");
    assert_int_equal(
        store_set_flags(w->account, STORE_INBOX, (const uint32_t[]){1, 2}, 2, &f, &c, NULL), 0);
    assert_true(c.changed == 1 && c.refused == 1);
    expect_of(w, STORE_INBOX, 1, "new");
    expect_of(w, STORE_INBOX, 2, "old");
}

WORLD_TEST_BOTH(keywords_come_with_a_delivery) {
    world_open(w);
    struct slice part = S("number 1\r\n"), list[] = {S("$Junk"), S("b"), S("$JUNK"), S("a")};
    struct store_delivery d = {.mailbox = STORE_INBOX,
                               .keywords = list,
                               .keyword_count = 4,
                               .parts = &part,
                               .part_count = 1};
    struct store_delivered done;
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), 0);
    world_reopen(w);
    list[1] = S("B");
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), 0); /* nothing is loaded */
    for (int round = 0; round < 4; round++) {
        expect_all(w, STORE_INBOX, "$Junk a b");
        expect_of(w, STORE_INBOX, 1, "$Junk a b");
        expect_of(w, STORE_INBOX, 2, "$Junk a b");
        next_round(w, round);
    }
    list[1] = S("not an atom");
    assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), -E_SYNTAX);
}

WORLD_TEST_BOTH(rfc9051_6_4_7_copies_and_moves_carry_keywords) {
    world_open(w);
    world_fill(w, 3);
    uint32_t other = world_mailbox(w, "other");
    const uint32_t second = 2, third = 3;
    struct store_copied done;
    (void)change(w, STORE_INBOX, 1, "x", "");
    (void)change(w, STORE_INBOX, 2, "X y", "");
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){1, 2, 3}, 3, other, false, &done),
        0);
    (void)change(w, other, 1, "more", "x");
    world_reopen(w);
    assert_int_equal(store_copy(w->account, STORE_INBOX, &second, 1, other, true, &done), 0);
    assert_int_equal(store_copy(w->account, other, &third, 1, STORE_INBOX, true, &done), 0);
    for (int round = 0; round < 4; round++) {
        expect_of(w, STORE_INBOX, 1, "x");
        expect_of(w, STORE_INBOX, 4, "");
        expect_of(w, other, 1, "more");
        expect_of(w, other, 2, "x y");
        expect_of(w, other, 4, "x y");
        expect_all(w, STORE_INBOX, "x");
        expect_all(w, other, "more x y");
        next_round(w, round);
    }
}

WORLD_TEST_BOTH(a_view_shows_the_keywords_that_were_there) {
    world_open(w);
    world_fill(w, 2);
    (void)change(w, STORE_INBOX, 1, "before", "");
    struct store_view *v;
    struct store_message m;
    struct buf names = {0};
    assert_int_equal(store_view_open(w->account, STORE_INBOX, &v), 0);
    (void)change(w, STORE_INBOX, 1, "after", "before");
    (void)change(w, STORE_INBOX, 2, "other", "");
    expect_all(w, STORE_INBOX, "after other");
    world_expunge(w, 1);
    store_view_at(v, 0, &m);
    store_view_keywords(v, &m, &names);
    assert_true(slice_eq(buf_slice(&names), S("before")));
    expect_all(w, STORE_INBOX, "other");
    store_view_close(v);
    buf_done(&names);
}

/* A thousand are fine, in one message or in many; one more is not. */
WORLD_TEST_BOTH(a_mailbox_has_a_thousand_keywords_and_no_lower_limit) {
    world_open(w);
    world_fill(w, 2);
    struct buf all = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&all, "%skeyword-%d", i ? " " : "", i);
    buf_add_byte(&all, '\0');
    assert_int_equal(change(w, STORE_INBOX, 1, all.ptr, "").changed, 1);
    struct store_flags_changed c;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(try_keywords(w, STORE_INBOX, 2, "one-more", "", &c), -E_LIMIT);
        assert_int_equal(change(w, STORE_INBOX, 2, "KEYWORD-7", "").changed, 1 - round);
        struct slice one = S("one-more"), part = S("x\r\n");
        struct store_delivery d = {.mailbox = STORE_INBOX,
                                   .keywords = &one,
                                   .keyword_count = 1,
                                   .parts = &part,
                                   .part_count = 1};
        struct store_delivered done;
        world_reopen(w);
        assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &done), -E_LIMIT);
        world_reopen(w);
    }
    (void)change(w, STORE_INBOX, 1, "", "keyword-999");
    assert_int_equal(change(w, STORE_INBOX, 2, "one-more", "").changed, 1);
    (void)change(w, STORE_INBOX, 1, "", all.ptr);
    expect_all(w, STORE_INBOX, "keyword-7 one-more");
    buf_done(&all);
}

/* What compaction writes again has the keywords that are there now. */
WORLD_TEST(keywords_outlive_their_packs) {
    world_open(w);
    world_fill(w, 3);
    uint32_t other = world_mailbox(w, "other");
    struct store_copied done;
    assert_int_equal(
        store_copy(w->account, STORE_INBOX, (const uint32_t[]){1, 2}, 2, other, false, &done), 0);
    (void)change(w, STORE_INBOX, 1, "one $x", "");
    (void)change(w, other, 2, "two", "");
    char *large = mem_zero(8001);
    memset(large, 'x', 8000);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 12; i++) {
            uint32_t uid = world_deliver(w, "", large).uid;
            world_expunge(w, uid);
        }
        assert_int_equal(store_compact(w->account), 0);
        fiber_sleep(10 * USEC_SEC);
        _cleanup_(free_p) char *first = world_path(w, TEST_PACK);
        assert_false(file_exists(first));
        expect_of(w, STORE_INBOX, 1, "$x one");
        expect_of(w, other, 2, "two");
        world_rebuild(w);
        expect_of(w, STORE_INBOX, 1, "$x one");
        expect_of(w, STORE_INBOX, 2, "");
        expect_of(w, other, 1, "");
        expect_of(w, other, 2, "two");
        (void)change(w, other, 1, round % 2 ? "" : "three", round % 2 ? "three" : "");
        (void)change(w, other, 1, "", "three");
    }
    free(large);
}

/* Random subsets for a long time: what is kept is what messages have. */
WORLD_TEST_BOTH(toggled_keywords_do_not_pile_up) {
    world_open(w);
    world_fill(w, 3);
    struct store_stats before, after;
    uint64_t seed = 1, size = 0;
    for (int i = 0; i < 3000; i++) {
        char add[200] = "", remove[200] = "";
        for (int k = 0; k < 8; k++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            char *to = seed >> 40 & 1 ? add : remove;
            (void)snprintf(to + strlen(to), 20, "%sk%u", *to ? " " : "",
                           (unsigned)(seed >> 33) % 100);
        }
        (void)change(w, STORE_INBOX, 1 + (uint32_t)i % 3, add, remove);
        if (i == 500)
            store_stats(w->store, &before);
    }
    store_stats(w->store, &after);
    assert_true(after.memory < before.memory + 20000);
    world_reopen(w);
    if (!w->memory.memory) {
        _cleanup_(free_p) char *db = world_path(w, TEST_DB);
        size = file_size(db);
    }
    assert_true(size < 400000);
}

/* Two in one group, or more, that bring the same name in two spellings. */
struct racer {
    struct world *world;
    const char *name;
};

static void race(void *arg) {
    const struct racer *r = arg;
    struct slice name = slice_of_str(r->name), part = S("x\r\n");
    struct store_delivery d = {.mailbox = STORE_INBOX,
                               .keywords = &name,
                               .keyword_count = 1,
                               .parts = &part,
                               .part_count = 1};
    struct store_delivered done;
    assert_int_equal(store_deliver(r->world->store, TEST_ACCOUNT, &d, &done), 0);
}

/* A backend that takes its time over keywords. */
static struct backend_ops slow_ops;
static const struct backend_ops *real_ops;

static int keywords_slowly(struct backend_account *a, uint32_t mailbox, struct buf *names) {
    (void)fiber_sleep(5 * USEC_SEC);
    return real_ops->keywords(a, mailbox, names);
}

static int load_slowly(struct backend_account *a, uint32_t mailbox, uint32_t above,
                       struct store_entry *entries, size_t size, struct buf *sets,
                       size_t *ret_count) {
    (void)fiber_sleep(USEC_SEC);
    return real_ops->load(a, mailbox, above, entries, size, sets, ret_count);
}

static int open_slow(const void *options, const struct backend_host *host,
                     struct store_backend **ret, struct problem *problem) {
    int error = solo_open(options, host, ret, problem);
    if (error)
        return error;
    slow_ops = *(real_ops = (*ret)->ops);
    slow_ops.keywords = keywords_slowly;
    slow_ops.load = load_slowly;
    (*ret)->ops = &slow_ops;
    return 0;
}

static void open_slow_world(struct world *w) {
    struct problem problem = {0};
    w->solo.dir = w->dir;
    w->options.backend = open_slow;
    w->options.backend_options = &w->solo;
    assert_int_equal(store_open(&w->options, &w->store, &problem), 0);
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT, &w->account), 0);
}

struct asking {
    struct world *world;
    uint32_t mailbox;
    int result;
};

static void ask_keywords(void *arg) {
    struct asking *s = arg;
    struct buf names = {0};
    s->result = store_keywords(s->world->account, s->mailbox, &names);
    buf_done(&names);
}

WORLD_TEST(a_mailbox_may_be_removed_while_its_keywords_are_asked_for) {
    world_open(w);
    struct asking asking = {.world = w, .mailbox = world_mailbox(w, "box")};
    struct fiber *f;
    world_close(w);
    open_slow_world(w);
    assert_int_equal(fiber_start("asking", ask_keywords, &asking, &f), 0);
    (void)fiber_sleep(USEC_MS);
    assert_int_equal(store_remove_mailbox(w->account, asking.mailbox, false), 0);
    fiber_join(f);
    assert_int_equal(asking.result, -E_UNKNOWN);
}

static void look(void *arg) {
    struct store_view *v;
    assert_int_equal(store_view_open(((struct world *)arg)->account, STORE_INBOX, &v), 0);
    store_view_close(v);
}

WORLD_TEST(keywords_are_all_there_while_a_mailbox_is_being_loaded) {
    static const struct slice one = S("one"), other = S("other");
    struct slice part = S("message\r\n");
    struct store_delivered delivered;
    struct fiber *f;
    world_open(w);
    for (unsigned i = 0; i < 300; i++) {
        struct store_delivery d = {.mailbox = STORE_INBOX,
                                   .keywords = i < 1 ? &one : &other,
                                   .keyword_count = i < 1 || i == 299,
                                   .parts = &part,
                                   .part_count = 1};
        assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &delivered), 0);
    }
    world_close(w);
    open_slow_world(w);
    assert_int_equal(fiber_start("looking", look, w, &f), 0);
    (void)fiber_sleep(USEC_SEC + USEC_MS); /* the first piece is there */
    struct buf names = {0};
    assert_int_equal(store_keywords(w->account, STORE_INBOX, &names), 0);
    assert_true(slice_eq(buf_slice(&names), S("one other")));
    buf_done(&names);
    fiber_join(f);
}

/* Those that nobody looks at are not kept: an account may have thousands of mailboxes. */
WORLD_TEST(keywords_of_mailboxes_that_are_not_looked_at_take_no_memory) {
    enum { BOXES = 50, NAMES = 100 };
    struct slice part = S("message\r\n"), keywords[NAMES];
    char names[NAMES][16];
    uint32_t boxes[BOXES];
    struct store_stats before, after;
    struct store_delivered delivered;
    for (unsigned i = 0; i < NAMES; i++) {
        (void)snprintf(names[i], sizeof names[i], "keyword-%u", i);
        keywords[i] = slice_of_str(names[i]);
    }
    world_open(w);
    for (unsigned i = 0; i < BOXES; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "box %u", i);
        boxes[i] = world_mailbox(w, name);
        struct store_delivery d = {.mailbox = boxes[i],
                                   .keywords = keywords,
                                   .keyword_count = NAMES,
                                   .parts = &part,
                                   .part_count = 1};
        assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &d, &delivered), 0);
    }
    world_reopen(w);
    store_stats(w->store, &before);
    for (unsigned i = 0; i < BOXES; i++) {
        struct buf found = {0};
        assert_int_equal(store_keywords(w->account, boxes[i], &found), 0);
        assert_true(slice_starts(buf_slice(&found), S("keyword-0 keyword-1 ")));
        buf_done(&found);
    }
    store_stats(w->store, &after);
    assert_true(after.memory < before.memory + 10000);
}

WORLD_TEST_BOTH(keywords_that_come_at_the_same_time_are_the_same) {
    static const char *const names[] = {"Name", "NAME", "name", "nAme"};
    struct racer racers[4];
    struct fiber *fibers[4];
    world_open(w);
    for (unsigned i = 0; i < 4; i++) {
        racers[i] = (struct racer){w, names[i]};
        assert_int_equal(fiber_start("racer", race, &racers[i], &fibers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        fiber_join(fibers[i]);
    for (int round = 0; round < 4; round++) {
        for (uint32_t uid = 1; uid <= 4; uid++)
            expect_of(w, STORE_INBOX, uid, "Name");
        expect_all(w, STORE_INBOX, "Name");
        next_round(w, round);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9051_flag_keyword_is_an_atom),
        cmocka_unit_test(names_are_the_same_in_any_case_and_the_first_spelling_stays),
        cmocka_unit_test(numbers_and_memory_of_sets_that_nobody_has_are_given_again),
        cmocka_unit_test(a_set_lives_as_long_as_a_view_can_see_it),
        cmocka_unit_test(a_set_that_comes_back_while_it_is_looked_at_is_the_same),
        BOTH(rfc9051_6_4_6_keywords_are_added_removed_and_replaced),
        BOTH(rfc7162_3_1_3_a_conditional_change_leaves_newer_keywords_alone),
        BOTH(keywords_come_with_a_delivery),
        BOTH(rfc9051_6_4_7_copies_and_moves_carry_keywords),
        BOTH(a_view_shows_the_keywords_that_were_there),
        BOTH(a_mailbox_has_a_thousand_keywords_and_no_lower_limit),
        cmocka_unit_test(keywords_outlive_their_packs),
        BOTH(toggled_keywords_do_not_pile_up),
        cmocka_unit_test(a_mailbox_may_be_removed_while_its_keywords_are_asked_for),
        cmocka_unit_test(keywords_are_all_there_while_a_mailbox_is_being_loaded),
        cmocka_unit_test(keywords_of_mailboxes_that_are_not_looked_at_take_no_memory),
        BOTH(keywords_that_come_at_the_same_time_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
