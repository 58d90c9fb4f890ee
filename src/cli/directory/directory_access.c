/* SPDX-License-Identifier: ISC */
/*
 * Each function asks one of two: the link, or the directory opened here. Between a server that
 * is just starting or ending and this program the lock decides: whoever has it owns the file, so a
 * command that finds neither socket nor lock free tries again for a while.
 */
#include "cli/directory/directory_access.h"
#include "directory/sharing.h"

#include <errno.h>

#include "base/alloc.h"
#include "cli/directory/directory_access_inside.h"
#include "cli/host/server.h"
#include "role/author.h"
#include "role/directory/directory_files.h"

#define PURGE_PATIENCE (6 * USEC_MIN)

/* ------------------------------------------------------------------ opening */

/* What directory_files_options() and directory_files_limits() take. */
static const char *const needed[] = {
    "hostname",
    "delivery.plus-separator",
    "accounts.removed-keep",
    "password.memory",
    "password.passes",
    "sending.messages-per-hour",
    "sending.messages-per-day",
    "sending.new-recipients-per-hour",
    "sending.new-recipients-per-day",
};

static int open_here(struct cli *c, struct directory_access *x, struct problem *problem) WAITS {
    const struct conf *conf = cli_settings_for(c, needed, ARRAY_SIZE(needed), problem);
    if (!conf)
        return -EBADMSG;
    struct directory_options options = directory_files_options(conf);
    x->removed_keep = options.removed_keep;
    int r = state_last_account(c->directory, &options.last_account, problem);
    if (r == 0)
        r = enter_folder(c, "directory", &c->users.vault, &x->entered, problem);
    if (r == 0)
        r = directory_open(DIRECTORY_FILE, &options, &x->directory, problem);
    if (r < 0)
        return r;
    uint64_t known = 0;
    if (directory_was_behind(x->directory, &known))
        cli_print(_(DIRECTORY_IS_BEHIND), (unsigned long long)options.last_account,
                  (unsigned long long)known);
    struct sending_limits limits = directory_files_limits(conf);
    directory_set_sending_limits(x->directory, &limits);
    return 0;
}

int directory_access_open(struct cli *c, struct directory_access **ret, struct problem *problem) {
    _cleanup_(directory_access_close_p) struct directory_access *x = NEW(struct directory_access);
    x->entered = ENTERED_NONE;
    x->lock = -1;
    x->hint = author_hint(c->arena);
    x->order.by = author_text(getuid(), x->hint, c->arena);
    int r = server_connect_or_lock(c, ROLE_DIRECTORY, &x->link, &x->lock, problem);
    if (r == 0 && !x->link)
        r = open_here(c, x, problem);
    if (r == 0) {
        cli_warn_settings(c);
        *ret = TAKE_PTR(x);
    }
    return r;
}

void directory_access_close(struct directory_access *x) {
    if (!x)
        return;
    directory_close(x->directory);
    leave_folder(&x->entered);
    if (x->lock >= 0)
        (void)close(x->lock);
    rpc_link_free(x->link);
    free(x);
}

bool directory_access_is_remote(const struct directory_access *x) {
    return x->link != NULL;
}

/* ------------------------------------------------------------------ routes */

int access_resolve(struct directory_access *x, struct slice address, struct arena *a,
                   struct route *ret, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_directory_resolve_in in = {.address = address};
    struct rpc_directory_resolve_out out;
    if (!x->link)
        return directory_resolve(x->directory, address, a, ret);
    int r = call_directory_resolve(x->link, &in, a, &out, problem);
    if (r == 0)
        *ret = out.route;
    return r;
}

/* ------------------------------------------------------------------ domains */

int access_domain_add(struct directory_access *x, struct slice name, struct slice target,
                      struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_domain_add_in in = {.by = x->hint, .name = name, .target = target};
    struct rpc_directory_domain_add_out out;
    return x->link ? call_directory_domain_add(x->link, &in, &a, &out, problem)
                   : directory_domain_add(x->directory, &x->order, name, target, problem);
}

int access_domain_catch_all(struct directory_access *x, struct slice name, struct slice target,
                            struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_domain_catch_all_in in = {.by = x->hint, .name = name, .target = target};
    struct rpc_directory_domain_catch_all_out out;
    return x->link ? call_directory_domain_catch_all(x->link, &in, &a, &out, problem)
                   : directory_domain_set_catch_all(x->directory, &x->order, name, target, problem);
}

int access_domain_remove(struct directory_access *x, struct slice name, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_domain_remove_in in = {.by = x->hint, .name = name};
    struct rpc_directory_domain_remove_out out;
    return x->link ? call_directory_domain_remove(x->link, &in, &a, &out, problem)
                   : directory_domain_remove(x->directory, &x->order, name, problem);
}

static int domain_page(struct directory_access *x, struct slice after, struct arena *a,
                       struct domain **ret, size_t *ret_count, struct problem *problem) WAITS {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_directory_domain_list_in in = {after, ACCESS_PAGE};
    struct rpc_directory_domain_list_out out;
    if (!x->link)
        return directory_domain_list(x->directory, after, ACCESS_PAGE, a, ret, ret_count, problem);
    int r = call_directory_domain_list(x->link, &in, a, &out, problem);
    *ret = out.domains;
    *ret_count = out.domains_count;
    return r;
}

int access_total_usage_of(struct rpc_link *link, struct directory *here, struct account_usage *ret,
                          struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_total_usage_in in = {0};
    struct rpc_directory_total_usage_out out;
    if (!link)
        return directory_total_usage(here, ret, problem);
    int r = call_directory_total_usage(link, &in, &a, &out, problem);
    if (r == 0)
        *ret = out.usage;
    return r;
}

int access_domains_of(struct rpc_link *link, struct directory *here, struct arena *a,
                      struct domain **ret, size_t *ret_count, struct problem *problem) {
    struct directory_access x = {.link = link, .directory = here};
    return access_domain_list(&x, a, ret, ret_count, problem);
}

int access_domain_list(struct directory_access *x, struct arena *a, struct domain **ret,
                       size_t *ret_count, struct problem *problem) {
    struct domain *list = NULL, *page = NULL;
    size_t count = 0, room = 0, more = 0;
    do {
        struct slice after = count > 0 ? list[count - 1].name : S("");
        int r = domain_page(x, after, a, &page, &more, problem);
        if (r < 0)
            return r;
        if (count + more > room) {
            room = 2 * (count + more);
            struct domain *bigger = arena_array(a, room, sizeof *bigger);
            if (count > 0)
                memcpy(bigger, list, count * sizeof *list);
            list = bigger;
        }
        if (more > 0)
            memcpy(list + count, page, more * sizeof *list);
        count += more;
    } while (more > 0);
    *ret = list;
    *ret_count = count;
    return 0;
}

/* ------------------------------------------------------------------ accounts */

static int add_remote(struct directory_access *x, const struct account_new *n, uint64_t first,
                      uint64_t count, uint64_t *ret, uint64_t *ret_shared,
                      struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_account_add_in in = {
        .by = x->hint, .account = *n, .first = first, .count = count};
    struct rpc_directory_account_add_out out;
    int r = call_directory_account_add(x->link, &in, &a, &out, problem);
    if (r < 0)
        return r;
    *ret = count > 0 ? out.added : out.id;
    *ret_shared = out.shared;
    return 0;
}

int access_account_add(struct directory_access *x, const struct account_new *account,
                       uint64_t first, uint64_t count, uint64_t *ret, uint64_t *ret_shared,
                       struct problem *problem) {
    CLI_WITHIN(BULK_PATIENCE);
    if (x->link)
        return add_remote(x, account, first, count, ret, ret_shared, problem);
    if (count > 0)
        return directory_account_add_many(x->directory, &x->order, account, first, count, ret,
                                          problem);
    int r = directory_account_add(x->directory, &x->order, account, ret, problem);
    if (r == 0)
        (void)directory_sharers_with(x->directory, account->address, ret_shared, NULL);
    return r;
}

int access_account_show(struct directory_access *x, struct slice address, struct arena *a,
                        struct account *ret, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_directory_account_show_in in = {.address = address};
    struct rpc_directory_account_show_out out;
    if (!x->link)
        return directory_account_show(x->directory, address, a, ret, problem);
    int r = call_directory_account_show(x->link, &in, a, &out, problem);
    if (r == 0)
        *ret = out.account;
    return r;
}

int access_account_send_as(struct directory_access *x, struct slice address, struct arena *a,
                           struct slice *ret, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_directory_account_send_as_in in = {.address = address};
    struct rpc_directory_account_send_as_out out = {0};
    if (!x->link)
        return directory_account_send_as(x->directory, address, a, ret, problem);
    int r = call_directory_account_send_as(x->link, &in, a, &out, problem);
    *ret = out.addresses;
    return r;
}

int access_account_limits(struct directory_access *x, struct slice address, struct arena *a,
                          struct account_limit ret[static SENDING_LIMITS],
                          struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_directory_account_limits_in in = {.address = address};
    struct rpc_directory_account_limits_out out;
    if (!x->link)
        return directory_account_limits(x->directory, address, a, ret, problem);
    int r = call_directory_account_limits(x->link, &in, a, &out, problem);
    if (r == 0 && out.limits_count != SENDING_LIMITS)
        r = -E_CORRUPT;
    if (r == 0)
        memcpy(ret, out.limits, SENDING_LIMITS * sizeof *ret);
    return r;
}

int access_account_list(struct directory_access *x, bool removed, struct slice domain,
                        uint64_t after, size_t limit, struct arena *a, struct account **ret,
                        size_t *ret_count, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    limit = MIN(limit, ACCESS_PAGE);
    struct rpc_directory_account_list_in in = {domain, after, (uint32_t)limit, removed};
    struct rpc_directory_account_list_out out;
    if (!x->link)
        return (removed ? directory_removed_list : directory_account_list)(
            x->directory, domain, after, limit, a, ret, ret_count, problem);
    int r = call_directory_account_list(x->link, &in, a, &out, problem);
    if (r < 0)
        return r;
    *ret = out.accounts;
    *ret_count = out.accounts_count;
    return 0;
}

int access_account_set(struct directory_access *x, struct slice address, const char *what,
                       struct slice value, bool accept_weak, bool force, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct order order = {.by = x->order.by, .force = force};
    struct rpc_directory_account_set_in in = {.by = x->hint,
                                              .force = force,
                                              .address = address,
                                              .what = slice_of_str(what),
                                              .value = value,
                                              .accept_weak = accept_weak};
    struct rpc_directory_account_set_out out;
    return x->link ? call_directory_account_set(x->link, &in, &a, &out, problem)
                   : directory_files_set(x->directory, &order, address, in.what, value, accept_weak,
                                         problem);
}

int access_account_remove(struct directory_access *x, struct slice address, bool force,
                          uint64_t *ret_id, usec_t *ret_until, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct order order = {.by = x->order.by, .force = force};
    struct rpc_directory_account_remove_in in = {.by = x->hint, .force = force, .address = address};
    struct rpc_directory_account_remove_out out = {0};
    int r = x->link ? call_directory_account_remove(x->link, &in, &a, &out, problem)
                    : directory_account_remove(x->directory, &order, address, &out.id, problem);
    if (r == 0 && !x->link && x->removed_keep > 0)
        out.kept_until = fiber_wall() + x->removed_keep;
    if (r == 0) {
        *ret_id = out.id;
        *ret_until = out.kept_until;
    }
    return r;
}

int access_account_restore(struct directory_access *x, struct slice which, struct slice as,
                           struct arena *a, struct account *ret, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_directory_account_restore_in in = {.by = x->hint, .which = which, .as = as};
    struct rpc_directory_account_restore_out out;
    if (!x->link)
        return directory_account_restore(x->directory, &x->order, which, as, ret, a, problem);
    int r = call_directory_account_restore(x->link, &in, a, &out, problem);
    if (r == 0)
        *ret = out.account;
    return r;
}

int access_account_purge(struct directory_access *x, struct slice which, struct arena *a,
                         struct account *ret, struct slice *ret_left, struct problem *problem) {
    CLI_WITHIN(PURGE_PATIENCE);
    struct rpc_directory_account_purge_in in = {.by = x->hint, .which = which};
    struct rpc_directory_account_purge_out out;
    *ret_left = S("");
    if (!x->link)
        return directory_account_purge(x->directory, &x->order, which, ret, a, problem);
    int r = call_directory_account_purge(x->link, &in, a, &out, problem);
    if (r < 0)
        return r;
    *ret_left = out.done ? S("") : out.reason;
    *ret = out.account;
    return 0;
}

int access_account_purged(struct directory_access *x, uint64_t id, struct problem *problem) {
    return x->link ? 0 : directory_account_purged(x->directory, id, problem);
}

/* ------------------------------------------------------------------ aliases */

int access_alias_change(struct directory_access *x, enum access_change change, struct slice address,
                        const struct slice *targets, size_t count, bool instead,
                        struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct order order = {.by = x->order.by, .instead_of_mailbox = instead};
    struct rpc_directory_alias_change_in in = {.by = x->hint,
                                               .instead = instead,
                                               .change = (uint8_t)change,
                                               .address = address,
                                               .targets = (struct slice *)(uintptr_t)targets,
                                               .targets_count = count};
    struct rpc_directory_alias_change_out out;
    if (x->link)
        return call_directory_alias_change(x->link, &in, &a, &out, problem);
    if (change == ACCESS_ADD)
        return directory_alias_add(x->directory, &order, address, targets, count, problem);
    if (change == ACCESS_SET)
        return directory_alias_set(x->directory, &order, address, targets, count, problem);
    return directory_alias_remove(x->directory, &order, address, targets, count, problem);
}

int access_alias_list(struct directory_access *x, struct slice after, struct arena *a,
                      struct alias **ret, size_t *ret_count, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_directory_alias_list_in in = {after, ACCESS_PAGE};
    struct rpc_directory_alias_list_out out;
    if (!x->link)
        return directory_alias_list(x->directory, after, ACCESS_PAGE, a, ret, ret_count, problem);
    int r = call_directory_alias_list(x->link, &in, a, &out, problem);
    if (r < 0)
        return r;
    *ret = out.aliases;
    *ret_count = out.aliases_count;
    return 0;
}
