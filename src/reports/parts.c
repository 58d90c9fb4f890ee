/* SPDX-License-Identifier: ISC */
/*
 * A part is gathered from its first bytes on if they are those of a report; of what else there is,
 * nothing is kept. What stands within a message in the message counts too (people pass reports on
 * as attachments), but not within one that a feedback report is about.
 */
#include "reports/parts.h"

#include "message/header.h"
#include "message/mime/mime_scan.h"
#include "message/mime/transfer.h"
#include "reports/open.h"

#define HEAD 9U /* bytes that tell what it is, blanks before them left out: "<feedback" */

enum keep { KEEP_NOT, KEEP_UNKNOWN, KEEP_YES };

struct parts {
    size_t most;
    report_part_fn *take;
    void *arg;

    bool feedback;     /* one has been there */
    unsigned original; /* number of the part that it is about; 0: not within it */

    enum keep keep; /* of the part that comes */
    enum report_part kind;
    bool is_text;
    struct transfer transfer;
    struct buf bytes;
};

static bool is_type(const struct mime_part *part, struct slice major, struct slice minor) {
    return slice_eq_nocase(part->type.major, major) && slice_eq_nocase(part->type.minor, minor);
}

static bool wants(void *arg UNUSED, struct slice name) {
    return slice_eq_nocase(name, S("From")) || slice_eq_nocase(name, S("Subject")) ||
           slice_eq_nocase(name, S("Message-ID"));
}

static void on_header(void *arg, const struct mime_part *part, struct slice fields) {
    struct parts *p = arg;
    p->transfer = (struct transfer){.encoding = part->encoding};
    p->bytes.len = 0;
    p->keep = KEEP_NOT;
    p->is_text = slice_eq_nocase(part->type.major, S("text"));
    if (p->original > 0) {
        if (part->parent == p->original)
            p->take(p->arg, REPORT_PART_ORIGINAL, fields);
        return;
    }
    if (part->kind == MIME_MESSAGE && part->number > 0 && p->feedback)
        p->original = part->number;
    if (part->kind != MIME_LEAF || is_type(part, S("text"), S("html")))
        return;
    p->keep = KEEP_YES;
    if (is_type(part, S("message"), S("feedback-report"))) {
        p->kind = REPORT_PART_FEEDBACK;
        p->feedback = true;
    } else if (p->feedback && is_type(part, S("text"), S("rfc822-headers"))) {
        p->kind = REPORT_PART_ORIGINAL;
    } else {
        p->kind = REPORT_PART_FILE;
        p->keep = KEEP_UNKNOWN;
    }
}

static enum keep judge_head(const struct parts *p, bool last) {
    struct slice s = report_begin(buf_slice(&p->bytes));
    if (s.len < HEAD && !last)
        return KEEP_UNKNOWN;
    return report_wrapping_of(s) != REPORT_PLAIN || slice_starts_nocase(s, S("<?xml")) ||
                   slice_starts_nocase(s, S("<feedback")) ||
                   (!p->is_text && slice_starts(s, S("{")))
               ? KEEP_YES
               : KEEP_NOT;
}

static void on_body(void *arg, const struct mime_part *part, struct slice bytes) {
    struct parts *p = arg;
    if (part->kind != MIME_LEAF || p->keep == KEEP_NOT || p->bytes.len >= p->most)
        return;
    transfer_take(&p->transfer, bytes, &p->bytes);
    if (p->keep == KEEP_UNKNOWN)
        p->keep = judge_head(p, false);
}

static void on_end(void *arg, const struct mime_part *part) {
    struct parts *p = arg;
    if (part->kind != MIME_LEAF) {
        p->original = part->number == p->original ? 0 : p->original;
        return;
    }
    if (p->keep == KEEP_NOT)
        return;
    transfer_end(&p->transfer, &p->bytes);
    if (p->keep == KEEP_YES || judge_head(p, true) == KEEP_YES)
        p->take(p->arg, p->kind, slice_first(buf_slice(&p->bytes), p->most));
    p->keep = KEEP_NOT;
}

void report_parts(struct slice message, size_t most, report_part_fn *take, void *arg) {
    static const struct mime_sink sink = {wants, on_header, on_body, on_end};
    struct parts p = {.most = most, .take = take, .arg = arg};
    struct mime_scan *scan = mime_scan_new(&sink, &p);
    mime_scan_feed(scan, message);
    mime_scan_end(scan);
    mime_scan_free(scan);
    buf_done(&p.bytes);
}
