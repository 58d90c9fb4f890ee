/* SPDX-License-Identifier: ISC */
/*
 * What the master hands out beside the settings may change by itself: a certificate is renewed, a
 * syslog daemon is started. It looks every few seconds, and who has the old one gets the new one.
 */
#include "events/kinds.h"
#include "role/children.h"

#define LOOK_INTERVAL (5 * USEC_SEC)

static void renew(struct children *c, enum process_given what, const char *complaint) WAITS {
    for (size_t i = 0; i < c->count; i++) {
        struct problem problem = {0};
        struct child *child = &c->list[i];
        if (child->role->given & what && child->state >= CHILD_CONFIGURED &&
            children_renew(child, NULL, &problem) < 0)
            children_event(c, KIND_WARNING, "%s: %s", complaint, problem.text);
    }
}

void children_look(void *arg) {
    struct children *c = arg;
    while (fiber_sleep(LOOK_INTERVAL) == 0) {
        if (children_certificate_changed(c))
            renew(
                c, GIVEN_CERTIFICATE,
                "The certificate has changed and cannot be used yet, the one before stays in use");
        if (children_syslog_changed(c))
            renew(c, GIVEN_LOG, "The log cannot go to the new syslog daemon");
    }
}
