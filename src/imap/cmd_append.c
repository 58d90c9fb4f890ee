/* SPDX-License-Identifier: ISC */
/*
 * APPEND (RFC 9051 §6.3.12), with APPENDUID.
 *
 * Lines end with CRLF in what is stored, however they came: sizes and offsets are counted from
 * that. The octets are held in memory as a whole, bounded by twice the largest message: before each
 * LF a CR may have to be put in.
 */
#include "base/alloc.h"
#include "imap/session_inside.h"

struct append {
    struct store_mailbox mailbox;
    struct imap_append_place place;
    struct imap_append_part message; /* flags and date of the present one */
    struct buf octets;
    bool after_cr;
};

/* Octets as they come become lines with CRLF. */
static void add_octets(struct append *a, struct slice octets) {
    while (octets.len > 0) {
        ssize_t at = slice_find_byte(octets, '\n');
        struct slice line = at < 0 ? octets : slice_first(octets, (size_t)at);
        buf_add(&a->octets, line);
        if (line.len > 0)
            a->after_cr = line.ptr[line.len - 1] == '\r';
        octets = slice_from(octets, at < 0 ? octets.len : (size_t)at + 1);
        if (at < 0)
            break;
        if (!a->after_cr)
            buf_add_byte(&a->octets, '\r');
        buf_add_byte(&a->octets, '\n');
        a->after_cr = false;
    }
}

static int read_octets(struct imap_session *s, struct append *a, uint64_t size) WAITS {
    int r = imap_reader_hand_on(&s->c.reader);
    while (r == 0 && size > 0) {
        r = stream_fill(s->c.stream, 1);
        if (r < 0)
            break;
        struct slice piece = stream_window(s->c.stream);
        piece.len = (size_t)MIN((uint64_t)piece.len, size);
        add_octets(a, piece);
        stream_consume(s->c.stream, piece.len);
        size -= piece.len;
    }
    return r;
}

static int store_message(struct imap_session *s, struct append *a,
                         struct store_delivered *ret) WAITS {
    const struct imap_flags *flags = &a->message.flags;
    struct imap_store as_store = {.change = IMAP_STORE_ADD, .flags = *flags};
    struct store_flags f = imap_flags_change(&as_store);
    struct slice octets = buf_slice(&a->octets);
    struct store_delivery d = {
        .mailbox = a->mailbox.id,
        .arrival = a->message.has_date ? a->message.date.at : 0,
        .flags = f.add,
        .keywords = f.add_keywords,
        .keyword_count = f.add_keyword_count,
        .quota = s->config->quota,
        .parts = &octets,
        .part_count = 1,
    };
    return store_deliver(s->store, store_account_id(s->account), &d, ret);
}

/*
 * Reads the one message of the command. 0; -E_LIMIT: it is too large; -E_SYNTAX, with the problem.
 * Whatever is still to come of a command that is refused is dropped by the caller.
 */
static int read_message(struct imap_session *s, struct append *a, struct problem *problem) WAITS {
    bool whole = false;
    for (;;) {
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
            if (part.literal.size > s->config->message_max - a->octets.len)
                return -E_LIMIT;
            r = read_octets(s, a, part.literal.size);
            if (r < 0)
                return r;
            if (a->octets.len > s->config->message_max) /* by the CRs */
                return -E_LIMIT;
            whole = true;
            break;
        case IMAP_APPEND_URL:
            return problem_set(problem, -E_SYNTAX, "expected a literal: URLs are not taken here");
        case IMAP_APPEND_END:
            return 0;
        }
    }
}

/* Answers what cannot be taken, and sees to it that its octets are not read as commands. */
static void refuse(struct imap_session *s, const struct imap_command *command, const char *status,
                   const char *code, const char *text) WAITS {
    imap_say(&s->c, command->tag, status, code, "%s", text);
    int r = imap_reader_refuse(&s->c.reader);
    if (r == -E_REFUSED) {
        imap_say(&s->c, S("*"), "BYE", NULL,
                 "a message came with a command that was refused, closing");
        s->end = DOOR_END_DISMISSED;
    } else if (r < 0) {
        s->end = DOOR_END_LOST;
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
    if (imap_find_mailbox(s->account, command->append.mailbox, &a.mailbox) < 0) {
        refuse(s, command, "NO", "TRYCREATE", "there is no mailbox of that name");
        return;
    }
    int r = read_message(s, &a, &problem);
    if (r == -E_LIMIT) {
        refuse(s, command, "NO", "TOOBIG", "the message is larger than is taken here");
    } else if (r == -E_SYNTAX || r == -E_UNKNOWN) {
        refuse(s, command, "BAD", NULL, problem.text);
    } else if (r < 0) {
        s->end = door_end_of(r);
    } else if ((r = store_message(s, &a, &stored)) < 0) {
        imap_no(s, command, r);
    } else {
        s->counts.appended++;
        if (s->selected && imap_look(s) == 0)
            imap_tell(s, 0, 0);
        tell_appended(s, command, &a, stored.uid);
    }
    buf_done(&a.octets);
}
