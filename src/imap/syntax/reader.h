/* SPDX-License-Identifier: ISC */
/*
 * Reading commands from a client (RFC 9051 §2.2.1, §4.3; RFC 7888): lines with literals between
 * them become one text. What a command means is not known here, save what its end looks like.
 *
 * - A line ends with LF, with CR before it or not; it becomes CRLF in the text. Empty lines before
 *   a command are skipped.
 * - A line that ends with {n} or {n+}, and ~ before it or not, announces a literal, unless a quoted
 *   string is open there.
 * - A run of more than IMAP_SET_HELD bytes of which sets consist, at the beginning of a word, is
 * read as a set as it comes, and held as ranges; a NUL stands for it in the text. So a set may be
 * far longer than a line, and a NUL that a client sends never is in the text.
 * - Octets behind a refused literal are never read as a command (imap_reader_refuse()).
 *
 * - Of one command IMAP_HELD_EACH bytes of literals and sets are taken in any case. Beyond that, as
 * long as all readers that share a count hold less than IMAP_HELD_MAX.
 *
 * Between commands it holds nothing. At its most it holds `line` + `literals` bytes, doubled while
 * the buffer grows, and the ranges of sets.
 */
#pragma once

#include "imap/syntax/token.h"
#include "io/stream.h"

#define IMAP_SET_HELD  4096U
#define IMAP_HELD_EACH 65536U
#define IMAP_HELD_MAX  67108864U

struct imap_reader_limits {
    size_t line;      /* all lines of a command together, sets of the kind above apart, and CRLF
                         before each literal */
    size_t literal;   /* one literal that is held */
    size_t literals;  /* all of them in a command */
    size_t sets;      /* text of sets, all of a command together */
    uint64_t discard; /* octets of a command that is refused, which are read and dropped */
};

/*
 * Before login: 8 KiB, 4 KiB, 8 KiB, no long sets, 64 KiB. After it: 64 KiB, 128 KiB, 1 MiB, 1 MiB,
 * 64 MiB, so that a whole message which a client has sent with {n+} can be refused politely.
 */
extern const struct imap_reader_limits imap_limits_before_login, imap_limits_after_login;

struct imap_literal {
    uint64_t size; /* UINT64_MAX: no number that fits */
    bool waits;    /* {n}: the client waits for "+" */
    bool eight;    /* ~{n} */
};

struct imap_reader {
    struct stream *stream; /* the caller's */
    const struct imap_reader_limits *limits;
    usec_t timeout; /* in which a command must come, from its first byte; literals apart that are
                       not held */
    bool secret;    /* passwords may come: what was read is wiped before its memory is given back */
    uint64_t *held; /* the caller's, and that of other readers: bytes of long commands that all of
                       them hold; NULL: nobody counts */

    /* the rest is the reader's own */
    struct buf text;
    struct imap_set_reader *set_readers; /* those of `sets`, and one that is open */
    struct imap_set *sets;
    size_t set_count, set_bytes, line_bytes, literal_bytes;
    uint64_t large, counted; /* bytes of this command; those of them that are in `held` */
    uint64_t dropped;        /* octets of the command that were not held */
    size_t run;              /* bytes at the end of the text that may become a set */
    bool word_begins;        /* the next byte begins a word */
    bool in_set, in_quotes, escaped;
    char tail[24]; /* the last bytes of the line */
    size_t tail_len;
    usec_t deadline;
    struct imap_literal literal;
    unsigned waited; /* literals of the command that are held and for which the client has waited */
    bool before_literal, handed_on; /* where the last line ended */
    const char *wrong;              /* why the text is not whole; NULL: it is */
};

void imap_reader_done(struct imap_reader *r);

/* Whether a command is here, or the beginning of one; empty lines before it are gone then. */
bool imap_reader_has_begun(struct imap_reader *r);

/*
 * Waits for the first byte of a command, for as long as the stream's time-out lets it; behind an
 * empty line for `timeout`, however many of them come. What the last command held goes before. 0,
 * or an error of streams.
 */
int imap_reader_begin(struct imap_reader *r) WAITS;

/*
 * Reads on to the next literal, or to the end of the command. 0: it is whole, 1: a literal is next
 * (r->literal). -E_REFUSED: more was dropped than the limit, the connection has to be closed; or an
 * error of streams, -ETIMEDOUT too.
 */
int imap_reader_read(struct imap_reader *r) WAITS;

/*
 * What was read. When r->wrong is set the text ends somewhere before what was wrong; it still has
 * the tag if that was read.
 */
struct imap_text imap_reader_text(const struct imap_reader *r);

/*
 * Before a literal. The first takes it into the text; -E_LIMIT: it is too large, and only
 * imap_reader_refuse() may follow. The second lets the caller read its octets from the stream, all
 * of them, before imap_reader_read() goes on; then the text begins anew, and so do its bounds. Both
 * say
 * "+" if the client waits for it.
 */
int imap_reader_hold(struct imap_reader *r) WAITS;
int imap_reader_hand_on(struct imap_reader *r) WAITS;

/*
 * The command will be answered with NO or BAD, whatever is still to come of it (behind
 * imap_reader_hand_on(): when the octets were read). A client that waits
 * for "+" learns from that answer that its literal is not wanted; if octets are here already, it
 * has not waited, and nobody can tell them from commands. Otherwise the rest of the command is
 * dropped. 0, or -E_REFUSED: the connection has to be closed, after the answer; or an error of
 * streams.
 */
int imap_reader_refuse(struct imap_reader *r) WAITS;

/*
 * A line that is no command: DONE, what AUTHENTICATE goes on with; without its end, at most `max`
 * bytes, valid until the next read. -E_LIMIT: too long, the connection has to be closed.
 */
int imap_reader_line(struct imap_reader *r, size_t max, struct slice *ret) WAITS;
