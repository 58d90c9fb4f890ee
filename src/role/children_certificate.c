/* SPDX-License-Identifier: ISC */
/*
 * The keys role sees nothing outside of its folder, so the master opens the files of
 * tls.certificate and tls.key for it, and does not read them. They are looked at every few seconds:
 * a renewal needs no reload. A file that is just being written looks different each time and waits
 * until it looks the same twice.
 *
 * Between the two steps of a renewal key and certificate do not belong together. The keys role then
 * says so and goes on with the pair that it has; that is told once for each state of the files.
 */
#include <string.h>

#include "journey/kinds.h"
#include "role/children.h"

#define LOOK_INTERVAL (5 * USEC_SEC)

int children_open_certificate(struct child *child, struct certificate_files *ret,
                              struct problem *problem) {
    *ret = (struct certificate_files){.certificate = -1, .key = -1};
    if (child->role->role != ROLE_KEYS)
        return 0;
    struct stat *given = child->all->certificate_given;
    (void)certificate_files_look(child->all->conf, given);
    int r = certificate_files_open(child->all->conf, ret, problem);
    if (r == 0)
        memcpy(given, ret->states, sizeof ret->states);
    return r;
}

static void hand_over(struct children *c) {
    struct problem problem = {0};
    struct child *keys = children_find(c, ROLE_KEYS, 0);
    if (keys->state < CHILD_CONFIGURED || children_renew(keys, NULL, &problem) == 0)
        return;
    children_event(c, KIND_WARNING,
                   "The certificate has changed and cannot be used yet, the one before stays in"
                   " use: %s",
                   problem.text);
}

void children_watch_certificate(void *arg) {
    struct children *c = arg;
    struct stat last[2], now[2];
    memset(last, 0, sizeof last);
    while (fiber_sleep(LOOK_INTERVAL) == 0) {
        bool named = certificate_files_look(c->conf, now);
        bool settled = certificate_files_same(now, last);
        if (named && settled && !certificate_files_same(now, c->certificate_given))
            hand_over(c);
        memcpy(last, now, sizeof last);
    }
}
