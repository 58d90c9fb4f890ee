/* SPDX-License-Identifier: ISC */
/*
 * The directory role: answers who exists, where an address leads and who may enter, and changes
 * that for the command line. What it answers is decided in src/directory/.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "directory/sharing.h"
#include "events/kinds.h"
#include "role/author.h"
#include "role/directory/directory_files.h"
#include "role/directory/directory_role.h"
#include "role/roles.h"
#include "role/ticket.h"

#define PAGE_MAX        1000U
#define CHANGES_FILE    "changes" /* is gone as soon as it is open */
#define ANSWER_TEXT_MAX 1000000U  /* bytes; the last alias of a page may have a third more */

static void set_limits(struct process *p) {
    struct sending_limits limits = directory_files_limits(p->conf);
    directory_set_login_delays(directory_of(p), p->conf->login.delay_first,
                               p->conf->login.delay_max);
    directory_set_sending_limits(directory_of(p), &limits);
}

static void count_change(void *arg) {
    struct directory_role *role = arg;
    change_page_count(&role->changes);
}

/* What was lost, or put back half, is made anew by whoever opens it first. */
static int refuse_lost(struct directory *d, uint64_t last_account, struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct domain *list = NULL;
    size_t count = 0;
    int r = directory_domain_list(d, S(""), 1, &a, &list, &count, problem);
    if (r < 0 || count > 0 || last_account == 0)
        return r;
    return problem_set(problem, -E_REFUSED, DIRECTORY_IS_LOST, (unsigned long long)last_account);
}

static int open_directory(struct process *p, struct problem *problem) WAITS {
    struct directory_role *role = NEW(struct directory_role);
    struct directory_options options = directory_files_options(p->conf);
    fiber_mutex_init(&role->telling);
    ended_logins_init(&role->ended, TICKET_RENEWABLE);
    options.changed = count_change;
    options.changed_arg = role;
    p->state = role;
    (void)slice_to_u64(process_text(p, S(DIRECTORY_LAST_ACCOUNT)), INT64_MAX,
                       &options.last_account);
    int r = directory_open(DIRECTORY_FILE, &options, &role->directory, problem);
    if (r == 0)
        r = refuse_lost(role->directory, options.last_account, problem);
    if (r < 0)
        return r;
    set_limits(p);
    r = change_page_make(CHANGES_FILE, &role->changes);
    if (r < 0)
        process_event(p, 0, KIND_WARNING, NULL, 0,
                      "No page for others to see what changes (%s): they ask for each address.",
                      error_text(r));
    uint64_t known = 0;
    if (directory_was_behind(role->directory, &known))
        process_event(p, 0, KIND_WARNING, NULL, 0, DIRECTORY_IS_BEHIND,
                      (unsigned long long)options.last_account, (unsigned long long)known);
    return 0;
}

static int reload_directory(struct process *p, const struct conf *before, struct problem *problem) {
    struct directory_options options = directory_files_options(p->conf);
    (void)before;
    (void)problem;
    directory_configure(directory_of(p), &options);
    set_limits(p);
    return 0;
}

static void go(struct process *p) {
    if (directory_upkeep_start(p) < 0)
        process_fail(p, "no memory for the first fibers");
}

static void stop_directory(struct process *p) WAITS {
    directory_upkeep_stop(p);
    directory_close(directory_of(p));
    change_page_done(&directory_role(p)->changes);
}

/* A change is made: the event log gets it. The result of the change. */
static int changed(struct process *p, int r) WAITS {
    if (r == 0)
        directory_report_history(p);
    return r;
}

static struct order order_of(const struct rpc_caller *caller, struct slice hint, struct arena *a) {
    return (struct order){.by = author_of_caller(caller, hint, a)};
}

/* ------------------------------------------------------------------ for the other roles */

static int on_resolve(void *arg, const struct rpc_caller *caller,
                      const struct rpc_directory_resolve_in *in, struct arena *a,
                      struct rpc_directory_resolve_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)problem;
    return directory_resolve(directory_of(arg), in->address, a, &out->route);
}

static int on_send_on(void *arg, const struct rpc_caller *caller,
                      const struct rpc_directory_send_on_in *in, struct arena *a,
                      struct rpc_directory_send_on_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)problem;
    return directory_send_on(directory_of(arg), in->address, a, &out->address);
}

static int on_changes(void *arg, const struct rpc_caller *caller,
                      const struct rpc_directory_changes_in *in, struct arena *a,
                      struct rpc_directory_changes_out *out, struct problem *problem) {
    const struct directory_role *role = directory_role(arg);
    (void)caller;
    (void)in;
    (void)a;
    if (role->changes.fd < 0)
        return problem_set(problem, -ENOTSUP, "there is no such page");
    out->page = fcntl(role->changes.fd, F_DUPFD_CLOEXEC, 3);
    return out->page < 0 ? -errno : 0;
}

static int on_may_send_as(void *arg, const struct rpc_caller *caller,
                          const struct rpc_directory_may_send_as_in *in, struct arena *a,
                          struct rpc_directory_may_send_as_out *out,
                          struct problem *problem) WAITS {
    struct process *p = arg;
    (void)caller;
    (void)a;
    (void)problem;
    return directory_may_send_as(directory_of(p), in->account, in->address, &out->may);
}

static int on_count_message(void *arg, const struct rpc_caller *caller,
                            const struct rpc_directory_count_message_in *in, struct arena *a,
                            struct rpc_directory_count_message_out *out,
                            struct problem *problem) WAITS {
    struct sending_verdict verdict;
    (void)caller;
    (void)problem;
    int r = directory_count_message(directory_of(arg), in->account, in->recipients,
                                    in->recipients_count, &verdict);
    if (r < 0 || !verdict.hold)
        return r;
    out->hold = true;
    out->notify = verdict.notify;
    out->reason = sending_reason(a, &verdict);
    return 0;
}

static int on_facts(void *arg, const struct rpc_caller *caller,
                    const struct rpc_directory_facts_in *in, struct arena *a,
                    struct rpc_directory_facts_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)in;
    (void)a;
    return directory_has_apop(directory_of(arg), &out->apop, problem);
}

/* ------------------------------------------------------------------ domains */

static int on_domain_add(void *arg, const struct rpc_caller *caller,
                         const struct rpc_directory_domain_add_in *in, struct arena *a,
                         struct rpc_directory_domain_add_out *out, struct problem *problem) WAITS {
    struct order order = order_of(caller, in->by, a);
    (void)out;
    int r = directory_domain_add(directory_of(arg), &order, in->name, in->target, problem);
    if (r == 0)
        directory_keys_changed(arg, in->name, true);
    return changed(arg, r);
}

static int on_domain_catch_all(void *arg, const struct rpc_caller *caller,
                               const struct rpc_directory_domain_catch_all_in *in, struct arena *a,
                               struct rpc_directory_domain_catch_all_out *out,
                               struct problem *problem) WAITS {
    struct order order = order_of(caller, in->by, a);
    (void)out;
    return changed(arg, directory_domain_set_catch_all(directory_of(arg), &order, in->name,
                                                       in->target, problem));
}

static int on_domain_remove(void *arg, const struct rpc_caller *caller,
                            const struct rpc_directory_domain_remove_in *in, struct arena *a,
                            struct rpc_directory_domain_remove_out *out,
                            struct problem *problem) WAITS {
    struct order order = order_of(caller, in->by, a);
    (void)out;
    int r = directory_domain_remove(directory_of(arg), &order, in->name, problem);
    if (r == 0)
        directory_keys_changed(arg, in->name, false);
    return changed(arg, r);
}

static int on_domain_list(void *arg, const struct rpc_caller *caller,
                          const struct rpc_directory_domain_list_in *in, struct arena *a,
                          struct rpc_directory_domain_list_out *out,
                          struct problem *problem) WAITS {
    (void)caller;
    return directory_domain_list(directory_of(arg), in->after, MIN(in->limit, PAGE_MAX), a,
                                 &out->domains, &out->domains_count, problem);
}

/* ------------------------------------------------------------------ accounts */

static int on_total_usage(void *arg, const struct rpc_caller *caller,
                          const struct rpc_directory_total_usage_in *in, struct arena *a,
                          struct rpc_directory_total_usage_out *out,
                          struct problem *problem) WAITS {
    (void)caller;
    (void)in;
    (void)a;
    return directory_total_usage(directory_of(arg), &out->usage, problem);
}

/* Whether who has logged in before this change has to log in again. */
static bool ends_sessions(const struct rpc_directory_account_set_in *in) {
    return slice_eq(in->what, S("password")) || slice_eq(in->what, S("apop")) ||
           (slice_eq(in->what, S("enabled")) && !slice_eq(in->value, S("yes")));
}

static int on_account_add(void *arg, const struct rpc_caller *caller,
                          const struct rpc_directory_account_add_in *in, struct arena *a,
                          struct rpc_directory_account_add_out *out,
                          struct problem *problem) WAITS {
    struct process *p = arg;
    struct account_new account = in->account;
    if (account.password.len == 0) /* on the way here empty and none became the same */
        account.password = (struct slice){0};
    struct order order = order_of(caller, in->by, a);
    if (in->count > 0)
        return changed(p, directory_account_add_many(directory_of(p), &order, &account, in->first,
                                                     in->count, &out->added, problem));
    out->added = 1;
    int r = directory_account_add(directory_of(p), &order, &account, &out->id, problem);
    if (r == 0)
        (void)directory_sharers_with(directory_of(p), account.address, &out->shared, NULL);
    return changed(p, r);
}

static int on_account_show(void *arg, const struct rpc_caller *caller,
                           const struct rpc_directory_account_show_in *in, struct arena *a,
                           struct rpc_directory_account_show_out *out,
                           struct problem *problem) WAITS {
    (void)caller;
    directory_ask_usage(arg);
    return directory_account_show(directory_of(arg), in->address, a, &out->account, problem);
}

static int on_account_list(void *arg, const struct rpc_caller *caller,
                           const struct rpc_directory_account_list_in *in, struct arena *a,
                           struct rpc_directory_account_list_out *out,
                           struct problem *problem) WAITS {
    (void)caller;
    if (in->after == 0)
        directory_ask_usage(arg);
    return (in->removed ? directory_removed_list : directory_account_list)(
        directory_of(arg), in->domain, in->after, MIN(in->limit, PAGE_MAX), a, &out->accounts,
        &out->accounts_count, problem);
}

static int on_account_set(void *arg, const struct rpc_caller *caller,
                          const struct rpc_directory_account_set_in *in, struct arena *a,
                          struct rpc_directory_account_set_out *out,
                          struct problem *problem) WAITS {
    struct process *p = arg;
    struct account account;
    struct order order = order_of(caller, in->by, a);
    (void)out;
    order.force = in->force;
    int r = directory_files_set(directory_of(p), &order, in->address, in->what, in->value,
                                in->accept_weak, problem);
    const bool quota = slice_eq(in->what, S("quota"));
    if (r == 0 && (quota || ends_sessions(in)) &&
        directory_account_show(directory_of(p), in->address, a, &account, NULL) == 0) {
        if (quota)
            directory_tell_quota(p, &account);
        else
            directory_end_sessions(p, account.id);
    }
    return changed(p, r);
}

static int on_account_limits(void *arg, const struct rpc_caller *caller,
                             const struct rpc_directory_account_limits_in *in, struct arena *a,
                             struct rpc_directory_account_limits_out *out,
                             struct problem *problem) WAITS {
    (void)caller;
    out->limits_count = SENDING_LIMITS;
    out->limits = arena_array(a, SENDING_LIMITS, sizeof *out->limits);
    return directory_account_limits(directory_of(arg), in->address, a, out->limits, problem);
}

static int on_account_send_as(void *arg, const struct rpc_caller *caller,
                              const struct rpc_directory_account_send_as_in *in, struct arena *a,
                              struct rpc_directory_account_send_as_out *out,
                              struct problem *problem) WAITS {
    (void)caller;
    return directory_account_send_as(directory_of(arg), in->address, a, &out->addresses, problem);
}

static int on_account_remove(void *arg, const struct rpc_caller *caller,
                             const struct rpc_directory_account_remove_in *in, struct arena *a,
                             struct rpc_directory_account_remove_out *out,
                             struct problem *problem) WAITS {
    struct process *p = arg;
    struct order order = order_of(caller, in->by, a);
    order.force = in->force;
    int r = directory_account_remove(directory_of(p), &order, in->address, &out->id, problem);
    if (r == 0 && p->conf->accounts.removed_keep > 0)
        out->kept_until = fiber_wall() + p->conf->accounts.removed_keep;
    if (r == 0)
        directory_end_sessions(p, out->id);
    return changed(p, r);
}

static int on_account_restore(void *arg, const struct rpc_caller *caller,
                              const struct rpc_directory_account_restore_in *in, struct arena *a,
                              struct rpc_directory_account_restore_out *out,
                              struct problem *problem) WAITS {
    struct order order = order_of(caller, in->by, a);
    return changed(arg, directory_account_restore(directory_of(arg), &order, in->which, in->as,
                                                  &out->account, a, problem));
}

/* What could not be deleted now is deleted later: the account is given up in any case. */
static int on_account_purge(void *arg, const struct rpc_caller *caller,
                            const struct rpc_directory_account_purge_in *in, struct arena *a,
                            struct rpc_directory_account_purge_out *out,
                            struct problem *problem) WAITS {
    struct problem why = {0};
    struct order order = order_of(caller, in->by, a);
    directory_ask_usage(arg);
    int r =
        directory_account_purge(directory_of(arg), &order, in->which, &out->account, a, problem);
    if (r < 0)
        return r;
    r = directory_purge_files(arg, &(struct account_place){out->account.id, out->account.shard},
                              &why);
    out->done = r == 0;
    if (r < 0)
        out->reason = arena_copy(a, slice_of_str(why.text[0] ? why.text : error_text(r)));
    return changed(arg, 0);
}

/* ------------------------------------------------------------------ aliases */

static int on_alias_change(void *arg, const struct rpc_caller *caller,
                           const struct rpc_directory_alias_change_in *in, struct arena *a,
                           struct rpc_directory_alias_change_out *out,
                           struct problem *problem) WAITS {
    struct directory *d = directory_of(arg);
    struct order order = order_of(caller, in->by, a);
    (void)out;
    order.instead_of_mailbox = in->instead;
    return changed(arg, (in->change == 0   ? directory_alias_add
                         : in->change == 1 ? directory_alias_set
                                           : directory_alias_remove)(
                            d, &order, in->address, in->targets, in->targets_count, problem));
}

static int on_alias_list(void *arg, const struct rpc_caller *caller,
                         const struct rpc_directory_alias_list_in *in, struct arena *a,
                         struct rpc_directory_alias_list_out *out, struct problem *problem) WAITS {
    (void)caller;
    int r = directory_alias_list(directory_of(arg), in->after, MIN(in->limit, 200U), a,
                                 &out->aliases, &out->aliases_count, problem);
    if (r < 0)
        return r;
    /* as many as fit into one answer, but at least one: the reader asks on until none is left */
    size_t bytes = 0, count = 0;
    for (; count < out->aliases_count && bytes < ANSWER_TEXT_MAX; count++)
        for (size_t i = 0; i < out->aliases[count].target_count; i++)
            bytes += out->aliases[count].targets[i].len + sizeof(uint32_t);
    out->aliases_count = count;
    return 0;
}

static const struct rpc_directory_handlers handlers = {
    .resolve = on_resolve,
    .send_on = on_send_on,
    .changes = on_changes,
    .login = directory_on_login,
    .login_step = directory_on_login_step,
    .renew_ticket = directory_on_renew_ticket,
    .may_send_as = on_may_send_as,
    .count_message = on_count_message,
    .facts = on_facts,
    .domain_add = on_domain_add,
    .domain_catch_all = on_domain_catch_all,
    .domain_remove = on_domain_remove,
    .domain_list = on_domain_list,
    .total_usage = on_total_usage,
    .account_add = on_account_add,
    .account_import = directory_on_account_import,
    .account_show = on_account_show,
    .account_list = on_account_list,
    .account_set = on_account_set,
    .account_limits = on_account_limits,
    .account_send_as = on_account_send_as,
    .account_remove = on_account_remove,
    .account_restore = on_account_restore,
    .account_purge = on_account_purge,
    .usage = directory_on_usage,
    .share = directory_on_share,
    .owner = directory_on_owner,
    .owners = directory_on_owners,
    .alias_change = on_alias_change,
    .alias_import = directory_on_alias_import,
    .alias_list = on_alias_list,
};

const struct process_work role_directory = {
    .handlers = &handlers,
    .open = open_directory,
    .go = go,
    .reload = reload_directory,
    .stop = stop_directory,
};
