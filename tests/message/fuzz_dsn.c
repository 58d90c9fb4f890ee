/* SPDX-License-Identifier: ISC */
/*
 * Notifications about anything: 7-bit, no line above 998 bytes, nothing that ends the report early.
 * The input is cut at "|" into ORCPT, status, diagnostic, remote host, ENVID, sender's local part
 * and the message.
 */
#include "message/report/dsn.h"
#include "message/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct slice cut(struct slice *rest) {
    struct slice piece = S("");
    (void)slice_next(rest, '|', &piece);
    return piece;
}

static size_t count(struct slice text, struct slice needle) {
    size_t n = 0;
    for (ssize_t at; (at = slice_find(text, needle)) >= 0; n++)
        text = slice_from(text, (size_t)at + needle.len);
    return n;
}

static void check(const struct dsn *dsn) {
    _cleanup_(buf_done) struct buf out = {0};
    struct message_scan scan = {0};
    dsn_compose(&out, dsn);
    message_scan_feed(&scan, buf_slice(&out));
    MUST(!scan.has_eight_bit && !scan.has_nul && !scan.has_bare_cr && !scan.has_bare_lf);
    MUST(scan.ends_line && scan.longest_line <= 998);
    MUST(count(buf_slice(&out), S("\r\nAction: failed\r\n")) == 1);
    MUST(count(buf_slice(&out), S("\r\n--RANDOM0123456789")) == 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice rest = slice_of(bytes, len);
    struct address sender;
    if (slice_find(rest, S("RANDOM")) >= 0 || slice_find(rest, S("Action: failed")) >= 0)
        return 0;
    struct dsn_recipient recipient = {.original = cut(&rest),
                                      .status = cut(&rest),
                                      .diagnostic = cut(&rest),
                                      .remote_host = cut(&rest),
                                      .address = &sender};
    struct dsn dsn = {.sender = &sender,
                      .host = S("mx.example.jp"),
                      .envelope_id = cut(&rest),
                      .message_id = S("<1@mx.example.jp>"),
                      .boundary = S("RANDOM0123456789"),
                      .recipients = &recipient,
                      .recipient_count = 1,
                      .max_returned = 5000};
    if (address_make(&a, cut(&rest), S("example.org"), ADDRESS_UTF8, &sender, NULL) < 0)
        return 0;
    dsn.message = rest;
    check(&dsn);
    return 0;
}
