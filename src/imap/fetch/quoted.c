/* SPDX-License-Identifier: ISC */
#include "imap/fetch/quoted.h"

#include <errno.h>

#include "imap/fetch/section.h"
#include "imap/rights.h"

#define PIECE 65536U

static int find_message(struct imap_session *s, const struct imap_url *url,
                        struct store_message *ret) WAITS {
    struct store_mailbox m;
    struct store_view *view;
    struct store_view_info info;
    *ret = (struct store_message){0};
    int error = -E_UNKNOWN;
    if (url->mailbox.len > 0)
        error = imap_find_allowed(s, url->mailbox, STORE_RIGHT_READ, &m);
    else if (s->selected)
        error = store_mailbox_get(s->account, s->told.mailbox, &m);
    if (error == -EACCES)
        error = -E_UNKNOWN;
    if (!error && url->uidvalidity > 0 && url->uidvalidity != m.uidvalidity)
        error = -E_UNKNOWN;
    if (!error)
        error = store_view_open(s->account, m.id, &view);
    if (error)
        return error;
    store_view_info(view, &info);
    size_t place = store_view_place(view, url->uid);
    if (place < info.count)
        store_view_at(view, place, ret);
    store_view_close(view);
    return ret->uid == url->uid ? 0 : -E_UNKNOWN;
}

/* Which octets they are. A map is large, and a command may have thousands of URLs. */
static int find_octets(struct imap_session *s, const struct imap_section *section,
                       const struct store_message *m, struct imap_octets *ret) WAITS {
    _cleanup_(buf_done) struct buf maps = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map_part whole = {.end = m->size, .is_message = true};
    struct message_map map = {.size = m->size, .parts = &whole, .part_count = 1};
    struct store_piece piece;
    if (imap_section_need(section) != IMAP_NEEDS_NOTHING) {
        int n = store_maps(s->account, m, 1, &maps, &piece);
        if (n < 0)
            return n;
        struct slice encoded = slice_first(slice_from(buf_slice(&maps), piece.at), piece.len);
        int error = message_map_read(&a, encoded, &map);
        if (error || map.size != m->size)
            return error ? error : -E_CORRUPT;
    }
    int error = imap_section_find(section, &map, ret);
    return !error && !ret->is_there ? -E_UNKNOWN : error;
}

/* Some fields of a header. */
static int quote_fields(struct imap_session *s, const struct imap_section *section,
                        const struct store_message *m, const struct imap_octets *o,
                        const struct imap_quoting *to) WAITS {
    _cleanup_(buf_done) struct buf header = {0}, picked = {0};
    const struct slice *sorted = imap_fields_sorted(section, &s->c.arena);
    const bool cut = o->len > IMAP_HEADER_MAX;
    size_t len = (size_t)MIN(o->len, (uint64_t)IMAP_HEADER_MAX);
    buf_reserve(&header, len);
    ssize_t n = store_read(s->account, m, o->offset, header.ptr, len);
    if (n < 0)
        return (int)n;
    header.len = (size_t)n;
    const struct slice part = imap_fields_part(section, sorted, buf_slice(&header), cut, &picked);
    int error = to->begin ? to->begin(to->arg, part.len) : 0;
    return error ? error : to->take(to->arg, part);
}

int imap_quote(struct imap_session *s, const struct imap_url *url, const struct imap_quoting *to) {
    _cleanup_(buf_done) struct buf piece = {0};
    const struct imap_section *section = &url->section;
    struct store_message m;
    struct imap_octets o;
    int error = find_message(s, url, &m);
    if (!error)
        error = find_octets(s, section, &m, &o);
    if (error)
        return error;
    if (section->field_count > 0)
        return quote_fields(s, section, &m, &o, to);
    struct imap_part_of wanted = imap_section_part_of(section, o.len);
    if (to->begin)
        error = to->begin(to->arg, wanted.len);
    buf_reserve(&piece, PIECE);
    while (!error && wanted.len > 0) {
        size_t len = (size_t)MIN(wanted.len, (uint64_t)PIECE);
        ssize_t n = store_read(s->account, &m, o.offset + wanted.from, piece.ptr, len);
        if (n <= 0)
            return n < 0 ? (int)n : -E_CORRUPT;
        error = to->take(to->arg, slice_of(piece.ptr, (size_t)n));
        wanted.from += (uint64_t)n;
        wanted.len -= (uint64_t)n;
    }
    return error;
}
