/* SPDX-License-Identifier: ISC */
/*
 * One mail transaction: MAIL, a RCPT for each recipient, DATA, the letter, the final dot.
 *
 * The commands up to DATA form one list. With PIPELINING (RFC 2920) they are written in groups of
 * up to GROUP_SIZE bytes and then the replies are read, so that neither side ever waits for the
 * other to read; without, each reply is read before the next command is written. DATA leaves with
 * its group even if it turns out that no recipient was accepted: then a 354 is answered with a lone
 * dot (RFC 2920 §3.1).
 *
 * A result is settled once; `open` counts those that are not. Whatever ends the session settles
 * the open ones: before the letter was complete the next host may be tried; after the final dot
 * was sent without an answer nobody knows whether the letter was taken, so it is tried later and
 * may arrive twice (at least once, as RFC 5321 §4.5.3.2.6 has it), but never at once elsewhere.
 *
 * Replies are told apart by their number only. A host that says more than it is asked shifts them:
 * the 550 of one recipient hits the next, and the 250 of one makes another believed that was
 * refused. So what has come before a command is written answers nothing; where any has, what the
 * transaction has heard so far is in doubt, and it is begun anew over another connection, one by
 * one: a recipient that stands alone is delivered if the letter is taken, whatever was said before.
 * A 354 in its place proves that none came too many. Where a refusal stands there, RSET, which has
 * to be said in any case, shows whether a reply is still on its way, before anything is returned.
 */
#include <errno.h>

#include "relay/talk.h"

#define GROUP_SIZE 16384U

enum rcpt_state {
    RCPT_OPEN,
    RCPT_ACCEPTED,
    RCPT_SETTLED,
    RCPT_BARRED, /* settled before anything was said: no command is sent for it */
};

struct transaction {
    struct relay_client *c;
    const struct relay_letter *letter;
    struct arena *a;
    struct relay_result *results;
    enum rcpt_state *states;
    size_t commands;          /* MAIL, each RCPT, DATA */
    size_t written, answered; /* of them */
    size_t group;             /* bytes written since the last time all were answered */
    size_t unsettled;         /* recipients in state RCPT_OPEN or RCPT_ACCEPTED */
    size_t accepted;          /* recipients in state RCPT_ACCEPTED */
    bool go_ahead;            /* the peer said 354 */
    unsigned data_code;       /* or else this */
    bool refused_accepted;    /* although it had accepted somebody */
};

/* ------------------------------------------------------------------ settling */

/* A host that is out of step may have refused somebody else. */
static void doubt(struct relay_result *result) {
    if (!result->from_peer || result->fate != RELAY_NEVER)
        return;
    result->fate = RELAY_LATER;
    result->reply.status = (struct smtp_status){4, 5, 0};
}

static void settle(struct transaction *t, size_t i, const struct relay_result *result) {
    if (t->states[i] >= RCPT_SETTLED)
        return;
    t->accepted -= t->states[i] == RCPT_ACCEPTED;
    t->unsettled--;
    t->states[i] = t->written > 0 ? RCPT_SETTLED : RCPT_BARRED;
    t->results[i] = *result;
    if (t->c->out_of_step)
        doubt(&t->results[i]);
}

static void settle_open(struct transaction *t, const struct relay_result *result) {
    for (size_t i = 0; i < t->letter->count; i++)
        settle(t, i, result);
}

static void settle_own_words(struct transaction *t, enum relay_fate fate, struct smtp_reply reply,
                             bool next_host) {
    settle_open(t, &(struct relay_result){.fate = fate, .reply = reply, .next_host = next_host});
}

/* The host does not take such a letter; where it was only asked with HELO, it may yet. */
static void settle_unfit(struct transaction *t, struct smtp_reply reply) {
    bool asked = !t->c->options.helo_only;
    if (!asked)
        reply.status.class = 4;
    settle_own_words(t, asked ? RELAY_NEVER : RELAY_LATER, reply, !asked);
}

/* The session is over before the letter was complete: another host may take it. */
static int lost(struct transaction *t, int error, const struct smtp_reply *reply) {
    settle_own_words(t, RELAY_LATER, *reply, true);
    t->c->over = true;
    return error;
}

/*
 * 421, with which the host closes the connection (RFC 5321 §3.8), or a reply that makes no sense
 * there: whatever is open may go elsewhere.
 */
static int closing(struct transaction *t, const struct smtp_reply *reply) {
    struct relay_result result = talk_refusal(reply);
    result.next_host = true;
    if (result.fate == RELAY_NEVER) {
        result.fate = RELAY_LATER;
        result.reply.status = (struct smtp_status){4, 5, 0};
    }
    settle_open(t, &result);
    t->c->over = true;
    return -E_EOF;
}

/* Nobody knows which reply was meant for whom: all is said again over another connection. */
static int begin_anew(struct transaction *t) {
    struct relay_result result = {
        .fate = RELAY_LATER, .reply = {451, {4, 5, 0}, {NULL, 0}}, .next_host = true};
    result.reply.text = arena_printf(t->a, "%.*s gave more answers than it was asked for",
                                     SLICE_ARG(t->c->options.peer));
    settle_open(t, &result);
    for (size_t i = 0; i < t->letter->count; i++)
        if (t->states[i] == RCPT_SETTLED)
            t->results[i] = result;
    t->c->begin_anew = t->c->over = true;
    return -E_EOF;
}

/*
 * Before a command while nothing is outstanding, and behind the last reply: whatever has come is
 * none. 0, or negative when the session is of no use any more.
 */
static int pass_over_surplus(struct transaction *t) WAITS {
    struct relay_client *c = t->c;
    bool alone = t->letter->count == 1 && (c->one_by_one || t->written == 0);
    if (!talk_pass_over_surplus(c))
        return 0;
    for (size_t i = 0; i < t->letter->count; i++)
        if (t->states[i] == RCPT_SETTLED)
            doubt(&t->results[i]);
    if (alone && !c->over)
        return 0;
    if (!c->over) {
        talk_command(c, S("QUIT"));
        (void)stream_flush(c->stream);
    }
    return begin_anew(t);
}

/* ------------------------------------------------------------------ before anything is said */

static bool has_control(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

/* Bytes that would end a command line never get into one, whoever let them in. */
static void check_addresses(struct transaction *t) {
    const struct relay_letter *letter = t->letter;
    if (has_control(letter->reverse_path) || has_control(letter->envid)) {
        settle_own_words(t, RELAY_NEVER, SMTP_REPLY(553, 5, 1, 7, "Bad sender address"), false);
        return;
    }
    for (size_t i = 0; i < letter->count; i++) {
        const struct relay_recipient *rcpt = &letter->recipients[i];
        if (has_control(rcpt->address) || has_control(rcpt->notify) || has_control(rcpt->orcpt))
            settle(t, i,
                   &(struct relay_result){
                       .fate = RELAY_NEVER,
                       .reply = SMTP_REPLY(553, 5, 1, 3, "Bad recipient address"),
                   });
    }
}

static void check_letter(struct transaction *t) {
    const struct relay_client *c = t->c;
    const struct relay_letter *letter = t->letter;
    struct slice peer = c->options.peer;
    if (letter->utf8 && !(c->extensions & EXTENSION_SMTPUTF8)) {
        struct smtp_reply reply = {553, {5, 6, 7}, {NULL, 0}};
        reply.text = arena_printf(t->a, "%.*s does not take internationalized letters (SMTPUTF8)",
                                  SLICE_ARG(peer));
        settle_unfit(t, reply);
    }
    if (letter->eight_bit && c->options.strict_8bit && !(c->extensions & EXTENSION_8BITMIME)) {
        struct smtp_reply reply = {554, {5, 6, 3}, {NULL, 0}};
        reply.text = arena_printf(t->a, "%.*s takes 7-bit letters only", SLICE_ARG(peer));
        settle_unfit(t, reply);
    }
    if (c->size_limit && letter->size > c->size_limit) {
        struct smtp_reply reply = {552, {5, 3, 4}, {NULL, 0}};
        reply.text = arena_printf(t->a, "The letter has %llu bytes, %.*s takes up to %llu",
                                  (unsigned long long)letter->size, SLICE_ARG(peer),
                                  (unsigned long long)c->size_limit);
        settle_unfit(t, reply);
    }
}

/* ------------------------------------------------------------------ commands */

static struct slice mail_command(struct transaction *t) {
    const struct relay_letter *letter = t->letter;
    unsigned extensions = t->c->extensions;
    _cleanup_(buf_done) struct buf line = {0};
    buf_printf(&line, "MAIL FROM:<%.*s>", SLICE_ARG(letter->reverse_path));
    if (extensions & EXTENSION_SIZE)
        buf_printf(&line, " SIZE=%llu", (unsigned long long)letter->size);
    if ((extensions & EXTENSION_8BITMIME) && (letter->eight_bit || letter->utf8))
        buf_add(&line, S(" BODY=8BITMIME"));
    if ((extensions & EXTENSION_SMTPUTF8) && letter->utf8)
        buf_add(&line, S(" SMTPUTF8"));
    if ((extensions & EXTENSION_DSN) && letter->ret != RELAY_RET_NONE)
        buf_add_str(&line, letter->ret == RELAY_RET_FULL ? " RET=FULL" : " RET=HDRS");
    if ((extensions & EXTENSION_DSN) && letter->envid.len)
        buf_printf(&line, " ENVID=%.*s", SLICE_ARG(letter->envid));
    return arena_copy(t->a, buf_slice(&line));
}

static struct slice rcpt_command(struct transaction *t, const struct relay_recipient *rcpt) {
    _cleanup_(buf_done) struct buf line = {0};
    buf_printf(&line, "RCPT TO:<%.*s>", SLICE_ARG(rcpt->address));
    if ((t->c->extensions & EXTENSION_DSN) && rcpt->notify.len)
        buf_printf(&line, " NOTIFY=%.*s", SLICE_ARG(rcpt->notify));
    if ((t->c->extensions & EXTENSION_DSN) && rcpt->orcpt.len)
        buf_printf(&line, " ORCPT=%.*s", SLICE_ARG(rcpt->orcpt));
    return arena_copy(t->a, buf_slice(&line));
}

static bool is_rcpt(const struct transaction *t, size_t command) {
    return command > 0 && command + 1 < t->commands;
}

static bool is_skipped(const struct transaction *t, size_t command) {
    return is_rcpt(t, command) && t->states[command - 1] == RCPT_BARRED;
}

static void write_next(struct transaction *t) {
    size_t command = t->written++;
    struct slice line = S("DATA");
    if (is_skipped(t, command))
        return;
    if (command == 0)
        line = mail_command(t);
    else if (is_rcpt(t, command))
        line = rcpt_command(t, &t->letter->recipients[command - 1]);
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

static const char *step_name(const struct transaction *t, size_t command) {
    return command == 0 ? "MAIL" : is_rcpt(t, command) ? "RCPT" : "DATA";
}

static usec_t step_timeout(const struct transaction *t, size_t command) {
    const struct relay_timeouts *timeouts = &t->c->options.timeouts;
    return command == 0          ? timeouts->mail
           : is_rcpt(t, command) ? timeouts->rcpt
                                 : timeouts->data_start;
}

/*
 * 452 and 552 at RCPT without another meaning in the status say that the host takes no more
 * recipients in this transaction (RFC 5321 §4.5.3.1.10).
 */
static bool says_too_many(const struct smtp_reply *reply) {
    if (reply->code != 452 && reply->code != 552)
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
    if (says_too_many(reply)) {
        result.fate = RELAY_LATER;
        result.reply.status = (struct smtp_status){4, 5, 3};
        result.too_many = true;
    }
    settle(t, i, &result);
}

/* A reply to MAIL or DATA that is not the one wanted settles all that is open. */
static void take_refusal(struct transaction *t, const struct smtp_reply *reply) {
    struct relay_result result = talk_refusal(reply);
    settle_open(t, &result);
}

static int read_next(struct transaction *t) WAITS {
    size_t command = t->answered++;
    struct smtp_reply reply;
    if (is_skipped(t, command))
        return 0;
    int r = talk_reply(t->c, step_name(t, command), step_timeout(t, command), t->a, &reply);
    if (r < 0)
        return lost(t, r, &reply);
    if (reply.code == 421) {
        r = closing(t, &reply);
        if (is_rcpt(t, command))
            t->results[command - 1].farewell = true;
        return r;
    }
    if (is_rcpt(t, command)) {
        take_rcpt_reply(t, command - 1, &reply);
    } else if (command == 0) {
        t->c->needs_reset = reply.code / 100 == 2;
        if (reply.code / 100 != 2)
            take_refusal(t, &reply);
    } else {
        t->go_ahead = reply.code / 100 == 3;
        t->data_code = reply.code;
        t->refused_accepted = t->accepted > 0;
        if (!t->go_ahead)
            take_refusal(t, &reply);
    }
    return 0;
}

/*
 * MAIL to DATA. 0 with go_ahead set or not; negative: the session is over. Nothing more is written
 * once every recipient is settled, but what was written is read.
 */
static int say_envelope(struct transaction *t) WAITS {
    while (t->answered < t->commands) {
        if (t->written == t->answered) {
            int r = pass_over_surplus(t);
            if (r < 0 || t->unsettled == 0)
                return r;
            t->group = 0;
        }
        while (may_write(t))
            write_next(t);
        int r = read_next(t);
        if (r < 0)
            return r;
    }
    return 0;
}

static int reset(struct transaction *t) WAITS {
    struct smtp_reply reply;
    int r = pass_over_surplus(t);
    if (r < 0)
        return r;
    talk_command(t->c, S("RSET"));
    r = talk_reply(t->c, "RSET", t->c->options.timeouts.mail, t->a, &reply);
    if (r < 0)
        return lost(t, r, &reply);
    if (reply.code / 100 != 2)
        return closing(t, &reply);
    t->c->needs_reset = false;
    return 0;
}

/*
 * Behind a refusal of DATA: whether somebody would have the letter returned for a reply that was
 * another recipient's. Where none was accepted, 503 and 554 are what belongs there.
 */
static bool is_doubtful(const struct transaction *t) {
    bool in_place = t->data_code == 503 || t->data_code == 554;
    if (t->c->one_by_one || t->letter->count == 1 || (in_place && !t->refused_accepted))
        return false;
    for (size_t i = 0; i < t->letter->count; i++)
        if (t->states[i] == RCPT_SETTLED && t->results[i].fate == RELAY_NEVER)
            return true;
    return false;
}

/* What stands in the place of the 354 counts if nothing is on its way behind it. */
static int confirm_refusal(struct transaction *t) WAITS {
    struct smtp_reply reply;
    int r = pass_over_surplus(t);
    if (r < 0)
        return r;
    if (t->data_code / 100 == 2 && !t->c->one_by_one)
        return begin_anew(t);
    if (!is_doubtful(t))
        return 0;
    talk_command(t->c, S("RSET"));
    r = talk_reply(t->c, "RSET", t->c->options.timeouts.mail, t->a, &reply);
    if (r < 0 || reply.code == 421) {
        t->c->over = true;
        return r;
    }
    if (reply.code / 100 != 2)
        return begin_anew(t);
    t->c->needs_reset = false;
    return 0;
}

/* ------------------------------------------------------------------ the letter */

/* The reply to the final dot is that of every accepted recipient. */
static void take_final_reply(struct transaction *t, const struct smtp_reply *reply) {
    struct relay_result result = talk_result(reply);
    result.dsn_passed = result.fate == RELAY_DELIVERED && (t->c->extensions & EXTENSION_DSN);
    result.unsure = reply->code / 100 == 3;
    settle_open(t, &result);
}

/* The whole letter was sent, and no answer came: `reply` has our own words. */
static void take_no_reply(struct transaction *t, const struct smtp_reply *reply) {
    settle_open(t, &(struct relay_result){.fate = RELAY_LATER, .reply = *reply, .unsure = true});
}

/*
 * The peer hung up in the middle of the letter. It may have said why (RFC 5321 §3.8), and a reply
 * counts whenever it comes (§4.2.1); none can mean that it has the letter.
 */
static int cut_off(struct transaction *t, int error) WAITS {
    struct smtp_reply words = talk_lost(t->c, "sending the letter", error, t->a), reply;
    if (error == -ECANCELED || talk_last_reply(t->c, t->a, &reply) < 0)
        return lost(t, error, &words);
    if (reply.code == 421)
        return closing(t, &reply);
    take_refusal(t, &reply);
    return error;
}

static int send_letter(struct transaction *t) WAITS {
    struct relay_client *c = t->c;
    stream_set_timeout(c->stream, c->options.timeouts.data_block);
    if (stream_has_input(c->stream))
        talk_pass_over_early(c);
    int r = body_write(c->stream, t->letter);
    if (r < 0) {
        c->over = true;
        settle_own_words(t, RELAY_LATER,
                         SMTP_REPLY(451, 4, 3, 0, "The letter could not be read from the spool"),
                         false);
        return r;
    }
    talk_pass_over_early(c);
    stream_write(c->stream, S(".\r\n"));
    r = stream_flush(c->stream);
    if (r < 0)
        return cut_off(t, r);
    struct smtp_reply reply;
    stream_set_timeout(c->stream, c->options.timeouts.data_end);
    r = talk_verdict(c, "end of the letter", t->a, &reply);
    if (r < 0) {
        take_no_reply(t, &reply);
        return r;
    }
    c->needs_reset = false;
    c->over = c->over || reply.code == 421;
    take_final_reply(t, &reply);
    return 0;
}

/* A 354 although nobody was accepted: there is no letter to send, and its reply means nothing. */
static int send_nothing(struct transaction *t) WAITS {
    struct smtp_reply reply;
    talk_command(t->c, S("."));
    int r = talk_reply(t->c, "end of no letter", t->c->options.timeouts.data_end, t->a, &reply);
    t->c->needs_reset = false;
    return r;
}

static int transact(struct transaction *t) WAITS {
    check_addresses(t);
    check_letter(t);
    if (t->unsettled == 0)
        return 0;
    stream_set_timeout(t->c->stream, t->c->options.timeouts.mail);
    int r = t->c->needs_reset ? reset(t) : 0;
    if (r == 0)
        r = say_envelope(t);
    if (r < 0)
        return r;
    if (t->data_code && !t->go_ahead)
        r = confirm_refusal(t);
    if (t->go_ahead)
        r = t->accepted > 0 ? send_letter(t) : send_nothing(t);
    return r < 0 || !t->c->over ? r : -E_EOF;
}

static void name_peer(const struct transaction *t) {
    struct slice peer = arena_copy(t->a, t->c->options.peer);
    for (size_t i = 0; i < t->letter->count; i++)
        t->results[i].peer = peer;
}

int relay_client_send(struct relay_client *c, const struct relay_letter *letter, struct arena *a,
                      struct relay_result *results) {
    MUST(c->magic == RELAY_CLIENT_MAGIC && letter->count > 0 &&
         letter->count <= RELAY_RECIPIENTS_MAX);
    MUST(letter->bytes.len <= letter->size);
    struct transaction t = {
        .c = c,
        .letter = letter,
        .a = a,
        .results = results,
        .states = arena_array(a, letter->count, sizeof(enum rcpt_state)),
        .commands = letter->count + 2,
        .unsettled = letter->count,
    };
    memset(results, 0, letter->count * sizeof *results);
    c->unanswered = true;
    c->letters++;
    int r = transact(&t);
    MUST(t.unsettled == 0);
    name_peer(&t);
    return r;
}
