/* SPDX-License-Identifier: ISC */
#include "imap/connection.h"

#include <stdarg.h>

#include "imap/words.h"

void imap_connection_init(struct imap_connection *c, struct stream *s,
                          const struct imap_reader_limits *limits, usec_t timeout,
                          unsigned errors_max) {
    *c = (struct imap_connection){
        .stream = s,
        .reader = {.stream = s, .limits = limits, .timeout = timeout},
        .errors_max = errors_max,
    };
    c->writer.to = &c->out;
    stream_set_timeout(s, timeout);
}

void imap_connection_done(struct imap_connection *c) {
    imap_reader_done(&c->reader);
    if (c->reader.secret)
        arena_wipe(&c->arena);
    else
        arena_done(&c->arena);
    buf_done(&c->out);
}

void imap_send(struct imap_connection *c) {
    stream_write(c->stream, buf_slice(&c->out));
    buf_clear(&c->out);
}

void imap_sentence_v(const struct imap_writer *w, struct problem *ret, const char *format,
                     va_list args) {
    const char *japanese = w->japanese ? imap_japanese(slice_of_str(format)) : NULL;
    (void)problem_set_v(ret, 0, japanese ? japanese : format, args);
}

static void say_v(struct imap_connection *c, struct slice tag, const char *status, const char *code,
                  const char *format, va_list args) WAITS {
    struct problem text;
    imap_sentence_v(&c->writer, &text, format, args);
    imap_write_begin(&c->writer, tag);
    imap_write_word(&c->writer, status);
    if (code) {
        imap_write_code(&c->writer, code);
        imap_write_code_end(&c->writer);
    }
    imap_write_text(&c->writer, slice_of_str(text.text));
    imap_write_end(&c->writer);
    imap_send(c);
}

void imap_say(struct imap_connection *c, struct slice tag, const char *status, const char *code,
              const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_v(c, tag, status, code, format, args);
    va_end(args);
}

int imap_bad(struct imap_connection *c, struct slice tag, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_v(c, tag.len > 0 ? tag : S("*"), "BAD", NULL, format, args);
    va_end(args);
    if (++c->errors - c->forgiven < c->errors_max)
        return 0;
    imap_say(c, S("*"), "BYE", NULL, "too many errors, closing");
    return -E_REFUSED;
}

/* What came together with the command before needs the same memory at once. */
void imap_connection_rest(struct imap_connection *c) {
    imap_reader_done(&c->reader);
    if (c->reader.secret) {
        arena_wipe(&c->arena);
    } else if (stream_has_input(c->stream)) {
        arena_reset(&c->arena);
        return;
    }
    arena_done(&c->arena);
    if (c->out.len == 0)
        buf_done(&c->out);
}

int imap_connection_keep(const struct imap_connection *c, size_t max, struct arena *a,
                         struct imap_command *ret) {
    struct imap_text text = imap_reader_text(&c->reader);
    struct problem problem;
    if (text.bytes.len > max || text.set_count > 0)
        return -E_LIMIT;
    text.bytes = arena_copy(a, text.bytes);
    MUST(imap_parse(&text, c->mode, a, ret, &problem) == 0);
    return 0;
}

int imap_connection_next(struct imap_connection *c, struct imap_command *ret) {
    int r;
    do {
        struct problem problem;
        imap_connection_rest(c);
        stream_write(c->stream, c->mark);
        r = c->wait ? c->wait(c->wait_arg) : 0;
        if (r == 0)
            r = imap_reader_begin(&c->reader);
        if (r < 0)
            return r;
        c->commands++;
        r = imap_command_next(&c->reader, c->mode, &c->arena, ret, &problem);
        if (r == -E_REFUSED) { /* so much came that nobody can tell what of it is a command */
            if (imap_bad(c, ret->tag, "%s", problem.text) == 0)
                imap_say(c, S("*"), "BYE", NULL, "the command is too long, closing");
            return r;
        }
        if (r != -E_SYNTAX && r != -E_UNKNOWN)
            return r;
        r = imap_bad(c, ret->tag, "%s", problem.text);
    } while (r == 0);
    return r;
}

void imap_welcome(struct imap_connection *c, struct slice tag, const struct door_offer *offer,
                  bool logged_in, struct slice text) {
    struct imap_writer *w = &c->writer;
    imap_write_begin(w, tag);
    imap_write_word(w, "OK");
    imap_write_code(w, "CAPABILITY");
    imap_capabilities(w, offer, logged_in, c->message_max, c->messages_max, c->off);
    imap_write_code_end(w);
    imap_write_text(w, text);
    imap_write_end(w);
    imap_send(c);
}

/* ------------------------------------------------------------------ commands of any state */

void imap_reply_capability(struct imap_connection *c, const struct imap_command *command,
                           const struct door_offer *offer, bool logged_in) {
    imap_write_begin(&c->writer, S("*"));
    imap_write_word(&c->writer, "CAPABILITY");
    imap_capabilities(&c->writer, offer, logged_in, c->message_max, c->messages_max, c->off);
    imap_write_end(&c->writer);
    imap_say(c, command->tag, "OK", NULL, "that is what I can do");
}

void imap_reply_id(struct imap_connection *c, const struct imap_command *command) {
    struct imap_writer *w = &c->writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "ID");
    imap_write_open(w);
    imap_write_string(w, S("name"));
    imap_write_string(w, S("Hayauma"));
    imap_write_close(w);
    imap_write_end(w);
    imap_say(c, command->tag, "OK", NULL, "pleased to meet you");
}

void imap_reply_logout(struct imap_connection *c, const struct imap_command *command) {
    imap_say(c, S("*"), "BYE", NULL, "goodbye");
    imap_say(c, command->tag, "OK", NULL, "goodbye");
}
