/* SPDX-License-Identifier: ISC */
#include "message/mime/html.h"

#include "base/encode.h"

#define ESC '\x1b'

enum place {
    IN_TEXT,
    AT_LESS,    /* behind "<" */
    IN_TAG,     /* behind its first letter; the tag is gathered */
    AT_MARKUP,  /* behind "<!" */
    IN_MARKUP,  /* up to ">": a declaration, or an instruction "<?" */
    IN_COMMENT, /* up to "-->" */
};

/* ------------------------------------------------------------------ tags */

/* Elements that leave no gap in a line; all others part words. */
static bool is_inline(struct slice name) {
    static const char names[] =
        " a abbr b bdi bdo big cite code del dfn em font i ins kbd mark q rb ruby s samp small "
        "span strike strong sub sup tt u var wbr ";
    char wanted[16] = " ";
    if (name.len > 10)
        return false;
    memcpy(wanted + 1, name.ptr, name.len);
    wanted[name.len + 1] = ' ';
    return slice_find(slice_of_str(names), slice_of(wanted, name.len + 2)) >= 0;
}

/* Elements whose content is no text for readers, and in which tags are none. */
static bool is_raw(struct slice name) {
    return slice_eq(name, S("script")) || slice_eq(name, S("style")) || slice_eq(name, S("title"));
}

static bool is_void(struct slice name) {
    static const struct slice names[] = {{"br", 2},   {"img", 3},  {"hr", 2},  {"input", 5},
                                         {"meta", 4}, {"link", 4}, {"col", 3}, {"area", 4}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (slice_eq(name, names[i]))
            return true;
    }
    return false;
}

/* Whether the attributes say so: " hidden", or "display:none" with blanks anywhere in it. */
static bool is_hidden(struct slice attributes) {
    static const char wanted[] = "display:none";
    size_t matched = 0;
    for (size_t i = 0; i < attributes.len; i++) {
        char c = attributes.ptr[i];
        if (ascii_is_space(c))
            continue;
        matched = c == wanted[matched] ? matched + 1 : c == wanted[0];
        if (matched == sizeof wanted - 1)
            return true;
    }
    struct slice word;
    while (slice_next_word(&attributes, &word)) {
        if (slice_eq(word, S("hidden")) || slice_eq(word, S("hidden/")))
            return true;
    }
    return false;
}

static void gap(struct html_text *h, struct buf *to) {
    if (h->own.blank || h->own.hidden_len > 0)
        return;
    buf_add_byte(to, ' ');
    h->own.blank = true;
}

static void set_name(char to[static 12], size_t *len, struct slice name) {
    *len = MIN(name.len, (size_t)12);
    memcpy(to, name.ptr, *len);
}

/* A tag has ended. Its text is in lower case. */
static void end_tag(struct html_text *h, struct buf *to) {
    struct slice tag = slice_of(h->own.tag, h->own.tag_len), name;
    bool closes = slice_starts(tag, S("/"));
    name = slice_from(tag, closes);
    size_t n = 0;
    while (n < name.len && !ascii_is_space(name.ptr[n]) && name.ptr[n] != '/')
        n++;
    struct slice attributes = slice_from(name, n);
    name = slice_first(name, n);
    h->own.place = IN_TEXT;
    if (h->own.raw_len > 0) {
        if (!closes || !slice_eq(name, slice_of(h->own.raw, h->own.raw_len)))
            return;
        h->own.raw_len = 0;
    } else if (!closes && is_raw(name)) {
        set_name(h->own.raw, &h->own.raw_len, name);
    }
    if (h->own.hidden_len > 0) {
        if (slice_eq(slice_first(name, 12), slice_of(h->own.hidden, h->own.hidden_len))) {
            h->own.depth = closes ? h->own.depth - 1 : h->own.depth + 1;
            h->own.hidden_len = h->own.depth > 0 ? h->own.hidden_len : 0;
        }
    } else if (h->visible && !closes && !is_void(name) && h->own.raw_len == 0 &&
               is_hidden(attributes)) {
        set_name(h->own.hidden, &h->own.hidden_len, name);
        h->own.depth = 1;
    }
    if (!is_inline(name))
        gap(h, to);
}

/* Within an element without tags only its end is one: there are no quotes, and "<" begins anew. */
static void in_tag(struct html_text *h, char c, struct buf *to) {
    char before = h->own.tag_len > 0 ? h->own.tag[h->own.tag_len - 1] : '\0';
    bool raw = h->own.raw_len > 0;
    if (raw && c == '<') {
        h->own.place = AT_LESS;
        return;
    }
    if (h->own.quote != '\0') {
        if (c == h->own.quote)
            h->own.quote = '\0';
    } else if (c == '>') {
        end_tag(h, to);
        return;
    } else if ((c == '"' || c == '\'') && before == '=' && !raw) {
        h->own.quote = c;
    }
    c = ascii_is_space(c) ? ' ' : ascii_lower(c);
    bool blank_behind_equals = c == ' ' && before == '=';
    if (h->own.tag_len < sizeof h->own.tag && !blank_behind_equals)
        h->own.tag[h->own.tag_len++] = c;
    else if (!blank_behind_equals) /* the last byte says whether a quote may begin */
        h->own.tag[h->own.tag_len - 1] = c;
}

/* ------------------------------------------------------------------ text */

static void put(struct html_text *h, char c, struct buf *to) {
    bool blank = ascii_is_space(c);
    if (h->own.raw_len > 0 || h->own.hidden_len > 0 || (blank && h->own.blank))
        return;
    buf_add_byte(to, blank ? ' ' : c);
    h->own.blank = blank;
}

/* ESC ( B, ESC $ B, ESC $ ( D: the letter behind says which set; "$" has two bytes a character. */
static void in_escape(struct html_text *h, char c) {
    if (h->own.escape_len == 1 && (c == '$' || c == '(')) {
        h->own.wide = c == '$';
        h->own.escape_len = 2;
    } else {
        h->own.escape_len = h->own.escape_len == 2 && c == '(' ? 3 : 0;
    }
}

static void in_text(struct html_text *h, char c, struct buf *to) {
    if (c == ESC)
        h->own.escape_len = 1;
    else if (h->own.escape_len > 0)
        in_escape(h, c);
    else if (c == '<' && !h->own.wide)
        h->own.place = AT_LESS;
    if (h->own.place == IN_TEXT)
        put(h, c, to);
}

static void at_less(struct html_text *h, char c, struct buf *to) {
    h->own.tag_len = 0;
    h->own.quote = '\0';
    bool raw = h->own.raw_len > 0;
    if (c == '/' || (ascii_is_alpha(c) && !raw)) {
        h->own.place = IN_TAG;
        in_tag(h, c, to);
    } else if ((c == '!' || c == '?') && !raw) {
        h->own.place = c == '!' ? AT_MARKUP : IN_MARKUP;
        h->own.matched = 0;
    } else {
        h->own.place = IN_TEXT;
        put(h, '<', to);
        in_text(h, c, to);
    }
}

/* "<!--" begins a comment, "<!" anything else. */
static void in_markup(struct html_text *h, char c) {
    if (h->own.place == AT_MARKUP) {
        h->own.place = c == '-' && ++h->own.matched < 2 ? AT_MARKUP
                       : h->own.matched == 2            ? IN_COMMENT
                                                        : IN_MARKUP;
    } else if (h->own.place == IN_COMMENT) {
        bool ends = c == '>' && h->own.matched >= 2;
        h->own.matched = c == '-' ? MIN(h->own.matched + 1, 2U) : 0;
        h->own.place = ends ? IN_TEXT : IN_COMMENT;
        return;
    }
    if (h->own.place == IN_MARKUP && c == '>')
        h->own.place = IN_TEXT;
}

/* Bytes of text in front that mean nothing else; how many there are. */
static size_t take_run(struct html_text *h, struct slice rest, struct buf *to) {
    size_t n = 0;
    if (h->own.escape_len > 0)
        return 0;
    if (h->own.raw_len > 0) {
        const char *less = memchr(rest.ptr, '<', rest.len);
        return less ? (size_t)(less - rest.ptr) : rest.len;
    }
    while (n < rest.len && (uint8_t)rest.ptr[n] > ' ' && rest.ptr[n] != '<')
        n++;
    if (n > 0 && h->own.hidden_len == 0) {
        buf_add(to, slice_first(rest, n));
        h->own.blank = false;
    }
    return n;
}

void html_text_take(struct html_text *h, struct slice piece, struct buf *to) {
    size_t i = 0;
    while (i < piece.len) {
        if (h->own.place == IN_TEXT)
            i += take_run(h, slice_from(piece, i), to);
        if (i == piece.len)
            return;
        char c = piece.ptr[i++];
        switch ((enum place)h->own.place) {
        case IN_TEXT:
            in_text(h, c, to);
            break;
        case AT_LESS:
            at_less(h, c, to);
            break;
        case IN_TAG:
            in_tag(h, c, to);
            break;
        default:
            in_markup(h, c);
        }
    }
}

/* ------------------------------------------------------------------ character references */

#define REFERENCE_MAX 32U /* a longer one is none */

/* HTML 4 §24.2: those of Latin-1, from U+00A0 on. */
static const char latin_names[] =
    "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg "
    "macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 "
    "frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave "
    "Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc "
    "Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave "
    "aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave "
    "iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash "
    "ugrave uacute ucirc uuml yacute thorn yuml ";

static const struct {
    const char *name;
    uint32_t character;
} other_names[] = {
    {"amp", 0x26},      {"lt", 0x3c},       {"gt", 0x3e},      {"quot", 0x22},
    {"apos", 0x27},     {"OElig", 0x152},   {"oelig", 0x153},  {"Scaron", 0x160},
    {"scaron", 0x161},  {"Yuml", 0x178},    {"fnof", 0x192},   {"circ", 0x2c6},
    {"tilde", 0x2dc},   {"ensp", 0x2002},   {"emsp", 0x2003},  {"thinsp", 0x2009},
    {"zwnj", 0x200c},   {"zwj", 0x200d},    {"lrm", 0x200e},   {"rlm", 0x200f},
    {"ndash", 0x2013},  {"mdash", 0x2014},  {"lsquo", 0x2018}, {"rsquo", 0x2019},
    {"sbquo", 0x201a},  {"ldquo", 0x201c},  {"rdquo", 0x201d}, {"bdquo", 0x201e},
    {"dagger", 0x2020}, {"Dagger", 0x2021}, {"bull", 0x2022},  {"hellip", 0x2026},
    {"permil", 0x2030}, {"prime", 0x2032},  {"Prime", 0x2033}, {"lsaquo", 0x2039},
    {"rsaquo", 0x203a}, {"oline", 0x203e},  {"euro", 0x20ac},  {"trade", 0x2122},
    {"larr", 0x2190},   {"uarr", 0x2191},   {"rarr", 0x2192},  {"darr", 0x2193},
    {"harr", 0x2194},   {"minus", 0x2212},  {"infin", 0x221e}, {"asymp", 0x2248},
    {"ne", 0x2260},     {"le", 0x2264},     {"ge", 0x2265},    {"loz", 0x25ca},
};

/* 0 when it has no name here. */
static uint32_t by_name(struct slice name) {
    struct slice rest = slice_of_str(latin_names), known;
    if (name.len == 0) /* an ampersand by itself */
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(other_names); i++) {
        if (slice_eq(name, slice_of_str(other_names[i].name)))
            return other_names[i].character;
    }
    for (uint32_t c = 0xa0; slice_next_word(&rest, &known); c++) {
        if (slice_eq(name, known))
            return c;
    }
    return 0;
}

/* "#12354" or "#x3042"; what stands for Windows-1252, as browsers read it. 0: it is none. */
static uint32_t by_number(struct slice text) {
    static const uint16_t windows[] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    bool hex = slice_starts_nocase(text, S("#x"));
    uint32_t c = 0;
    size_t i = hex ? 2 : 1;
    if (i == text.len)
        return 0;
    for (; i < text.len; i++) {
        int digit = hex                           ? hex_value(text.ptr[i])
                    : ascii_is_digit(text.ptr[i]) ? text.ptr[i] - '0'
                                                  : -1;
        if (digit < 0 || c > 0x10ffff)
            return 0;
        c = c * (hex ? 16 : 10) + (uint32_t)digit;
    }
    if (c >= 0x80 && c < 0xa0)
        return windows[c - 0x80];
    return c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0xfffd : c;
}

void html_unescape(struct buf *to, struct slice text) {
    for (ssize_t at; (at = slice_find_byte(text, '&')) >= 0;) {
        buf_add(to, slice_first(text, (size_t)at));
        text = slice_from(text, (size_t)at);
        ssize_t end = slice_find_byte(slice_first(text, REFERENCE_MAX), ';');
        struct slice name = end > 1 ? slice_from(slice_first(text, (size_t)end), 1) : S("");
        uint32_t c = slice_starts(name, S("#")) ? by_number(name) : by_name(name);
        char character[4];
        if (c > 0)
            buf_add_bytes(to, character, utf8_encode(character, c));
        else
            buf_add_byte(to, '&');
        text = slice_from(text, c > 0 ? (size_t)end + 1 : 1);
    }
    buf_add(to, text);
}
