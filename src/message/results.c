/* SPDX-License-Identifier: ISC */
#include "message/results.h"

#include "message/address/domain.h"
#include "message/cfws.h"

/*
 * The authserv-id at the front: as far as a name goes (bytes above 127 may be a U-label), or the
 * content of a quoted string. Into `id`.
 */
static struct slice read_id(struct slice s, char id[static DOMAIN_TEXT_MAX]) {
    bool quoted = s.len > 0 && s.ptr[0] == '"';
    size_t len = 0;
    for (size_t i = quoted ? 1 : 0; i < s.len && len < DOMAIN_TEXT_MAX; i++) {
        char c = s.ptr[i];
        if (quoted ? c == '"'
                   : !ascii_is_alpha(c) && !ascii_is_digit(c) && (unsigned char)c < 0x80 &&
                         slice_find_byte(S(".-_"), c) < 0)
            break;
        if (quoted && c == '\\' && i + 1 < s.len)
            c = s.ptr[++i];
        if (c != '\r' && c != '\n')
            id[len++] = c;
    }
    return slice_of(id, len);
}

/* What separates labels in Unicode too (UTS 46): none of it vanishes when a name is converted. */
static size_t count_dots(struct slice name) {
    static const struct slice dots[] = {S("."), S("\u3002"), S("\uFF0E"), S("\uFF61")};
    size_t count = 0;
    for (size_t i = 0; i < name.len; i++)
        for (size_t k = 0; k < ARRAY_SIZE(dots); k++)
            count += slice_starts(slice_from(name, i), dots[k]);
    return count;
}

/*
 * Converting a name takes time for each label, which a stranger's header can ask for very often. So
 * a name is converted only when it has as many as the host's, or one dot more, at its end.
 */
bool results_are_of(const struct header_field *field, struct slice host) {
    _cleanup_(arena_done) struct arena a = {0};
    char text[DOMAIN_TEXT_MAX];
    struct slice name;
    if (!header_is(field, S("Authentication-Results")))
        return false;
    struct slice id = slice_trim(read_id(cfws_pass(field->raw), text));
    if (slice_eq_nocase(id, host))
        return true;
    size_t dots = count_dots(id), ours = count_dots(host);
    return (dots == ours || dots == ours + 1) &&
           domain_canonical(&a, id, DOMAIN_UTF8 | DOMAIN_UNDERSCORE | DOMAIN_TRAILING_DOT, &name,
                            NULL) == 0 &&
           slice_eq_nocase(name, host);
}
