/* SPDX-License-Identifier: ISC */
#include "message/mime/mime.h"

#include "message/cfws.h"
#include "message/mime/mime_value.h"

struct mime_type mime_type_read(struct arena *a, struct slice value) {
    struct mime_type found = {0};
    struct mime_value v = mime_value_read(a, value);
    if (v.major.len == 0 || v.minor.len == 0)
        return found;
    char *type = arena_alloc(a, v.major.len + v.minor.len + 1);
    (void)slice_lower(v.major, type);
    type[v.major.len] = '/';
    (void)slice_lower(v.minor, type + v.major.len + 1);
    found.type = slice_of(type, v.major.len + v.minor.len + 1);
    (void)mime_boundary_set(&found.boundary, mime_parameter(&v, S("boundary")));
    return found;
}

enum mime_encoding mime_encoding_read(struct slice value) {
    static const struct {
        struct slice name;
        enum mime_encoding encoding;
    } known[] = {
        {{"", 0}, MIME_PLAIN},        {{"7bit", 4}, MIME_PLAIN},
        {{"8bit", 4}, MIME_PLAIN},    {{"binary", 6}, MIME_PLAIN},
        {{"base64", 6}, MIME_BASE64}, {{"quoted-printable", 16}, MIME_QUOTED_PRINTABLE},
    };
    struct slice name = mime_value_read_name(value);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (slice_eq_nocase(name, known[i].name))
            return known[i].encoding;
    }
    return MIME_UNKNOWN;
}
