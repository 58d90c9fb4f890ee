/* SPDX-License-Identifier: ISC */
/*
 * APPEND (RFC 9051 §6.3.12), with APPENDUID, CATENATE (RFC 4469) and several messages (RFC 3502),
 * of which all are stored or none; and REPLACE (RFC 8508), which removes the old message when the
 * new one is durable: whatever dies between, none is lost.
 *
 * What a literal announces is judged before the client is asked for it: the size of the message,
 * the room in the mailbox, on the disk, and beside what else comes for the account. The octets go
 * to the store as they come, which holds few of them in memory (store/incoming.h). When they cannot
 * be taken the rest of the literal is read all the same, and the answer comes behind it.
 *
 * Lines end with CRLF in what is stored, however they came: sizes and offsets are counted from
 * that.
 */
#include <errno.h>

#include "base/alloc.h"
#include "imap/fetch/quoted.h"
#include "imap/limit.h"
#include "imap/rights.h"
#include "imap/vanished.h"
#include "store/incoming.h"

/* For other messages of the account to come to their end. */
#define PLACE_PATIENCE (45 * USEC_SEC)

/* So many octets have so long to come: 200 bytes in a second. */
#define PACE_OCTETS 65536U
#define PACE_TIME   (5 * USEC_MIN)

#define SHOWN_OF_URL 1000U

/* What a command may take of the session's memory: flags and URLs of many messages, say. */
#define ARENA_MOST (4U << 20)

struct message {
    struct imap_append_part part; /* flags and date */
    uint64_t at;                  /* where it begins in what comes */
};

struct append {
    struct store_mailbox mailbox;
    struct imap_append_place place;
    struct buf messages; /* struct message */
    size_t count;        /* of them */
    struct store_incoming incoming;
    bool after_cr;
    /* It cannot be taken: -EFBIG, a message is too large, -E2BIG, all are together, -EINVAL, the
     * client has given it up, -EBADMSG, a URL, -EMSGSIZE, there are too many (limit.h), or one of
     * the store's. */
    int failed;
    struct slice bad_url;
};

static struct message *message_at(const struct append *a, size_t i) {
    return (struct message *)(void *)a->messages.ptr + i;
}

/* Octets that the message which is coming may have yet. */
static uint64_t octets_left(const struct imap_session *s, const struct append *a) {
    return s->config->message_max - (a->incoming.len - message_at(a, a->count - 1)->at);
}

/* Whether so many octets more are too many for messages that are stored together. */
static bool is_too_much(const struct append *a, uint64_t octets) {
    return a->count > 1 && a->incoming.len + octets > STORE_TOGETHER_BYTES;
}

static void begin_message(const struct imap_session *s, struct append *a,
                          const struct imap_append_part *part) {
    const struct message m = {*part, a->incoming.len};
    if (s->config->messages_max > 0 && a->count == s->config->messages_max) {
        a->failed = -EMSGSIZE;
        return;
    }
    if (a->count == STORE_TOGETHER_MAX || s->c.arena.total > ARENA_MOST) {
        a->failed = -E2BIG;
        return;
    }
    buf_add_bytes(&a->messages, &m, sizeof m);
    a->count++;
    a->after_cr = false;
}

/* Octets as they come become lines with CRLF. */
static int add_octets(struct imap_session *s, struct append *a, struct slice octets) WAITS {
    _cleanup_(buf_done) struct buf lines = {0};
    buf_reserve(&lines, octets.len + octets.len / 16);
    while (octets.len > 0) {
        ssize_t at = slice_find_byte(octets, '\n');
        struct slice line = at < 0 ? octets : slice_first(octets, (size_t)at);
        buf_add(&lines, line);
        if (line.len > 0)
            a->after_cr = line.ptr[line.len - 1] == '\r';
        octets = slice_from(octets, at < 0 ? octets.len : (size_t)at + 1);
        if (at < 0)
            break;
        if (!a->after_cr)
            buf_add_byte(&lines, '\r');
        buf_add_byte(&lines, '\n');
        a->after_cr = false;
    }
    if (lines.len > octets_left(s, a))
        return -EFBIG;
    if (is_too_much(a, lines.len))
        return -E2BIG;
    return store_incoming_add(&a->incoming, buf_slice(&lines));
}

/* All octets of a literal; those that cannot be taken are dropped. */
static int read_octets(struct imap_session *s, struct append *a, uint64_t size) WAITS {
    int r = imap_reader_hand_on(&s->c.reader);
    usec_t pace = MIN(PACE_TIME, s->config->timeout), until = fiber_now() + pace;
    size_t come = 0;
    while (r == 0 && size > 0) {
        stream_set_timeout(s->c.stream, until - MIN(until, fiber_now()));
        r = stream_fill(s->c.stream, 1);
        if (r < 0)
            break;
        struct slice piece = stream_window(s->c.stream);
        piece.len = (size_t)MIN((uint64_t)piece.len, size);
        if (!a->failed)
            a->failed = add_octets(s, a, piece);
        stream_consume(s->c.stream, piece.len);
        size -= piece.len;
        come += piece.len;
        if (come >= PACE_OCTETS) {
            until = fiber_now() + pace;
            come = 0;
        }
    }
    stream_set_timeout(s->c.stream, s->timeout);
    return r;
}

static int take_literal(struct imap_session *s, struct append *a, uint64_t size) WAITS {
    const bool whole = a->place.in != IMAP_APPEND_IN_CATENATE;
    if (size > octets_left(s, a))
        a->failed = -EFBIG;
    else if (is_too_much(a, size))
        a->failed = -E2BIG;
    else if (size == 0 && whole && a->count > 1)
        a->failed = -EINVAL; /* RFC 3502: how a client gives it up */
    else
        a->failed = store_incoming_announce(&a->incoming, size, imap_quota(s),
                                            fiber_now() + PLACE_PATIENCE);
    return a->failed ? 0 : read_octets(s, a, size);
}

struct quoting {
    struct imap_session *session;
    struct append *append;
};

static int take_quoted(void *arg, struct slice octets) WAITS {
    const struct quoting *q = arg;
    struct append *a = q->append;
    a->failed = store_incoming_announce(&a->incoming, octets.len, imap_quota(q->session),
                                        fiber_now() + PLACE_PATIENCE);
    if (!a->failed)
        a->failed = add_octets(q->session, a, octets);
    return a->failed;
}

static void take_url(struct imap_session *s, struct append *a, struct slice text) WAITS {
    struct imap_url url;
    if (s->c.arena.total > ARENA_MOST) {
        a->failed = -E2BIG;
        return;
    }
    int r = imap_url_parse(text, &s->c.arena, &url);
    if (r == 0)
        r = imap_quote(s, &url, &(struct imap_quoting){&(struct quoting){s, a}, NULL, take_quoted});
    if (a->failed || r == 0)
        return;
    a->failed = r == -E_SYNTAX || r == -E_UNKNOWN ? -EBADMSG : r;
    a->bad_url = text;
}

/* What the store is told of a message, but for its bytes. */
static struct store_delivery delivery_of(const struct imap_session *s, const struct append *a,
                                         size_t i) {
    const struct message *m = message_at(a, i);
    const uint64_t end = i + 1 < a->count ? message_at(a, i + 1)->at : a->incoming.len;
    struct imap_store as_store = {.change = IMAP_STORE_ADD, .flags = m->part.flags};
    struct store_flags f = imap_flags_change(&as_store);
    (void)imap_flags_within(&f, imap_rights(s, a->mailbox.id));
    return (struct store_delivery){
        .mailbox = a->mailbox.id,
        .arrival = m->part.has_date ? m->part.date.at : 0,
        .flags = f.add,
        .keywords = f.add_keywords,
        .keyword_count = f.add_keyword_count,
        .quota = imap_quota(s),
        .offset = m->at,
        .len = end - m->at,
    };
}

/* The UID of the first; those of the others follow. */
static int store_messages(struct imap_session *s, struct append *a, uint32_t *ret_uid) WAITS {
    _cleanup_(free_p) struct store_delivery *d = mem_array(a->count, sizeof *d);
    _cleanup_(free_p) struct store_delivered *stored = mem_array(a->count, sizeof *stored);
    for (size_t i = 0; i < a->count; i++) {
        d[i] = delivery_of(s, a, i);
        (void)fiber_yield_if_long();
    }
    int error = store_incoming_deliver_all(&a->incoming, d, a->count, stored);
    if (!error)
        *ret_uid = stored->uid;
    return error;
}

/*
 * Reads the messages of the command, or up to where it has failed. -E_SYNTAX and -E_UNKNOWN, with
 * the problem; errors of streams. Whatever is still to come of a command that is refused is dropped
 * by the caller.
 */
static int read_messages(struct imap_session *s, struct append *a, struct problem *problem) WAITS {
    while (!a->failed) {
        struct imap_append_part part;
        int r = imap_append_next(&a->place, &s->c.reader, s->c.mode, &s->c.arena, &part, problem);
        if (r < 0)
            return r;
        switch (part.kind) {
        case IMAP_APPEND_MESSAGE:
            begin_message(s, a, &part);
            break;
        case IMAP_APPEND_OCTETS:
            r = take_literal(s, a, part.literal.size);
            if (r < 0)
                return r;
            break;
        case IMAP_APPEND_URL:
            take_url(s, a, part.url);
            break;
        case IMAP_APPEND_END:
            return 0;
        }
    }
    return 0;
}

/* What is still to come of a command that was answered is not read as commands. */
static void drop_rest(struct imap_session *s) WAITS {
    if (s->end != DOOR_END_NONE)
        return;
    int r = imap_reader_refuse(&s->c.reader);
    if (r == -E_REFUSED) {
        imap_say(&s->c, S("*"), "BYE", NULL,
                 "a message came with a command that was refused, closing");
        s->end = DOOR_END_DISMISSED;
    } else if (r < 0) {
        imap_end_by(s, r);
    }
}

static void refuse(struct imap_session *s, const struct imap_command *command, const char *code,
                   const char *text) WAITS {
    imap_say(&s->c, command->tag, "NO", code, "%s", text);
    drop_rest(s);
}

static void refuse_rights(struct imap_session *s, const struct imap_command *command) WAITS {
    refuse(s, command, "NOPERM", "the rights that you have there do not allow it");
}

/* RFC 4469 §3. A long one is cut: a code has no literals. */
static void refuse_url(struct imap_session *s, struct slice tag, struct slice url) WAITS {
    struct imap_writer *w = &s->c.writer;
    url = slice_first(url, SHOWN_OF_URL);
    char *shown = arena_array(&s->c.arena, url.len, 1);
    for (size_t i = 0; i < url.len; i++) /* what may stand in a response code */
        shown[i] = url.ptr[i] >= ' ' && url.ptr[i] < 127 && url.ptr[i] != ']' ? url.ptr[i] : '?';
    imap_write_begin(w, tag);
    imap_write_word(w, "NO");
    imap_write_code(w, "BADURL");
    imap_write_string(w, slice_of(shown, url.len));
    imap_write_code_end(w);
    imap_write_text(w, S("there is no such message or part, or that is no URL of one here"));
    imap_write_end(w);
    imap_send(&s->c);
    drop_rest(s);
}

static void refuse_for(struct imap_session *s, const struct imap_command *command,
                       const struct append *a) WAITS {
    const int error = a->failed;
    if (error == -ECANCELED) {
        imap_end_by(s, error);
    } else if (error == -EBADMSG) {
        refuse_url(s, command->tag, a->bad_url);
    } else if (error == -EFBIG) {
        refuse(s, command, "TOOBIG", "the message is larger than is taken here");
    } else if (error == -E2BIG) {
        refuse(s, command, "LIMIT", "this is more than is taken with one command");
    } else if (error == -EINVAL) {
        refuse(s, command, NULL, "given up: a message without octets has come, none was stored");
    } else if (error == -EMSGSIZE) {
        imap_no_limited(s, command, 0);
        drop_rest(s);
    } else if (error == -E_BUSY) {
        refuse(s, command, "LIMIT", "too many messages are being stored at once, try again later");
    } else {
        imap_no(s, command, error);
        drop_rest(s);
    }
}

static void tell_appended(struct imap_session *s, struct slice tag, const struct append *a,
                          uint32_t uid) WAITS {
    struct imap_writer *w = &s->c.writer;
    const struct imap_range uids = {uid, uid + (uint32_t)a->count - 1};
    imap_write_begin(w, tag);
    imap_write_word(w, "OK");
    imap_write_code(w, "APPENDUID");
    imap_write_number(w, a->mailbox.uidvalidity);
    imap_write_set(w, &(struct imap_set){.ranges = &uids, .count = 1});
    imap_write_code_end(w);
    imap_write_text(w, S("stored"));
    imap_write_end(w);
    imap_send(&s->c);
}

/* RFC 8508 §3: the old one goes. */
static void remove_replaced(struct imap_session *s, const struct imap_command *command,
                            uint32_t uid) WAITS {
    _cleanup_(buf_done) struct buf gone = {0};
    size_t removed;
    int error = store_expunge(s->account, s->told.mailbox, &uid, 1, &removed);
    buf_add_bytes(&gone, &uid, sizeof uid);
    if (!error && removed > 0)
        imap_note_gone(s, &gone, S(""));
    if (!error)
        error = imap_look(s);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    s->counts.removed += removed;
    imap_tell(s, IMAP_TELL_EXPUNGES | IMAP_TELL_REMOVED, 0);
    imap_ok_removed(s, command, removed > 0, "replaced");
}

static void finish(struct imap_session *s, const struct imap_command *command, struct append *a,
                   uint32_t replaced) WAITS {
    uint32_t uid;
    int error = imap_may(s, a->mailbox.id, STORE_RIGHT_INSERT); /* it may have come for hours */
    if (!error)
        error = store_messages(s, a, &uid);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    s->counts.appended += a->count;
    imap_note_own(s, a->mailbox.id, uid, uid + (uint32_t)a->count - 1);
    if (replaced > 0) {
        tell_appended(s, S("*"), a, uid);
        remove_replaced(s, command, replaced);
        return;
    }
    if (s->selected && imap_look(s) == 0)
        imap_tell(s, 0, 0);
    tell_appended(s, command->tag, a, uid);
}

/* The message that REPLACE names; false: the client was told that it cannot be. */
static bool find_replaced(struct imap_session *s, const struct imap_command *command,
                          uint32_t *ret_uid) WAITS {
    const uint32_t n = command->append.replaced;
    *ret_uid = 0;
    if (command->uid)
        *ret_uid = told_has(&s->told, n) ? n : 0;
    else if (n <= told_count(&s->told))
        *ret_uid = told_uid(&s->told, n);
    if (!command->uid && s->enabled & IMAP_ENABLED_UIDONLY) {
        imap_say(&s->c, command->tag, "BAD", "UIDREQUIRED", "UIDONLY is enabled: a UID is needed");
        drop_rest(s);
        return false;
    }
    if (s->read_only)
        refuse(s, command, "READ-ONLY", "the mailbox was selected to be read");
    else if (imap_may(s, s->told.mailbox, STORE_RIGHT_DELETE_MESSAGES | STORE_RIGHT_EXPUNGE) < 0)
        refuse_rights(s, command);
    else if (*ret_uid == 0)
        refuse(s, command, NULL, "there is no such message");
    else
        return true;
    return false;
}

void imap_do_append(struct imap_session *s, const struct imap_command *command) {
    const bool replaces = command->verb == IMAP_REPLACE;
    struct append a = {.place = {.at = command->append.at, .one = replaces}};
    struct problem problem = {0};
    uint32_t replaced = 0;
    if (replaces && !find_replaced(s, command, &replaced))
        return;
    int r = imap_find_allowed(s, command->append.mailbox, STORE_RIGHT_INSERT, &a.mailbox);
    if (r == -EACCES) {
        refuse_rights(s, command);
        return;
    }
    if (r < 0) {
        refuse(s, command, "TRYCREATE", "there is no mailbox of that name");
        return;
    }
    store_incoming_init(&a.incoming, s->account);
    r = read_messages(s, &a, &problem);
    if (r == -E_SYNTAX || r == -E_UNKNOWN) {
        if (imap_bad(&s->c, command->tag, "%s", problem.text) < 0)
            s->end = DOOR_END_DISMISSED;
        drop_rest(s);
    } else if (r < 0) {
        imap_end_by(s, r);
    } else if (a.failed) {
        refuse_for(s, command, &a);
    } else {
        finish(s, command, &a, replaced);
    }
    store_incoming_done(&a.incoming);
    buf_done(&a.messages);
}
