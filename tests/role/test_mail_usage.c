/* SPDX-License-Identifier: ISC */
/* What the mail role tells the directory of what mailboxes hold, also to one that was away. */
#include "role/lone.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/mail/mail.h"

#define TAMA     8U
#define ACCOUNTS 1200U

static char folder[] = "/tmp/mail-usage-XXXXXX";

static struct directory_peer {
    unsigned messages; /* that told something */
    size_t largest;    /* accounts in one */
    uint64_t accounts; /* in all */
    struct account_usage last;
    bool known[2 * ACCOUNTS];
} directory;

static int on_usage(void *arg, const struct rpc_caller *caller,
                    const struct rpc_directory_usage_in *in) {
    (void)arg;
    (void)caller;
    directory.messages++;
    directory.largest = MAX(directory.largest, in->accounts_count);
    directory.accounts += in->accounts_count;
    for (size_t i = 0; i < in->accounts_count; i++) {
        directory.last = in->accounts[i];
        assert_in_range(in->accounts[i].account, 1, 2 * ACCOUNTS - 1);
        directory.known[in->accounts[i].account] = true;
    }
    return 0;
}

static const struct rpc_directory_handlers handlers = {.usage = on_usage};

static struct lone *begin(bool with_directory) {
    struct lone *l = lone_new(ROLE_MAIL);
    directory = (struct directory_peer){0};
    lone_set(l, "workers.mail", "1");
    lone_open(l);
    if (with_directory)
        lone_peer(l, ROLE_DIRECTORY, &handlers, NULL);
    return l;
}

static void deliver(struct lone *l, uint64_t id) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_mail_handlers *calls = l->process.role->work->handlers;
    const struct rpc_caller queue = {.role = ROLE_QUEUE};
    struct rpc_mail_deliver_in in = {
        .id = id, .account = TAMA, .bytes = S("message\r\n"), .file = -1};
    struct rpc_mail_deliver_out out = {0};
    struct problem problem = {0};
    if (calls->deliver(&l->process, &queue, &in, &a, &out, &problem) < 0)
        fail_msg("%s", problem.text);
}

static bool tells(unsigned messages) WAITS {
    for (int i = 0; i < 300 && directory.messages < messages; i++)
        assert_int_equal(fiber_sleep(10 * USEC_MS), 0);
    return directory.messages >= messages;
}

REAL_FIBER_TEST(what_comes_in_is_told_a_moment_later_and_together) {
    struct lone *l = begin(true);
    for (uint64_t id = 1; id <= 5; id++)
        deliver(l, id);
    assert_true(tells(1));
    assert_int_equal(directory.last.account, TAMA);
    assert_int_equal(directory.last.messages, 5);
    assert_true(directory.last.bytes >= 45); /* and what was put in front */
    assert_int_equal(fiber_sleep(500 * USEC_MS), 0);
    assert_int_equal(directory.messages, 1); /* nothing has changed since */
    lone_end(l);
}

REAL_FIBER_TEST(a_directory_that_was_away_hears_of_it_when_it_is_back) {
    struct lone *l = begin(false);
    deliver(l, 11);
    assert_int_equal(fiber_sleep(500 * USEC_MS), 0);
    lone_peer(l, ROLE_DIRECTORY, &handlers, NULL);
    assert_true(tells(1));
    assert_int_equal(directory.last.account, TAMA);
    lone_kill_peer(l, ROLE_DIRECTORY);
    deliver(l, 12);
    assert_int_equal(fiber_sleep(500 * USEC_MS), 0);
    lone_peer(l, ROLE_DIRECTORY, &handlers, NULL);
    unsigned before = directory.messages;
    assert_true(tells(before + 1));
    lone_end(l);
}

/* Each once, in messages that a frame can hold. */
REAL_FIBER_TEST(very_many_are_told_in_pieces) {
    struct lone *l = begin(true);
    for (uint64_t account = 1; account <= ACCOUNTS; account++) {
        mail_note_used(&l->process, account);
        mail_note_used(&l->process, account);
    }
    assert_int_equal(mail_report_usage(&l->process), 0);
    assert_true(tells(3));
    assert_int_equal(directory.accounts, ACCOUNTS);
    assert_in_range(directory.largest, 1, 500);
    for (size_t account = 1; account <= ACCOUNTS; account++)
        assert_true(directory.known[account]);
    lone_end(l);
}

/* A status that a stopped server shows is the last one. */
REAL_FIBER_TEST(what_is_not_told_yet_is_told_at_the_stop) {
    struct lone *l = begin(true);
    deliver(l, 21);
    l->process.role->work->stop(&l->process);
    assert_true(tells(1));
    assert_int_equal(directory.last.account, TAMA);
    l->links.opened = false;
    lone_end(l);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    char command[64];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    if (chdir("/") < 0)
        return -1;
    return system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_in_is_told_a_moment_later_and_together),
        cmocka_unit_test(test_a_directory_that_was_away_hears_of_it_when_it_is_back),
        cmocka_unit_test(test_very_many_are_told_in_pieces),
        cmocka_unit_test(test_what_is_not_told_yet_is_told_at_the_stop),
    };
    return cmocka_run_group_tests_name("mail usage", tests, make_folder, remove_folder);
}
