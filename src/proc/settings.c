/* SPDX-License-Identifier: ISC */
/*
 * The settings of a process. Those of a reload are in force before the role has said that it takes
 * them, so that it reads them where it always does; when it refuses, the ones before are again.
 * Whoever works with some for longer holds them: they go with the last holder.
 */
#include <errno.h>

#include "base/alloc.h"
#include "conf/share.h"
#include "proc/process_inside.h"

/* Settings and those who use them: the process while they are in force, holders. */
struct shared_settings {
    struct process_settings given;
    struct conf *conf;
    unsigned users;
};

struct process_settings *process_settings_hold(struct process *p) {
    p->links->settings->users++;
    return &p->links->settings->given;
}

void process_settings_release(struct process_settings *given) {
    struct shared_settings *s = given ? CONTAINER_OF(given, struct shared_settings, given) : NULL;
    if (!s || --s->users > 0)
        return;
    conf_free(s->conf);
    free(s);
}

static void put_in_force(struct process *p, struct shared_settings *s) {
    p->links->settings = s;
    p->conf = s->conf;
}

int process_settings_read(struct process *p, struct slice text, struct problem *problem) {
    struct conf *fresh = NULL;
    int r = conf_read_slice(text, p->role->role, &fresh, problem);
    if (r < 0)
        return r;
    struct shared_settings *s = NEW(struct shared_settings);
    *s = (struct shared_settings){.given = {fresh}, .conf = fresh, .users = 1};
    put_in_force(p, s);
    return 0;
}

struct slice process_text(const struct process *p, struct slice name) {
    for (size_t i = 0; i < p->handed.text_files_count; i++) {
        if (slice_eq(p->handed.text_files[i].name, name))
            return p->handed.text_files[i].value;
    }
    return S("");
}

int process_settings_reload(struct process *p, struct slice text, struct problem *problem) {
    struct shared_settings *before = p->links->settings;
    if (!p->links->opened)
        return problem_set(problem, -EINVAL, "not configured yet");
    int r = process_settings_read(p, text, problem);
    if (r < 0)
        return r;
    struct shared_settings *fresh = p->links->settings;
    r = p->role->work->reload ? p->role->work->reload(p, before->conf, problem) : 0;
    if (r < 0)
        put_in_force(p, before);
    process_settings_release(r < 0 ? &fresh->given : &before->given);
    return r;
}
