/* SPDX-License-Identifier: ISC */
/*
 * A message is read line by line. Of each line so much is kept as can be a boundary, or a line that
 * is short enough; the rest of a longer one passes through in whatever pieces it comes. Headers are
 * collected, since what they become depends on all of their fields; of the body nothing is kept.
 *
 * Parts are numbered in the order of their headers, in both passes alike: what the first finds out
 * of a part is a bit under its number. How the lines of a part become shorter is recode.c, those of
 * a header refold.c.
 */
#include "message/write/shorten.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "message/charset/recode.h"
#include "message/header.h"
#include "message/mime/mime.h"
#include "message/write/refold.h"

#define HOLD_MAX (SHORTEN_LINE_MAX + 2) /* a line that is short enough, with its line end */

static const char signed_words[] =
    "The message has lines of more than 998 characters, and is signed or encrypted, so they cannot "
    "be shortened here; please send it with shorter lines";
static const char stuck_words[] =
    "The message has lines of more than 998 characters in a place where they cannot be encoded; "
    "please send it with shorter lines";
static const char field_words[] =
    "The header of the message has a line of more than 998 characters without a blank at which it "
    "could be folded";
static const char bounds_words[] = "The message has lines of more than 998 characters, and too "
                                   "many parts, or too large headers of "
                                   "parts, to shorten them here; please send it with shorter lines";

/* What a multipart is like, inside of which we are. */
struct level {
    struct mime_boundary boundary;
    bool is_signed, is_digest;
};

enum place {
    IN_HEADER,
    IN_LEAF,
    IN_BETWEEN, /* before the first part of a multipart, or behind the last */
};

struct shorten {
    struct level levels[SHORTEN_DEPTH];
    size_t depth;
    uint8_t wanted[SHORTEN_PARTS / 8]; /* parts that are to be encoded */
    size_t part;                       /* number of the next one */
    const char *fault;                 /* the first reason for a refusal */

    enum place place;
    struct buf header; /* collected so far */
    bool of_message;   /* it is that of a message, not of a part */
    char held[HOLD_MAX + 1];
    size_t held_len;
    bool in_long; /* the line that is passing was too long to be held */

    /* Of the leaf, or of what else is passing. */
    size_t leaf;                 /* its number */
    enum mime_encoding encoding; /* MIME_UNKNOWN: it cannot be changed */
    bool is_signed, is_encoded, has_long, has_junk;
    struct recode recode; /* of a leaf with is_encoded */
};

struct shorten *shorten_new(void) {
    return NEW(struct shorten);
}

void shorten_free(struct shorten *s) {
    if (!s)
        return;
    buf_done(&s->header);
    free(s);
}

static void set_fault(struct shorten *s, const char *words) {
    if (!s->fault)
        s->fault = words;
}

/* A line here is too long: the part has to be encoded, or the message refused. */
static void note_long(struct shorten *s) {
    s->has_long = true;
    if (s->is_signed)
        set_fault(s, signed_words);
    else if (s->place != IN_LEAF || s->encoding == MIME_UNKNOWN || s->has_junk)
        set_fault(s, stuck_words);
    else if (s->leaf >= SHORTEN_PARTS)
        set_fault(s, bounds_words);
    else
        s->wanted[s->leaf / 8] |= (uint8_t)(1U << s->leaf % 8);
}

/* ------------------------------------------------------------------ bytes of a body */

static bool is_recoded(const struct shorten *s) {
    return s->place == IN_LEAF && s->is_encoded;
}

/* What does not belong into base64, such as a footer behind it, would not survive. */
static void add_data(struct shorten *s, struct slice piece, struct buf *to) {
    bool base64 = s->place == IN_LEAF && s->encoding == MIME_BASE64;
    for (size_t i = 0; base64 && i < piece.len && !s->has_junk; i++)
        s->has_junk =
            base64_value(piece.ptr[i]) < 0 && piece.ptr[i] != '=' && !ascii_is_blank(piece.ptr[i]);
    if (base64 && s->has_junk && s->has_long)
        set_fault(s, stuck_words);
    if (is_recoded(s))
        recode_add(&s->recode, piece, to);
    else
        buf_add(to, piece);
}

/* The line end, as it stands in the message; empty at the very end of it. */
static void add_line_end(struct shorten *s, struct slice end, struct buf *to) {
    if (is_recoded(s))
        recode_line_end(&s->recode, end, to);
    else
        buf_add(to, end);
}

/* ------------------------------------------------------------------ headers */

struct facts {
    struct mime_type type;
    enum mime_encoding encoding;
    bool has_encoding, has_version, has_signature;
    enum header_end end;
    size_t body;
};

static struct facts read_header(struct arena *a, struct slice header) {
    struct facts f = {0};
    struct header_cursor c = {.message = header};
    for (struct header_field field; header_next(&c, &field);) {
        struct slice value = header_unfold(a, field.raw);
        if (header_is(&field, S("Content-Type")) && f.type.type.len == 0)
            f.type = mime_type_read(a, value);
        else if (header_is(&field, S("Content-Transfer-Encoding")) && !f.has_encoding) {
            f.encoding = mime_encoding_read(value);
            f.has_encoding = true;
        }
        f.has_version |= header_is(&field, S("MIME-Version"));
        f.has_signature |=
            header_is(&field, S("DKIM-Signature")) || header_is(&field, S("ARC-Message-Signature"));
    }
    f.end = c.end;
    f.body = c.body;
    return f;
}

/* Writes a header; with `encode`, as that of a part which becomes quoted-printable. */
static void add_header(struct shorten *s, struct slice header, const struct facts *f, bool encode,
                       bool is_message, struct buf *to) {
    struct header_cursor c = {.message = header};
    struct refold refold = {.to = to};
    size_t copied = 0;
    for (struct header_field field; header_next(&c, &field);) {
        struct slice between = slice_from(slice_first(header, field.offset), copied);
        refold_lines(&refold, between, false);
        copied = field.offset + field.len;
        if (!encode || !header_is(&field, S("Content-Transfer-Encoding")))
            refold_lines(&refold, slice_first(slice_from(header, field.offset), field.len), true);
    }
    if (encode && is_message && !f->has_version)
        buf_add_str(to, "MIME-Version: 1.0\r\n");
    if (encode)
        buf_add_str(to, "Content-Transfer-Encoding: quoted-printable\r\n");
    refold_lines(&refold, slice_from(header, copied), false);
    if (refold.has_long && s->is_signed)
        set_fault(s, signed_words);
    if (refold.is_stuck)
        set_fault(s, field_words);
}

/* ------------------------------------------------------------------ parts */

/* RFC 1847, RFC 3156, RFC 8551: opening, or changing, these is for the receiver alone. */
static bool is_signed_type(struct slice type) {
    static const struct slice types[] = {{"multipart/signed", 16},
                                         {"multipart/encrypted", 19},
                                         {"application/pkcs7-mime", 22},
                                         {"application/x-pkcs7-mime", 24}};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (slice_eq(type, types[i]))
            return true;
    }
    return false;
}

static void enter_multipart(struct shorten *s, const struct facts *f) {
    s->place = IN_BETWEEN;
    struct level *level = &s->levels[s->depth++];
    *level = (struct level){
        .boundary = f->type.boundary,
        .is_signed = s->is_signed,
        .is_digest = slice_eq(f->type.type, S("multipart/digest")),
    };
}

static void enter_leaf(struct shorten *s, const struct facts *f, struct slice type) {
    s->place = IN_LEAF;
    s->encoding = f->encoding;
    if (slice_starts(type, S("message/")) || slice_starts(type, S("multipart/")))
        s->encoding = MIME_UNKNOWN; /* RFC 2046 §5.2: 7bit only */
    if (f->end == HEADER_NO_FIELD)
        s->encoding = MIME_UNKNOWN;
    s->has_long = s->has_junk = false;
    s->recode = (struct recode){.encoding = s->encoding};
}

/* A header is whole: what begins behind it? */
static void end_header(struct shorten *s, struct slice header, struct buf *to) {
    _cleanup_(arena_done) struct arena a = {0};
    struct facts f = read_header(&a, header);
    bool is_message = s->of_message;
    bool in_digest = !is_message && s->depth > 0 && s->levels[s->depth - 1].is_digest;
    struct slice type = f.type.type.len > 0 ? f.type.type
                        : in_digest         ? S("message/rfc822")
                                            : S("text/plain");
    bool opens = f.encoding == MIME_PLAIN && f.end != HEADER_NO_FIELD;
    s->leaf = s->part++;
    if (is_message && f.has_signature)
        s->is_signed = true;
    s->is_encoded = s->leaf < SHORTEN_PARTS && s->wanted[s->leaf / 8] >> s->leaf % 8 & 1;
    add_header(s, header, &f, s->is_encoded && f.encoding == MIME_PLAIN, is_message, to);
    s->is_signed |= is_signed_type(type);
    s->of_message =
        opens && (slice_eq(type, S("message/rfc822")) || slice_eq(type, S("message/global")));
    if (opens && slice_starts(type, S("multipart/")) && f.type.boundary.len > 0 &&
        s->depth < SHORTEN_DEPTH)
        enter_multipart(s, &f);
    else if (s->of_message)
        s->place = IN_HEADER;
    else
        enter_leaf(s, &f, type);
}

/* The level whose boundary a line is, counted from 1; 0: it is none. */
static size_t boundary_level(const struct shorten *s, struct slice line, bool *ret_last) {
    struct mime_delimiter d;
    if (!mime_delimiter_read(&d, line))
        return 0;
    for (size_t k = s->depth; k > 0; k--)
        if (mime_delimiter_is(&d, &s->levels[k - 1].boundary, ret_last))
            return k;
    return 0;
}

/* ------------------------------------------------------------------ lines */

static bool is_pgp(struct slice text) {
    return slice_starts(text, S("-----BEGIN PGP "));
}

/* A line of the body, or what there is of it when the message ends within it. */
static void body_line(struct shorten *s, struct slice line, struct buf *to) {
    size_t end = line.len;
    if (end > 0 && line.ptr[end - 1] == '\n')
        end -= end > 1 && line.ptr[end - 2] == '\r' ? 2 : 1;
    struct slice text = slice_first(line, end);
    if (s->place == IN_LEAF && is_pgp(text)) {
        s->is_signed = true; /* to the end of the part */
        if (s->has_long)
            set_fault(s, signed_words);
    }
    if (text.len > SHORTEN_LINE_MAX)
        note_long(s);
    add_data(s, text, to);
    add_line_end(s, slice_from(line, end), to);
}

static void add_to_header(struct shorten *s, struct slice piece) {
    if (s->header.len + piece.len > SHORTEN_HEADER_MAX)
        set_fault(s, bounds_words);
    else
        buf_add(&s->header, piece);
}

static void finish_header(struct shorten *s, struct buf *to) {
    _cleanup_(buf_done) struct buf header = s->header;
    s->header = (struct buf){0};
    end_header(s, buf_slice(&header), to);
}

static void whole_line(struct shorten *s, struct slice line, struct buf *to) {
    bool last = false;
    size_t level = boundary_level(s, line, &last);
    if (level > 0) {
        if (s->place == IN_HEADER) /* a part that is all header */
            finish_header(s, to);
        if (is_recoded(s))
            recode_end(&s->recode, to);
        buf_add(to, line);
        s->depth = last ? level - 1 : level;
        s->is_signed = s->levels[level - 1].is_signed;
        s->place = last ? IN_BETWEEN : IN_HEADER;
        s->of_message = s->is_encoded = false;
    } else if (s->place == IN_HEADER) {
        add_to_header(s, line);
        if (slice_eq(line, S("\r\n")) || slice_eq(line, S("\n")))
            finish_header(s, to);
    } else {
        body_line(s, line, to);
    }
}

/* More of a line that is too long; a CR waits for what is behind it. */
static size_t long_piece(struct shorten *s, struct slice rest, struct buf *to) {
    ssize_t lf = slice_find_byte(rest, '\n');
    size_t taken = lf < 0 ? rest.len : (size_t)lf + 1;
    struct slice piece = slice_first(rest, taken);
    if (s->place == IN_HEADER) {
        add_to_header(s, piece);
        s->in_long = lf < 0;
        return taken;
    }
    struct slice text = slice_first(piece, lf < 0 ? taken : (size_t)lf);
    if (s->held_len > 0 && text.len > 0) {
        add_data(s, S("\r"), to);
        s->held_len = 0;
    }
    if (slice_ends(text, S("\r"))) {
        s->held_len = 1;
        text.len--;
    }
    add_data(s, text, to);
    if (lf >= 0) {
        add_line_end(s, s->held_len > 0 ? S("\r\n") : S("\n"), to);
        s->held_len = 0;
        s->in_long = false;
    }
    return taken;
}

/* What is held is more than a short line can be. */
static void begin_long(struct shorten *s, struct buf *to) {
    struct slice text = slice_of(s->held, s->held_len);
    s->held_len = 0;
    s->in_long = true;
    if (s->place == IN_LEAF && is_pgp(text))
        s->is_signed = true;
    if (s->place != IN_HEADER)
        note_long(s);
    (void)long_piece(s, text, to);
}

/* So much of a line as has room beside what is held of it. */
static size_t hold(struct shorten *s, struct slice rest, struct buf *to) {
    struct slice piece = slice_first(rest, sizeof s->held - s->held_len);
    ssize_t lf = slice_find_byte(piece, '\n');
    if (lf >= 0)
        piece = slice_first(piece, (size_t)lf + 1);
    memcpy(s->held + s->held_len, piece.ptr, piece.len);
    s->held_len += piece.len;
    if (lf >= 0) {
        whole_line(s, slice_of(s->held, s->held_len), to);
        s->held_len = 0;
    } else if (s->held_len == sizeof s->held) {
        begin_long(s, to);
    }
    return piece.len;
}

/* ------------------------------------------------------------------ a pass */

void shorten_begin(struct shorten *s, struct slice header, struct buf *to) {
    buf_clear(&s->header);
    s->depth = s->part = s->held_len = 0;
    s->in_long = s->is_signed = s->has_long = false;
    s->of_message = true;
    s->fault = NULL;
    end_header(s, header, to);
}

void shorten_feed(struct shorten *s, struct slice piece, struct buf *to) {
    while (piece.len > 0 && !s->fault) {
        size_t taken = s->in_long ? long_piece(s, piece, to) : hold(s, piece, to);
        piece = slice_from(piece, taken);
    }
}

int shorten_end(struct shorten *s, struct buf *to, struct problem *problem) {
    if (s->in_long && s->place != IN_HEADER) {
        if (s->held_len > 0)
            add_data(s, S("\r"), to);
        add_line_end(s, S(""), to);
    } else if (s->held_len > 0) {
        whole_line(s, slice_of(s->held, s->held_len), to);
    }
    if (s->place == IN_HEADER)
        finish_header(s, to);
    if (is_recoded(s))
        recode_end(&s->recode, to);
    return s->fault ? problem_set(problem, -E_REFUSED, "%s", s->fault) : 0;
}
