/* SPDX-License-Identifier: ISC */
/*
 * What becomes of the recipients of a transaction.
 *
 * Replies are told apart by their number only. A host that says more than it is asked shifts them:
 * the 550 of one recipient hits the next, and the 250 of one makes another believed that was
 * refused. So what has come before a command is written answers nothing; where any has, what the
 * transaction has heard so far is in doubt, and it is begun anew over another connection, one by
 * one: a recipient that stands alone is delivered if the message is taken, whatever was said
 * before. A 354 in its place proves that none came too many. Where a refusal stands there, RSET,
 * which has to be said in any case, shows whether a reply is still on its way, before anything is
 * returned. Where the session ends before either, what it has refused is in doubt as well; not the
 * first recipient, whom only his own can have hit.
 */
#include "relay/transaction.h"

/* ------------------------------------------------------------------ settling */

/* A host that is out of step may have refused somebody else. */
static void doubt(struct transaction *t, size_t i) {
    struct relay_result *result = &t->results[i];
    if (!result->from_peer || result->disposition != RELAY_NEVER)
        return;
    struct slice said = smtp_reply_text(t->a, &result->reply);
    result->disposition = RELAY_LATER;
    result->reply = (struct smtp_reply){451, {4, 5, 0}, {NULL, 0}};
    result->reply.text =
        arena_printf(t->a, "%.*s said \"%.*s\", perhaps of another recipient; it is asked again",
                     SLICE_ARG(t->c->options.peer), SLICE_ARG(said));
}

void transaction_settle(struct transaction *t, size_t i, const struct relay_result *result) {
    if (t->states[i] >= RCPT_SETTLED)
        return;
    t->accepted -= t->states[i] == RCPT_ACCEPTED;
    t->unsettled--;
    t->states[i] = t->written > 0 ? RCPT_SETTLED : RCPT_BARRED;
    t->results[i] = *result;
    if (t->c->out_of_step)
        doubt(t, i);
}

void transaction_settle_open(struct transaction *t, const struct relay_result *result) {
    for (size_t i = 0; i < t->message->envelope.count; i++)
        transaction_settle(t, i, result);
}

void transaction_settle_own_words(struct transaction *t, enum relay_disposition disposition,
                                  struct smtp_reply reply, bool next_host) {
    transaction_settle_open(
        t,
        &(struct relay_result){.disposition = disposition, .reply = reply, .next_host = next_host});
}

/* The host does not take such a message; where it was only asked with HELO, it may yet. */
static void settle_unfit(struct transaction *t, struct smtp_reply reply) {
    bool asked = !t->c->options.helo_only;
    if (!asked)
        reply.status.class = 4;
    transaction_settle_own_words(t, asked ? RELAY_NEVER : RELAY_LATER, reply, !asked);
}

void transaction_doubt(struct transaction *t, size_t first) {
    for (size_t i = first; i < t->message->envelope.count; i++)
        if (t->states[i] == RCPT_SETTLED)
            doubt(t, i);
}

void transaction_refuse(struct transaction *t, const struct smtp_reply *reply) {
    struct relay_result result = talk_refusal(t->c, t->a, reply);
    transaction_settle_open(t, &result);
}

int transaction_lost(struct transaction *t, int error, const struct smtp_reply *reply) {
    transaction_settle_own_words(t, RELAY_LATER, *reply, true);
    t->c->over = true;
    return error;
}

int transaction_closing(struct transaction *t, const struct smtp_reply *reply) {
    struct relay_result result = talk_refusal(t->c, t->a, reply);
    result.next_host = true;
    if (result.disposition == RELAY_NEVER) {
        result.disposition = RELAY_LATER;
        result.reply.status = (struct smtp_status){4, 5, 0};
    }
    transaction_settle_open(t, &result);
    t->c->over = true;
    return -E_EOF;
}

/* Without waiting for the reply. */
static void hang_up(struct relay_client *c) WAITS {
    if (!c->over) {
        talk_command(c, S("QUIT"));
        (void)stream_flush(c->stream);
    }
    c->over = true;
}

int transaction_begin_anew(struct transaction *t) {
    struct relay_result result = {
        .disposition = RELAY_LATER, .reply = {451, {4, 5, 0}, {NULL, 0}}, .next_host = true};
    result.reply.text = arena_printf(t->a, "%.*s gave more answers than it was asked for",
                                     SLICE_ARG(t->c->options.peer));
    transaction_settle_open(t, &result);
    for (size_t i = 0; i < t->message->envelope.count; i++)
        if (t->states[i] == RCPT_SETTLED)
            t->results[i] = result;
    t->c->begin_anew = t->c->over = true;
    return -E_EOF;
}

int transaction_ask_one_by_one(struct transaction *t, const struct smtp_reply *reply) {
    struct relay_result result = {.disposition = RELAY_LATER,
                                  .reply = {451, {4, 5, 0}, {NULL, 0}},
                                  .next_host = true,
                                  .from_peer = true};
    result.reply.text = arena_printf(
        t->a, "%.*s offers PIPELINING, and to commands that came together it said \"%.*s\"",
        SLICE_ARG(t->c->options.peer), SLICE_ARG(smtp_reply_text(t->a, reply)));
    transaction_settle_open(t, &result);
    hang_up(t->c);
    t->c->breaks_pipelining = true;
    return -E_EOF;
}

int transaction_pass_over_surplus(struct transaction *t) {
    struct relay_client *c = t->c;
    bool alone = t->message->envelope.count == 1 && (c->one_by_one || t->written == 0);
    if (!talk_pass_over_surplus(c))
        return 0;
    transaction_doubt(t, 0);
    if (alone && !c->over)
        return 0;
    hang_up(c);
    return transaction_begin_anew(t);
}

/* ------------------------------------------------------------------ before anything is said */

static bool has_control(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

void transaction_check_addresses(struct transaction *t) {
    const struct relay_message *message = t->message;
    if (has_control(message->envelope.reverse_path) || has_control(message->envelope.envid)) {
        transaction_settle_own_words(t, RELAY_NEVER, SMTP_REPLY(553, 5, 1, 7, "Bad sender address"),
                                     false);
        return;
    }
    for (size_t i = 0; i < message->envelope.count; i++) {
        const struct recipient *rcpt = &message->envelope.recipients[i];
        if (has_control(rcpt->address) || has_control(rcpt->original))
            transaction_settle(t, i,
                               &(struct relay_result){
                                   .disposition = RELAY_NEVER,
                                   .reply = SMTP_REPLY(553, 5, 1, 3, "Bad recipient address"),
                               });
    }
}

void transaction_check_message(struct transaction *t) {
    const struct relay_client *c = t->c;
    const struct relay_message *message = t->message;
    struct slice peer = c->options.peer;
    if ((message->envelope.shape & SHAPE_UTF8) && !(c->extensions & EXTENSION_SMTPUTF8)) {
        struct smtp_reply reply = {553, {5, 6, 7}, {NULL, 0}};
        reply.text = arena_printf(t->a, "%.*s does not take internationalized messages (SMTPUTF8)",
                                  SLICE_ARG(peer));
        settle_unfit(t, reply);
    }
    if ((message->envelope.shape & SHAPE_EIGHT_BIT) && c->options.strict_8bit &&
        !(c->extensions & EXTENSION_8BITMIME)) {
        struct smtp_reply reply = {554, {5, 6, 3}, {NULL, 0}};
        reply.text = arena_printf(t->a, "%.*s takes 7-bit messages only", SLICE_ARG(peer));
        settle_unfit(t, reply);
    }
    if (c->size_limit && message->size > c->size_limit) {
        struct smtp_reply reply = {552, {5, 3, 4}, {NULL, 0}};
        reply.text = arena_printf(t->a, "The message has %llu bytes, %.*s takes up to %llu",
                                  (unsigned long long)message->size, SLICE_ARG(peer),
                                  (unsigned long long)c->size_limit);
        settle_unfit(t, reply);
    }
}
