/* SPDX-License-Identifier: ISC */
/*
 * From the packs to mail.db.
 *
 * The database's mark says up to where it has taken the log in; what lies behind is read, checked
 * with its body, and taken in. Without a database that is everything. Three kinds of bytes are no
 * records:
 * - the end of the newest pack, when a write was cut short: nobody was told that it was stored;
 * - the end of a pack whose sync failed: a later pack's first record seals it at its last good
 *   place, and the rest does not count, even if it is readable;
 * - anything else is damage. It is passed over and reported, the pack is kept from compaction, and
 *   the counters leap, so that numbers of lost messages are not given to new ones.
 */
#include "store/solo/replay_packs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bytes.h"

#define BATCH_RECORDS 512U
#define BATCH_BYTES   (4U << 20)
#define PACK_DIGITS   6U

/* ------------------------------------------------------------------ the pack files */

const char *pack_name(uint64_t pack, char name[static PACK_NAME_SIZE]) {
    (void)snprintf(name, PACK_NAME_SIZE, "%06llu.pack", (unsigned long long)pack);
    return name;
}

static int by_number(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* A file whose name has no number is something else. */
static int add_pack(void *arg, const char *name) {
    struct replay *p = arg;
    struct slice s = slice_of_str(name);
    uint64_t number = 0;
    if (!slice_ends(s, S(".pack")) || s.len < PACK_DIGITS + 5 ||
        slice_to_u64(slice_first(s, s.len - 5), INT64_MAX, &number) < 0 || number == 0)
        return 0;
    p->numbers = mem_grow(p->numbers, (p->count + 1) * sizeof *p->numbers);
    p->numbers[p->count++] = number;
    return 0;
}

int replay_list_packs(struct replay *p, const char *dir) {
    int error = pack_each_name(p->packs_dir, add_pack, p);
    if (error)
        return problem_set(p->problem, error, "%s: its packs cannot be listed: %s", dir,
                           error_text(error));
    if (p->count > 1)
        qsort(p->numbers, p->count, sizeof *p->numbers, by_number);
    p->result->packs = p->count;
    p->result->newest = p->count ? p->numbers[p->count - 1] : 0;
    return 0;
}

/* The generation of a pack whose file head is damaged, out of its first record; 0: none found. */
static uint64_t guess_generation(int fd) {
    char bytes[1024];
    struct pack_record r;
    ssize_t n = pread(fd, bytes, sizeof bytes, PACK_FILE_HEAD);
    if (n < 0 || pack_check_head(slice_of(bytes, (size_t)n), 0, &r) < 0)
        return 0;
    return get_u64(bytes + 8);
}

static int pack_failed(struct replay *p, const char *name) {
    int error = -errno;
    return problem_set(p->problem, error, "pack %s: %s", name, error_text(error));
}

/*
 * Opens a pack for reading: its descriptor, generation and length. -E_CORRUPT: nothing in it can be
 * found.
 */
static int open_pack(struct replay *p, uint64_t number, struct pack_reader *ret) {
    char name[PACK_NAME_SIZE];
    _cleanup_(close_p) int fd =
        openat(p->packs_dir, pack_name(number, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return pack_failed(p, name);
    struct pack_file_head head = {0};
    int error = pack_file_head(fd, &head);
    if (error == -E_CORRUPT && (head.generation = guess_generation(fd)) != 0) {
        buf_printf(&p->result->said, "pack %s: its head is damaged\n", name);
        error = 0;
    }
    if (error)
        return error;
    *ret = (struct pack_reader){
        .fd = TAKE_FD(fd),
        .generation = head.generation,
        .at = PACK_FILE_HEAD,
        .to = (uint64_t)st.st_size,
    };
    if (p->born == 0)
        p->born = head.created;
    return 0;
}

static void close_pack(struct pack_reader *r) {
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    pack_reader_done(r);
}

/* ------------------------------------------------------------------ seals */

static struct index_pack *known_pack(struct replay *p, uint64_t number) {
    for (size_t i = 0; i < p->known_count; i++)
        if (p->known[i].pack == number)
            return &p->known[i];
    return NULL;
}

static void add_known(void *arg, const struct index_pack *pack) {
    struct replay *p = arg;
    p->known = mem_grow(p->known, (p->known_count + 1) * sizeof *p->known);
    p->known[p->known_count++] = *pack;
}

static void seal_pack(struct replay *p, struct note_seal seal) {
    struct index_pack *pack = known_pack(p, seal.pack);
    if (!pack)
        add_known(p, &(struct index_pack){.pack = seal.pack});
    pack = known_pack(p, seal.pack);
    if (pack->state == INDEX_PACK_GONE)
        return;
    pack->end = seal.end;
    pack->state = INDEX_PACK_SEALED;
}

/* Reads the seals in a pack's first record, if that is there. */
static int read_seals(struct replay *p, uint64_t number) {
    _cleanup_(close_pack) struct pack_reader r = {.fd = -1};
    struct pack_entry e;
    struct note_account n;
    int found = open_pack(p, number, &r);
    if (found < 0)
        return found == -E_CORRUPT ? 0 : found;
    found = pack_next(&r, &e);
    if (found < 0)
        return found == -E_CORRUPT ? 0 : found;
    if (found != PACK_RECORD)
        return 0;
    p->begun = number;
    uint64_t before = number - 1;
    bool follows = before == 0 || bsearch(&before, p->numbers, p->count, sizeof before, by_number);
    if (e.record.type != NOTE_ACCOUNT || note_account_decode(e.record.facts, &n) < 0)
        return 0;
    if (!follows)
        p->gap = n.modseq;
    for (size_t i = 0; i < note_seal_count(&n); i++)
        seal_pack(p, note_seal_at(&n, i));
    return 0;
}

/* ------------------------------------------------------------------ taking in */

static int flush(struct replay *p, struct index_mark mark) {
    struct index_account row = {0};
    bool known = index_account(p->ix, &row) == 0;
    if (list_empty(&p->batch) &&
        (!known || (row.mark.pack == mark.pack && row.mark.offset == mark.offset)))
        return 0;
    int error = index_take_in(p->ix, &p->batch, mark, &p->born);
    log_records_free(&p->batch);
    p->batch_count = p->batch_bytes = 0;
    return error;
}

/* Messages that were stored together: it begins, goes on, or is whole. */
static void note_run(struct replay *p, struct log_record *r, uint64_t from) {
    if (!(r->flags & NOTE_FOLLOWED)) {
        p->run_at = 0;
    } else if (p->run_at == 0) {
        p->run_at = from;
        p->run = &r->link;
    }
}

/* What is there of messages whose write was cut short; where it began. */
static uint64_t drop_run(struct replay *p) {
    struct link *k;
    do {
        k = p->batch.head.prev;
        link_remove(k);
        p->batch_count--;
        p->result->records--;
        free(CONTAINER_OF(k, struct log_record, link));
    } while (k != p->run);
    return p->run_at;
}

static int add_record(struct replay *p, uint64_t pack, const struct pack_entry *e) {
    struct slice facts = e->record.facts;
    if (facts.len < 9 || get_u64(facts.ptr + 1) != p->account)
        return problem_set(p->problem, -E_UNKNOWN, "pack %llu belongs to another account",
                           (unsigned long long)pack);
    struct log_record *r = log_record_new(e->record.type, e->record.flags, facts);
    r->pack = pack;
    r->place = e->place;
    r->len = e->to - e->from;
    list_append(&p->batch, &r->link);
    p->batch_count++;
    p->batch_bytes += facts.len;
    p->result->records++;
    note_run(p, r, e->from);
    if (p->run_at > 0 || (p->batch_count < BATCH_RECORDS && p->batch_bytes < BATCH_BYTES))
        return 0;
    return flush(p, (struct index_mark){pack, e->to});
}

static int note_damage(struct replay *p, uint64_t pack, uint64_t from, uint64_t to) {
    p->result->damaged += to - from;
    buf_printf(&p->result->said, "pack %06llu: bytes %llu to %llu are damaged\n",
               (unsigned long long)pack, (unsigned long long)from, (unsigned long long)to);
    return index_set_pack(
        p->ix, &(struct index_pack){.pack = pack, .end = to, .state = INDEX_PACK_DAMAGED});
}

/*
 * What is read behind the mark may still be in memory only: a process that died between writing and
 * syncing has left it there, or one whose sync failed and that died before it had sealed the pack.
 * Once taken in it counts as delivered, so it has to be durable first. A sync alone would not do:
 * the kernel tells of a failure once, and takes the bytes for written from then on. So they are
 * written again as they are, which harms none of them, wherever it ends.
 */
static int make_durable(struct replay *p, uint64_t number, uint64_t from, uint64_t to) {
    char name[PACK_NAME_SIZE];
    _cleanup_(close_p) int fd =
        openat(p->packs_dir, pack_name(number, name), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return pack_failed(p, name);
    int error = pack_rewrite(fd, from, to, p->io);
    return error ? error : pack_sync_dir(p->packs_dir);
}

/*
 * A disk that fails may come back, and messages that were passed over would be missing from mail.db
 * for ever. So a mailbox whose bytes cannot be read stays closed and says so; its messages wait.
 */
static int replay_pack(struct replay *p, uint64_t number, uint64_t from, bool newest) {
    _cleanup_(close_pack) struct pack_reader r = {.fd = -1};
    int error = open_pack(p, number, &r);
    if (error == -E_CORRUPT)
        return newest ? 0 : note_damage(p, number, 0, PACK_FILE_HEAD);
    if (error)
        return error;
    r.verify_body = true;
    r.at = MAX(from, (uint64_t)PACK_FILE_HEAD);
    struct index_pack *known = known_pack(p, number);
    if (r.at > r.to && r.to > PACK_FILE_HEAD && !(known && known->state == INDEX_PACK_DAMAGED))
        return note_damage(p, number, r.to, r.at);
    bool sealed = known && known->state == INDEX_PACK_SEALED;
    if (sealed)
        r.to = MIN(r.to, known->end);
    if (!sealed && number >= p->begun && r.at < r.to &&
        (error = make_durable(p, number, r.at, r.to)))
        return error;
    for (;;) {
        struct pack_entry e;
        int found = pack_next(&r, &e);
        if (found == PACK_DAMAGE && e.unreadable && !p->gives_up)
            return problem_set(p->problem, -EIO,
                               "pack %06llu: the disk does not give bytes %llu to %llu; the mailbox"
                               " stays closed until it does, or until `hayauma repair` gives them"
                               " up",
                               (unsigned long long)number, (unsigned long long)e.from,
                               (unsigned long long)e.to);
        if (found == PACK_DAMAGE) {
            p->run_at = 0; /* it may be an old one: what is left of it stays */
            error = note_damage(p, number, e.from, e.to);
        } else {
            error = found == PACK_RECORD ? add_record(p, number, &e) : found;
        }
        if (error)
            return error;
        if (found == PACK_TAIL)
            break;
    }
    if (p->run_at > 0 && newest && !sealed)
        r.at = drop_run(p);
    p->run_at = 0;
    if (r.at < r.to && (!newest || sealed) && (error = note_damage(p, number, r.at, r.to)))
        return error;
    return flush(p, (struct index_mark){number, r.at});
}

/*
 * True when a pack has gone in which the database knows messages, and later ones are there: it has
 * been compacted since. An expunge that it held is nowhere any more, and its messages, for which
 * nothing stands in the packs, would stay in the database for ever. So it is of no use.
 */
static bool lacks_a_pack(const struct replay *p) {
    for (size_t i = 0; i < p->known_count; i++) {
        const struct index_pack *k = &p->known[i];
        if (k->state != INDEX_PACK_GONE && k->alive > 0 && k->pack < p->result->newest &&
            !bsearch(&k->pack, p->numbers, p->count, sizeof *p->numbers, by_number))
            return true;
    }
    return false;
}

int replay_catch_up(struct replay *p) {
    struct index_account row = {0};
    (void)index_account(p->ix, &row);
    p->result->rebuilt |= index_is_new(p->ix) && p->count > 0;
    p->result->records = p->result->damaged = 0;
    p->known_count = 0;
    p->begun = p->gap = 0;
    int error = index_each_pack(p->ix, add_known, p);
    if (!error && lacks_a_pack(p))
        error = -E_CORRUPT;
    for (size_t i = 0; !error && i < p->count; i++)
        if (p->numbers[i] > row.mark.pack)
            error = read_seals(p, p->numbers[i]);
    for (size_t i = 0; !error && i < p->count; i++) {
        uint64_t number = p->numbers[i];
        struct index_pack *known = known_pack(p, number);
        if (number < row.mark.pack || (known && known->state == INDEX_PACK_GONE))
            continue;
        error = replay_pack(p, number, number == row.mark.pack ? row.mark.offset : 0,
                            i + 1 == p->count);
    }
    log_records_free(&p->batch);
    p->batch_count = p->batch_bytes = 0;
    if (!error && p->result->records > 0)
        error = index_drop_unused(p->ix);
    if (!error && p->result->damaged)
        error = index_leap(p->ix);
    /*
     * What compaction has dropped with a pack, and what damage has taken, was known to mail.db
     * only: one that was made anew does not know what vanished until then.
     */
    (void)index_account(p->ix, &row);
    if (!error && p->result->damaged)
        error = index_forget_vanished(p->ix, row.modseq, true);
    else if (!error && p->result->rebuilt)
        error = index_forget_vanished(p->ix, p->gap, false);
    return error;
}
