/* SPDX-License-Identifier: ISC */
/*
 * A command was read and understood here, so its octets are handed on as they came: literals are
 * here already, and the visit's "+" for them is not for the client. Of a message that is stored the
 * octets go through as they come, once the visit wants them.
 *
 * What the visit says goes to the client as it comes, up to its mark. If the visit ends before, its
 * process has died or its owner's login has ended: nobody knows how much of a response the client
 * has got, so the conversation ends.
 */
#include "imap/visit.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/random.h"
#include "fiber/sync.h"
#include "imap/syntax/token.h"

#define LINE_MAX_BYTES STREAM_WINDOW

struct imap_visit {
    struct stream *stream;
    struct imap_terms terms;
    bool selected; /* it has a mailbox selected */
    char *owner;
};

/* ------------------------------------------------------------------ hearing */

/* What a visit says, up to its mark. */
struct hearing {
    struct imap_session *s;
    struct imap_visit *v;
    void (*line)(void *arg, struct slice line); /* NULL: it is for the client */
    void *arg;
    unsigned pluses; /* lines to come that want literals, and are not told */
    bool inside;     /* of a line, which ... */
    bool dropped;    /* ... is not told */
    bool said;       /* the client has got something, */
    bool bye;        /* and last that it is over */
    bool done;       /* the mark has come */
};

/* At the beginning of a line: whether it is the mark, or is not told. */
static int begin_line(struct hearing *h) WAITS {
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
static void take_some(struct hearing *h) WAITS {
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
static int take_line(struct hearing *h) WAITS {
    struct slice line;
    int r = stream_read_line(h->v->stream, LINE_MAX_BYTES, &line);
    if (r < 0)
        return r;
    if (!h->dropped)
        h->line(h->arg, line);
    h->inside = false;
    return 0;
}

static int hear_some(struct hearing *h) WAITS {
    int r = h->inside ? stream_fill(h->v->stream, 1) : begin_line(h);
    if (r < 0 || h->done)
        return r;
    if (h->line)
        return take_line(h);
    take_some(h);
    (void)fiber_yield_if_long();
    return stream_error(h->s->c.stream);
}

static int hear(struct hearing *h) WAITS {
    int r = 0;
    while (r == 0 && !h->done)
        r = hear_some(h);
    return r;
}

/* ------------------------------------------------------------------ beginning, ending */

void imap_visit_end(struct imap_visit *v) {
    if (!v)
        return;
    stream_free(v->stream);
    free(v->owner);
    free(v);
}

static void make_terms(const struct imap_session *s, struct imap_terms *t) {
    unsigned char bytes[IMAP_MARK_HEX / 2];
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof t->mark; i++)
        t->mark[i] = "0123456789abcdef"[bytes[i / 2] >> i % 2 * 4 & 15];
    t->enabled = s->enabled;
    t->japanese = s->c.writer.japanese;
}

/* -E_UNKNOWN: there is nothing for him there. */
static int begin(struct imap_session *s, struct slice owner, struct imap_visit **ret) WAITS {
    struct imap_visit *v = NEW(struct imap_visit);
    make_terms(s, &v->terms);
    v->owner = mem_str(owner);
    int r = s->config->others->visit(s->config->others_arg, owner, &v->terms, &v->stream);
    if (r == 0)
        r = hear(&(struct hearing){.s = s, .v = v});
    if (r < 0)
        imap_visit_end(v);
    else
        *ret = v;
    return r;
}

static void leave(struct imap_session *s) {
    imap_visit_end(TAKE_PTR(s->visit));
    s->c.mode.state = s->selected ? IMAP_STATE_SELECTED : IMAP_STATE_AUTHENTICATED;
}

static void lose(struct imap_session *s) WAITS {
    if (s->end != DOOR_END_NONE)
        return;
    if (stream_error(s->c.stream) == 0)
        imap_say(&s->c, S("*"), "BYE", NULL, "the mailbox cannot be reached any more, closing");
    s->end = DOOR_END_DISMISSED;
}

/* ------------------------------------------------------------------ handing on */

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
static int add_command(const struct imap_session *s, struct buf *to) {
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
static int hear_of_literal(struct hearing *h) WAITS {
    int r = 0;
    while (r == 0 && !h->done && (h->pluses > 0 || h->inside))
        r = hear_some(h);
    return r;
}

static void end_by(struct imap_session *s, int error) WAITS {
    if (s->end == DOOR_END_NONE)
        imap_end_by(s, error);
}

/* What is still to come of a command that was answered is not read as commands. */
static void drop_rest(struct imap_session *s) WAITS {
    int r = imap_reader_refuse(&s->c.reader);
    if (r == -E_REFUSED) {
        imap_say(&s->c, S("*"), "BYE", NULL,
                 "a message came with a command that was refused, closing");
        s->end = DOOR_END_DISMISSED;
    } else if (r < 0) {
        end_by(s, r);
    }
}

/* The next literal of a message. 1: there is another one; 0: there is none, or the session ends. */
static int hand_on_literal(struct hearing *h) WAITS {
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
        end_by(s, next);
    else if (r->wrong)
        lose(s);
    else
        return next;
    return 0;
}

/*
 * APPEND and REPLACE, of which the reader has read up to the octets of the first literal that is
 * not held. 0: the visit was heard up to its mark, or the session ends.
 */
static int hand_on_message(struct hearing *h) WAITS {
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
            drop_rest(s);
            return 0;
        }
        more = hand_on_literal(h);
    }
    if (more < 0 || s->end != DOOR_END_NONE)
        return more;
    stream_write(h->v->stream, imap_reader_text(r).bytes);
    stream_str(h->v->stream, "\r\n");
    return hear(h);
}

static int hand_on_plain(struct hearing *h, const struct imap_command *command) WAITS {
    struct imap_session *s = h->s;
    _cleanup_(buf_done) struct buf text = {0};
    if (add_command(s, &text) < 0) {
        if (imap_bad(&s->c, command->tag, "expected no NUL beside a long set") < 0)
            s->end = DOOR_END_DISMISSED;
        return 0;
    }
    buf_add_str(&text, "\r\n");
    h->pluses = s->c.reader.waited;
    stream_write(h->v->stream, buf_slice(&text));
    return hear(h);
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
static int tell_until_input(struct hearing *h, struct listener *l) WAITS {
    for (;;) {
        int r = stream_fill_or_nudge(l->client);
        if (r != -EINTR)
            return r;
        if (!l->heard)
            continue;
        r = l->error;
        while (r == 0 && !h->done && stream_has_input(l->from))
            r = hear_some(h);
        if (r < 0)
            return r == stream_error(l->client) ? r : -EPIPE;
        if (h->done) /* IDLE was refused */
            return -EALREADY;
        l->heard = false;
        fiber_cond_wake_all(&l->taken);
    }
}

/* The time-outs are the visit's, and it keeps the connection alive. */
static int hand_on_idle(struct hearing *h, const struct imap_command *command) WAITS {
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
    stream_set_timeout(s->c.stream, USEC_NEVER);
    r = tell_until_input(h, &l);
    stream_set_timeout(s->c.stream, s->timeout);
    fiber_cancel(fiber);
    fiber_join(fiber);
    if (r == -EALREADY)
        return 0;
    if (r == 0)
        r = imap_reader_line(&s->c.reader, 1024, &line);
    if (r == -EPIPE)
        return r;
    if (r < 0) {
        end_by(s, r);
        return 0;
    }
    stream_write(h->v->stream, line);
    stream_str(h->v->stream, "\r\n");
    return hear(h);
}

/* ------------------------------------------------------------------ commands */

/* A command at a visit. It is over when the client has been answered, or the session ends. */
static void run_at(struct imap_session *s, struct imap_visit *v,
                   const struct imap_command *command) WAITS {
    struct hearing h = {.s = s, .v = v};
    int r;
    if (imap_brings_message(command))
        r = hand_on_message(&h);
    else if (command->verb == IMAP_IDLE)
        r = hand_on_idle(&h, command);
    else
        r = hand_on_plain(&h, command);
    if (r == 0)
        return;
    if (r == -ECANCELED)
        end_by(s, r);
    else if (h.bye)
        s->end = DOOR_END_DISMISSED;
    else if (v == s->visit || h.said || imap_brings_message(command) || stream_error(s->c.stream))
        lose(s);
    else
        imap_no(s, command, r);
}

/* Which mailbox a command is about, if not the one that is selected. */
static struct slice path_of(const struct imap_command *command) {
    switch (command->verb) {
    case IMAP_APPEND:
        return command->append.mailbox;
    case IMAP_CREATE:
        return command->create.mailbox;
    case IMAP_DELETE:
    case IMAP_GETACL:
    case IMAP_GETQUOTAROOT:
    case IMAP_MYRIGHTS:
        return command->name;
    case IMAP_DELETEACL:
    case IMAP_LISTRIGHTS:
    case IMAP_SETACL:
        return command->acl.mailbox;
    case IMAP_EXAMINE:
    case IMAP_SELECT:
        return command->select.mailbox;
    case IMAP_GETMETADATA:
    case IMAP_SETMETADATA:
        return command->metadata.mailbox;
    case IMAP_RENAME:
        return command->rename.from;
    case IMAP_STATUS:
        return command->status.mailbox;
    default:
        return S("");
    }
}

/* ESEARCH may be about others, too: those are the user's own (RFC 7377 §2.2). */
static bool searches_selected(const struct imap_command *command) {
    bool selected = command->verb == IMAP_ESEARCH;
    for (size_t i = 0; selected && i < command->search.source_count; i++)
        selected = command->search.sources[i].kind == IMAP_SOURCE_SELECTED;
    return selected;
}

static bool is_of_selected(const struct imap_command *command) {
    return searches_selected(command) || imap_verb_states(command->verb) == IMAP_STATE_SELECTED ||
           command->verb == IMAP_NOOP || command->verb == IMAP_IDLE;
}

static void take_nothing(void *arg, struct slice line) {
    (void)arg;
    (void)line;
}

static bool is_at(const struct imap_visit *v, struct slice owner) {
    return v && slice_eq_nocase(owner, slice_of_str(v->owner));
}

/* An owner who shares nothing with him is as one who does not exist. */
static bool refuse(struct imap_session *s, const struct imap_command *command, int error) WAITS {
    if (error == -E_UNKNOWN)
        return false;
    if (error == -ECANCELED)
        end_by(s, error);
    imap_no(s, command, error);
    if (imap_brings_message(command) && s->end == DOOR_END_NONE)
        drop_rest(s);
    return true;
}

/* What an ENABLE of the client enables at a visit that stays, or which LANGUAGE it is to speak. */
static void adapt_there(struct imap_session *s) WAITS {
    struct hearing h = {.s = s, .v = s->visit, .line = take_nothing};
    _cleanup_(buf_done) struct buf text = {0};
    if (add_command(s, &text) < 0)
        return;
    buf_add_str(&text, "\r\n");
    stream_write(s->visit->stream, buf_slice(&text));
    if (hear(&h) < 0)
        lose(s);
}

/* SELECT and EXAMINE: what was selected before is so no more, whatever becomes of the command. */
static bool select_there(struct imap_session *s, const struct imap_command *command,
                         struct slice owner) WAITS {
    struct imap_visit *v = NULL;
    if (owner.len > 0 && is_at(s->visit, owner)) {
        run_at(s, s->visit, command);
        return true;
    }
    int error = owner.len > 0 ? begin(s, owner, &v) : -E_UNKNOWN;
    if (s->visit || (s->selected && error != -E_UNKNOWN))
        imap_say(&s->c, S("*"), "OK", "CLOSED", "the mailbox before is closed");
    if (error != -E_UNKNOWN)
        imap_unselect(s);
    leave(s);
    if (error)
        return refuse(s, command, error);
    s->visit = v;
    run_at(s, v, command);
    return true;
}

/* A command that leaves the selected mailbox selected, or is about it. */
static bool run_there(struct imap_session *s, const struct imap_command *command,
                      struct slice owner) WAITS {
    struct imap_visit *v = NULL;
    if (s->visit && (is_of_selected(command) || is_at(s->visit, owner))) {
        run_at(s, s->visit, command);
        return true;
    }
    if (s->visit && (command->verb == IMAP_ENABLE || command->verb == IMAP_LANGUAGE))
        adapt_there(s);
    if (owner.len == 0)
        return false;
    int error = begin(s, owner, &v);
    if (error)
        return refuse(s, command, error);
    run_at(s, v, command);
    imap_visit_end(v);
    return true;
}

bool imap_visit_command(struct imap_session *s, const struct imap_command *command) {
    struct slice owner = S(""), rest;
    bool done;
    if (imap_visits(s) || !s->config->others)
        return false;
    (void)imap_owner_of_path(path_of(command), &owner, &rest);
    if (command->verb == IMAP_SELECT || command->verb == IMAP_EXAMINE)
        done = select_there(s, command, owner);
    else
        done = run_there(s, command, owner);
    if (s->visit && !s->visit->selected)
        leave(s);
    else if (s->visit)
        s->c.mode.state = IMAP_STATE_SELECTED;
    return done;
}

/* ------------------------------------------------------------------ LIST */

struct listing {
    struct imap_session *s;
    void (*each)(void *arg, struct slice path);
    void *arg;
};

/* * LIST (\HasNoChildren) "/" "Other Users/..." */
static void take_listed(void *arg, struct slice line) {
    struct listing *l = arg;
    struct imap_cursor c;
    struct slice path;
    ssize_t at = slice_find(line, S(") \"/\" "));
    if (!slice_starts(line, S("* LIST (")) || at < 0)
        return;
    struct imap_text name = {.bytes = slice_trim_lines(slice_from(line, (size_t)at + 6))};
    token_begin(&c, &name, &l->s->c.arena);
    c.utf8_names = l->s->c.mode.utf8_names;
    if (token_mailbox(&c, &path))
        l->each(l->arg, arena_copy(&l->s->c.arena, path));
}

int imap_visit_list(struct imap_session *s, struct slice owner,
                    void (*each)(void *arg, struct slice path), void *arg) {
    struct listing l = {s, each, arg};
    struct imap_visit *v;
    int r = begin(s, owner, &v);
    if (r < 0)
        return r;
    struct hearing h = {.s = s, .v = v, .line = take_listed, .arg = &l};
    stream_str(v->stream, "l LIST \"\" *\r\n");
    r = hear(&h);
    imap_visit_end(v);
    return r;
}

/* Of the answer to a command of our own the client gets what it says of the mailbox. Its tag is the
 * beginning of the mark: begin_line() drops the rest. */
static int ask(struct imap_session *s, struct imap_visit *v, struct slice command) WAITS {
    struct hearing h = {.s = s, .v = v};
    stream_printf(v->stream, "%.*s ", (int)IMAP_MARK_HEX, v->terms.mark);
    stream_write(v->stream, command);
    return hear(&h);
}

void imap_visit_tell(struct imap_session *s, struct imap_visit **at, struct slice path,
                     unsigned items, bool rights) {
    _cleanup_(buf_done) struct buf text = {0};
    struct slice owner, rest;
    struct imap_writer w = {
        .to = &text, .utf8 = s->c.writer.utf8, .utf8_names = s->c.writer.utf8_names};
    if ((items == 0 && !rights) || !imap_owner_of_path(path, &owner, &rest))
        return;
    if (!is_at(*at, owner)) {
        imap_visit_end(TAKE_PTR(*at));
        if (begin(s, owner, at) < 0)
            return;
    }
    imap_send(&s->c); /* what was said before comes first */
    int r = 0;
    if (items) {
        imap_write_begin(&w, S("STATUS"));
        imap_write_mailbox(&w, path);
        imap_write_open(&w);
        for (unsigned item = 1; item <= items; item <<= 1)
            if (items & item)
                imap_write_word(&w, imap_status_name((enum imap_status_item)item));
        imap_write_close(&w);
        imap_write_end(&w);
        r = ask(s, *at, buf_slice(&text));
        buf_clear(&text);
    }
    if (rights && r == 0) {
        imap_write_begin(&w, S("MYRIGHTS"));
        imap_write_mailbox(&w, path);
        imap_write_end(&w);
        r = ask(s, *at, buf_slice(&text));
    }
    if (r < 0)
        lose(s);
}
