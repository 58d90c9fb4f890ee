/* SPDX-License-Identifier: ISC */
/*
 * A pattern is cut into pieces: literal bytes, each followed by a gap or by the end. The first
 * literal must stand at the beginning, the last one at the end, and those between are taken at the
 * first place where they fit, which is enough when gaps may be of any length.
 */
#include "dialogue/match.h"

#include "base/encode.h"
#include "base/error.h"

#define GAPS_MAX 32

struct gap {
    struct slice name;    /* empty: a plain `*` */
    size_t literal_end;   /* end of the literal before it, in `literals` */
    struct slice content; /* what it stood for */
};

struct pattern {
    struct buf literals;
    struct gap gaps[GAPS_MAX];
    size_t count;
};

static size_t name_len(struct slice s) {
    size_t i = 0;
    if (s.len == 0 || s.ptr[0] < 'a' || s.ptr[0] > 'z')
        return 0;
    while (i < s.len && ((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || ascii_is_digit(s.ptr[i]) ||
                         s.ptr[i] == '-' || s.ptr[i] == '_'))
        i++;
    return i;
}

static bool is_escape(struct slice s) {
    return s.len > 1 && s.ptr[0] == '\\' && memchr("*{$\\", s.ptr[1], 4);
}

/* "$name" of a kept name at the front of `s`: appends its value; the characters used, or 0. */
static size_t add_value(const struct names *names, struct slice s, struct buf *to) {
    if (s.len < 2 || s.ptr[0] != '$')
        return 0;
    struct slice name = slice_first(slice_from(s, 1), name_len(slice_from(s, 1)));
    const struct slice *value = name.len > 0 ? map_get(&names->values, name) : NULL;
    if (!value)
        return 0;
    buf_add(to, *value);
    return 1 + name.len;
}

/* One character, escape or $name that is not a gap, appended to `to`; what it took of `s`. */
static size_t add_literal(const struct names *names, struct slice s, struct buf *to) {
    if (is_escape(s)) {
        buf_add_byte(to, s.ptr[1]);
        return 2;
    }
    size_t took = add_value(names, s, to);
    if (took > 0)
        return took;
    buf_add_byte(to, s.ptr[0]);
    return 1;
}

void match_expand(const struct names *names, struct slice text, struct buf *to) {
    while (text.len > 0)
        text = slice_from(text, add_literal(names, text, to));
}

/* A gap at the front of `s`: its length in the pattern, or 0. */
static size_t gap_len(struct slice s, struct slice *ret_name) {
    if (s.ptr[0] == '*') {
        *ret_name = slice_first(s, 0);
        return 1;
    }
    if (s.ptr[0] != '{')
        return 0;
    size_t len = name_len(slice_from(s, 1));
    if (len == 0 || len + 2 > s.len || s.ptr[len + 1] != '}')
        return 0;
    *ret_name = slice_first(slice_from(s, 1), len);
    return len + 2;
}

static void pattern_cut(const struct names *names, struct slice text, struct pattern *p) {
    while (text.len > 0) {
        struct slice name;
        size_t len = gap_len(text, &name);
        if (len > 0) {
            MUST(p->count < GAPS_MAX);
            p->gaps[p->count++] = (struct gap){.name = name, .literal_end = p->literals.len};
        } else {
            len = add_literal(names, text, &p->literals);
        }
        text = slice_from(text, len);
    }
}

static struct slice literal_before(const struct pattern *p, size_t gap) {
    size_t from = gap > 0 ? p->gaps[gap - 1].literal_end : 0;
    size_t to = gap < p->count ? p->gaps[gap].literal_end : p->literals.len;
    return slice_from(slice_first(buf_slice(&p->literals), to), from);
}

static bool pattern_fits(struct pattern *p, struct slice came) {
    struct slice first = literal_before(p, 0), last = literal_before(p, p->count);
    if (p->count == 0)
        return slice_eq(first, came);
    if (came.len < first.len + last.len || !slice_starts(came, first) || !slice_ends(came, last))
        return false;
    came = slice_from(slice_first(came, came.len - last.len), first.len);
    for (size_t i = 0; i + 1 < p->count; i++) {
        struct slice literal = literal_before(p, i + 1);
        ssize_t at = literal.len > 0 ? slice_find(came, literal) : 0;
        if (at < 0)
            return false;
        p->gaps[i].content = slice_first(came, (size_t)at);
        came = slice_from(came, (size_t)at + literal.len);
    }
    p->gaps[p->count - 1].content = came;
    return true;
}

static void keep(struct names *names, struct slice name, struct slice value) {
    struct slice *kept = ARENA_NEW(names->a, struct slice);
    *kept = arena_copy(names->a, value);
    (void)map_put(&names->values, arena_copy(names->a, name), kept);
}

bool match(struct names *names, struct slice pattern, struct slice came) {
    struct pattern p = {0};
    pattern_cut(names, pattern, &p);
    bool fits = pattern_fits(&p, came);
    for (size_t i = 0; fits && i < p.count; i++)
        if (p.gaps[i].name.len > 0)
            keep(names, p.gaps[i].name, p.gaps[i].content);
    buf_done(&p.literals);
    return fits;
}

void show_bytes(struct buf *to, struct slice bytes, size_t max) {
    bool text = utf8_valid(bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (i >= max) {
            buf_printf(to, "... (%zu bytes)", bytes.len);
            return;
        }
        if (c == '\r')
            buf_add_str(to, "\\r");
        else if (c == '\n')
            buf_add_str(to, "\\n");
        else if (c < ' ' || c == 127 || (c >= 128 && !text))
            buf_printf(to, "\\x%02x", c);
        else
            buf_add_byte(to, (char)c);
    }
}
