/* SPDX-License-Identifier: ISC */
/*
 * What senders are told, and when (RFC 3461 §4.1, §5.2, §6; RFC 5321 §6.1). Nobody is told of what
 * becomes of a message with the null sender: its failure ends in the journey of that message.
 */
#include "base/encode.h"
#include "base/random.h"
#include "message/write/submission.h"
#include "queue/attempt.h"

#define HEADER_MAX   (256U << 10) /* of a message that is not returned in full */
#define BOUNDARY_LEN 16U          /* random bytes */

bool report_wanted(const struct attempt *at, const struct task *t, enum dsn_action action) {
    uint8_t notify = t->to->notify;
    if (at->envelope.reverse_path.len == 0 || (notify & NOTIFY_NEVER))
        return false;
    if (action == DSN_FAILED)
        return notify == 0 || (notify & NOTIFY_FAILURE);
    if (action == DSN_DELAYED && t->state.extra.len == 0 && attempt_of_stranger(at))
        return false; /* no other host is late, but ours, with a full mailbox: easily found */
    if (action == DSN_DELAYED)
        return notify == 0 || (notify & NOTIFY_DELAY);
    return notify & NOTIFY_SUCCESS;
}

bool report_is_for_postmaster(const struct attempt *at, const struct task *t) {
    return t->outcome == OUTCOME_FAILED && t->way != WAY_NEVER && attempt_of_stranger(at) &&
           slice_eq(t->status, S("5.4.6"));
}

struct slice report_postmaster(const struct attempt *at) {
    return arena_printf(at->a, "postmaster@%.*s", SLICE_ARG(at->q->options.hostname));
}

bool report_of_outcome(const struct attempt *at, const struct task *t, enum dsn_action *ret) {
    *ret = DSN_FAILED;
    if (report_is_for_postmaster(at, t))
        return true;
    switch (t->outcome) {
    case OUTCOME_FAILED:
        break;
    case OUTCOME_DELIVERED:
        *ret = DSN_DELIVERED;
        break;
    case OUTCOME_RELAYED:
        *ret = DSN_RELAYED;
        break;
    case OUTCOME_EXPANDED: /* a single target has inherited the wish */
        if (route_width(&t->route) == 1)
            return false;
        *ret = DSN_EXPANDED;
        break;
    default:
        return false;
    }
    return report_wanted(at, t, *ret);
}

/* "4.4.1" of "451 4.4.1 Connection refused": why it is late. */
static struct slice status_of(struct arena *a, struct slice reply) {
    struct smtp_status status;
    ssize_t space = slice_find_byte(reply, ' ');
    struct slice rest = slice_from(reply, space < 0 ? reply.len : (size_t)space + 1);
    bool known = smtp_status_parse(&rest, &status) && status.class == 4;
    return known ? smtp_status_text(a, status) : S("4.0.0");
}

static struct dsn_recipient recipient_of(struct attempt *at, const struct report_item *item) {
    const struct task *t = item->task;
    struct address *address = ARENA_NEW(at->a, struct address);
    *address = address_of(at->a, t->to->address);
    bool delayed = item->action == DSN_DELAYED;
    struct slice peer = delayed ? t->state.extra : t->peer; /* "mx1.example.net [192.0.2.1]" */
    struct slice host = S("");
    (void)slice_next_word(&peer, &host);
    return (struct dsn_recipient){
        .address = address,
        .original = t->to->original,
        .action = item->action,
        .status = delayed ? status_of(at->a, t->state.reply) : t->status,
        .diagnostic = delayed ? t->state.reply : t->reply,
        .remote_host = host,
        .last_attempt = t->state.attempts > 0 || !delayed ? at->wall : 0,
        .retry_until =
            delayed ? schedule_end(&at->q->options.schedule, at->envelope.arrival, false) : 0,
    };
}

/* The part of the message that is returned, or of which the header is. */
static struct slice returned_part(struct attempt *at, struct dsn *dsn) WAITS {
    struct slice part = S("");
    size_t most = REPORT_LOOP_MAX, header_most = REPORT_LOOP_MAX;
    if (!dsn->to_postmaster) {
        most = (size_t)MIN(at->q->options.returned_max, (uint64_t)REPORT_RETURNED_MAX);
        header_most = HEADER_MAX;
    }
    bool whole = at->size <= most && (dsn->to_postmaster || at->envelope.ret != RETURN_HEADERS);
    dsn->header_only = !whole;
    dsn->max_returned = whole ? MAX(most, 1U) : header_most;
    if (content_begin(at, whole ? most : header_most, &part) < 0)
        part = S("");
    return part;
}

void report_compose(struct attempt *at, queue_id id, const struct report_item *items, size_t count,
                    struct slice recipient, struct buf *to) {
    struct address sender = address_of(at->a, recipient);
    struct slice host = arena_copy(at->a, at->q->options.hostname); /* new settings may come */
    struct dsn_recipient *recipients = arena_array(at->a, count, sizeof *recipients);
    for (size_t i = 0; i < count; i++)
        recipients[i] = recipient_of(at, &items[i]);
    char chance[BOUNDARY_LEN];
    _cleanup_(buf_done) struct buf boundary = {0};
    random_bytes(chance, sizeof chance);
    buf_add_str(&boundary, "=_");
    hex_encode(&boundary, slice_of(chance, sizeof chance));
    struct dsn dsn = {
        .sender = &sender,
        .host = host,
        .envelope_id = at->envelope.envid,
        .arrival = at->envelope.arrival,
        .now = fiber_wall(),
        .message_id = message_id_make(at->a, id, host),
        .boundary = buf_slice(&boundary),
        .recipients = recipients,
        .recipient_count = count,
        .eight_bit = true,
        .to_postmaster = items[0].to_postmaster,
        .tls_waived = (at->envelope.shape & SHAPE_TLS_WAIVED) != 0,
        .kept = items[0].to_postmaster && items[0].task->outcome == OUTCOME_LATER,
    };
    dsn.message = returned_part(at, &dsn);
    dsn_compose(to, &dsn);
}
