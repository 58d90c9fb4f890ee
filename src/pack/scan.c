/* SPDX-License-Identifier: ISC */
/*
 * Walking through a pack. The reader keeps a window of the file; each read begins at the end marker
 * of one record and so brings the head of the next with it: one pread() for each large record, one
 * for dozens of small ones.
 *
 * Where no valid record begins, the next place is looked for that has the file's generation in it
 * and turns out to be a record. The generation is secret and random, so there are no false
 * candidates to speak of and the search is linear.
 */
#include "pack/pack.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/crc32c.h"

#define WINDOW        (64U << 10)
#define SEARCH        (256U << 10)
#define DISK_BLOCK    4096U
#define AT_GENERATION 8U

/* Reads all of `len` bytes, or up to the end of the file; zeros stand for unreadable blocks. */
static int read_window(struct pack_reader *r, char *to, size_t len, uint64_t offset,
                       size_t *ret_len) {
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(r->fd, to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EIO)
            return -errno;
        if (n == 0)
            break;
        if (n < 0) {
            size_t block = DISK_BLOCK - (size_t)((offset + done) % DISK_BLOCK);
            block = MIN(block, len - done);
            ssize_t piece = pread(r->fd, to + done, block, (off_t)(offset + done));
            if (piece <= 0) {
                memset(to + done, 0, block);
                r->unreadable = MAX(r->unreadable, offset + done + block);
            }
            n = piece > 0 ? piece : (ssize_t)block;
        }
        done += (size_t)n;
    }
    *ret_len = done;
    return 0;
}

/* Shows the bytes at `offset`: `want` of them, fewer only where the scanned part ends. */
static int window_get(struct pack_reader *r, uint64_t offset, size_t want, struct slice *ret) {
    uint64_t left = offset < r->to ? r->to - offset : 0;
    want = (size_t)MIN((uint64_t)want, left);
    uint64_t window_end = r->window_at + r->window.len;
    if (offset < r->window_at || offset + want > window_end) {
        size_t size = (size_t)MIN((uint64_t)MAX(want, WINDOW), left);
        buf_clear(&r->window);
        buf_reserve(&r->window, size);
        size_t len = 0;
        int error = read_window(r, r->window.ptr, size, offset, &len);
        if (error)
            return error;
        r->window_at = offset;
        r->window.len = len;
    }
    *ret = slice_first(slice_from(buf_slice(&r->window), (size_t)(offset - r->window_at)), want);
    return 0;
}

static int check_body(struct pack_reader *r, const struct pack_place *place) {
    uint32_t crc = 0;
    for (uint64_t done = 0; done < place->body_len;) {
        size_t want = (size_t)MIN(place->body_len - done, (uint64_t)SEARCH);
        struct slice s;
        int error = window_get(r, place->body + done, want, &s);
        if (error)
            return error;
        if (s.len < want)
            return -E_CORRUPT;
        crc = crc32c(crc, s);
        done += want;
    }
    return crc == place->body_crc ? 0 : -E_CORRUPT;
}

/* Head and facts of the record at `offset`; the facts are copied out of the window. */
static int read_head(struct pack_reader *r, uint64_t offset, struct pack_entry *ret) {
    struct slice s;
    int error = window_get(r, offset, PACK_HEAD, &s);
    if (error)
        return error;
    if (!s.ptr || s.len < PACK_HEAD)
        return -E_CORRUPT;
    error = pack_check_head(s, r->generation, &ret->record);
    if (error == -E_EOF) {
        size_t facts_len = get_u32(s.ptr + 24);
        error = window_get(r, offset, PACK_HEAD + facts_len, &s);
        if (!error)
            error = s.ptr ? pack_check_head(s, r->generation, &ret->record) : -E_CORRUPT;
    }
    if (error)
        return error == -E_EOF ? -E_CORRUPT : error;
    ret->sum = get_u32(s.ptr + PACK_HEAD - 4);
    buf_clear(&r->facts);
    buf_add(&r->facts, ret->record.facts);
    ret->record.facts = buf_slice(&r->facts);
    return 0;
}

/* The whole record at `offset`; -E_CORRUPT: there is none. */
static int read_record(struct pack_reader *r, uint64_t offset, struct pack_entry *ret) {
    int error = read_head(r, offset, ret);
    if (error)
        return error;
    uint64_t len = pack_record_len(&ret->record);
    if (len > r->to - offset)
        return -E_CORRUPT;
    ret->from = offset;
    ret->to = offset + len;
    ret->place = (struct pack_place){
        .offset = offset,
        .body = offset + PACK_HEAD + ret->record.facts.len,
        .body_len = ret->record.body_len,
        .body_crc = ret->record.body_crc,
    };
    if (r->verify_body && (error = check_body(r, &ret->place)))
        return error;
    struct slice end;
    error = window_get(r, ret->to - PACK_END, PACK_END, &end);
    if (error)
        return error;
    return pack_end_matches(end, ret->sum, len) ? 0 : -E_CORRUPT;
}

/* The first record at or behind `from`: 1 and its place, 0: there is none. */
static int find_record(struct pack_reader *r, uint64_t from, uint64_t *ret_offset) {
    char wanted[8];
    put_u64(wanted, r->generation);
    while (from + PACK_HEAD + PACK_END <= r->to) {
        struct slice s;
        int error = window_get(r, from, SEARCH, &s);
        if (error)
            return error;
        if (s.len < PACK_HEAD)
            return 0;
        struct slice in = slice_from(s, AT_GENERATION);
        const char *hit = memmem(in.ptr, in.len, wanted, sizeof wanted);
        if (!hit) {
            from += s.len - (AT_GENERATION + sizeof wanted - 1);
            continue;
        }
        from += (uint64_t)(hit - in.ptr);
        struct pack_entry e;
        error = read_record(r, from, &e);
        if (error == 0) {
            *ret_offset = from;
            return 1;
        }
        if (error != -E_CORRUPT)
            return error;
        from++;
    }
    return 0;
}

int pack_next(struct pack_reader *r, struct pack_entry *ret) {
    if (r->at >= r->to)
        return PACK_TAIL;
    struct pack_entry e = {0};
    int error = read_record(r, r->at, &e);
    if (error == 0) {
        r->at = e.to;
        *ret = e;
        return PACK_RECORD;
    }
    if (error != -E_CORRUPT)
        return error;
    uint64_t next = 0;
    int found = find_record(r, r->at + 1, &next);
    if (found < 0)
        return found;
    if (!found && r->unreadable <= r->at)
        return PACK_TAIL;
    if (!found)
        next = r->to;
    *ret = (struct pack_entry){.from = r->at, .to = next, .unreadable = r->unreadable > r->at};
    r->at = next;
    return PACK_DAMAGE;
}

int pack_previous(struct pack_reader *r, struct pack_entry *ret) {
    if (r->at < PACK_FILE_HEAD + PACK_HEAD + PACK_END)
        return PACK_TAIL;
    struct slice end;
    int error = window_get(r, r->at - PACK_END, PACK_END, &end);
    if (error)
        return error;
    if (end.len < PACK_END)
        return PACK_TAIL;
    uint64_t len = get_u64(end.ptr + 8);
    if (len < PACK_HEAD + PACK_END || len > r->at - PACK_FILE_HEAD)
        return PACK_TAIL;
    struct pack_entry e = {0};
    error = read_record(r, r->at - len, &e);
    if (error == -E_CORRUPT || (error == 0 && e.to != r->at))
        return PACK_TAIL;
    if (error)
        return error;
    r->at = e.from;
    *ret = e;
    return PACK_RECORD;
}

int pack_read(int fd, uint64_t generation, uint64_t offset, struct buf *facts, struct buf *body,
              struct pack_entry *ret) {
    off_t len = lseek(fd, 0, SEEK_END);
    if (len < 0)
        return -errno;
    if (offset >= (uint64_t)len)
        return -E_CORRUPT;
    _cleanup_(pack_reader_done) struct pack_reader r = {
        .fd = fd, .generation = generation, .to = (uint64_t)len};
    struct pack_entry e = {0};
    int error = read_record(&r, offset, &e);
    if (error)
        return error;
    buf_clear(body);
    buf_reserve(body, e.place.body_len);
    error = pack_read_body(fd, &e.place, 0, body->ptr, e.place.body_len);
    if (error)
        return error;
    body->len = e.place.body_len;
    buf_clear(facts);
    buf_add(facts, e.record.facts);
    e.record.facts = buf_slice(facts);
    *ret = e;
    return 0;
}

void pack_reader_done(struct pack_reader *r) {
    buf_done(&r->window);
    buf_done(&r->facts);
}
