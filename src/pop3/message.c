/* SPDX-License-Identifier: ISC */
/*
 * Most messages are a few kilobytes and most clients fetch them in order. Small messages are read
 * by the handful as far as commands have arrived, and copied to the stream, which collects them
 * into large writes: a pipelined RETR costs a fraction of a pread and of a write. Large messages go
 * by sendfile when no dot has to be doubled, and in parts otherwise.
 *
 * The reply line is sent only when the first bytes of the message are at hand, so that a message
 * that cannot be read gets -ERR.
 */
#include "pop3/message.h"

#include <errno.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "pop3/text.h"

#define PART_SIZE 65536U
#define TOP_PART  8192U /* enough for most headers */

struct pop3_ahead {
    struct buf bytes;
    size_t first, count; /* messages in here */
    struct pop3_piece pieces[POP3_READ_MESSAGES];
};

void pop3_sender_rest(struct pop3_sender *s) {
    buf_done(&s->text);
    if (s->ahead) {
        buf_done(&s->ahead->bytes);
        free(s->ahead);
        s->ahead = NULL;
    }
}

/* How many messages from `at` to read at once: up to `wanted`, and to POP3_READ_AHEAD bytes. */
static size_t plan_ahead(const struct pop3_sender *s, size_t at, size_t wanted) {
    size_t end = at + MIN(wanted, MIN(s->count - at, POP3_READ_MESSAGES)), here = at;
    uint64_t total = 0;
    while (here < end) {
        struct pop3_message message;
        s->ops->message(s->drop, here, &message);
        if (message.size > POP3_READ_AHEAD - total)
            break;
        total += message.size;
        here++;
    }
    return MAX(here - at, 1U);
}

/* The bytes of a message that fits into the read-ahead; valid until the next call. */
static int get_small(struct pop3_sender *s, size_t at, size_t waiting, struct slice *ret) WAITS {
    if (!s->ahead)
        s->ahead = NEW(struct pop3_ahead);
    struct pop3_ahead *ahead = s->ahead;
    if (at < ahead->first || at - ahead->first >= ahead->count) {
        buf_clear(&ahead->bytes);
        ahead->count = 0;
        size_t count = plan_ahead(s, at, waiting + 1);
        int r = s->ops->read(s->drop, at, count, &ahead->bytes, ahead->pieces);
        if (r < 0)
            return r;
        MUST(r > 0 && (size_t)r <= count);
        ahead->first = at;
        ahead->count = (size_t)r;
    }
    struct pop3_piece piece = ahead->pieces[at - ahead->first];
    *ret = slice_first(slice_from(buf_slice(&ahead->bytes), piece.at), piece.len);
    return 0;
}

static void send_reply(struct pop3_sender *s, uint64_t size) WAITS {
    stream_printf(s->stream, "+OK %" PRIu64 " octets\r\n", size);
}

static void send_text(struct pop3_sender *s) WAITS {
    stream_write(s->stream, buf_slice(&s->text));
    buf_clear(&s->text);
}

static int send_small(struct pop3_sender *s, size_t at, size_t waiting,
                      const struct pop3_message *message) WAITS {
    struct slice bytes;
    int r = get_small(s, at, waiting, &bytes);
    if (r < 0)
        return r;
    if (bytes.len != message->size)
        return -E_CORRUPT;
    send_reply(s, message->size);
    if (message->plain) {
        stream_write(s->stream, bytes);
        stream_str(s->stream, ".\r\n");
        return 0;
    }
    struct pop3_text text;
    pop3_text_init(&text, POP3_ALL_LINES);
    pop3_text_add(&text, bytes, &s->text);
    pop3_text_end(&text, &s->text);
    send_text(s);
    return 0;
}

static int send_place(struct pop3_sender *s, size_t at, uint64_t size, bool *ret_broken) WAITS {
    int fd;
    uint64_t offset;
    int r = s->ops->place ? s->ops->place(s->drop, at, &fd, &offset) : -ENOTSUP;
    if (r < 0)
        return r;
    send_reply(s, size);
    r = stream_send_file(s->stream, fd, offset, size);
    if (r == 0)
        stream_str(s->stream, ".\r\n");
    *ret_broken = r < 0;
    return r;
}

/* Sends a message part by part, as far as `text` wants it. */
static int send_parts(struct pop3_sender *s, size_t at, uint64_t size, size_t part_size,
                      struct pop3_text *text, bool *ret_broken) WAITS {
    _cleanup_(buf_done) struct buf part = {0};
    uint64_t offset = 0;
    do {
        size_t len = (size_t)MIN(size - offset, part_size);
        buf_clear(&part);
        int r = len > 0 ? s->ops->read_part(s->drop, at, offset, len, &part) : 0;
        if (r == 0 && part.len != len)
            r = -E_CORRUPT;
        if (r < 0) {
            *ret_broken = offset > 0;
            return r;
        }
        if (offset == 0)
            send_reply(s, size);
        pop3_text_add(text, buf_slice(&part), &s->text);
        send_text(s);
        offset += len;
        part_size = PART_SIZE;
    } while (offset < size && !text->done && stream_error(s->stream) == 0);
    pop3_text_end(text, &s->text);
    send_text(s);
    return 0;
}

int pop3_send_whole(struct pop3_sender *s, size_t at, size_t waiting, bool *ret_broken) {
    struct pop3_message message;
    s->ops->message(s->drop, at, &message);
    if (message.size <= POP3_READ_AHEAD)
        return send_small(s, at, waiting, &message);
    int r = message.plain ? send_place(s, at, message.size, ret_broken) : -ENOTSUP;
    if (r != -ENOTSUP || *ret_broken)
        return r;
    struct pop3_text text;
    pop3_text_init(&text, POP3_ALL_LINES);
    return send_parts(s, at, message.size, PART_SIZE, &text, ret_broken);
}

int pop3_send_top(struct pop3_sender *s, size_t at, uint64_t lines, bool *ret_broken) {
    struct pop3_message message;
    s->ops->message(s->drop, at, &message);
    struct pop3_text text;
    pop3_text_init(&text, lines);
    return send_parts(s, at, message.size, TOP_PART, &text, ret_broken);
}
