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

int attempt_sign(struct attempt *at) {
    const struct queue_ops *ops = &at->q->ops;
    const struct queue_signing signing = {.body = &at->body, .login = at->envelope.login};
    if (!ops->sign || attempt_of_stranger(at))
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
