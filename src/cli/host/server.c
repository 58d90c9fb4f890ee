/* SPDX-License-Identifier: ISC */
#include "cli/host/server.h"

#include <errno.h>
#include <sys/stat.h>

#include "cli/host/unit.h"
#include "io/net.h"
#include "role/master/listeners.h"

#define LOCK_PATIENCE (10 * USEC_SEC)
#define LOCK_PAUSE    (50 * USEC_MS)

/* Where systemd starts it, another start by hand would find its ports taken. */
static int not_running(const struct cli *c, struct problem *problem) {
    static const char *const units[] = {"hayauma.service", "hayauma.socket hayauma.service"};
    struct unit_package unit;
    if (!unit_for(c->directory, c->arena, &unit))
        return problem_set(problem, -ENOTCONN,
                           _("the server in %s is not running; start it with: hayauma -C %s run"),
                           c->directory, c->directory);
    if (slice_eq(unit.active, S("inactive")))
        return problem_set(problem, -ENOTCONN,
                           _("the server in %s is not running; start it with: systemctl start"
                             " %s"),
                           c->directory, units[unit.socket_enabled]);
    return problem_set(problem, -ENOTCONN,
                       _("the server in %s is not running, although systemd is to start it; the"
                         " reason: systemctl status hayauma.service"),
                       c->directory);
}

static int attach(struct stream *stream, enum role role, struct rpc_link **ret_link) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_options options = {.self = ROLE_CLI, .other = role};
    struct slice unread;
    int fd = -1;
    int r = stream_detach(stream, &a, &fd, &unread);
    if (r < 0) {
        stream_free(stream);
        return r;
    }
    struct rpc_link *link = rpc_link_new(&options);
    r = rpc_link_attach(link, fd);
    if (r < 0)
        rpc_link_free(link);
    else
        *ret_link = link;
    return r;
}

int server_connect_worker(struct cli *c, enum role role, unsigned worker,
                          struct rpc_link **ret_link, struct problem *problem) {
    char name[LISTENERS_CONTROL_NAME], path[STATE_PATH];
    struct stream *stream = NULL;
    listeners_control_name(role, worker, name);
    (void)state_path(path, c->directory, name);
    int r = net_connect_unix(path, fiber_now() + CLI_PATIENCE, &stream);
    if (r == -ENOENT || r == -ECONNREFUSED || r == -ENOTDIR)
        return -ENOTCONN;
    if (r == -EACCES || r == -EPERM)
        return problem_set(problem, -EACCES,
                           _("this user may not command the server in %s; try again as root"),
                           c->directory);
    if (r < 0)
        return problem_set(problem, r, _("%s cannot be reached: %s"), path, error_words(r));
    return attach(stream, role, ret_link);
}

int server_connect(struct cli *c, enum role role, struct rpc_link **ret_link,
                   struct problem *problem) {
    int r = server_connect_worker(c, role, 0, ret_link, problem);
    return r == -ENOTCONN ? not_running(c, problem) : r;
}

int server_connect_if_running(struct cli *c, enum role role, struct rpc_link **ret_link,
                              struct problem *problem) {
    struct problem why = {0};
    struct rpc_link *link = NULL;
    int r = server_connect_worker(c, role, 0, &link, &why);
    if (r < 0 && r != -ENOTCONN) {
        if (problem)
            *problem = why;
        return r;
    }
    *ret_link = link;
    return 0;
}

/*
 * The lock makes us what the next start would be: folders may have names of an older version, and
 * after a backup of another machine was restored they may belong to users who are others here.
 */
static int prepare_folders(const struct cli *c, struct problem *problem) {
    struct stat st;
    if (geteuid() == 0 && stat(c->directory, &st) == 0 && st.st_uid != 0)
        return problem_set(problem, -EPERM,
                           _("%s belongs to uid %u, whose server this is: run this as that user, or"
                             " make it one of root's (chown root %s %s)"),
                           c->directory, (unsigned)st.st_uid, c->directory, c->conf_path);
    (void)state_upgrade(c->directory, NULL);
    return c->conf && c->users.change ? state_prepare(c->directory, &c->users, NULL, problem) : 0;
}

int server_connect_or_lock(struct cli *c, enum role role, struct rpc_link **ret_link, int *ret_lock,
                           struct problem *problem) {
    usec_t until = fiber_now() + LOCK_PATIENCE;
    for (;;) {
        int r = server_connect_if_running(c, role, ret_link, problem);
        if (r < 0 || *ret_link)
            return r;
        r = state_lock(c->directory, ret_lock, problem);
        if (r == 0)
            r = prepare_folders(c, problem);
        if (r != -E_BUSY)
            return r;
        if (fiber_now() >= until)
            return problem_set(problem, -E_BUSY,
                               _("another command, or a server that does not answer, has the"
                                 " files in %s; try again when it has ended"),
                               c->directory);
        r = fiber_sleep(LOCK_PAUSE);
        if (r < 0)
            return r;
    }
}

void server_upgrade_if_idle(const struct cli *c) {
    _cleanup_(close_p) int lock = -1;
    if (state_lock(c->directory, &lock, NULL) == 0)
        (void)prepare_folders(c, NULL);
}
