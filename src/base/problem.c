/* SPDX-License-Identifier: ISC */
/*
 * Parts of a sentence: the format, a NUL, then for each argument its kind, its text and a NUL. They
 * are made beside the text by a walk over the format; of the conversions of printf the walk knows
 * those that sentences need. A format with another one, or more than there is room for, leaves the
 * parts empty, and the sentence stays English.
 *
 * Parts that came over a link are foreign bytes: nothing in them is ever a format of printf.
 * parts_fill() walks over the translation itself.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/words.h"

/* In front of an argument. */
#define KIND_TEXT   's' /* "%.*s": printf counts two arguments */
#define KIND_WORDS  'w' /* "%s": may be in the catalogue itself */
#define KIND_NUMBER 'n'

enum type {
    TYPE_NONE,
    TYPE_TEXT,
    TYPE_WORDS,
    TYPE_CHAR,
    TYPE_INT,
    TYPE_UNSIGNED,
    TYPE_MODE,
    TYPE_LONG,
    TYPE_UNSIGNED_LONG,
    TYPE_LONG_LONG,
    TYPE_UNSIGNED_LONG_LONG,
    TYPE_SIZE,
};

static const struct conversion {
    struct slice letters; /* behind "%" */
    enum type type;
} conversions[] = {
    {{"%", 1}, TYPE_NONE},
    {{".*s", 3}, TYPE_TEXT},
    {{"s", 1}, TYPE_WORDS},
    {{"c", 1}, TYPE_CHAR},
    {{"d", 1}, TYPE_INT},
    {{"u", 1}, TYPE_UNSIGNED},
    {{"03o", 3}, TYPE_MODE},
    {{"ld", 2}, TYPE_LONG},
    {{"lu", 2}, TYPE_UNSIGNED_LONG},
    {{"lld", 3}, TYPE_LONG_LONG},
    {{"llu", 3}, TYPE_UNSIGNED_LONG_LONG},
    {{"zu", 2}, TYPE_SIZE},
};

static const struct conversion *find_conversion(struct slice behind) {
    for (size_t i = 0; i < ARRAY_SIZE(conversions); i++) {
        if (slice_starts(behind, conversions[i].letters))
            return &conversions[i];
    }
    return NULL;
}

/* ------------------------------------------------------------------ making the parts */

/* Whether `written`, what snprintf() gave, was what there was room for; it counts then. */
static bool took(struct problem *p, int written) {
    if (written < 0 || (size_t)written + 1 > sizeof p->parts - p->parts_len)
        return false;
    p->parts_len += (size_t)written + 1;
    return true;
}

#define PUT(p, ...)                                                                                \
    took(p, snprintf((p)->parts + (p)->parts_len, sizeof(p)->parts - (p)->parts_len, __VA_ARGS__))

static bool put_argument(struct problem *p, enum type type, va_list *args) {
    int len;
    switch (type) {
    case TYPE_NONE:
        return true;
    case TYPE_TEXT:
        len = va_arg(*args, int);
        return PUT(p, "s%.*s", len, va_arg(*args, const char *));
    case TYPE_WORDS:
        return PUT(p, "w%s", va_arg(*args, const char *));
    case TYPE_CHAR:
        return PUT(p, "n%c", va_arg(*args, int));
    case TYPE_INT:
        return PUT(p, "n%d", va_arg(*args, int));
    case TYPE_UNSIGNED:
        return PUT(p, "n%u", va_arg(*args, unsigned));
    case TYPE_MODE:
        return PUT(p, "n%03o", va_arg(*args, unsigned));
    case TYPE_LONG:
        return PUT(p, "n%ld", va_arg(*args, long));
    case TYPE_UNSIGNED_LONG:
        return PUT(p, "n%lu", va_arg(*args, unsigned long));
    case TYPE_LONG_LONG:
        return PUT(p, "n%lld", va_arg(*args, long long));
    case TYPE_UNSIGNED_LONG_LONG:
        return PUT(p, "n%llu", va_arg(*args, unsigned long long));
    case TYPE_SIZE:
        return PUT(p, "n%zu", va_arg(*args, size_t));
    }
    return false;
}

static bool put_parts(struct problem *p, struct slice format, va_list *args) {
    ssize_t at;
    if (!PUT(p, "%.*s", SLICE_ARG(format)))
        return false;
    while ((at = slice_find_byte(format, '%')) >= 0) {
        format = slice_from(format, (size_t)at + 1);
        const struct conversion *c = find_conversion(format);
        if (!c || !put_argument(p, c->type, args))
            return false;
        format = slice_from(format, c->letters.len);
    }
    return true;
}

int problem_set_v(struct problem *p, int code, const char *format, va_list args) {
    va_list again;
    if (!p)
        return code;
    va_copy(again, args);
    p->parts_len = 0;
    if (!put_parts(p, slice_of_str(format), &again))
        p->parts_len = 0;
    va_end(again);
    (void)vsnprintf(p->text, sizeof p->text, format, args);
    return code;
}

int problem_set(struct problem *p, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)problem_set_v(p, code, format, args);
    va_end(args);
    return code;
}

struct slice parts_of_texts(struct arena *a, const char *format, const struct slice *texts,
                            size_t count) {
    size_t len = strlen(format) + 1;
    for (size_t i = 0; i < count; i++)
        len += texts[i].len + 2;
    char *parts = arena_alloc(a, len), *at = parts + strlen(format) + 1;
    memcpy(parts, format, strlen(format) + 1);
    for (size_t i = 0; i < count; i++) {
        *at++ = KIND_TEXT;
        if (texts[i].len > 0)
            memcpy(at, texts[i].ptr, texts[i].len);
        at += texts[i].len;
        *at++ = '\0';
    }
    return slice_of(parts, len);
}

struct slice parts_of_problem(const struct problem *p) {
    return p->parts_len > 0 ? slice_of(p->parts, p->parts_len) : slice_of_str(p->text);
}

/* ------------------------------------------------------------------ over a link */

void problem_write(struct buf *to, const struct problem *p) {
    buf_add_str(to, p->text);
    buf_add_byte(to, '\0');
    buf_add(to, slice_of(p->parts, p->parts_len));
}

void problem_read(struct problem *p, struct slice bytes) {
    if (!p)
        return;
    ssize_t end = slice_find_byte(bytes, '\0');
    struct slice text = end < 0 ? bytes : slice_first(bytes, (size_t)end);
    struct slice parts = slice_from(bytes, end < 0 ? bytes.len : (size_t)end + 1);
    (void)problem_set(p, 0, "%.*s", SLICE_ARG(text));
    p->parts_len = 0;
    if (parts.len == 0 || parts.len > sizeof p->parts || parts.ptr[parts.len - 1] != '\0')
        return;
    memcpy(p->parts, parts.ptr, parts.len);
    p->parts_len = parts.len;
}

/* ------------------------------------------------------------------ saying it otherwise */

/* The next part, without its NUL. */
static bool next_part(struct slice *rest, struct slice *ret) {
    ssize_t end = slice_find_byte(*rest, '\0');
    if (end < 0)
        return false;
    *ret = slice_first(*rest, (size_t)end);
    *rest = slice_from(*rest, (size_t)end + 1);
    return true;
}

/* Which argument a conversion wants. */
struct wanted {
    size_t place;  /* from 0, counted in conversions */
    size_t number; /* from 1, counted as printf does; 0: the place counts */
};

static bool find_argument(struct slice parts, struct wanted wanted, struct slice *ret) {
    struct slice rest = parts;
    size_t number = 0;
    bool more = next_part(&rest, ret); /* the format */
    for (size_t place = 0; more; place++) {
        more = next_part(&rest, ret) && ret->len > 0;
        if (!more)
            break;
        number += ret->ptr[0] == KIND_TEXT ? 2 : 1;
        if (wanted.number > 0 ? number == wanted.number : place == wanted.place)
            return true;
    }
    return false;
}

/* "2$", and what follows is read; 0 when there is no number. */
static size_t read_number(struct slice *format) {
    bool is_number =
        format->len >= 2 && format->ptr[0] >= '1' && format->ptr[0] <= '9' && format->ptr[1] == '$';
    size_t number = is_number ? (size_t)(format->ptr[0] - '0') : 0;
    *format = slice_from(*format, is_number ? 2 : 0);
    return number;
}

/* One conversion, behind its "%"; a precision with a number ("%2$.*1$s") says nothing new. */
static bool fill_one(struct buf *to, struct slice parts, struct slice *format, size_t *place) {
    struct wanted wanted = {.place = *place, .number = read_number(format)};
    struct slice arg;
    if (wanted.number > 0 && slice_starts(*format, S(".*"))) {
        *format = slice_from(*format, 2);
        if (read_number(format) == 0)
            return false;
    }
    const struct conversion *c = find_conversion(*format);
    if (!c)
        return false;
    *format = slice_from(*format, c->letters.len);
    if (c->type == TYPE_NONE)
        return buf_add_byte(to, '%'), true;
    if (!find_argument(parts, wanted, &arg))
        return false;
    (*place)++;
    if (arg.ptr[0] == KIND_WORDS)
        buf_add_str(to, translated(arg.ptr + 1)); /* a NUL is behind it */
    else
        buf_add(to, slice_from(arg, 1));
    return true;
}

bool parts_fill(struct buf *to, struct slice parts, const char *format) {
    struct slice rest = slice_of_str(format);
    size_t place = 0;
    ssize_t at;
    while ((at = slice_find_byte(rest, '%')) >= 0) {
        buf_add(to, slice_first(rest, (size_t)at));
        rest = slice_from(rest, (size_t)at + 1);
        if (!fill_one(to, parts, &rest, &place))
            return false;
    }
    buf_add(to, rest);
    return true;
}

const char *problem_words(struct arena *a, const struct problem *p) {
    _cleanup_(buf_done) struct buf text = {0};
    struct slice parts = slice_of(p->parts, p->parts_len);
    const char *format = p->parts_len > 0 ? p->parts : "";
    const char *ours = translated(format);
    if (ours == format || !parts_fill(&text, parts, ours))
        return p->text;
    return arena_str(a, buf_slice(&text));
}

struct slice parts_words(struct arena *a, struct slice parts) {
    _cleanup_(buf_done) struct buf text = {0};
    ssize_t end = slice_find_byte(parts, '\0');
    if (end < 0)
        return parts;
    if (!parts_fill(&text, parts, translated(parts.ptr)))
        return slice_first(parts, (size_t)end);
    return arena_copy(a, buf_slice(&text));
}
