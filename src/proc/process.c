/* SPDX-License-Identifier: ISC */
/*
 * The main fiber does what the master asks: open, go, stop; so what a role starts there lives as
 * long as the process. Everything else happens in fibers below it: the links' readers (and below
 * them the handlers of calls), accept loops, work of the role.
 */
#include "proc/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/alloc.h"
#include "base/notice.h"
#include "proc/memory.h"
#include "proc/process_inside.h"

#define MASTER_FD    3
#define SAID_MAX     4096 /* of rpc_process_reload_out */
#define ACCEPT_PAUSE (100 * USEC_MS)

/* Something that the main fiber is to do. */
struct task {
    int (*run)(struct process *p, struct problem *problem) WAITS;
    struct problem *problem;
    int result;
    bool done;
};

void process_fail(struct process *p, const char *format, ...) {
    char text[800];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    notice(LOG_ERR, "%s %u: %s", role_name(p->role->role), p->worker, text);
    _exit(1);
}

/* ------------------------------------------------------------------ what the master asks */

/* Has the main fiber run something; one at a time, since the master asks one by one. */
static int in_main_fiber(struct process *p,
                         int (*run)(struct process *p, struct problem *problem) WAITS,
                         struct problem *problem) WAITS {
    struct task task = {.run = run, .problem = problem};
    if (p->links->task)
        return problem_set(problem, -E_BUSY, "the process is busy with another task");
    p->links->task = &task;
    fiber_cond_wake_all(&p->links->task_given);
    while (!task.done) {
        if (fiber_cond_wait(&p->links->task_done) < 0)
            _exit(0); /* only the end of the master cancels */
    }
    return task.result;
}

static int run_open(struct process *p, struct problem *problem) WAITS {
    return p->role->work->open ? p->role->work->open(p, problem) : 0;
}

static int run_go(struct process *p, struct problem *problem) WAITS {
    (void)problem;
    p->links->going = true;
    process_send_early_events(p);
    if (p->role->work->go)
        p->role->work->go(p);
    return 0;
}

static int configure(struct process *p, const struct rpc_process_configure_in *in,
                     struct problem *problem) WAITS {
    if (p->conf)
        return problem_set(problem, -EALREADY, "configured already");
    int r = process_settings_read(p, in->handed.settings, problem);
    if (r < 0)
        return r;
    if (in->secret.len == sizeof p->secret)
        memcpy(p->secret, in->secret.ptr, sizeof p->secret);
    r = in_main_fiber(p, run_open, problem);
    p->links->opened = r == 0;
    return r;
}

static int on_configure(void *arg, const struct rpc_caller *caller,
                        const struct rpc_process_configure_in *in, struct arena *a,
                        struct rpc_process_configure_out *out, struct problem *problem) WAITS {
    struct process *p = arg;
    (void)caller;
    (void)a;
    p->handed = in->handed;
    int r = configure(p, in, problem);
    rpc_handed_close(&p->handed);
    out->confinement = slice_of_str(p->confinement);
    return r;
}

static int on_peer(void *arg, const struct rpc_caller *caller, const struct rpc_process_peer_in *in,
                   struct arena *a, struct rpc_process_peer_out *out,
                   struct problem *problem) WAITS {
    struct process *p = arg;
    (void)caller;
    (void)a;
    (void)out;
    int fd = in->connection;
    if (!p->links->opened || in->role >= ROLES || in->workers > PROCESS_WORKERS_MAX ||
        in->worker >= in->workers || fd < 0) {
        if (fd >= 0)
            (void)close(fd);
        return problem_set(problem, -EINVAL, "not a peer of this process");
    }
    p->links->workers[in->role] = in->workers;
    struct rpc_link *link = process_link(p, (enum role)in->role, in->worker);
    p->links->replaced = link;
    rpc_link_close(link);
    p->links->replaced = NULL;
    return rpc_link_attach_under(link, fd, p->root);
}

/* ------------------------------------------------------------------ control sockets */

struct control {
    struct process *process;
    struct fiber_fd listener;
};

static void control_closed(struct rpc_link *link, void *arg) {
    (void)arg;
    rpc_link_free(link);
}

static void serve_control(struct process *p, int fd) WAITS {
    struct rpc_options options = {
        .self = p->role->role,
        .other = ROLE_CLI,
        .service = rpc_services[p->role->role],
        .handlers = p->role->work->handlers,
        .arg = p,
        .down = control_closed,
    };
    struct rpc_link *link = rpc_link_new(&options);
    if (rpc_link_attach(link, fd) < 0)
        rpc_link_free(link);
}

static void accept_control(void *arg) WAITS {
    struct control *c = arg;
    struct net_addr peer;
    int fd = -1;
    int r;
    while ((r = net_accept(&c->listener, &peer, &fd)) != -ECANCELED) {
        if (r == 0)
            serve_control(c->process, fd);
        else
            (void)fiber_sleep(ACCEPT_PAUSE); /* no descriptors are left, for a while */
    }
    fd = c->listener.fd;
    fiber_fd_done(&c->listener);
    (void)close(fd);
    free(c);
}

/* The socket of the command line: only root and the system's own user can reach it. */
static int serve_control_socket(struct process *p, int socket) {
    struct control *c = NEW(struct control);
    c->process = p;
    int r = fiber_fd_init(&c->listener, socket);
    if (r == 0)
        r = fiber_spawn_under(p->root, "control socket", accept_control, c);
    if (r < 0)
        free(c);
    return r;
}

static int on_listen(void *arg, const struct rpc_caller *caller,
                     const struct rpc_process_listen_in *in, struct arena *a,
                     struct rpc_process_listen_out *out, struct problem *problem) WAITS {
    struct process *p = arg;
    (void)caller;
    (void)a;
    (void)out;
    int r = -EINVAL;
    if (!p->links->opened || in->socket < 0)
        r = problem_set(problem, -EINVAL, "not ready to listen");
    else if (slice_eq(in->service, S("control")))
        r = serve_control_socket(p, in->socket);
    else if (p->role->work->listen)
        r = p->role->work->listen(p, in->service, in->socket, problem);
    if (r < 0 && in->socket >= 0)
        (void)close(in->socket);
    return r;
}

static int on_go(void *arg, const struct rpc_caller *caller, const struct rpc_process_go_in *in,
                 struct arena *a, struct rpc_process_go_out *out, struct problem *problem) WAITS {
    struct process *p = arg;
    (void)caller;
    (void)in;
    (void)a;
    (void)out;
    return in_main_fiber(p, run_go, problem);
}

static int on_reload(void *arg, const struct rpc_caller *caller,
                     const struct rpc_process_reload_in *in, struct arena *a,
                     struct rpc_process_reload_out *out, struct problem *problem) WAITS {
    struct process *p = arg;
    (void)caller;
    int r = fiber_mutex_lock(&p->links->reloading);
    if (r < 0)
        return r; /* the master has gone, and so will this process */
    p->handed = in->handed;
    r = process_settings_reload(p, in->handed.settings, problem);
    rpc_handed_close(&p->handed);
    out->said = arena_copy(a, slice_first(buf_slice(&p->said), SAID_MAX));
    buf_done(&p->said);
    fiber_mutex_unlock(&p->links->reloading);
    return r;
}

static int on_stop(void *arg, const struct rpc_caller *caller, const struct rpc_process_stop_in *in,
                   struct arena *a, struct rpc_process_stop_out *out, struct problem *problem) {
    struct process *p = arg;
    (void)caller;
    (void)in;
    (void)a;
    (void)out;
    (void)problem;
    p->links->stop = true;
    fiber_cond_wake_all(&p->links->task_given);
    return 0;
}

static int on_status(void *arg, const struct rpc_caller *caller,
                     const struct rpc_process_status_in *in, struct arena *a,
                     struct rpc_process_status_out *out, struct problem *problem) {
    struct process *p = arg;
    struct fiber_stats stats;
    (void)caller;
    (void)in;
    (void)problem;
    fiber_stats(&stats);
    out->sessions = p->role->work->sessions && p->links->opened ? p->role->work->sessions(p) : 0;
    out->fibers = stats.fibers;
    out->error = p->role->work->error && p->links->opened ? p->role->work->error(p, a) : S("");
    return 0;
}

struct fiber_list {
    struct arena *arena;
    struct rpc_word *words;
    size_t count, size;
};

static void list_fiber(const struct fiber_info *info, void *arg) {
    struct fiber_list *l = arg;
    char span[TIME_TEXT_SIZE];
    if (l->count == l->size)
        return;
    struct slice parked = time_format_span(info->parked_for, span);
    l->words[l->count++].text = arena_printf(l->arena, "%-32s %-28s %.*s, stack %zu", info->name,
                                             info->waits_for, SLICE_ARG(parked), info->stack_used);
}

static int on_fibers(void *arg, const struct rpc_caller *caller,
                     const struct rpc_process_fibers_in *in, struct arena *a,
                     struct rpc_process_fibers_out *out, struct problem *problem) {
    (void)arg;
    (void)caller;
    (void)in;
    (void)problem;
    struct fiber_list list = {.arena = a, .size = 1000};
    list.words = arena_array(a, list.size, sizeof *list.words);
    fiber_each(list_fiber, &list);
    out->fibers = list.words;
    out->fibers_count = list.count;
    return 0;
}

static const struct rpc_process_handlers handlers = {
    .configure = on_configure,
    .peer = on_peer,
    .listen = on_listen,
    .go = on_go,
    .reload = on_reload,
    .stop = on_stop,
    .status = on_status,
    .fibers = on_fibers,
};

/* ------------------------------------------------------------------ life */

/* Without its master a process has no peers and no purpose. */
static void master_gone(struct rpc_link *link, void *arg) {
    (void)link;
    (void)arg;
    _exit(0);
}

static void process_fiber(void *arg) WAITS {
    struct process *p = arg;
    static struct process_links links; /* too large for a stack */
    struct rpc_options options = {
        .self = ROLE_PROCESS,
        .other = ROLE_MASTER,
        .service = &rpc_process_service,
        .handlers = &handlers,
        .arg = p,
        .down = master_gone,
    };
    p->root = fiber_self();
    p->links = &links;
    fiber_cond_init(&links.task_given);
    fiber_cond_init(&links.task_done);
    fiber_mutex_init(&links.reloading);
    links.master = rpc_link_new(&options);
    if (rpc_link_attach(links.master, MASTER_FD) < 0)
        process_fail(p, "the connection to the master does not work");
    if (fiber_spawn("memory", memory_give_back, NULL) < 0)
        process_fail(p, "no memory for the first fibers");
    while (!links.stop && (links.task || fiber_cond_wait(&links.task_given) == 0)) {
        struct task *task = links.task;
        if (!task)
            continue;
        task->result = task->run(p, task->problem);
        task->done = true;
        links.task = NULL;
        fiber_cond_wake_all(&links.task_done);
    }
    if (p->role->work->stop && links.opened)
        p->role->work->stop(p);
    (void)fflush(NULL);
    _exit(0);
}

static void ran_long(void *arg, const char *fiber_name, usec_t ran, usec_t computed) {
    const struct process *p = arg;
    if (strcmp(fiber_name, "main") == 0)
        return; /* opening and closing, when nobody waits for other things */
    notice(LOG_WARNING, "%s %u: fiber \"%s\" ran %lld ms without a wait, %lld ms of them computing",
           role_name(p->role->role), p->worker, fiber_name, (long long)(ran / USEC_MS),
           (long long)(computed / USEC_MS));
}

/* --process ROLE WORKER DIRECTORY UID GID; uid -1: stay who we are. */
static int read_arguments(int count, char **arguments, const struct process_role *roles,
                          struct process *p, struct confine *c) {
    if (count != 7)
        return -EINVAL;
    for (; roles->work; roles++) {
        if (strcmp(role_name(roles->role), arguments[2]) == 0)
            p->role = roles;
        p->outside |= roles->faces_outside ? ROLE_BIT(roles->role) : 0;
    }
    uint64_t worker = 0, uid = 0, gid = 0;
    c->change_user = strcmp(arguments[5], "-1") != 0;
    if (!p->role ||
        slice_to_u64(slice_of_str(arguments[3]), PROCESS_WORKERS_MAX - 1, &worker) < 0 ||
        (c->change_user && (slice_to_u64(slice_of_str(arguments[5]), UINT32_MAX - 1, &uid) < 0 ||
                            slice_to_u64(slice_of_str(arguments[6]), UINT32_MAX - 1, &gid) < 0)))
        return -EINVAL;
    p->worker = (unsigned)worker;
    c->directory = arguments[4];
    c->uid = (uid_t)uid;
    c->gid = (gid_t)gid;
    c->rights = p->role->rights;
    return 0;
}

int process_main(int count, char **arguments, const struct process_role *roles) {
    struct process p = {.handed = RPC_HANDED_NONE};
    struct confine c = {0};
    struct problem problem = {0};
    struct fiber_config config = {.ran_long = ran_long, .ran_long_arg = &p};
    memory_tune();
    (void)signal(SIGINT, SIG_IGN); /* Ctrl-C goes to the group; the master tells us in order */
    (void)signal(SIGPIPE, SIG_IGN);
    if (read_arguments(count, arguments, roles, &p, &c) < 0) {
        notice(LOG_ERR, "%s is for the program's own use", PROCESS_OPTION);
        return 2;
    }
    (void)prctl(PR_SET_NAME, arguments[0], 0, 0, 0); /* the kernel keeps its first 15 bytes */
    int r = confine_process(&c, p.confinement, &problem);
    if (r < 0) {
        notice(LOG_ERR, "%s: %s", role_name(p.role->role), problem.text);
        return 1;
    }
    return fiber_run(&config, process_fiber, &p) < 0 ? 1 : 0;
}
