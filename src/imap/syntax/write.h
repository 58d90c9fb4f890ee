/* SPDX-License-Identifier: ISC */
/*
 * Writing responses (RFC 9051 §7, §9): the one place where octets for a client of IMAP are made.
 * Pure; a response is appended to a buffer, which the caller sends.
 *
 *     imap_write_begin(&w, S("*"));            * 12 FETCH (FLAGS (\Seen) UID 7)
 *     imap_write_number(&w, 12);
 *     imap_write_word(&w, "FETCH");
 *     imap_write_open(&w);
 *     imap_write_word(&w, "FLAGS");
 *     imap_write_flags(&w, IMAP_FLAG_SEEN, NULL, 0);
 *     imap_write_word(&w, "UID");
 *     imap_write_number(&w, 7);
 *     imap_write_close(&w);
 *     imap_write_end(&w);
 *
 * Spaces are the writer's: one before each value, none behind "(" and before ")". So none is
 * missing and none is one too many; imap_write_join() takes one away where the grammar has none.
 * What else can be wrong is a broken promise of the caller and ends the process: a value outside of
 * a response, a parenthesis that is not closed, a word that is no atom, a response code without
 * text, a literal that was announced longer than it is.
 *
 * Any octets may be given as strings: what cannot be written in quotes becomes a literal. A NUL,
 * which only a literal8 may have, becomes "?" in all others.
 */
#pragma once

#include "imap/syntax/flags.h"

struct imap_writer {
    struct buf *to;  /* the caller's */
    bool utf8;       /* UTF8=ACCEPT or IMAP4rev2 is enabled: UTF-8 in quoted strings and texts */
    bool japanese;   /* the language of texts (RFC 5255): those that words.h has, in UTF-8 */
    uint64_t realm;  /* number of the account whose objects are written; 0: the user's own */
    bool utf8_names; /* the same for names of mailboxes; else modified UTF-7 */

    /* the writer's own */
    bool in_line, space, in_code, code_done;
    unsigned depth;
    uint64_t literal_left;
};

/* A response begins with its tag, "*" or "+"; it ends with CRLF. */
void imap_write_begin(struct imap_writer *w, struct slice tag);
void imap_write_end(struct imap_writer *w);

/* ------------------------------------------------------------------ structure */

void imap_write_open(struct imap_writer *w);  /* "(" */
void imap_write_close(struct imap_writer *w); /* ")" */
void imap_write_join(struct imap_writer *w);  /* no space before what comes next */

/*
 * "[CODE ...]" of a status response, behind OK and so on: values may stand between the two. Then
 * comes its text, which imap_write_text() writes, and nothing else.
 */
void imap_write_code(struct imap_writer *w, const char *code);
void imap_write_code_end(struct imap_writer *w);

/* Text for people, to the end of the line: not empty; controls become spaces, and 8-bit octets "?"
 * unless they are UTF-8 and `utf8` or `japanese` is set. */
void imap_write_text(struct imap_writer *w, struct slice text);

/* ------------------------------------------------------------------ values */

void imap_write_word(struct imap_writer *w, const char *word); /* ours: an atom, or "\Flag" */
void imap_write_nil(struct imap_writer *w);
void imap_write_number(struct imap_writer *w, uint64_t number);
void imap_write_signed(struct imap_writer *w, int64_t number); /* PARTIAL from the end */

void imap_write_atom(struct imap_writer *w, struct slice atom); /* a promise, as above */
void imap_write_astring(struct imap_writer *w, struct slice text);
void imap_write_string(struct imap_writer *w, struct slice text);
void imap_write_nstring(struct imap_writer *w, struct slice text);  /* ptr NULL: NIL */
void imap_write_nstring8(struct imap_writer *w, struct slice text); /* with NUL: literal8 */

/*
 * An object id (RFC 8474): a letter for its kind, and its number. Those of another account than the
 * user's own have that one's number before it. The second writes it, in parentheses.
 */
#define IMAP_OBJECT_ID_SIZE 36U
struct slice imap_object_id(char kind, uint64_t realm, uint64_t number,
                            char text[static IMAP_OBJECT_ID_SIZE]);
void imap_write_object_id(struct imap_writer *w, char kind, uint64_t number);
/*
 * A literal whose octets come in parts, which the caller adds: to the buffer through _octets(), or
 * past it, in which case he says how many with _passed(). `eight`: a literal8; else he sees to it
 * that no NUL is among them.
 */
void imap_write_literal(struct imap_writer *w, uint64_t size, bool eight);
void imap_write_octets(struct imap_writer *w, struct slice octets);
void imap_write_passed(struct imap_writer *w, uint64_t count);

/* The name of a mailbox: well-formed UTF-8 in, not empty. */
void imap_write_mailbox(struct imap_writer *w, struct slice name);

/* One or more ranges without "*", as they stand. */
void imap_write_set(struct imap_writer *w, const struct imap_set *set);

/* "\*" may be among the keywords: new ones can be made (PERMANENTFLAGS). */
void imap_write_flags(struct imap_writer *w, unsigned system, const struct slice *keywords,
                      size_t keyword_count);

void imap_write_date_time(struct imap_writer *w, struct imap_date_time t); /* in quotes */

/*
 * "BODY[1.2.HEADER.FIELDS (From To)]<0>" and so on, as an attribute of a FETCH response names the
 * section that was asked for. The value follows.
 */
struct imap_section;
void imap_write_section(struct imap_writer *w, const struct imap_section *section);
