/* SPDX-License-Identifier: ISC */
#include "base/slice.h"

#include "base/eight.h"
#include "base/error.h"

int slice_cmp_nocase(struct slice a, struct slice b) {
    size_t n = MIN(a.len, b.len);
    for (size_t i = 0; i < n; i++) {
        unsigned char x = (unsigned char)ascii_lower(a.ptr[i]);
        unsigned char y = (unsigned char)ascii_lower(b.ptr[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

int slice_cmp(struct slice a, struct slice b) {
    size_t n = MIN(a.len, b.len);
    int order = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;
    if (order != 0)
        return order;
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

bool slice_eq_nocase(struct slice a, struct slice b) {
    return a.len == b.len && slice_cmp_nocase(a, b) == 0;
}

bool slice_starts(struct slice s, struct slice prefix) {
    return s.len >= prefix.len && slice_eq(slice_first(s, prefix.len), prefix);
}

bool slice_starts_nocase(struct slice s, struct slice prefix) {
    return s.len >= prefix.len && slice_eq_nocase(slice_first(s, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix) {
    return s.len >= suffix.len && slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

bool slice_ends_nocase(struct slice s, struct slice suffix) {
    return s.len >= suffix.len && slice_eq_nocase(slice_from(s, s.len - suffix.len), suffix);
}

ssize_t slice_find_byte(struct slice s, char c) {
    const char *at = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

ssize_t slice_rfind_byte(struct slice s, char c) {
    const char *at = s.len > 0 ? memrchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

ssize_t slice_find(struct slice s, struct slice needle) {
    if (needle.len == 0)
        return 0;
    const char *at = s.len > 0 ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at ? at - s.ptr : -1;
}

static struct slice trim(struct slice s, bool (*drop)(char)) {
    while (s.len > 0 && drop(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && drop(s.ptr[0]))
        s = slice_from(s, 1);
    return s;
}

struct slice slice_trim(struct slice s) {
    return trim(s, ascii_is_blank);
}

struct slice slice_trim_lines(struct slice s) {
    return trim(s, ascii_is_space);
}

bool slice_next(struct slice *rest, char separator, struct slice *ret_piece) {
    if (!rest->ptr)
        return false;
    ssize_t at = slice_find_byte(*rest, separator);
    if (at < 0) {
        *ret_piece = *rest;
        *rest = (struct slice){NULL, 0};
    } else {
        *ret_piece = slice_first(*rest, (size_t)at);
        *rest = slice_from(*rest, (size_t)at + 1);
    }
    return true;
}

bool slice_next_word(struct slice *rest, struct slice *ret_word) {
    *rest = slice_trim(*rest);
    if (rest->len == 0)
        return false;
    size_t n = 0;
    while (n < rest->len && !ascii_is_blank(rest->ptr[n]))
        n++;
    *ret_word = slice_first(*rest, n);
    *rest = slice_from(*rest, n);
    return true;
}

struct slice slice_lower(struct slice s, char *to) {
    size_t i = 0;
    for (; s.len - i >= 8; i += 8)
        put_u64(to + i, eight_lower(get_u64(s.ptr + i)));
    for (; i < s.len; i++)
        to[i] = ascii_lower(s.ptr[i]);
    return slice_of(to, s.len);
}

size_t slice_ascii(struct slice s) {
    size_t i = 0;
    while (s.len - i >= 8 && eight_wide(get_u64(s.ptr + i)) == 0)
        i += 8;
    while (i < s.len && (uint8_t)s.ptr[i] < 0x80)
        i++;
    return i;
}

int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret) {
    uint64_t value = 0;
    if (s.len == 0)
        return -E_SYNTAX;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.ptr[i]))
            return -E_SYNTAX;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > max)
            return -E_LIMIT;
    }
    *ret = value;
    return 0;
}

int slice_to_str(struct slice s, char *dst, size_t size) {
    if (s.len >= size)
        return -E_LIMIT;
    if (slice_find_byte(s, '\0') >= 0)
        return -E_SYNTAX;
    if (s.len > 0)
        memcpy(dst, s.ptr, s.len);
    dst[s.len] = '\0';
    return 0;
}
