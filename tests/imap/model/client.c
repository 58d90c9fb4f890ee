/* SPDX-License-Identifier: ISC */
#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../response_check.h"
#include "base/alloc.h"
#include "fiber/fiber.h"
#include "trace.h"

void client_init(struct client *c, struct run *run, unsigned number) {
    *c = (struct client){.run = run};
    if (number < 26)
        c->name[0] = (char)('A' + number);
    else
        (void)snprintf(c->name, sizeof c->name, "A%u-", number);
    c->qresync = number % 3 != 2;
    c->condstore = c->qresync || number % 2 == 0;
    c->notifies = number % 4 == 1;
    c->visits = run->home > 0 && number % 4 == 3;
}

static void free_picture(struct picture *p) {
    free(p->list);
    *p = (struct picture){0};
}

void client_done(struct client *c) {
    client_drop(c);
    for (size_t i = 0; i < CLIENT_CACHED; i++)
        free_picture(&c->cached[i]);
    free(c->list);
    buf_done(&c->response);
}

uint32_t client_pick(struct client *c, uint32_t bound) {
    return rng_below(&c->run->rng, bound);
}

void client_trace(struct client *c, char direction, struct slice text) {
    trace_line(c->run->trace, "%s%c %.*s", c->name, direction, (int)MIN(text.len, (size_t)400),
               text.ptr);
}

const char *client_wire(const struct client *c, const char *name, char wire[static WIRE_SIZE]) {
    if (!c->visits)
        (void)snprintf(wire, WIRE_SIZE, "%s", name);
    else if (strcmp(name, NAME_HOME) == 0)
        (void)snprintf(wire, WIRE_SIZE, "INBOX");
    else
        (void)snprintf(wire, WIRE_SIZE, "\"Other Users/%s/%s\"", c->run->owner, name);
    return wire;
}

struct truth_box *client_box(const struct client *c, const struct command *k, uint32_t validity) {
    return truth_box(&c->run->truth, validity | (k->at_home ? TRUTH_ELSEWHERE : 0));
}

/* ------------------------------------------------------------------ messages */

bool message_is_large(uint32_t serial) {
    return serial % 41 == 7;
}

void message_text(uint32_t serial, struct buf *to) {
    size_t len = message_is_large(serial) ? (100U << 10) + serial : 40 + serial * 7 % 1500;
    buf_printf(to, "Subject: %u\r\n\r\n", serial);
    for (size_t i = 0; i < len; i++)
        if (i % 64 == 62)
            buf_add_str(to, "\r\n");
        else
            buf_add_byte(to, (char)('a' + (serial + i) % 26));
    buf_add_str(to, "\r\n");
}

static const char *const flag_names[TRUTH_FLAGS] = {
    "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "word0",
    "word1",  "$Junk",      "word3",     "word4",     "word5"};

void flags_text(uint32_t flags, struct buf *to) {
    const char *between = "";
    for (size_t i = 0; i < TRUTH_FLAGS; i++)
        if (flags >> i & 1) {
            buf_printf(to, "%s%s", between, flag_names[i]);
            between = " ";
        }
}

uint32_t flags_of(struct slice words) {
    uint32_t flags = 0;
    struct slice word;
    while (slice_next_word(&words, &word)) {
        size_t i = 0;
        while (i < TRUTH_FLAGS && !slice_eq_nocase(word, slice_of_str(flag_names[i])))
            i++;
        RULE(i < TRUTH_FLAGS, "a flag that nobody has set: %.*s", SLICE_ARG(word));
        RULE(!(flags >> i & 1), "a flag that is told twice: %.*s", SLICE_ARG(word));
        flags |= 1U << i;
    }
    return flags;
}

/* ------------------------------------------------------------------ mailboxes */

struct picture *client_picture(struct client *c, uint32_t box) {
    for (size_t i = 0; i < CLIENT_CACHED; i++)
        if (c->cached[i].box == box)
            return &c->cached[i];
    return NULL;
}

void client_unselect(struct client *c) {
    if (c->box && c->qresync && c->modseq > 0) {
        struct picture *p = client_picture(c, c->box->validity);
        if (!p)
            p = &c->cached[c->next_cached++ % CLIENT_CACHED];
        free_picture(p);
        *p = (struct picture){.box = c->box->validity, .modseq = c->modseq};
        p->list = mem_array(c->count + 1, sizeof *p->list);
        for (size_t i = 0; i < c->count && c->list[i].uid > 0; i++)
            p->list[p->count++] = c->list[i];
    }
    c->box = NULL;
    c->count = 0;
    c->modseq = 0;
}

/* ------------------------------------------------------------------ connections */

static void free_command(struct command *command) {
    free(command->uids);
    free(command->got);
    free(command->writes);
    free(command->new_uids);
    *command = (struct command){0};
}

static void forget_commands(struct client *c) {
    for (size_t i = 0; i < c->command_count; i++)
        free_command(&c->commands[i]);
    c->first = c->command_count = 0;
}

void client_drop(struct client *c) {
    if (c->stream) {
        trace_line(c->run->trace, "%s  (connection ends)", c->name);
        c->run->disconnect(c->run, c);
        c->stream = NULL;
    }
    for (size_t i = c->first; i < c->command_count; i++)
        client_end(c, &c->commands[i], S(""), S(""));
    forget_commands(c);
    client_unselect(c);
    c->dropped = true;
}

void client_connect(struct client *c) {
    struct run *run = c->run;
    client_drop(c);
    c->dropped = false;
    c->first = c->command_count = 0;
    if (run->over || !run->connect(run, c)) {
        c->dropped = true;
        return;
    }
    if (c->qresync)
        (void)client_begin(c, V_OTHER, "ENABLE QRESYNC");
    else if (c->condstore)
        (void)client_begin(c, V_OTHER, "ENABLE CONDSTORE");
    if (c->notifies)
        (void)client_begin(c, V_OTHER,
                           "NOTIFY SET (SELECTED (MessageNew (UID FLAGS%s) MessageExpunge "
                           "FlagChange)) (PERSONAL (MessageNew MessageExpunge FlagChange "
                           "MailboxName SubscriptionChange))",
                           c->condstore ? " MODSEQ" : "");
    client_finish(c);
}

struct command *client_begin(struct client *c, enum verb verb, const char *format, ...) {
    _cleanup_(buf_done) struct buf line = {0};
    MUST(c->command_count < CLIENT_COMMANDS);
    struct command *command = &c->commands[c->command_count++];
    *command = (struct command){.verb = verb, .box = c->box, .names_wish = -1};
    (void)snprintf(command->tag, sizeof command->tag, "%s%u", c->name, ++c->tags);
    command->asked = truth_tick(&c->run->truth);
    command->names_changes = c->run->names.changes;
    va_list args;
    va_start(args, format);
    buf_printf_v(&line, format, args);
    va_end(args);
    client_trace(c, '>', buf_slice(&line));
    if (c->stream && !c->dropped) {
        stream_printf(c->stream, "%s ", command->tag);
        stream_write(c->stream, buf_slice(&line));
        stream_write(c->stream, S("\r\n"));
    }
    return command;
}

/* ------------------------------------------------------------------ reading */

/* The length of a literal that the line announces at its end, or -1. */
static ssize_t literal_len(struct slice line) {
    uint64_t len;
    line = slice_trim_lines(line);
    ssize_t at = slice_rfind_byte(line, '{');
    if (at < 0 || !slice_ends(line, S("}")))
        return -1;
    struct slice digits = slice_of(line.ptr + at + 1, line.len - (size_t)at - 2);
    return slice_to_u64(digits, MESSAGE_MAX * 2, &len) == 0 ? (ssize_t)len : -1;
}

/* The next response, whole. False: the connection is lost, or the run over. */
static bool read_response(struct client *c) {
    ssize_t literal;
    buf_clear(&c->response);
    do {
        struct slice line;
        int r = stream_read_line(c->stream, STREAM_WINDOW, &line);
        if (r < 0 || c->run->over) {
            RULE(r != -ETIMEDOUT || c->run->over, "%s waits for an answer to %s", c->name,
                 c->first < c->command_count ? c->commands[c->first].tag : "nothing");
            return false;
        }
        buf_add(&c->response, line);
        literal = literal_len(line);
        if (literal > 0) {
            buf_reserve(&c->response, (size_t)literal);
            r = stream_read_exact(c->stream, c->response.ptr + c->response.len, (size_t)literal);
            if (r < 0 || c->run->over)
                return false;
            c->response.len += (size_t)literal;
        }
    } while (literal >= 0);
    return true;
}

static void hear_one(struct client *c) {
    struct response_fault fault;
    if (!read_response(c)) {
        c->dropped = true;
        return;
    }
    struct slice rest = buf_slice(&c->response);
    client_trace(c, '<', slice_trim_lines(rest));
    RULE(response_check(&rest, false, &fault) && rest.len == 0,
         "not in the grammar: expected %s behind %zu octets of %.*s", fault.expected, fault.at,
         SLICE_ARG(buf_slice(&c->response)));
    truth_tick(&c->run->truth);
    client_hear(c, buf_slice(&c->response));
}

void client_finish(struct client *c) {
    if (!c->stream || c->dropped)
        return;
    (void)stream_flush(c->stream);
    stream_set_timeout(c->stream, CLIENT_PATIENCE);
    while (!c->dropped && c->first < c->command_count)
        hear_one(c);
    if (!c->dropped)
        forget_commands(c);
}

bool client_wait_plus(struct client *c) {
    c->may_continue = false;
    if (!c->stream || c->dropped)
        return false;
    (void)stream_flush(c->stream);
    stream_set_timeout(c->stream, CLIENT_PATIENCE);
    while (!c->dropped && !c->may_continue && c->first < c->command_count)
        hear_one(c);
    return c->may_continue && !c->dropped;
}

void client_listen(struct client *c, usec_t span) {
    usec_t until = fiber_now() + span;
    while (!c->dropped && fiber_now() < until) {
        stream_set_timeout(c->stream, until - fiber_now());
        int r = stream_fill(c->stream, 1);
        if (r == -ETIMEDOUT)
            break;
        stream_set_timeout(c->stream, CLIENT_PATIENCE);
        hear_one(c);
    }
}
