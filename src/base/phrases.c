/* SPDX-License-Identifier: ISC */
#include "base/phrases.h"

const char *phrase_in_japanese(const struct phrase *list, size_t count, struct slice english) {
    for (size_t i = 0; i < count; i++)
        if (slice_eq(slice_of_str(list[i].english), english))
            return list[i].japanese;
    return NULL;
}

/* The next conversion of a format; empty: there is none. */
static struct slice next_conversion(struct slice *rest) {
    const ssize_t at = slice_find_byte(*rest, '%');
    size_t len = 1;
    if (at < 0)
        return S("");
    struct slice found = slice_from(*rest, (size_t)at);
    while (len < found.len && slice_find_byte(S("diuxsc%"), found.ptr[len]) < 0)
        len++;
    found = slice_first(found, len + 1);
    *rest = slice_from(*rest, (size_t)at + found.len);
    return found;
}

bool phrase_is_good(const struct phrase *p) {
    struct slice english = slice_of_str(p->english), japanese = slice_of_str(p->japanese);
    for (;;) {
        const struct slice a = next_conversion(&english), b = next_conversion(&japanese);
        if (!slice_eq(a, b))
            return false;
        if (a.len == 0)
            return true;
    }
}
