/* SPDX-License-Identifier: ISC */
/*
 * The SMTP client against scripted servers. The surroundings hold the messages to send:
 *
 *     set messages 2               so many copies, one after the other
 *     set from tama@example.test  reverse-path
 *     set to a@x b@x              recipients
 *     set body Subject: x\n\n.\n  \n stands for CRLF
 *     set bytes 200000            instead of a body: so many bytes in lines
 *     set flags dot-free eight-bit utf8 strict file one-by-one
 *     set ret|envid|notify|orcpt  DSN parameters
 *     set login no-tls            log in as lab with "secret", also without TLS
 *     set login lab               the same, not without TLS
 *     set login unknown           without a known password
 *     expect result LATER 451 4.4.2 words | ...       of all recipients of the last message
 *     expect messages LATER 451 4.4.2 words | ...      of the first recipient of every message
 *     expect unsure yes                               of the first recipient of the last message
 *     expect open|dialogue
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "dialogue/dialogue.h"
#include "relay/client.h"

struct world {
    struct arena a;
    unsigned messages;
    struct relay_message message;
    struct recipient recipients[RELAY_RECIPIENTS_MAX];
    struct relay_client_options options;
    struct relay_login login;
    bool in_file;
    FILE *file;
    struct relay_result *results;
    struct slice open, dialogue;
    struct buf dispositions;
};

static void *world_new(void) {
    struct world *w = NEW(struct world);
    w->messages = 1;
    w->message.envelope.reverse_path = S("tama@example.test");
    w->message.bytes = S("Subject: x\r\n\r\nMeow\r\n");
    w->recipients[0].address = S("mike@example.net");
    w->message.envelope.recipients = w->recipients;
    w->message.envelope.count = 1;
    w->options = (struct relay_client_options){
        .helo = S("mail.example.test"),
        .peer = S("mx.example.net [192.0.2.1]"),
        .timeouts = RELAY_TIMEOUTS_DEFAULT,
    };
    return w;
}

static void world_free(void *world) {
    struct world *w = world;
    if (w->file)
        (void)fclose(w->file);
    buf_done(&w->dispositions);
    arena_done(&w->a);
    free(w);
}

/* ------------------------------------------------------------------ settings */

static struct slice with_line_ends(struct arena *a, struct slice text) {
    _cleanup_(buf_done) struct buf out = {0};
    ssize_t at;
    while ((at = slice_find(text, S("\\n"))) >= 0) {
        buf_add(&out, slice_first(text, (size_t)at));
        buf_add(&out, S("\r\n"));
        text = slice_from(text, (size_t)at + 2);
    }
    buf_add(&out, text);
    return arena_copy(a, buf_slice(&out));
}

/* Lines of 50 bytes, every fourth of which begins with a dot unless they are to be free of it. */
static struct slice many_lines(struct world *w, size_t bytes) {
    char *text = arena_alloc(&w->a, bytes);
    for (size_t i = 0; i < bytes; i++)
        text[i] = i % 50 == 48 ? '\r' : i % 50 == 49 ? '\n' : 'x';
    for (size_t i = 0; i < bytes && w->message.envelope.shape & SHAPE_DOT_LINES; i += 200)
        text[i] = '.';
    return slice_of(text, bytes);
}

static void set_recipients(struct world *w, struct slice list) {
    struct slice word;
    w->message.envelope.count = 0;
    while (slice_next_word(&list, &word))
        w->recipients[w->message.envelope.count++].address = arena_copy(&w->a, word);
}

static int set_flags(struct world *w, struct slice list) {
    struct slice word;
    w->message.envelope.shape = SHAPE_DOT_LINES;
    while (slice_next_word(&list, &word)) {
        if (slice_eq(word, S("dot-free")))
            w->message.envelope.shape &= ~(uint32_t)SHAPE_DOT_LINES;
        else if (slice_eq(word, S("eight-bit")))
            w->message.envelope.shape |= SHAPE_EIGHT_BIT;
        else if (slice_eq(word, S("utf8")))
            w->message.envelope.shape |= SHAPE_UTF8;
        else if (slice_eq(word, S("strict")))
            w->options.strict_8bit = true;
        else if (slice_eq(word, S("file")))
            w->in_file = true;
        else if (slice_eq(word, S("one-by-one")))
            w->options.one_by_one = true;
        else if (!slice_eq(word, S("none")))
            return -E_SYNTAX;
    }
    return 0;
}

static int set_number(struct world *w, struct slice name, struct slice value) {
    uint64_t number;
    int r = slice_to_u64(value, 10000000, &number);
    if (r < 0)
        return r;
    if (slice_eq(name, S("messages")))
        w->messages = (unsigned)number;
    else if (slice_eq(name, S("command-timeout")))
        w->options.timeouts.command = (usec_t)number * USEC_SEC;
    else
        w->message.bytes = many_lines(w, number);
    return 0;
}

static uint8_t notify_of(struct slice list) {
    struct slice word;
    unsigned bits = 0;
    while (slice_next(&list, ',', &word))
        bits |= slice_eq(word, S("NEVER"))     ? NOTIFY_NEVER
                : slice_eq(word, S("SUCCESS")) ? NOTIFY_SUCCESS
                : slice_eq(word, S("FAILURE")) ? NOTIFY_FAILURE
                                               : NOTIFY_DELAY;
    return (uint8_t)bits;
}

static int set_dsn(struct world *w, struct slice name, struct slice value) {
    if (slice_eq(name, S("ret")))
        w->message.envelope.ret = slice_eq(value, S("FULL")) ? RETURN_FULL : RETURN_HEADERS;
    else if (slice_eq(name, S("envid")))
        w->message.envelope.envid = value;
    else if (slice_eq(name, S("notify")))
        w->recipients[0].notify = notify_of(value);
    else if (slice_eq(name, S("orcpt")))
        w->recipients[0].original = value;
    else
        return -E_UNKNOWN;
    return 0;
}

static void set_login(struct world *w, struct slice value) {
    w->login = (struct relay_login){.user = S("lab"), .password = S("secret")};
    w->login.without_tls = slice_eq(value, S("no-tls"));
    if (slice_eq(value, S("unknown")))
        w->login.password = (struct slice){NULL, 0};
    w->options.login = &w->login;
}

static int world_set(void *world, struct slice name, struct slice value, struct problem *problem) {
    struct world *w = world;
    int r = 0;
    value = arena_copy(&w->a, value);
    if (slice_eq(name, S("messages")) || slice_eq(name, S("bytes")) ||
        slice_eq(name, S("command-timeout")))
        r = set_number(w, name, value);
    else if (slice_eq(name, S("from")))
        w->message.envelope.reverse_path =
            slice_eq(value, S("<>")) ? S("") : with_line_ends(&w->a, value);
    else if (slice_eq(name, S("to")))
        set_recipients(w, with_line_ends(&w->a, value));
    else if (slice_eq(name, S("body")))
        w->message.bytes = with_line_ends(&w->a, value);
    else if (slice_eq(name, S("flags")))
        r = set_flags(w, value);
    else if (slice_eq(name, S("login")))
        set_login(w, value);
    else
        r = set_dsn(w, name, value);
    return r < 0 ? problem_set(problem, r, "what is that?") : 0;
}

/* ------------------------------------------------------------------ what came out */

static void add_result(struct world *w, struct buf *to, const struct relay_result *result) {
    static const char *const dispositions[] = {
        [RELAY_DELIVERED] = "DELIVERED", [RELAY_LATER] = "LATER", [RELAY_NEVER] = "NEVER"};
    buf_printf(to, "%s %.*s%s%s%s", dispositions[result->disposition],
               SLICE_ARG(smtp_reply_text(&w->a, &result->reply)),
               result->from_peer ? "" : " (own words)", result->next_host ? " (next host)" : "",
               result->dsn_passed ? " (DSN passed)" : "");
}

static int world_get(void *world, struct slice name, struct buf *to) {
    struct world *w = world;
    if (slice_eq(name, S("open")))
        buf_add(to, w->open);
    else if (slice_eq(name, S("dialogue")))
        for (size_t i = 0; i < w->dialogue.len; i++)
            buf_add_byte(to, w->dialogue.ptr[i] == '\n' ? '|' : w->dialogue.ptr[i]);
    else if (slice_eq(name, S("messages")))
        buf_add(to, buf_slice(&w->dispositions));
    else if (slice_eq(name, S("unsure")))
        buf_add_str(to, w->results && w->results[0].unsure ? "yes" : "no");
    else if (slice_eq(name, S("result")))
        for (size_t i = 0; w->results && i < w->message.envelope.count; i++) {
            buf_add_str(to, i ? " | " : "");
            add_result(w, to, &w->results[i]);
        }
    else
        return -E_UNKNOWN;
    return 0;
}

/* ------------------------------------------------------------------ the session */

/*
 * The client takes over its stream, the dialogue library keeps it: so the client gets another one
 * that lies on what lies below.
 */
struct loan {
    const struct stream_ops *ops;
    void *below;
};

static ssize_t loan_read(void *below, void *to, size_t size) {
    struct loan *loan = below;
    return loan->ops->read(loan->below, to, size);
}
static ssize_t loan_write(void *below, const void *bytes, size_t len) {
    struct loan *loan = below;
    return loan->ops->write(loan->below, bytes, len);
}
static int loan_wait_read(void *below, usec_t deadline) {
    struct loan *loan = below;
    return loan->ops->wait_read(loan->below, deadline);
}
static int loan_wait_write(void *below, usec_t deadline) {
    struct loan *loan = below;
    return loan->ops->wait_write(loan->below, deadline);
}
static int loan_shutdown(void *below) {
    struct loan *loan = below;
    return loan->ops->shutdown(loan->below);
}
static void loan_close(void *below) {
    free(below);
}
static int loan_fd(void *below UNUSED) {
    return -1;
}

static const struct stream_ops loan_ops = {
    .read = loan_read,
    .write = loan_write,
    .wait_read = loan_wait_read,
    .wait_write = loan_wait_write,
    .shutdown = loan_shutdown,
    .close = loan_close,
    .fd = loan_fd,
};

static struct stream *lend(struct stream *s) {
    struct loan *loan = NEW(struct loan);
    stream_below(s, &loan->ops, &loan->below);
    return stream_new(&loan_ops, loan);
}

/* Moves the message into a file, behind something else. */
static void put_in_file(struct world *w) {
    w->file = tmpfile();
    MUST(w->file);
    MUST(fwrite("before", 1, 6, w->file) == 6);
    MUST(fwrite(w->message.bytes.ptr, 1, w->message.bytes.len, w->file) == w->message.bytes.len);
    MUST(fwrite("behind", 1, 6, w->file) == 6);
    MUST(fflush(w->file) == 0);
    w->message.bytes = (struct slice){NULL, 0};
    w->message.file = fileno(w->file);
    w->message.offset = 6;
}

static void session(struct stream *s, void *world) {
    struct world *w = world;
    struct relay_client *client;
    struct relay_failure failure;
    w->message.size = w->message.bytes.len;
    if (w->in_file)
        put_in_file(w);
    int r = relay_client_open(lend(s), &w->options, NULL, &w->a, &client, &failure);
    if (r < 0) {
        _cleanup_(buf_done) struct buf text = {0};
        add_result(w, &text, &failure.result);
        w->open = arena_copy(&w->a, buf_slice(&text));
        w->dialogue = failure.dialogue;
        return;
    }
    w->open = S("yes");
    for (unsigned i = 0; i < w->messages && r == 0; i++) {
        w->results = arena_array(&w->a, w->message.envelope.count, sizeof *w->results);
        r = relay_client_send(client, &w->message, &w->a, w->results);
        buf_add_str(&w->dispositions, i > 0 ? " | " : "");
        add_result(w, &w->dispositions, &w->results[0]);
    }
    w->dialogue = relay_client_take_dialogue(client, &w->a);
    if (r == 0)
        relay_client_close(client);
    else
        relay_client_free(client);
}

static const struct dialogue relay_client = {
    .session = session,
    .tests_client = true,
    .world_new = world_new,
    .world_free = world_free,
    .set = world_set,
    .get = world_get,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "relay client", &relay_client);
}
