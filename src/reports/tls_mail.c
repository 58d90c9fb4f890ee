/* SPDX-License-Identifier: ISC */
#include "reports/tls_mail.h"

#include <errno.h>
#include <zlib.h>

#include "message/write/compose.h"
#include "message/write/encode.h"

#define BOUNDARY S("=_tls-report_")

int tls_mail_pack(const struct tlsrpt_report *report, struct buf *to) {
    _cleanup_(buf_done) struct buf text = {0};
    z_stream z = {0};
    tlsrpt_write(&text, report);
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    buf_reserve(to, deflateBound(&z, text.len));
    z.next_in = (unsigned char *)text.ptr;
    z.avail_in = (unsigned)text.len;
    z.next_out = (unsigned char *)to->ptr + to->len;
    z.avail_out = (unsigned)(to->size - to->len);
    int r = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
    to->len += z.total_out;
    (void)deflateEnd(&z);
    return r;
}

void tls_mail_write(struct buf *to, const struct tls_mail *mail) {
    _cleanup_(arena_done) struct arena a = {0};
    struct address from = {.local = S("noreply-tls-reports"), .domain = mail->host};
    ssize_t at = slice_rfind_byte(mail->to, '@');
    struct address reader = {.local = slice_first(mail->to, (size_t)MAX(at, 0)),
                             .domain = slice_from(mail->to, (size_t)(at + 1))};
    struct compose_mailbox sender = {.name = S("TLS reports"), .address = &from};
    struct compose_mailbox box = {.address = &reader};
    char date[40];
    compose_mailboxes(to, "From", &sender, 1);
    compose_mailboxes(to, "To", &box, 1);
    compose_text_field(to, "Subject",
                       arena_printf(&a, "Report Domain: %.*s Submitter: %.*s Report-ID: <%.*s>",
                                    SLICE_ARG(mail->domain), SLICE_ARG(mail->host),
                                    SLICE_ARG(mail->report->id)));
    buf_printf(to, "Date: %.*s\r\nMessage-ID: %.*s\r\n",
               SLICE_ARG(time_format_rfc5322(mail->date, date)), SLICE_ARG(mail->message_id));
    buf_printf(to,
               "TLS-Report-Domain: %.*s\r\nTLS-Report-Submitter: %.*s\r\nTLS-Required: No\r\n"
               "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
               "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"%.*s\"\r\n",
               SLICE_ARG(mail->domain), SLICE_ARG(mail->host), SLICE_ARG(BOUNDARY));
    compose_boundary(to, BOUNDARY, false);
    compose_text_part(to,
                      arena_printf(&a, "This is a report of TLS (RFC 8460) from %.*s about %.*s.\n",
                                   SLICE_ARG(mail->host), SLICE_ARG(mail->domain)));
    compose_boundary(to, BOUNDARY, false);
    buf_printf(to,
               "Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n"
               "Content-Disposition: attachment;\r\n filename=\"%.*s!%.*s!%lld!%lld.json.gz\"\r\n"
               "\r\n",
               SLICE_ARG(mail->host), SLICE_ARG(mail->domain),
               (long long)(mail->report->begin / USEC_SEC),
               (long long)(mail->report->end / USEC_SEC));
    encode_base64_body(to, mail->packed);
    compose_boundary(to, BOUNDARY, true);
}
