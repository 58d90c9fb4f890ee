/* SPDX-License-Identifier: ISC */
/*
 * A pair of processes is linked by the keeper of the one that became ready later, under a mutex, so
 * each pair of lives gets exactly one connection. A process begins its work (`go`) when every peer
 * has been there once; a peer that is down at the moment answers -EPIPE until it is back.
 */
#include "role/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/random.h"
#include "conf/share.h"
#include "journey/kinds.h"

#define OPEN_LIMIT    (60 * USEC_SEC) /* a damaged store may be rebuilt meanwhile */
#define CALL_LIMIT    (10 * USEC_SEC)
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
    case ROLE_LEDGER:
        return &users->mail;
    default:
        return &users->edge;
    }
}

void children_init(struct children *c, const char *directory, struct conf *conf) {
    *c = (struct children){.directory = directory, .conf = conf, .lock = -1, .log_file = -1};
    state_find_users(conf, &c->users);
    fiber_cond_init(&c->changed);
    fiber_mutex_init(&c->linking);
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

static void set_state(struct child *child, enum child_state state) {
    child->state = state;
    if (state >= CHILD_CONFIGURED)
        child->seen_once = true;
    fiber_cond_wake_all(&child->all->changed);
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
    struct rpc_ledger_event_in in = {
        .wall = fiber_wall(), .kind = slice_of_str(kind), .text = slice_of_str(text)};
    if (!c->ledger || send_ledger_event(c->ledger, &in) < 0)
        (void)fprintf(stderr, "hayauma: %s\n", text);
}

/* ------------------------------------------------------------------ links */

static int tell_peer(struct child *child, enum role role, unsigned worker, unsigned workers,
                     int fd) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + CALL_LIMIT);
    struct rpc_process_peer_in in = {
        .role = (uint8_t)role, .worker = worker, .workers = workers, .connection = fd};
    struct rpc_process_peer_out out;
    return call_process_peer(child->link, &in, &a, &out, NULL);
}

static void link_pair(struct child *a, struct child *b) {
    const unsigned *workers = a->all->workers;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    int r = tell_peer(a, b->role->role, b->worker, workers[b->role->role], ends[0]);
    if (r == 0)
        (void)tell_peer(b, a->role->role, a->worker, workers[a->role->role], ends[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* The master is a peer of the ledger: it has events of its own. */
static void link_ledger(struct child *ledger) {
    struct children *c = ledger->all;
    struct rpc_options options = {.self = ROLE_MASTER, .other = ROLE_LEDGER};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    if (!c->ledger)
        c->ledger = rpc_link_new(&options);
    if (tell_peer(ledger, ROLE_MASTER, 0, 1, ends[0]) == 0)
        (void)rpc_link_attach(c->ledger, TAKE_FD(ends[1]));
    (void)close(ends[0]);
    if (ends[1] >= 0)
        (void)close(ends[1]);
}

static int introduce(struct child *child) {
    struct children *c = child->all;
    int r = fiber_mutex_lock(&c->linking);
    if (r < 0)
        return r;
    set_state(child, CHILD_CONFIGURED);
    for (size_t i = 0; i < c->count; i++) {
        struct child *other = &c->list[i];
        if (other != child && other->state >= CHILD_CONFIGURED &&
            spawn_are_peers(child->role->role, other->role->role))
            link_pair(child, other);
    }
    if (child->role->role == ROLE_LEDGER)
        link_ledger(child);
    fiber_mutex_unlock(&c->linking);
    return 0;
}

static bool peers_were_there(const struct child *child) {
    const struct children *c = child->all;
    for (size_t i = 0; i < c->count; i++) {
        if (!c->list[i].seen_once && spawn_are_peers(child->role->role, c->list[i].role->role))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ a life */

static int log_file(const struct child *child) {
    return child->role->role == ROLE_LEDGER ? child->all->log_file : -1;
}

static size_t text_files(const struct child *child, struct arena *a,
                         struct rpc_field files[static STATE_FILES]) {
    return child->role->role == ROLE_RESOLVER ? state_resolver_files(child->all->conf, a, files)
                                              : 0;
}

static int configure(struct child *child, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf settings = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + OPEN_LIMIT);
    struct rpc_field files[STATE_FILES];
    struct rpc_process_configure_in in = {.text_files = files, .log_file = log_file(child)};
    struct rpc_process_configure_out out;
    const struct conf *conf = child->all->conf;
    conf_write_slice(conf, conf_role_of(child->role->role), &settings);
    in.settings = buf_slice(&settings);
    in.text_files_count = text_files(child, &a, files);
    if (child->role->role == ROLE_DIRECTORY || child->role->role == ROLE_MAIL)
        in.secret = slice_of(child->all->secret, sizeof child->all->secret);
    int r = call_process_configure(child->link, &in, &a, &out, problem);
    child->refused = false;
    if (r == 0)
        (void)snprintf(child->confinement, sizeof child->confinement, "%.*s",
                       SLICE_ARG(out.confinement));
    return r;
}

static int hand_out_listeners(struct child *child, struct problem *problem) {
    const struct listeners *l = &child->all->listeners;
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->count; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_process_listen_in in = {slice_of_str(l->list[i].service), l->list[i].fd};
        struct rpc_process_listen_out out;
        if (l->list[i].role == child->role->role)
            r = call_process_listen(child->link, &in, &a, &out, problem);
    }
    return r;
}

/* From the new process to one that works. */
static int bring_up(struct child *child, struct problem *problem) {
    int r = configure(child, problem);
    if (r == 0)
        r = introduce(child);
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

static int start(struct child *child, struct problem *problem) {
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
    set_state(child, CHILD_STARTING);
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

struct watch {
    struct child *child;
    int status;
    bool ended;
};

/* Ends with the process; takes the link down at once so that nobody waits for a dead one. */
static void watch_process(void *arg) {
    struct watch *w = arg;
    if (fiber_wait_child(w->child->pid, &w->status) == 0) {
        w->ended = true;
        rpc_link_close(w->child->link);
        fiber_cond_wake_all(&w->child->all->changed);
    }
}

/* For a process that cannot be watched: it must not live on beside its successor. */
static void put_to_death(struct child *child) {
    int status;
    (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
}

/* One life of a process, from its start to its end. */
static void live(struct child *child) {
    struct problem problem = {0};
    struct watch w = {.child = child};
    struct fiber *watcher = NULL;
    int r = start(child, &problem);
    if (r == 0)
        r = fiber_start("watch", watch_process, &w, &watcher);
    if (r == 0)
        r = bring_up(child, &problem);
    if (r == 0) {
        set_state(child, CHILD_WORKING);
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
    if (watcher)
        fiber_join(watcher);
    if (child->pid > 0 && !w.ended)
        put_to_death(child);
    child->pid = 0;
    set_state(child, CHILD_DOWN);
    if (w.ended && !child->all->stopping && r == 0)
        say_end(child, w.status);
}

static void keep(void *arg) {
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
        if (c->failed)
            return -E_TEMPORARY;
        int r = fiber_cond_wait(&c->changed);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ------------------------------------------------------------------ quarrels */

static bool faces_outside(enum role role) {
    return role == ROLE_EDGE || role == ROLE_RELAY || role == ROLE_RESOLVER;
}

static struct child *find_by_link(struct children *c, const struct rpc_link *link) {
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].link == link)
            return &c->list[i];
    }
    return NULL;
}

void children_settle(struct children *c, const struct rpc_link *accuser, enum role role,
                     unsigned worker, struct slice why) {
    struct child *one = find_by_link(c, accuser);
    struct child *other = role < ROLES ? children_find(c, role, worker) : NULL;
    if (!one || !other || !spawn_are_peers(one->role->role, other->role->role))
        return;
    bool trust_other = faces_outside(one->role->role) && !faces_outside(other->role->role);
    struct child *ended = trust_other ? one : other;
    children_event(c, KIND_WARNING,
                   "The %s process %u is ended: %s process %u says that %s process %u %.*s.",
                   role_name(ended->role->role), ended->worker, role_name(one->role->role),
                   one->worker, role_name(other->role->role), other->worker, SLICE_ARG(why));
    if (ended->pid > 0)
        (void)kill(ended->pid, SIGKILL);
}

/* ------------------------------------------------------------------ broken connections */

#define RELINK_AFTER (200 * USEC_MS) /* by then it is known whether one of the two has died */
#define RELINKS_MAX  CHILDREN_MAX    /* wishes of one process at a time */

/* Two processes that lived when one of them lost the connection. */
struct relink {
    struct children *all;
    struct child *one, *other;
    pid_t one_pid, other_pid;
};

static bool both_still_live(const struct relink *k) {
    return k->one_pid > 0 && k->one->pid == k->one_pid && k->one->state >= CHILD_CONFIGURED &&
           k->other_pid > 0 && k->other->pid == k->other_pid &&
           k->other->state >= CHILD_CONFIGURED && !k->all->stopping;
}

static void relink(void *arg) {
    _cleanup_(free_p) struct relink *k = arg;
    struct children *c = k->all;
    int r = fiber_sleep(RELINK_AFTER);
    k->one->relinks--;
    if (r < 0 || fiber_mutex_lock(&c->linking) < 0)
        return;
    if (both_still_live(k)) {
        children_event(c, KIND_WARNING,
                       "The connection between %s process %u and %s process %u broke; they got a"
                       " new one.",
                       role_name(k->one->role->role), k->one->worker,
                       role_name(k->other->role->role), k->other->worker);
        link_pair(k->one, k->other);
    }
    fiber_mutex_unlock(&c->linking);
}

void children_link_lost(struct children *c, const struct rpc_link *teller, enum role role,
                        unsigned worker) {
    struct child *one = find_by_link(c, teller);
    struct child *other = role < ROLES ? children_find(c, role, worker) : NULL;
    if (!one || !other || !spawn_are_peers(one->role->role, other->role->role) ||
        one->relinks >= RELINKS_MAX)
        return;
    struct relink *k = NEW(struct relink);
    *k = (struct relink){c, one, other, one->pid, other->pid};
    one->relinks++;
    if (fiber_spawn_under(c->root, "relink", relink, k) < 0) {
        one->relinks--;
        free(k);
    }
}

/* ------------------------------------------------------------------ stopping, reloading */

static void ask_to_stop(struct child *child) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + STOP_LIMIT);
    struct rpc_process_stop_in in = {0};
    struct rpc_process_stop_out out;
    if (child->state >= CHILD_STARTING && child->link)
        (void)call_process_stop(child->link, &in, &a, &out, NULL);
}

/* All workers of one role. */
static void stop_role(struct children *c, enum role role) {
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
            (void)fprintf(stderr, "hayauma: the %s process %u did not end in time\n",
                          role_name(role), child->worker);
            (void)kill(child->pid, SIGKILL);
        }
    }
}

void children_stop(struct children *c) {
    static const enum role order[] = {ROLE_EDGE,     ROLE_QUEUE,     ROLE_RELAY, ROLE_MAIL,
                                      ROLE_RESOLVER, ROLE_DIRECTORY, ROLE_KEYS,  ROLE_LEDGER};
    c->stopping = true;
    fiber_cond_wake_all(&c->changed);
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        stop_role(c, order[i]);
    while (!all_in_state(c, CHILD_DOWN) &&
           fiber_cond_wait_until(&c->changed, fiber_now() + STOP_LIMIT) == 0)
        ;
}

/* Files that it has beside the settings may have changed; or it has yet to take the last ones. */
static bool always_reloads(const struct child *child) {
    enum role role = child->role->role;
    return role == ROLE_RESOLVER || role == ROLE_LEDGER || role == ROLE_KEYS || child->refused;
}

static int reload(struct child *child, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf settings = {0};
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + CALL_LIMIT);
    struct rpc_field files[STATE_FILES];
    struct rpc_process_reload_in in = {.text_files = files, .log_file = log_file(child)};
    struct rpc_process_reload_out out;
    const struct conf *conf = child->all->conf;
    conf_write_slice(conf, conf_role_of(child->role->role), &settings);
    in.settings = buf_slice(&settings);
    in.text_files_count = text_files(child, &a, files);
    return call_process_reload(child->link, &in, &a, &out, problem);
}

int children_reload(struct children *c, unsigned roles, struct buf *report) {
    int result = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct child *child = &c->list[i];
        struct problem problem = {0};
        bool wanted = roles & 1U << conf_role_of(child->role->role);
        if (child->state < CHILD_CONFIGURED || (!wanted && !always_reloads(child)))
            continue;
        int r = reload(child, &problem);
        child->refused = r < 0;
        if (r == 0)
            continue;
        result = -E_REFUSED;
        const char *why = problem.text[0] ? problem.text : error_text(r);
        buf_printf(report, "The %s process %u keeps its old settings: %s\n",
                   role_name(child->role->role), child->worker, why);
        children_event(c, KIND_WARNING, "The %s process %u keeps its old settings: %s",
                       role_name(child->role->role), child->worker, why);
    }
    return result;
}
