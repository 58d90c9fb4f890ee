/* SPDX-License-Identifier: ISC */
#include "base/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#define DIGITS_MAX 24U /* of 64 bits in octal */
#define WIDTH_MAX  64U /* beyond, and beyond this of INT_MAX, the library counts */

struct output {
    char *to;
    size_t room; /* without the NUL */
    size_t len;
};

static void put(struct output *o, const char *bytes, size_t len) {
    if (o->len < o->room)
        memcpy(o->to + o->len, bytes, len < o->room - o->len ? len : o->room - o->len);
    o->len += len;
}

static void pad(struct output *o, char with, size_t count) {
    while (count-- > 0)
        put(o, &with, 1);
}

enum length { LENGTH_INT, LENGTH_LONG, LENGTH_LONG_LONG, LENGTH_SIZE };

struct conversion {
    bool zeros;
    unsigned width;
    bool has_precision, precision_given; /* .N; .*: an argument */
    size_t precision;
    enum length length;
    char letter;
};

/* What follows a "%", up to its letter; NULL: not one of ours. */
static const char *read_conversion(const char *f, struct conversion *c) {
    *c = (struct conversion){0};
    if (*f == '0') {
        c->zeros = true;
        f++;
    }
    for (; *f >= '0' && *f <= '9' && c->width < WIDTH_MAX; f++)
        c->width = c->width * 10 + (unsigned)(*f - '0');
    if (*f == '.') {
        c->has_precision = true;
        c->precision_given = *++f == '*';
        f += c->precision_given;
        for (; !c->precision_given && *f >= '0' && *f <= '9' && c->precision < 100000; f++)
            c->precision = c->precision * 10 + (size_t)(*f - '0');
    }
    if (*f == 'l') {
        c->length = f[1] == 'l' ? LENGTH_LONG_LONG : LENGTH_LONG;
        f += c->length == LENGTH_LONG_LONG ? 2 : 1;
    } else if (*f == 'z') {
        c->length = LENGTH_SIZE;
        f++;
    }
    c->letter = *f;
    bool number = *f && strchr("duxXo", *f);
    bool text = *f == 's' && c->length == LENGTH_INT && !c->zeros;
    bool plain = (*f == 'c' || *f == '%') && c->length == LENGTH_INT && c->width == 0 && !c->zeros;
    if (c->width >= WIDTH_MAX || !(text || (!c->has_precision && (number || plain))))
        return NULL;
    return f + 1;
}

static void put_number(struct output *o, const struct conversion *c, uint64_t v, bool negative) {
    const char *symbols = c->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = c->letter == 'o' ? 8 : c->letter == 'x' || c->letter == 'X' ? 16 : 10;
    char digits[DIGITS_MAX];
    size_t at = sizeof digits;
    do
        digits[--at] = symbols[v % base];
    while ((v /= base) > 0);
    size_t len = sizeof digits - at + negative, rest = c->width > len ? c->width - len : 0;
    if (!c->zeros)
        pad(o, ' ', rest);
    if (negative)
        put(o, "-", 1);
    if (c->zeros)
        pad(o, '0', rest);
    put(o, digits + at, sizeof digits - at);
}

/* A va_list goes by address only inside a struct. */
struct arguments {
    va_list list;
};

static int64_t next_signed(struct arguments *a, enum length length) {
    switch (length) {
    case LENGTH_LONG:
        return va_arg(a->list, long);
    case LENGTH_LONG_LONG:
        return va_arg(a->list, long long);
    case LENGTH_SIZE:
        return va_arg(a->list, ssize_t);
    case LENGTH_INT:
        break;
    }
    return va_arg(a->list, int);
}

static uint64_t next_unsigned(struct arguments *a, enum length length) {
    switch (length) {
    case LENGTH_LONG:
        return va_arg(a->list, unsigned long);
    case LENGTH_LONG_LONG:
        return va_arg(a->list, unsigned long long);
    case LENGTH_SIZE:
        return va_arg(a->list, size_t);
    case LENGTH_INT:
        break;
    }
    return va_arg(a->list, unsigned);
}

static void put_text(struct output *o, const struct conversion *c, struct arguments *a) {
    int given = c->precision_given ? va_arg(a->list, int) : -1;
    bool bounded = c->precision_given ? given >= 0 : c->has_precision;
    size_t most = c->precision_given ? (size_t)given : c->precision;
    const char *text = va_arg(a->list, const char *);
    if (!text)
        text = !bounded || most >= 6 ? "(null)" : "";
    size_t len = bounded ? strnlen(text, most) : strlen(text);
    pad(o, ' ', c->width > len ? c->width - len : 0);
    put(o, text, len);
}

/* Whether all of the format is ours: looked at first, since arguments are taken only once. */
static bool is_ours(const char *format) {
    for (const char *f = format; (f = strchr(f, '%'));) {
        struct conversion c;
        f = read_conversion(f + 1, &c);
        if (!f)
            return false;
    }
    return true;
}

int format_text(char *to, size_t size, const char *format, va_list args) {
    struct output o = {to, size > 0 ? size - 1 : 0, 0};
    struct arguments a;
    if (!is_ours(format))
        return vsnprintf(to, size, format, args);
    va_copy(a.list, args);
    for (const char *f = format; *f;) {
        struct conversion c;
        const char *next = strchr(f, '%');
        put(&o, f, next ? (size_t)(next - f) : strlen(f));
        if (!next)
            break;
        f = read_conversion(next + 1, &c);
        if (c.letter == 's') {
            put_text(&o, &c, &a);
        } else if (c.letter == 'd') {
            int64_t v = next_signed(&a, c.length);
            put_number(&o, &c, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
        } else if (c.letter == 'c') {
            char byte = (char)va_arg(a.list, int);
            put(&o, &byte, 1);
        } else if (c.letter == '%') {
            put(&o, "%", 1);
        } else {
            put_number(&o, &c, next_unsigned(&a, c.length), false);
        }
    }
    va_end(a.list);
    if (size > 0)
        to[o.len < o.room ? o.len : o.room] = '\0';
    return (int)o.len;
}
