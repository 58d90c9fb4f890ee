/* SPDX-License-Identifier: ISC */
/*
 * Parts come in the order of their headers, so a walk over them meets each where its description
 * begins; where the next one stands outside of it, it ends. So there is no recursion.
 */
#include "imap/fetch/structure.h"

/* ------------------------------------------------------------------ envelopes */

static struct slice or_nil(struct slice text) {
    return text.len > 0 ? text : (struct slice){0};
}

/* RFC 9051 §7.5.2: a group begins with its name as mailbox and NIL as host, and ends with NILs. */
static void write_address(struct imap_writer *w, const struct listed *a) {
    imap_write_open(w);
    if (a->kind == LISTED_ADDRESS) {
        imap_write_nstring(w, or_nil(a->name));
        imap_write_nstring(w, or_nil(a->route));
        imap_write_string(w, a->local);
        imap_write_string(w, a->host);
    } else {
        imap_write_nil(w);
        imap_write_nil(w);
        if (a->kind == LISTED_GROUP)
            imap_write_string(w, a->name);
        else
            imap_write_nil(w);
        imap_write_nil(w);
    }
    imap_write_close(w);
}

static void write_addresses(struct imap_writer *w, struct slice list) {
    struct listed a;
    bool first = true;
    while (message_map_address_next(&list, &a)) {
        if (first)
            imap_write_open(w);
        else
            imap_write_join(w);
        first = false;
        write_address(w, &a);
    }
    if (first)
        imap_write_nil(w);
    else
        imap_write_close(w);
}

void imap_write_envelope(struct imap_writer *w, const struct message_map_envelope *e) {
    const struct slice from = e->addresses[MAP_FROM];
    imap_write_open(w);
    imap_write_nstring(w, e->date);
    imap_write_nstring(w, e->subject);
    for (size_t i = 0; i < MAP_LISTS; i++) {
        bool by_from = (i == MAP_SENDER || i == MAP_REPLY_TO) && e->addresses[i].len == 0;
        write_addresses(w, by_from ? from : e->addresses[i]);
    }
    imap_write_nstring(w, e->in_reply_to);
    imap_write_nstring(w, e->message_id);
    imap_write_close(w);
}

/* ------------------------------------------------------------------ parts */

static void write_parameters(struct imap_writer *w, struct slice list) {
    struct mime_parameter p;
    bool any = false;
    while (message_map_parameter_next(&list, &p)) {
        if (!any)
            imap_write_open(w);
        any = true;
        imap_write_string(w, p.name);
        imap_write_string(w, p.value);
    }
    if (any)
        imap_write_close(w);
    else
        imap_write_nil(w);
}

static void write_languages(struct imap_writer *w, struct slice list) {
    struct slice tag;
    bool any = false;
    while (message_map_language_next(&list, &tag)) {
        if (!any)
            imap_write_open(w);
        any = true;
        imap_write_string(w, tag);
    }
    if (any)
        imap_write_close(w);
    else
        imap_write_nil(w);
}

/* body-fld-dsp SP body-fld-lang SP body-fld-loc */
static void write_extension(struct imap_writer *w, const struct message_map_part *p) {
    if (p->disposition.ptr) {
        imap_write_open(w);
        imap_write_string(w, p->disposition);
        write_parameters(w, p->disposition_parameters);
        imap_write_close(w);
    } else {
        imap_write_nil(w);
    }
    write_languages(w, p->languages);
    imap_write_nstring(w, p->location);
}

/* Whether a message in a message is shown as one. */
static bool is_opened(const struct imap_writer *w, const struct message_map_part *p) {
    return p->kind == MIME_MESSAGE && (w->utf8 || slice_eq_nocase(p->minor, S("rfc822")));
}

/* Up to the parts in it; of a multipart they come first. `inner`: the message in a message. */
static void begin_part(struct imap_writer *w, const struct message_map_part *p,
                       const struct message_map_part *inner) {
    if (p->place > 1)
        imap_write_join(w); /* 1*body */
    imap_write_open(w);
    if (p->kind == MIME_MULTIPART)
        return;
    imap_write_string(w, p->major);
    imap_write_string(w, p->minor);
    write_parameters(w, p->parameters);
    imap_write_nstring(w, p->id);
    imap_write_nstring(w, p->description);
    imap_write_string(w, p->encoding_name);
    imap_write_number(w, p->end - p->body);
    if (inner)
        imap_write_envelope(w, &inner->envelope);
}

/* What stands behind the parts in it. */
static void end_part(struct imap_writer *w, const struct message_map_part *p, bool extended) {
    bool lines = is_opened(w, p) || slice_eq_nocase(p->major, S("text"));
    if (p->kind == MIME_MULTIPART) {
        imap_write_string(w, p->minor);
        if (extended)
            write_parameters(w, p->parameters);
    } else {
        if (lines)
            imap_write_number(w, p->lines);
        if (extended)
            imap_write_nstring(w, p->md5);
    }
    if (extended)
        write_extension(w, p);
    imap_write_close(w);
}

void imap_write_structure(struct imap_writer *w, const struct message_map *map, bool extended) {
    const struct message_map_part *parts = map->parts;
    for (size_t i = 0, next; i < map->part_count; i = next) {
        bool opened = is_opened(w, &parts[i]);
        begin_part(w, &parts[i], opened ? &parts[i + 1] : NULL);
        next = i + 1;
        if (parts[i].kind == MIME_MESSAGE && !opened)
            while (next < map->part_count && parts[next].depth > parts[i].depth)
                next++;
        for (size_t at = i; next == map->part_count || at != parts[next].parent;) {
            end_part(w, &parts[at], extended);
            if (at == 0)
                break;
            at = parts[at].parent;
        }
    }
}
