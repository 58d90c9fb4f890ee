/* SPDX-License-Identifier: ISC */
#include "reports/open.h"

#include <zlib.h>

#include "base/bytes.h"
#include "base/words.h"

#define PIECE_SIZE 16384U

#define DAMAGED N_("the compressed file is damaged")

enum report_wrapping report_wrapping_of(struct slice bytes) {
    if (slice_starts(bytes, S("\x1f\x8b")))
        return REPORT_GZIP;
    return slice_starts(bytes, S("PK\x03\x04")) ? REPORT_ZIP : REPORT_PLAIN;
}

struct slice report_begin(struct slice bytes) {
    if (slice_starts(bytes, S("\xef\xbb\xbf")))
        bytes = slice_from(bytes, 3);
    while (bytes.len > 0 && ascii_is_space(bytes.ptr[0]))
        bytes = slice_from(bytes, 1);
    return bytes;
}

/* ------------------------------------------------------------------ pieces */

struct opening {
    uint64_t left; /* bytes that may still come */
    report_piece_fn *take;
    void *arg;
    struct problem *problem;
};

static int give(struct opening *o, struct slice piece) {
    if (piece.len > o->left)
        return problem_set(o->problem, -E_LIMIT, N_("the file is too large once it is unpacked"));
    o->left -= piece.len;
    return piece.len > 0 ? o->take(o->arg, piece) : 0;
}

/* One stream of deflate, in the frame that `window` says (zlib's inflateInit2()). */
static int inflate_one(struct opening *o, struct slice *bytes, int window) {
    _cleanup_(buf_done) struct buf piece = {0};
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes->ptr, .avail_in = (uInt)bytes->len};
    int r = 0, state = inflateInit2(&z, window);
    MUST(state == Z_OK);
    buf_reserve(&piece, PIECE_SIZE);
    while (r == 0 && state == Z_OK) {
        z.next_out = (Bytef *)piece.ptr;
        z.avail_out = PIECE_SIZE;
        state = inflate(&z, Z_NO_FLUSH);
        if (state == Z_OK || state == Z_STREAM_END)
            r = give(o, slice_of(piece.ptr, PIECE_SIZE - z.avail_out));
    }
    *bytes = slice_from(*bytes, bytes->len - z.avail_in);
    (void)inflateEnd(&z);
    return r < 0 || state == Z_STREAM_END ? r : problem_set(o->problem, -E_SYNTAX, DAMAGED);
}

/* ------------------------------------------------------------------ zip */

#define LOCAL_SIZE    30U
#define CENTRAL_SIZE  46U
#define END_SIZE      22U
#define COMMENT_MAX   65535U
#define FILES_MAX     100U /* looked at */
#define FLAG_SECRET   1U
#define STORED        0U
#define DEFLATED      8U
#define CENTRAL_MAGIC S("PK\x01\x02")
#define END_MAGIC     S("PK\x05\x06")

static uint16_t u16_at(struct slice s, size_t at) {
    return get_u16(s.ptr + at);
}
static uint32_t u32_at(struct slice s, size_t at) {
    return get_u32(s.ptr + at);
}

/* Where the list of files begins, from the mark at the end; -1: there is none. */
static ssize_t find_list(struct slice zip) {
    size_t from = zip.len > END_SIZE + COMMENT_MAX ? zip.len - END_SIZE - COMMENT_MAX : 0;
    for (size_t at = zip.len; at-- > from;)
        if (zip.len - at >= END_SIZE && slice_starts(slice_from(zip, at), END_MAGIC))
            return u32_at(zip, at + 16) < zip.len ? (ssize_t)u32_at(zip, at + 16) : -1;
    return -1;
}

/* The first entry of the list that is a file; empty: there is none. */
static struct slice find_file(struct slice zip) {
    ssize_t at = find_list(zip);
    struct slice entry = slice_from(zip, at < 0 ? zip.len : (size_t)at);
    for (unsigned i = 0; i < FILES_MAX; i++) {
        if (entry.len < CENTRAL_SIZE || !slice_starts(entry, CENTRAL_MAGIC))
            break;
        struct slice name = slice_first(slice_from(entry, CENTRAL_SIZE), u16_at(entry, 28));
        if (!slice_ends(name, S("/")) && !slice_starts(name, S("__MACOSX/")))
            return entry;
        entry = slice_from(entry, CENTRAL_SIZE + (size_t)u16_at(entry, 28) + u16_at(entry, 30) +
                                      u16_at(entry, 32));
    }
    return (struct slice){0};
}

static int open_zip(struct opening *o, struct slice zip) {
    struct slice entry = find_file(zip);
    if (entry.len == 0)
        return problem_set(o->problem, -E_SYNTAX, N_("the zip file has no list of its files"));
    struct slice local = slice_from(zip, u32_at(entry, 42));
    if (local.len < LOCAL_SIZE || report_wrapping_of(local) != REPORT_ZIP)
        return problem_set(o->problem, -E_SYNTAX, DAMAGED);
    struct slice bytes =
        slice_from(local, LOCAL_SIZE + (size_t)u16_at(local, 26) + u16_at(local, 28));
    if (u16_at(entry, 8) & FLAG_SECRET)
        return problem_set(o->problem, -E_SYNTAX, N_("the zip file is encrypted"));
    if (u16_at(entry, 10) == DEFLATED)
        return inflate_one(o, &bytes, -15);
    if (u16_at(entry, 10) != STORED)
        return problem_set(o->problem, -E_SYNTAX,
                           N_("the zip file is compressed in a way that is not read"));
    if (u32_at(entry, 20) > bytes.len)
        return problem_set(o->problem, -E_SYNTAX, DAMAGED);
    return give(o, slice_first(bytes, u32_at(entry, 20)));
}

int report_open(struct slice bytes, uint64_t most, report_piece_fn *take, void *arg,
                struct problem *problem) {
    struct opening o = {.left = most, .take = take, .arg = arg, .problem = problem};
    if (bytes.len > UINT32_MAX)
        return problem_set(problem, -E_LIMIT, N_("the file is too large"));
    if (report_wrapping_of(bytes) == REPORT_ZIP)
        return open_zip(&o, bytes);
    if (report_wrapping_of(bytes) == REPORT_PLAIN)
        return give(&o, bytes);
    int r = 0;
    do /* RFC 1952 §2.2 has several members; what stands behind the last one is no matter */
        r = inflate_one(&o, &bytes, 15 + 16);
    while (r == 0 && report_wrapping_of(bytes) == REPORT_GZIP);
    return r;
}
