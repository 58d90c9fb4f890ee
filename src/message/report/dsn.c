/* SPDX-License-Identifier: ISC */
/*
 * The three parts are written straight into the caller's buffer. What came from outside (replies of
 * other hosts, ORCPT, ENVID, the message) passes text_one_line() or the folding writer, so that
 * none of it can begin a field, a part or a message of its own.
 */
#include "message/report/dsn.h"

#include "message/header.h"
#include "message/report/dsn_text.h"
#include "message/scan.h"
#include "message/write/compose.h"
#include "message/write/encode.h"
#include "message/write/submission.h"
#include "message/xtext.h"

#define DIAGNOSTIC_MAX  500
#define LINE_MAX_BYTES  998 /* RFC 5322 §2.1.1 */
#define EIGHT_BIT_FIELD "Content-Transfer-Encoding: 8bit\r\n"

/* What the third part holds. */
enum returned {
    RETURN_HEADER,
    RETURN_7BIT,
    RETURN_8BIT,
};

const char *dsn_action_name(enum dsn_action action) {
    static const char *const names[] = {
        [DSN_FAILED] = "failed",   [DSN_DELAYED] = "delayed",   [DSN_DELIVERED] = "delivered",
        [DSN_RELAYED] = "relayed", [DSN_EXPANDED] = "expanded",
    };
    return names[action];
}

static void add_field(struct buf *to, const char *name, struct slice value) {
    struct fold f;
    if (value.len == 0)
        return;
    fold_begin(&f, to, name);
    fold_words(&f, value);
    fold_end(&f);
}

static void add_date(struct buf *to, const char *name, usec_t wall) {
    char date[40];
    if (wall > 0)
        add_field(to, name, time_format_rfc5322(wall, date));
}

/* "Type; value" of a report field, the value made harmless. */
static void add_typed(struct buf *to, struct arena *a, const char *name, struct slice type,
                      struct slice value) {
    struct slice line = text_one_line(a, value, DIAGNOSTIC_MAX, true);
    if (line.len > 0)
        add_field(to, name, arena_printf(a, "%.*s; %.*s", SLICE_ARG(type), SLICE_ARG(line)));
}

/* RFC 6533 §3 utf-8-addr-xtext: an address above ASCII inside a report that is ASCII. */
static struct slice ascii_form(struct arena *a, struct slice address) {
    _cleanup_(buf_done) struct buf text = {0};
    size_t len = 0;
    for (; address.len > 0; address = slice_from(address, len)) {
        uint8_t first = (uint8_t)address.ptr[0]; /* of well-formed UTF-8 */
        len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        uint32_t point = len == 1 ? first : first & (0x7fU >> len);
        for (size_t i = 1; i < len && i < address.len; i++)
            point = point << 6 | ((uint8_t)address.ptr[i] & 0x3f);
        if (point > 32 && point < 127 && slice_find_byte(S("+=\\"), (char)point) < 0)
            buf_add_byte(&text, (char)point);
        else
            buf_printf(&text, "\\x{%02X}", point);
    }
    return arena_copy(a, buf_slice(&text));
}

/* RFC 3461 §6.3: the ORCPT value with its xtext decoded; one that is broken is left out. */
static void add_original_recipient(struct buf *to, struct arena *a, struct slice orcpt) {
    struct slice address;
    ssize_t colon = slice_find_byte(orcpt, ';');
    if (colon <= 0)
        return;
    struct slice type = slice_first(orcpt, (size_t)colon);
    for (size_t i = 0; i < type.len; i++) {
        if (!ascii_is_alpha(type.ptr[i]) && !ascii_is_digit(type.ptr[i]) && type.ptr[i] != '-')
            return;
    }
    if (xtext_decode(a, slice_from(orcpt, (size_t)colon + 1), &address) == 0)
        add_typed(to, a, "Original-Recipient", type, address);
}

static void add_report_recipient(struct buf *to, struct arena *a,
                                 const struct dsn_recipient *recipient) {
    bool remote = recipient->remote_host.len > 0;
    struct slice address = address_text(a, recipient->address);
    buf_add_str(to, "\r\n");
    add_original_recipient(to, a, recipient->original);
    if (recipient->address->utf8)
        add_typed(to, a, "Final-Recipient", S("utf-8"), ascii_form(a, address));
    else
        add_typed(to, a, "Final-Recipient", S("rfc822"), address);
    add_field(to, "Action", slice_of_str(dsn_action_name(recipient->action)));
    add_field(to, "Status", dsn_status(recipient));
    add_typed(to, a, "Remote-MTA", S("dns"), recipient->remote_host);
    add_typed(to, a, "Diagnostic-Code", remote ? S("smtp") : S("x-hayauma"), recipient->diagnostic);
    add_date(to, "Last-Attempt-Date", recipient->last_attempt);
    if (recipient->action == DSN_DELAYED)
        add_date(to, "Will-Retry-Until", recipient->retry_until);
}

/* A list of parts in a mail program shows it. */
static void describe(struct buf *to, const char *words) {
    compose_text_field(to, "Content-Description", slice_of_str(words));
}

/* RFC 3464 §2: fields about the message, then a group of fields for each recipient. */
static void add_report(struct buf *to, const struct dsn *dsn) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice envelope_id;
    describe(to, "配送の詳細 / Delivery report");
    buf_add_str(to, "Content-Type: message/delivery-status\r\n\r\n");
    if (xtext_decode(&a, dsn->envelope_id, &envelope_id) == 0)
        add_field(to, "Original-Envelope-Id", text_one_line(&a, envelope_id, DIAGNOSTIC_MAX, true));
    add_typed(to, &a, "Reporting-MTA", S("dns"), dsn->host);
    add_date(to, "Arrival-Date", dsn->arrival);
    for (size_t i = 0; i < dsn->recipient_count; i++)
        add_report_recipient(to, &a, &dsn->recipients[i]);
}

/* Bytes that may stand in a part as they are; with `eight_bit`, also those above 127. */
static bool passes(struct slice bytes, bool eight_bit, bool *ret_has_eight_bit) {
    struct message_scan scan = {0};
    message_scan_feed(&scan, bytes);
    *ret_has_eight_bit = scan.has_eight_bit;
    return (eight_bit || !scan.has_eight_bit) && !scan.has_nul && !scan.has_bare_cr &&
           scan.longest_line <= LINE_MAX_BYTES;
}

/* The header of the message, as many whole fields as may be returned. */
static void add_header_part(struct buf *to, const struct dsn *dsn) {
    struct header_limits limits = {.bytes = dsn->max_returned};
    struct header_cursor c = {.message = dsn->message, .limits = &limits};
    for (struct header_field field; header_next(&c, &field);)
        continue;
    struct slice header = slice_first(dsn->message, c.at);
    bool has_eight_bit = false;
    describe(to, "元のメールのヘッダー / Header of the original message");
    buf_add_str(to, "Content-Type: text/rfc822-headers; charset=utf-8\r\n");
    if (passes(header, false, &has_eight_bit)) {
        buf_add_str(to, "\r\n");
        encode_plain_body(to, header);
    } else {
        buf_add_str(to, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        encode_quoted_printable_body(to, header);
    }
}

static enum returned choose_returned(const struct dsn *dsn) {
    bool has_eight_bit = false, anything_failed = false;
    for (size_t i = 0; i < dsn->recipient_count; i++)
        anything_failed |= dsn->recipients[i].action == DSN_FAILED;
    if (dsn->header_only || dsn->message.len > dsn->max_returned || !anything_failed ||
        !passes(dsn->message, dsn->eight_bit, &has_eight_bit))
        return RETURN_HEADER;
    return has_eight_bit ? RETURN_8BIT : RETURN_7BIT;
}

static void add_message_part(struct buf *to, const struct dsn *dsn, enum returned returned) {
    if (returned == RETURN_HEADER) {
        add_header_part(to, dsn);
        return;
    }
    describe(to, "元のメール / Original message");
    buf_printf(to, "Content-Type: message/rfc822\r\n%s\r\n",
               returned == RETURN_8BIT ? EIGHT_BIT_FIELD : "");
    encode_plain_body(to, dsn->message);
}

/* RFC 3834 §3.1.5: an answer names what it answers. */
static void add_references(struct buf *to, struct slice message) {
    struct header_field field;
    if (!header_find(message, NULL, S("Message-ID"), 0, &field))
        return;
    struct slice id = message_id_find(field.raw);
    if (!text_is_plain(id) || id.len > FOLD_WORD_MAX)
        return;
    add_field(to, "In-Reply-To", id);
    add_field(to, "References", id);
}

static void add_header(struct buf *to, const struct dsn *dsn, enum returned returned) {
    struct address daemon = {.local = S("MAILER-DAEMON"), .domain = dsn->host};
    struct compose_mailbox from = {.name = S("Mail delivery"), .address = &daemon};
    add_date(to, "Date", dsn->now);
    compose_mailboxes(to, "From", &from, 1);
    if (dsn->sender->utf8)
        buf_add_str(to, "To: undisclosed-recipients:;\r\n");
    else
        compose_mailboxes(to, "To", &(struct compose_mailbox){.address = dsn->sender}, 1);
    compose_text_field(to, "Subject", slice_of_str(dsn_subject(dsn)));
    add_field(to, "Message-ID", dsn->message_id);
    add_references(to, dsn->message);
    if (dsn->tls_waived)
        buf_add_str(to, "TLS-Required: No\r\n");
    buf_add_str(to, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    buf_printf(to,
               "%sContent-Type: multipart/report; report-type=delivery-status;\r\n"
               " boundary=\"%.*s\"\r\n",
               returned == RETURN_8BIT ? EIGHT_BIT_FIELD : "", SLICE_ARG(dsn->boundary));
}

void dsn_compose(struct buf *to, const struct dsn *dsn) {
    enum returned returned = choose_returned(dsn);
    _cleanup_(buf_done) struct buf words = {0};
    add_header(to, dsn, returned);

    compose_boundary(to, dsn->boundary, false);
    describe(to, "お知らせ / Notification");
    buf_add_str(to, "Content-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    dsn_text(&words, dsn);
    encode_quoted_printable_body(to, buf_slice(&words));

    compose_boundary(to, dsn->boundary, false);
    add_report(to, dsn);
    compose_boundary(to, dsn->boundary, false);
    add_message_part(to, dsn, returned);
    compose_boundary(to, dsn->boundary, true);
}
