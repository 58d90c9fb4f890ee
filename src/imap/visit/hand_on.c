/* SPDX-License-Identifier: ISC */
/*
 * A command was read and understood here, so its octets are handed on as they came: literals are
 * here already, and the visit's "+" for them is not for the client. Of a message that is stored the
 * octets go through as they come, once the visit wants them.
 */
#include "imap/visit/visit_inside.h"

#include <errno.h>

#include "fiber/sync.h"

/* A long set, which was read as it came. */
static void add_set(struct buf *to, const struct imap_set *set) {
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < set->count; i++)
        buf_printf(&text, "%s%u:%u", i > 0 ? "," : "", set->ranges[i].first, set->ranges[i].last);
    if (set->star) {
        const char *comma = text.len > 0 ? "," : "";
        if (set->star_from <= set->star_to)
            buf_printf(&text, "%s%u:*,%u:*", comma, set->star_from, set->star_to);
        else
            buf_printf(&text, "%s*", comma);
    }
    buf_add(to, buf_slice(&text));
}

/* The command as it came. Octets of zero can stand in literals, but not beside long sets. */
int visit_add_command(const struct imap_session *s, struct buf *to) {
    const struct imap_text text = imap_reader_text(&s->c.reader);
    struct slice rest = text.bytes, part;
    if (text.set_count == 0) {
        buf_add(to, rest);
        return 0;
    }
    for (size_t i = 0; i < text.set_count; i++) {
        if (slice_find_byte(rest, '\0') < 0 || !slice_next(&rest, '\0', &part))
            return -E_SYNTAX;
        buf_add(to, part);
        add_set(to, &text.sets[i]);
    }
    buf_add(to, rest);
    return slice_find_byte(rest, '\0') < 0 ? 0 : -E_SYNTAX;
}

/* Octets of a literal, from the client to the visit. */
static int carry_octets(struct imap_session *s, struct imap_visit *v, uint64_t size) WAITS {
    while (size > 0) {
        int r = stream_fill(s->c.stream, 1);
        if (r < 0 || (r = stream_error(v->stream)) < 0)
            return r;
        struct slice piece = stream_window(s->c.stream);
        piece.len = (size_t)MIN((uint64_t)piece.len, size);
        stream_write(v->stream, piece);
        stream_consume(s->c.stream, piece.len);
        size -= piece.len;
    }
    return 0;
}

/* Until the visit wants the octets of a literal, or has answered: then the mark has come. */
static int hear_of_literal(struct visit_hearing *h) WAITS {
    int r = 0;
    while (r == 0 && !h->done && (h->pluses > 0 || h->inside))
        r = visit_hear_some(h);
    return r;
}

/* What is still to come of a command that was answered is not read as commands. */
void visit_drop_rest(struct imap_session *s) {
    int r = imap_reader_refuse(&s->c.reader);
    if (r == -E_REFUSED) {
        imap_say(&s->c, S("*"), "BYE", NULL,
                 "a message came with a command that was refused, closing");
        s->end = DOOR_END_DISMISSED;
    } else if (r < 0) {
        visit_end_by(s, r);
    }
}

/* The next literal of a message. 1: there is another one; 0: there is none, or the session ends. */
static int hand_on_literal(struct visit_hearing *h) WAITS {
    struct imap_session *s = h->s;
    struct imap_reader *r = &s->c.reader;
    const uint64_t size = r->literal.size;
    int error = imap_reader_hand_on(r);
    if (!error)
        error = carry_octets(s, h->v, size);
    if (error && error == stream_error(h->v->stream))
        return error;
    int next = error ? error : imap_reader_read(r);
    if (next < 0)
        visit_end_by(s, next);
    else if (r->wrong)
        visit_lose(s);
    else
        return next;
    return 0;
}

/*
 * APPEND and REPLACE, of which the reader has read up to the octets of the first literal that is
 * not held. 0: the visit was heard up to its mark, or the session ends.
 */
int visit_hand_on_message(struct visit_hearing *h) {
    struct imap_session *s = h->s;
    struct imap_reader *r = &s->c.reader;
    int more = r->before_literal;
    while (more > 0) {
        stream_write(h->v->stream, imap_reader_text(r).bytes);
        h->pluses += r->waited + r->literal.waits;
        int error = r->literal.waits ? hear_of_literal(h) : 0;
        if (error)
            return error;
        if (h->done) {
            visit_drop_rest(s);
            return 0;
        }
        more = hand_on_literal(h);
    }
    if (more < 0 || s->end != DOOR_END_NONE)
        return more;
    stream_write(h->v->stream, imap_reader_text(r).bytes);
    stream_str(h->v->stream, "\r\n");
    return visit_hear(h);
}

int visit_hand_on(struct visit_hearing *h, const struct imap_command *command) {
    struct imap_session *s = h->s;
    _cleanup_(buf_done) struct buf text = {0};
    if (visit_add_command(s, &text) < 0) {
        if (imap_bad(&s->c, command->tag, "expected no NUL beside a long set") < 0)
            s->end = DOOR_END_DISMISSED;
        return 0;
    }
    buf_add_str(&text, "\r\n");
    h->pluses = s->c.reader.waited;
    stream_write(h->v->stream, buf_slice(&text));
    return visit_hear(h);
}

/* ------------------------------------------------------------------ IDLE */

/* Waits for the visit while the session waits for the client. */
struct listener {
    struct stream *from, *client;
    struct fiber_cond taken;
    bool heard;
    int error;
};

static void listen_main(void *arg) WAITS {
    struct listener *l = arg;
    for (;;) {
        l->error = stream_fill(l->from, 1);
        l->heard = true;
        stream_nudge(l->client);
        if (l->error)
            return;
        while (l->heard)
            if (fiber_cond_wait(&l->taken) < 0)
                return;
    }
}

/* What the visit says, until the client says something: 0. */
static int tell_until_input(struct visit_hearing *h, struct listener *l) WAITS {
    for (;;) {
        int r = stream_fill_or_nudge(l->client);
        if (r != -EINTR)
            return r;
        if (!l->heard)
            continue;
        r = l->error;
        while (r == 0 && !h->done && stream_has_input(l->from))
            r = visit_hear_some(h);
        if (r < 0)
            return r == stream_error(l->client) ? r : -EPIPE;
        if (h->done) /* IDLE was refused */
            return -EALREADY;
        l->heard = false;
        fiber_cond_wake_all(&l->taken);
    }
}

/* How long it may take is the visit's matter, which keeps the connection alive, too. */
int visit_hand_on_idle(struct visit_hearing *h, const struct imap_command *command) {
    struct imap_session *s = h->s;
    struct listener l = {.from = h->v->stream, .client = s->c.stream};
    struct fiber *fiber;
    struct slice line;
    fiber_cond_init(&l.taken);
    stream_printf(h->v->stream, "%.*s IDLE\r\n", SLICE_ARG(command->tag));
    int r = stream_flush(h->v->stream);
    if (r == 0)
        r = fiber_start("visit", listen_main, &l, &fiber);
    if (r < 0)
        return r;
    r = tell_until_input(h, &l);
    fiber_cancel(fiber);
    fiber_join(fiber);
    if (r == -EALREADY)
        return 0;
    if (r == 0)
        r = imap_reader_line(&s->c.reader, 1024, &line);
    if (r == -EPIPE)
        return r;
    if (r < 0) {
        visit_end_by(s, r);
        return 0;
    }
    stream_write(h->v->stream, line);
    stream_str(h->v->stream, "\r\n");
    return visit_hear(h);
}
