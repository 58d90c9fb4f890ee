/* SPDX-License-Identifier: ISC */
/*
 * MAIL, a RCPT for each recipient, DATA, and their replies.
 *
 * The commands up to DATA form one list. With PIPELINING (RFC 2920) they are written in groups of
 * up to GROUP_SIZE bytes and then the replies are read, so that neither side ever waits for the
 * other to read; without, each reply is read before the next command is written. DATA leaves with
 * its group even if it turns out that no recipient was accepted: then a 354 is answered with a lone
 * dot (RFC 2920 §3.1).
 *
 * Some hosts offer PIPELINING and do not keep to it: they lose what has come behind a command, hang
 * up, or take it for an error of ours. So when the first message of a session gets no reply to a
 * group of commands, or one that is about the order of commands, it may go better one by one.
 */
#include "relay/transaction.h"

#define GROUP_SIZE 16384U

/* ------------------------------------------------------------------ commands */

static struct slice mail_command(struct transaction *t) {
    const struct envelope *e = &t->message->envelope;
    unsigned extensions = t->c->extensions;
    _cleanup_(buf_done) struct buf line = {0};
    buf_printf(&line, "MAIL FROM:<%.*s>", SLICE_ARG(e->reverse_path));
    if (extensions & EXTENSION_SIZE)
        buf_printf(&line, " SIZE=%llu", (unsigned long long)t->message->size);
    if ((extensions & EXTENSION_8BITMIME) && (e->shape & (SHAPE_EIGHT_BIT | SHAPE_UTF8)))
        buf_add(&line, S(" BODY=8BITMIME"));
    if ((extensions & EXTENSION_SMTPUTF8) && (e->shape & SHAPE_UTF8))
        buf_add(&line, S(" SMTPUTF8"));
    if (e->shape & SHAPE_REQUIRE_TLS)
        buf_add(&line, S(" REQUIRETLS"));
    if ((extensions & EXTENSION_DSN) && e->ret != RETURN_UNSAID)
        buf_add_str(&line, e->ret == RETURN_FULL ? " RET=FULL" : " RET=HDRS");
    if ((extensions & EXTENSION_DSN) && e->envid.len)
        buf_printf(&line, " ENVID=%.*s", SLICE_ARG(e->envid));
    return arena_copy(t->a, buf_slice(&line));
}

static struct slice rcpt_command(struct transaction *t, const struct recipient *rcpt) {
    _cleanup_(buf_done) struct buf line = {0};
    buf_printf(&line, "RCPT TO:<%.*s>", SLICE_ARG(rcpt->address));
    if ((t->c->extensions & EXTENSION_DSN) && rcpt->notify) {
        buf_add_str(&line, " NOTIFY=");
        notify_print(&line, rcpt->notify);
    }
    if ((t->c->extensions & EXTENSION_DSN) && rcpt->original.len)
        buf_printf(&line, " ORCPT=%.*s", SLICE_ARG(rcpt->original));
    return arena_copy(t->a, buf_slice(&line));
}

static bool is_rcpt(const struct transaction *t, size_t command) {
    return command > 0 && command + 1 < t->commands;
}

static bool is_skipped(const struct transaction *t, size_t command) {
    return is_rcpt(t, command) && t->states[command - 1] == RCPT_BARRED;
}

static void write_next(struct transaction *t) WAITS {
    size_t command = t->written++;
    struct slice line = S("DATA");
    if (is_skipped(t, command))
        return;
    if (command == 0)
        line = mail_command(t);
    else if (is_rcpt(t, command))
        line = rcpt_command(t, &t->message->envelope.recipients[command - 1]);
    talk_command(t->c, line);
    t->group += line.len + 2;
}

/* Whether the next command may be written before more replies are read. */
static bool may_write(const struct transaction *t) {
    if (t->written == t->commands || t->unsettled == 0)
        return false;
    if (t->written == t->answered)
        return true;
    return (t->c->extensions & EXTENSION_PIPELINING) && !t->c->one_by_one && t->group < GROUP_SIZE;
}

/* ------------------------------------------------------------------ replies */

/*
 * 452 and 552 at RCPT without another meaning in the status say that the host takes no more
 * recipients in this transaction (RFC 5321 §4.5.3.1.10). As long as it has taken none, 552 means
 * what it says: with many hosts that a mailbox is full.
 */
static bool says_too_many(const struct transaction *t, const struct smtp_reply *reply) {
    if (reply->code != 452 && (reply->code != 552 || t->accepted == 0))
        return false;
    return !reply->status.class || (reply->status.subject == 5 && reply->status.detail == 3);
}

static void take_rcpt_reply(struct transaction *t, size_t i, const struct smtp_reply *reply) {
    if (t->states[i] != RCPT_OPEN)
        return;
    if (reply->code / 100 == 2) {
        t->states[i] = RCPT_ACCEPTED;
        t->accepted++;
        return;
    }
    struct relay_result result = talk_result(reply);
    if (says_too_many(t, reply)) {
        result.disposition = RELAY_LATER;
        result.reply.status = (struct smtp_status){4, 5, 3};
        result.too_many = true;
    }
    transaction_settle(t, i, &result);
}

/* The peer has not shown yet that it can take commands in groups, and has got one. */
static bool is_first_group(const struct transaction *t) {
    return t->c->messages == 1 && t->written - t->group_first > 1;
}

/*
 * It refuses the command, not what is in it: another one should have come, or none. Behind other
 * refusals 503 is what belongs there, so what the reply is about has to be open still.
 */
static bool is_out_of_order(const struct transaction *t, size_t command,
                            const struct smtp_reply *reply) {
    bool open =
        is_rcpt(t, command) ? t->states[command - 1] == RCPT_OPEN : command == 0 || t->accepted > 0;
    bool protocol = reply->status.subject == 5 && reply->status.detail <= 1;
    return open && (reply->code == 500 || reply->code == 502 || reply->code == 503 ||
                    (reply->code == 554 && reply->status.class && protocol));
}

static int read_next(struct transaction *t) WAITS {
    size_t command = t->answered++;
    struct smtp_reply reply;
    if (is_skipped(t, command))
        return 0;
    const struct relay_timeouts *timeouts = &t->c->options.timeouts;
    int r = command == 0          ? talk_reply(t->c, "MAIL", timeouts->mail, t->a, &reply)
            : is_rcpt(t, command) ? talk_reply(t->c, "RCPT", timeouts->rcpt, t->a, &reply)
                                  : talk_reply(t->c, "DATA", timeouts->data_start, t->a, &reply);
    if (r < 0 || reply.code == 421)
        transaction_doubt(t, 1);
    if (r < 0) {
        t->c->breaks_pipelining = is_first_group(t);
        return transaction_lost(t, r, &reply);
    }
    if (is_first_group(t) && is_out_of_order(t, command, &reply))
        return transaction_ask_one_by_one(t, &reply);
    if (reply.code == 421) {
        r = transaction_closing(t, &reply);
        if (is_rcpt(t, command))
            t->results[command - 1].farewell = true;
        return r;
    }
    if (is_rcpt(t, command)) {
        take_rcpt_reply(t, command - 1, &reply);
    } else if (command == 0) {
        t->c->needs_reset = reply.code / 100 == 2;
        if (reply.code / 100 != 2)
            transaction_refuse(t, &reply);
    } else {
        t->go_ahead = reply.code / 100 == 3;
        t->data_code = reply.code;
        t->refused_accepted = t->accepted > 0;
        if (!t->go_ahead)
            transaction_refuse(t, &reply);
    }
    return 0;
}

int envelope_send(struct transaction *t) {
    while (t->answered < t->commands) {
        if (t->written == t->answered) {
            int r = transaction_pass_over_surplus(t);
            if (r < 0 || t->unsettled == 0)
                return r;
            t->group = 0;
            t->group_first = t->written;
        }
        while (may_write(t))
            write_next(t);
        int r = read_next(t);
        if (r < 0)
            return r;
    }
    return 0;
}

int envelope_reset(struct transaction *t) {
    struct smtp_reply reply;
    int r = transaction_pass_over_surplus(t);
    if (r < 0)
        return r;
    talk_command(t->c, S("RSET"));
    r = talk_reply(t->c, "RSET", t->c->options.timeouts.mail, t->a, &reply);
    if (r < 0)
        return transaction_lost(t, r, &reply);
    if (reply.code / 100 != 2)
        return transaction_closing(t, &reply);
    t->c->needs_reset = false;
    return 0;
}

/*
 * Behind a refusal of DATA: whether somebody would have the message returned for a reply that was
 * another recipient's. Where none was accepted, 503 and 554 are what belongs there.
 */
static bool is_doubtful(const struct transaction *t) {
    bool in_place = t->data_code == 503 || t->data_code == 554;
    if (t->c->one_by_one || t->message->envelope.count == 1 || (in_place && !t->refused_accepted))
        return false;
    for (size_t i = 0; i < t->message->envelope.count; i++)
        if (t->states[i] == RCPT_SETTLED && t->results[i].disposition == RELAY_NEVER)
            return true;
    return false;
}

int envelope_confirm_refusal(struct transaction *t) {
    struct smtp_reply reply;
    int r = transaction_pass_over_surplus(t);
    if (r < 0)
        return r;
    if (t->data_code / 100 == 2 && !t->c->one_by_one)
        return transaction_begin_anew(t);
    if (!is_doubtful(t))
        return 0;
    talk_command(t->c, S("RSET"));
    r = talk_reply(t->c, "RSET", t->c->options.timeouts.mail, t->a, &reply);
    if (r < 0 || reply.code / 100 != 2)
        return transaction_begin_anew(t);
    t->c->needs_reset = false;
    return 0;
}
