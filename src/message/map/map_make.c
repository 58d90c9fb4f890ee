/* SPDX-License-Identifier: ISC */
/*
 * The texts of a part are encoded when its header has ended; its numbers wait in `parts` until it
 * has ended itself. What concerns the whole message is gathered beside.
 */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/varint.h"
#include "message/date.h"
#include "message/header.h"
#include "message/map/map.h"
#include "message/map/map_form.h"
#include "message/map/map_texts.h"
#include "message/map/subject.h"
#include "message/mime/preview.h"

struct made {
    struct mime_part part;
    bool is_related; /* parts in it belong to one another */
    bool is_report;
    uint64_t decoded;
    size_t texts, texts_len; /* in `texts` of the maker */
};

struct message_map_maker {
    struct mime_scan *scan;
    struct arena arena; /* of one header */
    struct made *parts;
    size_t count, room;
    struct map_texts texts;
    struct transfer transfer; /* of the leaf that comes */
    struct preview preview;
    uint8_t flags;
    usec_t date;
    struct buf base_subject;
    uint64_t size, id, parent_id;
    uint64_t references[MESSAGE_MAP_REFERENCES];
    size_t reference_count;
};

/* ------------------------------------------------------------------ fields */

static const struct {
    struct slice name;
    uint8_t tag;
    bool of_message;
} known[] = {
    {{"Content-Transfer-Encoding", 25}, TAG_ENCODING, false},
    {{"Content-ID", 10}, TAG_ID, false},
    {{"Content-Description", 19}, TAG_DESCRIPTION, false},
    {{"Content-MD5", 11}, TAG_MD5, false},
    {{"Content-Disposition", 19}, TAG_DISPOSITION, false},
    {{"Content-Language", 16}, TAG_LANGUAGES, false},
    {{"Content-Location", 16}, TAG_LOCATION, false},
    {{"Date", 4}, TAG_DATE, true},
    {{"Subject", 7}, TAG_SUBJECT, true},
    {{"In-Reply-To", 11}, TAG_IN_REPLY_TO, true},
    {{"Message-ID", 10}, TAG_MESSAGE_ID, true},
    {{"References", 10}, TAG_REFERENCES, true},
    {{"From", 4}, TAG_ADDRESSES + MAP_FROM, true},
    {{"Sender", 6}, TAG_ADDRESSES + MAP_SENDER, true},
    {{"Reply-To", 8}, TAG_ADDRESSES + MAP_REPLY_TO, true},
    {{"To", 2}, TAG_ADDRESSES + MAP_TO, true},
    {{"Cc", 2}, TAG_ADDRESSES + MAP_CC, true},
    {{"Bcc", 3}, TAG_ADDRESSES + MAP_BCC, true},
};

/* 0: of no interest. */
static uint8_t tag_of(struct slice name, bool is_message) {
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].name.len == name.len && (is_message || !known[i].of_message) &&
            slice_eq_nocase(name, known[i].name))
            return known[i].tag;
    }
    return 0;
}

static bool wants(void *arg, struct slice name) {
    return tag_of(name, true) > 0;
}

/* ------------------------------------------------------------------ what concerns the whole
 * message */

static void take_subject(struct message_map_maker *m, struct slice value) {
    if (subject_base(&m->base_subject, map_texts_cut(&m->texts, value)))
        m->flags |= FORM_ANSWER;
    if (m->base_subject.len <= MESSAGE_MAP_SUBJECT)
        return;
    size_t len = MESSAGE_MAP_SUBJECT;
    while (len > 0 && ((uint8_t)m->base_subject.ptr[len] & 0xc0) == 0x80)
        len--;
    m->base_subject.len = len;
}

static void take_own(struct message_map_maker *m, uint8_t tag, struct slice value) {
    switch (tag) {
    case TAG_DATE:
        if (date_read(value, &m->date) == 0)
            m->flags |= FORM_DATE;
        break;
    case TAG_SUBJECT:
        take_subject(m, value);
        break;
    case TAG_MESSAGE_ID:
        if (message_ids_read(value, &m->id, 1) > 0)
            m->flags |= FORM_ID;
        break;
    case TAG_IN_REPLY_TO: {
        uint64_t *ids = arena_array(&m->arena, MESSAGE_MAP_REFERENCES, sizeof *ids);
        m->parent_id = message_ids_read(value, ids, MESSAGE_MAP_REFERENCES) > 0 ? ids[0] : 0;
        break;
    }
    case TAG_REFERENCES:
        m->reference_count = message_ids_read(value, m->references, MESSAGE_MAP_REFERENCES);
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ parts */

/* Whether it gives a file's name, in the form of RFC 2231 too: `plain` and that with "*" behind. */
static bool is_named(const struct mime_value *v, struct slice plain, struct slice extended) {
    return mime_parameter(v, plain).len > 0 || mime_parameter(v, extended).len > 0;
}

static void put_disposition(struct message_map_maker *m, struct slice value, bool *ret_attached,
                            bool *ret_inline, bool *ret_named) {
    struct mime_value v = mime_value_read(&m->arena, value);
    if (v.major.len == 0 && v.count > 0)
        v.major = S("attachment"); /* RFC 2183 §2.8 of an unknown one */
    if (v.major.len == 0)
        return;
    map_texts_put(&m->texts, TAG_DISPOSITION, map_texts_cut(&m->texts, v.major));
    map_texts_put_parameters(&m->texts, TAG_DISPOSITION_PARAMETERS, &v);
    *ret_inline = slice_eq_nocase(v.major, S("inline"));
    *ret_attached = !*ret_inline;
    *ret_named = is_named(&v, S("filename"), S("filename*"));
}

static void put_field(struct message_map_maker *m, uint8_t tag, struct slice value) {
    switch (tag) {
    case TAG_ENCODING:
        value = mime_value_read(&m->arena, value).major;
        if (value.len > 0)
            map_texts_put(&m->texts, tag, map_texts_cut(&m->texts, value));
        break;
    case TAG_LANGUAGES:
        map_texts_put_languages(&m->texts, value);
        break;
    case TAG_REFERENCES:
        break;
    default:
        map_texts_put(&m->texts, tag, map_texts_cut(&m->texts, value));
    }
}

/* What only says something about other parts, or how they are to be read. */
static bool is_service(const struct mime_value *type) {
    static const struct slice names[] = {{"pgp-signature", 13},     {"pgp-encrypted", 13},
                                         {"pkcs7-signature", 15},   {"pkcs7-mime", 10},
                                         {"x-pkcs7-signature", 17}, {"x-pkcs7-mime", 12}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (slice_eq_nocase(type->minor, names[i]))
            return true;
    }
    return false;
}

static struct made *add_part(struct message_map_maker *m, const struct mime_part *part) {
    if (m->count == m->room) {
        m->room = MAX(m->room * 2, (size_t)8);
        m->parts = mem_grow(m->parts, m->room * sizeof *m->parts);
    }
    bool multipart = part->kind == MIME_MULTIPART;
    struct made *made = &m->parts[m->count++];
    *made = (struct made){
        .part = *part,
        .is_related = multipart && slice_eq_nocase(part->type.minor, S("related")),
        .is_report = multipart && slice_eq_nocase(part->type.minor, S("report")),
        .texts = m->texts.bytes.len,
    };
    map_texts_put_type(&m->texts, part);
    map_texts_put_parameters(&m->texts, TAG_PARAMETERS, &part->type);
    return made;
}

static void on_header(void *arg, const struct mime_part *part, struct slice fields) {
    struct message_map_maker *m = arg;
    struct header_cursor c = {.message = fields};
    struct made *made = add_part(m, part), *around = &m->parts[part->parent];
    bool is_message = part->number == 0 || around->part.kind == MIME_MESSAGE;
    bool attached = false, is_inline = false, has_id = false;
    bool named = is_named(&part->type, S("name"), S("name*"));
    uint64_t seen = 0;
    arena_reset(&m->arena);
    for (struct header_field f; header_next(&c, &f);) {
        uint8_t tag = tag_of(f.name, is_message);
        if (tag == 0 || (tag < TAG_ADDRESSES && seen >> tag & 1))
            continue;
        seen |= (uint64_t)1 << tag;
        struct slice value = header_unfold(&m->arena, f.raw);
        has_id |= tag == TAG_ID;
        if (tag >= TAG_ADDRESSES)
            map_texts_add_addresses(&m->texts, tag, value);
        else if (tag == TAG_DISPOSITION)
            put_disposition(m, value, &attached, &is_inline, &named);
        else
            put_field(m, tag, value);
        if (part->number == 0)
            take_own(m, tag, value);
    }
    map_texts_end(&m->texts);
    made->texts_len = m->texts.bytes.len - made->texts;
    bool is_text = slice_eq_nocase(part->type.major, S("text"));
    bool belongs =
        is_inline || around->is_report || is_service(&part->type) || (around->is_related && has_id);
    attached |= !belongs && (!is_text || named);
    if (attached && part->kind != MIME_MULTIPART)
        m->flags |= FORM_ATTACHMENT;
    m->texts.is_cut |= part->is_cut;
    m->transfer = (struct transfer){.encoding = part->encoding};
    preview_begin(&m->preview, part, attached);
}

static void on_body(void *arg, const struct mime_part *part, struct slice bytes) {
    struct message_map_maker *m = arg;
    if (part->kind == MIME_LEAF && part->encoding != MIME_PLAIN)
        transfer_take(&m->transfer, bytes, NULL);
    preview_body(&m->preview, part, bytes);
}

static bool is_decoded(const struct mime_part *part) {
    return part->kind == MIME_LEAF &&
           (part->encoding == MIME_BASE64 || part->encoding == MIME_QUOTED_PRINTABLE);
}

static void on_end(void *arg, const struct mime_part *part) {
    struct message_map_maker *m = arg;
    struct made *made = &m->parts[part->number];
    made->part = *part;
    if (is_decoded(part)) {
        transfer_end(&m->transfer, NULL);
        made->decoded = m->transfer.size;
    }
}

/* ------------------------------------------------------------------ the whole */

struct message_map_maker *message_map_new(void) {
    static const struct mime_sink sink = {wants, on_header, on_body, on_end};
    struct message_map_maker *m = NEW(struct message_map_maker);
    m->scan = mime_scan_new(&sink, m);
    return m;
}

void message_map_free(struct message_map_maker *m) {
    if (!m)
        return;
    mime_scan_free(m->scan);
    arena_done(&m->arena);
    free(m->parts);
    map_texts_done(&m->texts);
    preview_done(&m->preview);
    buf_done(&m->base_subject);
    free(m);
}

void message_map_feed(struct message_map_maker *m, struct slice piece) {
    m->size += piece.len;
    mime_scan_feed(m->scan, piece);
}

static void write_part(const struct message_map_maker *m, const struct made *made, struct buf *to) {
    const struct mime_part *p = &made->part;
    uint64_t from = p->number > 0 ? m->parts[p->parent].part.header : 0;
    if (p->number > 0)
        varint_add(to, p->number - p->parent);
    buf_add_u8(to, (uint8_t)((unsigned)p->kind | (unsigned)p->encoding << 2));
    varint_add(to, p->header - from);
    varint_add(to, p->body - p->header);
    varint_add(to, p->end - p->body);
    varint_add(to, p->lines);
    if (is_decoded(p))
        varint_add(to, made->decoded);
    varint_add_text(
        to, slice_first(slice_from(buf_slice(&m->texts.bytes), made->texts), made->texts_len));
}

void message_map_finish(struct message_map_maker *m, struct buf *to) {
    _cleanup_(buf_done) struct buf preview = {0};
    mime_scan_end(m->scan);
    preview_finish(&m->preview, &preview);
    int64_t seconds = m->date / USEC_SEC;
    if (m->texts.is_cut)
        m->flags |= FORM_CUT;
    if (m->reference_count == 0 && m->parent_id != 0)
        m->references[m->reference_count++] = m->parent_id;
    buf_add_u8(to, MESSAGE_MAP_VERSION);
    buf_add_u8(to, m->flags);
    varint_add(to, m->size);
    if (m->flags & FORM_DATE)
        varint_add(to, (uint64_t)seconds << 1 ^ (uint64_t)(seconds >> 63));
    if (m->flags & FORM_ID)
        buf_add_u64(to, m->id);
    varint_add(to, m->reference_count);
    for (size_t i = 0; i < m->reference_count; i++)
        buf_add_u64(to, m->references[i]);
    varint_add_text(to, buf_slice(&m->base_subject));
    varint_add_text(to, buf_slice(&preview));
    varint_add(to, m->count);
    for (size_t i = 0; i < m->count; i++)
        write_part(m, &m->parts[i], to);
}
