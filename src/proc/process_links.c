/* SPDX-License-Identifier: ISC */
/*
 * The links of a process with its peers, and the one that all use: the events that they report.
 */
#include "base/alloc.h"
#include "base/format.h"
#include "proc/process_inside.h"

static void peer_misbehaved(struct rpc_link *link, const char *why, void *arg) {
    struct process *p = arg;
    const struct rpc_options *o = rpc_link_options(link);
    struct rpc_master_misbehaved_in in = {
        .role = (uint8_t)o->other, .worker = o->worker, .why = slice_of_str(why)};
    if (o->other != ROLE_CLI)
        (void)send_master_misbehaved(p->links->master, &in);
}

/*
 * A peer that died comes back by itself. Of a connection that broke between two that live, the one
 * with the lower role, or of the same role with the lower number, tells the master, which makes a
 * new one.
 */
static void peer_lost(struct rpc_link *link, void *arg) {
    struct process *p = arg;
    const struct rpc_options *o = rpc_link_options(link);
    struct rpc_master_link_lost_in in = {.role = (uint8_t)o->other, .worker = o->worker};
    if (p->role->work->peer_gone)
        p->role->work->peer_gone(p, o->other, o->worker);
    bool is_lower = p->role->role == o->other ? p->worker < o->worker : p->role->role < o->other;
    if (link != p->links->replaced && is_lower)
        (void)send_master_link_lost(p->links->master, &in);
}

static struct rpc_link *make_link(struct process *p, enum role other, unsigned worker) {
    struct rpc_options options = {
        .self = p->role->role,
        .other = other,
        .worker = worker,
        .service = p->role->work->handlers ? rpc_services[p->role->role] : NULL,
        .handlers = p->role->work->handlers,
        .arg = p,
        .misbehaved = peer_misbehaved,
        .down = peer_lost,
    };
    return rpc_link_new(&options);
}

struct rpc_link *process_link(struct process *p, enum role role, unsigned worker) {
    struct process_links *l = p->links;
    unsigned w = l->workers[role] > 0 ? worker % l->workers[role] : 0;
    if (!l->peers[role][w])
        l->peers[role][w] = make_link(p, role, w);
    return l->peers[role][w];
}

unsigned process_workers(const struct process *p, enum role role) {
    return p->links->workers[role];
}

/* ------------------------------------------------------------------ events */

/* An event of the time before the process is linked. */
struct early_event {
    usec_t wall;
    uint64_t message;
    const char *kind;
    char *text; /* on the heap */
};
#define EARLY_EVENTS_MAX 100U

static void send_event(struct process *p, const struct event *event) {
    if (send_events_add(process_link(p, ROLE_EVENTS, 0), &(struct rpc_events_add_in){*event}) < 0)
        p->links->dropped_events++;
}

static bool keep_event(struct process *p, const struct event *in, const char *kind) {
    struct buf *early = &p->links->early;
    struct early_event e = {in->wall, in->message, kind, NULL};
    if (p->links->going || in->fact_count > 0 || early->len >= EARLY_EVENTS_MAX * sizeof e)
        return false;
    e.text = mem_str(in->text);
    buf_add_bytes(early, &e, sizeof e);
    return true;
}

void process_send_early_events(struct process *p) {
    const struct early_event *e = (const struct early_event *)(const void *)p->links->early.ptr;
    for (size_t i = 0; i < p->links->early.len / sizeof *e; i++) {
        send_event(p, &(struct event){.wall = e[i].wall,
                                      .message = e[i].message,
                                      .kind = slice_of_str(e[i].kind),
                                      .text = slice_of_str(e[i].text)});
        free(e[i].text);
    }
    buf_done(&p->links->early);
}

void process_event(struct process *p, uint64_t message, const char *kind,
                   const struct event_fact *facts, size_t fact_count, const char *format, ...) {
    char text[1500];
    va_list args;
    va_start(args, format);
    int len = format_text(text, sizeof text, format, args);
    va_end(args);
    struct event in = {
        .wall = fiber_wall(),
        .message = message,
        .kind = slice_of_str(kind),
        .text = slice_of(text, MIN((size_t)MAX(len, 0), sizeof text - 1)),
        .facts = (struct event_fact *)(uintptr_t)facts,
        .fact_count = fact_count,
    };
    if (!keep_event(p, &in, kind))
        send_event(p, &in);
}
