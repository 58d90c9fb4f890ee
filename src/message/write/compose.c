/* SPDX-License-Identifier: ISC */
#include "message/write/compose.h"

#include "message/write/encode.h"

void compose_boundary(struct buf *to, struct slice boundary, bool last) {
    buf_printf(to, "\r\n--%.*s%s\r\n", SLICE_ARG(boundary), last ? "--" : "");
}

void compose_mailboxes(struct buf *to, const char *name, const struct compose_mailbox *boxes,
                       size_t count) {
    struct fold f;
    if (count == 0)
        return;
    fold_begin(&f, to, name);
    for (size_t i = 0; i < count; i++) {
        _cleanup_(buf_done) struct buf address = {0};
        bool named = boxes[i].name.len > 0;
        if (named) {
            encode_phrase(&f, boxes[i].name);
            address_print_path(&address, boxes[i].address);
        } else {
            address_print(&address, boxes[i].address);
        }
        if (i + 1 < count)
            buf_add_byte(&address, ',');
        fold_word(&f, buf_slice(&address));
    }
    fold_end(&f);
}

void compose_text_field(struct buf *to, const char *name, struct slice text) {
    struct fold f;
    fold_begin(&f, to, name);
    encode_text(&f, text);
    fold_end(&f);
}

void compose_text_part(struct buf *to, struct slice text) {
    enum body_encoding encoding = body_encoding_for(text);
    const char *charset = encoding == BODY_7BIT ? "us-ascii" : "utf-8";
    buf_printf(to, "Content-Type: text/plain; charset=%s\r\n", charset);
    buf_printf(to, "Content-Transfer-Encoding: %s\r\n\r\n", body_encoding_name(encoding));
    encode_body(to, encoding, text);
}

static void add_attachment(struct buf *to, const struct compose_attachment *attachment) {
    struct fold f;
    fold_begin(&f, to, "Content-Type");
    fold_word(&f, attachment->type.len > 0 ? attachment->type : S("application/octet-stream"));
    fold_end(&f);
    fold_begin(&f, to, "Content-Disposition");
    fold_word(&f, S("attachment"));
    if (attachment->file_name.len > 0)
        encode_parameter(&f, "filename", attachment->file_name);
    fold_end(&f);
    buf_add_str(to, "Content-Transfer-Encoding: base64\r\n\r\n");
    encode_base64_body(to, attachment->bytes);
}

static void add_header(struct buf *to, const struct compose *message) {
    char date[40];
    buf_printf(to, "Date: %.*s\r\n", SLICE_ARG(time_format_rfc5322(message->date, date)));
    compose_mailboxes(to, "From", &message->from, 1);
    compose_mailboxes(to, "To", message->to, message->to_count);
    compose_mailboxes(to, "Cc", message->cc, message->cc_count);
    compose_text_field(to, "Subject", message->subject);
    buf_printf(to, "Message-ID: %.*s\r\n", SLICE_ARG(message->message_id));
    if (message->automatic)
        buf_add_str(to, "Auto-Submitted: auto-generated\r\n");
    buf_add_str(to, "MIME-Version: 1.0\r\n");
}

void compose_message(struct buf *to, const struct compose *message) {
    add_header(to, message);
    if (message->attachment_count == 0) {
        compose_text_part(to, message->text);
        return;
    }
    buf_printf(to, "Content-Type: multipart/mixed; boundary=\"%.*s\"\r\n",
               SLICE_ARG(message->boundary));
    compose_boundary(to, message->boundary, false);
    compose_text_part(to, message->text);
    for (size_t i = 0; i < message->attachment_count; i++) {
        compose_boundary(to, message->boundary, false);
        add_attachment(to, &message->attachments[i]);
    }
    compose_boundary(to, message->boundary, true);
}
