/* SPDX-License-Identifier: ISC */
/*
 * What the visit says goes to the client as it comes, up to its mark.
 */
#include "imap/visit/visit_inside.h"

#define LINE_MAX_BYTES STREAM_WINDOW

/* At the beginning of a line: whether it is the mark, or is not told. */
static int begin_line(struct visit_hearing *h) WAITS {
    struct imap_visit *v = h->v;
    const struct slice mark = slice_of(v->terms.mark, IMAP_MARK_HEX);
    unsigned enabled;
    size_t same;
    int r = stream_fill(v->stream, 1);
    do { /* as much of it as it takes to know */
        struct slice window = stream_window(v->stream);
        same = MIN(window.len, mark.len);
        if (r < 0 || same == mark.len || !slice_starts(mark, slice_first(window, same)))
            break;
        r = stream_fill_more(v->stream);
    } while (r == 0);
    if (r == 0 && slice_starts(stream_window(v->stream), mark))
        r = stream_fill(v->stream, IMAP_MARK_LEN); /* ours, or the answer to ask() */
    if (r < 0)
        return r;
    struct slice line = slice_first(stream_window(v->stream), IMAP_MARK_LEN);
    if (imap_mark_read(&v->terms, line, &v->selected, &enabled)) {
        h->s->enabled |= enabled;
        h->done = true;
        stream_consume(v->stream, IMAP_MARK_LEN);
        return 0;
    }
    h->bye = slice_starts(line, S("* BYE "));
    h->dropped = slice_starts(line, mark) || (h->pluses > 0 && slice_starts(line, S("+")));
    h->pluses -= h->pluses > 0 && slice_starts(line, S("+"));
    h->inside = true;
    return 0;
}

/* Some bytes of a line, in a window that is not empty. */
static void take_some(struct visit_hearing *h) WAITS {
    struct slice window = stream_window(h->v->stream);
    ssize_t lf = slice_find_byte(window, '\n');
    struct slice part = lf < 0 ? window : slice_first(window, (size_t)lf + 1);
    if (!h->line && !h->dropped) {
        stream_write(h->s->c.stream, part);
        h->said = true;
    }
    h->inside = lf < 0;
    stream_consume(h->v->stream, part.len);
}

/* A whole line for who asked. */
static int take_line(struct visit_hearing *h) WAITS {
    struct slice line;
    int r = stream_read_line(h->v->stream, LINE_MAX_BYTES, &line);
    if (r < 0)
        return r;
    if (!h->dropped)
        h->line(h->arg, line);
    h->inside = false;
    return 0;
}

int visit_hear_some(struct visit_hearing *h) {
    int r = h->inside ? stream_fill(h->v->stream, 1) : begin_line(h);
    if (r < 0 || h->done)
        return r;
    if (h->line)
        return take_line(h);
    take_some(h);
    (void)fiber_yield_if_long();
    return stream_error(h->s->c.stream);
}

int visit_hear(struct visit_hearing *h) {
    int r = 0;
    while (r == 0 && !h->done)
        r = visit_hear_some(h);
    return r;
}

void visit_lose(struct imap_session *s) {
    if (s->end != DOOR_END_NONE)
        return;
    if (stream_error(s->c.stream) == 0)
        imap_say(&s->c, S("*"), "BYE", NULL, "the mailbox cannot be reached any more, closing");
    s->end = DOOR_END_DISMISSED;
}

void visit_end_by(struct imap_session *s, int error) {
    if (s->end == DOOR_END_NONE)
        imap_end_by(s, error);
}
