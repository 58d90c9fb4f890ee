/* SPDX-License-Identifier: ISC */
/*
 * Signing at the attempt, for all transmissions of it: so a message that stays here costs nothing,
 * and the time for which a signature counts begins when the message leaves. What is signed is in
 * its last form: the relay changes nothing of it.
 *
 * Who signs says why he cannot, or is away: then the message waits for him as for another host, and
 * never leaves without.
 */
#include <errno.h>

#include "queue/attempt.h"

/*
 * Ours is what a user has sent, also through an alias, and what this host or a mailbox has written.
 * What a trusted network hands in is ours where it leads straight to another host; through an alias
 * it may be a stranger's that a gateway passed on, with our name in it.
 */
static bool is_ours(const struct attempt *at) {
    switch ((enum queue_origin)at->envelope.origin) {
    case QUEUE_FROM_USER:
    case QUEUE_FROM_HOST:
    case QUEUE_MADE_REPORT:
        return true;
    case QUEUE_MADE_EXPANSION:
        return at->envelope.login.len > 0 && !at->extra.stranger;
    case QUEUE_MADE_BY_MAILBOX:
        return at->extra.root == 0; /* an answer, and not what came */
    case QUEUE_FROM_OUTSIDE:
        return false;
    }
    return false;
}

int attempt_sign(struct attempt *at) {
    const struct queue_ops *ops = &at->q->ops;
    bool ours = is_ours(at);
    const struct queue_signing signing = {
        .forward = !ours, .body = &at->body, .login = ours ? at->envelope.login : S("")};
    if (!ops->sign)
        return 0;
    int r = fiber_mutex_lock(&at->signing);
    if (r < 0)
        return r;
    if (!at->is_signed) {
        _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
            fiber_deadline_begin(fiber_now() + at->q->options.call_timeout);
        r = ops->sign(ops->arg, &signing, at->a, &at->signatures);
        at->is_signed = r == 0;
    }
    fiber_mutex_unlock(&at->signing);
    return r == 0 || r == -ECANCELED || error_passes(r) ? r : -E_TEMPORARY;
}
