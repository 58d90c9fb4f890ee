/* SPDX-License-Identifier: ISC */
/*
 * Reading: entries of mailboxes, bytes of bodies.
 *
 * A body that is in the page cache is read at once, on the fiber's own stack; only what the disk
 * has to bring goes to another thread.
 */
#include "store/solo/inside.h"

#include <errno.h>
#include <sys/uio.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/read.h"

#define ASKED 256U /* places, of the database at once */

/* ------------------------------------------------------------------ what the index knows */

struct load_job {
    struct index *index;
    uint32_t mailbox, above;
    struct store_entry *entries;
    size_t size, count;
    struct buf *sets;
};

static int run_load(void *arg) {
    struct load_job *j = arg;
    return index_load(j->index, j->mailbox, j->above, j->entries, j->size, j->sets, &j->count);
}

int solo_load(struct backend_account *account, uint32_t mailbox, uint32_t above,
              struct store_entry *entries, size_t size, struct buf *sets, size_t *ret_count) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct load_job j = {.index = a->index,
                         .mailbox = mailbox,
                         .above = above,
                         .entries = entries,
                         .size = size,
                         .sets = sets};
    error = offload(OFFLOAD_DISK, run_load, &j);
    files_unlock(a, error);
    *ret_count = j.count;
    return error;
}

struct saved_job {
    struct index *index;
    uint32_t mailbox;
    const uint32_t *uids;
    size_t count;
    uint32_t *saved;
};

static int run_saved(void *arg) {
    struct saved_job *j = arg;
    return index_saved(j->index, j->mailbox, j->uids, j->count, j->saved);
}

int solo_saved(struct backend_account *account, uint32_t mailbox, const uint32_t *uids,
               size_t count, uint32_t *saved) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct saved_job j = {.index = a->index, .mailbox = mailbox, .uids = uids, .count = count};
    j.saved = saved;
    error = offload(OFFLOAD_DISK, run_saved, &j);
    files_unlock(a, error);
    return error;
}

struct keywords_job {
    struct index *index;
    uint32_t mailbox;
    struct buf *names;
};

static int run_keywords(void *arg) {
    struct keywords_job *j = arg;
    return index_keywords(j->index, j->mailbox, j->names);
}

int solo_keywords(struct backend_account *account, uint32_t mailbox, struct buf *names) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct keywords_job j = {a->index, mailbox, names};
    error = offload(OFFLOAD_DISK, run_keywords, &j);
    files_unlock(a, error);
    return error;
}

struct count_job {
    struct index *index;
    const uint64_t *bodies;
    size_t count;
    uint32_t *counts;
};

static int run_count(void *arg) {
    struct count_job *j = arg;
    for (size_t i = 0; i < j->count; i++) {
        j->counts[i] = 0;
        int error = index_body_entries(j->index, j->bodies[i], &j->counts[i]);
        if (error && error != -E_UNKNOWN)
            return error;
    }
    return 0;
}

int solo_count_entries(struct backend_account *account, const uint64_t *bodies, size_t count,
                       uint32_t *counts) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct count_job j = {.index = a->index, .bodies = bodies, .count = count};
    j.counts = counts;
    error = offload(OFFLOAD_DISK, run_count, &j);
    files_unlock(a, error);
    return error;
}

struct vanished_job {
    struct index *index;
    uint32_t mailbox;
    uint64_t modseq;
    struct buf *uids;
};

static int run_vanished(void *arg) {
    struct vanished_job *j = arg;
    return index_vanished_since(j->index, j->mailbox, j->modseq, j->uids);
}

int solo_vanished(struct backend_account *account, uint32_t mailbox, uint64_t modseq,
                  struct buf *uids) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct vanished_job j = {a->index, mailbox, modseq, uids};
    error = offload(OFFLOAD_DISK, run_vanished, &j);
    files_unlock(a, error);
    return error;
}

struct deleted_job {
    struct index *index;
    struct deleted_place behind;
    struct backend_deleted *list;
    size_t size, count;
    struct buf *texts;
};

static int run_deleted(void *arg) {
    struct deleted_job *j = arg;
    return index_deleted(j->index, j->behind, j->list, j->size, j->texts, &j->count);
}

int solo_deleted(struct backend_account *account, struct deleted_place behind,
                 struct backend_deleted *list, size_t size, struct buf *texts, size_t *ret_count) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct deleted_job j = {a->index, behind, list, size, 0, texts};
    error = offload(OFFLOAD_DISK, run_deleted, &j);
    files_unlock(a, error);
    *ret_count = j.count;
    return error;
}

struct property_job {
    struct index *index;
    uint32_t mailbox, kind;
    struct slice name;
    struct buf *value;
};

static int run_property(void *arg) {
    struct property_job *j = arg;
    return index_property(j->index, j->mailbox, j->kind, j->name, j->value);
}

int solo_property(struct backend_account *account, uint32_t mailbox, uint32_t kind,
                  struct slice name, struct buf *value) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct property_job j = {a->index, mailbox, kind, name, value};
    error = offload(OFFLOAD_DISK, run_property, &j);
    files_unlock(a, error);
    return error;
}

/* ------------------------------------------------------------------ bytes of a body */

struct ask_job {
    struct index *index;
    uint64_t body;
    struct index_place *places;
    size_t count;
};

static int run_ask(void *arg) {
    struct ask_job *j = arg;
    return index_places(j->index, j->body, j->places, ASKED, &j->count);
}

/* Of a body that the database has not taken in. */
static void note_pending(struct solo_account *a, uint64_t body) {
    struct note_message n;
    LIST_EACH (r, &a->pending, const struct log_record, link)
        if (r->type == NOTE_MESSAGE && note_message_decode(log_record_facts(r), &n) == 0 &&
            n.message == body)
            place_note(a, &(struct index_place){.body = body,
                                                .pack = r->pack,
                                                .offset = r->place.body,
                                                .size = (uint32_t)r->place.body_len,
                                                .crc = r->place.body_crc});
}

/*
 * What the database knows is right even if it is behind: so messages can be read while nothing can
 * be written to it, on a full disk.
 */
static int ask_database(struct solo_account *a, uint64_t body) WAITS {
    int error = files_lock(a);
    if (error)
        return error;
    const int behind = files_take_in(a);
    _cleanup_(free_p) struct index_place *places = mem_array(ASKED, sizeof *places);
    struct ask_job j = {.index = a->index, .body = body, .places = places};
    places_begin(a);
    error = offload(OFFLOAD_DISK, run_ask, &j);
    for (size_t i = error ? 0 : j.count; i-- > 0;) /* last the one that was asked for */
        place_note(a, &j.places[i]);
    if (behind)
        note_pending(a, body);
    files_unlock(a, error ? error : behind);
    return error || place_known(a, body, &places[0]) ? error : behind;
}

/* Where a body lies. */
static int find_place(struct solo_account *a, struct backend_body body,
                      struct index_place *ret) WAITS {
    if (!place_known(a, body.number, ret)) {
        int error = ask_database(a, body.number);
        if (error)
            return error;
        if (!place_known(a, body.number, ret))
            return -E_UNKNOWN;
    }
    if (ret->pack == 0) /* its entry was found, its bytes were not */
        return -E_CORRUPT;
    return ret->size == body.size ? 0 : -E_CORRUPT;
}

/* Where a body lies, and its pack's file; looked up again if compaction finishes in between. */
static int get_place(struct solo_account *a, struct backend_body body, struct index_place *ret,
                     struct pack_handle **ret_pack) WAITS {
    for (int tries = 0;; tries++) {
        int error = find_place(a, body, ret);
        if (!error)
            error = files_get_pack(a, ret->pack, ret_pack);
        if (error != -E_UNKNOWN || tries > 0)
            return error;
        place_forget(a, body.number);
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

static void report_damage(struct solo_account *a, const struct index_place *p) {
    struct problem text;
    (void)problem_set(&text, 0, "message %llu is damaged: pack %06llu at %llu",
                      (unsigned long long)p->body, (unsigned long long)p->pack,
                      (unsigned long long)p->offset);
    solo_report(a, slice_of_str(text.text));
}

int solo_read(struct backend_account *account, struct backend_body body, uint64_t skip, void *to,
              size_t len) {
    struct solo_account *a = account_of(account);
    struct index_place p;
    struct pack_handle *pack;
    int error = get_place(a, body, &p, &pack);
    if (error)
        return error;
    struct read_job j = {
        .fd = pack->fd,
        .place = {.body = p.offset, .body_len = p.size, .body_crc = p.crc},
        .skip = skip,
        .to = to,
        .len = len,
    };
    if (!read_cached(&j))
        error = offload(OFFLOAD_DISK, run_read, &j);
    else if (skip == 0 && len == p.size && crc32c(0, slice_of(to, len)) != p.crc)
        error = -E_CORRUPT;
    files_put_pack(pack);
    if (error == -E_CORRUPT || error == -E_EOF) {
        report_damage(a, &p);
        error = -E_CORRUPT;
    }
    return error;
}

/* ------------------------------------------------------------------ what came with it */

struct record_job {
    struct index *index;
    uint64_t body, pack, offset;
    int fd;
    struct buf *path, *key; /* one of them, what is wanted */
};

static int run_find_record(void *arg) {
    struct record_job *j = arg;
    return index_body(j->index, j->body, &j->pack, &j->offset);
}

/* The facts of the record in which the body lies: a few bytes, but for those with many keywords. */
static int run_read_record(void *arg) {
    struct record_job *j = arg;
    static const size_t sizes[] = {4096, PACK_HEAD + PACK_FACTS_MAX};
    _cleanup_(buf_done) struct buf bytes = {0};
    struct pack_record record = {0};
    struct note_message message = {0};
    struct note_body body = {0};
    int error = -E_EOF;
    for (size_t i = 0; error == -E_EOF && i < ARRAY_SIZE(sizes); i++) {
        buf_reserve(&bytes, sizes[i]);
        ssize_t n = pread(j->fd, bytes.ptr, sizes[i], (off_t)j->offset);
        error = n < 0 ? -errno : pack_check_head(slice_of(bytes.ptr, (size_t)n), 0, &record);
    }
    if (error)
        return error == -E_EOF ? -E_CORRUPT : error;
    error = record.type == NOTE_MESSAGE ? note_message_decode(record.facts, &message)
                                        : note_body_decode(record.facts, &body);
    if (!error && j->path)
        buf_add(j->path, record.type == NOTE_MESSAGE ? message.return_path : body.return_path);
    if (!error && j->key)
        buf_add(j->key, message.key);
    return error;
}

static int read_record(struct solo_account *a, uint64_t body, struct buf *path,
                       struct buf *key) WAITS {
    struct record_job j = {.index = a->index, .body = body, .path = path, .key = key};
    struct pack_handle *pack = NULL;
    int error = 0;
    for (int tries = 0; tries < 2; tries++) { /* compaction may finish in between */
        error = files_lock_whole(a);
        if (error)
            return error;
        j.index = a->index;
        error = offload(OFFLOAD_DISK, run_find_record, &j);
        files_unlock(a, error);
        if (!error)
            error = j.pack ? files_get_pack(a, j.pack, &pack) : -E_CORRUPT;
        if (error != -E_UNKNOWN)
            break;
    }
    if (error)
        return error;
    j.fd = pack->fd;
    error = offload(OFFLOAD_DISK, run_read_record, &j);
    files_put_pack(pack);
    return error;
}

int solo_return_path(struct backend_account *a, uint64_t body, struct buf *path) {
    return read_record(account_of(a), body, path, NULL);
}

int solo_delivery_key(struct backend_account *a, uint64_t body, struct buf *key) {
    return read_record(account_of(a), body, NULL, key);
}

/* ------------------------------------------------------------------ several at once */

/* Bodies further apart than this are read one by one. */
#define GAP_MAX 4096U
#define MANY    64U

/* How many bodies from the first on lie one behind the other in its pack, into `places`. */
static size_t stretch(struct solo_account *a, const struct backend_body *bodies, size_t count,
                      size_t most, struct index_place *places) {
    uint64_t end = places[0].offset + places[0].size;
    size_t n = 1;
    for (; n < MIN(count, MANY); n++) {
        struct index_place *p = &places[n];
        if (!place_known(a, bodies[n].number, p) || p->pack == 0 || p->size != bodies[n].size ||
            p->pack != places[0].pack || p->offset < end || p->offset - end > GAP_MAX ||
            p->offset + p->size - places[0].offset > most)
            break;
        end = p->offset + p->size;
    }
    return n;
}

static int run_read_span(void *arg) {
    const struct read_job *j = arg;
    int error = read_exactly(j->fd, j->to, j->len, j->place.body);
    return error == -E_EOF ? -E_CORRUPT : error;
}

/* Says where the bodies of a stretch are; ends before the first whose sum is wrong. */
static int find_pieces(struct solo_account *a, const struct index_place *places, size_t count,
                       struct slice span, size_t at, struct store_piece *ret_pieces) {
    for (size_t i = 0; i < count; i++) {
        size_t offset = (size_t)(places[i].offset - places[0].offset);
        struct slice body = slice_first(slice_from(span, offset), places[i].size);
        if (body.len < places[i].size || crc32c(0, body) != places[i].crc) {
            report_damage(a, &places[i]);
            return i > 0 ? (int)i : -E_CORRUPT;
        }
        ret_pieces[i] = (struct store_piece){at + offset, body.len};
    }
    return (int)count;
}

int solo_read_many(struct backend_account *account, const struct backend_body *bodies, size_t count,
                   size_t most, struct buf *to, struct store_piece *ret_pieces) {
    struct solo_account *a = account_of(account);
    _cleanup_(free_p) struct index_place *places = mem_array(MANY, sizeof *places);
    struct pack_handle *pack;
    int error = get_place(a, bodies[0], &places[0], &pack);
    if (error)
        return error;
    count = stretch(a, bodies, count, most, places);
    size_t len = (size_t)(places[count - 1].offset + places[count - 1].size - places[0].offset);
    buf_reserve(to, len);
    struct read_job j = {.fd = pack->fd,
                         .place = {.body = places[0].offset, .body_len = len},
                         .to = to->ptr + to->len,
                         .len = len};
    struct slice span = slice_of(j.to, len);
    error = read_cached(&j) ? 0 : offload(OFFLOAD_DISK, run_read_span, &j);
    files_put_pack(pack);
    if (error)
        return error;
    int n = find_pieces(a, places, count, span, to->len, ret_pieces);
    if (n > 0)
        to->len += len;
    return n;
}

/* ------------------------------------------------------------------ without reading */

int solo_get(struct backend_account *account, struct backend_body body, struct backend_file *ret) {
    struct solo_account *a = account_of(account);
    struct index_place p;
    struct pack_handle *pack;
    int error = get_place(a, body, &p, &pack);
    if (!error)
        *ret =
            (struct backend_file){.fd = pack->fd, .offset = p.offset, .len = p.size, .hold = pack};
    return error;
}

void solo_put(struct backend_account *account, struct backend_file *f) {
    files_put_pack(f->hold);
    f->hold = NULL;
}
