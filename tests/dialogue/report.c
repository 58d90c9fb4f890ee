/* SPDX-License-Identifier: ISC */
/* What a person reads about a script that failed: where, what was expected, what came before. */
#include "dialogue/talk.h"

#define SHOWN 200

char talk_own_side(const struct talk *t) {
    return t->d->tests_client ? 'S' : 'C';
}

const char *talk_tested_name(const struct talk *t) {
    return t->d->tests_client ? "the client" : "the server";
}

static void log_said(struct talk *t, char side, struct slice bytes) {
    while (bytes.len > 0) {
        ssize_t lf = slice_find_byte(bytes, '\n');
        size_t len = lf < 0 ? bytes.len : (size_t)lf + 1;
        struct buf *line = &t->log[t->logged++ % TALK_LINES];
        buf_clear(line);
        buf_printf(line, "%c%s: ", side, t->c->label);
        struct slice shown = slice_first(bytes, len);
        if (slice_ends(shown, S("\r\n")))
            shown.len -= 2;
        show_bytes(line, shown, SHOWN);
        bytes = slice_from(bytes, len);
    }
}

void talk_log_sent(struct talk *t, struct slice bytes) {
    log_said(t, talk_own_side(t), bytes);
}

void talk_log_came(struct talk *t, struct slice bytes) {
    log_said(t, t->d->tests_client ? 'C' : 'S', bytes);
}

void talk_report_log(struct talk *t) {
    size_t from = t->logged > TALK_LINES ? t->logged - TALK_LINES : 0;
    if (t->logged > 0)
        buf_add_str(t->report, "  what was said before:\n");
    for (size_t i = from; i < t->logged; i++)
        buf_printf(t->report, "    %s\n", buf_str(&t->log[i % TALK_LINES]));
}

void talk_report(struct talk *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (t->step && strcmp(t->step->at.file, t->path) != 0)
        buf_printf(t->report, "%s: in ", t->path);
    buf_printf(t->report, "%s:%u: ", t->step ? t->step->at.file : t->path,
               t->step ? t->step->at.line : 0);
    buf_printf_v(t->report, format, args);
    buf_add_byte(t->report, '\n');
    va_end(args);
}

void talk_report_bytes(struct talk *t, const char *what, struct slice bytes) {
    buf_printf(t->report, "  %-10s", what);
    show_bytes(t->report, bytes, SHOWN);
    buf_add_byte(t->report, '\n');
}

int talk_differs(struct talk *t, const char *what, struct slice expected, struct slice came) {
    talk_report(t, "%s", what);
    talk_report_bytes(t, "expected", expected);
    talk_report_bytes(t, "came", came);
    talk_report_log(t);
    return -E_REFUSED;
}
