/* SPDX-License-Identifier: ISC */
/*
 * Results that are kept up to date (RFC 5267 §4.3): whatever two clients do by lot, a list to which
 * ADDTO and REMOVEFROM are applied is what the same search finds now.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "talk.h"

#define LISTS 4U
#define MOST  400U /* messages */

static const struct search {
    bool uid;
    const char *command; /* with RETURN (...) in place of %s */
} searches[LISTS] = {
    {true, "UID SORT %s(REVERSE SUBJECT SIZE) UTF-8 NOT DELETED"},
    {true, "UID SEARCH %sOR FLAGGED SUBJECT \"3\""},
    {false, "SEARCH %sUNSEEN"},
    {false, "SORT %s(SUBJECT) UTF-8 OR SUBJECT \"a\" SEEN"},
};

struct results { /* as a client has it */
    uint32_t members[MOST];
    size_t count;
};

struct client {
    struct talk talk;
    struct results lists[LISTS];
};

/* ------------------------------------------------------------------ what is heard */

/* The numbers of a set, in its order. */
static size_t read_set(struct slice set, uint32_t *to) {
    struct slice range, first;
    size_t count = 0;
    uint64_t from, last;
    while (slice_next(&set, ',', &range)) {
        (void)slice_next(&range, ':', &first);
        assert_int_equal(slice_to_u64(first, UINT32_MAX, &from), 0);
        last = from;
        if (range.ptr)
            assert_int_equal(slice_to_u64(range, UINT32_MAX, &last), 0);
        for (; from <= last; from++) {
            assert_true(count < MOST);
            to[count++] = (uint32_t)from;
        }
    }
    return count;
}

static int compare(const void *a, const void *b) {
    return (int)*(const uint32_t *)a - (int)*(const uint32_t *)b;
}

static void insert(struct results *l, size_t at, uint32_t member) {
    assert_true(at <= l->count && l->count < MOST);
    memmove(&l->members[at + 1], &l->members[at], (l->count++ - at) * sizeof member);
    l->members[at] = member;
}

static void take(struct results *l, size_t at, uint32_t member) {
    assert_true(at < l->count);
    assert_int_equal(l->members[at], member);
    memmove(&l->members[at], &l->members[at + 1], (--l->count - at) * sizeof member);
}

static size_t place_of(const struct results *l, uint32_t member) {
    size_t at = 0;
    while (at < l->count && l->members[at] != member)
        at++;
    return at;
}

/* "1 2733 1 2731:2732" of ADDTO or REMOVEFROM. */
static void apply(struct results *l, struct slice steps, bool added) {
    struct slice position, set;
    uint32_t members[MOST];
    uint64_t at;
    while (slice_next_word(&steps, &position) && slice_next_word(&steps, &set)) {
        size_t count = read_set(set, members);
        assert_int_equal(slice_to_u64(position, MOST, &at), 0);
        for (size_t i = 0; i < count; i++) {
            if (added && at == 0) {
                assert_int_equal(place_of(l, members[i]), l->count);
                insert(l, l->count, members[i]);
                qsort(l->members, l->count, sizeof members[i], compare);
            } else if (added) {
                insert(l, at - 1 + i, members[i]);
            } else {
                take(l, at == 0 ? place_of(l, members[i]) : at - 1, members[i]);
            }
        }
    }
}

/* Numbers of messages change; no list still has the one that is gone. */
static void expunge(struct client *c, uint32_t number) {
    for (size_t i = 0; i < LISTS; i++) {
        struct results *l = &c->lists[i];
        for (size_t k = 0; !searches[i].uid && k < l->count; k++) {
            assert_int_not_equal(l->members[k], number);
            l->members[k] -= l->members[k] > number;
        }
    }
}

static void hear(struct talk *t, struct slice line) {
    struct client *c = CONTAINER_OF(t, struct client, talk);
    unsigned number, list;
    char word[20], text[120];
    assert_true(line.len < 100000);
    (void)slice_to_str(slice_first(line, sizeof text - 1), text, sizeof text);
    assert_null(strstr(text, "NOUPDATE"));
    if (sscanf(text, "* %u EXPUNGE%1s", &number, word) == 1 && strstr(text, "EXPUNGE"))
        expunge(c, number);
    if (sscanf(text, "* ESEARCH (TAG \"u%u\")", &list) != 1)
        return;
    ssize_t at = slice_find(line, S("ADDTO (")), end = slice_rfind_byte(line, ')');
    bool added = at >= 0;
    if (!added)
        at = slice_find(line, S("REMOVEFROM ("));
    if (at < 0)
        return;
    struct slice steps = slice_from(slice_first(line, (size_t)end), (size_t)at);
    apply(&c->lists[list], slice_from(steps, (size_t)slice_find_byte(steps, '(') + 1), added);
}

/* ------------------------------------------------------------------ what is done */

static void say_search(struct client *c, size_t i, const char *tag, const char *returns,
                       struct results *ret) WAITS {
    char command[300], words[200];
    struct slice set;
    (void)snprintf(words, sizeof words, searches[i].command, returns);
    (void)snprintf(command, sizeof command, "%s %s", tag, words);
    struct slice said = talk_ask(&c->talk, command);
    ssize_t at = slice_find(said, S(" ALL "));
    ret->count = 0;
    if (at < 0)
        return;
    struct slice rest = slice_from(said, (size_t)at + 5);
    assert_true(slice_next(&rest, '\n', &set));
    ret->count = read_set(set, ret->members);
}

static void assert_lists(struct client *c, unsigned step) WAITS {
    struct results now;
    (void)talk_ask(&c->talk, "n NOOP");
    for (size_t i = 0; i < LISTS; i++) {
        say_search(c, i, "f", "RETURN (ALL) ", &now);
        if (now.count != c->lists[i].count ||
            memcmp(now.members, c->lists[i].members, now.count * sizeof *now.members) != 0)
            fail_msg("step %u, list %zu: %zu messages, %zu are found", step, i, c->lists[i].count,
                     now.count);
    }
}

static void append(struct client *c) WAITS {
    _cleanup_(buf_done) struct buf text = {0}, command = {0};
    const unsigned lot = (unsigned)random_below(30);
    buf_printf(&text, "Subject: %c%u\n\n%*s\n", lot % 2 ? 'a' : 'B', lot / 3, (int)random_below(20),
               "x");
    buf_printf(&command, "x APPEND INBOX%s {%zu+}\r\n%s", lot % 5 ? "" : " (\\Seen)", text.len,
               buf_str(&text));
    (void)talk_ask(&c->talk, buf_str(&command));
}

static void do_one(struct client *c, uint32_t uids) WAITS {
    static const char *const flags[] = {"\\Seen", "\\Flagged", "\\Deleted", "\\Answered"};
    char command[100];
    const uint32_t first = 1 + (uint32_t)random_below(uids),
                   last = first + (uint32_t)random_below(4);
    switch (random_below(12)) {
    case 0:
    case 1:
    case 2:
        append(c);
        return;
    case 3:
        (void)snprintf(command, sizeof command, "x UID COPY %u:%u INBOX", first, last);
        break;
    case 4:
        (void)snprintf(command, sizeof command, "x EXPUNGE");
        break;
    case 5:
        (void)snprintf(command, sizeof command, "x UID MOVE %u:%u INBOX", first, last);
        break;
    case 6:
        (void)snprintf(command, sizeof command, "x FETCH 1:* UID");
        break;
    default:
        (void)snprintf(command, sizeof command, "x UID STORE %u:%u %cFLAGS (%s)", first, last,
                       random_below(3) ? '+' : '-', flags[random_below(ARRAY_SIZE(flags))]);
    }
    (void)talk_ask(&c->talk, command);
}

WORLD_TEST_BOTH(lists_follow_what_is_done) {
    struct client *c = NEW(struct client), *other = NEW(struct client);
    struct store_mailbox m;
    world_open(w);
    talk_begin(&c->talk, w, hear);
    talk_begin(&other->talk, w, hear);
    random_fix(5267);
    for (unsigned i = 0; i < 10; i++)
        append(c);
    for (size_t i = 0; i < LISTS; i++) {
        char tag[4] = {'u', (char)('0' + i)};
        say_search(c, i, tag, "RETURN (ALL UPDATE) ", &c->lists[i]);
    }
    for (unsigned step = 0; step < 300; step++) {
        assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
        do_one(random_below(2) ? c : other, m.uidnext);
        if (m.messages > MOST / 4) {
            (void)talk_ask(&other->talk, "x UID STORE 1:* +FLAGS.SILENT (\\Deleted)");
            (void)talk_ask(&other->talk, "x EXPUNGE");
        }
        if (random_below(3) == 0)
            assert_lists(c, step);
    }
    assert_lists(c, 300);
    talk_end(&c->talk);
    talk_end(&other->talk);
    free(c);
    free(other);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {BOTH(lists_follow_what_is_done)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
