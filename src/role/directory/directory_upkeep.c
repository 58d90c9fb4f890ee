/* SPDX-License-Identifier: ISC */
/*
 * One fiber does what is due now and then; the history is also handed over by whoever has just
 * added to it. An entry leaves the directory when the event log has answered that it is on the
 * disk, so none is lost; when either of them dies in between, it stands in the log twice.
 */
#include "role/directory/directory_role.h"

#include <errno.h>

#include "events/kinds.h"
#include "role/directory/directory_files.h"

#define ENTRIES      100U           /* of the history in one go */
#define PURGES       16U            /* the same of purges */
#define TELL_LIMIT   (2 * USEC_SEC) /* how long a change waits for the event log */
#define USAGE_LIMIT  (2 * USEC_SEC) /* the same, a question for the mail processes */
#define PURGE_LIMIT  (5 * USEC_MIN) /* of deleting the files of one account */
#define UPKEEP_EVERY (30 * USEC_SEC)
#define PURGE_EVERY  (10 * USEC_MIN)
#define AGAIN        (5 * USEC_SEC) /* after a purge, or a question, that failed */
#define WITHIN(span)                                                                               \
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline within_ =                           \
        fiber_deadline_begin(fiber_now() + (span))

/* ------------------------------------------------------------------ the history */

static int keep_entry(struct process *p, const struct change_entry *e, usec_t until) WAITS {
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d = fiber_deadline_begin(until);
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct event_fact facts[] = {
        {S(FACT_BY), e->by},         {S(FACT_CHANGE), e->kind}, {S(FACT_NAME), e->name},
        {S(FACT_BEFORE), e->before}, {S(FACT_AFTER), e->after},
    };
    struct rpc_events_keep_out out;
    change_entry_sentence(&text, e);
    struct rpc_events_keep_in in = {.event = {.wall = e->wall,
                                              .kind = S(KIND_CHANGED),
                                              .text = buf_slice(&text),
                                              .facts = facts,
                                              .fact_count = ARRAY_SIZE(facts)}};
    return call_events_keep(process_link(p, ROLE_EVENTS, 0), &in, &a, &out, NULL);
}

/*
 * 1 when there is more. What the event log has is forgotten here also when the time is over: it
 * would stand in the log twice.
 */
static int tell_some(struct process *p, usec_t until) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct change_entry *list = NULL;
    size_t count = 0, told = 0;
    int r = directory_changes(directory_of(p), ENTRIES, &a, &list, &count, NULL);
    while (r == 0 && told < count) {
        r = keep_entry(p, &list[told], until);
        told += r == 0 ? 1 : 0;
    }
    if (told > 0) {
        int forgotten = directory_changes_reported(directory_of(p), list[told - 1].number, NULL);
        r = r < 0 ? r : forgotten;
    }
    return r < 0 ? r : count == ENTRIES;
}

static int lock_until(struct fiber_mutex *m, usec_t until) WAITS {
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d = fiber_deadline_begin(until);
    return fiber_mutex_lock(m);
}

void directory_report_history(struct process *p) {
    usec_t until = fiber_now() + TELL_LIMIT;
    struct directory_role *role = directory_role(p);
    if (lock_until(&role->telling, until) < 0)
        return;
    while (tell_some(p, until) == 1)
        ;
    fiber_mutex_unlock(&role->telling);
}

/* ------------------------------------------------------------------ what mailboxes hold */

bool directory_usage_is_of(uint64_t account, unsigned worker, unsigned workers) {
    return account % DIRECTORY_SHARDS % workers == worker;
}

int directory_on_usage(void *arg, const struct rpc_caller *caller,
                       const struct rpc_directory_usage_in *in) {
    unsigned workers = MAX(process_workers(arg, ROLE_MAIL), 1U);
    for (size_t i = 0; i < in->accounts_count; i++)
        if (directory_usage_is_of(in->accounts[i].account, caller->worker, workers))
            directory_note_usage(directory_of(arg), in->accounts[i].account,
                                 in->accounts[i].messages, in->accounts[i].bytes);
    return 0;
}

/* What a mail process sends before it answers has been noted by then. */
static int ask_usage(struct process *p, unsigned worker, uint64_t account) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_report_usage_in in = {.account = account};
    struct rpc_mail_report_usage_out out;
    return call_mail_report_usage(process_link(p, ROLE_MAIL, worker), &in, &a, &out, NULL);
}

void directory_ask_usage(struct process *p) {
    WITHIN(USAGE_LIMIT);
    for (unsigned i = 0; i < process_workers(p, ROLE_MAIL); i++)
        (void)ask_usage(p, i, 0);
}

/* Accounts from before these numbers were kept: each is asked for once. */
static int learn_usage(struct process *p) WAITS {
    struct account_place list[ENTRIES];
    uint64_t after = 0;
    size_t count = 0;
    int r;
    do {
        r = directory_unknown_usage(directory_of(p), after, list, ENTRIES, &count, NULL);
        for (size_t i = 0; r == 0 && i < count; i++) {
            r = ask_usage(p, list[i].shard, list[i].account);
            after = list[i].account;
        }
    } while (r == 0 && count == ENTRIES);
    return r;
}

/* ------------------------------------------------------------------ purges */

int directory_purge_files(struct process *p, const struct account_place *purge,
                          struct problem *problem) {
    WITHIN(PURGE_LIMIT);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_purge_in in = {.account = purge->account};
    struct rpc_mail_purge_out out;
    int r = call_mail_purge(process_link(p, ROLE_MAIL, purge->shard), &in, &a, &out, problem);
    return r < 0 ? r : directory_account_purged(directory_of(p), purge->account, problem);
}

/* One that fails does not keep the others: it is tried again the next time. */
static int purge_all(struct process *p, bool *ret_left) WAITS {
    struct account_place list[PURGES];
    size_t count = 0;
    uint64_t after = 0;
    int r;
    *ret_left = false;
    do {
        r = directory_purges(directory_of(p), after, list, PURGES, &count, NULL);
        for (size_t i = 0; r == 0 && i < count; i++) {
            int failed = directory_purge_files(p, &list[i], NULL);
            after = list[i].account;
            r = failed == -ECANCELED ? failed : 0;
            *ret_left |= failed < 0;
        }
    } while (r == 0 && count == PURGES);
    return r;
}

/* ------------------------------------------------------------------ the fiber */

static void upkeep(void *arg) WAITS {
    struct process *p = arg;
    usec_t purge_at = 0;
    bool learned = false, left = false;
    do {
        directory_report_history(p);
        if (!learned)
            learned = learn_usage(p) == 0;
        if (fiber_now() >= purge_at && purge_all(p, &left) == 0) {
            purge_at = left ? 0 : fiber_now() + PURGE_EVERY;
            directory_report_history(p);
        }
        directory_write_usage(directory_of(p));
        directory_keys_tell(p);
        (void)directory_look_who_left(directory_of(p));
    } while (
        fiber_sleep(left || !learned || !directory_role(p)->keys_know ? AGAIN : UPKEEP_EVERY) == 0);
}

int directory_upkeep_start(struct process *p) {
    return fiber_start("upkeep", upkeep, p, &directory_role(p)->upkeep);
}

void directory_upkeep_stop(struct process *p) {
    struct fiber *fiber = TAKE_PTR(directory_role(p)->upkeep);
    if (!fiber)
        return;
    fiber_cancel(fiber);
    fiber_join(fiber);
}
