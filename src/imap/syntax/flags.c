/* SPDX-License-Identifier: ISC */
#include "imap/syntax/flags.h"

#include "imap/syntax/grow.h"

static const char *const names[IMAP_FLAGS] = {
    "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Recent",
};

const char *imap_flag_name(enum imap_flag flag) {
    return names[__builtin_ctz(flag)];
}

static bool take_flag(struct imap_cursor *c, struct imap_flags *flags, struct slice **keywords,
                      size_t *size) {
    struct slice name;
    if (!token_maybe(c, '\\')) {
        *keywords = imap_grow(c->arena, *keywords, flags->keyword_count, size, sizeof **keywords);
        flags->keywords = *keywords;
        return token_atom(c, "a flag", &(*keywords)[flags->keyword_count++]);
    }
    if (!token_atom(c, "the name of a flag", &name))
        return false;
    for (unsigned i = 0; i < IMAP_FLAGS; i++)
        if (slice_eq_nocase(name, slice_of_str(names[i] + 1)))
            flags->system |= 1U << i;
    flags->system &= ~(unsigned)IMAP_FLAG_RECENT;
    return true;
}

bool imap_take_flags(struct imap_cursor *c, struct imap_flags *ret) {
    struct slice *keywords = NULL;
    size_t size = 0;
    if (!token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);)
        if (!take_flag(c, ret, &keywords, &size))
            return false;
    return !c->expected;
}

bool imap_take_loose_flags(struct imap_cursor *c, struct imap_flags *ret) {
    struct slice *keywords = NULL;
    size_t size = 0;
    if (token_next_is(c, '('))
        return imap_take_flags(c, ret);
    do {
        if (!take_flag(c, ret, &keywords, &size))
            return false;
    } while (!token_at_end(c) && token_space(c));
    return !c->expected;
}
