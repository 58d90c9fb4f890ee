/* SPDX-License-Identifier: ISC */
/*
 * Reading: snapshots of mailboxes, bytes of messages.
 *
 * A message that is in the page cache is read at once, on the fiber's own stack; only what the disk
 * has to bring goes to another thread.
 */
#include "store/account.h"

#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>

#include "base/alloc.h"
#include "base/crc32c.h"

int store_snapshot(struct store_account *a, uint32_t mailbox,
                   struct store_snapshot **ret_snapshot) {
    change_flush(a);
    struct box *b = box_find(a, mailbox);
    int error = b ? box_load(a, b) : -E_UNKNOWN;
    if (error)
        return error;
    size_t rows = b->count * sizeof *b->rows;
    struct store_snapshot *s = mem_alloc(sizeof *s + rows);
    *s = (struct store_snapshot){
        .mailbox = mailbox,
        .uidvalidity = b->info.uidvalidity,
        .modseq = b->info.modseq,
        .bytes = b->info.bytes,
        .count = b->count,
    };
    if (rows)
        memcpy(s->messages, b->rows, rows);
    *ret_snapshot = s;
    return 0;
}

void store_snapshot_free(struct store_snapshot *s) {
    free(s);
}

struct slice store_uidl(const struct store_message *l, char text[static STORE_UIDL_SIZE]) {
    int len = snprintf(text, STORE_UIDL_SIZE, "%llx.%llx", (unsigned long long)l->message,
                       (unsigned long long)l->arrival);
    return slice_of(text, (size_t)len);
}

/* Where the message lies now: compaction may have moved it. */
static struct store_message present(const struct store_account *a, const struct store_message *l) {
    const struct box *b = box_find(a, l->mailbox);
    const struct store_message *row = b && b->loaded ? box_row(b, l->uid) : NULL;
    return row && row->message == l->message ? *row : *l;
}

/* Its pack's file; looked up again if compaction finishes in between. */
static int get_place(struct store_account *a, const struct store_message *l,
                     struct store_message *ret_now, struct store_pack **ret_pack) {
    for (int tries = 0;; tries++) {
        *ret_now = present(a, l);
        int error = files_get_pack(a, ret_now->pack, ret_pack);
        if (error != -E_UNKNOWN || tries > 0 || present(a, l).pack == ret_now->pack)
            return error;
    }
}

struct read_job {
    int fd;
    struct pack_place place;
    uint64_t skip;
    void *to;
    size_t len;
};

static int run_read(void *arg) {
    struct read_job *j = arg;
    return pack_read_body(j->fd, &j->place, j->skip, j->to, j->len);
}

/* True when all bytes were in memory. */
static bool read_cached(const struct read_job *j) {
    struct iovec iov = {j->to, j->len};
    ssize_t n = preadv2(j->fd, &iov, 1, (off_t)(j->place.body + j->skip), RWF_NOWAIT);
    return n >= 0 && (size_t)n == j->len;
}

static int check_whole(const struct read_job *j) {
    if (j->skip > 0 || j->len < j->place.body_len)
        return 0;
    return crc32c(0, slice_of(j->to, j->len)) == j->place.body_crc ? 0 : -E_CORRUPT;
}

static int read_bytes_of(struct read_job *j) {
    return read_cached(j) ? check_whole(j) : offload(OFFLOAD_DISK, run_read, j);
}

static void report_damage(struct store_account *a, const struct store_message *l) {
    struct problem p;
    (void)problem_set(&p, 0, "message %u of mailbox %u is damaged: pack %06llu at %llu", l->uid,
                      l->mailbox, (unsigned long long)l->pack, (unsigned long long)l->offset);
    account_report(a, slice_of_str(p.text));
}

ssize_t store_read(struct store_account *a, const struct store_message *l, uint64_t skip, void *to,
                   size_t len) {
    if (skip > l->size)
        return -EINVAL;
    len = (size_t)MIN((uint64_t)len, l->size - skip);
    struct store_message now;
    struct store_pack *pack;
    int error = get_place(a, l, &now, &pack);
    if (error)
        return error;
    struct read_job j = {
        .fd = pack->fd,
        .place = {.offset = now.offset,
                  .body = now.body,
                  .body_len = now.size,
                  .body_crc = now.body_crc},
        .skip = skip,
        .to = to,
        .len = len,
    };
    error = read_bytes_of(&j);
    files_put_pack(pack);
    if (error == -E_CORRUPT || error == -E_EOF) {
        report_damage(a, &now);
        error = -E_CORRUPT;
    }
    return error ? error : (ssize_t)len;
}

/* Bodies further apart than this are read one by one. */
#define GAP_MAX 4096U

/* How many messages from `first` on lie one behind the other in its pack; where the last one ends.
 */
static size_t stretch(const struct store_account *a, const struct store_message *first,
                      const struct store_message *messages, size_t count, uint64_t *ret_end) {
    uint64_t end = first->body + first->size;
    size_t n = 1;
    for (; n < count; n++) {
        const struct store_message now = present(a, &messages[n]);
        if (now.pack != first->pack || now.body < end || now.body - end > GAP_MAX ||
            now.body + now.size - first->body > STORE_SPAN_MAX)
            break;
        end = now.body + now.size;
    }
    *ret_end = end;
    return n;
}

static int run_read_span(void *arg) {
    struct read_job *j = arg;
    char *to = j->to;
    for (size_t done = 0; done < j->len;) {
        ssize_t n = pread(j->fd, to + done, j->len - done, (off_t)(j->place.body + done));
        if (n == 0)
            return -E_CORRUPT;
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Says where the messages of a stretch are; ends before the first whose sum is wrong. */
static int find_pieces(struct store_account *a, const struct store_message *messages, size_t count,
                       uint64_t begin, struct slice span, size_t at,
                       struct store_piece *ret_pieces) {
    for (size_t i = 0; i < count; i++) {
        const struct store_message now = present(a, &messages[i]);
        size_t offset = (size_t)(now.body - begin);
        struct slice body = slice_first(slice_from(span, offset), (size_t)now.size);
        if (body.len < now.size || crc32c(0, body) != now.body_crc) {
            report_damage(a, &now);
            return i > 0 ? (int)i : -E_CORRUPT;
        }
        ret_pieces[i] = (struct store_piece){at + offset, body.len};
    }
    return (int)count;
}

int store_read_many(struct store_account *a, const struct store_message *messages, size_t count,
                    struct buf *to, struct store_piece *ret_pieces) {
    struct store_message now;
    struct store_pack *pack;
    uint64_t end = 0;
    int error = get_place(a, messages, &now, &pack);
    if (error)
        return error;
    count = stretch(a, &now, messages, count, &end);
    size_t len = (size_t)(end - now.body);
    buf_reserve(to, len);
    struct read_job j = {.fd = pack->fd,
                         .place = {.body = now.body, .body_len = len},
                         .to = to->ptr + to->len,
                         .len = len};
    struct slice span = slice_of(j.to, len);
    error = read_cached(&j) ? 0 : offload(OFFLOAD_DISK, run_read_span, &j);
    files_put_pack(pack);
    if (error)
        return error;
    int n = find_pieces(a, messages, count, now.body, span, to->len, ret_pieces);
    if (n > 0)
        to->len += len;
    return n;
}

int store_bytes(struct store_account *a, const struct store_message *l, struct store_bytes *ret) {
    struct store_message now;
    struct store_pack *pack;
    int error = get_place(a, l, &now, &pack);
    if (error)
        return error;
    *ret = (struct store_bytes){.fd = pack->fd, .offset = now.body, .len = now.size, .pack = pack};
    return 0;
}

void store_release(struct store_account *a, struct store_bytes *b) {
    files_put_pack(b->pack);
    b->pack = NULL;
}
