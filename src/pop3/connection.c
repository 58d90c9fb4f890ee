/* SPDX-License-Identifier: ISC */
/*
 * The time allowed is for a whole line, so that a client which sends a byte now and then does not
 * hold its connection for ever. A line that is too long is skipped up to its end; when even that
 * does not come, the other side does not speak POP3 and is sent away.
 */
#include "pop3/connection.h"

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
        stream_str(c->stream, "-ERR this is not POP3, closing\r\n");
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

int pop3_refuse(struct pop3_connection *c, const char *format, ...) {
    struct problem text;
    va_list args;
    va_start(args, format);
    (void)problem_set_v(&text, 0, format, args);
    va_end(args);
    stream_printf(c->stream, "-ERR %s\r\n", text.text);
    if (++c->errors < c->errors_max)
        return 0;
    stream_str(c->stream, "-ERR too many errors, closing\r\n");
    return -E_REFUSED;
}
