/* SPDX-License-Identifier: ISC */
/*
 * Opening a spool: its folders and files, the order of the segments and where each one ends, and
 * files that no message has. What is not understood is left alone (D7).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "spool/log.h"

/* ------------------------------------------------------------------ files */

static int open_dir(int dir, const char *name, int *ret_fd) {
    if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/* Nobody else has the spool open, and the file system has what large messages need. */
static int take_lock(struct spool *s, struct problem *problem) {
    s->lock = openat(s->dir, "lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock < 0)
        return problem_set(problem, -errno, "spool: cannot open its lock: %s", error_text(errno));
    if (flock(s->lock, LOCK_EX | LOCK_NB) < 0)
        return problem_set(problem, -E_BUSY, "spool: another process has it open");
    if (fcntl(s->lock, F_SETLEASE, F_RDLCK) < 0 || fcntl(s->lock, F_SETLEASE, F_UNLCK) < 0)
        return problem_set(problem, -EOPNOTSUPP,
                           "spool: no leases here (%s): it needs a local file system, and files "
                           "that belong to the process's own user",
                           error_text(errno));
    return 0;
}

static int open_places(struct spool *s, struct problem *problem) {
    int error = take_lock(s, problem);
    if (error)
        return error;
    error = open_dir(s->dir, "large", &s->large_dir);
    if (!error)
        error = open_dir(s->dir, "quarantine", &s->quarantine_dir);
    if (!error)
        error = pack_sync_dir(s->dir);
    return error
               ? problem_set(problem, error, "spool: cannot use its folders: %s", error_text(error))
               : 0;
}

/* The number in "PREFIX-<16 hex digits>". */
static bool parse_name(const char *name, struct slice prefix, uint64_t *ret) {
    struct slice s = slice_of_str(name);
    uint64_t n = 0;
    if (!slice_starts(s, prefix) || s.len != prefix.len + 16)
        return false;
    for (size_t i = prefix.len; i < s.len; i++) {
        char c = s.ptr[i];
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        n = n << 4 | (uint64_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *ret = n;
    return true;
}

/* The file's head is lost; its first record still tells the generation. */
static int open_headless(struct spool *s, const char *name, uint64_t number,
                         struct pack_file *ret) {
    _cleanup_(close_p) int fd = openat(s->dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    char head[PACK_HEAD];
    struct pack_record record;
    if (fd < 0)
        return -errno;
    if (pread(fd, head, sizeof head, SPOOL_BLOCK) != sizeof head)
        return -E_CORRUPT;
    uint64_t generation = get_u64(head + 8);
    int error =
        generation ? pack_check_head(slice_of(head, sizeof head), generation, &record) : -E_CORRUPT;
    if (error && error != -E_EOF)
        return error;
    *ret =
        (struct pack_file){.fd = TAKE_FD(fd),
                           .head = {.kind = SPOOL_KIND, .number = number, .generation = generation},
                           .io = s->options.io};
    return 0;
}

static int open_segment(struct spool *s, const char *name, uint64_t number,
                        struct problem *problem) {
    struct pack_file file = {0};
    int error = pack_file_open(s->dir, name, SPOOL_KIND, s->options.io, &file);
    bool headless = error == -E_CORRUPT;
    if (headless) {
        spool_log(s, SPOOL_NOTICE_DAMAGE, "%s: its head is damaged", name);
        error = open_headless(s, name, number, &file);
    }
    if (error == -E_CORRUPT || error == -E_UNKNOWN) {
        spool_log(s, SPOOL_NOTICE_UNKNOWN, "%s is no segment of a spool; left alone", name);
        s->left_alone = true;
        s->next_number = MAX(s->next_number, number + 1);
        return 0;
    }
    if (error)
        return problem_set(problem, error, "spool: cannot open %s: %s", name, error_text(error));
    off_t len = lseek(file.fd, 0, SEEK_END);
    file.reserved = (uint64_t)MAX(len, (off_t)0);
    file.end = SPOOL_BLOCK;
    struct segment *seg = segment_add(s, &file, name);
    seg->tainted = headless;
    s->next_number = MAX(s->next_number, number + 1);
    return 0;
}

/* One spare of the right length is kept; what it holds means nothing. */
static void open_spare(struct spool *s, const char *name) {
    struct stat st;
    int fd = -1;
    if (!s->spare.ready)
        fd = openat(s->dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        (uint64_t)st.st_size == s->options.segment_size) {
        s->spare.ready = true;
        s->spare.file =
            (struct pack_file){.fd = fd, .reserved = s->options.segment_size, .io = s->options.io};
        (void)slice_to_str(slice_of_str(name), s->spare.name, SEGMENT_NAME);
        return;
    }
    close_p(&fd);
    (void)unlinkat(s->dir, name, 0);
}

struct listing {
    struct spool *spool;
    struct problem *problem;
};

static int open_file(void *arg, const char *name) {
    struct listing *l = arg;
    uint64_t number;
    if (parse_name(name, S("segment-"), &number))
        return open_segment(l->spool, name, number, l->problem);
    if (parse_name(name, S("spare-"), &number))
        open_spare(l->spool, name);
    return 0;
}

/* ------------------------------------------------------------------ the log as a whole */

static int by_number(const void *a, const void *b) {
    const struct segment *const *x = a, *const *y = b;
    uint64_t m = (*x)->file.head.number, n = (*y)->file.head.number;
    return (m > n) - (m < n);
}

static void sort_segments(struct spool *s) {
    size_t count = 0, size = (size_t)s->stat.segments;
    _cleanup_(free_p) struct segment **all = mem_array(size, sizeof(struct segment *));
    struct segment *seg;
    while ((seg = segment_oldest(s)) && count < size) {
        all[count++] = seg;
        link_remove(&seg->link);
    }
    qsort(all, count, sizeof(struct segment *), by_number);
    for (size_t i = 0; i < count; i++)
        list_append(&s->segments, &all[i]->link);
}

/* The seals at the start of a segment. */
static int read_seals(const struct segment *seg, struct buf *seals, struct problem *problem) {
    _cleanup_(pack_reader_done) struct pack_reader r = {.fd = seg->file.fd,
                                                        .generation = seg->file.head.generation,
                                                        .at = SPOOL_BLOCK,
                                                        .to = seg->file.reserved};
    struct pack_entry e;
    int found;
    while ((found = pack_next(&r, &e)) == PACK_RECORD && e.record.type == LOG_SEAL) {
        struct log_seal seal;
        if (log_seal_decode(e.record.facts, &seal) == 0)
            log_seal_encode(&seal, seals);
    }
    if (found == PACK_DAMAGE && e.unreadable)
        return replay_refuse(seg, &e, problem);
    return MIN(found, 0);
}

static bool find_seal(const struct buf *seals, uint64_t number, uint64_t *ret_end) {
    struct reader r = {.rest = buf_slice(seals)};
    while (r.rest.len > 0) {
        uint64_t of = read_u64(&r), end = read_u64(&r);
        if (of == number) {
            *ret_end = end;
            return true;
        }
    }
    return false;
}

static int replay_log(struct spool *s, struct problem *problem) {
    _cleanup_(buf_done) struct buf seals = {0};
    struct problem why = {0};
    int error = 0;
    LIST_EACH (seg, &s->segments, struct segment, link)
        if (!error)
            error = read_seals(seg, &seals, &why);
    LIST_EACH (seg, &s->segments, struct segment, link) {
        uint64_t number = seg->file.head.number, end = seg->file.reserved;
        bool sealed = find_seal(&seals, number, &end);
        if (!error)
            error = replay_segment(s, seg, sealed, end, &why);
        if (!sealed)
            log_seal_encode(&(struct log_seal){number, seg->file.end}, &s->seals);
    }
    if (error && why.text[0])
        return problem_set(problem, error, "%s", why.text);
    return error ? problem_set(problem, error, "spool: cannot read its log: %s", error_text(error))
                 : 0;
}

/* ------------------------------------------------------------------ large files */

/* An error that says nothing about the file is left to whoever reads it. */
static void check_large(struct spool *s) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&s->messages, &at))) {
        struct stored *st = e->value;
        char name[LARGE_NAME];
        if (!st->large || st->message.damaged)
            continue;
        struct stat file;
        large_name(st->message.id, name);
        bool found = fstatat(s->large_dir, name, &file, AT_SYMLINK_NOFOLLOW) == 0;
        if (found ? (uint64_t)file.st_size == st->large_len : errno != ENOENT)
            continue;
        st->message.damaged = true;
        spool_log(s, SPOOL_NOTICE_DAMAGE, "large/%s is missing or of the wrong length", name);
    }
}

/* Otherwise a file without a message may belong to one that is not seen at present. */
static bool log_is_whole(const struct spool *s) {
    LIST_EACH (seg, &s->segments, const struct segment, link)
        if (seg->tainted)
            return false;
    return !s->left_alone;
}

/* Files without a message: of one that was being received, or had just been settled (D7). */
static int look_at_large(void *arg, const char *name) {
    struct spool *s = arg;
    uint64_t id;
    struct stat file;
    if (!parse_name(name, S(""), &id) || stored_find(s, id))
        return 0;
    s->last_id = MAX(s->last_id, id);
    if (fstatat(s->large_dir, name, &file, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    usec_t changed = (usec_t)file.st_mtim.tv_sec * USEC_SEC;
    if (s->opened - changed < s->options.stray_age || !log_is_whole(s))
        return 0;
    if (unlinkat(s->large_dir, name, 0) == 0)
        spool_log(s, SPOOL_NOTICE_STRAY, "large/%s: no message has it; removed", name);
    return 0;
}

int recover(struct spool *s, struct problem *problem) {
    struct problem found = {0};
    int error = open_places(s, problem);
    if (error)
        return error;
    error = pack_each_name(s->dir, open_file, &(struct listing){s, &found});
    if (error && !found.text[0])
        return problem_set(problem, error, "spool: cannot list it: %s", error_text(error));
    if (error)
        return problem_set(problem, error, "%s", found.text);
    sort_segments(s);
    error = replay_log(s, problem);
    if (error)
        return error;
    check_large(s);
    error = pack_each_name(s->large_dir, look_at_large, s);
    return error ? problem_set(problem, error, "spool: cannot list large/: %s", error_text(error))
                 : 0;
}
