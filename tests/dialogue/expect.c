/* SPDX-License-Identifier: ISC */
/* Steps that expect something of the tested side, each within `t->within` on the fake clock. */
#include "dialogue/talk.h"

#include <errno.h>

#define LINE_MAX_LEN ((size_t)1 << 20)

static int nothing_came(struct talk *t, int error, struct slice expected) {
    char span[TIME_TEXT_SIZE];
    if (error == -ETIMEDOUT)
        talk_report(t, "%s said nothing for %.*s", talk_tested_name(t),
                    SLICE_ARG(time_format_span(t->within, span)));
    else
        talk_report(t, "%s has closed the connection", talk_tested_name(t));
    talk_report_bytes(t, "expected", expected);
    if (t->c->wire.said.len > 0)
        talk_report_bytes(t, "came", buf_slice(&t->c->wire.said));
    talk_report_log(t);
    return -E_REFUSED;
}

/* Drops `len` bytes as read, in the pace that was set. */
static void take(struct talk *t, size_t len) {
    talk_log_came(t, slice_first(buf_slice(&t->c->wire.said), len));
    while (len > 0) {
        size_t some = len;
        if (t->c->reading.bytes > 0) {
            if (t->c->reading.left == 0) {
                (void)fiber_sleep(t->c->reading.span);
                t->c->reading.left = t->c->reading.bytes;
            }
            some = MIN(len, t->c->reading.left);
            t->c->reading.left -= some;
        }
        wire_drop(&t->c->wire, some);
        len -= some;
    }
}

/* Waits until `len` bytes have come that are not read yet. */
static int wait_bytes(struct talk *t, usec_t deadline, size_t len) {
    struct buf *said = &t->c->wire.said;
    while (said->len < len) {
        size_t have = said->len;
        int r = wire_wait(&t->c->wire, have, deadline);
        if (r < 0)
            return r;
        if (said->len == have)
            return -E_EOF;
    }
    return 0;
}

/*
 * Waits for a whole line and, when it ends with the count of a literal, for that and the line
 * behind it, `literals` times at most. All of it stays in the wire's buffer.
 */
static int wait_line(struct talk *t, usec_t deadline, size_t literals, size_t *ret_len) {
    struct buf *said = &t->c->wire.said;
    size_t begin = 0, end = 0; /* of the last line */
    for (;;) {
        ssize_t lf = slice_find_byte(slice_from(buf_slice(said), end), '\n');
        int r = lf >= 0 ? 0 : wait_bytes(t, deadline, said->len + 1);
        if (r == 0 && said->len > LINE_MAX_LEN)
            r = -E_LIMIT;
        if (r < 0)
            return r;
        if (lf < 0)
            continue;
        end += (size_t)lf + 1;
        uint64_t count;
        struct slice line = slice_from(slice_first(buf_slice(said), end), begin);
        if (literals-- == 0 || !match_ends_with_count(line, &count)) {
            *ret_len = end;
            return 0;
        }
        end += count;
        begin = end;
        r = wait_bytes(t, deadline, end);
        if (r < 0)
            return r;
    }
}

static int read_line(struct talk *t, const struct step *step, usec_t deadline, bool *ret_matches) {
    size_t len;
    int r = wait_line(t, deadline, match_literals(step->text), &len);
    if (r < 0)
        return nothing_came(t, r, step->text);
    struct slice line = slice_first(buf_slice(&t->c->wire.said), len);
    if (!slice_ends(line, S("\r\n")))
        return talk_differs(t, "a line must end with CRLF", step->text, line);
    line.len -= 2;
    *ret_matches = match(&t->names, step->text, line);
    if (step->kind == STEP_LINE && !*ret_matches)
        return talk_differs(t, "something else was said", step->text, line);
    take(t, len);
    return 0;
}

int step_expect_line(struct talk *t, const struct step *step) {
    bool matches;
    return read_line(t, step, fiber_now() + t->within, &matches);
}

int step_expect_until(struct talk *t, const struct step *step) {
    usec_t deadline = fiber_now() + t->within;
    bool matches = false;
    while (!matches) {
        int r = read_line(t, step, deadline, &matches);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Reads `want` bytes in parts; each goes through `part` with the number of bytes before it. */
static int read_parts(struct talk *t, const struct step *step, uint64_t want,
                      int (*part)(struct talk *t, const struct step *step, uint64_t before,
                                  struct slice bytes)) {
    usec_t deadline = fiber_now() + t->within;
    for (uint64_t done = 0; done < want;) {
        int r = wire_wait(&t->c->wire, 0, deadline);
        if (r == 0 && t->c->wire.said.len == 0)
            r = -E_EOF;
        if (r < 0)
            return nothing_came(t, r, step->text);
        struct slice some = slice_first(buf_slice(&t->c->wire.said), want - done);
        r = part(t, step, done, some);
        if (r < 0)
            return r;
        done += some.len;
        usec_t before = fiber_now();
        take(t, some.len);
        deadline += fiber_now() - before;
    }
    return 0;
}

static int same_bytes(struct talk *t, const struct step *step, uint64_t before,
                      struct slice bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        size_t at = (before + i) % step->text.len;
        if (bytes.ptr[i] != step->text.ptr[at])
            return talk_differs(t, "other bytes came", slice_from(step->text, at),
                                slice_from(bytes, i));
    }
    return 0;
}

static int any_bytes(struct talk *t, const struct step *step, uint64_t before, struct slice bytes) {
    return 0;
}

int step_expect_bytes(struct talk *t, const struct step *step) {
    return read_parts(t, step, step->count * step->text.len, same_bytes);
}

int step_skip_bytes(struct talk *t, const struct step *step) {
    return read_parts(t, step, step->count, any_bytes);
}

int step_expect_end(struct talk *t, const struct step *step) {
    int r = wire_wait(&t->c->wire, 0, fiber_now() + t->within);
    if (t->c->wire.said.len > 0)
        return talk_differs(t, "something was said", S("(the end)"), buf_slice(&t->c->wire.said));
    if (r < 0) {
        talk_report(t, "%s did not close the connection", talk_tested_name(t));
        talk_report_log(t);
        return -E_REFUSED;
    }
    t->c->end_seen = true;
    talk_log_came(t, S("(says no more)"));
    return 0;
}

int step_read_pace(struct talk *t, const struct step *step) {
    t->c->reading = (struct pace){step->count, step->count, step->span};
    return 0;
}

int step_expect_writes(struct talk *t, const struct step *step) {
    (void)fiber_sleep(1);
    unsigned writes = t->c->wire.writes;
    t->c->wire.writes = 0;
    if (writes == step->count)
        return 0;
    talk_report(t, "expected output in %u writes, it came in %u", (unsigned)step->count, writes);
    talk_report_log(t);
    return -E_REFUSED;
}

/* Of one connection when the step names its side, of all of them when not. */
int step_expect_silence(struct talk *t, const struct step *step) {
    int r = fiber_sleep(step->span);
    struct connection *here = t->c;
    for (size_t i = 0; i < SCRIPT_CONNECTIONS && r == 0; i++) {
        t->c = &t->connections[i];
        if (!t->c->session || (step->of_side && t->c != here))
            continue;
        if (t->c->wire.said.len > 0)
            return talk_differs(t, "something was said", S("(silence)"),
                                buf_slice(&t->c->wire.said));
        if (t->c->wire.said_end && !t->c->end_seen) {
            talk_report(t, "%s has closed the connection instead of waiting in silence",
                        talk_tested_name(t));
            talk_report_log(t);
            return -E_REFUSED;
        }
    }
    t->c = here;
    return r;
}
