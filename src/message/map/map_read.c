/* SPDX-License-Identifier: ISC */
#include "base/error.h"
#include "base/varint.h"
#include "message/map/map.h"
#include "message/map/map_form.h"

/* ------------------------------------------------------------------ lists */

static bool text_next(struct slice *list, struct slice *ret) {
    struct reader r = {.rest = *list};
    if (list->len == 0)
        return false;
    *ret = varint_read_text(&r);
    *list = r.rest;
    return !r.bad;
}

bool message_map_language_next(struct slice *list, struct slice *ret) {
    return text_next(list, ret);
}

bool message_map_parameter_next(struct slice *list, struct mime_parameter *ret) {
    return text_next(list, &ret->name) && text_next(list, &ret->value);
}

bool message_map_address_next(struct slice *list, struct listed *ret) {
    struct reader r = {.rest = *list};
    if (list->len == 0)
        return false;
    unsigned has = read_u8(&r);
    *ret = (struct listed){.kind = (enum listed_kind)(has & 3)};
    struct slice *texts[] = {&ret->name, &ret->route, &ret->local, &ret->host};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (has >> i & ADDRESS_NAME)
            *texts[i] = varint_read_text(&r);
    }
    *list = r.rest;
    return !r.bad;
}

/* Whether groups are closed, and nothing else is in it. */
static bool are_addresses(struct slice list) {
    bool in_group = false;
    while (list.len > 0) {
        struct listed a;
        if (!message_map_address_next(&list, &a) || a.kind > LISTED_GROUP_END)
            return false;
        if (a.kind != LISTED_ADDRESS && in_group != (a.kind == LISTED_GROUP_END))
            return false;
        in_group = a.kind == LISTED_GROUP || (in_group && a.kind == LISTED_ADDRESS);
    }
    return !in_group;
}

static bool are_parameters(struct slice list) {
    struct mime_parameter p;
    while (list.len > 0) {
        if (!message_map_parameter_next(&list, &p) || p.name.len == 0)
            return false;
    }
    return true;
}

static bool are_languages(struct slice list) {
    struct slice tag;
    while (list.len > 0) {
        if (!text_next(&list, &tag) || tag.len == 0)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ parts */

static bool set_address_list(struct message_map_part *p, unsigned tag, struct slice text) {
    size_t i = tag - TAG_ADDRESSES;
    if (i >= MAP_LISTS || !p->is_message || !are_addresses(text))
        return false;
    p->envelope.addresses[i] = text;
    return true;
}

/* False when it has no place. */
static bool set_text(struct message_map_part *p, unsigned tag, struct slice text) {
    struct slice *const places[] = {
        [TAG_MAJOR] = &p->major,
        [TAG_MINOR] = &p->minor,
        [TAG_PARAMETERS] = &p->parameters,
        [TAG_ENCODING] = &p->encoding_name,
        [TAG_ID] = &p->id,
        [TAG_DESCRIPTION] = &p->description,
        [TAG_MD5] = &p->md5,
        [TAG_DISPOSITION] = &p->disposition,
        [TAG_DISPOSITION_PARAMETERS] = &p->disposition_parameters,
        [TAG_LANGUAGES] = &p->languages,
        [TAG_LOCATION] = &p->location,
        [TAG_DATE] = &p->envelope.date,
        [TAG_SUBJECT] = &p->envelope.subject,
        [TAG_IN_REPLY_TO] = &p->envelope.in_reply_to,
        [TAG_MESSAGE_ID] = &p->envelope.message_id,
    };
    if (tag >= TAG_ADDRESSES)
        return set_address_list(p, tag, text);
    if (tag == 0 || tag >= ARRAY_SIZE(places) || (tag >= TAG_DATE && !p->is_message))
        return false;
    *places[tag] = text;
    return true;
}

static bool read_texts(struct message_map_part *p, struct slice texts) {
    struct reader r = {.rest = texts};
    p->encoding_name = S("7bit");
    while (r.rest.len > 0) {
        unsigned tag = read_u8(&r);
        struct slice text = varint_read_text(&r);
        if (r.bad || !set_text(p, tag, text))
            return false;
    }
    const struct mime_value type = {.major = p->major, .minor = p->minor};
    return p->major.len > 0 && p->minor.len > 0 && p->encoding_name.len > 0 &&
           mime_kind_of(&type) == p->kind && are_parameters(p->parameters) &&
           are_parameters(p->disposition_parameters) && are_languages(p->languages);
}

/* Where a part stands, and that it may stand there. `last_end` is where that before it has ended.
 */
static bool place_part(struct message_map_part *parts, size_t number, uint64_t back,
                       uint64_t *ends) {
    struct message_map_part *p = &parts[number];
    if (number == 0) {
        p->is_message = true;
        p->place = 1;
        return true;
    }
    if (back == 0 || back > number)
        return false;
    p->parent = (unsigned)(number - back);
    unsigned open = (unsigned)number - 1; /* parts that have not ended: this and those around it */
    while (open > p->parent)
        open = parts[open].parent;
    if (open != p->parent)
        return false;
    struct message_map_part *around = &parts[p->parent];
    bool next = around->kind != MIME_MESSAGE || (back == 1 && around->children == 0);
    if (around->kind == MIME_LEAF || !next || around->depth >= MIME_SCAN_DEPTH)
        return false;
    p->is_message = around->kind == MIME_MESSAGE;
    p->depth = around->depth + 1;
    p->place = ++around->children;
    bool ordered = p->header >= ends[p->parent] && p->end <= around->end;
    ends[p->parent] = p->end;
    return ordered;
}

static bool read_part(struct reader *r, struct message_map_part *parts, size_t number,
                      uint64_t *ends) {
    struct message_map_part *p = &parts[number];
    uint64_t back = number > 0 ? varint_read(r) : 0;
    unsigned kind = read_u8(r);
    uint64_t from = number > 0 && back <= number ? parts[number - back].header : 0;
    uint64_t header = varint_read(r), body = varint_read(r), end = varint_read(r);
    p->kind = (enum mime_kind)(kind & 3);
    p->encoding = (enum mime_encoding)(kind >> 2);
    p->lines = varint_read(r);
    if (r->bad || p->kind > MIME_MESSAGE || p->encoding > MIME_UNKNOWN ||
        __builtin_add_overflow(from, header, &p->header) ||
        __builtin_add_overflow(p->header, body, &p->body) ||
        __builtin_add_overflow(p->body, end, &p->end))
        return false;
    p->decoded = p->end - p->body;
    if (p->kind == MIME_LEAF &&
        (p->encoding == MIME_BASE64 || p->encoding == MIME_QUOTED_PRINTABLE))
        p->decoded = varint_read(r);
    ends[number] = p->body;
    struct slice texts = varint_read_text(r);
    return !r->bad && p->lines <= p->end - p->body && p->decoded <= p->end - p->body &&
           place_part(parts, number, back, ends) && read_texts(p, texts);
}

/* ------------------------------------------------------------------ the whole */

static bool read_head(struct arena *a, struct reader *r, struct message_map *map) {
    unsigned flags = read_u8(r);
    map->has_attachment = flags & FORM_ATTACHMENT;
    map->has_date = flags & FORM_DATE;
    map->is_answer = flags & FORM_ANSWER;
    map->is_cut = flags & FORM_CUT;
    map->size = varint_read(r);
    if (flags & FORM_DATE) {
        uint64_t zigzag = varint_read(r);
        int64_t seconds = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
        if (__builtin_mul_overflow(seconds, USEC_SEC, &map->date))
            return false;
    }
    map->message_id = flags & FORM_ID ? read_u64(r) : 0;
    uint64_t references = varint_read(r);
    if (r->bad || flags > FORM_ALL || references > MESSAGE_MAP_REFERENCES)
        return false;
    map->references = arena_array(a, references, sizeof *map->references);
    map->reference_count = references;
    for (size_t i = 0; i < references; i++)
        map->references[i] = read_u64(r);
    map->base_subject = varint_read_text(r);
    map->preview = varint_read_text(r);
    return !r->bad;
}

static bool read_parts(struct arena *a, struct reader *r, struct message_map *map) {
    uint64_t count = varint_read(r);
    if (r->bad || count < 1 || count > MIME_SCAN_PARTS || count > r->rest.len)
        return false;
    struct message_map_part *parts = arena_array(a, count, sizeof *parts);
    uint64_t *ends = arena_array(a, count, sizeof *ends);
    for (size_t i = 0; i < count; i++) {
        if (!read_part(r, parts, i, ends))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].kind != MIME_LEAF && parts[i].children == 0)
            return false;
    }
    map->parts = parts;
    map->part_count = count;
    return parts[0].end <= map->size && r->rest.len == 0;
}

int message_map_read(struct arena *a, struct slice blob, struct message_map *ret) {
    struct reader r = {.rest = blob};
    struct message_map map = {0};
    unsigned version = read_u8(&r);
    if (!r.bad && version != MESSAGE_MAP_VERSION)
        return -E_VERSION;
    if (!read_head(a, &r, &map) || !read_parts(a, &r, &map))
        return -E_CORRUPT;
    *ret = map;
    return 0;
}

/* ------------------------------------------------------------------ numbers of parts */

/* The part with a place in another one, or -1. */
static ssize_t child(const struct message_map *map, size_t around, unsigned place) {
    for (size_t i = around + 1; i < map->part_count; i++) {
        if (map->parts[i].parent == around && map->parts[i].place == place)
            return (ssize_t)i;
    }
    return -1;
}

ssize_t message_map_find(const struct message_map *map, const unsigned *path, size_t count) {
    size_t at = 0;
    bool inside = false; /* `at` is a message's only part, not the message itself */
    for (size_t i = 0; i < count; i++) {
        const struct message_map_part *p = &map->parts[at];
        if (p->kind == MIME_MESSAGE && (!p->is_message || inside)) {
            p = &map->parts[++at];
            inside = false;
        }
        if (p->kind == MIME_MULTIPART) {
            ssize_t next = child(map, at, path[i]);
            if (next < 0)
                return -1;
            at = (size_t)next;
        } else if (p->is_message && !inside && path[i] == 1) {
            inside = true;
        } else {
            return -1;
        }
    }
    return (ssize_t)at;
}

void message_map_path(const struct message_map *map, size_t part, struct buf *to) {
    unsigned path[MIME_SCAN_DEPTH + 1];
    size_t count = 0;
    for (;;) {
        const struct message_map_part *p = &map->parts[part];
        if (!p->is_message)
            path[count++] = p->place;
        else if (p->kind != MIME_MULTIPART)
            path[count++] = 1;
        if (part == 0)
            break;
        part = p->parent;
    }
    while (count-- > 0)
        buf_printf(to, count > 0 ? "%u." : "%u", path[count]);
}
