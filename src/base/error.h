/* SPDX-License-Identifier: ISC */
/*
 * Errors: a function returns 0 (or a count) or a negative number: a negated errno, or one of the
 * codes below. Results travel through `ret_` parameters, which are written only on success.
 *
 * Where words help a person, the function takes a `struct problem *` and fills it where the cause
 * is known; the one caller that can act prints or answers with it. A function reports or returns,
 * never both.
 */
#pragma once

#include <stdarg.h>

#include "base/buf.h"
#include "base/macro.h"

/* Codes beyond errno. Kept clear of any errno value; text from error_text(). */
enum error_code {
    E_FIRST = 5000,
    E_SYNTAX = E_FIRST, /* bytes do not follow the grammar */
    E_LIMIT,            /* a limit set by us was passed */
    E_CORRUPT,          /* stored bytes fail their checksum or their form */
    E_VERSION,          /* a stored format is newer than this program */
    E_EOF,              /* the stream ended where more was due */
    E_TLS,              /* the TLS layer failed; the stream is dead */
    E_SLOW,             /* the peer stayed under the minimum rate */
    E_REFUSED,          /* an access rule or credential check said no */
    E_UNKNOWN,          /* no such name, account or message */
    E_BUSY,             /* somebody else holds it; may be tried later */
    E_TEMPORARY,        /* failed now, may be tried later */
    E_PERMANENT,        /* failed, and trying again is useless */
    E_UNTRUSTED,        /* a file that failed to sync is not used any more */
    E_LAST,
};

/*
 * One sentence for a person, made where the cause is known. Zero value: nothing said yet.
 *
 * `text` is the sentence in English. `parts` has it once more in pieces: the format as it stands in
 * the code, then each argument as text, so that whoever shows it to a person can say it in his
 * language (problem_words() in base/words.h), on the other side of a link too. Without parts
 * (`parts_len` is 0) the sentence was too long or of a form that base/error.c does not know.
 */
#define PROBLEM_PARTS 320
struct problem {
    char text[400];
    char parts[PROBLEM_PARTS];
    size_t parts_len;
};

/* Text of a (negative or positive) errno or error_code; never NULL. */
const char *error_text(int code);

/*
 * Sets the sentence of `p` (which may be NULL) and returns `code`, so that a failing function ends
 * with `return problem_set(p, -E_SYNTAX, "...")`. Too long a text is cut. Where a command shows the
 * sentence to its user, the format is marked with N_(). What is given for "%s" is one of our own
 * sentences or a name, and is translated where it is in the catalogue; somebody else's text is
 * given for "%.*s" and stays as it is.
 */
int problem_set(struct problem *p, int code, const char *format, ...) PRINTF_LIKE(3, 4);
int problem_set_v(struct problem *p, int code, const char *format, va_list args) PRINTF_LIKE(3, 0);

/* The sentence as it travels over a link: its text, a NUL, its parts. Read from any bytes, into
 * NULL too. */
void problem_write(struct buf *to, const struct problem *p);
void problem_read(struct problem *p, struct slice bytes);

/*
 * A sentence as parts alone, for what only people ever read: parts_words() makes it one.
 * Text without a NUL stands for itself.
 *
 * parts_of_texts() is for a format that has "%.*s" only, and a text for each of them; it copies and
 * does not print, so it may stand where every message passes. The parts of a problem are its own.
 */
struct arena;
struct slice parts_of_texts(struct arena *a, const char *format, const struct slice *texts,
                            size_t count);
struct slice parts_of_problem(const struct problem *p);

/*
 * Appends the sentence that `format`, another one with the same conversions ("%2$s" too), makes of
 * the arguments in the parts. False when they do not fit; something may have been appended then.
 */
bool parts_fill(struct buf *to, struct slice parts, const char *format);

/* The sentence of a problem in the language of the user; the text in English where there is none.
 */
const char *problem_words(struct arena *a, const struct problem *p);

/* The sentence that parts make in the language of the user. */
struct slice parts_words(struct arena *a, struct slice parts);

/*
 * Ends the process with a line on stderr (as in notice.h), critical in the journal: for a broken
 * promise of our own code only.
 */
NORETURN void panic(const char *format, ...) PRINTF_LIKE(1, 2);

/* Like assert(), in every build: a broken promise of our own code ends the process. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            panic("%s:%d: %s", __FILE__, __LINE__, #condition);                                    \
    } while (0)
