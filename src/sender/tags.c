/* SPDX-License-Identifier: ISC */
#include "sender/tags.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice s) {
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = slice_from(s, 1);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* ALPHA *(ALPHA / DIGIT / "_") */
static bool is_name(struct slice s) {
    if (s.len == 0 || !ascii_is_alpha(s.ptr[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!ascii_is_alpha(s.ptr[i]) && !ascii_is_digit(s.ptr[i]) && s.ptr[i] != '_')
            return false;
    return true;
}

/* Printable, with blanks and folds between; UTF-8 as of RFC 8616. */
static bool is_value(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        if (c == '\r'   ? i + 2 >= s.len || s.ptr[i + 1] != '\n' || !ascii_is_blank(s.ptr[i + 2])
            : c == '\n' ? i + 1 >= s.len || !ascii_is_blank(s.ptr[i + 1])
                        : (c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

int tags_read(struct slice text, struct arena *a, struct tags *ret) {
    struct slice rest = text, piece;
    size_t most = 0;
    while (most < TAGS_MAX && slice_next(&rest, ';', &piece))
        most++;
    rest = text;
    *ret = (struct tags){.list = arena_array(a, most, sizeof *ret->list)};
    while (slice_next(&rest, ';', &piece)) {
        if (!rest.ptr && trim(piece).len == 0 && ret->count > 0)
            break; /* behind the last ";" */
        ssize_t equals = slice_find_byte(piece, '=');
        if (equals < 0)
            return -E_SYNTAX;
        struct tag tag = {.name = trim(slice_first(piece, (size_t)equals)),
                          .raw = slice_from(piece, (size_t)equals + 1)};
        tag.value = trim(tag.raw);
        if (!is_name(tag.name) || !is_value(tag.value))
            return -E_SYNTAX;
        for (size_t i = 0; i < ret->count; i++)
            if (slice_eq(ret->list[i].name, tag.name))
                return -E_SYNTAX;
        if (ret->count == TAGS_MAX)
            return -E_LIMIT;
        ret->list[ret->count++] = tag;
    }
    return ret->count > 0 ? 0 : -E_SYNTAX;
}

const struct tag *tags_find(const struct tags *tags, const char *name) {
    for (size_t i = 0; i < tags->count; i++)
        if (slice_eq(tags->list[i].name, slice_of_str(name)))
            return &tags->list[i];
    return NULL;
}

struct slice tags_value(const struct tags *tags, const char *name, struct slice otherwise) {
    const struct tag *tag = tags_find(tags, name);
    return tag ? tag->value : otherwise;
}

struct slice tags_without_blanks(struct arena *a, struct slice value) {
    char *to = arena_alloc(a, value.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++)
        if (!is_blank(value.ptr[i]))
            to[len++] = value.ptr[i];
    return slice_of(to, len);
}
