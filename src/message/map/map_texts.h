/* SPDX-License-Identifier: ISC */
/*
 * The texts of parts while a map is made, encoded as map_form.h says, within the bounds of map.h;
 * for map_make.c only. What does not fit is left out, and `is_cut` set.
 */
#pragma once

#include "message/map/map.h"

struct map_texts {
    struct buf bytes; /* of all parts so far */
    bool is_cut;

    struct buf list; /* the one that is being made */
    struct map_addresses {
        struct map_texts *texts;
        struct buf bytes;
        bool in_group, full;
    } lists[MAP_LISTS]; /* of the header that is being read */
};

void map_texts_done(struct map_texts *t);

/* So much of a text as is kept. */
struct slice map_texts_cut(struct map_texts *t, struct slice text);

void map_texts_put(struct map_texts *t, uint8_t tag, struct slice text);
void map_texts_put_parameters(struct map_texts *t, uint8_t tag, const struct mime_value *value);
void map_texts_put_languages(struct map_texts *t, struct slice value);

/* Its type, which is never left out: where there is no room, the shortest that is true of its kind.
 */
void map_texts_put_type(struct map_texts *t, const struct mime_part *part);

/* The addresses of one field more; `tag` is TAG_ADDRESSES and the number of the list. */
void map_texts_add_addresses(struct map_texts *t, uint8_t tag, struct slice value);

/* The header has ended: puts its addresses. */
void map_texts_end(struct map_texts *t);
