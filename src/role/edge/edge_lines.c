/* SPDX-License-Identifier: ISC */
/*
 * The message passes twice: through memory when it lies there, otherwise piece by piece from the
 * file. What comes of that goes into a new file, for whose sake the old one is given back; we keep
 * reading it by our own descriptor, and it goes when that is closed.
 */
#include <errno.h>

#include "base/read.h"
#include "fiber/wait.h"
#include "message/write/shorten.h"
#include "role/edge/edge_lines.h"

#define PIECE ((size_t)256 * 1024)

/* The body as it came: in memory, or behind the header of a file. */
struct source {
    struct slice bytes;
    int file; /* -1: in memory */
    uint64_t from, until;
};

struct reading {
    int file;
    char *to;
    size_t len;
    uint64_t offset;
};

static int read_in_thread(void *arg) {
    const struct reading *r = arg;
    int error = read_exactly(r->file, r->to, r->len, r->offset);
    return error == -E_EOF ? -EIO : error;
}

/* The next piece, in `room` when it comes from the file. */
static int next_piece(const struct source *source, uint64_t at, struct buf *room,
                      struct slice *ret) WAITS {
    size_t len = (size_t)MIN(source->until - at, (uint64_t)PIECE);
    if (source->file < 0) {
        *ret = slice_first(slice_from(source->bytes, (size_t)at), len);
        return 0;
    }
    buf_reserve(room, len);
    struct reading reading = {source->file, room->ptr, len, at};
    *ret = slice_of(room->ptr, len);
    return offload(OFFLOAD_DISK, read_in_thread, &reading);
}

/* One pass. What comes of it is kept, in memory or in the file, if `scan` is there to see it. */
static int pass(struct edge_message *l, struct shorten *s, const struct source *source,
                struct message_scan *scan) WAITS {
    _cleanup_(buf_done) struct buf room = {0};
    struct slice piece;
    uint64_t made = l->head.len;
    int r = 0;
    for (uint64_t at = source->from; r == 0 && at < source->until; at += piece.len) {
        size_t before = l->bytes.len;
        r = next_piece(source, at, &room, &piece);
        if (r < 0)
            break;
        shorten_feed(s, piece, &l->bytes);
        made += l->bytes.len - before;
        if (scan)
            message_scan_feed(scan, slice_from(buf_slice(&l->bytes), before));
        else
            buf_clear(&l->bytes);
        if (scan && source->file >= 0)
            r = edge_message_spill(l);
        /* quoted-printable may make three bytes of one: what comes of it has to be small enough */
        if (r == 0 && made > l->smtp->listener.limits.message_size_max) {
            l->refusal = SMTP_REPLY(552, 5, 3, 4,
                                    "The message is too large, since its lines of more than 998 "
                                    "characters have to be encoded");
            r = -E_REFUSED;
        }
        edge_message_count(l, source->bytes.len + room.size);
    }
    return r;
}

static int look(struct edge_message *l, struct shorten *s, struct slice header,
                const struct source *source) WAITS {
    struct problem problem = {0};
    shorten_begin(s, header, &l->head);
    int r = pass(l, s, source, NULL);
    if (r == 0 && shorten_end(s, &l->bytes, &problem) < 0) {
        l->refusal = SMTP_REPLY(554, 5, 6, 3, "");
        l->refusal.text = arena_copy(&l->facts, slice_of_str(problem.text));
        r = -E_REFUSED;
    }
    buf_clear(&l->head);
    buf_clear(&l->bytes);
    return r;
}

static int rewrite(struct edge_message *l, struct shorten *s, struct slice header,
                   const struct source *source, struct message_scan *scan) WAITS {
    struct problem problem = {0};
    *scan = (struct message_scan){0};
    if (source->file >= 0)
        edge_message_drop_file(l);
    shorten_begin(s, header, &l->head);
    message_scan_feed(scan, buf_slice(&l->head));
    int r = pass(l, s, source, scan);
    size_t before = l->bytes.len;
    if (r == 0)
        r = shorten_end(s, &l->bytes, &problem);
    message_scan_feed(scan, slice_from(buf_slice(&l->bytes), before));
    return r == -E_LIMIT ? -ENOSPC : r; /* too many files at a time */
}

int edge_lines_shorten(struct edge_message *l, struct message_scan *scan) {
    if (!l->smtp->account || scan->longest_line <= SHORTEN_LINE_MAX)
        return 0;
    bool in_file = l->written > 0;
    int r = in_file ? edge_message_spill(l) : 0;
    if (r < 0)
        return r;
    _cleanup_(shorten_free_p) struct shorten *s = shorten_new();
    _cleanup_(buf_done) struct buf head = l->head, bytes = l->bytes;
    _cleanup_(close_p) int file = l->file;
    struct source source = {.file = file};
    if (in_file)
        source.from = head.len;
    else
        source.bytes = buf_slice(&bytes);
    source.until = in_file ? l->written : bytes.len;
    l->head = l->bytes = (struct buf){0};
    l->file = -1;
    r = look(l, s, buf_slice(&head), &source);
    return r < 0 ? r : rewrite(l, s, buf_slice(&head), &source, scan);
}
