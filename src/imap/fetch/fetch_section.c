/* SPDX-License-Identifier: ISC */
/*
 * The octets of a section on their way to the client: past the buffer of responses, in parts, and
 * from the file where there is one. The first part is read before the literal is announced, so that
 * a message that cannot be read leaves the attribute out; behind that only the end of the
 * conversation tells the client that no more comes.
 *
 * NUL (RFC 9051 §4.3.1): a literal has none, it becomes "?"; a literal8, which BINARY may have, has
 * it. That one is used for octets with a NUL, and for decoded ones of which nobody has looked at
 * all.
 */
#include "imap/fetch/fetching.h"

#include <errno.h>

#include "fiber/wait.h"
#include "io/file.h"
#include "message/mime/transfer.h"

/* From the file of the message if it has one. */
static ssize_t read_octets(struct imap_fetching *f, uint64_t offset, char *to, size_t len) WAITS {
    if (!f->has_file) {
        int error = store_file_get(f->s->account, f->at.message, &f->file);
        if (error == -ENOTSUP)
            return store_read(f->s->account, f->at.message, offset, to, len);
        if (error)
            return error;
        f->has_file = true;
    }
    for (size_t have = 0; have < len;) {
        int n = file_read(f->file.fd, f->file.offset + offset + have, to + have, len - have);
        if (n <= 0)
            return n < 0 ? n : -E_CORRUPT;
        have += (size_t)n;
    }
    return (ssize_t)len;
}

int imap_fetch_octets(struct imap_fetching *f, uint64_t offset, size_t len, struct buf *to,
                      struct slice *ret) {
    if (f->at.bytes.ptr) {
        *ret = slice_first(slice_from(f->at.bytes, (size_t)offset), len);
        return 0;
    }
    buf_clear(to);
    buf_reserve(to, len);
    ssize_t n = read_octets(f, offset, to->ptr, len);
    if (n < 0)
        return (int)n;
    to->len = (size_t)n;
    *ret = buf_slice(to);
    return to->len == len ? 0 : -E_CORRUPT;
}

/* ------------------------------------------------------------------ literals */

static void announce(struct imap_fetching *f, const struct imap_section *section, uint64_t size,
                     bool eight) {
    imap_write_section(&f->s->c.writer, section);
    imap_write_literal(&f->s->c.writer, size, eight);
}

/* Octets of the literal. `clean`: NULs become "?". */
static void send_octets(struct imap_fetching *f, struct slice octets, bool clean) WAITS {
    struct imap_connection *c = &f->s->c;
    if (clean) {
        size_t at = c->out.len;
        imap_write_octets(&c->writer, octets);
        for (; at < c->out.len; at++)
            if (c->out.ptr[at] == '\0')
                c->out.ptr[at] = '?';
        imap_send(c);
        return;
    }
    imap_send(c);
    imap_write_passed(&c->writer, octets.len);
    stream_write(c->stream, octets);
}

/* Nothing more of a literal can be sent. Where the client has gone, nobody waits for it. */
static void break_off(struct imap_fetching *f, uint64_t left) {
    if (stream_error(f->s->c.stream))
        imap_write_passed(&f->s->c.writer, left);
    else
        f->s->end = DOOR_END_LOST;
}

static bool has_nul(struct slice octets) {
    return slice_find_byte(octets, '\0') >= 0;
}

/* A value that lies in memory. */
static void send_whole(struct imap_fetching *f, const struct imap_section *section,
                       struct slice octets) WAITS {
    bool may_be = f->at.message->shape & STORE_NUL_BYTES || section->form == IMAP_BINARY;
    bool nul = may_be && has_nul(octets);
    announce(f, section, octets.len, nul && section->form == IMAP_BINARY);
    send_octets(f, octets, nul && section->form != IMAP_BINARY);
}

/* ------------------------------------------------------------------ octets as they stand */

static void send_rest(struct imap_fetching *f, uint64_t offset, uint64_t len, bool clean) WAITS {
    struct imap_connection *c = &f->s->c;
    int error = 0;
    if (f->has_file && !clean) {
        imap_send(c);
        error = stream_send_file(c->stream, f->file.fd, f->file.offset + offset, len);
        if (error)
            break_off(f, len);
        else
            imap_write_passed(&c->writer, len);
        return;
    }
    while (len > 0) {
        struct slice part;
        error = imap_fetch_octets(f, offset, (size_t)MIN(len, (uint64_t)IMAP_FETCH_PART),
                                  &f->octets, &part);
        if (error || stream_error(c->stream)) {
            break_off(f, len);
            return;
        }
        send_octets(f, part, clean);
        offset += part.len;
        len -= part.len;
    }
}

static int send_plain(struct imap_fetching *f, const struct imap_section *section,
                      const struct imap_octets *o) WAITS {
    struct imap_part_of wanted = imap_section_part_of(section, o->len);
    uint64_t offset = o->offset + wanted.from;
    struct slice part;
    int error = imap_fetch_octets(f, offset, (size_t)MIN(wanted.len, (uint64_t)IMAP_FETCH_PART),
                                  &f->octets, &part);
    if (error)
        return error;
    if (part.len == wanted.len) {
        send_whole(f, section, part);
        return 0;
    }
    bool nul = f->at.message->shape & STORE_NUL_BYTES, binary = section->form == IMAP_BINARY;
    announce(f, section, wanted.len, nul && binary);
    send_octets(f, part, nul && !binary);
    send_rest(f, offset + part.len, wanted.len - part.len, nul && !binary);
    return 0;
}

/* ------------------------------------------------------------------ decoded octets */

struct decoding {
    struct imap_fetching *f;
    struct transfer transfer;
    uint64_t at, end; /* of the encoded octets, in the message */
    uint64_t skip;    /* decoded octets that are not wanted */
    uint64_t left;    /* that are */
    struct buf octets;
};

/* Appends the next ones: none only at the end. */
static int decode_more(struct decoding *d) WAITS {
    const size_t before = d->octets.len;
    while (d->octets.len == before && d->left > 0 && d->at < d->end) {
        struct slice part;
        size_t len = (size_t)MIN(d->end - d->at, (uint64_t)IMAP_FETCH_PART);
        int error = imap_fetch_octets(d->f, d->at, len, &d->f->encoded, &part);
        if (error)
            return error;
        d->at += len;
        transfer_take(&d->transfer, part, &d->octets);
        if (d->at == d->end)
            transfer_end(&d->transfer, &d->octets);
        size_t come = d->octets.len - before, skip = (size_t)MIN(d->skip, (uint64_t)come);
        if (skip > 0 && skip < come)
            memmove(d->octets.ptr + before, d->octets.ptr + before + skip, come - skip);
        d->skip -= skip;
        d->octets.len = before + (size_t)MIN((uint64_t)(come - skip), d->left);
        d->left -= d->octets.len - before;
        (void)fiber_yield_if_long();
    }
    return 0;
}

/* A value that fits into a part is looked at for NULs first. */
static int decode_small(struct decoding *d, const struct imap_section *section) WAITS {
    int error = 0;
    size_t before;
    do {
        before = d->octets.len;
        error = decode_more(d);
    } while (!error && d->octets.len > before);
    if (!error)
        send_whole(d->f, section, buf_slice(&d->octets));
    return error;
}

static int decode_large(struct decoding *d, const struct imap_section *section) WAITS {
    uint64_t left = d->left;
    int error = decode_more(d);
    if (error)
        return error;
    announce(d->f, section, left, true);
    while (!error && d->octets.len > 0 && !stream_error(d->f->s->c.stream)) {
        send_octets(d->f, buf_slice(&d->octets), false);
        left -= d->octets.len;
        buf_clear(&d->octets);
        error = decode_more(d);
    }
    if (left > 0)
        break_off(d->f, left);
    return 0;
}

static int send_decoded(struct imap_fetching *f, const struct imap_section *section,
                        const struct imap_octets *o) WAITS {
    struct imap_part_of wanted = imap_section_part_of(section, o->size);
    struct decoding d = {
        .f = f,
        .transfer = {.encoding = o->encoding},
        .at = o->offset,
        .end = o->offset + o->len,
        .skip = wanted.from,
        .left = wanted.len,
    };
    int error =
        wanted.len <= IMAP_FETCH_PART ? decode_small(&d, section) : decode_large(&d, section);
    buf_done(&d.octets);
    return error;
}

/* ------------------------------------------------------------------ fields of a header */

static int send_fields(struct imap_fetching *f, const struct imap_section *section,
                       const struct slice *sorted, const struct imap_octets *o) WAITS {
    _cleanup_(buf_done) struct buf picked = {0};
    const bool cut = o->len > IMAP_HEADER_MAX;
    struct slice header;
    size_t len = (size_t)MIN(o->len, (uint64_t)IMAP_HEADER_MAX);
    int error = imap_fetch_octets(f, o->offset, len, &f->octets, &header);
    if (error)
        return error;
    send_whole(f, section, imap_fields_part(section, sorted, header, cut, &picked));
    return 0;
}

/* ------------------------------------------------------------------ a section */

int imap_fetch_section(struct imap_fetching *f, const struct imap_section *section,
                       const struct slice *sorted) {
    struct imap_writer *w = &f->s->c.writer;
    struct imap_octets o;
    int error = imap_section_find(section, &f->map, &o);
    if (error)
        return error;
    if (section->form == IMAP_BINARY_SIZE) {
        imap_write_section(w, section);
        imap_write_number(w, o.size);
        return 0;
    }
    if (!o.is_there) {
        imap_write_section(w, section);
        imap_write_nil(w);
        return 0;
    }
    if (section->field_count > 0)
        return send_fields(f, section, sorted, &o);
    if (o.encoding == MIME_BASE64 || o.encoding == MIME_QUOTED_PRINTABLE)
        return send_decoded(f, section, &o);
    return send_plain(f, section, &o);
}
