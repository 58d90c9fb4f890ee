/* SPDX-License-Identifier: ISC */
/*
 * What the master hands to a process: its share of the settings, and what its role's row says that
 * it is given beside them (proc/process.h).
 */
#include <errno.h>
#include <stdio.h>

#include "conf/share.h"
#include "events/kinds.h"
#include "role/directory/directory_files.h"
#include "role/master/children.h"

#define OPEN_LIMIT   (60 * USEC_SEC) /* a damaged store may be rebuilt meanwhile */
#define RELOAD_LIMIT (10 * USEC_SEC)

/* What the role cannot look at itself. */
static int text_files(const struct child *child, struct arena *a,
                      struct rpc_field files[static STATE_FILES], size_t *ret_count,
                      struct problem *problem) {
    const struct children *c = child->all;
    uint64_t last = 0;
    *ret_count = 0;
    if (child->role->given & GIVEN_RESOLVER_FILES)
        *ret_count = state_resolver_files(c->conf, a, files);
    if (!(child->role->given & GIVEN_LAST_ACCOUNT))
        return 0;
    int r = state_last_account(c->directory, &last, problem);
    files[0].name = S(DIRECTORY_LAST_ACCOUNT);
    files[0].value = arena_printf(a, "%llu", (unsigned long long)last);
    *ret_count = 1;
    return r;
}

/*
 * Whether it is asked at a reload that does not change its share: it has more than that, or it has
 * yet to take the last ones.
 */
static bool always_reloads(const struct child *child) {
    bool passwords =
        child->role->given & GIVEN_PASSWORDS && child->all->conf->relay.password_file.len > 0;
    return child->role->reloads || passwords || child->refused;
}

/* What a process is handed, and who owns it until it is sent. */
struct handed {
    struct arena arena;
    struct buf settings;
    struct rpc_field texts[STATE_FILES];
    size_t text_count;
    struct certificate_files pair;
    struct relay_files relay;
    int log_socket;
};

static void handed_done(struct handed *h) {
    certificate_files_close(&h->pair);
    relay_files_close(&h->relay);
    if (h->log_socket >= 0)
        (void)close(h->log_socket);
    buf_done(&h->settings);
    arena_done(&h->arena);
}

/*
 * All of it but the files for the relay, without which that one begins. `anew`: files that have
 * changed since, too.
 */
static int gather(struct child *child, bool anew, struct handed *h, struct problem *problem) {
    const struct children *c = child->all;
    *h = (struct handed){.relay = {-1, -1}, .log_socket = children_open_syslog(child)};
    child->settings_number = c->settings_number;
    conf_write_slice(c->conf, child->role->role, &h->settings);
    int r = children_open_certificate(child, anew, &h->pair, problem);
    return r < 0 ? r : text_files(child, &h->arena, h->texts, &h->text_count, problem);
}

static struct rpc_handed as_sent(const struct child *child, struct handed *h) {
    return (struct rpc_handed){
        .settings = buf_slice(&h->settings),
        .text_files = h->texts,
        .text_files_count = h->text_count,
        .log_file = child->role->given & GIVEN_LOG ? child->all->log_file : -1,
        .log_socket = h->log_socket,
        .certificate = h->pair.certificate,
        .key = h->pair.key,
        .passwords = h->relay.passwords,
        .authorities = h->relay.authorities,
    };
}

int children_renew(struct child *child, struct buf *report, struct problem *problem) {
    _cleanup_(handed_done) struct handed h;
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + RELOAD_LIMIT);
    struct rpc_process_reload_out out;
    int r = gather(child, true, &h, problem);
    if (r == 0)
        r = relay_files_open(child->all->conf, child->role->given, &h.relay, problem);
    if (r < 0)
        return r;
    struct rpc_process_reload_in in = {as_sent(child, &h)};
    r = call_process_reload(child->link, &in, &h.arena, &out, problem);
    if (r == 0)
        children_keep_certificate(child, &h.pair);
    if (r == 0 && report)
        buf_add(report, out.said);
    return r;
}

/* What it says of settings that it has taken, and the sentence when it has not. */
struct renewals {
    struct buf taken, refused;
};

static void renewals_done(struct renewals *r) {
    buf_done(&r->taken);
    buf_done(&r->refused);
}

/* A refusal is told in the log, and in `report` (may be NULL). */
static int renew_settings(struct child *child, struct renewals *report) WAITS {
    struct problem problem = {0};
    bool refused_before = child->refused;
    int r = children_renew(child, report ? &report->taken : NULL, &problem);
    child->refused = r < 0;
    if (r == 0 && refused_before && report)
        buf_printf(&report->taken, "The %s process %u has taken the settings now.\n",
                   role_name(child->role->role), child->worker);
    if (r == 0)
        return 0;
    const char *why = problem.text[0]   ? problem.text
                      : r == -ETIMEDOUT ? "it has not answered; it takes them when it goes on"
                                        : error_text(r);
    if (report)
        buf_printf(&report->refused, "The %s process %u keeps its old settings: %s\n",
                   role_name(child->role->role), child->worker, why);
    children_event(child->all, KIND_WARNING, "The %s process %u keeps its old settings: %s",
                   role_name(child->role->role), child->worker, why);
    return r;
}

/* Settings that were read again while the process opened what it owns. */
void children_catch_up(struct child *child) {
    while (child->settings_number != child->all->settings_number && rpc_link_up(child->link))
        (void)renew_settings(child, NULL);
}

int children_configure(struct child *child, struct problem *problem) {
    _cleanup_(handed_done) struct handed h;
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + OPEN_LIMIT);
    struct rpc_process_configure_out out;
    int r = gather(child, false, &h, problem);
    if (r == 0 && relay_files_open(child->all->conf, child->role->given, &h.relay, problem) < 0)
        children_event(child->all, KIND_WARNING,
                       "%s. Messages that need it wait until it is put right and read again"
                       " (hayauma reload).",
                       problem->text);
    struct rpc_process_configure_in in = {.handed = as_sent(child, &h)};
    if (child->role->given & GIVEN_SECRET)
        in.secret = slice_of(child->all->secret, sizeof child->all->secret);
    if (r == 0)
        r = call_process_configure(child->link, &in, &h.arena, &out, problem);
    children_keep_certificate(child, r == 0 ? &h.pair : NULL);
    child->refused = false;
    if (r == 0)
        (void)snprintf(child->confinement, sizeof child->confinement, "%.*s",
                       SLICE_ARG(out.confinement));
    return r;
}

int children_reload(struct children *c, unsigned roles, struct buf *report) {
    _cleanup_(renewals_done) struct renewals renewals = {0};
    int result = 0;
    c->settings_number++;
    for (size_t i = 0; i < c->count; i++) {
        struct child *child = &c->list[i];
        bool wanted = roles & 1U << child->role->role;
        if (child->state >= CHILD_CONFIGURED && (wanted || always_reloads(child)) &&
            renew_settings(child, &renewals) < 0)
            result = -E_REFUSED;
    }
    buf_add(report, buf_slice(&renewals.refused)); /* first: errors are cut */
    buf_add(report, buf_slice(&renewals.taken));
    return result;
}
