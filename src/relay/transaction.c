/* SPDX-License-Identifier: ISC */
/*
 * One mail transaction: MAIL, a RCPT for each recipient, DATA, the message, the final dot.
 *
 * A result is settled once; `unsettled` counts those that are not. Whatever ends the session
 * settles the open ones: before the message was complete the next host may be tried; after the
 * final dot was sent without an answer nobody knows whether the message was taken, so it is tried
 * later and may arrive twice (at least once, as RFC 5321 §4.5.3.2.6 has it), but never at once
 * elsewhere.
 */
#include <errno.h>

#include "relay/transaction.h"

/* ------------------------------------------------------------------ the message */

/*
 * The peer hung up in the middle of the message. It may have said why (RFC 5321 §3.8), and a reply
 * counts whenever it comes (§4.2.1); none can mean that it has the message.
 */
static int cut_off(struct transaction *t, int error) WAITS {
    struct smtp_reply words = talk_lost(t->c, "sending the message", error, t->a), reply;
    if (error == -ECANCELED || talk_last_reply(t->c, t->a, &reply) < 0)
        return transaction_lost(t, error, &words);
    if (reply.code == 421)
        return transaction_closing(t, &reply);
    transaction_refuse(t, &reply);
    return error;
}

static int send_message(struct transaction *t) WAITS {
    struct relay_client *c = t->c;
    stream_set_timeout(c->stream, c->options.timeouts.data_block);
    if (stream_has_input(c->stream))
        talk_pass_over_early(c);
    int r = body_write(c->stream, t->message);
    if (r < 0) {
        c->over = true;
        transaction_settle_own_words(
            t, RELAY_LATER,
            SMTP_REPLY(451, 4, 3, 0, "The message could not be read from the spool"), false);
        return r;
    }
    talk_pass_over_early(c);
    stream_write(c->stream, S(".\r\n"));
    r = stream_flush(c->stream);
    if (r < 0)
        return cut_off(t, r);
    struct smtp_reply reply;
    stream_set_timeout(c->stream, c->options.timeouts.data_end);
    r = talk_verdict(c, "end of the message", t->a, &reply);
    if (r < 0) { /* no answer came to the whole message: `reply` has our own words */
        transaction_settle_open(
            t, &(struct relay_result){.disposition = RELAY_LATER, .reply = reply, .unsure = true});
        return r;
    }
    c->needs_reset = false;
    c->over = c->over || reply.code == 421;

    /* It is that of every accepted recipient. */
    struct relay_result result = talk_result(&reply);
    result.dsn_passed = result.disposition == RELAY_DELIVERED && (c->extensions & EXTENSION_DSN);
    result.unsure = reply.code / 100 == 3;
    transaction_settle_open(t, &result);
    return 0;
}

static int transact(struct transaction *t) WAITS {
    transaction_check_addresses(t);
    transaction_check_message(t);
    if (t->unsettled == 0)
        return 0;
    stream_set_timeout(t->c->stream, t->c->options.timeouts.mail);
    int r = t->c->needs_reset ? envelope_reset(t) : 0;
    if (r == 0)
        r = envelope_send(t);
    if (r < 0)
        return r;
    if (t->data_code && !t->go_ahead)
        r = envelope_confirm_refusal(t);
    if (t->go_ahead && t->accepted > 0) {
        r = send_message(t);
    } else if (t->go_ahead) { /* although nobody was accepted: the reply means nothing */
        struct smtp_reply reply;
        talk_command(t->c, S("."));
        r = talk_reply(t->c, "end of no message", t->c->options.timeouts.data_end, t->a, &reply);
        t->c->needs_reset = false;
    }
    return r < 0 || !t->c->over ? r : -E_EOF;
}

int relay_client_send(struct relay_client *c, const struct relay_message *message, struct arena *a,
                      struct relay_result *results) {
    MUST(c->magic == RELAY_CLIENT_MAGIC && message->envelope.count > 0 &&
         message->envelope.count <= RELAY_RECIPIENTS_MAX);
    MUST(message->bytes.len <= message->size);
    struct transaction t = {
        .c = c,
        .message = message,
        .a = a,
        .results = results,
        .states = arena_array(a, message->envelope.count, sizeof(enum rcpt_state)),
        .commands = message->envelope.count + 2,
        .unsettled = message->envelope.count,
    };
    memset(results, 0, message->envelope.count * sizeof *results);
    c->unanswered = true;
    c->messages++;
    int r = transact(&t);
    MUST(t.unsettled == 0);
    struct slice peer = arena_copy(a, c->options.peer);
    for (size_t i = 0; i < message->envelope.count; i++)
        results[i].peer = peer;
    return r;
}
