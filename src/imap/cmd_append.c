/* SPDX-License-Identifier: ISC */
/*
 * APPEND (RFC 9051 §6.3.12), with APPENDUID, and TEXT of CATENATE (RFC 4469).
 *
 * What a literal announces is judged before the client is asked for it: the size of the message,
 * the room in the mailbox, on the disk, and beside what else comes for the account. The octets go
 * to the store as they come, which holds few of them in memory (store/incoming.h). When they cannot
 * be taken the rest of the literal is read all the same, and the answer comes behind it.
 *
 * Lines end with CRLF in what is stored, however they came: sizes and offsets are counted from
 * that.
 */
#include "imap/rights.h"

#include <errno.h>

#include "store/incoming.h"

/* For other messages of the account to come to their end. */
#define PLACE_PATIENCE (45 * USEC_SEC)

/* So many octets have so long to come: 200 bytes in a second. */
#define PACE_OCTETS 65536U
#define PACE_TIME   (5 * USEC_MIN)

struct append {
    struct store_mailbox mailbox;
    struct imap_append_place place;
    struct imap_append_part message; /* flags and date */
    struct store_incoming incoming;
    bool after_cr;
    int failed; /* it cannot be taken: -EFBIG, too large, or an error of the store */
};

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
    if (lines.len > s->config->message_max - a->incoming.len)
        return -EFBIG;
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
    stream_set_timeout(s->c.stream, s->config->timeout);
    return r;
}

static int take_literal(struct imap_session *s, struct append *a, uint64_t size) WAITS {
    if (size > s->config->message_max - a->incoming.len)
        a->failed = -EFBIG;
    else
        a->failed = store_incoming_announce(&a->incoming, size, imap_quota(s),
                                            fiber_now() + PLACE_PATIENCE);
    return a->failed ? 0 : read_octets(s, a, size);
}

static int store_message(struct imap_session *s, struct append *a,
                         struct store_delivered *ret) WAITS {
    const struct imap_flags *flags = &a->message.flags;
    struct imap_store as_store = {.change = IMAP_STORE_ADD, .flags = *flags};
    struct store_flags f = imap_flags_change(&as_store);
    (void)imap_flags_within(&f, imap_rights(s, a->mailbox.id));
    struct store_delivery d = {
        .mailbox = a->mailbox.id,
        .arrival = a->message.has_date ? a->message.date.at : 0,
        .flags = f.add,
        .keywords = f.add_keywords,
        .keyword_count = f.add_keyword_count,
        .quota = imap_quota(s),
    };
    return store_incoming_deliver(&a->incoming, &d, ret);
}

/*
 * Reads the one message of the command, or up to where it has failed. -E_SYNTAX and -E_UNKNOWN,
 * with the problem; errors of streams. Whatever is still to come of a command that is refused is
 * dropped by the caller.
 */
static int read_message(struct imap_session *s, struct append *a, struct problem *problem) WAITS {
    bool whole = false;
    while (!a->failed) {
        struct imap_append_part part;
        int r = imap_append_next(&a->place, &s->c.reader, s->c.mode, &s->c.arena, &part, problem);
        if (r < 0)
            return r;
        switch (part.kind) {
        case IMAP_APPEND_MESSAGE:
            if (whole)
                return problem_set(problem, -E_SYNTAX,
                                   "expected the end of the command: one message "
                                   "comes with each APPEND");
            a->message = part;
            break;
        case IMAP_APPEND_OCTETS:
            r = take_literal(s, a, part.literal.size);
            if (r < 0)
                return r;
            whole = true;
            break;
        case IMAP_APPEND_URL:
            return problem_set(problem, -E_SYNTAX, "expected a literal: URLs are not taken here");
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

static void refuse_for(struct imap_session *s, const struct imap_command *command,
                       int error) WAITS {
    if (error == -ECANCELED) {
        imap_end_by(s, error);
    } else if (error == -EFBIG) {
        refuse(s, command, "TOOBIG", "the message is larger than is taken here");
    } else if (error == -E_BUSY) {
        refuse(s, command, "LIMIT", "too many messages are being stored at once, try again later");
    } else {
        imap_no(s, command, error);
        drop_rest(s);
    }
}

static void tell_appended(struct imap_session *s, const struct imap_command *command,
                          const struct append *a, uint32_t uid) WAITS {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, command->tag);
    imap_write_word(w, "OK");
    imap_write_code(w, "APPENDUID");
    imap_write_number(w, a->mailbox.uidvalidity);
    imap_write_number(w, uid);
    imap_write_code_end(w);
    imap_write_text(w, S("stored"));
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_do_append(struct imap_session *s, const struct imap_command *command) {
    struct append a = {.place = {.at = command->append.at}};
    struct store_delivered stored;
    struct problem problem = {0};
    int r = imap_find_allowed(s, command->append.mailbox, STORE_RIGHT_INSERT, &a.mailbox);
    if (r < 0) {
        refuse(s, command, r == -EACCES ? "NOPERM" : "TRYCREATE",
               r == -EACCES ? "the rights that you have there do not allow it"
                            : "there is no mailbox of that name");
        return;
    }
    store_incoming_init(&a.incoming, s->account);
    r = read_message(s, &a, &problem);
    if (r == -E_SYNTAX || r == -E_UNKNOWN) {
        if (imap_bad(&s->c, command->tag, "%s", problem.text) < 0)
            s->end = DOOR_END_DISMISSED;
        drop_rest(s);
    } else if (r < 0) {
        imap_end_by(s, r);
    } else if (a.failed) {
        refuse_for(s, command, a.failed);
    } else if ((r = store_message(s, &a, &stored)) < 0) {
        imap_no(s, command, r);
    } else {
        s->counts.appended++;
        if (s->selected && imap_look(s) == 0)
            imap_tell(s, 0, 0);
        tell_appended(s, command, &a, stored.uid);
    }
    store_incoming_done(&a.incoming);
}
