/* SPDX-License-Identifier: ISC */
#include "reports/mail.h"

#include <zlib.h>

#include "message/write/compose.h"

#define WINDOW_GZIP (15 + 16)
#define MEMORY      8 /* zlib's default */

void report_gzip(struct buf *to, struct slice bytes) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes.ptr, .avail_in = (uInt)bytes.len};
    int r =
        deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MEMORY, Z_DEFAULT_STRATEGY);
    MUST(r == Z_OK && bytes.len <= UINT32_MAX);
    size_t most = deflateBound(&z, bytes.len);
    buf_reserve(to, most);
    z.next_out = (Bytef *)to->ptr + to->len;
    z.avail_out = (uInt)most;
    r = deflate(&z, Z_FINISH);
    MUST(r == Z_STREAM_END);
    to->len += z.total_out;
    (void)deflateEnd(&z);
}

void aggregate_mail_add(struct buf *to, const struct aggregate_mail *mail) {
    const struct compose_mailbox receiver = {.address = mail->to};
    struct compose_attachment file = {.type = S("application/gzip"), .bytes = mail->file};
    _cleanup_(arena_done) struct arena a = {0};
    file.file_name =
        arena_printf(&a, "%.*s!%.*s!%lld!%lld.xml.gz", SLICE_ARG(mail->host),
                     SLICE_ARG(mail->domain), (long long)mail->begin, (long long)mail->end);
    const struct compose message = {
        .from = {.name = mail->organization, .address = mail->from},
        .to = &receiver,
        .to_count = 1,
        .subject =
            arena_printf(&a, "Report Domain: %.*s Submitter: %.*s Report-ID: <%.*s>",
                         SLICE_ARG(mail->domain), SLICE_ARG(mail->host), SLICE_ARG(mail->id)),
        .date = mail->now,
        .message_id = mail->message_id,
        .automatic = true,
        .text = arena_printf(&a,
                             "This is a DMARC aggregate report (RFC 9990) about messages in the"
                             " name of %.*s\nthat came to %.*s.\n",
                             SLICE_ARG(mail->domain), SLICE_ARG(mail->host)),
        .attachments = &file,
        .attachment_count = 1,
        .boundary = mail->boundary,
    };
    compose_message(to, &message);
}
