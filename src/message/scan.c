/* SPDX-License-Identifier: ISC */
/*
 * Two passes over each block while it is in the cache: one over all bytes with vectors (bytes above
 * 127, NULs, number of CRs), one from LF to LF with memchr. Bare CRs need no look at their
 * neighbours: they are the CRs that no CRLF accounts for. Only the header is read byte by byte, and
 * there only the field names.
 *
 * A block is 255 vectors long, so that a vector of counters in bytes cannot run over.
 */
#include "message/scan.h"

typedef uint8_t vector __attribute__((vector_size(16)));

#define BLOCK_SIZE (255 * sizeof(vector))

static const char received_name[] = "received";
static const char from_name[] = "From";

static void scan_bytes(struct message_scan *scan, struct slice block) {
    vector all = {0};
    vector nul = {0};
    vector cr = {0};
    size_t i = 0;
    for (; i + sizeof(vector) <= block.len; i += sizeof(vector)) {
        vector v;
        memcpy(&v, block.ptr + i, sizeof v);
        all |= v;
        nul |= (vector)(v == 0);
        cr -= (vector)(v == '\r');
    }
    for (size_t k = 0; k < sizeof(vector); k++) {
        scan->has_eight_bit |= all[k] >= 0x80;
        scan->has_nul |= nul[k] != 0;
        scan->own.crs += cr[k];
    }
    for (; i < block.len; i++) {
        scan->has_eight_bit |= (uint8_t)block.ptr[i] >= 0x80;
        scan->has_nul |= block.ptr[i] == '\0';
        scan->own.crs += block.ptr[i] == '\r';
    }
}

static enum message_scan_line at_colon(struct message_scan *scan) {
    if (scan->own.name_len == 0)
        return SCAN_LINE_NO_FIELD;
    scan->received += scan->own.is_received && scan->own.name_len == sizeof received_name - 1;
    return SCAN_LINE_VALUE;
}

static enum message_scan_line at_name(struct message_scan *scan, char c) {
    if (c == ':')
        return at_colon(scan);
    if (c == ' ' && scan->own.from_len == sizeof from_name - 1)
        return SCAN_LINE_MBOX;
    if (c == ' ' || c == '\t')
        return SCAN_LINE_COLON;
    if (c <= 32 || c >= 127)
        return SCAN_LINE_NO_FIELD;
    unsigned n = scan->own.name_len++;
    if (n != 0 || c != '>')
        scan->own.from_len = c == from_name[MIN(scan->own.from_len, sizeof from_name - 1)]
                                 ? scan->own.from_len + 1
                                 : (unsigned)sizeof from_name;
    if (n >= sizeof received_name - 1 || ascii_lower(c) != received_name[n])
        scan->own.is_received = false;
    return SCAN_LINE_NAME;
}

/* The state of a header line behind one more byte. */
static enum message_scan_line next_state(struct message_scan *scan, char c) {
    bool blank = c == ' ' || c == '\t';
    switch (scan->own.line) {
    case SCAN_LINE_START:
        if (blank)
            return scan->own.has_field ? SCAN_LINE_VALUE : SCAN_LINE_NO_FIELD;
        scan->own.name_len = 0;
        scan->own.from_len = 0;
        scan->own.is_received = true;
        return at_name(scan, c);
    case SCAN_LINE_NAME:
        return at_name(scan, c);
    case SCAN_LINE_COLON:
        return c == ':' ? at_colon(scan) : blank ? SCAN_LINE_COLON : SCAN_LINE_NO_FIELD;
    case SCAN_LINE_MBOX:
        return c == ':' ? at_colon(scan) : blank ? SCAN_LINE_MBOX : SCAN_LINE_VALUE;
    default:
        return scan->own.line;
    }
}

/* Passes the LF behind a line; `scan->size` is the place of it. A line of a header that is no field
 * ends it. */
static void end_line(struct message_scan *scan) {
    uint64_t text = scan->size - scan->own.start - scan->own.after_cr;
    scan->longest_line = MAX(scan->longest_line, text);
    scan->has_bare_lf |= !scan->own.after_cr;
    scan->own.crlfs += scan->own.after_cr;
    scan->lines++;
    scan->size++;
    if (!scan->in_body) {
        if (text == 0 || (scan->own.line != SCAN_LINE_VALUE && scan->own.line != SCAN_LINE_MBOX)) {
            scan->in_body = true;
            scan->header_size = text == 0 ? scan->size : scan->own.start;
        }
        scan->own.has_field = true;
        scan->own.line = SCAN_LINE_START;
    }
    scan->own.start = scan->size;
    scan->own.after_cr = false;
}

static void scan_lines(struct message_scan *scan, struct slice block) {
    while (block.len > 0) {
        ssize_t lf = slice_find_byte(block, '\n');
        struct slice piece = slice_first(block, lf < 0 ? block.len : (size_t)lf);
        if (piece.len > 0) {
            scan->has_dot_line |= scan->size == scan->own.start && piece.ptr[0] == '.';
            bool in_body = scan->in_body;
            for (size_t i = 0; !in_body && i < piece.len && scan->own.line < SCAN_LINE_VALUE; i++)
                scan->own.line = next_state(scan, piece.ptr[i]);
            scan->size += piece.len;
            scan->own.after_cr = piece.ptr[piece.len - 1] == '\r';
        }
        if (lf < 0)
            return;
        end_line(scan);
        block = slice_from(block, (size_t)lf + 1);
    }
}

void message_scan_feed(struct message_scan *scan, struct slice chunk) {
    for (; chunk.len > 0; chunk = slice_from(chunk, BLOCK_SIZE)) {
        struct slice block = slice_first(chunk, BLOCK_SIZE);
        scan_bytes(scan, block);
        scan_lines(scan, block);
        scan->ends_line = block.ptr[block.len - 1] == '\n';
    }
    uint64_t unfinished = scan->size - scan->own.start - scan->own.after_cr;
    scan->longest_line = MAX(scan->longest_line, unfinished);
    scan->has_bare_cr = scan->own.crs > scan->own.crlfs + scan->own.after_cr;
    if (!scan->in_body)
        scan->header_size = scan->size;
}
