/* SPDX-License-Identifier: ISC */
#include "message/map/map_texts.h"

#include "base/varint.h"
#include "message/map/map_form.h"

void map_texts_done(struct map_texts *t) {
    buf_done(&t->bytes);
    buf_done(&t->list);
    for (size_t i = 0; i < MAP_LISTS; i++)
        buf_done(&t->lists[i].bytes);
}

void map_texts_put(struct map_texts *t, uint8_t tag, struct slice text) {
    if (t->bytes.len + text.len > MESSAGE_MAP_MAX) {
        t->is_cut = true;
        return;
    }
    buf_add_u8(&t->bytes, tag);
    varint_add_text(&t->bytes, text);
}

struct slice map_texts_cut(struct map_texts *t, struct slice text) {
    if (text.len > MESSAGE_MAP_TEXT)
        t->is_cut = true;
    return slice_first(text, MESSAGE_MAP_TEXT);
}

/* What a list gets, one or two texts; false when there is no room. */
static bool put_member(struct map_texts *t, struct slice first, const struct slice *second) {
    size_t from = t->list.len;
    varint_add_text(&t->list, map_texts_cut(t, first));
    if (second)
        varint_add_text(&t->list, map_texts_cut(t, *second));
    if (t->list.len <= MESSAGE_MAP_LIST)
        return true;
    t->list.len = from;
    t->is_cut = true;
    return false;
}

void map_texts_put_parameters(struct map_texts *t, uint8_t tag, const struct mime_value *value) {
    bool room = true;
    buf_clear(&t->list);
    for (size_t i = 0; i < value->count && room; i++)
        room = put_member(t, value->parameters[i].name, &value->parameters[i].value);
    if (t->list.len > 0)
        map_texts_put(t, tag, buf_slice(&t->list));
}

void map_texts_put_languages(struct map_texts *t, struct slice value) {
    bool room = true;
    buf_clear(&t->list);
    for (struct slice tag; room && slice_next(&value, ',', &tag);) {
        tag = slice_trim_lines(tag);
        room = tag.len == 0 || put_member(t, tag, NULL);
    }
    if (t->list.len > 0)
        map_texts_put(t, TAG_LANGUAGES, buf_slice(&t->list));
}

/* ------------------------------------------------------------------ addresses */

static void add_address(void *arg, const struct listed *a) {
    struct map_addresses *g = arg;
    const struct slice texts[] = {a->name, a->route, a->local, a->host};
    size_t from = g->bytes.len;
    unsigned has = a->kind;
    if (g->full)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        has |= texts[i].len > 0 ? (unsigned)ADDRESS_NAME << i : 0;
    buf_add_u8(&g->bytes, (uint8_t)has);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (texts[i].len > 0)
            varint_add_text(&g->bytes, map_texts_cut(g->texts, texts[i]));
    }
    if (g->bytes.len >= MESSAGE_MAP_LIST) {
        g->bytes.len = from;
        g->full = true;
        g->texts->is_cut = true;
        return;
    }
    g->in_group = a->kind == LISTED_GROUP || (g->in_group && a->kind == LISTED_ADDRESS);
}

void map_texts_add_addresses(struct map_texts *t, uint8_t tag, struct slice value) {
    struct map_addresses *g = &t->lists[tag - TAG_ADDRESSES];
    g->texts = t;
    address_list_read(value, add_address, g);
}

void map_texts_end(struct map_texts *t) {
    for (size_t i = 0; i < MAP_LISTS; i++) {
        struct map_addresses *g = &t->lists[i];
        if (g->in_group) /* it was cut in the middle of one */
            buf_add_u8(&g->bytes, LISTED_GROUP_END);
        if (g->bytes.len > 0)
            map_texts_put(t, (uint8_t)(TAG_ADDRESSES + i), buf_slice(&g->bytes));
        buf_clear(&g->bytes);
        g->in_group = g->full = false;
    }
}

/* Where there is no room any more, the shortest that is true of its kind. */
void map_texts_put_type(struct map_texts *t, const struct mime_part *part) {
    static const struct slice shortest[][2] = {
        [MIME_LEAF] = {{"application", 11}, {"octet-stream", 12}},
        [MIME_MULTIPART] = {{"multipart", 9}, {"mixed", 5}},
        [MIME_MESSAGE] = {{"message", 7}, {"rfc822", 6}},
    };
    struct slice major = map_texts_cut(t, part->type.major),
                 minor = map_texts_cut(t, part->type.minor);
    if (t->bytes.len + major.len + minor.len > MESSAGE_MAP_MAX) {
        major = shortest[part->kind][0];
        minor = shortest[part->kind][1];
        t->is_cut = true;
    }
    buf_add_u8(&t->bytes, TAG_MAJOR);
    varint_add_text(&t->bytes, major);
    buf_add_u8(&t->bytes, TAG_MINOR);
    varint_add_text(&t->bytes, minor);
}
