/* SPDX-License-Identifier: ISC */
/*
 * A pattern is cut into pieces: plain text, each followed by a gap or by the end. The first
 * text must stand at the beginning, the last one at the end, and those between are taken at the
 * first place where they fit, which is enough when gaps may be of any length.
 */
#include "dialogue/match.h"

#include "base/encode.h"
#include "base/error.h"

#define GAPS_MAX 32

struct gap {
    struct slice name;    /* empty: a plain `*` */
    bool is_literal;      /* a count, CRLF, and so many bytes */
    size_t text_end;      /* end of the plain text before it, in `text` */
    struct slice content; /* what it stood for */
};

struct pattern {
    struct buf text;
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

bool match_is_name(struct slice s) {
    return s.len > 0 && name_len(s) == s.len;
}

/* "{=name}", "{=name+}" or "{=*}" at the front of `s`: its length, or 0. */
static size_t literal_len(struct slice s, struct slice *ret_name, bool *ret_plus) {
    if (!slice_starts(s, S("{=")))
        return 0;
    size_t len = name_len(slice_from(s, 2)), end = 2 + len;
    if (len == 0 && s.len > 2 && s.ptr[2] == '*')
        end = 3;
    *ret_plus = len > 0 && end < s.len && s.ptr[end] == '+';
    end += *ret_plus;
    *ret_name = slice_first(slice_from(s, 2), len);
    return end > 2 && end < s.len && s.ptr[end] == '}' ? end + 1 : 0;
}

size_t match_literals(struct slice pattern) {
    struct slice name;
    bool plus;
    size_t count = 0;
    for (; pattern.len > 0; pattern = slice_from(pattern, is_escape(pattern) ? 2 : 1))
        count += literal_len(pattern, &name, &plus) > 0;
    return count;
}

bool match_ends_with_count(struct slice line, uint64_t *ret_count) {
    if (!slice_ends(line, S("}\r\n")))
        return false;
    line.len -= 3;
    ssize_t brace = slice_rfind_byte(line, '{');
    return brace >= 0 &&
           slice_to_u64(slice_from(line, (size_t)brace + 1), UINT32_MAX, ret_count) == 0;
}

/*
 * "$name", "$#name" or "{=name}" of a kept name at the front of `s`: appends its value, the number
 * of its bytes, or both as a literal; the characters used, or 0.
 */
static size_t add_value(const struct names *names, struct slice s, struct buf *to) {
    struct slice name;
    bool plus = false, counts = slice_starts(s, S("$#"));
    size_t literal = literal_len(s, &name, &plus), before = counts ? 2 : 1;
    if (literal == 0 && slice_starts(s, S("$")))
        name = slice_first(slice_from(s, before), name_len(slice_from(s, before)));
    else if (literal == 0)
        return 0;
    const struct slice *value = name.len > 0 ? map_get(&names->values, name) : NULL;
    if (!value)
        return 0;
    if (counts)
        buf_printf(to, "%zu", value->len);
    if (literal > 0)
        buf_printf(to, "{%zu%s}\r\n", value->len, plus ? "+" : "");
    if (!counts)
        buf_add(to, *value);
    return literal > 0 ? literal : before + name.len;
}

/* One character, escape or $name that is not a gap, appended to `to`; what it took of `s`. */
static size_t add_plain(const struct names *names, struct slice s, struct buf *to) {
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
        text = slice_from(text, add_plain(names, text, to));
}

/* A gap at the front of `s`: its length in the pattern, or 0. */
static size_t gap_len(const struct names *names, struct slice s, struct slice *ret_name,
                      bool *ret_is_literal) {
    bool plus;
    size_t literal = literal_len(s, ret_name, &plus);
    *ret_is_literal = literal > 0;
    if (literal > 0)
        return ret_name->len > 0 && map_get(&names->values, *ret_name) ? 0 : literal;
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
        bool is_literal;
        size_t len = gap_len(names, text, &name, &is_literal);
        if (len > 0) {
            MUST(p->count < GAPS_MAX);
            p->gaps[p->count++] =
                (struct gap){.name = name, .is_literal = is_literal, .text_end = p->text.len};
        } else {
            len = add_plain(names, text, &p->text);
        }
        text = slice_from(text, len);
    }
}

static struct slice text_before(const struct pattern *p, size_t gap) {
    size_t from = gap > 0 ? p->gaps[gap - 1].text_end : 0;
    size_t to = gap < p->count ? p->gaps[gap].text_end : p->text.len;
    return slice_from(slice_first(buf_slice(&p->text), to), from);
}

/* The literal at the front of what came: its whole length, or negative; `header` is of its count.
 */
static ssize_t came_literal(struct slice came, size_t *ret_header) {
    ssize_t lf = slice_find_byte(came, '\n');
    uint64_t count;
    if (lf < 0 || !slice_starts(came, S("{")) ||
        !match_ends_with_count(slice_first(came, (size_t)lf + 1), &count) ||
        came.len - (size_t)lf - 1 < count)
        return -1;
    *ret_header = (size_t)lf + 1;
    return lf + 1 + (ssize_t)count;
}

static bool pattern_fits(struct pattern *p, struct slice came) {
    struct slice first = text_before(p, 0), last = text_before(p, p->count);
    if (p->count == 0)
        return slice_eq(first, came);
    if (came.len < first.len + last.len || !slice_starts(came, first) || !slice_ends(came, last))
        return false;
    came = slice_from(slice_first(came, came.len - last.len), first.len);
    for (size_t i = 0; i < p->count; i++) {
        bool is_last = i + 1 == p->count;
        struct slice text = is_last ? S("") : text_before(p, i + 1);
        ssize_t len = is_last ? (ssize_t)came.len : text.len > 0 ? slice_find(came, text) : 0;
        size_t header = 0;
        if (p->gaps[i].is_literal) {
            len = came_literal(came, &header);
            struct slice behind = slice_from(came, (size_t)MAX(len, 0));
            if (is_last ? behind.len > 0 : !slice_starts(behind, text))
                return false;
        }
        if (len < 0)
            return false;
        p->gaps[i].content = slice_from(slice_first(came, (size_t)len), header);
        came = slice_from(came, (size_t)len + text.len);
    }
    return true;
}

void match_keep(struct names *names, struct slice name, struct slice value) {
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
            match_keep(names, p.gaps[i].name, p.gaps[i].content);
    buf_done(&p.text);
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
