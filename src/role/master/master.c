/* SPDX-License-Identifier: ISC */
#include "role/master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/notice.h"
#include "base/service.h"
#include "base/words.h"
#include "events/kinds.h"
#include "role/author.h"
#include "role/master/log_file.h"
#include "role/master/master_inside.h"
#include "role/master/proc_info.h"

#define ACCEPT_PAUSE (100 * USEC_MS)
#define LOCK_PATIENCE                                                                              \
    (3 * USEC_SEC) /* processes of a master that was killed may still be ending                    \
                    */
#define LOCK_PAUSE (20 * USEC_MS)

/* Says that we live as often as systemd wants to hear it (WatchdogSec= of the unit). */
static void feed_watchdog(void *nothing) WAITS {
    const char *span = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t usec = 0, number = (uint64_t)getpid();
    (void)nothing;
    if (!span || slice_to_u64(slice_of_str(span), INT64_MAX, &usec) < 0 || usec == 0 ||
        (pid && slice_to_u64(slice_of_str(pid), INT32_MAX, &number) < 0) ||
        (pid_t)number != getpid())
        return;
    do
        service_notify("WATCHDOG=1");
    while (fiber_sleep((usec_t)(usec / 2)) == 0);
}

/* ------------------------------------------------------------------ what others ask */

static void add_process(struct master *m, struct child *child, struct arena *a,
                        struct rpc_process *to) WAITS {
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + USEC_SEC);
    static const char *const states[] = {N_("down"), N_("starting"), N_("starting"), N_("working")};
    struct rpc_process_status_in in = {0};
    struct rpc_process_status_out out = {0};
    *to = (struct rpc_process){
        .role = slice_of_str(role_name(child->role->role)),
        .worker = child->worker,
        .pid = child->pid,
        .user = arena_copy(a, slice_of_str(child->user->name)),
        .root = arena_copy(a, slice_of_str(m->children.users.change ? child->root : "")),
        .confinement = arena_copy(a, slice_of_str(child->confinement)),
        .started = child->pid > 0 ? child->started : 0,
        .restarts = child->restarts,
        .memory = child->pid > 0 ? proc_memory(child->pid) : 0,
        .state = slice_of_str(states[child->state]),
    };
    if (child->state == CHILD_WORKING &&
        call_process_status(child->link, &in, a, &out, NULL) == 0) {
        to->sessions = out.sessions;
        to->fibers = out.fibers;
        to->error = out.error;
    } else if (child->state == CHILD_WORKING) {
        to->state = S(N_("silent"));
    }
}

static int on_status(void *arg, const struct rpc_caller *caller,
                     const struct rpc_master_status_in *in, struct arena *a,
                     struct rpc_master_status_out *out, struct problem *problem) WAITS {
    struct master *m = arg;
    (void)caller;
    (void)in;
    (void)problem;
    out->hostname = arena_copy(a, m->conf->hostname);
    out->version = slice_of_str(m->options->version);
    out->started = m->started;
    out->processes = arena_array(a, m->children.count + 1, sizeof *out->processes);
    out->processes[0] = (struct rpc_process){
        .role = S("master"),
        .pid = getpid(),
        .started = m->started,
        .user = m->children.users.change ? S("root") : slice_of_str(m->children.users.edge.name),
        .confinement = S(N_("none: starts the others, binds the ports")),
        .memory = proc_memory(getpid()),
        .state = S(N_("working")),
    };
    out->processes_count = 1;
    for (size_t i = 0; i < m->children.count; i++)
        add_process(m, &m->children.list[i], a, &out->processes[out->processes_count++]);
    return 0;
}

static int on_reload(void *arg, const struct rpc_caller *caller,
                     const struct rpc_master_reload_in *in, struct arena *a,
                     struct rpc_master_reload_out *out, struct problem *problem) WAITS {
    struct master *m = arg;
    _cleanup_(buf_done) struct buf report = {0};
    int r = master_reload(m, author_of_caller(caller, in->by, a), &report);
    if (r < 0)
        return problem_set(problem, r, "%.*s", SLICE_ARG(buf_slice(&report)));
    out->report = arena_copy(a, slice_first(buf_slice(&report), 16384));
    return 0;
}

static void ask_stop(struct master *m) {
    m->stop = true;
    children_stop_soon(&m->children);
    fiber_cond_wake_all(&m->stop_asked);
}

static int on_stop(void *arg, const struct rpc_caller *caller, const struct rpc_master_stop_in *in,
                   struct arena *a, struct rpc_master_stop_out *out, struct problem *problem) {
    (void)caller;
    (void)in;
    (void)a;
    (void)out;
    (void)problem;
    ask_stop(arg);
    return 0;
}

static int on_fibers(void *arg, const struct rpc_caller *caller,
                     const struct rpc_master_fibers_in *in, struct arena *a,
                     struct rpc_master_fibers_out *out, struct problem *problem) WAITS {
    struct master *m = arg;
    (void)caller;
    for (size_t i = 0; i < m->children.count; i++) {
        struct child *child = &m->children.list[i];
        if (!slice_eq(in->role, slice_of_str(role_name(child->role->role))) ||
            child->worker != in->worker || !child->link)
            continue;
        struct rpc_process_fibers_in ask = {0};
        struct rpc_process_fibers_out got = {0};
        int r = call_process_fibers(child->link, &ask, a, &got, problem);
        out->fibers = got.fibers;
        out->fibers_count = got.fibers_count;
        return r;
    }
    return problem_set(problem, -E_UNKNOWN, N_("there is no process \"%.*s\" with number %u"),
                       SLICE_ARG(in->role), in->worker);
}

static int on_misbehaved(void *arg, const struct rpc_caller *caller,
                         const struct rpc_master_misbehaved_in *in) {
    struct master *m = arg;
    if (in->role < ROLES)
        children_settle(&m->children, caller->link, (enum role)in->role, in->worker, in->why);
    return 0;
}

static int on_link_lost(void *arg, const struct rpc_caller *caller,
                        const struct rpc_master_link_lost_in *in) {
    struct master *m = arg;
    if (in->role < ROLES)
        children_link_lost(&m->children, caller->link, (enum role)in->role, in->worker);
    return 0;
}

static const struct rpc_master_handlers handlers = {
    .status = on_status,
    .reload = on_reload,
    .stop = on_stop,
    .fibers = on_fibers,
    .misbehaved = on_misbehaved,
    .link_lost = on_link_lost,
};

/* ------------------------------------------------------------------ control socket, signals */

static void control_closed(struct rpc_link *link, void *arg) {
    (void)arg;
    rpc_link_free(link);
}

static void serve_control(void *arg) WAITS {
    struct master *m = arg;
    struct fiber_fd listener;
    struct net_addr peer;
    char path[STATE_PATH];
    int socket = -1, fd = -1;
    struct rpc_options options = {
        .self = ROLE_MASTER,
        .other = ROLE_CLI,
        .service = &rpc_master_service,
        .handlers = &handlers,
        .arg = m,
        .down = control_closed,
    };
    int r =
        net_listen_unix(state_path(path, m->options->directory, "run/master.sock"), 0600, &socket);
    if (r == 0)
        r = fiber_fd_init(&listener, socket);
    if (r < 0) {
        notice(LOG_ERR, "control socket %s cannot be made: %s", path, error_text(r));
        return;
    }
    while ((r = net_accept(&listener, &peer, &fd)) != -ECANCELED) {
        if (r < 0) { /* no descriptors are left, for a while */
            (void)fiber_sleep(ACCEPT_PAUSE);
            continue;
        }
        struct rpc_link *link = rpc_link_new(&options);
        if (rpc_link_attach(link, fd) < 0)
            rpc_link_free(link);
    }
    fiber_fd_done(&listener);
    (void)close(socket);
}

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

static void handle_signals(void *arg) WAITS {
    struct master *m = arg;
    struct fiber_fd fd;
    if (fiber_signals_open(signals, ARRAY_SIZE(signals), &fd) < 0)
        return;
    for (int signal; (signal = fiber_signals_next(&fd)) > 0;) {
        _cleanup_(buf_done) struct buf report = {0};
        if (signal != SIGHUP)
            ask_stop(m);
        else
            (void)master_reload(m, S("SIGHUP"), &report);
    }
    int number = fd.fd;
    fiber_fd_done(&fd);
    (void)close(number);
}

/* ------------------------------------------------------------------ life */

static void complain(struct master *m, const char *text) {
    notice(LOG_ERR, "%s", text);
    service_status(slice_of_str(text));
    m->result = 1;
}

static void announce(const struct master *m) {
    const struct state_users *u = &m->children.users;
    if (!u->change)
        notice(LOG_WARNING, "running without root: the processes share one user and have no root of"
                            " their own");
    else if (u->made_up)
        notice(LOG_WARNING,
               "the users of the settings (hayauma-edge ...) do not exist; the"
               " processes run as %s, %s and %s. `make install` makes the users.",
               u->edge.name, u->vault.name, u->mail.name);
}

static int take_lock(struct master *m, int *ret_fd, struct problem *problem) WAITS {
    usec_t until = fiber_now() + LOCK_PATIENCE;
    int r;
    while ((r = state_lock(m->options->directory, ret_fd, problem)) == -E_BUSY &&
           fiber_now() < until && fiber_sleep(LOCK_PAUSE) == 0)
        continue;
    return r;
}

/* `notes`: lines about what was found in the state directory. */
static void run_until_stopped(struct master *m, struct slice notes) WAITS {
    struct slice line;
    int r = children_wait_ready(&m->children);
    if (r == 0) {
        (void)puts("ready");
        (void)fflush(stdout);
        service_notify("READY=1");
        children_event(&m->children, KIND_STARTED, "The mail server %.*s is ready.",
                       SLICE_ARG(m->conf->hostname));
        master_log_changes(m);
        while (slice_next(&notes, '\n', &line) && line.len > 0)
            children_event(&m->children, KIND_WARNING, "%.*s", SLICE_ARG(line));
        while (!m->stop && fiber_cond_wait(&m->stop_asked) == 0)
            ;
    } else if (!m->stop) {
        complain(m, m->children.failure);
    }
    service_notify("STOPPING=1");
    children_stop(&m->children);
}

static void master_fiber(void *arg) WAITS {
    struct master *m = arg;
    struct problem problem = {0};
    m->started = fiber_wall();
    fiber_mutex_init(&m->reloading);
    fiber_cond_init(&m->stop_asked);
    children_init(&m->children, m->options->directory, m->conf);
    m->children.handlers = &handlers;
    m->children.arg = m;
    _cleanup_(close_p) int lock = -1;
    _cleanup_(buf_done) struct buf notes = {0};
    int r = state_check_rights(m->options->directory, m->options->conf_path, &problem);
    if (r == 0)
        r = state_prepare(m->options->directory, &m->children.users, &notes, &problem);
    if (r == 0)
        r = take_lock(m, &lock, &problem);
    m->children.lock = lock;
    if (r == 0 && state_upgrade(m->options->directory, &notes))
        r = state_prepare(m->options->directory, &m->children.users, &notes, &problem);
    if (r == 0)
        r = log_file_open(m->conf, &m->children.log_file, &problem);
    if (r == 0)
        r = listeners_open_ports(&m->children.listeners, m->conf, &problem);
    if (r == 0)
        r = listeners_open_control(&m->children.listeners, m->conf, m->options->directory,
                                   &problem);
    if (r < 0) {
        complain(m, problem.text);
    } else {
        announce(m);
        if (fiber_spawn("signals", handle_signals, m) < 0 ||
            fiber_spawn("watchdog", feed_watchdog, NULL) < 0 ||
            fiber_spawn("control socket", serve_control, m) < 0 ||
            fiber_spawn("files", children_look, &m->children) < 0 ||
            children_start(&m->children) < 0)
            complain(m, "no memory for the first fibers");
        else
            run_until_stopped(m, buf_slice(&notes));
    }
    listeners_close(&m->children.listeners);
    master_use_log_file(m, -1);
    fiber_cancel_children();
    rpc_link_free(m->children.events);
}

int master_run(const struct master_options *options, struct conf *conf) {
    struct master *m = NEW(struct master);
    struct fiber_config config = {0};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        (void)sigaddset(&set, signals[i]);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(0077);
    (void)prctl(PR_SET_NAME, "hayauma-master", 0, 0, 0);
    /* many connections and stacks: as many descriptors as the system lets us have */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    m->options = options;
    m->conf = conf;
    int r = fiber_run(&config, master_fiber, m);
    int result = r < 0 ? 1 : m->result;
    conf_free(m->conf);
    free(m);
    return result;
}
