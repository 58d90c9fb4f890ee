/* SPDX-License-Identifier: ISC */
#include "role/lone.h"

#include <sys/socket.h>
#include <unistd.h>

#include "conf/share.h"
#include "fiber/wait.h"

static struct lone all[32]; /* what a process has lives as long as the process */
static size_t count;

struct lone *lone_new(enum role role) {
    struct rpc_options nobody = {.self = ROLE_PROCESS, .other = ROLE_MASTER};
    assert_true(count < ARRAY_SIZE(all));
    struct lone *l = &all[count++];
    l->links.master = rpc_link_new(&nobody);
    l->process = (struct process){
        .role = roles_find(role),
        .root = fiber_self(),
        .links = &l->links,
        .handed = RPC_HANDED_NONE,
    };
    l->conf = conf_new();
    lone_set(l, "hostname", "mail.example.test");
    return l;
}

void lone_set(struct lone *l, const char *setting, const char *value) {
    struct problem problem = {0};
    if (conf_set(l->conf, setting, slice_of_str(value), &problem) < 0)
        fail_msg("%s %s: %s", setting, value, problem.text);
}

/* ------------------------------------------------------------------ peers */

static int on_add(void *arg, const struct rpc_caller *caller, const struct rpc_events_add_in *in) {
    struct lone *l = arg;
    (void)caller;
    buf_printf(&l->told, "%.*s: %.*s\n", SLICE_ARG(in->event.kind), SLICE_ARG(in->event.text));
    return 0;
}

static const struct rpc_events_handlers events = {.add = on_add};

void lone_kill_peer(struct lone *l, enum role role) {
    if (!l->fakes[role])
        return;
    rpc_link_close(l->fakes[role]);
    rpc_link_free(TAKE_PTR(l->fakes[role]));
}

void lone_peer(struct lone *l, enum role role, const void *handlers, void *arg) {
    struct rpc_options options = {.self = role,
                                  .other = l->process.role->role,
                                  .service = rpc_services[role],
                                  .handlers = handlers,
                                  .arg = arg};
    int ends[2];
    lone_kill_peer(l, role);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    l->fakes[role] = rpc_link_new(&options);
    assert_int_equal(rpc_link_attach(l->fakes[role], ends[0]), 0);
    assert_int_equal(rpc_link_attach(process_link(&l->process, role, 0), ends[1]), 0);
}

bool lone_has_told(struct lone *l, const char *part) {
    assert_int_equal(fiber_sleep(50 * USEC_MS), 0);
    return slice_find(buf_slice(&l->told), slice_of_str(part)) >= 0;
}

/* ------------------------------------------------------------------ its life */

int lone_try_open(struct lone *l, struct problem *problem) {
    _cleanup_(buf_done) struct buf text = {0};
    conf_write_slice(l->conf, l->process.role->role, &text);
    int r = process_settings_read(&l->process, buf_slice(&text), problem);
    if (r < 0)
        return r;
    r = l->process.role->work->open(&l->process, problem);
    rpc_handed_close(&l->process.handed);
    if (r < 0)
        return r;
    l->links.opened = l->links.going = true;
    lone_peer(l, ROLE_EVENTS, &events, l);
    process_send_early_events(&l->process);
    if (l->process.role->work->go)
        l->process.role->work->go(&l->process);
    return 0;
}

void lone_open(struct lone *l) {
    struct problem problem = {0};
    if (lone_try_open(l, &problem) < 0)
        fail_msg("%s", problem.text);
}

int lone_reload(struct lone *l, struct problem *problem) {
    _cleanup_(buf_done) struct buf text = {0};
    conf_write_slice(l->conf, l->process.role->role, &text);
    int r = process_settings_reload(&l->process, buf_slice(&text), problem);
    rpc_handed_close(&l->process.handed);
    buf_done(&l->process.said);
    return r;
}

unsigned lone_fibers(void) {
    struct fiber_stats stats;
    fiber_stats(&stats);
    return stats.fibers;
}

bool lone_comes_down_to(unsigned fibers) {
    for (int i = 0; i < 200 && lone_fibers() > fibers; i++)
        assert_int_equal(fiber_sleep(10 * USEC_MS), 0);
    return lone_fibers() <= fibers;
}

void lone_end(struct lone *l) {
    if (l->process.role->work->stop && l->links.opened)
        l->process.role->work->stop(&l->process);
    fiber_cancel_children();
    for (size_t i = 0; i < ROLES; i++)
        rpc_link_free(TAKE_PTR(l->fakes[i]));
    buf_done(&l->told);
    conf_free(TAKE_PTR(l->conf));
}
