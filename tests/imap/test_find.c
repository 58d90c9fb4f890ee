/* SPDX-License-Identifier: ISC */
/*
 * SEARCH over both backends of the store. Whatever is joined by AND, OR and NOT finds what its keys
 * by themselves find, put together: so it makes no difference which of them are asked first, or not
 * at all.
 */
#include <stdio.h>

#include "asker.h"
#include "base/random.h"

#define MESSAGES 60U /* a bit for each */

/* As if each search were a long one. */
static void begin(struct asker *c, struct world *w) WAITS {
    struct imap_session_config config = imap_session_defaults;
    config.search_beat = 0;
    asker_begin(c, w->store, &config);
}

/* What SEARCH finds, a bit for each number. */
static uint64_t find(struct asker *c, struct slice program) WAITS {
    _cleanup_(buf_done) struct buf command = {0};
    uint64_t found = 0, number;
    buf_add_str(&command, "SEARCH ");
    buf_add(&command, program);
    struct slice said = ask(c, buf_slice(&command)), word;
    struct slice rest = slice_from(said, (size_t)slice_find(said, S("* SEARCH")) + 8);
    rest = slice_first(rest, (size_t)slice_find_byte(rest, '\r'));
    while (slice_next_word(&rest, &word)) {
        assert_int_equal(slice_to_u64(word, MESSAGES, &number), 0);
        found |= (uint64_t)1 << (number - 1);
    }
    return found;
}

/* The value behind a name in an ESEARCH answer; empty: it is not there. */
static struct slice value_of(struct slice said, const char *name) {
    ssize_t at = slice_find(said, slice_of_str(name));
    struct slice rest = at < 0 ? S("") : slice_from(said, (size_t)at + strlen(name)), value = S("");
    return at >= 0 && slice_next(&rest, '\r', &value) && slice_next_word(&value, &rest) ? rest
                                                                                        : S("");
}

/* A set such as "1:3,5". */
static uint64_t bits_of(struct slice set) {
    uint64_t bits = 0, first, last;
    struct slice range, number;
    while (set.len > 0 && slice_next(&set, ',', &range)) {
        assert_true(slice_next(&range, ':', &number));
        assert_int_equal(slice_to_u64(number, MESSAGES, &first), 0);
        last = first;
        if (range.len > 0)
            assert_int_equal(slice_to_u64(range, MESSAGES, &last), 0);
        for (; first <= last; first++)
            bits |= (uint64_t)1 << (first - 1);
    }
    return bits;
}

/* So many of the bits from one on, counted from the first or from the last. */
static uint64_t some_of(uint64_t found, unsigned from, unsigned to, bool from_end) {
    uint64_t some = 0;
    for (unsigned i = 0, seen = 0; i < MESSAGES; i++) {
        unsigned bit = from_end ? MESSAGES - 1 - i : i;
        if (!(found >> bit & 1))
            continue;
        seen++;
        some |= seen >= from && seen <= to ? (uint64_t)1 << bit : 0;
    }
    return some;
}

/* MIN, MAX and PARTIAL, which look at no more than they need. */
static void expect_ends(struct asker *c, struct slice program, uint64_t expected) WAITS {
    static const struct {
        const char *returns, *name;
        unsigned from, to;
        bool from_end;
    } asked[] = {
        {"MIN", " MIN ", 1, 1, false},          {"MAX", " MAX ", 1, 1, true},
        {"MIN MAX", " MAX ", 1, 1, true},       {"MIN MAX", " MIN ", 1, 1, false},
        {"PARTIAL 2:4", " (2:4 ", 2, 4, false}, {"PARTIAL -2:-20", " (-2:-20 ", 2, 20, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        _cleanup_(buf_done) struct buf command = {0};
        buf_printf(&command, "SEARCH RETURN (%s) %.*s", asked[i].returns, SLICE_ARG(program));
        struct slice value = value_of(ask(c, buf_slice(&command)), asked[i].name);
        if (slice_ends(value, S(")")))
            value.len--;
        uint64_t found = slice_eq(value, S("NIL")) ? 0 : bits_of(value);
        uint64_t wanted = some_of(expected, asked[i].from, asked[i].to, asked[i].from_end);
        if (found != wanted)
            fail_msg("%s: %llx, expected %llx", buf_str(&command), (unsigned long long)found,
                     (unsigned long long)wanted);
    }
}

/* Messages that differ in all that is asked for; some are large. */
static void make_messages(struct world *w) WAITS {
    for (unsigned i = 0; i < MESSAGES; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        struct store_delivered d;
        buf_printf(&text, "Subject: %s\r\nFrom: %s@example.test\r\n", i % 3 ? "fish" : "fowl",
                   i % 4 ? "tama" : "kuro");
        if (i % 5 == 0)
            buf_add_str(&text, "X-Mark: five\r\n");
        if (i % 6 > 0)
            buf_printf(&text, "Date: %u Feb 2026 10:00:00 +0000\r\n", 1 + i % 6);
        buf_add_str(&text, "\r\n");
        for (unsigned k = 0; k < (i % 7 == 0 ? 25000U : 3U); k++)
            buf_add_str(&text, "some words\r\n");
        buf_printf(&text, "and %s\r\n", i % 8 < 4 ? "tuna" : "chicken");
        char own[20]; /* so that each has another set of keywords */
        (void)snprintf(own, sizeof own, "Own%u", i);
        struct slice part = buf_slice(&text), keywords[] = {slice_of_str(own), S("X")};
        struct store_delivery delivery = {
            .mailbox = STORE_INBOX,
            .parts = &part,
            .part_count = 1,
            .flags = i % 2 ? (uint64_t)STORE_SEEN : 0,
            .keywords = keywords,
            .keyword_count = i % 10 == 0 ? 0U : 1U + (i % 9 == 0),
        };
        assert_int_equal(store_deliver(w->store, TEST_ACCOUNT, &delivery, &d), 0);
    }
}

static const char *const keys[] = {
    "SEEN",       "LARGER 100000", "SUBJECT fish", "FROM tama", "HEADER X-Mark five",
    "BODY tuna",  "TEXT chicken",  "TEXT nowhere", "20:40",     "SENTBEFORE 4-Feb-2026",
    "BODY words", "UID 1:30",      "ALL",          "KEYWORD x", "SENTSINCE 2-Feb-2026",
};
static uint64_t of_key[ARRAY_SIZE(keys)];

/* A program by lot, and what it finds. */
static uint64_t make_program(unsigned depth, struct buf *to);

static uint64_t make_list(unsigned depth, struct buf *to) {
    uint64_t found = UINT64_MAX;
    unsigned members = 1 + (unsigned)random_below(3);
    buf_add_byte(to, '(');
    for (unsigned i = 0; i < members; i++) {
        buf_add_str(to, i > 0 ? " " : "");
        found &= make_program(depth - 1, to);
    }
    buf_add_byte(to, ')');
    return found;
}

static uint64_t make_program(unsigned depth, struct buf *to) {
    unsigned kind = depth > 0 ? (unsigned)random_below(5) : 0;
    if (kind == 1) {
        buf_add_str(to, "NOT ");
        return ~make_program(depth - 1, to);
    }
    if (kind == 2 || kind == 3) {
        buf_add_str(to, "OR ");
        uint64_t found = make_program(depth - 1, to);
        buf_add_byte(to, ' ');
        return found | make_program(depth - 1, to);
    }
    if (kind == 4)
        return make_list(depth, to);
    size_t key = (size_t)random_below(ARRAY_SIZE(keys));
    buf_add_str(to, keys[key]);
    return of_key[key];
}

WORLD_TEST_BOTH(programs_find_what_their_keys_find) {
    const uint64_t all = ((uint64_t)1 << MESSAGES) - 1;
    struct asker c;
    world_open(w);
    make_messages(w);
    begin(&c, w);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        of_key[i] = find(&c, slice_of_str(keys[i]));
    for (unsigned i = 0; i < MESSAGES; i++) { /* the keys themselves, by how they were made */
        assert_int_equal(of_key[0] >> i & 1, i % 2);
        assert_int_equal(of_key[1] >> i & 1, i % 7 == 0);
        assert_int_equal(of_key[2] >> i & 1, i % 3 != 0);
        assert_int_equal(of_key[3] >> i & 1, i % 4 != 0);
        assert_int_equal(of_key[4] >> i & 1, i % 5 == 0);
        assert_int_equal(of_key[5] >> i & 1, i % 8 < 4);
        assert_int_equal(of_key[6] >> i & 1, i % 8 >= 4);
        assert_int_equal(of_key[7] >> i & 1, 0);
        assert_int_equal(of_key[9] >> i & 1, i % 6 > 0 && 1 + i % 6 < 4);
        assert_int_equal(of_key[10] >> i & 1, 1);
        assert_int_equal(of_key[13] >> i & 1, i % 10 > 0 && i % 9 == 0);
        assert_int_equal(of_key[14] >> i & 1, i % 6 > 0);
    }
    random_fix(1);
    for (unsigned i = 0; i < 60; i++) {
        _cleanup_(buf_done) struct buf program = {0};
        uint64_t expected = make_program(4, &program) & all;
        uint64_t found = find(&c, buf_slice(&program));
        if (found != expected)
            fail_msg("%s: %llx, expected %llx", buf_str(&program), (unsigned long long)found,
                     (unsigned long long)expected);
        expect_ends(&c, buf_slice(&program), expected);
    }
    asker_end(&c);
    world_close(w);
}

/* More names, and more sets, than are remembered. */
WORLD_TEST_BOTH(thousands_of_keywords_may_be_asked_for) {
    struct asker c;
    _cleanup_(buf_done) struct buf program = {0};
    world_open(w);
    make_messages(w);
    begin(&c, w);
    uint64_t with_x = find(&c, S("KEYWORD x")), seventh = find(&c, S("KEYWORD own7"));
    assert_int_equal(seventh, 1ULL << 7);
    buf_add_str(&program, "OR KEYWORD oWN7 (KEYWORD x");
    for (unsigned i = 0; i < 4400; i++)
        buf_printf(&program, " UNKEYWORD %x", 0x100 + i);
    buf_add_str(&program, ")");
    for (unsigned round = 0; round < 2; round++)
        assert_true(find(&c, buf_slice(&program)) == (with_x | seventh));
    asker_end(&c);
    world_close(w);
}

/* It has no text, so nothing is known of it, not even what it does not have. */
WORLD_TEST(a_damaged_message_is_not_found_by_text) {
    struct asker c;
    world_open(w);
    world_fill(w, 4);
    _cleanup_(free_p) struct snapshot *now = world_snapshot(w);
    struct world_place place = world_place(w, &now->messages[1]);
    _cleanup_(free_p) char *path = world_path(w, TEST_PACK);
    file_damage(path, place.body, 4);
    begin(&c, w);
    assert_int_equal(find(&c, S("BODY number")), 0xd);
    assert_int_equal(find(&c, S("NOT BODY nowhere")), 0xd);
    assert_int_equal(find(&c, S("2 NOT BODY nowhere")), 0);
    assert_int_equal(find(&c, S("UNSEEN")), 0xf);
    asker_end(&c);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {BOTH(programs_find_what_their_keys_find),
                                       BOTH(thousands_of_keywords_may_be_asked_for),
                                       cmocka_unit_test(a_damaged_message_is_not_found_by_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
