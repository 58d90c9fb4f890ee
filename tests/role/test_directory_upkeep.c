/* SPDX-License-Identifier: ISC */
/*
 * What the directory does beside answering: the history of changes goes to the event log, mailboxes
 * of unknown size are asked for, those of removed accounts are deleted. The test is the event log
 * and the mail process.
 */
#include "../directory/directory_test.h"

#include <errno.h>

#include "role/lone.h"

#include "events/kinds.h"
#include "role/directory/directory_files.h"
#include "role/directory/directory_role.h"

#define TOLD_MAX 300U

static struct event_log {
    unsigned asked, told;
    unsigned silent_after; /* so many answers; 0: it always answers */
    char names[TOLD_MAX][32];
    char kind[32], by[32], change[32], text[128]; /* of the last one */
} event_log;

static struct mail_peer {
    unsigned asked, purged, failed;
    uint64_t fails; /* purges of this account */
    uint64_t accounts[TOLD_MAX];
    bool silent;
} mail;

static struct place place;

static struct slice fact(const struct event *e, const char *name) {
    for (size_t i = 0; i < e->fact_count; i++)
        if (slice_eq(e->facts[i].name, slice_of_str(name)))
            return e->facts[i].value;
    return S("");
}

static void note(char *to, size_t size, struct slice from) {
    (void)snprintf(to, size, "%.*s", SLICE_ARG(from));
}

static int on_keep(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                   const struct rpc_events_keep_in *in, struct arena *a UNUSED,
                   struct rpc_events_keep_out *out UNUSED, struct problem *problem UNUSED) WAITS {
    const struct event *e = &in->event;
    event_log.asked++;
    int r = fiber_sleep(
        event_log.silent_after && event_log.told >= event_log.silent_after ? USEC_DAY : USEC_MS);
    if (r < 0)
        return r;
    assert_true(event_log.told < TOLD_MAX);
    note(event_log.names[event_log.told++], sizeof event_log.names[0], fact(e, FACT_NAME));
    note(event_log.kind, sizeof event_log.kind, e->kind);
    note(event_log.by, sizeof event_log.by, fact(e, FACT_BY));
    note(event_log.change, sizeof event_log.change, fact(e, FACT_CHANGE));
    note(event_log.text, sizeof event_log.text, e->text);
    return 0;
}

static int on_report_usage(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                           const struct rpc_mail_report_usage_in *in, struct arena *a UNUSED,
                           struct rpc_mail_report_usage_out *out UNUSED,
                           struct problem *problem UNUSED) WAITS {
    if (mail.silent)
        return fiber_sleep(USEC_DAY);
    assert_true(mail.asked < TOLD_MAX);
    mail.accounts[mail.asked++] = in->account;
    return 0;
}

static int on_purge(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                    const struct rpc_mail_purge_in *in, struct arena *a UNUSED,
                    struct rpc_mail_purge_out *out UNUSED, struct problem *problem) WAITS {
    if (in->account == mail.fails) {
        mail.failed++;
        return problem_set(problem, -EIO, "the disk is bad");
    }
    mail.accounts[mail.purged++] = in->account;
    return 0;
}

/* The keys role: which domains have keys. */
static struct keys_peer {
    char names[TOLD_MAX][32]; /* "" where one was dropped */
    unsigned count, kept, dropped;
} keys;

static unsigned key_of(struct slice name) {
    unsigned i = 0;
    while (i < keys.count && !slice_eq(slice_of_str(keys.names[i]), name))
        i++;
    return i;
}

static int on_dkim_keep(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                        const struct rpc_keys_dkim_keep_in *in, struct arena *a UNUSED,
                        struct rpc_keys_dkim_keep_out *out UNUSED, struct problem *problem UNUSED) {
    unsigned i = key_of(in->domain);
    assert_true(i < TOLD_MAX);
    note(keys.names[i], sizeof keys.names[i], in->domain);
    keys.count = MAX(keys.count, i + 1);
    keys.kept++;
    return 0;
}

static int on_dkim_drop(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                        const struct rpc_keys_dkim_drop_in *in, struct arena *a UNUSED,
                        struct rpc_keys_dkim_drop_out *out UNUSED, struct problem *problem UNUSED) {
    unsigned i = key_of(in->domain);
    assert_true(i < keys.count);
    keys.names[i][0] = '\0';
    keys.dropped++;
    return 0;
}

/* In the order in which they were made, which the tests make that of names; two at a time. */
static int on_dkim_domains(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                           const struct rpc_keys_dkim_domains_in *in, struct arena *a,
                           struct rpc_keys_dkim_domains_out *out, struct problem *problem UNUSED) {
    out->domains = arena_array(a, 2, sizeof *out->domains);
    for (unsigned i = 0; i < keys.count && out->domains_count < 2; i++)
        if (keys.names[i][0] && slice_cmp(slice_of_str(keys.names[i]), in->after) > 0)
            out->domains[out->domains_count++] = slice_of_str(keys.names[i]);
    return 0;
}

static const struct rpc_keys_handlers keys_calls = {
    .dkim_keep = on_dkim_keep, .dkim_drop = on_dkim_drop, .dkim_domains = on_dkim_domains};
static const struct rpc_events_handlers events_calls = {.keep = on_keep};
static const struct rpc_mail_handlers mail_calls = {.report_usage = on_report_usage,
                                                    .purge = on_purge};

/* A directory at work in a folder of its own; nobody is there yet. */
static struct lone *begin(void) {
    struct lone *l = lone_new(ROLE_DIRECTORY);
    event_log = (struct event_log){0};
    mail = (struct mail_peer){0};
    keys = (struct keys_peer){0};
    place_make(&place);
    assert_int_equal(chdir(place.folder), 0);
    lone_set(l, "password.memory", "64K");
    lone_set(l, "password.passes", "1");
    lone_set(l, "accounts.removed-keep", "2h");
    l->links.workers[ROLE_MAIL] = 1;
    return l;
}

static struct directory *open_it(struct lone *l) WAITS {
    lone_open(l);
    lone_peer(l, ROLE_EVENTS, &events_calls, NULL);
    lone_peer(l, ROLE_KEYS, &keys_calls, NULL);
    return directory_of(&l->process);
}

static void end(struct lone *l) WAITS {
    lone_end(l);
    (void)unlink(DIRECTORY_KEY);
    (void)unlink(DIRECTORY_SRS);
    assert_int_equal(chdir("/"), 0);
    place_done(&place);
}

/* d0.test, d1.test, ... */
static void add_domains(struct directory *d, unsigned count) WAITS {
    char name[32];
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "d%u.test", i);
        add_domain(d, name);
    }
}

static void assert_told_in_order(unsigned count) {
    char name[32];
    assert_int_equal(event_log.told, count);
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "d%u.test", i);
        assert_string_equal(event_log.names[i], name);
    }
}

static size_t removed_accounts(struct directory *d) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct account *list = NULL;
    size_t count = 0;
    GOOD(directory_removed_list(d, S(""), 0, 100, &a, &list, &count, &problem));
    return count;
}

/* ------------------------------------------------------------------ the history */

FIBER_TEST(a_change_is_told_once_with_who_made_it) {
    struct lone *l = begin();
    struct directory *d = open_it(l);
    add_domain(d, "example.test");
    directory_report_history(&l->process);
    assert_int_equal(event_log.told, 1);
    assert_string_equal(event_log.kind, "changed");
    assert_string_equal(event_log.by, "test");
    assert_string_equal(event_log.change, "domain.add");
    assert_string_equal(event_log.names[0], "example.test");
    assert_non_null(strstr(event_log.text, "example.test"));
    directory_report_history(&l->process);
    assert_int_equal(fiber_sleep(5 * USEC_MIN), 0);
    assert_int_equal(event_log.asked, 1);
    end(l);
}

FIBER_TEST(what_the_event_log_was_away_for_follows_when_it_is_back) {
    struct lone *l = begin();
    struct directory *d = open_it(l);
    lone_kill_peer(l, ROLE_EVENTS);
    add_domains(d, 3);
    usec_t before = fiber_now();
    directory_report_history(&l->process);
    assert_true(fiber_now() - before < USEC_SEC);
    lone_peer(l, ROLE_EVENTS, &events_calls, NULL);
    assert_int_equal(fiber_sleep(31 * USEC_SEC), 0);
    assert_told_in_order(3);
    end(l);
}

/* Of what it had taken by then nothing is told again. */
FIBER_TEST(a_silent_event_log_keeps_a_change_waiting_for_two_seconds_at_most) {
    struct lone *l = begin();
    struct directory *d = open_it(l);
    event_log.silent_after = 3;
    add_domains(d, 5);
    usec_t before = fiber_now();
    directory_report_history(&l->process);
    assert_in_range(fiber_now() - before, USEC_SEC, 2 * USEC_SEC + 10 * USEC_MS);
    assert_int_equal(event_log.asked, 4);
    assert_told_in_order(3);
    event_log.silent_after = 0;
    assert_int_equal(fiber_sleep(31 * USEC_SEC), 0);
    assert_int_equal(event_log.asked, 6);
    assert_told_in_order(5);
    end(l);
}

FIBER_TEST(a_long_history_is_told_whole_and_in_order) {
    struct lone *l = begin();
    struct directory *d = open_it(l);
    add_domains(d, 230); /* more than is read in one go, twice */
    directory_report_history(&l->process);
    assert_told_in_order(230);
    end(l);
}

static void report(void *process) {
    directory_report_history(process);
}

FIBER_TEST(two_that_report_at_once_tell_each_change_once) {
    struct lone *l = begin();
    struct fiber *list[2];
    struct directory *d = open_it(l);
    add_domains(d, 20);
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        assert_int_equal(fiber_start("report", report, &l->process, &list[i]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        fiber_join(list[i]);
    assert_told_in_order(20);
    end(l);
}

FIBER_TEST(a_stop_does_not_wait_for_the_event_log) {
    struct lone *l = begin();
    struct directory *d = open_it(l);
    event_log.silent_after = 1;
    add_domains(d, 2);
    assert_int_equal(fiber_sleep(30 * USEC_SEC + 500 * USEC_MS), 0); /* amid the second one */
    assert_int_equal(event_log.asked, 2);
    usec_t before = fiber_now();
    directory_upkeep_stop(&l->process);
    assert_true(fiber_now() - before < 100 * USEC_MS);
    end(l);
}

/* ------------------------------------------------------------------ keys of domains */

static int change_domain(struct lone *l, const char *name, bool add) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_directory_handlers *calls = l->process.role->work->handlers;
    const struct rpc_caller caller = {.role = ROLE_CLI,
                                      .link = process_link(&l->process, ROLE_EVENTS, 0)};
    struct problem problem = {0};
    struct rpc_directory_domain_add_in in = {.name = slice_of_str(name)};
    struct rpc_directory_domain_add_out out;
    struct rpc_directory_domain_remove_in remove = {.name = slice_of_str(name)};
    struct rpc_directory_domain_remove_out removed;
    return add ? calls->domain_add(&l->process, &caller, &in, &a, &out, &problem)
               : calls->domain_remove(&l->process, &caller, &remove, &a, &removed, &problem);
}

FIBER_TEST(a_domain_has_its_keys_when_it_is_there_and_loses_them_when_it_goes) {
    struct lone *l = begin();
    (void)open_it(l);
    assert_int_equal(change_domain(l, "Example.TEST", true), 0);
    assert_int_equal(keys.kept, 1);
    assert_string_equal(keys.names[0], "example.test");
    assert_int_equal(change_domain(l, "example.test", true), -EEXIST);
    assert_int_equal(keys.kept, 1);
    assert_int_equal(change_domain(l, "example.test", false), 0);
    assert_int_equal(keys.dropped, 1);
    end(l);
}

FIBER_TEST(domains_of_before_are_told_once_and_strangers_lose_their_keys) {
    struct lone *l = begin();
    struct directory *d = open_it(l);
    memcpy(keys.names, (char[3][32]){"a.test", "d1.test", "z.test"}, sizeof(char[3][32]));
    keys.count = 3;
    add_domains(d, 5);
    assert_int_equal(fiber_sleep(5 * USEC_MIN), 0);
    assert_int_equal(keys.kept, 5);
    assert_int_equal(keys.dropped, 2);
    assert_string_equal(keys.names[1], "d1.test");
    end(l);
}

FIBER_TEST(what_the_keys_role_was_away_for_is_told_when_it_is_back) {
    struct lone *l = begin();
    (void)open_it(l);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    lone_kill_peer(l, ROLE_KEYS);
    assert_int_equal(change_domain(l, "a.test", true), 0);
    assert_int_equal(change_domain(l, "b.test", true), 0);
    assert_int_equal(change_domain(l, "a.test", false), 0);
    assert_int_equal(keys.count, 0);
    lone_peer(l, ROLE_KEYS, &keys_calls, NULL);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(keys.count, 1);
    assert_string_equal(keys.names[0], "b.test");
    end(l);
}

/* ------------------------------------------------------------------ what mailboxes hold */

/* Accounts as an older directory has them, of whose mailboxes nothing was told; some. */
static void make_old_accounts(struct lone *l, unsigned count) WAITS {
    char address[48];
    lone_open(l);
    add_domain(directory_of(&l->process), "example.test");
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(address, sizeof address, "a%u@example.test", i);
        (void)add_account(directory_of(&l->process), address);
    }
    lone_end(l);
    sql(&place, "DELETE FROM usage WHERE account_id > 1");
}

FIBER_TEST(mailboxes_of_unknown_size_are_asked_for_once) {
    enum { UNKNOWN = 105 }; /* more than are read in one go */
    struct lone *l = begin();
    make_old_accounts(l, UNKNOWN + 1);
    l = lone_new(ROLE_DIRECTORY);
    l->links.workers[ROLE_MAIL] = 1;
    (void)open_it(l);
    assert_int_equal(fiber_sleep(USEC_MIN), 0); /* no mail process is there yet */
    assert_int_equal(mail.asked, 0);
    lone_peer(l, ROLE_MAIL, &mail_calls, NULL);
    assert_int_equal(fiber_sleep(5 * USEC_MIN), 0);
    assert_int_equal(mail.asked, UNKNOWN);
    for (unsigned i = 0; i < UNKNOWN; i++)
        assert_int_equal(mail.accounts[i], i + 2);
    end(l);
}

FIBER_TEST(a_silent_mail_process_keeps_a_question_waiting_for_two_seconds_at_most) {
    struct lone *l = begin();
    (void)open_it(l);
    lone_peer(l, ROLE_MAIL, &mail_calls, NULL);
    mail.silent = true;
    usec_t before = fiber_now();
    directory_ask_usage(&l->process);
    assert_in_range(fiber_now() - before, USEC_SEC, 2 * USEC_SEC + 10 * USEC_MS);
    mail.silent = false;
    directory_ask_usage(&l->process);
    assert_int_equal(mail.asked, 1);
    assert_int_equal(mail.accounts[0], 0); /* what has changed, of whichever account */
    end(l);
}

/* ------------------------------------------------------------------ purges */

static void remove_account(struct directory *d, const char *address) WAITS {
    uint64_t id = 0;
    GOOD(directory_account_remove(d, &ORDER, slice_of_str(address), &id, &problem));
}

FIBER_TEST(mailboxes_of_a_removed_account_are_deleted_when_its_time_is_over) {
    struct lone *l = begin();
    struct directory *d = open_it(l);
    lone_peer(l, ROLE_MAIL, &mail_calls, NULL);
    add_domain(d, "example.test");
    uint64_t id = add_account(d, "tama@example.test");
    remove_account(d, "tama@example.test");
    assert_int_equal(fiber_sleep(2 * USEC_HOUR - USEC_MIN), 0);
    assert_int_equal(mail.purged, 0);
    assert_int_equal(removed_accounts(d), 1);
    for (int i = 0; i < 12 * 60 && mail.purged == 0; i++)
        assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_int_equal(mail.purged, 1);
    assert_int_equal(mail.accounts[0], id);
    assert_int_equal(removed_accounts(d), 0);
    assert_string_equal(event_log.change, "account.purge"); /* told at once */
    end(l);
}

FIBER_TEST(a_purge_that_fails_is_tried_again_and_keeps_no_other) {
    struct lone *l = begin();
    struct directory *d = open_it(l);
    lone_peer(l, ROLE_MAIL, &mail_calls, NULL);
    add_domain(d, "example.test");
    (void)add_account(d, "one@example.test");
    mail.fails = add_account(d, "two@example.test");
    (void)add_account(d, "three@example.test");
    remove_account(d, "one@example.test");
    remove_account(d, "two@example.test");
    remove_account(d, "three@example.test");
    assert_int_equal(fiber_sleep(2 * USEC_HOUR + 11 * USEC_MIN), 0);
    assert_int_equal(mail.purged, 2);
    assert_int_equal(removed_accounts(d), 1);
    unsigned failed = mail.failed;
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_in_range(mail.failed - failed, 11, 13); /* every five seconds */
    mail.fails = 0;
    assert_int_equal(fiber_sleep(6 * USEC_SEC), 0);
    assert_int_equal(mail.purged, 3);
    assert_int_equal(removed_accounts(d), 0);
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    assert_int_equal(mail.purged, 3);
    end(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_is_told_once_with_who_made_it),
        cmocka_unit_test(test_what_the_event_log_was_away_for_follows_when_it_is_back),
        cmocka_unit_test(test_a_silent_event_log_keeps_a_change_waiting_for_two_seconds_at_most),
        cmocka_unit_test(test_a_long_history_is_told_whole_and_in_order),
        cmocka_unit_test(test_two_that_report_at_once_tell_each_change_once),
        cmocka_unit_test(test_a_stop_does_not_wait_for_the_event_log),
        cmocka_unit_test(test_a_domain_has_its_keys_when_it_is_there_and_loses_them_when_it_goes),
        cmocka_unit_test(test_domains_of_before_are_told_once_and_strangers_lose_their_keys),
        cmocka_unit_test(test_what_the_keys_role_was_away_for_is_told_when_it_is_back),
        cmocka_unit_test(test_mailboxes_of_unknown_size_are_asked_for_once),
        cmocka_unit_test(
            test_a_silent_mail_process_keeps_a_question_waiting_for_two_seconds_at_most),
        cmocka_unit_test(test_mailboxes_of_a_removed_account_are_deleted_when_its_time_is_over),
        cmocka_unit_test(test_a_purge_that_fails_is_tried_again_and_keeps_no_other),
    };
    return cmocka_run_group_tests_name("directory upkeep", tests, NULL, NULL);
}
