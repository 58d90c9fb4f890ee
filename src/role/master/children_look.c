/* SPDX-License-Identifier: ISC */
/*
 * What the master hands out beside the settings may change by itself: a certificate is renewed, a
 * syslog daemon is started. It looks every few seconds, and who has the old one gets the new one.
 * It says, too, when the wall clock has jumped: everybody else only takes care that it does no
 * harm.
 */
#include "base/even_clock.h"
#include "events/kinds.h"
#include "role/master/children.h"

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

/* `ahead`: the wall clock's, of the one that only goes on, at the last look. */
static void look_at_clock(struct children *c, usec_t *ahead) {
    usec_t jump = fiber_wall() - fiber_now() - *ahead;
    char span[TIME_TEXT_SIZE];
    *ahead += jump;
    if (jump > EVEN_CLOCK_STEP)
        children_event(
            c, KIND_WARNING,
            "The clock went ahead by %.*s at once: it was set, or the machine slept. For "
            "an hour nothing is removed for good since it is old. If the time is wrong, "
            "set it right (timedatectl)",
            SLICE_ARG(time_format_span(jump, span)));
    else if (jump < -EVEN_CLOCK_STEP)
        children_event(
            c, KIND_WARNING,
            "The clock went back by %.*s at once: messages and events of before may have "
            "times that are still to come. If the time is wrong, set it right "
            "(timedatectl)",
            SLICE_ARG(time_format_span(-jump, span)));
}

void children_look(void *arg) {
    struct children *c = arg;
    usec_t ahead = fiber_wall() - fiber_now();
    while (fiber_sleep(LOOK_INTERVAL) == 0) {
        look_at_clock(c, &ahead);
        if (children_certificate_changed(c))
            renew(
                c, GIVEN_CERTIFICATE,
                "The certificate has changed and cannot be used yet, the one before stays in use");
        if (children_syslog_changed(c))
            renew(c, GIVEN_LOG, "The log cannot go to the new syslog daemon");
    }
}
