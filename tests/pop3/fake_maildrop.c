/* SPDX-License-Identifier: ISC */
/*
 * Letters are never taken out of the array, so that a letter's place is its number for ever; a
 * snapshot is the array of those that were there.
 */
#include "fake_maildrop.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "fiber/fiber.h"

#define LETTERS_MAX 2000U

struct letter {
    struct buf bytes;
    bool plain, gone;
    int error;         /* of reading it */
    bool breaks_later; /* only the first part can be read */
};

struct fake_maildrop {
    struct letter letters[LETTERS_MAX];
    size_t count;
    size_t snapshot[LETTERS_MAX];
    size_t snapshot_count;
    bool open, in_use, no_open, no_expunge, has_file;
    size_t reads, reads_max;
    FILE *file;
};

struct fake_maildrop *fake_maildrop_new(void) {
    struct fake_maildrop *m = NEW(struct fake_maildrop);
    m->reads_max = POP3_READ_LETTERS;
    return m;
}

void fake_maildrop_free(struct fake_maildrop *m) {
    for (size_t i = 0; i < m->count; i++)
        buf_done(&m->letters[i].bytes);
    if (m->file)
        (void)fclose(m->file);
    free(m);
}

/* ------------------------------------------------------------------ scripts */

static struct letter *add_letter(struct fake_maildrop *m) {
    MUST(m->count < LETTERS_MAX);
    return &m->letters[m->count++];
}

static void add_bytes(struct fake_maildrop *m, struct slice bytes) {
    struct letter *letter = add_letter(m);
    buf_add(&letter->bytes, bytes);
    letter->plain = !slice_starts(bytes, S(".")) && slice_find(bytes, S("\n.")) < 0 &&
                    slice_ends(bytes, S("\r\n"));
}

static void add_small(struct fake_maildrop *m, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        struct buf text = {0};
        buf_printf(&text, "Subject: letter %zu\r\n\r\nHello.\r\n", m->count + 1);
        add_bytes(m, buf_slice(&text));
        buf_done(&text);
    }
}

/* Lines of ten bytes; the last one fills up to `size`. */
static void add_big(struct fake_maildrop *m, uint64_t size, bool dots) {
    struct buf text = {0};
    buf_add_str(&text, "A: bbbb\r\n\r\n");
    while (text.len + 10 < size)
        buf_add_str(&text, dots ? ".ddddddd\r\n" : "xxxxxxxx\r\n");
    while (text.len + 2 < size)
        buf_add_byte(&text, 'y');
    buf_add_str(&text, "\r\n");
    add_bytes(m, buf_slice(&text));
    buf_done(&text);
}

static int error_by_name(struct slice name) {
    return slice_eq(name, S("unknown"))   ? -E_UNKNOWN
           : slice_eq(name, S("corrupt")) ? -E_CORRUPT
                                          : -E_TEMPORARY;
}

static int set_of_letter(struct fake_maildrop *m, struct slice name, struct slice value,
                         struct problem *problem) {
    struct slice number, rest = value;
    uint64_t n;
    if (!slice_next_word(&rest, &number) || slice_to_u64(number, m->count, &n) < 0 || n == 0)
        return problem_set(problem, -E_SYNTAX, "there is no such letter");
    struct letter *letter = &m->letters[n - 1];
    if (slice_eq(name, S("broken")))
        letter->error = error_by_name(slice_trim(rest));
    else if (slice_eq(name, S("broken-later")))
        letter->breaks_later = true;
    else if (slice_eq(name, S("gone")))
        letter->gone = true;
    else
        return problem_set(problem, -E_UNKNOWN, "the fake maildrop has no such name");
    return 0;
}

static bool *find_flag(struct fake_maildrop *m, struct slice name) {
    return slice_eq(name, S("in-use"))       ? &m->in_use
           : slice_eq(name, S("no-open"))    ? &m->no_open
           : slice_eq(name, S("no-expunge")) ? &m->no_expunge
           : slice_eq(name, S("files"))      ? &m->has_file
                                             : NULL;
}

int fake_maildrop_set(struct fake_maildrop *m, struct slice name, struct slice value,
                      struct problem *problem) {
    uint64_t n = 0;
    bool *flag = find_flag(m, name);
    (void)slice_to_u64(value, UINT32_MAX, &n);
    if (flag)
        *flag = !slice_eq(value, S("off"));
    else if (slice_eq(name, S("letter")))
        add_bytes(m, value);
    else if (slice_eq(name, S("letters")))
        add_small(m, n);
    else if (slice_eq(name, S("big")) || slice_eq(name, S("big-dots")))
        add_big(m, n, slice_eq(name, S("big-dots")));
    else if (slice_eq(name, S("reads")))
        m->reads_max = (size_t)n;
    else
        return set_of_letter(m, name, value, problem);
    return 0;
}

int fake_maildrop_get(struct fake_maildrop *m, struct slice name, struct buf *to) {
    size_t left = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->letters[i].gone)
            continue;
        if (slice_eq(name, S("left")))
            buf_printf(to, "%s%zu", left > 0 ? " " : "", i + 1);
        left++;
    }
    if (slice_eq(name, S("letters")))
        buf_printf(to, "%zu", left);
    else if (slice_eq(name, S("reads")))
        buf_printf(to, "%zu", m->reads);
    else if (slice_eq(name, S("open")))
        buf_add_str(to, m->open ? "yes" : "no");
    else if (!slice_eq(name, S("left")))
        return -E_UNKNOWN;
    return 0;
}

/* ------------------------------------------------------------------ the maildrop */

static int fake_open(void *host, void **ret_drop, size_t *ret_count) {
    struct fake_maildrop *m = host;
    if (m->in_use || m->no_open)
        return m->in_use ? -E_BUSY : -EIO;
    MUST(!m->open);
    m->open = true;
    m->snapshot_count = 0;
    for (size_t i = 0; i < m->count; i++)
        if (!m->letters[i].gone)
            m->snapshot[m->snapshot_count++] = i;
    *ret_drop = m;
    *ret_count = m->snapshot_count;
    return 0;
}

static void fake_close(void *drop) {
    struct fake_maildrop *m = drop;
    MUST(m->open);
    m->open = false;
}

static struct letter *letter_at(struct fake_maildrop *m, size_t at) {
    MUST(m->open && at < m->snapshot_count);
    return &m->letters[m->snapshot[at]];
}

static void fake_letter(void *drop, size_t at, struct pop3_letter *ret) {
    struct letter *letter = letter_at(drop, at);
    *ret = (struct pop3_letter){.size = letter->bytes.len, .plain = letter->plain};
}

static void fake_uidl(void *drop, size_t at, struct buf *to) {
    struct fake_maildrop *m = drop;
    (void)letter_at(m, at);
    buf_printf(to, "uid-%zu", m->snapshot[at] + 1);
}

static int error_of(const struct letter *letter) {
    return letter->gone ? -E_UNKNOWN : letter->error;
}

/* As a pack does it, with something between the letters. */
static int fake_read(void *drop, size_t at, size_t count, struct buf *to,
                     struct pop3_piece *ret_pieces) {
    struct fake_maildrop *m = drop;
    int r = error_of(letter_at(m, at));
    MUST(count > 0 && count <= POP3_READ_LETTERS && at + count <= m->snapshot_count);
    m->reads++;
    (void)fiber_yield();
    size_t done = 0;
    while (r == 0 && done < MIN(count, m->reads_max)) {
        struct letter *letter = letter_at(m, at + done);
        if (error_of(letter) < 0)
            break;
        buf_add_str(to, "#head#");
        ret_pieces[done++] = (struct pop3_piece){to->len, letter->bytes.len};
        buf_add(to, buf_slice(&letter->bytes));
    }
    return r < 0 ? r : (int)done;
}

static int fake_read_part(void *drop, size_t at, uint64_t offset, size_t len, struct buf *to) {
    struct letter *letter = letter_at(drop, at);
    MUST(offset + len <= letter->bytes.len);
    (void)fiber_yield();
    if (error_of(letter) < 0)
        return error_of(letter);
    if (letter->breaks_later && offset > 0)
        return -EIO;
    buf_add(to, slice_first(slice_from(buf_slice(&letter->bytes), offset), len));
    return 0;
}

static int fake_place(void *drop, size_t at, int *ret_fd, uint64_t *ret_offset) {
    struct fake_maildrop *m = drop;
    struct letter *letter = letter_at(m, at);
    if (!m->has_file)
        return -ENOTSUP;
    if (error_of(letter) < 0)
        return error_of(letter);
    if (m->file)
        (void)fclose(m->file);
    m->file = tmpfile();
    MUST(m->file);
    size_t len = letter->breaks_later ? letter->bytes.len / 2 : letter->bytes.len;
    MUST(fwrite("0123456789", 1, 10, m->file) == 10);
    MUST(fwrite(letter->bytes.ptr, 1, len, m->file) == len && fflush(m->file) == 0);
    *ret_fd = fileno(m->file);
    *ret_offset = 10;
    return 0;
}

static int fake_expunge(void *drop, const uint32_t *places, size_t count) {
    struct fake_maildrop *m = drop;
    MUST(count > 0);
    (void)fiber_yield();
    if (m->no_expunge)
        return -EIO;
    for (size_t i = 0; i < count; i++) {
        MUST(i == 0 || places[i] > places[i - 1]);
        letter_at(m, places[i])->gone = true;
    }
    return 0;
}

const struct pop3_maildrop_ops fake_maildrop_ops = {
    .open = fake_open,
    .close = fake_close,
    .letter = fake_letter,
    .uidl = fake_uidl,
    .read = fake_read,
    .read_part = fake_read_part,
    .place = fake_place,
    .expunge = fake_expunge,
};
