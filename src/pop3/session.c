/* SPDX-License-Identifier: ISC */
/*
 * One loop over the commands of this state; each has a function in the table. Marks are a bitmap
 * over the snapshot, and the numbers for STAT are kept as marks come and go.
 *
 * What was read ahead is dropped before the client is waited for, so it never outlives a batch of
 * pipelined commands: a parked session is small, and messages are not held while they may change.
 *
 * QUIT first sends all that is due, and removes only when that worked: a client that is gone before
 * it got its messages keeps them.
 */
#include "pop3/session.h"

#include <errno.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "pop3/message.h"

#define TURN_MARKS 1024U /* that are looked at before the clock is */

const struct pop3_session_config pop3_session_defaults = {
    .timeout = 10 * USEC_MIN,
    .errors_max = 50,
};

struct session {
    struct pop3_connection c;
    const struct pop3_session_config *config;
    struct pop3_sender sender;
    uint8_t *marks; /* a bit for each message; NULL: none is marked */
    uint64_t octets, left_octets;
    size_t left; /* messages without a mark */
    uint64_t fetched, removed;
    int problem;
    enum door_end end;
};

/* No, but nothing is wrong with the command: it does not count as an error. */
static void cannot(struct session *s, const char *text) WAITS {
    pop3_cannot(&s->c, "%s", text);
}

static uint64_t message_size(const struct session *s, size_t at) {
    struct pop3_message message;
    s->sender.ops->message(s->sender.drop, at, &message);
    return message.size;
}

/* ------------------------------------------------------------------ marks */

static bool is_marked(const struct session *s, size_t at) {
    return s->marks && (s->marks[at / 8] >> (at % 8) & 1);
}

static void unmark_all(struct session *s) {
    free(s->marks);
    s->marks = NULL;
    s->left = s->sender.count;
    s->left_octets = s->octets;
}

/* The place of the message that a command names; false when it has been refused. */
static bool find_message(struct session *s, const struct pop3_command *command,
                         size_t *ret_at) WAITS {
    if (command->number == 0 || command->number > s->sender.count) {
        cannot(s, "no such message");
        return false;
    }
    size_t at = command->number - 1;
    if (is_marked(s, at)) {
        cannot(s, "this message is deleted");
        return false;
    }
    *ret_at = at;
    return true;
}

/* ------------------------------------------------------------------ lists */

static void reply_stat(struct session *s, const struct pop3_command *command) WAITS {
    stream_printf(s->c.stream, "+OK %zu %" PRIu64 "\r\n", s->left, s->left_octets);
}

static void add_size(struct session *s, size_t at, struct buf *to) {
    buf_printf(to, "%zu %" PRIu64, at + 1, message_size(s, at));
}

static void add_uidl(struct session *s, size_t at, struct buf *to) {
    buf_printf(to, "%zu ", at + 1);
    s->sender.ops->uidl(s->sender.drop, at, to);
}

static void tell_what_is_left(struct session *s) WAITS {
    pop3_ok(&s->c, "%zu messages (%" PRIu64 " octets)", s->left, s->left_octets);
}

/* LIST and UIDL: a line about one message, or one about each. */
static void reply_list(struct session *s, const struct pop3_command *command) WAITS {
    void (*add)(struct session * s, size_t at, struct buf * to) =
        command->verb == POP3_UIDL ? add_uidl : add_size;
    struct stream *stream = s->c.stream;
    _cleanup_(buf_done) struct buf line = {0};
    size_t at;
    if (command->has_number) {
        if (!find_message(s, command, &at))
            return;
        add(s, at, &line);
        stream_printf(stream, "+OK %s\r\n", buf_str(&line));
        return;
    }
    tell_what_is_left(s);
    for (at = 0; at < s->sender.count && stream_error(stream) == 0; at++) {
        if (is_marked(s, at))
            continue;
        buf_clear(&line);
        add(s, at, &line);
        buf_add_str(&line, "\r\n");
        stream_write(stream, buf_slice(&line));
        (void)fiber_yield_if_long();
    }
    stream_str(stream, ".\r\n");
}

/* ------------------------------------------------------------------ messages */

static void read_failed(struct session *s, int error) WAITS {
    switch (error) {
    case -ETIMEDOUT:
    case -ECANCELED:
        s->end = DOOR_END_LOST;
        break;
    case -E_UNKNOWN:
        cannot(s, "another program has removed this message");
        break;
    case -E_CORRUPT:
    case -EIO:
        cannot(s, "[SYS/PERM] this message is damaged and cannot be read");
        break;
    default:
        cannot(s, "[SYS/TEMP] this message cannot be read just now");
    }
}

static void sent(struct session *s, int result, bool broken) WAITS {
    if (broken)
        s->end = DOOR_END_LOST;
    else if (result < 0)
        read_failed(s, result);
}

/* Commands in the window, counted by their ends. */
static size_t waiting_commands(const struct session *s) {
    struct slice window = stream_window(s->c.stream);
    size_t count = 0;
    ssize_t lf;
    while (count < POP3_READ_MESSAGES && (lf = slice_find_byte(window, '\n')) >= 0) {
        window = slice_from(window, (size_t)lf + 1);
        count++;
    }
    return count;
}

static void reply_retr(struct session *s, const struct pop3_command *command) WAITS {
    size_t at;
    bool broken = false;
    if (!find_message(s, command, &at))
        return;
    int r = pop3_send_whole(&s->sender, at, waiting_commands(s), &broken);
    s->fetched += r == 0;
    sent(s, r, broken);
}

static void reply_top(struct session *s, const struct pop3_command *command) WAITS {
    size_t at;
    bool broken = false;
    if (!find_message(s, command, &at))
        return;
    int r = pop3_send_top(&s->sender, at, command->lines, &broken);
    sent(s, r, broken);
}

static void reply_dele(struct session *s, const struct pop3_command *command) WAITS {
    size_t at;
    if (!find_message(s, command, &at))
        return;
    if (!s->marks)
        s->marks = mem_zero((s->sender.count + 7) / 8);
    s->marks[at / 8] = (uint8_t)(s->marks[at / 8] | 1U << (at % 8));
    s->left--;
    s->left_octets -= message_size(s, at);
    pop3_ok(&s->c, "message %zu deleted", at + 1);
}

static void reply_rset(struct session *s, const struct pop3_command *command) WAITS {
    unmark_all(s);
    tell_what_is_left(s);
}

/* ------------------------------------------------------------------ the end */

/* The UPDATE state (RFC 1939 §6). */
static int remove_marked(struct session *s) WAITS {
    size_t marked = s->sender.count - s->left, count = 0;
    if (marked == 0)
        return 0;
    _cleanup_(free_p) uint32_t *places = mem_array(marked, sizeof *places);
    for (size_t at = 0; at < s->sender.count; at++) {
        if (is_marked(s, at))
            places[count++] = (uint32_t)at;
        if (at % TURN_MARKS == 0)
            (void)fiber_yield_if_long();
    }
    int r = s->sender.ops->expunge(s->sender.drop, places, count);
    if (r == 0)
        s->removed = count;
    return r;
}

static void reply_quit(struct session *s, const struct pop3_command *command) WAITS {
    if (stream_flush(s->c.stream) < 0) {
        s->end = DOOR_END_LOST;
        return;
    }
    s->problem = remove_marked(s);
    if (s->problem < 0)
        cannot(s, "[SYS/TEMP] some deleted messages were not removed");
    else if (s->left == 0)
        pop3_ok(&s->c, "goodbye, no messages left");
    else
        pop3_ok(&s->c, "goodbye, %zu messages left", s->left);
    s->end = DOOR_END_LOGOUT;
}

static void reply_noop(struct session *s, const struct pop3_command *command) WAITS {
    stream_str(s->c.stream, "+OK\r\n");
}

static void reply_capa(struct session *s, const struct pop3_command *command) WAITS {
    pop3_capabilities(&s->c, &s->config->offer, true);
}

static void reply_lang(struct session *s, const struct pop3_command *command) WAITS {
    pop3_reply_lang(&s->c, command);
}

static void reply_utf8(struct session *s, const struct pop3_command *command) WAITS {
    cannot(s, "UTF8 comes before the login");
}

static void (*const functions[POP3_VERBS])(struct session *s,
                                           const struct pop3_command *command) WAITS = {
    [POP3_CAPA] = reply_capa, [POP3_DELE] = reply_dele, [POP3_LANG] = reply_lang,
    [POP3_LIST] = reply_list, [POP3_NOOP] = reply_noop, [POP3_QUIT] = reply_quit,
    [POP3_RETR] = reply_retr, [POP3_RSET] = reply_rset, [POP3_STAT] = reply_stat,
    [POP3_TOP] = reply_top,   [POP3_UIDL] = reply_list, [POP3_UTF8] = reply_utf8,
};

/* ------------------------------------------------------------------ the session */

static void run_command(struct session *s) WAITS {
    struct pop3_command command;
    if (!stream_has_input(s->c.stream))
        pop3_sender_rest(&s->sender);
    int r = pop3_next(&s->c, &command);
    if (fiber_cancelled()) /* what has come already is not obeyed any more, QUIT least of all */
        s->end = DOOR_END_LOST;
    else if (r < 0)
        s->end = r == -E_REFUSED ? DOOR_END_DISMISSED : DOOR_END_LOST;
    else if (functions[command.verb])
        functions[command.verb](s, &command);
    else if (pop3_refuse(&s->c, "you are logged in already") < 0)
        s->end = DOOR_END_DISMISSED;
}

static void run(struct session *s) WAITS {
    unmark_all(s);
    tell_what_is_left(s);
    while (s->end == DOOR_END_NONE) {
        run_command(s);
        (void)fiber_yield_if_long(); /* a client that is always ready gives way */
    }
    pop3_sender_rest(&s->sender);
    free(s->marks);
}

enum door_end pop3_session(struct stream *stream, const struct pop3_session_config *config,
                           const struct pop3_maildrop_ops *ops, void *host,
                           struct pop3_session_counts *ret) {
    struct session s = {
        .c = {.stream = stream,
              .timeout = config->timeout,
              .errors_max = config->errors_max,
              .japanese = config->japanese},
        .config = config,
        .sender = {.stream = stream, .ops = ops},
    };
    stream_set_timeout(stream, config->timeout);
    struct pop3_drop drop = {0};
    s.problem = ops->open(host, &s.sender.drop, &drop);
    s.sender.count = drop.count;
    s.octets = drop.octets;
    if (s.problem < 0) {
        cannot(&s, s.problem == -E_BUSY ? "[IN-USE] another POP3 session has this mailbox open"
                                        : "[SYS/TEMP] the mailbox cannot be opened just now");
        s.end = DOOR_END_DISMISSED;
    } else {
        run(&s);
        ops->close(s.sender.drop);
    }
    *ret = (struct pop3_session_counts){
        .messages = s.sender.count,
        .octets = s.octets,
        .fetched = s.fetched,
        .removed = s.removed,
        .commands = s.c.commands,
        .errors = s.c.errors,
        .problem = s.problem,
    };
    return s.end;
}
