/* SPDX-License-Identifier: ISC */
/*
 * Every command that writes, ended by a kill and by a power cut at each of its writes and syncs.
 * What was acknowledged is there; what was not is there or not, as a whole, or as far as
 * docs/imap.md says.
 *
 * A state is what a client can see of both accounts: names, subscriptions, rights, metadata, and
 * all messages with UIDs, flags and octets. That of a command which was cut has to be the one
 * before it, the one after it, or that after another command, which its row names.
 *
 * The list of commands is that of tests; what commands of the command line write goes the same ways
 * in the store, and is killed in tests/cli/test_mailbox_kills.py. Random orders of all of it are in
 * tests/imap/model and tests/store/model.
 */
#include <stdio.h>

#include "neighbours.h"
#include "store/model/disk.h"
#include "store/rights.h"
#include "talk.h"

#define OWNER   "tama@example.test"
#define VISITOR "hana@example.test"
#define TEXT    "{16+}\r\nSubject: new\r\n\r\n"
#define TEXT_2  "{18+}\r\nSubject: other\r\n\r\n"

#define LUCKS 4U /* power cuts at each call */

enum { NONE, SELECTS = 1, VISITS = 2 };

struct row {
    const char *command;
    int how;               /* SELECTS: in the INBOX of whom he is; VISITS: the visitor, in the
                              owner's */
    const char *halves[3]; /* after these it may be as well; several commands stand between '|' */
};

static const struct row rows[] = {
    {"APPEND a (\\Flagged word) " TEXT, 0, {0}},
    {"APPEND a " TEXT " (\\Seen) " TEXT_2,
     0,
     {"APPEND a " TEXT, "APPEND a " TEXT " (\\Seen) " TEXT_2
                        "|SELECT a|UID STORE 1 +FLAGS.SILENT (\\Deleted)|UID EXPUNGE 1"}},
    {"APPEND a CATENATE (TEXT " TEXT " URL \"/INBOX/;UID=1\")", 0, {0}},
    {"REPLACE 1 a " TEXT, SELECTS, {"APPEND a " TEXT}},
    {"COPY 1:3 a/x", SELECTS, {0}},
    {"MOVE 1:3 a/x", SELECTS, {0}},
    {"COPY 1 \"Other Users/" VISITOR "/INBOX\"", SELECTS, {0}},
    {"MOVE 1 \"Other Users/" VISITOR "/INBOX\"",
     SELECTS,
     {"COPY 1 \"Other Users/" VISITOR "/INBOX\""}},
    {"MOVE 1 INBOX", VISITS, {"COPY 1 INBOX"}},
    {"COPY 1:3 \"Other Users/" OWNER "/a\"", VISITS, {0}},
    {"MOVE 1:3 \"Other Users/" OWNER "/a\"", VISITS, {0}},
    {"APPEND \"Other Users/" OWNER "/INBOX\" " TEXT, VISITS, {0}},
    {"STORE 1:3 +FLAGS (\\Seen word)", SELECTS, {0}},
    {"STORE 1:3 FLAGS (\\Answered)", VISITS, {0}},
    {"EXPUNGE", SELECTS, {0}},
    {"UID EXPUNGE 2", SELECTS, {0}},
    {"CLOSE", SELECTS, {0}},
    {"CREATE b", 0, {0}},
    {"CREATE c/d/e", 0, {"CREATE c", "CREATE c/d"}},
    {"CREATE s (USE (\\Sent))", 0, {0}},
    {"RENAME a z", 0, {0}},
    {"RENAME a y/z", 0, {"CREATE y"}},
    {"RENAME INBOX old", 0, {"CREATE old"}},
    {"DELETE a/x", 0, {0}},
    {"SUBSCRIBE a/x", 0, {0}},
    {"UNSUBSCRIBE a", 0, {0}},
    {"SETACL a/x " VISITOR " lr", 0, {0}},
    {"DELETEACL INBOX " VISITOR, 0, {0}},
    {"SETMETADATA a (/private/comment NIL /shared/comment \"y\")",
     0,
     {"SETMETADATA a (/private/comment NIL)", "SETMETADATA a (/shared/comment \"y\")"}},
    {"SETMETADATA \"\" (/private/vendor/x \"1\")", 0, {0}},
};

static const char *const beginning[] = {
    "a CREATE a/x",
    "b SUBSCRIBE a",
    "c APPEND INBOX (\\Seen) {18+}\r\nSubject: first\r\n\r\n",
    "d APPEND INBOX (\\Deleted) {19+}\r\nSubject: second\r\n\r\n",
    "e APPEND INBOX (word) {18+}\r\nSubject: third\r\n\r\n",
    "f APPEND a/x (\\Deleted) {17+}\r\nSubject: deep\r\n\r\n",
    "g SETMETADATA a (/private/comment \"x\")",
    "h SETACL INBOX hana@example.test lrswite",
    "i SETACL a hana@example.test lri",
};

/* ------------------------------------------------------------------ one run */

/* What is asked of it and what has come of it; cmocka's tests and fibers get no argument. */
static struct {
    const struct row *row;
    const char *command;
    unsigned cut_after; /* 0: it is not cut */
    uint64_t luck;      /* which of what was not synced the power takes along */
    bool power;         /* of a cut, or, if there was none, of what came after the answer */
    bool was_cut;
    struct neighbours neighbours;
    struct buf before, after;
} run;

static void hear_nothing(struct talk *t, struct slice line) {
    (void)t;
    (void)line;
}

static void begin_talk(struct talk *t, struct neighbour *at, struct world *w, size_t who) WAITS {
    neighbour_init(at, &run.neighbours, who, &imap_session_defaults);
    talk_begin_as(t, w, at->account, &at->config, hear_nothing);
}

static struct slice must(struct talk *t, const char *command) WAITS {
    struct slice said = talk_ask(t, command);
    char ok[8];
    int len = snprintf(ok, sizeof ok, "%.1s OK ", command);
    const bool done = slice_find(said, slice_of(ok, (size_t)len)) >= 0;
    if (!done)
        print_error("%s:\n%.*s\n", command, SLICE_ARG(said));
    assert_true(done);
    return said;
}

/* Untagged lines, and the octets between them, without those that say how the session is. */
static void add_lines(struct buf *to, struct slice said) {
    static const char *const left_out[] = {"l ", "* OK ", "* FLAGS "};
    struct slice line;
    while (slice_next(&said, '\n', &line)) {
        bool out = line.len == 0;
        for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
            out |= slice_starts(line, slice_of_str(left_out[i]));
        if (out)
            continue;
        buf_add(to, line);
        buf_add_byte(to, '\n');
    }
}

static void look_into(struct talk *t, const char *name, struct buf *to) WAITS {
    static const char *const questions[] = {
        "l EXAMINE \"%s\"",
        "l UID FETCH 1:* (FLAGS RFC822.SIZE BODY.PEEK[])",
        "l GETACL \"%s\"",
        "l GETMETADATA \"%s\" (/private/comment /shared/comment /private/vendor/x)",
    };
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        _cleanup_(buf_done) struct buf question = {0};
        struct slice format = slice_of_str(questions[i]);
        ssize_t at = slice_find(format, S("%s"));
        buf_add(&question, at < 0 ? format : slice_first(format, (size_t)at));
        if (at >= 0) {
            buf_add_str(&question, name);
            buf_add(&question, slice_from(format, (size_t)at + 2));
        }
        add_lines(to, must(t, buf_str(&question)));
    }
}

/* All that a client can see. */
static void look(struct world *w, struct buf *to) WAITS {
    static const char *const names[] = {"INBOX", "a",   "a/x", "b", "c",   "c/d", "c/d/e",
                                        "s",     "old", "y",   "z", "z/x", "y/z", "y/z/x"};
    for (size_t who = 0; who < 2; who++) {
        struct talk t;
        struct neighbour at;
        begin_talk(&t, &at, w, who);
        add_lines(
            to,
            must(&t, "l GETMETADATA \"\" (/private/comment /shared/comment /private/vendor/x)"));
        _cleanup_(buf_done) struct buf list = {0};
        add_lines(&list, must(&t, "l LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE)"));
        buf_add(to, buf_slice(&list));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            _cleanup_(buf_done) struct buf line = {0};
            buf_printf(&line, "\"/\" %s\n", names[i]);
            if (slice_find(buf_slice(&list), buf_slice(&line)) >= 0)
                look_into(&t, names[i], to);
        }
        talk_end(&t);
    }
}

static void server_dies(void *arg) {
    struct world *w = arg;
    world_image(w);
    if (run.power)
        slow_disk_lose(w->dir, w->other);
    else
        slow_disk_move(w->dir, w->other);
    run.was_cut = true;
}

static void obey(struct world *w) WAITS {
    _cleanup_(buf_done) struct buf command = {0};
    struct talk t;
    struct neighbour at;
    begin_talk(&t, &at, w, run.row->how == VISITS);
    if (run.row->how != NONE)
        (void)must(&t, run.row->how == VISITS ? "s SELECT \"Other Users/" OWNER "/INBOX\""
                                              : "s SELECT INBOX");
    run.was_cut = false;
    slow_disk.cut_after = run.cut_after;
    for (struct slice rest = slice_of_str(run.command), one; slice_next(&rest, '|', &one);) {
        buf_clear(&command);
        buf_printf(&command, "x %.*s", SLICE_ARG(one));
        (void)must(&t, buf_str(&command));
    }
    slow_disk.cut_after = 0;
    if (!run.was_cut) {
        server_dies(w); /* now, when it is acknowledged */
        run.was_cut = false;
    }
    talk_end(&t);
}

static void play(struct world *w) WAITS {
    struct rng rng = {.state = run.luck};
    struct talk t;
    struct neighbour at;
    slow_disk_reset();
    slow_disk.rng = &rng;
    slow_disk.cut = server_dies;
    slow_disk.arg = w;
    w->solo.io = &slow_disk_io;
    run.neighbours = (struct neighbours){
        .store = &w->store, .first = TEST_ACCOUNT, .count = 2, .people = {S(OWNER), S(VISITOR)}};
    world_open(w);
    begin_talk(&t, &at, w, 0);
    for (size_t i = 0; i < ARRAY_SIZE(beginning); i++)
        (void)must(&t, beginning[i]);
    talk_end(&t);
    begin_talk(&t, &at, w, 1);
    (void)must(&t, "a SETACL INBOX " OWNER " lrswite");
    talk_end(&t);
    look(w, &run.before);
    obey(w);
    world_close(w);
    world_use_image(w);
    slow_disk_keep(w->dir);
    world_open(w);
    look(w, &run.after);
}

/* Whether the command was cut; its states are in `run`. */
static bool play_row(const struct row *row, const char *command, unsigned cut_after, bool power) {
    run.row = row;
    run.command = command;
    run.cut_after = cut_after;
    run.power = power;
    buf_clear(&run.before);
    buf_clear(&run.after);
    world_run(play, true, false);
    return run.was_cut && cut_after > 0;
}

/* ------------------------------------------------------------------ all of them */

static bool is_state(const struct buf *states, size_t count, struct slice state) {
    for (size_t i = 0; i < count; i++)
        if (slice_eq(buf_slice(&states[i]), state))
            return true;
    return false;
}

static void judge(const struct buf *states, size_t count, unsigned cut_after) {
    const struct slice state = buf_slice(&run.after);
    if (is_state(states, count, state))
        return;
    print_error(
        "%s, %s at call %u of the disk, left what cannot be:\n%.*s\nIt was:\n%.*s\nor:\n%.*s\n",
        run.row->command, run.power ? "a power cut" : "a kill", cut_after, SLICE_ARG(state),
        SLICE_ARG(buf_slice(&states[0])), SLICE_ARG(buf_slice(&states[1])));
    fail();
}

/* Cut at each call of the disk; how often it was. */
static unsigned cut_everywhere(const struct row *row, bool power, const struct buf *states,
                               size_t count) {
    unsigned cut_after = 1;
    run.luck++;
    while (play_row(row, row->command, cut_after, power))
        judge(states, count, cut_after++);
    judge(&states[1], 1, 0); /* not cut: acknowledged, and then the power went */
    return cut_after - 1;
}

static void judge_row(const struct row *row) {
    struct buf states[2 + ARRAY_SIZE(row->halves)] = {0};
    size_t count = 2;
    (void)play_row(row, row->command, 0, false);
    buf_add(&states[0], buf_slice(&run.before));
    buf_add(&states[1], buf_slice(&run.after));
    for (size_t i = 0; i < ARRAY_SIZE(row->halves) && row->halves[i]; i++) {
        (void)play_row(row, row->halves[i], 0, false);
        buf_add(&states[count++], buf_slice(&run.after));
    }
    assert_false(slice_eq(buf_slice(&states[0]), buf_slice(&states[1])));
    assert_true(cut_everywhere(row, false, states, count) > 0);
    for (unsigned i = 0; i < LUCKS; i++)
        assert_true(cut_everywhere(row, true, states, count) > 0);
    for (size_t i = 0; i < count; i++)
        buf_done(&states[i]);
}

static void every_command_is_done_or_not_after_a_kill_and_a_power_cut(void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        judge_row(&rows[i]);
    buf_done(&run.before);
    buf_done(&run.after);
}

/* ------------------------------------------------------------------ what an account begins with */

static const struct store_default defaults[] = {
    {STORE_ROLE_DRAFTS, S("Drafts")},
    {STORE_ROLE_SENT, S("送信済み")},
    {STORE_ROLE_TRASH, S("Trash")},
};

static void begin_with_defaults(struct world *w, struct store_account **ret) WAITS {
    store_set_defaults(w->store, defaults, ARRAY_SIZE(defaults));
    assert_int_equal(store_account_open(w->store, TEST_ACCOUNT + 2, ret), 0);
}

static void play_beginning(struct world *w) WAITS {
    struct rng rng = {.state = run.luck};
    struct store_account *a;
    struct store_mailbox m;
    slow_disk_reset();
    slow_disk.rng = &rng;
    slow_disk.cut = server_dies;
    slow_disk.arg = w;
    w->solo.io = &slow_disk_io;
    world_open(w);
    run.was_cut = false;
    slow_disk.cut_after = run.cut_after;
    begin_with_defaults(w, &a);
    slow_disk.cut_after = 0;
    if (!run.was_cut) {
        server_dies(w);
        run.was_cut = false;
    }
    store_account_close(a);
    world_close(w);
    world_use_image(w);
    slow_disk_keep(w->dir);
    world_open(w);
    begin_with_defaults(w, &a);
    assert_int_equal(store_mailbox_count(a), 1 + ARRAY_SIZE(defaults));
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        assert_int_equal(store_mailbox_find(a, 0, defaults[i].name, &m), 0);
        assert_int_equal(m.role, defaults[i].role);
        assert_true(store_is_subscribed(a, defaults[i].name));
    }
    store_account_close(a);
}

static void an_account_has_each_default_mailbox_once_however_its_beginning_ends(void **state) {
    for (unsigned i = 0; i <= LUCKS; i++) {
        run.power = i > 0;
        run.luck = i;
        run.cut_after = 0;
        do {
            run.cut_after++;
            world_run(play_beginning, true, false);
        } while (run.was_cut);
        assert_true(run.cut_after > 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_done_or_not_after_a_kill_and_a_power_cut),
        cmocka_unit_test(an_account_has_each_default_mailbox_once_however_its_beginning_ends),
    };
    return cmocka_run_group_tests_name("imap crash", tests, NULL, NULL);
}
