/* SPDX-License-Identifier: ISC */
/*
 * Messages are never taken out of the array, so that a message's place is its number for ever; a
 * snapshot is the array of those that were there.
 */
#include "fake_maildrop.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "fiber/fiber.h"

#define MESSAGES_MAX 2000U

struct message {
    struct buf bytes;
    bool plain, gone;
    int error;         /* of reading it */
    bool breaks_later; /* only the first part can be read */
};

struct fake_maildrop {
    struct message messages[MESSAGES_MAX];
    size_t count;
    size_t snapshot[MESSAGES_MAX];
    size_t snapshot_count;
    bool open, in_use, no_open, no_expunge, has_file;
    size_t reads, reads_max;
    FILE *file;
};

struct fake_maildrop *fake_maildrop_new(void) {
    struct fake_maildrop *m = NEW(struct fake_maildrop);
    m->reads_max = POP3_READ_MESSAGES;
    return m;
}

void fake_maildrop_free(struct fake_maildrop *m) {
    for (size_t i = 0; i < m->count; i++)
        buf_done(&m->messages[i].bytes);
    if (m->file)
        (void)fclose(m->file);
    free(m);
}

/* ------------------------------------------------------------------ scripts */

static struct message *add_message(struct fake_maildrop *m) {
    MUST(m->count < MESSAGES_MAX);
    return &m->messages[m->count++];
}

static void add_bytes(struct fake_maildrop *m, struct slice bytes) {
    struct message *message = add_message(m);
    buf_add(&message->bytes, bytes);
    message->plain = !slice_starts(bytes, S(".")) && slice_find(bytes, S("\n.")) < 0 &&
                     slice_ends(bytes, S("\r\n"));
}

static void add_small(struct fake_maildrop *m, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        struct buf text = {0};
        buf_printf(&text, "Subject: number %zu\r\n\r\nHello.\r\n", m->count + 1);
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

static int set_of_message(struct fake_maildrop *m, struct slice name, struct slice value,
                          struct problem *problem) {
    struct slice number, rest = value;
    uint64_t n;
    if (!slice_next_word(&rest, &number) || slice_to_u64(number, m->count, &n) < 0 || n == 0)
        return problem_set(problem, -E_SYNTAX, "there is no such message");
    struct message *message = &m->messages[n - 1];
    if (slice_eq(name, S("broken")))
        message->error = error_by_name(slice_trim(rest));
    else if (slice_eq(name, S("broken-later")))
        message->breaks_later = true;
    else if (slice_eq(name, S("gone")))
        message->gone = true;
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
    else if (slice_eq(name, S("message")))
        add_bytes(m, value);
    else if (slice_eq(name, S("messages")))
        add_small(m, n);
    else if (slice_eq(name, S("big")) || slice_eq(name, S("big-dots")))
        add_big(m, n, slice_eq(name, S("big-dots")));
    else if (slice_eq(name, S("reads")))
        m->reads_max = (size_t)n;
    else
        return set_of_message(m, name, value, problem);
    return 0;
}

int fake_maildrop_get(struct fake_maildrop *m, struct slice name, struct buf *to) {
    size_t left = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->messages[i].gone)
            continue;
        if (slice_eq(name, S("left")))
            buf_printf(to, "%s%zu", left > 0 ? " " : "", i + 1);
        left++;
    }
    if (slice_eq(name, S("messages")))
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

static int fake_open(void *host, void **ret_drop, struct pop3_drop *ret) {
    struct fake_maildrop *m = host;
    if (m->in_use || m->open || m->no_open)
        return m->no_open ? -EIO : -E_BUSY;
    m->open = true;
    m->snapshot_count = 0;
    for (size_t i = 0; i < m->count; i++)
        if (!m->messages[i].gone)
            m->snapshot[m->snapshot_count++] = i;
    *ret_drop = m;
    *ret = (struct pop3_drop){.count = m->snapshot_count};
    for (size_t i = 0; i < m->snapshot_count; i++)
        ret->octets += m->messages[m->snapshot[i]].bytes.len;
    return 0;
}

static void fake_close(void *drop) {
    struct fake_maildrop *m = drop;
    MUST(m->open);
    m->open = false;
}

static struct message *message_at(struct fake_maildrop *m, size_t at) {
    MUST(m->open && at < m->snapshot_count);
    return &m->messages[m->snapshot[at]];
}

static void fake_message(void *drop, size_t at, struct pop3_message *ret) {
    struct message *message = message_at(drop, at);
    *ret = (struct pop3_message){.size = message->bytes.len, .plain = message->plain};
}

static void fake_uidl(void *drop, size_t at, struct buf *to) {
    struct fake_maildrop *m = drop;
    (void)message_at(m, at);
    buf_printf(to, "uid-%zu", m->snapshot[at] + 1);
}

static int error_of(const struct message *message) {
    return message->gone ? -E_UNKNOWN : message->error;
}

/* As a pack does it, with something between the messages. */
static int fake_read(void *drop, size_t at, size_t count, struct buf *to,
                     struct pop3_piece *ret_pieces) {
    struct fake_maildrop *m = drop;
    int r = error_of(message_at(m, at));
    MUST(count > 0 && count <= POP3_READ_MESSAGES && at + count <= m->snapshot_count);
    m->reads++;
    (void)fiber_yield();
    size_t done = 0;
    while (r == 0 && done < MIN(count, m->reads_max)) {
        struct message *message = message_at(m, at + done);
        if (error_of(message) < 0)
            break;
        buf_add_str(to, "#head#");
        ret_pieces[done++] = (struct pop3_piece){to->len, message->bytes.len};
        buf_add(to, buf_slice(&message->bytes));
    }
    return r < 0 ? r : (int)done;
}

static int fake_read_part(void *drop, size_t at, uint64_t offset, size_t len, struct buf *to) {
    struct message *message = message_at(drop, at);
    MUST(offset + len <= message->bytes.len);
    (void)fiber_yield();
    if (error_of(message) < 0)
        return error_of(message);
    if (message->breaks_later && offset > 0)
        return -EIO;
    buf_add(to, slice_first(slice_from(buf_slice(&message->bytes), offset), len));
    return 0;
}

static int fake_place(void *drop, size_t at, int *ret_fd, uint64_t *ret_offset) {
    struct fake_maildrop *m = drop;
    struct message *message = message_at(m, at);
    if (!m->has_file)
        return -ENOTSUP;
    if (error_of(message) < 0)
        return error_of(message);
    if (m->file)
        (void)fclose(m->file);
    m->file = tmpfile();
    MUST(m->file);
    size_t len = message->breaks_later ? message->bytes.len / 2 : message->bytes.len;
    MUST(fwrite("0123456789", 1, 10, m->file) == 10);
    MUST(fwrite(message->bytes.ptr, 1, len, m->file) == len && fflush(m->file) == 0);
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
        message_at(m, places[i])->gone = true;
    }
    return 0;
}

const struct pop3_maildrop_ops fake_maildrop_ops = {
    .open = fake_open,
    .close = fake_close,
    .message = fake_message,
    .uidl = fake_uidl,
    .read = fake_read,
    .read_part = fake_read_part,
    .place = fake_place,
    .expunge = fake_expunge,
};
