/* SPDX-License-Identifier: ISC */
/*
 * Who listens by NOTIFY (RFC 5465) knows the mailboxes that he watches without asking, whatever
 * others do to them by lot: messages and flags of the one that is selected, counts of another one.
 */
#include <stdio.h>

#include "base/random.h"
#include "talk.h"

#define MOST 400U /* messages */

struct listener {
    struct talk talk;
    size_t count;
    struct message {
        unsigned uid;
        char flags[100];
    } list[MOST];
    unsigned messages, uidnext, unseen; /* of Work */
};

/* ------------------------------------------------------------------ what is heard */

static void hear_fetch(struct listener *l, const char *line) {
    unsigned number, uid;
    char flags[100] = "";
    assert_true(sscanf(line, "* %u FETCH (UID %u FLAGS (%99[^)]", &number, &uid, flags) >= 2);
    assert_true(number >= 1 && number <= l->count);
    struct message *m = &l->list[number - 1];
    assert_true(m->uid == 0 || m->uid == uid);
    *m = (struct message){.uid = uid};
    memcpy(m->flags, flags, sizeof flags);
}

static void hear(struct talk *t, struct slice said) {
    struct listener *l = CONTAINER_OF(t, struct listener, talk);
    unsigned number;
    char line[300], word[20];
    assert_int_equal(slice_to_str(slice_first(said, sizeof line - 1), line, sizeof line), 0);
    if (sscanf(line, "* STATUS Work (MESSAGES %u UIDNEXT %u", &l->messages, &l->uidnext) == 2 ||
        strstr(line, "STATUS Work"))
        assert_int_equal(sscanf(strstr(line, "UNSEEN "), "UNSEEN %u", &l->unseen), 1);
    if (sscanf(line, "* %u %19s", &number, word) != 2)
        return;
    if (strcmp(word, "EXISTS") == 0) {
        assert_true(number >= l->count && number <= MOST);
        memset(&l->list[l->count], 0, (number - l->count) * sizeof *l->list);
        l->count = number;
    } else if (strcmp(word, "EXPUNGE") == 0) {
        assert_true(number >= 1 && number <= l->count);
        memmove(&l->list[number - 1], &l->list[number], (l->count-- - number) * sizeof *l->list);
    } else if (strcmp(word, "FETCH") == 0) {
        hear_fetch(l, line);
    }
}

static void hear_nothing(struct talk *t, struct slice line) {
}

/* ------------------------------------------------------------------ what is done */

static void do_one(struct talk *t, unsigned uids) WAITS {
    static const char *const flags[] = {"\\Seen", "\\Flagged", "\\Deleted", "$Work"};
    const unsigned first = 1 + (unsigned)random_below(uids),
                   last = first + (unsigned)random_below(3);
    char command[100];
    switch (random_below(8)) {
    case 0:
    case 1:
        (void)snprintf(command, sizeof command, "x APPEND %s (%s) {3+}\r\n\r\nx",
                       random_below(3) ? "INBOX" : "Work", random_below(2) ? "" : "\\Seen");
        break;
    case 2:
        (void)snprintf(command, sizeof command, "x UID COPY %u:%u %s", first, last,
                       random_below(2) ? "INBOX" : "Work");
        break;
    case 3:
        (void)snprintf(command, sizeof command, "x UID MOVE %u:%u Work", first, last);
        break;
    case 4:
        (void)snprintf(command, sizeof command, "x EXPUNGE");
        break;
    default:
        (void)snprintf(command, sizeof command, "x UID STORE %u:%u %cFLAGS (%s)", first, last,
                       random_below(3) ? '+' : '-', flags[random_below(ARRAY_SIZE(flags))]);
    }
    (void)talk_ask(t, command);
}

/* The other one changes sides: what was selected is watched by STATUS now. */
static void visit_work(struct talk *t, unsigned uids) WAITS {
    (void)talk_ask(t, "x SELECT Work");
    do_one(t, uids);
    (void)talk_ask(t, "x SELECT INBOX");
}

/* ------------------------------------------------------------------ what is known */

static void assert_known(struct listener *l, struct talk *other, unsigned step) WAITS {
    struct store_mailbox work;
    struct listener now = {0};
    struct slice said = talk_ask(other, "x UID FETCH 1:* FLAGS"), line;
    now.count = MOST;
    while (slice_next(&said, '\n', &line))
        if (slice_find(line, S(" FETCH (UID ")) > 0)
            hear(&now.talk, line);
    for (size_t i = 0; i < l->count; i++)
        if (now.list[i].uid != l->list[i].uid || strcmp(now.list[i].flags, l->list[i].flags) != 0)
            fail_msg("step %u, message %zu: UID %u (%s), is %u (%s)", step, i + 1, l->list[i].uid,
                     l->list[i].flags, now.list[i].uid, now.list[i].flags);
    assert_int_equal(now.list[l->count].uid, 0);
    assert_int_equal(store_mailbox_find(l->talk.world->account, 0, S("Work"), &work), 0);
    assert_int_equal(l->messages, work.messages);
    assert_int_equal(l->uidnext, work.uidnext);
    assert_int_equal(l->unseen, work.unseen);
}

WORLD_TEST_BOTH(who_listens_knows_what_there_is) {
    struct listener *l = NEW(struct listener);
    struct talk *other = NEW(struct talk);
    struct store_mailbox m;
    world_open(w);
    (void)world_mailbox(w, "Work");
    talk_begin(&l->talk, w, hear);
    talk_begin(other, w, hear_nothing);
    random_fix(5465);
    (void)talk_ask(
        &l->talk,
        "n NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) "
        "(mailboxes Work (MessageNew MessageExpunge FlagChange))");
    for (unsigned step = 0; step < 300; step++) {
        assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
        if (random_below(6) == 0)
            visit_work(other, m.uidnext);
        else
            do_one(other, m.uidnext);
        if (m.messages > MOST / 4)
            (void)talk_ask(other, "x UID MOVE 1:* Work");
        talk_listen(&l->talk);
        assert_known(l, other, step);
    }
    talk_end(&l->talk);
    talk_end(other);
    free(l);
    free(other);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {BOTH(who_listens_knows_what_there_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
