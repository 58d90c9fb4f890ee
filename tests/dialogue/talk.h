/* SPDX-License-Identifier: ISC */
/*
 * A script that is being played: its connections, what was kept, and what a report shows. Within
 * this folder only.
 *
 * The functions of steps work on the connection `t->c`. They return 0, or negative when the report
 * is written.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "dialogue/dialogue.h"
#include "dialogue/match.h"
#include "dialogue/script.h"
#include "dialogue/wire.h"
#include "fiber/fiber.h"

#define TALK_LINES 16 /* of the conversation, shown in a report */

struct pace {
    uint64_t bytes, left;
    usec_t span;
};

struct connection {
    struct talk *talk;
    char label[2]; /* "", or its number as the script says it */
    struct wire wire;
    struct fiber *session; /* NULL: not connected */
    bool each_byte, end_seen;
    struct pace sending, reading;
};

struct talk {
    const char *path;
    const struct dialogue *d;
    const struct script *script;
    const struct step *step;
    struct buf *report;
    struct arena arena;
    struct names names;
    void *world;
    struct connection connections[SCRIPT_CONNECTIONS], *c;
    usec_t within; /* the present step that reads may take so long */
    struct buf log[TALK_LINES];
    size_t logged;
    int result;
    int judgement; /* of all that was said */
};

/* ------------------------------------------------------------------ report.c */

char talk_own_side(const struct talk *t);
const char *talk_tested_name(const struct talk *t); /* "the server" */

void talk_log_sent(struct talk *t, struct slice bytes);
void talk_log_came(struct talk *t, struct slice bytes);

/* Begins the report of the present step: "file:line: what". */
void talk_report(struct talk *t, const char *format, ...) PRINTF_LIKE(2, 3);
void talk_report_bytes(struct talk *t, const char *what, struct slice bytes);
void talk_report_log(struct talk *t); /* ends it: what was said before */

/* The whole report of a step that read something else than it wanted. */
int talk_differs(struct talk *t, const char *what, struct slice expected, struct slice came);

/* ------------------------------------------------------------------ send.c */

int step_send_lines(struct talk *t, const struct step *step) WAITS;
int step_send_bytes(struct talk *t, const struct step *step) WAITS;
int step_send_end(struct talk *t, const struct step *step);
int step_hang_up(struct talk *t, const struct step *step);
int step_cut(struct talk *t, const struct step *step);
int step_each_byte(struct talk *t, const struct step *step);
int step_send_pace(struct talk *t, const struct step *step);

/* ------------------------------------------------------------------ expect.c */

int step_expect_line(struct talk *t, const struct step *step) WAITS;
int step_expect_until(struct talk *t, const struct step *step) WAITS;
int step_expect_bytes(struct talk *t, const struct step *step) WAITS;
int step_skip_bytes(struct talk *t, const struct step *step) WAITS;
int step_expect_end(struct talk *t, const struct step *step) WAITS;
int step_expect_silence(struct talk *t, const struct step *step) WAITS;
int step_expect_writes(struct talk *t, const struct step *step) WAITS;
int step_read_pace(struct talk *t, const struct step *step);
