/* SPDX-License-Identifier: ISC */
/*
 * What FETCH asks for: RFC 9051 §6.4.5, RFC 3501 (RFC822...), 3516 (BINARY), 7162 (MODSEQ,
 * CHANGEDSINCE, VANISHED), 8474 (EMAILID, THREADID), 8514 (SAVEDATE), 8970 (PREVIEW), 9394
 * (PARTIAL).
 */
#pragma once

#include "imap/syntax/token.h"

/* Attributes without a section. ALL, FAST and FULL are told as what they stand for. */
enum imap_attribute {
    IMAP_FETCH_UID = 1 << 0,
    IMAP_FETCH_FLAGS = 1 << 1,
    IMAP_FETCH_INTERNALDATE = 1 << 2,
    IMAP_FETCH_SIZE = 1 << 3, /* RFC822.SIZE */
    IMAP_FETCH_ENVELOPE = 1 << 4,
    IMAP_FETCH_BODY = 1 << 5, /* the structure without extension data */
    IMAP_FETCH_BODYSTRUCTURE = 1 << 6,
    IMAP_FETCH_MODSEQ = 1 << 7,
    IMAP_FETCH_EMAILID = 1 << 8,
    IMAP_FETCH_THREADID = 1 << 9,
    IMAP_FETCH_SAVEDATE = 1 << 10,
    IMAP_FETCH_PREVIEW = 1 << 11,
    IMAP_FETCH_PREVIEW_LAZY = 1 << 12, /* RFC 8970 §3.2 */
};

/* An attribute as the answer names it. */
enum imap_section_form {
    IMAP_BODY,        /* BODY[...] */
    IMAP_BINARY,      /* BINARY[...] */
    IMAP_BINARY_SIZE, /* BINARY.SIZE[...] */
    IMAP_RFC822,      /* as BODY[] */
    IMAP_RFC822_HEADER,
    IMAP_RFC822_TEXT,
};
enum imap_section_text {
    IMAP_SECTION_ALL, /* the part itself */
    IMAP_SECTION_HEADER,
    IMAP_SECTION_HEADER_FIELDS,
    IMAP_SECTION_HEADER_FIELDS_NOT,
    IMAP_SECTION_TEXT,
    IMAP_SECTION_MIME,
};

struct imap_section {
    enum imap_section_form form;
    enum imap_section_text text; /* of RFC822...: what it means */
    bool peek;                   /* \Seen is not set */
    bool partial;                /* <offset.length> */
    uint32_t offset, length;     /* length > 0 */
    const uint32_t *parts;       /* numbers from 1; none: the message */
    size_t part_count;
    const struct slice *fields; /* of HEADER.FIELDS: at least one */
    size_t field_count;
};

struct imap_attributes {
    unsigned set; /* of enum imap_attribute */
    struct imap_section *sections;
    size_t section_count;
};

/* "1:100" (RFC 9394 §3.1), or from the end: "-1:-100". */
struct imap_partial {
    uint32_t first, last; /* from 1, first <= last; 0: not asked for */
    bool from_end;
};

struct imap_fetch {
    struct imap_set set;
    struct imap_attributes what;
    bool has_changed_since, vanished;
    uint64_t changed_since; /* 0: everything */
    struct imap_partial partial;
};

/*
 * One attribute, or several in parentheses, in place of what `ret` had; NOTIFY takes the second
 * alone.
 */
bool imap_take_attributes(struct imap_cursor *c, struct imap_attributes *ret);
/* "[...]" and "<...>" behind the name of an attribute (section, section-binary, partial), whose
 * form `section` has. */
bool imap_take_section(struct imap_cursor *c, struct imap_section *section);
bool imap_take_partial(struct imap_cursor *c, struct imap_partial *ret);
bool imap_take_fetch(struct imap_cursor *c, struct imap_fetch *ret);
