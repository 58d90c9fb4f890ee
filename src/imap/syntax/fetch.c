/* SPDX-License-Identifier: ISC */
/* Attributes are rows of a table; the forms with a section share one parser. */
#include "imap/syntax/fetch.h"

#include "imap/syntax/grow.h"

#define SECTION(form) (1U << 31 | (unsigned)(form))
#define PEEK          (1U << 30)
#define MACRO         (1U << 29)

static const char *const names[] = {
    "UID",         "FLAGS",   "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE",
    "MODSEQ",      "EMAILID", "THREADID",     "SAVEDATE",    "PREVIEW",  "BODY",
    "BODY.PEEK",   "BINARY",  "BINARY.PEEK",  "BINARY.SIZE", "RFC822",   "RFC822.HEADER",
    "RFC822.TEXT", "ALL",     "FAST",         "FULL",
};
static const unsigned means[ARRAY_SIZE(names)] = {
    IMAP_FETCH_UID,
    IMAP_FETCH_FLAGS,
    IMAP_FETCH_INTERNALDATE,
    IMAP_FETCH_SIZE,
    IMAP_FETCH_ENVELOPE,
    IMAP_FETCH_BODYSTRUCTURE,
    IMAP_FETCH_MODSEQ,
    IMAP_FETCH_EMAILID,
    IMAP_FETCH_THREADID,
    IMAP_FETCH_SAVEDATE,
    IMAP_FETCH_PREVIEW,
    SECTION(IMAP_BODY),
    SECTION(IMAP_BODY) | PEEK,
    SECTION(IMAP_BINARY),
    SECTION(IMAP_BINARY) | PEEK,
    SECTION(IMAP_BINARY_SIZE) | PEEK,
    SECTION(IMAP_RFC822),
    SECTION(IMAP_RFC822_HEADER) | PEEK,
    SECTION(IMAP_RFC822_TEXT),
    MACRO | IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE | IMAP_FETCH_ENVELOPE,
    MACRO | IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE,
    MACRO | IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE | IMAP_FETCH_ENVELOPE |
        IMAP_FETCH_BODY,
};

/* ------------------------------------------------------------------ sections */

static bool take_fields(struct imap_cursor *c, struct imap_section *section) {
    struct slice *fields = NULL;
    size_t size = 0, count = 0;
    if (!token_space(c) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);) {
        fields = imap_grow(c->arena, fields, count, &size, sizeof *fields);
        if (!token_astring(c, "the name of a header field", &fields[count++]))
            return false;
    }
    section->fields = fields;
    section->field_count = count;
    return !c->expected && (count > 0 || token_fail(c, "the name of a header field"));
}

/* The numbers at the front, with the dot behind them if a text follows. */
static bool take_parts(struct imap_cursor *c, struct imap_section *section, bool *ret_more) {
    uint32_t *parts = NULL;
    size_t size = 0, count = 0;
    bool more = !token_next_is(c, ']');
    while (more && c->rest.len > 0 && ascii_is_digit(c->rest.ptr[0])) {
        parts = imap_grow(c->arena, parts, count, &size, sizeof *parts);
        if (!token_nz(c, &parts[count++]))
            return false;
        more = token_maybe(c, '.');
    }
    section->parts = parts;
    section->part_count = count;
    *ret_more = more;
    return true;
}

bool imap_take_section(struct imap_cursor *c, struct imap_section *section) {
    static const char *const texts[] = {
        [IMAP_SECTION_HEADER] = "HEADER",
        [IMAP_SECTION_HEADER_FIELDS] = "HEADER.FIELDS",
        [IMAP_SECTION_HEADER_FIELDS_NOT] = "HEADER.FIELDS.NOT",
        [IMAP_SECTION_TEXT] = "TEXT",
        [IMAP_SECTION_MIME] = "MIME",
    };
    bool more;
    size_t text = IMAP_SECTION_ALL;
    if (!token_byte(c, '[') || !take_parts(c, section, &more))
        return false;
    if (more) {
        size_t known = section->form != IMAP_BODY ? 0
                       : section->part_count == 0 ? IMAP_SECTION_MIME
                                                  : ARRAY_SIZE(texts);
        if (!token_word(c, texts, known, "a section", &text))
            return false;
    }
    section->text = (enum imap_section_text)text;
    if (text == IMAP_SECTION_HEADER_FIELDS || text == IMAP_SECTION_HEADER_FIELDS_NOT)
        if (!take_fields(c, section))
            return false;
    if (!token_byte(c, ']'))
        return false;
    if (section->form == IMAP_BINARY_SIZE || !token_maybe(c, '<'))
        return true;
    section->partial = true;
    return token_u32(c, &section->offset) && token_byte(c, '.') && token_nz(c, &section->length) &&
           token_byte(c, '>');
}

/* ------------------------------------------------------------------ attributes */

static bool take_preview(struct imap_cursor *c, struct imap_attributes *what) {
    struct slice rest = c->rest;
    if (!slice_starts(rest, S(" (")))
        return true;
    c->rest = slice_from(rest, 2);
    if (!token_maybe_word(c, "LAZY"))
        return token_fail(c, "LAZY");
    what->set |= IMAP_FETCH_PREVIEW_LAZY;
    return token_byte(c, ')');
}

static bool take_attribute(struct imap_cursor *c, bool alone, struct imap_attributes *what,
                           size_t *size) {
    size_t at;
    if (!token_word(c, names, ARRAY_SIZE(names), "an attribute of messages", &at))
        return false;
    unsigned mean = means[at];
    if (mean & MACRO && !alone)
        return token_fail(c, "ALL, FAST or FULL without parentheses");
    if (!(mean & SECTION(0))) {
        what->set |= mean & ~MACRO;
        return mean != IMAP_FETCH_PREVIEW || take_preview(c, what);
    }
    struct imap_section section = {
        .form = (enum imap_section_form)(mean & ~(SECTION(0) | PEEK)),
        .peek = mean & PEEK,
    };
    if (section.form == IMAP_BODY && !section.peek && !token_next_is(c, '[')) {
        what->set |= IMAP_FETCH_BODY;
        return true;
    }
    if (section.form == IMAP_RFC822_HEADER)
        section.text = IMAP_SECTION_HEADER;
    else if (section.form == IMAP_RFC822_TEXT)
        section.text = IMAP_SECTION_TEXT;
    else if (section.form != IMAP_RFC822 && !imap_take_section(c, &section))
        return false;
    what->sections =
        imap_grow(c->arena, what->sections, what->section_count, size, sizeof *what->sections);
    what->sections[what->section_count++] = section;
    return true;
}

bool imap_take_attributes(struct imap_cursor *c, struct imap_attributes *ret) {
    size_t size = 0;
    *ret = (struct imap_attributes){0};
    if (!token_maybe(c, '('))
        return take_attribute(c, true, ret, &size);
    for (bool first = true; token_member(c, &first);)
        if (!take_attribute(c, false, ret, &size))
            return false;
    if (!ret->set && ret->section_count == 0)
        return token_fail(c, "an attribute of messages");
    return !c->expected;
}

/* ------------------------------------------------------------------ the command */

bool imap_take_partial(struct imap_cursor *c, struct imap_partial *ret) {
    uint32_t from, to;
    bool end = token_maybe(c, '-');
    if (!token_nz(c, &from) || !token_byte(c, ':'))
        return false;
    if (end != token_maybe(c, '-'))
        return token_fail(c, "a range such as 1:100 or -1:-100");
    if (!token_nz(c, &to))
        return false;
    *ret = (struct imap_partial){MIN(from, to), MAX(from, to), end};
    return true;
}

static bool take_modifier(struct imap_cursor *c, struct imap_fetch *fetch) {
    static const char *const modifiers[] = {"CHANGEDSINCE", "VANISHED", "PARTIAL"};
    size_t at;
    if (!token_word(c, modifiers, ARRAY_SIZE(modifiers), "a modifier of FETCH", &at))
        return false;
    switch (at) {
    case 0:
        fetch->has_changed_since = true;
        return token_space(c) && token_number64(c, &fetch->changed_since);
    case 1:
        fetch->vanished = true;
        return true;
    default:
        return token_space(c) && imap_take_partial(c, &fetch->partial);
    }
}

bool imap_take_fetch(struct imap_cursor *c, struct imap_fetch *ret) {
    if (!token_set(c, &ret->set) || !token_space(c) || !imap_take_attributes(c, &ret->what))
        return false;
    if (token_at_end(c))
        return true;
    if (!token_space(c) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);)
        if (!take_modifier(c, ret))
            return false;
    if (ret->vanished && !ret->has_changed_since)
        return token_fail(c, "CHANGEDSINCE beside VANISHED");
    return !c->expected;
}
