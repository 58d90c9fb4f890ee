/* SPDX-License-Identifier: ISC */
/* One response of FETCH: what is known of the message, what its map says, its octets. */
#include <errno.h>

#include "imap/fetch/fetching.h"
#include "imap/fetch/structure.h"
#include "imap/fetch/thread_id.h"
#include "message/header.h"

/* ------------------------------------------------------------------ what is to be known of it */

/*
 * Where the header of a large message ends. Most end in the first bytes, by an empty line; for
 * others the map says it.
 */
static int find_header(struct imap_fetching *f) WAITS {
    struct slice head;
    struct store_piece piece;
    int error = imap_fetch_octets(f, 0, IMAP_SMALL, &f->octets, &head);
    if (error)
        return error;
    struct header_cursor c = {.message = head};
    c.message.len = (size_t)(slice_rfind_byte(head, '\n') + 1);
    for (struct header_field field; header_next(&c, &field);)
        continue;
    if (c.end == HEADER_EMPTY_LINE) {
        f->whole.body = c.body;
        return 0;
    }
    buf_clear(&f->encoded);
    int n = store_maps(f->s->account, f->at.message, 1, &f->encoded, &piece);
    if (n < 0)
        return n;
    struct slice map = slice_first(slice_from(buf_slice(&f->encoded), piece.at), piece.len);
    return message_map_read(&f->arena, map, &f->map);
}

/* Its map, as far as it is needed. */
static int prepare(struct imap_fetching *f) WAITS {
    const struct store_message *m = f->at.message;
    int error = f->at.error;
    if (f->need == IMAP_NEEDS_NOTHING && f->what->section_count == 0)
        return error;
    arena_reset(&f->arena);
    f->whole = (struct message_map_part){.end = m->size, .is_message = true};
    f->map = (struct message_map){.size = m->size, .parts = &f->whole, .part_count = 1};
    if (!error && f->need == IMAP_NEEDS_MAP)
        error = message_map_read(&f->arena, f->at.map, &f->map);
    else if (!error && f->need == IMAP_NEEDS_HEADER && f->at.bytes.ptr)
        f->whole.body = header_body(f->at.bytes, NULL);
    else if (!error && f->need == IMAP_NEEDS_HEADER)
        error = find_header(f);
    return !error && f->map.size != m->size ? -E_CORRUPT : error;
}

/* ------------------------------------------------------------------ attributes */

static void write_known(struct imap_fetching *f) {
    struct imap_writer *w = &f->s->c.writer;
    const struct store_message *m = f->at.message;
    if (f->set & IMAP_FETCH_UID) {
        imap_write_word(w, "UID");
        imap_write_number(w, m->uid);
    }
    if (f->set & IMAP_FETCH_FLAGS) {
        imap_write_word(w, "FLAGS");
        imap_write_flags_of(f->s, m);
    }
    if (f->set & IMAP_FETCH_MODSEQ) {
        imap_write_word(w, "MODSEQ");
        imap_write_open(w);
        imap_write_number(w, m->modseq);
        imap_write_close(w);
    }
    if (f->set & IMAP_FETCH_INTERNALDATE) {
        imap_write_word(w, "INTERNALDATE");
        imap_write_date_time(w, (struct imap_date_time){.at = m->date});
    }
    if (f->set & IMAP_FETCH_SIZE) {
        imap_write_word(w, "RFC822.SIZE");
        imap_write_number(w, m->size);
    }
    if (f->set & IMAP_FETCH_EMAILID) {
        imap_write_word(w, "EMAILID");
        imap_write_object_id(w, IMAP_ID_MESSAGE, m->body);
    }
    if (f->set & IMAP_FETCH_SAVEDATE) {
        imap_write_word(w, "SAVEDATE");
        imap_write_date_time(w, (struct imap_date_time){.at = f->at.saved});
    }
}

static void write_of_map(struct imap_fetching *f) {
    struct imap_writer *w = &f->s->c.writer;
    if (f->set & IMAP_FETCH_ENVELOPE) {
        imap_write_word(w, "ENVELOPE");
        imap_write_envelope(w, &f->map.parts[0].envelope);
    }
    if (f->set & IMAP_FETCH_BODY) {
        imap_write_word(w, "BODY");
        imap_write_structure(w, &f->map, false);
    }
    if (f->set & IMAP_FETCH_BODYSTRUCTURE) {
        imap_write_word(w, "BODYSTRUCTURE");
        imap_write_structure(w, &f->map, true);
    }
    if (f->set & IMAP_FETCH_THREADID) {
        const struct imap_thread_id id = imap_thread_id(&f->map, f->at.message->body);
        imap_write_word(w, "THREADID");
        imap_write_object_id(w, id.kind, id.number);
    }
    if (f->set & IMAP_FETCH_PREVIEW) { /* NIL would say that there is none yet (RFC 8970 §3.1) */
        imap_write_word(w, "PREVIEW");
        imap_write_string(w, f->map.preview);
    }
}

/* ------------------------------------------------------------------ the response */

static void note(struct imap_fetching *f, int error) {
    if (error == -E_UNKNOWN)
        f->gone = true;
    else if (error == -ENOTSUP)
        f->no_decoding = true;
    else if (!f->error)
        f->error = error;
}

static void forget_file(struct imap_fetching *f) {
    if (f->has_file)
        store_file_release(f->s->account, &f->file);
    f->has_file = false;
}

/* How many sections were written. */
static size_t write_sections(struct imap_fetching *f) WAITS {
    size_t written = 0;
    for (size_t i = 0; i < f->what->section_count && f->s->end == DOOR_END_NONE; i++) {
        int error = imap_fetch_section(f, &f->what->sections[i], f->sorted[i]);
        if (error)
            note(f, error);
        else
            written++;
        (void)fiber_yield_if_long();
    }
    return written;
}

bool imap_fetch_message(struct imap_fetching *f) {
    struct imap_connection *c = &f->s->c;
    const struct imap_writer before = c->writer;
    size_t sections = 0;
    int error = prepare(f);
    if (error)
        note(f, error);
    if (error == -E_UNKNOWN) { /* it has gone */
        forget_file(f);
        return false;
    }
    imap_begin_fetched(f->s, f->at.number, f->at.message->uid);
    write_known(f);
    if (!error) {
        write_of_map(f);
        sections = write_sections(f);
    }
    forget_file(f);
    if (f->s->end != DOOR_END_NONE)
        return false;
    if (sections == 0 && !(f->set & ~(error ? IMAP_FETCH_OF_MAP : 0))) { /* there is nothing */
        buf_clear(&c->out);
        c->writer = before;
        return false;
    }
    imap_write_close(&c->writer);
    imap_write_end(&c->writer);
    imap_send(c);
    return sections > 0;
}
