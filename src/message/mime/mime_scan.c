/* SPDX-License-Identifier: ISC */
/*
 * Parts that have begun and not ended are frames, the outermost first; the last of them is the one
 * whose bytes come. A line is looked at as a whole while a header is read, and where it may be a
 * delimiter (it begins with "-"); one that is cut by the end of a piece waits in `line` for the
 * rest. All other bytes of bodies are passed on in runs as long as they come, from LF to LF with
 * memchr.
 *
 * Whether the line end behind a line belongs to the body is known only when the next line has come:
 * it waits in `held`.
 */
#include "message/mime/mime_scan.h"

#include "base/alloc.h"
#include "message/header.h"
#include "message/mime/mime_boundary.h"
#include "message/mime/mime_header.h"

#define NOTHING_OPEN SIZE_MAX

struct frame {
    struct mime_part part;
    uint64_t lfs;      /* line ends of the message before its body */
    unsigned children; /* parts that have begun in it */
    bool is_digest;
    struct mime_boundary boundary; /* empty: no delimiter is looked for */
};

struct mime_scan {
    const struct mime_sink *sink;
    void *arg;
    uint64_t at;  /* offset of the next byte, or of the first in `line` */
    uint64_t lfs; /* line ends before it */
    size_t top;   /* the last frame */
    size_t open;  /* boundaries that are looked for */
    unsigned parts;
    bool full; /* there are so many parts that no more delimiter counts */

    bool in_header;
    bool in_value; /* in a line of a field that was too long to wait for its end */
    struct mime_header header;

    bool ends_line; /* the last byte that came is LF */
    bool ended;
    bool after_cr;     /* the last byte of a body was CR */
    uint64_t column;   /* bytes of the line of a body that has begun */
    unsigned eol_len;  /* of the line end before `at`, when it is in a body */
    bool empty_line;   /* nothing else was in that line */
    char held[2];      /* it, or a CR that may be part of one */
    unsigned held_len; /* only while there are boundaries */

    struct buf line;
    struct arena arena; /* of the header that has ended */
    struct frame frames[MIME_SCAN_DEPTH + 2];
};

static void take_line(struct mime_scan *s, struct slice line);

struct mime_scan *mime_scan_new(const struct mime_sink *sink, void *arg) {
    struct mime_scan *s = mem_alloc(sizeof *s);
    memset(s, 0, offsetof(struct mime_scan, frames));
    s->sink = sink;
    s->arg = arg;
    s->frames[0] = (struct frame){.part = {.place = 1}};
    s->parts = 1;
    s->in_header = true;
    return s;
}

void mime_scan_free(struct mime_scan *s) {
    if (!s)
        return;
    mime_header_done(&s->header);
    buf_done(&s->line);
    arena_done(&s->arena);
    free(s);
}

/* ------------------------------------------------------------------ parts begin and end */

/* What the fields say: the first readable type, the first encoding. */
static void read_fields(struct mime_scan *s, struct mime_part *part, bool in_digest) {
    struct header_cursor c = {.message = buf_slice(&s->header.fields)};
    struct mime_value type = {0};
    bool has_encoding = false;
    for (struct header_field f; header_next(&c, &f);) {
        if (type.major.len == 0 && header_is(&f, S("Content-Type"))) {
            type = mime_value_read(&s->arena, header_unfold(&s->arena, f.raw));
        } else if (!has_encoding && header_is(&f, S("Content-Transfer-Encoding"))) {
            part->encoding = mime_encoding_read(header_unfold(&s->arena, f.raw));
            has_encoding = true;
        }
    }
    part->is_cut = s->header.is_cut;
    part->type = mime_type_valid(type, in_digest);
    part->kind = mime_kind_of(&part->type);
    if (part->kind != MIME_LEAF &&
        (part->depth == MIME_SCAN_DEPTH || s->parts == MIME_SCAN_PARTS)) {
        part->kind = MIME_LEAF;
        part->type.major = S("application");
        part->type.minor = S("octet-stream");
    }
}

/* A part begins in the last frame, at the next byte. */
static struct frame *push(struct mime_scan *s) {
    struct frame *around = &s->frames[s->top], *f = &s->frames[++s->top];
    f->part = (struct mime_part){
        .number = s->parts++,
        .parent = around->part.number,
        .depth = around->part.depth + 1,
        .place = ++around->children,
        .header = s->at,
        .body = s->at,
    };
    f->lfs = s->lfs;
    f->children = 0;
    f->boundary.len = 0;
    f->is_digest = false;
    return f;
}

static void begin_header(struct mime_scan *s) {
    s->in_header = true;
    s->in_value = false;
    mime_header_begin(&s->header);
}

static void tell_header(struct mime_scan *s, const struct mime_part *part, struct slice fields) {
    if (s->sink->header)
        s->sink->header(s->arg, part, fields);
}

/* The part without a header in a multipart in which there are no delimiters. */
static struct frame *push_plain(struct mime_scan *s, uint64_t at) {
    struct frame *f = push(s);
    f->part.header = f->part.body = at;
    f->part.type = mime_type_valid((struct mime_value){0}, false);
    tell_header(s, &f->part, S(""));
    return f;
}

/* The header of the last frame ends before the next byte. */
static void end_header(struct mime_scan *s) {
    struct frame *f = &s->frames[s->top];
    arena_reset(&s->arena);
    f->part.body = s->at;
    f->lfs = s->lfs;
    s->in_header = false;
    s->column = 0;
    s->eol_len = s->held_len = 0;
    s->after_cr = false;
    read_fields(s, &f->part, s->top > 0 && f[-1].is_digest);
    tell_header(s, &f->part, buf_slice(&s->header.fields));
    if (f->part.kind == MIME_MULTIPART) {
        f->is_digest = slice_eq_nocase(f->part.type.minor, S("digest"));
        if (mime_boundary_set(&f->boundary, mime_parameter(&f->part.type, S("boundary"))))
            s->open++;
        else
            (void)push_plain(s, s->at);
    } else if (f->part.kind == MIME_MESSAGE) {
        (void)push(s);
        begin_header(s);
    }
    f->part.type = (struct mime_value){0};
}

/* The last frame ends, `eol_len` bytes before the next one. */
static void pop(struct mime_scan *s) {
    struct frame *f = &s->frames[s->top];
    f->part.end = s->at - s->eol_len;
    f->part.lines = s->lfs - f->lfs;
    if (s->eol_len > 0)
        f->part.lines -= s->empty_line;
    else
        f->part.lines += s->ended && !s->ends_line && f->part.body < s->at;
    if (f->part.kind == MIME_MULTIPART && f->children == 0) {
        struct mime_part *made = &push_plain(s, f->part.body)->part;
        made->end = f->part.end;
        made->lines = f->part.lines;
        if (s->sink->end)
            s->sink->end(s->arg, made);
        s->top--;
    }
    if (f->boundary.len > 0)
        s->open--;
    if (s->sink->end)
        s->sink->end(s->arg, &f->part);
    s->top--;
}

/* ------------------------------------------------------------------ delimiters */

/* The frame whose delimiter a line is; NOTHING_OPEN: it is none. */
static size_t find_delimiter(const struct mime_scan *s, struct slice line, bool *ret_last) {
    struct mime_delimiter d;
    if (s->open == 0 || s->full || !mime_delimiter_read(&d, line))
        return NOTHING_OPEN;
    for (size_t i = s->top + 1; i-- > 0;) {
        if (mime_delimiter_is(&d, &s->frames[i].boundary, ret_last))
            return i;
    }
    return NOTHING_OPEN;
}

static unsigned eol_length(struct slice line) {
    return slice_ends(line, S("\r\n")) ? 2 : slice_ends(line, S("\n")) ? 1 : 0;
}

/*
 * Whether one part more may begin in a frame. A multipart in which none has begun gets one when it
 * ends; only the last frame can be such.
 */
static bool has_room(const struct mime_scan *s, size_t frame) {
    const struct frame *last = &s->frames[s->top];
    bool owes = s->top > frame && last->part.kind == MIME_MULTIPART && last->children == 0;
    return s->parts + owes < MIME_SCAN_PARTS;
}

/* The delimiter of a frame comes next. */
static void take_delimiter(struct mime_scan *s, size_t frame, bool last, struct slice line) {
    while (s->top > frame)
        pop(s);
    s->at += line.len;
    s->lfs += eol_length(line) > 0;
    s->column = 0;
    s->eol_len = s->held_len = 0;
    if (!last) {
        (void)push(s);
        begin_header(s);
        return;
    }
    s->frames[frame].boundary.len = 0;
    s->open--;
    s->after_cr = false;
    s->eol_len = eol_length(line);
    s->empty_line = false;
}

/* ------------------------------------------------------------------ headers */

static void header_line(struct mime_scan *s, struct slice line) {
    unsigned eol = eol_length(line);
    bool empty = eol > 0 && line.len == eol;
    if (!empty && !mime_header_line(&s->header, line, s->sink->wants, s->arg)) {
        end_header(s);
        take_line(s, line);
        return;
    }
    s->at += line.len;
    s->lfs += eol > 0;
    s->in_value = eol == 0;
    if (empty)
        end_header(s);
}

static size_t header_value(struct mime_scan *s, struct slice piece) {
    ssize_t lf = slice_find_byte(piece, '\n');
    struct slice rest = lf < 0 ? piece : slice_first(piece, (size_t)lf + 1);
    mime_header_more(&s->header, rest);
    s->at += rest.len;
    s->lfs += lf >= 0;
    s->in_value = lf < 0;
    return rest.len;
}

/* ------------------------------------------------------------------ bodies */

/* Passes on a run of bytes but for the line end behind it. */
static void tell_body(struct mime_scan *s, struct slice run) {
    const struct mime_part *part = &s->frames[s->top].part;
    if (!s->sink->body)
        return;
    if (s->held_len == 1 && s->held[0] == '\r' && run.ptr[0] == '\n') {
        s->held[s->held_len++] = '\n';
        run = slice_from(run, 1);
    }
    if (run.len == 0)
        return;
    if (s->held_len > 0)
        s->sink->body(s->arg, part, slice_of(s->held, s->held_len));
    s->held_len = s->open == 0 ? 0 : slice_ends(run, S("\r")) ? 1 : eol_length(run);
    run.len -= s->held_len;
    if (s->held_len > 0)
        memcpy(s->held, run.ptr + run.len, s->held_len);
    if (run.len > 0)
        s->sink->body(s->arg, part, run);
}

/* Bytes of a body; no line in them but the first may be a delimiter, and that one is none. */
static void take_run(struct mime_scan *s, struct slice run, size_t lfs, ssize_t last_line) {
    s->lfs += lfs;
    s->eol_len = eol_length(run);
    if (s->eol_len > 0) {
        uint64_t before = last_line < 0 ? s->column : 0;
        uint64_t len = before + run.len - (last_line < 0 ? 0 : (size_t)last_line);
        s->eol_len += s->eol_len == 1 && run.len == 1 && s->after_cr;
        s->empty_line = len == s->eol_len;
        s->column = 0;
    } else {
        s->column = last_line < 0 ? s->column + run.len : run.len - (size_t)last_line;
    }
    s->after_cr = slice_ends(run, S("\r"));
    tell_body(s, run);
    s->at += run.len;
}

/* All up to a line that may be a delimiter. `last_line` is where the last line in it begins. */
static size_t body_run(struct mime_scan *s, struct slice piece) {
    const char *end = piece.ptr + piece.len, *at = piece.ptr;
    ssize_t last_line = -1;
    size_t lfs = 0;
    for (const char *lf; at < end && (lf = memchr(at, '\n', (size_t)(end - at)));) {
        if (at > piece.ptr)
            last_line = at - piece.ptr;
        at = lf + 1;
        lfs++;
        if (at < end && *at == '-' && s->open > 0 && !s->full) {
            take_run(s, slice_first(piece, (size_t)(at - piece.ptr)), lfs, last_line);
            return (size_t)(at - piece.ptr);
        }
    }
    if (at < end && at > piece.ptr)
        last_line = at - piece.ptr;
    take_run(s, piece, lfs, last_line);
    return piece.len;
}

/* ------------------------------------------------------------------ lines */

/* A line, which may lack its end. */
static void take_line(struct mime_scan *s, struct slice line) {
    bool last = false;
    size_t frame = find_delimiter(s, line, &last);
    while (frame != NOTHING_OPEN && s->in_header) /* a part that is all header */
        end_header(s);
    if (frame != NOTHING_OPEN && !last && !has_room(s, frame)) {
        s->full = true;
        frame = NOTHING_OPEN;
    }
    if (frame != NOTHING_OPEN)
        take_delimiter(s, frame, last, line);
    else if (s->in_header)
        header_line(s, line);
    else
        take_run(s, line, slice_ends(line, S("\n")), -1);
}

/* A line that has to be known as a whole. */
static size_t gather_line(struct mime_scan *s, struct slice piece) {
    size_t most = s->in_header ? MIME_FIELD_MAX : MIME_DELIMITER_MAX;
    ssize_t lf = slice_find_byte(slice_first(piece, most - s->line.len), '\n');
    size_t n = lf >= 0 ? (size_t)lf + 1 : MIN(piece.len, most - s->line.len);
    struct slice line = slice_first(piece, n);
    bool whole = lf >= 0 || s->line.len + n == most;
    if (s->line.len == 0 && whole) {
        take_line(s, line);
        return n;
    }
    buf_add(&s->line, line);
    if (whole) {
        struct buf gathered = s->line;
        s->line = (struct buf){0};
        take_line(s, buf_slice(&gathered));
        buf_clear(&gathered);
        s->line = gathered;
    }
    return n;
}

void mime_scan_feed(struct mime_scan *s, struct slice piece) {
    if (piece.len > 0)
        s->ends_line = piece.ptr[piece.len - 1] == '\n';
    while (piece.len > 0) {
        size_t n;
        if (s->in_header && s->in_value)
            n = header_value(s, piece);
        else if (s->in_header || s->line.len > 0 ||
                 (s->column == 0 && s->open > 0 && !s->full && piece.ptr[0] == '-'))
            n = gather_line(s, piece);
        else
            n = body_run(s, piece);
        piece = slice_from(piece, n);
    }
}

void mime_scan_end(struct mime_scan *s) {
    if (s->line.len > 0)
        take_line(s, buf_slice(&s->line));
    while (s->in_header)
        end_header(s);
    s->eol_len = 0;
    s->ended = true;
    if (s->held_len > 0 && s->sink->body)
        s->sink->body(s->arg, &s->frames[s->top].part, slice_of(s->held, s->held_len));
    for (size_t ends = s->top + 1; ends > 0; ends--)
        pop(s);
}
