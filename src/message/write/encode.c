/* SPDX-License-Identifier: ISC */
#include "message/write/encode.h"

#include "base/encode.h"

#define WORD_PREFIX       "=?UTF-8?B?"
#define WORD_SUFFIX       "?="
#define WORD_COLUMNS      75 /* RFC 2047 §2 */
#define PARAMETER_SECTION 54 /* bytes of an extended value in one section */

bool text_is_plain(struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 32 && c != '\t') || c > 126)
            return false;
    }
    return true;
}

/* Length of the character at the front; a broken one is one byte long, and *ret_broken is set. */
static size_t character(struct slice s, bool *ret_broken) {
    unsigned char first = (unsigned char)s.ptr[0];
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    *ret_broken = s.len < len || !utf8_valid(slice_first(s, len));
    return *ret_broken ? 1 : len;
}

/* The bytes that stand for a character in a header. */
static struct slice sound(struct slice one, bool broken) {
    unsigned char c = (unsigned char)one.ptr[0];
    if (broken)
        return S("\xef\xbf\xbd");
    return c < 32 || c == 127 ? S(" ") : one;
}

/* One encoded word of at most `room` columns from the front of *text. */
static void encoded_word(struct fold *f, struct slice *text, size_t room) {
    _cleanup_(buf_done) struct buf raw = {0};
    _cleanup_(buf_done) struct buf word = {0};
    size_t overhead = sizeof WORD_PREFIX WORD_SUFFIX - 1;
    size_t max = (MIN(room, WORD_COLUMNS) - overhead) / 4 * 3;
    while (text->len > 0) {
        bool broken = false;
        size_t n = character(*text, &broken);
        struct slice one = sound(slice_first(*text, n), broken);
        if (raw.len + one.len > max)
            break;
        buf_add(&raw, one);
        *text = slice_from(*text, n);
    }
    buf_add_str(&word, WORD_PREFIX);
    base64_encode(&word, buf_slice(&raw));
    buf_add_str(&word, WORD_SUFFIX);
    fold_word(f, buf_slice(&word));
}

/* Encoded words one behind the other; the first fills up the line it begins on when it can. */
static void encoded_words(struct fold *f, struct slice text) {
    while (text.len > 0) {
        size_t left = f->column + 1 < ENCODE_COLUMNS ? ENCODE_COLUMNS - f->column - 1 : 0;
        encoded_word(f, &text, left < 30 ? WORD_COLUMNS : left);
    }
}

/* The stretch of words that have to be encoded, as offsets into the text; false when there is none.
 */
static bool encoded_stretch(struct slice text, size_t *ret_from, size_t *ret_to) {
    struct slice rest = text;
    bool found = false;
    for (struct slice word; slice_next_word(&rest, &word);) {
        if (text_is_plain(word) && slice_find(word, S("=?")) < 0 && word.len <= FOLD_WORD_MAX)
            continue; /* it stands for itself */
        if (!found)
            *ret_from = (size_t)(word.ptr - text.ptr);
        *ret_to = (size_t)(word.ptr - text.ptr) + word.len;
        found = true;
    }
    return found;
}

void encode_text(struct fold *f, struct slice text) {
    size_t from = 0;
    size_t to = 0;
    if (!encoded_stretch(text, &from, &to)) {
        fold_words(f, text);
        return;
    }
    fold_words(f, slice_first(text, from));
    encoded_words(f, slice_first(slice_from(text, from), to - from));
    fold_words(f, slice_from(text, to));
}

static bool is_atoms(struct slice name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
            slice_find_byte(S(" !#$%&'*+-/=?^_`{|}~"), c) < 0)
            return false;
    }
    return true;
}

void encode_phrase(struct fold *f, struct slice name) {
    _cleanup_(buf_done) struct buf quoted = {0};
    if (!text_is_plain(name) || slice_find(name, S("=?")) >= 0 || name.len > FOLD_COLUMNS) {
        encoded_words(f, name);
    } else if (is_atoms(name)) {
        fold_words(f, name);
    } else {
        buf_add_quoted(&quoted, name);
        fold_word(f, buf_slice(&quoted));
    }
}

/* RFC 2045 §5.1 token and RFC 2231 §7 attribute-char. */
static bool is_attribute_char(char c) {
    return ascii_is_alpha(c) || ascii_is_digit(c) || slice_find_byte(S("!#$&+-.^_`{|}~"), c) >= 0;
}

/* One section's worth of percent-encoded characters from the front of *value. */
static void percent_section(struct buf *to, struct slice *value) {
    size_t end = to->len + PARAMETER_SECTION;
    while (value->len > 0) {
        bool broken = false;
        size_t n = character(*value, &broken);
        struct slice one = sound(slice_first(*value, n), broken);
        if (to->len + 3 * one.len > end)
            return;
        if (is_attribute_char(one.ptr[0]))
            buf_add(to, one);
        else
            for (size_t i = 0; i < one.len; i++)
                buf_printf(to, "%%%02X", (unsigned char)one.ptr[i]);
        *value = slice_from(*value, n);
    }
}

static void extended_parameter(struct fold *f, const char *name, struct slice value) {
    _cleanup_(buf_done) struct buf text = {0};
    for (unsigned section = 0; value.len > 0; section++) {
        buf_clear(&text);
        percent_section(&text, &value);
        fold_glue(f, S(";"));
        if (section == 0 && value.len == 0)
            fold_printf(f, "%s*=UTF-8''%.*s", name, SLICE_ARG(buf_slice(&text)));
        else
            fold_printf(f, "%s*%u*=%s%.*s", name, section, section == 0 ? "UTF-8''" : "",
                        SLICE_ARG(buf_slice(&text)));
    }
}

void encode_parameter(struct fold *f, const char *name, struct slice value) {
    if (!text_is_plain(value) || value.len > PARAMETER_SECTION) {
        extended_parameter(f, name, value);
        return;
    }
    _cleanup_(buf_done) struct buf text = {0};
    buf_printf(&text, "%s=", name);
    size_t token = 0;
    while (token < value.len && is_attribute_char(value.ptr[token]))
        token++;
    if (token > 0 && token == value.len)
        buf_add(&text, value);
    else
        buf_add_quoted(&text, value);
    fold_glue(f, S(";"));
    fold_word(f, buf_slice(&text));
}

static const char *one_line_piece(struct slice one, bool broken, bool ascii) {
    unsigned char c = (unsigned char)one.ptr[0];
    uint32_t point = c;
    if (c >= 0x80 && !broken && utf8_decode(one, &point) > 0 && utf8_is_hidden(point))
        return " ";
    if (broken || (ascii && c >= 0x80))
        return "?";
    return c <= 32 || c == 127 ? " " : NULL;
}

struct slice text_one_line(struct arena *a, struct slice text, size_t max, bool ascii) {
    _cleanup_(buf_done) struct buf line = {0};
    while (text.len > 0) {
        bool broken = false;
        size_t n = character(text, &broken);
        struct slice one = slice_first(text, n);
        const char *instead = one_line_piece(one, broken, ascii);
        if (instead)
            one = slice_of_str(instead);
        if (one.ptr[0] == ' ' && (line.len == 0 || line.ptr[line.len - 1] == ' '))
            one.len = 0;
        if (line.len + one.len + 3 > max) {
            buf_add_str(&line, "...");
            break;
        }
        buf_add(&line, one);
        text = slice_from(text, n);
    }
    return arena_copy(a, slice_trim(buf_slice(&line)));
}
