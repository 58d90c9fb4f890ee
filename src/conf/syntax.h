/* SPDX-License-Identifier: ISC */
/*
 * The grammar of the settings file, apart from what the settings are (in the manner of scfg):
 *
 *     file      = *line
 *     line      = [ word *( blank word ) / word "{" / "}" ] [ comment ] [ CR ] LF
 *     word      = 1*( any character but blank, quote, "{", "}", control ) / quoted
 *     quoted    = DQUOTE *( any character but DQUOTE, "\", control / "\" DQUOTE / "\\" ) DQUOTE
 *     comment   = "#" up to the end of the line, where a word could begin
 *     blank     = 1*( SP / HTAB )
 *
 * A word inside which a "#" stands is just a word. UTF-8 throughout; a byte order mark at the start
 * is skipped. Pure, linear, total: each line gives one of the outcomes below, and reading goes on
 * behind a faulty line. Whoever reads keeps its own note of each open block at its depth: a faulty
 * line may close one.
 */
#pragma once

#include "conf/problems.h"

#define CONF_DEPTH_MAX 8U

struct conf_word {
    struct slice text; /* without quotes and escapes */
    unsigned column;
    bool quoted;
};

enum conf_line_kind {
    CONF_LINE_END,   /* of the file */
    CONF_LINE_FAULT, /* its problem is added; go on */
    CONF_LINE_PLAIN, /* words[0] is a name, the others its values */
    CONF_LINE_OPEN,  /* words[0] is the name of a block that begins here; "": no good name */
    CONF_LINE_CLOSE, /* the innermost block ends */
};

struct conf_reader {
    struct slice rest;
    unsigned line; /* of what was read last */
    unsigned depth;
    unsigned opened[CONF_DEPTH_MAX]; /* the lines of the blocks that are open */
    bool ended;
    struct conf_word *words;
    size_t words_max;
    struct conf_problems *problems; /* its arena holds the words too */
};

/* Starts reading a text, with at most `words_max` words (at least one) on a line. */
void conf_reader_init(struct conf_reader *r, struct slice text, size_t words_max,
                      struct conf_problems *problems);

/*
 * Reads the next line that says something; its words are in r->words until the next call, their
 * text lives as long as the file's text and the problems. Blocks left open are a problem at the
 * end.
 */
enum conf_line_kind conf_read_line(struct conf_reader *r, size_t *ret_count);

/* Appends a word as the file has it: in quotes where the grammar needs them. */
void conf_write_word(struct slice word, struct buf *to);
