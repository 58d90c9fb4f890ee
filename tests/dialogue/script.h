/* SPDX-License-Identifier: ISC */
/*
 * The script language, read into steps. Pure: text in, steps or a sentence out.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"

#define SCRIPT_CONNECTIONS 9U

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
    STEP_SET,        /* name, text */
    STEP_LET,        /* name, text: what is kept under the name from now on */
    STEP_EXPECT,     /* name, text: pattern, or with FORM_BYTES the text as it is */
};

/* How the text of a step with a name is meant. */
enum form {
    FORM_TEXT,  /* with $names */
    FORM_BYTES, /* as it is */
    FORM_LINES, /* lines between LF, with $names; each gets CRLF */
};

struct script_place {
    const char *file;
    unsigned line;
};

struct step {
    enum step_kind kind;
    enum form form;
    struct script_place at;
    bool of_side;            /* it is said of a connection */
    unsigned connection;     /* from 0; that of C and S is the same as that of C1 and S1 */
    struct slice name, text; /* point into the arena or into the script */
    uint64_t count;
    usec_t span;
};

struct script {
    struct step *steps;
    size_t count;
    bool numbered; /* some side has a number */
};

struct script_source {
    const char *path; /* for reports */
    struct slice text;
    char own; /* the side that the script plays, 'C' or 'S' */

    /* The text of a file that the script includes, and its path; NULL: it can include none. */
    int (*include)(void *arg, struct slice name, struct slice *ret_text, const char **ret_path);
    void *arg;
};

/*
 * 0, or -E_SYNTAX with the place and a sentence. The texts and paths must live as long as the
 * steps.
 */
int script_parse(struct arena *a, const struct script_source *source, struct script *ret,
                 struct script_place *ret_bad, struct problem *problem);
