/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a map: refused, or all that it has can be read and stands where it may.
 */
#include "map_test.h"

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void read_lists(struct message_map_part p, struct buf *to) {
    struct mime_parameter parameter;
    struct slice tag;
    struct listed address;
    while (message_map_parameter_next(&p.parameters, &parameter))
        MUST(parameter.name.len > 0);
    while (message_map_parameter_next(&p.disposition_parameters, &parameter))
        MUST(parameter.name.len > 0);
    while (message_map_language_next(&p.languages, &tag))
        MUST(tag.len > 0);
    for (size_t i = 0; i < MAP_LISTS; i++) {
        while (message_map_address_next(&p.envelope.addresses[i], &address))
            show_address(&address, to);
        MUST(p.envelope.addresses[i].len == 0);
    }
    MUST(p.parameters.len == 0 && p.disposition_parameters.len == 0 && p.languages.len == 0);
}

/* Whether a part is `at`, or around it. */
static bool is_open(const struct message_map *map, size_t part, size_t at) {
    while (at > part)
        at = map->parts[at].parent;
    return at == part;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    if (message_map_read(&a, slice_of(bytes, len), &map) < 0)
        return 0;
    for (size_t i = 0; i < map.part_count; i++) {
        _cleanup_(buf_done) struct buf shown = {0};
        const struct message_map_part *p = &map.parts[i], *around = &map.parts[p->parent];
        MUST(p->major.len > 0 && p->minor.len > 0 && p->encoding_name.len > 0);
        MUST(p->header <= p->body && p->body <= p->end && p->end <= map.size);
        MUST(i == 0 || (around->body <= p->header && p->end <= around->end));
        MUST(p->kind == MIME_LEAF ? p->children == 0 : p->children > 0);
        const struct mime_value type = {.major = p->major, .minor = p->minor};
        MUST(mime_kind_of(&type) == p->kind);
        MUST(i == 0 || is_open(&map, p->parent, i - 1));
        show_part(&map, i, &shown);
        read_lists(*p, &shown);
    }
    return 0;
}
