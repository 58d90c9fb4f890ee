/* SPDX-License-Identifier: ISC */
/*
 * The message on the wire. Most messages have no line that begins with a dot, which is known since
 * they arrived; those go out as they are, a file without being looked at. The others get their dots
 * doubled. A message that does not end with CRLF, which should not be, gets one, or its last line
 * would swallow the final dot.
 */
#include "base/alloc.h"
#include "io/file.h"
#include "relay/talk.h"

#define FILE_CHUNK 65536U

/* How far the message was sent, for dots and the last line end. */
struct message_end {
    bool in_line;  /* the last byte was not LF */
    bool after_cr; /* the last byte was CR */
    bool crlf;     /* it ended with CRLF */
};

static void note_end(struct message_end *end, struct slice chunk) {
    if (chunk.len == 0)
        return;
    char last = chunk.ptr[chunk.len - 1];
    bool cr = chunk.len > 1 ? chunk.ptr[chunk.len - 2] == '\r' : end->after_cr;
    end->crlf = last == '\n' && cr;
    end->in_line = last != '\n';
    end->after_cr = last == '\r';
}

/* Doubles each dot that begins a line (RFC 5321 §4.5.2), whatever ended the line before. */
static void write_stuffed(struct stream *s, struct slice chunk, bool in_line) WAITS {
    if (!in_line && chunk.len && chunk.ptr[0] == '.')
        stream_write(s, S("."));
    ssize_t at;
    while ((at = slice_find(chunk, S("\n."))) >= 0) {
        stream_write(s, slice_first(chunk, (size_t)at + 1));
        stream_write(s, S("."));
        chunk = slice_from(chunk, (size_t)at + 1);
        stream_write(s, slice_first(chunk, 1));
        chunk = slice_from(chunk, 1);
    }
    stream_write(s, chunk);
}

/* A file that is shorter than the message says is damaged. */
static int read_part(const struct relay_message *message, uint64_t at, char *to,
                     size_t size) WAITS {
    int n = file_read(message->file, message->offset + at, to, size);
    return n == 0 ? -E_CORRUPT : n;
}

/* How much of the message is in the file. */
static uint64_t file_part(const struct relay_message *message) {
    return message->size - message->bytes.len;
}

static int write_file_stuffed(struct stream *s, const struct relay_message *message,
                              struct message_end *end) WAITS {
    char *chunk = mem_alloc(FILE_CHUNK);
    uint64_t done = 0;
    int r = 0;
    while (done < file_part(message) && stream_error(s) == 0) {
        r = read_part(message, done, chunk,
                      (size_t)MIN(file_part(message) - done, (uint64_t)FILE_CHUNK));
        if (r < 0)
            break;
        struct slice bytes = slice_of(chunk, (size_t)r);
        write_stuffed(s, bytes, end->in_line);
        note_end(end, bytes);
        done += bytes.len;
    }
    free(chunk);
    return MIN(r, 0);
}

static int write_file_straight(struct stream *s, const struct relay_message *message,
                               struct message_end *end) WAITS {
    char tail[2];
    uint64_t len = file_part(message);
    uint64_t tail_len = MIN(len, sizeof tail);
    int r = tail_len ? read_part(message, len - tail_len, tail, (size_t)tail_len) : 0;
    if (r < 0)
        return r;
    note_end(end, slice_of(tail, (size_t)r));
    r = stream_send_file(s, message->file, message->offset, len);
    return r == stream_error(s) ? 0 : r;
}

int body_write(struct stream *s, const struct relay_message *message) {
    struct message_end end = {0};
    int r = 0;
    if (!(message->envelope.shape & SHAPE_DOT_LINES))
        stream_write(s, message->bytes);
    else
        write_stuffed(s, message->bytes, false);
    note_end(&end, message->bytes);
    if (file_part(message) > 0)
        r = !(message->envelope.shape & SHAPE_DOT_LINES) ? write_file_straight(s, message, &end)
                                                         : write_file_stuffed(s, message, &end);
    if (r < 0)
        return r;
    if (message->size > 0 && !end.crlf)
        stream_write(s, S("\r\n"));
    return 0;
}
