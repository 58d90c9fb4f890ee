/* SPDX-License-Identifier: ISC */
/*
 * A process begins its work (`go`) when every peer has been there once; a peer that is down at the
 * moment answers -EPIPE until it is back. How they are linked is in children_links.c, how their
 * ends and their silence are noticed in children_watch.c. Neither `go` nor `listen` has a deadline
 * for that reason: who does not answer is ended.
 */
#include "role/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/notice.h"
#include "base/random.h"
#include "conf/share.h"
#include "events/kinds.h"
#include "role/directory_files.h"

#define OPEN_LIMIT    (60 * USEC_SEC) /* a damaged store may be rebuilt meanwhile */
#define RELOAD_LIMIT  (10 * USEC_SEC)
#define STOP_LIMIT    (1500 * USEC_MS)
#define SHORT_LIFE    (10 * USEC_SEC)
#define LONGEST_PAUSE (10 * USEC_SEC)

/* ------------------------------------------------------------------ the list */

static unsigned workers_of(enum role role, const struct conf *conf) {
    unsigned n = role == ROLE_EDGE    ? conf->workers.edge
                 : role == ROLE_RELAY ? conf->workers.relay
                 : role == ROLE_MAIL  ? conf->workers.mail
                                      : 1;
    return MIN(MAX(n, 1U), PROCESS_WORKERS_MAX);
}

static const struct state_user *user_of(enum role role, const struct state_users *users) {
    switch (role) {
    case ROLE_DIRECTORY:
    case ROLE_KEYS:
        return &users->vault;
    case ROLE_QUEUE:
    case ROLE_MAIL:
    case ROLE_EVENTS:
        return &users->mail;
    default:
        return &users->edge;
    }
}

void children_init(struct children *c, const char *directory, struct conf *conf) {
    *c = (struct children){
        .directory = directory,
        .conf = conf,
        .lock = -1,
        .log_file = -1,
        .certificate_taken = {.certificate = -1, .key = -1},
    };
    state_find_users(conf, &c->users);
    fiber_cond_init(&c->changed);
    fiber_mutex_init(&c->linking);
    list_init(&c->relinks);
    random_bytes(c->secret, sizeof c->secret);
    for (const struct process_role *const *r = all_roles; *r; r++) {
        c->workers[(*r)->role] = workers_of((*r)->role, conf);
        for (unsigned w = 0; w < c->workers[(*r)->role]; w++) {
            MUST(c->count < CHILDREN_MAX);
            struct child *child = &c->list[c->count++];
            *child = (struct child){
                .role = *r, .worker = w, .all = c, .user = user_of((*r)->role, &c->users)};
            (void)snprintf(child->root, sizeof child->root, "%s/%s", directory,
                           (*r)->directory ? (*r)->directory : "run/empty");
        }
    }
}

struct child *children_find(struct children *c, enum role role, unsigned worker) {
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].role->role == role && c->list[i].worker == worker)
            return &c->list[i];
    }
    return NULL;
}

void children_set_state(struct child *child, enum child_state state) {
    child->state = state;
    if (state >= CHILD_CONFIGURED)
        child->seen_once = true;
    fiber_cond_wake_all(&child->all->changed);
}

void children_log(struct children *c, const char *kind, const struct event_fact *facts,
                  size_t count, struct slice text) {
    struct rpc_events_add_in in = {.event = {.wall = fiber_wall(),
                                             .kind = slice_of_str(kind),
                                             .text = text,
                                             .facts = (struct event_fact *)(uintptr_t)facts,
                                             .fact_count = count}};
    if (!c->events || send_events_add(c->events, &in) < 0)
        notice(LOG_WARNING, "%.*s", SLICE_ARG(text));
}

void children_event(struct children *c, const char *kind, const char *format, ...) {
    char text[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *at = text; *at; at++) { /* other processes' words are among them */
        if ((unsigned char)*at < ' ' || *at == '\x7f')
            *at = '?';
    }
    children_log(c, kind, NULL, 0, slice_of_str(text));
}

/* ------------------------------------------------------------------ settings */

static int log_file(const struct child *child) {
    return child->role->role == ROLE_EVENTS ? child->all->log_file : -1;
}

/* What the role cannot look at itself. */
static int text_files(const struct child *child, struct arena *a,
                      struct rpc_field files[static STATE_FILES], size_t *ret_count,
                      struct problem *problem) {
    const struct children *c = child->all;
    uint64_t last = 0;
    *ret_count = 0;
    if (child->role->role == ROLE_RESOLVER)
        *ret_count = state_resolver_files(c->conf, a, files);
    if (child->role->role != ROLE_DIRECTORY)
        return 0;
    int r = state_last_account(c->directory, &last, problem);
    files[0].name = S(DIRECTORY_LAST_ACCOUNT);
    files[0].value = arena_printf(a, "%llu", (unsigned long long)last);
    *ret_count = 1;
    return r;
}

/* Files that it has beside the settings may have changed, or what it has of them from another role;
 * or it has yet to take the last ones. */
static bool always_reloads(const struct child *child) {
    enum role role = child->role->role;
    return role == ROLE_RESOLVER || role == ROLE_EVENTS || role == ROLE_KEYS || role == ROLE_EDGE ||
           (role == ROLE_RELAY && child->all->conf->relay.password_file.len > 0) || child->refused;
}

static int open_relay_files(const struct child *child, struct relay_files *ret,
                            struct problem *problem) {
    *ret = (struct relay_files){-1, -1};
    return child->role->role == ROLE_RELAY ? relay_files_open(child->all->conf, ret, problem) : 0;
}

int children_renew(struct child *child, struct buf *report, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf settings = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + RELOAD_LIMIT);
    struct rpc_field files[STATE_FILES];
    _cleanup_(certificate_files_close) struct certificate_files pair;
    _cleanup_(close_p) int log_socket = children_open_syslog(child);
    struct rpc_process_reload_in in = {
        .text_files = files, .log_file = log_file(child), .log_socket = log_socket};
    struct rpc_process_reload_out out;
    const struct conf *conf = child->all->conf;
    child->settings_number = child->all->settings_number;
    conf_write_slice(conf, conf_role_of(child->role->role), &settings);
    in.settings = buf_slice(&settings);
    int r = children_open_certificate(child, true, &pair, problem);
    if (r == 0)
        r = text_files(child, &a, files, &in.text_files_count, problem);
    _cleanup_(relay_files_close) struct relay_files relay = {-1, -1};
    in.certificate = pair.certificate;
    in.key = pair.key;
    if (r == 0)
        r = open_relay_files(child, &relay, problem);
    in.passwords = relay.passwords;
    in.authorities = relay.authorities;
    if (r == 0)
        r = call_process_reload(child->link, &in, &a, &out, problem);
    if (r == 0)
        children_keep_certificate(child, &pair);
    if (r == 0 && report)
        buf_add(report, out.said);
    return r;
}

/* A refusal is told in the log, and in `report` (may be NULL). */
/* What it says of settings that it has taken, and the sentence when it has not. */
struct renewals {
    struct buf taken, refused;
};

static void renewals_done(struct renewals *r) {
    buf_done(&r->taken);
    buf_done(&r->refused);
}

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
static void catch_up(struct child *child) WAITS {
    while (child->settings_number != child->all->settings_number && rpc_link_up(child->link))
        (void)renew_settings(child, NULL);
}

/* ------------------------------------------------------------------ a life */

static bool peers_were_there(const struct child *child) {
    const struct children *c = child->all;
    for (size_t i = 0; i < c->count; i++) {
        if (!c->list[i].seen_once && spawn_are_peers(child->role->role, c->list[i].role->role))
            return false;
    }
    return true;
}

static int configure(struct child *child, struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf settings = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + OPEN_LIMIT);
    struct rpc_field files[STATE_FILES];
    _cleanup_(certificate_files_close) struct certificate_files pair;
    _cleanup_(close_p) int log_socket = children_open_syslog(child);
    struct rpc_process_configure_in in = {
        .text_files = files, .log_file = log_file(child), .log_socket = log_socket};
    struct rpc_process_configure_out out;
    const struct conf *conf = child->all->conf;
    child->settings_number = child->all->settings_number;
    conf_write_slice(conf, conf_role_of(child->role->role), &settings);
    in.settings = buf_slice(&settings);
    if (child->role->role == ROLE_DIRECTORY || child->role->role == ROLE_MAIL)
        in.secret = slice_of(child->all->secret, sizeof child->all->secret);
    int r = children_open_certificate(child, false, &pair, problem);
    if (r == 0)
        r = text_files(child, &a, files, &in.text_files_count, problem);
    _cleanup_(relay_files_close) struct relay_files relay = {-1, -1};
    in.certificate = pair.certificate;
    in.key = pair.key;
    if (open_relay_files(child, &relay, problem) < 0)
        children_event(child->all, KIND_WARNING,
                       "%s. Messages that need it wait until it is put right and read again"
                       " (hayauma reload).",
                       problem->text);
    in.passwords = relay.passwords;
    in.authorities = relay.authorities;
    if (r == 0)
        r = call_process_configure(child->link, &in, &a, &out, problem);
    children_keep_certificate(child, r == 0 ? &pair : NULL);
    child->refused = false;
    if (r == 0)
        (void)snprintf(child->confinement, sizeof child->confinement, "%.*s",
                       SLICE_ARG(out.confinement));
    return r;
}

static int hand_out_listeners(struct child *child, struct problem *problem) WAITS {
    const struct listeners *l = &child->all->listeners;
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->count; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_process_listen_in in = {slice_of_str(l->list[i].service), l->list[i].fd};
        struct rpc_process_listen_out out;
        if (l->list[i].role != child->role->role)
            continue;
        r = listeners_revive(&l->list[i]);
        if (r < 0)
            children_event(child->all, KIND_ERROR, "A socket for %s does not listen any more: %s",
                           l->list[i].service, error_text(r));
        r = call_process_listen(child->link, &in, &a, &out, problem);
    }
    return r;
}

/* From the new process to one that works. */
static int bring_up(struct child *child, struct problem *problem) WAITS {
    int r = configure(child, problem);
    if (r == 0)
        r = children_introduce(child);
    if (r == 0)
        catch_up(child);
    while (r == 0 && !peers_were_there(child)) {
        r = fiber_cond_wait(&child->all->changed);
        if (r == 0 && (child->all->stopping || !rpc_link_up(child->link)))
            r = -EPIPE;
    }
    if (r == 0) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_process_go_in in = {0};
        struct rpc_process_go_out out;
        r = call_process_go(child->link, &in, &a, &out, problem);
    }
    if (r == 0)
        r = hand_out_listeners(child, problem);
    return r;
}

static int start(struct child *child, struct problem *problem) WAITS {
    struct children *c = child->all;
    struct spawn s = {
        .role = child->role->role,
        .worker = child->worker,
        .directory = child->root,
        .change_user = c->users.change,
        .uid = child->user->uid,
        .gid = child->user->gid,
        .lock = c->lock,
    };
    int control = -1;
    int r = spawn_process(&s, &child->pid, &control, problem);
    if (r < 0)
        return r;
    child->started = fiber_wall();
    children_set_state(child, CHILD_STARTING);
    return rpc_link_attach(child->link, control);
}

static void say_end(struct child *child, int status) {
    const char *name = role_name(child->role->role);
    if (WIFSIGNALED(status))
        children_event(child->all, KIND_PROCESS_ENDED,
                       "The %s process %u was ended by signal %d (%s); it is started again.", name,
                       child->worker, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        children_event(child->all, KIND_PROCESS_ENDED,
                       "The %s process %u ended with code %d; it is started again.", name,
                       child->worker, WEXITSTATUS(status));
}

/* For a process that cannot be watched: it must not live on beside its successor. */
static void put_to_death(struct child *child) {
    int status;
    (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
}

/* One life of a process, from its start to its end. */
static void live(struct child *child) WAITS {
    struct problem problem = {0};
    struct child_watch w = {.child = child};
    int r = start(child, &problem);
    if (r == 0)
        r = children_watch(&w);
    if (r == 0)
        r = bring_up(child, &problem);
    if (r == 0) {
        children_set_state(child, CHILD_WORKING);
    } else if (!child->all->stopping) {
        (void)snprintf(child->all->failure, sizeof child->all->failure, "%s: %s",
                       role_name(child->role->role),
                       problem.text[0] ? problem.text : error_text(r));
        if (child->restarts == 0)
            child->all->failed = true;
        children_event(child->all, KIND_PROCESS_ENDED, "The %s process %u cannot begin: %s",
                       role_name(child->role->role), child->worker, child->all->failure);
        if (child->pid > 0)
            (void)kill(child->pid, SIGKILL);
    }
    children_watch_end(&w);
    if (child->pid > 0 && !w.ended)
        put_to_death(child);
    child->pid = 0;
    children_set_state(child, CHILD_DOWN);
    if (w.ended && !child->all->stopping && r == 0)
        say_end(child, w.status);
}

static void keep(void *arg) WAITS {
    struct child *child = arg;
    struct children *c = child->all;
    struct rpc_options options = {
        .self = ROLE_MASTER,
        .other = ROLE_PROCESS,
        .worker = child->worker,
        .service = &rpc_master_service,
        .handlers = c->handlers,
        .arg = c->arg,
    };
    child->link = rpc_link_new(&options);
    usec_t pause = 0;
    while (!c->stopping) {
        usec_t born = fiber_now();
        live(child);
        pause = fiber_now() - born > SHORT_LIFE ? 0
                : pause == 0                    ? 50 * USEC_MS
                                                : MIN(pause * 2, LONGEST_PAUSE);
        if (c->stopping || fiber_sleep(pause) < 0)
            break;
        child->restarts++;
    }
    rpc_link_free(child->link);
    child->link = NULL;
}

int children_start(struct children *c) {
    char name[32];
    c->root = fiber_self();
    for (size_t i = 0; i < c->count; i++) {
        (void)snprintf(name, sizeof name, "keeper of %s", role_name(c->list[i].role->role));
        int r = fiber_spawn(name, keep, &c->list[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool all_in_state(const struct children *c, enum child_state state) {
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].state != state)
            return false;
    }
    return true;
}

int children_wait_ready(struct children *c) {
    while (!all_in_state(c, CHILD_WORKING)) {
        if (c->stopping)
            return -ECANCELED;
        if (c->failed)
            return -E_TEMPORARY;
        int r = fiber_cond_wait(&c->changed);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ------------------------------------------------------------------ stopping, reloading */

static void ask_to_stop(struct child *child) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + STOP_LIMIT);
    struct rpc_process_stop_in in = {0};
    struct rpc_process_stop_out out;
    if (child->state >= CHILD_STARTING && child->link)
        (void)call_process_stop(child->link, &in, &a, &out, NULL);
}

/* All workers of one role. */
static void stop_role(struct children *c, enum role role) WAITS {
    usec_t until = fiber_now() + STOP_LIMIT;
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].role->role == role)
            ask_to_stop(&c->list[i]);
    }
    for (size_t i = 0; i < c->count; i++) {
        struct child *child = &c->list[i];
        while (child->role->role == role && child->state != CHILD_DOWN &&
               fiber_cond_wait_until(&c->changed, until) == 0)
            ;
        if (child->role->role == role && child->pid > 0) {
            notice(LOG_WARNING, "the %s process %u did not end in time", role_name(role),
                   child->worker);
            (void)kill(child->pid, SIGKILL);
        }
    }
}

void children_stop_soon(struct children *c) {
    c->stopping = true;
    fiber_cond_wake_all(&c->changed);
}

void children_stop(struct children *c) {
    static const enum role order[] = {ROLE_EDGE,     ROLE_QUEUE,     ROLE_RELAY, ROLE_MAIL,
                                      ROLE_RESOLVER, ROLE_DIRECTORY, ROLE_KEYS,  ROLE_EVENTS};
    children_stop_soon(c);
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        stop_role(c, order[i]);
    while (!all_in_state(c, CHILD_DOWN) &&
           fiber_cond_wait_until(&c->changed, fiber_now() + STOP_LIMIT) == 0)
        ;
}

int children_reload(struct children *c, unsigned roles, struct buf *report) {
    _cleanup_(renewals_done) struct renewals renewals = {0};
    int result = 0;
    c->settings_number++;
    for (size_t i = 0; i < c->count; i++) {
        struct child *child = &c->list[i];
        bool wanted = roles & 1U << conf_role_of(child->role->role);
        if (child->state >= CHILD_CONFIGURED && (wanted || always_reloads(child)) &&
            renew_settings(child, &renewals) < 0)
            result = -E_REFUSED;
    }
    buf_add(report, buf_slice(&renewals.refused)); /* first: errors are cut */
    buf_add(report, buf_slice(&renewals.taken));
    return result;
}
