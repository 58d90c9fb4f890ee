/* SPDX-License-Identifier: ISC */
/*
 * A message is hashed piece by piece, in another thread unless it is short: a client that sends a
 * large one keeps nobody waiting.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/read.h"
#include "fiber/wait.h"
#include "message/header.h"
#include "role/scan/scan.h"

#define PIECE       ((size_t)256 * 1024)
#define SHORT_MAX   ((size_t)64 * 1024) /* bytes that are hashed here, in half a millisecond */
#define HEADER_MOST ((size_t)8 << 20)   /* above all that smtp.header-max may be */

struct reading {
    const struct scan_message *message;
    struct buf *header;
    struct sender_judge *judge;
    int64_t now;
    uint64_t at; /* so far the file was read */
    char *piece;
};

static int add_bytes(void *arg) {
    struct reading *r = arg;
    const struct scan_message *m = r->message;
    struct slice header = m->header, body = m->bytes;
    if (header.len == 0) {
        header = m->bytes;
        body = slice_from(m->bytes, header_body(m->bytes, NULL));
    }
    r->judge = sender_judge_new(header, r->now);
    sender_judge_add(r->judge, body);
    return 0;
}

/* ------------------------------------------------------------------ from a file */

static int read_piece(struct reading *r, struct slice *ret) {
    size_t want = (size_t)MIN(r->message->file_len - r->at, (uint64_t)PIECE);
    int error = read_exactly(r->message->file, r->piece, want, r->at);
    if (error < 0)
        return error == -E_EOF ? -E_CORRUPT : error;
    r->at += want;
    *ret = slice_of(r->piece, want);
    return 0;
}

/* The header, and what of the body comes with it. */
static int begin_file(void *arg) {
    struct reading *r = arg;
    bool whole = false;
    while (!whole && r->at < r->message->file_len && r->header->len < HEADER_MOST) {
        struct slice piece;
        size_t from = r->header->len - MIN(r->header->len, (size_t)3);
        int error = read_piece(r, &piece);
        if (error < 0)
            return error;
        buf_add(r->header, piece);
        whole = slice_find(slice_from(buf_slice(r->header), from), S("\r\n\r\n")) >= 0;
    }
    struct slice front = buf_slice(r->header);
    r->judge = sender_judge_new(front, r->now);
    sender_judge_add(r->judge, slice_from(front, header_body(front, NULL)));
    return 0;
}

static int add_piece(void *arg) {
    struct reading *r = arg;
    struct slice piece;
    int error = read_piece(r, &piece);
    if (error == 0)
        sender_judge_add(r->judge, piece);
    return error;
}

int scan_read(const struct scan_message *message, int64_t now, struct buf *header,
              struct sender_judge **ret) {
    struct reading r = {.message = message, .header = header, .now = now};
    int error;
    if (message->file >= 0) {
        r.piece = mem_alloc(PIECE);
        error = offload(OFFLOAD_DISK, begin_file, &r);
        while (error == 0 && r.at < message->file_len && sender_judge_wants_body(r.judge))
            error = offload(OFFLOAD_DISK, add_piece, &r);
        free(r.piece);
    } else if (message->bytes.len > SHORT_MAX) {
        error = offload(OFFLOAD_SCAN, add_bytes, &r);
    } else {
        error = add_bytes(&r);
    }
    if (error < 0)
        sender_judge_free(r.judge);
    else
        *ret = r.judge;
    return error;
}
