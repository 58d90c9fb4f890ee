/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/notice.h"
#include "base/random.h"
#include "role/master/children.h"

void children_init(struct children *c, const char *directory, struct conf *conf) {
    memset(c, 0, sizeof *c); /* too large for a literal, which would be on the stack */
    c->directory = directory;
    c->conf = conf;
    c->lock = c->log_file = -1;
    c->certificate_taken = (struct certificate_files){.certificate = -1, .key = -1};
    state_find_users(conf, &c->users);
    fiber_cond_init(&c->changed);
    fiber_mutex_init(&c->linking);
    list_init(&c->relinks);
    random_bytes(c->secret, sizeof c->secret);
    for (const struct process_role *r = all_roles; r->work; r++) {
        const struct state_user *user = r->user == PROCESS_USER_VAULT  ? &c->users.vault
                                        : r->user == PROCESS_USER_MAIL ? &c->users.mail
                                                                       : &c->users.edge;
        c->workers[r->role] = roles_workers(r, conf);
        for (unsigned w = 0; w < c->workers[r->role]; w++) {
            MUST(c->count < CHILDREN_MAX);
            struct child *child = &c->list[c->count++];
            *child = (struct child){.role = r, .worker = w, .all = c, .user = user};
            (void)snprintf(child->root, sizeof child->root, "%s/%s", directory,
                           r->directory ? r->directory : "run/empty");
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
