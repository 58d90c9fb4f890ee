/* SPDX-License-Identifier: ISC */
/*
 * What has to be known about the bytes of each accepted message, found while they arrive, in chunks
 * cut anywhere: at memory speed, in one object without allocation. The bytes are those of the
 * message itself (dot stuffing undone). After each chunk every figure is right for the bytes so
 * far.
 *
 *     struct message_scan scan = {0};
 *     message_scan_feed(&scan, chunk);
 */
#pragma once

#include "base/slice.h"

enum message_scan_line {
    SCAN_LINE_START,
    SCAN_LINE_NAME,     /* in a field name */
    SCAN_LINE_COLON,    /* behind it, before its colon */
    SCAN_LINE_MBOX,     /* behind "From ", where a colon would still make a field of it */
    SCAN_LINE_VALUE,    /* behind the colon, in a continuation line, or in a line of an mbox */
    SCAN_LINE_NO_FIELD, /* neither an empty line nor a field */
};

struct message_scan {
    uint64_t size;
    uint64_t lines;        /* complete ones */
    uint64_t longest_line; /* in bytes without its line end; an unfinished last line counts too */
    uint64_t header_size;  /* up to the body, with the empty line; = size until `in_body` */
    unsigned received;     /* Received fields so far (RFC 5321 §6.3) */
    bool in_body;          /* the header has ended, by the rules of message/header.h */
    bool has_eight_bit;    /* bytes above 127: the next host has to offer 8BITMIME */
    bool has_nul;
    bool has_dot_line; /* a line begins with ".": SMTP and POP3 have to stuff it */
    bool has_bare_cr;  /* CR without LF; one at the very end may still get its LF */
    bool has_bare_lf;  /* LF without CR */
    bool ends_line;    /* the last byte was LF */

    struct {
        uint64_t start; /* offset of the line being read */
        uint64_t crs, crlfs;
        enum message_scan_line line;
        unsigned name_len;
        unsigned from_len; /* bytes of "From" at the beginning, a ">" before it left out */
        bool is_received;  /* the bytes of the field name so far match */
        bool has_field;    /* a field stands above: a blank continues it */
        bool after_cr;
    } own;
};

void message_scan_feed(struct message_scan *scan, struct slice chunk);
