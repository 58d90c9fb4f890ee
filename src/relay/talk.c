/* SPDX-License-Identifier: ISC */
/*
 * The dialogue is recorded as it goes over the wire, so that a postmaster sees what was said and
 * not what we made of it. Bytes that could confuse a terminal become '?'; a peer that talks without
 * end does not fill our memory.
 *
 * A line ends with LF, whatever stands before it. Only where none comes within a second does a lone
 * CR end it: a peer that writes so waits for us, and its CR is the last thing it has said. A line
 * that is longer than SMTP_REPLY_LINE_IN is cut, and its rest dropped.
 *
 * A reply that breaks off (the peer hung up, fell silent, or talks without end) has told its code
 * if one of its lines was there. What that is good for depends on the question: see enum hearing.
 */
#include "relay/talk.h"

#include <errno.h>

#include "base/encode.h"

#define LAST_REPLY_WITHIN (5 * USEC_SEC)
#define SURPLUS_WITHIN    (USEC_SEC / 2)
#define VERDICT_WITHIN    USEC_MIN /* behind another go-ahead */
#define LONE_CR_WITHIN    USEC_SEC
#define LINE_REST_MAX     65536U
#define ENCODED_SHOWN     16U    /* of what is repeated; the rest may be cut off */
#define EARLY_MAX         65536U /* that much is passed over, and no more */

/* Whether the text has what begins like the secret in base64, as it goes over the wire. */
static bool tells_encoded(struct slice text, struct slice secret) {
    _cleanup_(buf_done) struct buf encoded = {0};
    buf_reserve(&encoded, secret.len * 2 + 4);
    base64_encode(&encoded, secret);
    bool tells = slice_find(text, slice_first(buf_slice(&encoded), ENCODED_SHOWN)) >= 0;
    explicit_bzero(encoded.ptr, encoded.len);
    return tells;
}

bool talk_tells_secret(const struct relay_client *c, struct slice text) {
    const struct relay_login *login = c->options.login;
    if (!login || login->password.len == 0)
        return false;
    _cleanup_(buf_done) struct buf plain = {0};
    buf_reserve(&plain, login->user.len + login->password.len + 2);
    buf_add_byte(&plain, '\0');
    buf_add(&plain, login->user);
    buf_add_byte(&plain, '\0');
    buf_add(&plain, login->password);
    bool tells = slice_find(text, login->password) >= 0 || tells_encoded(text, login->password) ||
                 tells_encoded(text, buf_slice(&plain));
    explicit_bzero(plain.ptr, plain.len);
    return tells;
}

static void record_line(struct relay_client *c, const char *who, struct slice line) {
    struct buf *to = &c->dialogue;
    bool told = *who == 'S' && talk_tells_secret(c, line);
    line = told ? S("(secret)") : slice_trim_lines(line);
    if (c->dialogue_cut)
        return;
    if (to->len + line.len + 8 > RELAY_DIALOGUE_MAX) {
        buf_add(to, S("...\n"));
        c->dialogue_cut = true;
        return;
    }
    buf_add_str(to, who);
    for (size_t i = 0; i < line.len; i++) {
        unsigned char b = (unsigned char)line.ptr[i];
        buf_add_byte(to, b < 0x20 || b == 0x7f ? '?' : (char)b);
    }
    buf_add_byte(to, '\n');
}

void talk_command(struct relay_client *c, struct slice line) {
    talk_secret(c, line, line);
}

void talk_secret(struct relay_client *c, struct slice line, struct slice shown) {
    stream_write(c->stream, line);
    stream_write(c->stream, S("\r\n"));
    record_line(c, "C: ", shown);
}

/* Waits for more behind a CR. False: it stands alone. */
static int more_behind_cr(struct relay_client *c, bool *ret_alone) WAITS {
    usec_t began = fiber_now();
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(began + LONE_CR_WITHIN);
    int r = stream_fill_more(c->stream);
    *ret_alone = r == -ETIMEDOUT && fiber_now() >= began + LONE_CR_WITHIN;
    return *ret_alone ? 0 : r;
}

/*
 * One line, which stays in the window; how much of the window it takes. Negative: what is there has
 * no end, and `ret_line` is that.
 */
static int find_line(struct relay_client *c, struct slice *ret_line) WAITS {
    size_t searched = 0;
    for (;;) {
        struct slice window = slice_first(stream_window(c->stream), SMTP_REPLY_LINE_IN);
        ssize_t at = slice_find_byte(slice_from(window, searched), '\n');
        *ret_line = at < 0 ? window : slice_first(window, searched + (size_t)at + 1);
        if (at >= 0 || window.len == SMTP_REPLY_LINE_IN)
            return 0;
        searched = window.len;
        bool alone = false;
        int r = window.len && window.ptr[window.len - 1] == '\r' ? more_behind_cr(c, &alone)
                                                                 : stream_fill_more(c->stream);
        window = stream_window(c->stream);
        if (alone)
            *ret_line = slice_first(window, (size_t)slice_find_byte(window, '\r') + 1);
        else if (r < 0)
            *ret_line = window;
        if (alone || r < 0)
            return r;
    }
}

static int skip_rest(struct relay_client *c, struct slice line) WAITS {
    bool cut = line.len == SMTP_REPLY_LINE_IN && line.ptr[line.len - 1] != '\n';
    stream_consume(c->stream, line.len);
    return cut ? stream_skip_line(c->stream, LINE_REST_MAX, NULL) : 0;
}

/* 1: reader->reply is whole, and the session goes on; negative: it does not. */
static int read_line(struct relay_client *c, struct smtp_reply_reader *reader,
                     struct arena *a) WAITS {
    struct slice line;
    int error = find_line(c, &line);
    if (line.len == 0)
        return error;
    record_line(c, "S: ", line);
    c->unanswered = false;
    int r = smtp_reply_add(reader, a, line);
    if (error < 0 || r < 0)
        return error < 0 ? error : r;
    error = skip_rest(c, line);
    return error < 0 ? error : r;
}

/* What a reply without its end is taken for. */
enum hearing {
    HEAR_WHOLE,    /* nothing */
    HEAR_GREETING, /* a refusal, if it is one; a line without a code in front is no reply at all */
    HEAR_REFUSAL,  /* a refusal, if it is one */
    HEAR_VERDICT,  /* what it began with */
};

static int read_reply(struct relay_client *c, enum hearing how, struct arena *a,
                      struct smtp_reply *ret) WAITS {
    struct smtp_reply_reader reader = {0};
    int r = c->over ? -EPIPE : 0;
    while (r == 0) {
        r = read_line(c, &reader, a);
        if (r == 0 && how == HEAR_GREETING && reader.first && reader.reply.code == 0)
            r = -E_SYNTAX;
    }
    if (r < 0) {
        c->over = true;
        if (r == -ECANCELED || !smtp_reply_conclude(&reader, a))
            return r;
        unsigned class = reader.reply.code / 100;
        bool clear = (how != HEAR_WHOLE && class >= 4) || (how == HEAR_VERDICT && class == 2);
        if (!clear)
            return r;
    }
    *ret = reader.reply;
    return 0;
}

static int hear(struct relay_client *c, enum hearing how, const char *step, usec_t timeout,
                struct arena *a, struct smtp_reply *ret_reply) WAITS {
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + timeout);
    int r = read_reply(c, how, a, ret_reply);
    if (r < 0)
        *ret_reply = talk_lost(c, step, r, a);
    return r;
}

int talk_reply(struct relay_client *c, const char *step, usec_t timeout, struct arena *a,
               struct smtp_reply *ret_reply) {
    return hear(c, HEAR_REFUSAL, step, timeout, a, ret_reply);
}

int talk_greeting(struct relay_client *c, struct arena *a, struct smtp_reply *ret_reply) {
    return hear(c, HEAR_GREETING, "greeting", c->options.timeouts.greeting, a, ret_reply);
}

/* A whole line of what was said too early, or what is there of it; 1: more of its reply follows. */
static int pass_over_line(struct relay_client *c, bool (*stays)(struct slice line),
                          bool *ret_stays) WAITS {
    struct slice line;
    int r = find_line(c, &line);
    *ret_stays = line.len > 0 && stays(line);
    if (r < 0 || *ret_stays)
        return r;
    record_line(c, "S: ", line);
    bool more = line.len > 3 && line.ptr[3] == '-';
    r = skip_rest(c, line);
    return r < 0 ? r : more;
}

/* Whether there is input, or comes within that time. */
static bool has_input(struct relay_client *c, usec_t within) WAITS {
    if (within == 0)
        return stream_try_fill(c->stream) == 0;
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + within);
    return stream_fill(c->stream, 1) == 0;
}

/*
 * Passes over replies up to one that stays. Line ends and blanks, of which some hosts send too
 * many, are none. True: there were some.
 */
static bool pass_over(struct relay_client *c, usec_t within,
                      bool (*stays)(struct slice line)) WAITS {
    bool any = false;
    if (!has_input(c, within))
        return false;
    uint64_t began = stream_counts(c->stream).in;
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + LAST_REPLY_WITHIN);
    for (int r = 0; r > 0 || stream_try_fill(c->stream) == 0;) {
        bool stayed;
        struct slice window = stream_window(c->stream);
        size_t blanks = 0;
        while (blanks < window.len && (unsigned char)window.ptr[blanks] <= ' ')
            blanks++;
        stream_consume(c->stream, blanks);
        if (r == 0 && !stream_has_input(c->stream))
            continue;
        r = pass_over_line(c, stays, &stayed);
        if (stayed)
            return any;
        any = true;
        if (r < 0 || stream_counts(c->stream).in - began > EARLY_MAX) {
            c->over = true;
            return true;
        }
    }
    return any;
}

static bool is_refusal(struct slice line) {
    return line.ptr[0] != '2' && line.ptr[0] != '3';
}

void talk_pass_over_early(struct relay_client *c) {
    (void)pass_over(c, 0, is_refusal);
}

static bool is_farewell(struct slice line) {
    return slice_starts(line, S("421"));
}

bool talk_pass_over_surplus(struct relay_client *c) {
    if (c->over || !pass_over(c, c->one_by_one ? SURPLUS_WITHIN : 0, is_farewell))
        return false;
    c->one_by_one = c->out_of_step = true;
    return true;
}

int talk_verdict(struct relay_client *c, const char *step, struct arena *a,
                 struct smtp_reply *ret_reply) {
    struct smtp_reply verdict;
    int r = hear(c, HEAR_VERDICT, step, c->options.timeouts.data_end, a, ret_reply);
    if (r < 0 || ret_reply->code / 100 != 3)
        return r;
    r = hear(c, HEAR_VERDICT, step, VERDICT_WITHIN, a, &verdict);
    if (r == 0)
        *ret_reply = verdict;
    return r == -ECANCELED ? r : 0;
}

int talk_last_reply(struct relay_client *c, struct arena *a, struct smtp_reply *ret_reply) {
    _cleanup_(fiber_deadline_end) struct fiber_deadline deadline UNUSED =
        fiber_deadline_begin(fiber_now() + LAST_REPLY_WITHIN);
    stream_hear_out(c->stream);
    int r = read_reply(c, HEAR_WHOLE, a, ret_reply);
    c->over = true;
    return r;
}

struct smtp_reply talk_lost(const struct relay_client *c, const char *step, int error,
                            struct arena *a) {
    struct smtp_reply reply = {451, {4, 4, 2}, {NULL, 0}};
    struct slice peer = c->options.peer;
    if (error == -ETIMEDOUT)
        reply.text = arena_printf(a, "%.*s did not answer in time (%s)", SLICE_ARG(peer), step);
    else if (error == -E_SYNTAX || error == -E_LIMIT) {
        reply.status.subject = 5;
        reply.status.detail = 0;
        reply.text = arena_printf(a, "%.*s gave an answer that is no SMTP reply (%s)",
                                  SLICE_ARG(peer), step);
    } else
        reply.text = arena_printf(a, "Connection with %.*s lost (%s): %s", SLICE_ARG(peer), step,
                                  error_text(error));
    return reply;
}

struct relay_result talk_result(const struct smtp_reply *reply) {
    struct relay_result result = {.reply = *reply, .from_peer = true};
    unsigned class = reply->code / 100;
    result.disposition = class == 2 ? RELAY_DELIVERED : class == 5 ? RELAY_NEVER : RELAY_LATER;
    if (!result.reply.status.class)
        result.reply.status.class = class == 2 || class == 5 ? (uint8_t) class : 4;
    return result;
}

struct relay_result talk_refusal(const struct relay_client *c, struct arena *a,
                                 const struct smtp_reply *reply) {
    struct relay_result result = talk_result(reply);
    if (reply->code >= 400)
        return result;
    result.disposition = RELAY_LATER;
    result.reply = (struct smtp_reply){451, {4, 5, 0}, {NULL, 0}};
    result.reply.text =
        arena_printf(a, "%.*s answered \"%.*s\", which makes no sense there",
                     SLICE_ARG(c->options.peer), SLICE_ARG(smtp_reply_text(a, reply)));
    return result;
}

void relay_log(const struct relay_voice *voice, enum relay_step step, const char *format, ...) {
    if (!voice || !voice->say)
        return;
    _cleanup_(buf_done) struct buf sentence = {0};
    va_list args;
    va_start(args, format);
    buf_printf_v(&sentence, format, args);
    va_end(args);
    voice->say(voice->arg, step, buf_slice(&sentence));
}
