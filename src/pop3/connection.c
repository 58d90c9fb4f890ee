/* SPDX-License-Identifier: ISC */
/*
 * The time allowed is for a whole line, so that a client which sends a byte now and then does not
 * hold its connection for ever. A line that is too long is skipped up to its end; when even that
 * does not come, the other side does not speak POP3 and is sent away.
 */
#include "pop3/connection.h"

#include "pop3/words.h"

#include <stdarg.h>

/* RFC 5034 §4 wants first responses that do not fit into 255 octets to come later; many come here.
 */
#define READ_MAX 12352U
#define SKIP_MAX 65536U

static int read_raw(struct pop3_connection *c, size_t max, struct slice *ret) WAITS {
    UNUSED _cleanup_(fiber_deadline_end) struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + c->timeout);
    int r = stream_read_line(c->stream, max, ret);
    if (r != -E_LIMIT)
        return r;
    r = stream_skip_line(c->stream, SKIP_MAX, NULL);
    if (r == -E_LIMIT) {
        pop3_cannot(c, "this is not POP3, closing");
        return -E_REFUSED;
    }
    return r < 0 ? r : -E_LIMIT;
}

int pop3_read_line(struct pop3_connection *c, size_t max, struct slice *ret) {
    struct slice line;
    int r = read_raw(c, max, &line);
    if (r < 0)
        return r;
    *ret = slice_trim_lines(line);
    return 0;
}

int pop3_next(struct pop3_connection *c, struct pop3_command *ret) {
    int r;
    do {
        struct slice line;
        struct pop3_command command;
        struct problem problem;
        r = read_raw(c, READ_MAX, &line);
        if (r < 0 && r != -E_LIMIT)
            return r;
        c->commands++;
        bool whole = r == 0;
        if (whole)
            r = pop3_parse(line, &command, &problem);
        if (!whole || (line.len > POP3_LINE_MAX && (r < 0 || command.verb != POP3_AUTH)))
            r = problem_set(&problem, -E_LIMIT, "a command has at most %u octets", POP3_LINE_MAX);
        if (r == 0) {
            *ret = command;
            return 0;
        }
        r = pop3_refuse(c, "%s", problem.text);
    } while (r == 0);
    return r;
}

/* ------------------------------------------------------------------ replies */

/* The sentence in the client's language; a code in front of it (RFC 2449 §8) stays as it is. */
static void say_v(struct pop3_connection *c, const char *status, const char *format,
                  va_list args) WAITS {
    struct problem text;
    const char *japanese = c->japanese ? pop3_japanese(slice_of_str(format)) : NULL;
    (void)problem_set_v(&text, 0, japanese ? japanese : format, args);
    struct slice code = {0}, sentence = slice_of_str(text.text);
    const ssize_t end = slice_starts(sentence, S("[")) ? slice_find(sentence, S("] ")) : -1;
    if (end > 0) {
        code = slice_first(sentence, (size_t)end + 2);
        sentence = slice_from(sentence, code.len);
    }
    if (c->japanese && !japanese && (japanese = pop3_japanese(sentence)))
        sentence = slice_of_str(japanese);
    stream_printf(c->stream, "%s %.*s%.*s\r\n", status, SLICE_ARG(code), SLICE_ARG(sentence));
}

void pop3_ok(struct pop3_connection *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_v(c, "+OK", format, args);
    va_end(args);
}

void pop3_cannot(struct pop3_connection *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_v(c, "-ERR", format, args);
    va_end(args);
}

int pop3_refuse(struct pop3_connection *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_v(c, "-ERR", format, args);
    va_end(args);
    if (++c->errors < c->errors_max)
        return 0;
    pop3_cannot(c, "too many errors, closing");
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ LANG (RFC 6856 §3) */

void pop3_reply_lang(struct pop3_connection *c, const struct pop3_command *command) {
    const struct pop3_language *chosen = pop3_language_find(command->text);
    if (command->text.len == 0) {
        pop3_ok(c, "these are the languages");
        for (size_t i = 0; i < POP3_LANGUAGES; i++)
            stream_printf(c->stream, "%s %s\r\n", pop3_languages[i].tag, pop3_languages[i].name);
        stream_str(c->stream, ".\r\n");
    } else if (!chosen) {
        pop3_cannot(c, "none of these languages is known here");
    } else {
        static const char sentence[] = "that is the language";
        c->japanese = chosen->japanese;
        stream_printf(c->stream, "+OK %s %s\r\n", chosen->tag,
                      c->japanese ? pop3_japanese(slice_of_str(sentence)) : sentence);
    }
}
