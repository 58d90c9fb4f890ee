/* SPDX-License-Identifier: ISC */
#include "imap/fetch/section.h"

#include <errno.h>
#include <stdlib.h>

#include "fiber/wait.h"
#include "message/header.h"

#define PICK_AT_ONCE 65536U /* bytes of a header */
#define SORT_AT_ONCE 1000U  /* names of fields */

enum imap_section_need imap_section_need(const struct imap_section *section) {
    if (section->part_count > 0)
        return IMAP_NEEDS_MAP;
    return section->text == IMAP_SECTION_ALL ? IMAP_NEEDS_NOTHING : IMAP_NEEDS_HEADER;
}

/* ------------------------------------------------------------------ places */

static void set_range(struct imap_octets *o, uint64_t from, uint64_t end) {
    *o = (struct imap_octets){.is_there = true, .offset = from, .len = end - from};
    o->size = o->len;
}

/* BINARY of a part: only leaves have an encoding that counts. */
static int set_binary(struct imap_octets *o, const struct message_map_part *p) {
    set_range(o, p->body, p->end);
    if (p->kind != MIME_LEAF)
        return 0;
    o->encoding = p->encoding;
    o->size = p->decoded;
    return p->encoding == MIME_UNKNOWN ? -ENOTSUP : 0;
}

static void set_text(struct imap_octets *o, const struct imap_section *section,
                     const struct message_map_part *p) {
    switch (section->text) {
    case IMAP_SECTION_ALL:
        set_range(o, p->body, p->end);
        break;
    case IMAP_SECTION_MIME:
        set_range(o, p->header, p->body);
        break;
    case IMAP_SECTION_TEXT:
        if (p->kind == MIME_MESSAGE)
            set_range(o, p[1].body, p[1].end);
        break;
    case IMAP_SECTION_HEADER:
    case IMAP_SECTION_HEADER_FIELDS:
    case IMAP_SECTION_HEADER_FIELDS_NOT:
        if (p->kind == MIME_MESSAGE)
            set_range(o, p[1].header, p[1].body);
        break;
    }
}

int imap_section_find(const struct imap_section *section, const struct message_map *map,
                      struct imap_octets *ret) {
    const struct message_map_part *whole = &map->parts[0];
    bool binary = section->form == IMAP_BINARY || section->form == IMAP_BINARY_SIZE;
    *ret = (struct imap_octets){0};
    if (section->part_count == 0) {
        bool all = section->text == IMAP_SECTION_ALL, text = section->text == IMAP_SECTION_TEXT;
        set_range(ret, text ? whole->body : 0, all || text ? map->size : whole->body);
        return 0;
    }
    ssize_t at = message_map_find(map, section->parts, section->part_count);
    if (at < 0)
        return 0;
    if (binary)
        return set_binary(ret, &map->parts[at]);
    set_text(ret, section, &map->parts[at]);
    return 0;
}

struct imap_part_of imap_section_part_of(const struct imap_section *section, uint64_t size) {
    struct imap_part_of part = {0, size};
    if (section->partial) {
        part.from = MIN((uint64_t)section->offset, size);
        part.len = MIN((uint64_t)section->length, size - part.from);
    }
    return part;
}

/* ------------------------------------------------------------------ fields of a header */

static int compare(const void *a, const void *b) {
    return slice_cmp_nocase(*(const struct slice *)a, *(const struct slice *)b);
}

const struct slice *imap_fields_sort(const struct imap_section *section, struct arena *a) {
    struct slice *sorted = arena_array(a, section->field_count, sizeof *sorted);
    for (size_t i = 0; i < section->field_count; i++)
        sorted[i] = section->fields[i];
    qsort(sorted, section->field_count, sizeof *sorted, compare);
    return sorted;
}

struct sort {
    const struct imap_section *section;
    struct arena *arena;
    const struct slice *sorted;
};

static int run_sort(void *arg) {
    struct sort *s = arg;
    s->sorted = imap_fields_sort(s->section, s->arena);
    return 0;
}

const struct slice *imap_fields_sorted(const struct imap_section *section, struct arena *a) {
    struct sort s = {section, a, NULL};
    if (section->field_count > SORT_AT_ONCE)
        (void)offload(OFFLOAD_DISK, run_sort, &s);
    else
        (void)run_sort(&s);
    return s.sorted;
}

struct names {
    const struct slice *sorted;
    size_t count;
};

static bool is_named(const struct header_field *field, const void *arg) {
    const struct names *names = arg;
    return bsearch(&field->name, names->sorted, names->count, sizeof *names->sorted, compare);
}

void imap_fields_pick(const struct imap_section *section, const struct slice *sorted,
                      struct slice header, bool cut, struct buf *to) {
    const struct names names = {sorted, section->field_count};
    struct header_cursor c = {.message = header};
    if (cut) /* the line that was cut through, and what it belongs to, says nothing */
        c.message = header = slice_first(header, (size_t)(slice_rfind_byte(header, '\n') + 1));
    if (section->text == IMAP_SECTION_HEADER_FIELDS_NOT) {
        header_copy(to, header, is_named, &names);
    } else {
        for (struct header_field field; header_next(&c, &field);)
            if (is_named(&field, &names))
                buf_add(to, slice_first(slice_from(header, field.offset), field.len));
        if (c.end == HEADER_EMPTY_LINE)
            buf_add_str(to, "\r\n");
    }
    if (cut)
        buf_add_str(to, "\r\n");
}

struct pick {
    const struct imap_section *section;
    const struct slice *sorted;
    struct slice header;
    bool cut;
    struct buf *picked;
};

static int run_pick(void *arg) {
    struct pick *p = arg;
    imap_fields_pick(p->section, p->sorted, p->header, p->cut, p->picked);
    return 0;
}

struct slice imap_fields_part(const struct imap_section *section, const struct slice *sorted,
                              struct slice header, bool cut, struct buf *picked) {
    struct pick p = {section, sorted, header, cut, picked};
    if (header.len > PICK_AT_ONCE)
        (void)offload(OFFLOAD_DISK, run_pick, &p);
    else
        (void)run_pick(&p);
    struct imap_part_of wanted = imap_section_part_of(section, picked->len);
    return slice_first(slice_from(buf_slice(picked), (size_t)wanted.from), (size_t)wanted.len);
}
