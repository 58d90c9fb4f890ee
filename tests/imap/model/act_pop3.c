/* SPDX-License-Identifier: ISC */
/*
 * POP3 does not know UIDs, so a message is the one of the INBOX that has its serial number, if
 * there is just one. What is in the maildrop stays in it while the session lasts, has one unique-id
 * for ever, and goes when QUIT is obeyed.
 */
#include "act_pop3.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "trace.h"

struct drop {
    struct run *run;
    struct client *c;
    struct stream *stream;
    uint64_t asked; /* when the session was */
    uint32_t *serials;
    size_t count;
    struct truth_message **removed;
    size_t removed_count;
};

/* ------------------------------------------------------------------ talking */

/* The next line, without its end; false: the connection is lost, or the run over. */
static bool hear(struct drop *d, struct slice *ret) WAITS {
    if (stream_read_line(d->stream, STREAM_WINDOW, ret) < 0 || d->run->over)
        return false;
    *ret = slice_trim_lines(*ret);
    return true;
}

PRINTF_LIKE(3, 4)
static bool say(struct drop *d, struct slice *ret, const char *format, ...) WAITS {
    _cleanup_(buf_done) struct buf line = {0};
    va_list args;
    va_start(args, format);
    buf_printf_v(&line, format, args);
    va_end(args);
    stream_write(d->stream, buf_slice(&line));
    stream_str(d->stream, "\r\n");
    (void)stream_flush(d->stream);
    bool heard = hear(d, ret);
    if (heard)
        trace_line(d->run->trace, "%s  (POP3 %s: %.*s)", d->c->name, buf_str(&line),
                   SLICE_ARG(*ret));
    return heard;
}

/* The lines that follow, as they come, with their ends. */
static bool hear_text(struct drop *d, struct buf *to) WAITS {
    struct slice line;
    buf_clear(to);
    while (hear(d, &line)) {
        if (slice_eq(line, S(".")))
            return true;
        buf_add(to, line);
        buf_add_str(to, "\r\n");
    }
    return false;
}

/* What follows +OK; false, too: it is refused. */
static bool hear_answer(struct drop *d, struct slice line, struct buf *to) WAITS {
    return slice_starts(line, S("+OK")) && hear_text(d, to);
}

/* ------------------------------------------------------------------ what is there */

static uint32_t serial_of(struct slice text) {
    uint64_t serial = 0;
    ssize_t at = slice_find(text, S("Subject: "));
    struct slice rest = at < 0 ? S("") : slice_from(text, (size_t)at + 9), digits;
    (void)slice_next(&rest, '\r', &digits);
    RULE(slice_to_u64(digits, UINT32_MAX, &serial) == 0 && serial > 0, "POP3: a message without "
                                                                       "a serial number");
    return (uint32_t)serial;
}

/* A unique-id is that of one message for ever. */
static void judge_uidl(struct run *run, struct slice uidl, uint32_t serial) {
    for (size_t i = 0; i < run->uidl_count; i++)
        if (slice_eq(uidl, slice_of_str(run->uidls[i].text))) {
            RULE(run->uidls[i].serial == serial, "POP3: %.*s is message %u, and was %u",
                 SLICE_ARG(uidl), serial, run->uidls[i].serial);
            return;
        }
    run->uidls = mem_grow(run->uidls, (run->uidl_count + 1) * sizeof *run->uidls);
    struct uidl *new = &run->uidls[run->uidl_count++];
    new->serial = serial;
    RULE(slice_to_str(uidl, new->text, sizeof new->text) == 0, "POP3: a unique-id is too long");
}

static bool read_list(struct drop *d) WAITS {
    _cleanup_(buf_done) struct buf ids = {0}, text = {0};
    struct slice line, number, top;
    if (!say(d, &line, "UIDL") || !hear_answer(d, line, &ids))
        return false;
    struct slice rest = buf_slice(&ids);
    while (slice_next(&rest, '\n', &line) && line.len > 0) {
        line = slice_trim_lines(line);
        (void)slice_next(&line, ' ', &number);
        /* Somebody may have removed it meanwhile. */
        if (!say(d, &top, "TOP %zu 0", d->count + 1) || !hear_answer(d, top, &text))
            return false;
        d->serials = mem_grow(d->serials, (d->count + 1) * sizeof *d->serials);
        d->serials[d->count++] = serial_of(buf_slice(&text));
        judge_uidl(d->run, line, d->serials[d->count - 1]);
    }
    return true;
}

/* ------------------------------------------------------------------ what must be there */

static struct truth_box *inbox(const struct drop *d) {
    return truth_box(&d->run->truth, d->run->inbox);
}

/* Those that stay are there, in their order. */
static void judge_list(const struct drop *d) {
    const struct truth_box *b = inbox(d);
    size_t at = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct truth_message *m = b->messages[i];
        if (m->since == 0 || m->since >= d->asked || m->serial == TRUTH_ANY || !truth_stays(b, m))
            continue;
        while (at < d->count && d->serials[at] != m->serial)
            at++;
        RULE(at < d->count, "POP3: message %u, UID %u, is not in the maildrop", m->serial, m->uid);
        at++;
    }
}

/* The one message that it can be, and no other can become; NULL: it is not known. */
static struct truth_message *only_one(const struct drop *d, uint32_t serial) {
    const struct truth_box *b = inbox(d);
    const struct truth *t = &d->run->truth;
    struct truth_message *found = NULL;
    for (size_t i = 0; i < t->coming_count; i++)
        if (t->coming[i].serial == serial || t->coming[i].serial == TRUTH_ANY)
            return NULL;
    for (size_t i = 0; i < b->count; i++) {
        struct truth_message *m = b->messages[i];
        if (m->serial != serial && m->serial != TRUTH_ANY)
            continue;
        if (found || m->serial == TRUTH_ANY || m->gone || !m->is_claimed)
            return NULL;
        found = m;
    }
    return found;
}

/* ------------------------------------------------------------------ a session */

static bool retrieve(struct drop *d) WAITS {
    _cleanup_(buf_done) struct buf text = {0}, wanted = {0};
    struct slice line;
    size_t at = client_pick(d->c, (uint32_t)d->count);
    if (!say(d, &line, "RETR %zu", at + 1) || !hear_answer(d, line, &text))
        return false;
    message_text(d->serials[at], &wanted);
    RULE(slice_ends(buf_slice(&text), buf_slice(&wanted)), "POP3: message %u has other octets",
         d->serials[at]);
    return true;
}

static bool mark(struct drop *d) WAITS {
    struct slice line;
    d->removed = mem_array(d->count, sizeof(struct truth_message *));
    for (size_t i = 0; i < d->count; i++) {
        struct truth_message *m = client_pick(d->c, 3) > 0 ? NULL : only_one(d, d->serials[i]);
        if (!m)
            continue;
        if (!say(d, &line, "DELE %zu", i + 1))
            return false;
        if (slice_starts(line, S("+OK")))
            d->removed[d->removed_count++] = m;
    }
    return true;
}

/* Until QUIT is said nothing may go. */
static void quit(struct drop *d) WAITS {
    struct slice line;
    if (client_pick(d->c, 4) == 0)
        return;
    if (client_pick(d->c, 6) == 0 && say(d, &line, "RSET"))
        d->removed_count = 0;
    for (size_t i = 0; i < d->removed_count; i++)
        d->removed[i]->may_be_taken = true;
    if (!say(d, &line, "QUIT") || !slice_starts(line, S("+OK")))
        return;
    for (size_t i = 0; i < d->removed_count; i++)
        if (d->removed[i]->gone == 0)
            d->removed[i]->gone = truth_tick(&d->run->truth);
}

void do_pop3(struct client *c) {
    struct drop d = {.run = c->run, .c = c, .asked = truth_tick(&c->run->truth)};
    if (c->visits || !c->run->pop3 || !c->run->pop3(c->run, &d.stream))
        return;
    if (read_list(&d)) {
        judge_list(&d);
        if (d.count > 0 && retrieve(&d) && mark(&d))
            quit(&d);
    }
    stream_free(d.stream);
    free(d.serials);
    free(d.removed);
}
