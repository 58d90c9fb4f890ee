/* SPDX-License-Identifier: ISC */
/*
 * The script language, read into steps. Pure: text in, steps or a sentence out.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"

enum step_kind {
    STEP_NONE,
    STEP_SEND_LINES, /* text: lines between LF, with $names; each gets CRLF */
    STEP_SEND_BYTES, /* text, `count` times */
    STEP_SEND_END,   /* nothing more is sent; reading goes on */
    STEP_HANG_UP,    /* nothing more is sent or read; what was sent stays readable */
    STEP_CUT,        /* the connection is gone in both directions */
    STEP_EACH_BYTE,  /* count: 1 on, 0 off */
    STEP_SEND_PACE,  /* `count` bytes, then `span` of waiting; count 0: off */
    STEP_CONNECT,    /* a new connection to the same world */
    STEP_LINE,       /* text: pattern of the next line */
    STEP_UNTIL,      /* lines are read until one matches */
    STEP_BYTES,      /* text, `count` times, must come exactly */
    STEP_SKIP,       /* `count` bytes are read and dropped */
    STEP_END,        /* the other side says no more */
    STEP_READ_PACE,  /* like STEP_SEND_PACE, for reading */
    STEP_WRITES,     /* all output since the last such step came in `count` writes */
    STEP_WAIT,       /* span passes */
    STEP_SILENCE,    /* span passes and nothing is said */
    STEP_WITHIN,     /* the next step that reads may take this span */
    STEP_SET,        /* name, text with $names; count 0: the text as it is */
    STEP_EXPECT,     /* name, text: pattern; count 0: the text as it is */
};

struct step {
    enum step_kind kind;
    unsigned line;
    struct slice name, text; /* point into the arena or into the script */
    uint64_t count;
    usec_t span;
};

struct script {
    struct step *steps;
    size_t count;
};

/*
 * `own` is the side that the script plays, 'C' or 'S'. 0, or -E_SYNTAX with the line and a
 * sentence. The text must live as long as the steps.
 */
int script_parse(struct arena *a, struct slice text, char own, struct script *ret,
                 unsigned *ret_bad_line, struct problem *problem);
