/* SPDX-License-Identifier: ISC */
/* Each value goes through begin_value(), which knows whether a space belongs there. */
#include "imap/syntax/write.h"

#include <inttypes.h>

#include "base/eight.h"
#include "base/encode.h"
#include "base/error.h"
#include "imap/syntax/fetch.h"
#include "imap/syntax/utf7.h"
#include "imap/words.h"

#define QUOTED_MAX                                                                                 \
    4096U /* bytes; longer strings are literals, which clients read without looking */

/* Where a value of at most so many bytes is written; end_value() says where it has ended. */
static char *begin_value(struct imap_writer *w, size_t most) {
    MUST(w->in_line && !w->code_done && w->literal_left == 0);
    if (w->to->size - w->to->len <= most) /* mostly there is room */
        buf_reserve(w->to, most + 1);
    char *at = w->to->ptr + w->to->len;
    if (w->space)
        *at++ = ' ';
    return at;
}

static void end_value(struct imap_writer *w, const char *at) {
    w->to->len = (size_t)(at - w->to->ptr);
    w->space = true;
}

static void add_value(struct imap_writer *w, struct slice bytes) {
    char *at = begin_value(w, bytes.len);
    if (bytes.len > 0)
        memcpy(at, bytes.ptr, bytes.len);
    end_value(w, at + bytes.len);
}

/* The value itself is added behind. */
static void before_value(struct imap_writer *w) {
    add_value(w, S(""));
}

void imap_write_begin(struct imap_writer *w, struct slice tag) {
    MUST(!w->in_line && tag.len > 0);
    w->in_line = w->space = true;
    buf_add(w->to, tag);
}

void imap_write_end(struct imap_writer *w) {
    MUST(w->in_line && w->depth == 0 && !w->in_code && !w->code_done && w->literal_left == 0);
    w->in_line = false;
    buf_add_str(w->to, "\r\n");
}

/* ------------------------------------------------------------------ structure */

void imap_write_open(struct imap_writer *w) {
    add_value(w, S("("));
    w->space = false;
    w->depth++;
}

void imap_write_close(struct imap_writer *w) {
    MUST(w->depth > 0 && w->literal_left == 0);
    w->depth--;
    buf_add_byte(w->to, ')');
    w->space = true;
}

void imap_write_join(struct imap_writer *w) {
    MUST(w->space);
    w->space = false;
}

void imap_write_code(struct imap_writer *w, const char *code) {
    MUST(!w->in_code && w->depth == 0);
    add_value(w, S("["));
    w->space = false;
    w->in_code = true;
    imap_write_word(w, code);
}

void imap_write_code_end(struct imap_writer *w) {
    MUST(w->in_code && w->depth == 0 && w->literal_left == 0);
    buf_add_byte(w->to, ']');
    w->in_code = false;
    w->code_done = true;
}

void imap_write_text(struct imap_writer *w, struct slice text) {
    const char *japanese = w->japanese ? imap_japanese(text) : NULL;
    if (japanese)
        text = slice_of_str(japanese);
    w->code_done = false;
    before_value(w);
    MUST(text.len > 0 && w->depth == 0 && !w->in_code);
    bool wide = (w->utf8 || w->japanese) && utf8_valid(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (i == 0 && c == '[') /* it would begin a code */
            c = '(';
        else if (c < ' ' || c == 127)
            c = ' ';
        else if (c > 127 && !wide)
            c = '?';
        buf_add_byte(w->to, (char)c);
    }
}

/* ------------------------------------------------------------------ atoms and numbers */

/* A bit for each ATOM-CHAR of ASCII: all that are printed but ( ) { % * " \ ] */
static const uint64_t atom_bytes[2] = {0xfffff8da00000000U, 0x77ffffffcfffffffU};

static bool is_atom(struct slice text, bool astring) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c > 127 || (!(atom_bytes[c / 64] >> c % 64 & 1) && !(astring && c == ']')))
            return false;
    }
    return text.len > 0;
}

void imap_write_atom(struct imap_writer *w, struct slice atom) {
    struct slice name = slice_starts(atom, S("\\")) ? slice_from(atom, 1) : atom;
    MUST(is_atom(name, false) || slice_eq(atom, S("\\*")));
    add_value(w, atom);
}

void imap_write_word(struct imap_writer *w, const char *word) {
    imap_write_atom(w, slice_of_str(word));
}

void imap_write_nil(struct imap_writer *w) {
    add_value(w, S("NIL"));
}

#define DIGITS 20U

static struct slice spell(uint64_t number, char digits[static DIGITS]) {
    size_t at = DIGITS;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return slice_of(digits + at, DIGITS - at);
}

static void add_number(struct buf *to, uint64_t number) {
    char digits[DIGITS];
    buf_add(to, spell(number, digits));
}

void imap_write_number(struct imap_writer *w, uint64_t number) {
    char digits[DIGITS];
    add_value(w, spell(number, digits));
}

void imap_write_signed(struct imap_writer *w, int64_t number) {
    before_value(w);
    if (number < 0)
        buf_add_byte(w->to, '-');
    add_number(w->to, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* ------------------------------------------------------------------ strings */

/* Not 0 if one of eight bytes is a control, a quote, a backslash, or no ASCII. */
static uint64_t has_special(uint64_t bytes) {
    return eight_wide(bytes) | eight_below(bytes, ' ') | eight_equal(bytes, '"') |
           eight_equal(bytes, '\\');
}

/* Whether it can stand in quotes as it is, for which nobody has to know more: most strings can. */
static bool is_plain(struct slice text) {
    uint64_t found = 0, bytes = EIGHT(' ');
    size_t at = 0;
    for (; text.len - at >= 8; at += 8)
        found |= has_special(get_u64(text.ptr + at));
    for (; at < text.len; at++)
        bytes = bytes << 8 | (uint8_t)text.ptr[at];
    return (found | has_special(bytes)) == 0;
}

static void add_in_quotes(struct imap_writer *w, struct slice text) {
    char *at = begin_value(w, text.len + 2);
    *at++ = '"';
    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    at += text.len;
    *at++ = '"';
    end_value(w, at);
}

static bool fits_quotes(const struct imap_writer *w, struct slice text) {
    bool wide = false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '\r' || c == '\n' || c == '\0')
            return false;
        wide = wide || c > 127;
    }
    return !wide || (w->utf8 && utf8_valid(text));
}

void imap_write_string(struct imap_writer *w, struct slice text) {
    if (text.len <= QUOTED_MAX && is_plain(text)) {
        add_in_quotes(w, text);
        return;
    }
    if (text.len <= QUOTED_MAX && fits_quotes(w, text)) {
        before_value(w);
        buf_add_quoted(w->to, text);
        return;
    }
    imap_write_literal(w, text.len, false);
    size_t begin = w->to->len;
    imap_write_octets(w, text);
    for (size_t i = begin; i < w->to->len; i++)
        if (w->to->ptr[i] == '\0')
            w->to->ptr[i] = '?';
}

void imap_write_astring(struct imap_writer *w, struct slice text) {
    if (!is_atom(text, true) || slice_eq_nocase(text, S("NIL"))) {
        imap_write_string(w, text);
        return;
    }
    add_value(w, text);
}

void imap_write_nstring(struct imap_writer *w, struct slice text) {
    if (text.ptr)
        imap_write_string(w, text);
    else
        imap_write_nil(w);
}

void imap_write_nstring8(struct imap_writer *w, struct slice text) {
    if (slice_find_byte(text, '\0') < 0) {
        imap_write_nstring(w, text);
        return;
    }
    imap_write_literal(w, text.len, true);
    imap_write_octets(w, text);
}

void imap_write_literal(struct imap_writer *w, uint64_t size, bool eight) {
    before_value(w);
    if (eight)
        buf_add_byte(w->to, '~');
    buf_add_byte(w->to, '{');
    add_number(w->to, size);
    buf_add_str(w->to, "}\r\n");
    w->literal_left = size;
}

void imap_write_passed(struct imap_writer *w, uint64_t count) {
    MUST(w->in_line && count <= w->literal_left);
    w->literal_left -= count;
}

void imap_write_octets(struct imap_writer *w, struct slice octets) {
    imap_write_passed(w, octets.len);
    buf_add(w->to, octets);
}

/* ------------------------------------------------------------------ other values */

void imap_write_mailbox(struct imap_writer *w, struct slice name) {
    MUST(name.len > 0);
    if (w->utf8_names) {
        imap_write_astring(w, name);
        return;
    }
    _cleanup_(buf_done) struct buf text = {0};
    utf7_encode(&text, name);
    imap_write_astring(w, buf_slice(&text));
}

void imap_write_set(struct imap_writer *w, const struct imap_set *set) {
    MUST(set->count > 0 && !set->star && !set->saved);
    before_value(w);
    for (size_t i = 0; i < set->count; i++) {
        if (i > 0)
            buf_add_byte(w->to, ',');
        add_number(w->to, set->ranges[i].first);
        if (set->ranges[i].last == set->ranges[i].first)
            continue;
        buf_add_byte(w->to, ':');
        add_number(w->to, set->ranges[i].last);
    }
}

void imap_write_flags(struct imap_writer *w, unsigned system, const struct slice *keywords,
                      size_t keyword_count) {
    imap_write_open(w);
    for (unsigned i = 0; i < IMAP_FLAGS; i++)
        if (system >> i & 1)
            imap_write_word(w, imap_flag_name(1U << i));
    for (size_t i = 0; i < keyword_count; i++)
        imap_write_atom(w, keywords[i]);
    imap_write_close(w);
}

void imap_write_date_time(struct imap_writer *w, struct imap_date_time t) {
    before_value(w);
    buf_add_byte(w->to, '"');
    imap_date_time_write(w->to, t);
    buf_add_byte(w->to, '"');
}

static size_t add_hex(char *to, uint64_t number) {
    size_t len = 0;
    for (int shift = 60; shift >= 0; shift -= 4)
        if (len > 0 || number >> shift & 15 || shift == 0)
            to[len++] = "0123456789abcdef"[number >> shift & 15];
    return len;
}

struct slice imap_object_id(char kind, uint64_t realm, uint64_t number,
                            char text[static IMAP_OBJECT_ID_SIZE]) {
    size_t len = 0;
    text[len++] = kind;
    if (realm > 0) {
        len += add_hex(text + len, realm);
        text[len++] = '-';
    }
    len += add_hex(text + len, number);
    return slice_of(text, len);
}

void imap_write_object_id(struct imap_writer *w, char kind, uint64_t number) {
    char text[IMAP_OBJECT_ID_SIZE];
    imap_write_open(w);
    imap_write_atom(w, imap_object_id(kind, w->realm, number, text));
    imap_write_close(w);
}

void imap_write_section(struct imap_writer *w, const struct imap_section *section) {
    static const char *const forms[] = {
        [IMAP_BODY] = "BODY",
        [IMAP_BINARY] = "BINARY",
        [IMAP_BINARY_SIZE] = "BINARY.SIZE",
        [IMAP_RFC822] = "RFC822",
        [IMAP_RFC822_HEADER] = "RFC822.HEADER",
        [IMAP_RFC822_TEXT] = "RFC822.TEXT",
    };
    static const char *const texts[] = {
        [IMAP_SECTION_ALL] = "",
        [IMAP_SECTION_HEADER] = "HEADER",
        [IMAP_SECTION_HEADER_FIELDS] = "HEADER.FIELDS",
        [IMAP_SECTION_HEADER_FIELDS_NOT] = "HEADER.FIELDS.NOT",
        [IMAP_SECTION_TEXT] = "TEXT",
        [IMAP_SECTION_MIME] = "MIME",
    };
    before_value(w);
    buf_add_str(w->to, forms[section->form]);
    if (section->form >= IMAP_RFC822)
        return;
    buf_add_byte(w->to, '[');
    for (size_t i = 0; i < section->part_count; i++) {
        if (i > 0)
            buf_add_byte(w->to, '.');
        add_number(w->to, section->parts[i]);
    }
    if (section->part_count > 0 && section->text != IMAP_SECTION_ALL)
        buf_add_byte(w->to, '.');
    buf_add_str(w->to, texts[section->text]);
    if (section->field_count > 0) {
        imap_write_open(w);
        for (size_t i = 0; i < section->field_count; i++)
            imap_write_astring(w, section->fields[i]);
        imap_write_close(w);
    }
    buf_add_byte(w->to, ']');
    if (section->partial) {
        buf_add_byte(w->to, '<');
        add_number(w->to, section->offset);
        buf_add_byte(w->to, '>');
    }
}
