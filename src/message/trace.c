/* SPDX-License-Identifier: ISC */
#include "message/trace.h"

#include "message/address/domain.h"
#include "message/write/fold.h"

const char *trace_protocol(bool ehlo, bool tls, bool authenticated, bool smtputf8) {
    static const char *const names[2][2][2] = {
        {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
        {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}},
    };
    return ehlo ? names[smtputf8][tls][authenticated] : "SMTP";
}

/* What others named (HELO, reverse DNS) goes in only if it looks like a name or a literal. */
static bool name_is_sound(struct slice name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && slice_find_byte(S(".-_:[]"), c) < 0)
            return false;
    }
    return name.len > 0 && name.len <= DOMAIN_MAX;
}

/* From-domain with its TCP-info (RFC 5321 §4.4). */
static void from_clause(struct fold *f, const struct trace_received *received) {
    _cleanup_(buf_done) struct buf from = {0};
    _cleanup_(buf_done) struct buf info = {0};
    const char *tag = slice_find_byte(received->ip, ':') >= 0 ? "IPv6:" : "";
    if (received->ip.len > 0)
        buf_printf(&info, "[%s%.*s]", tag, SLICE_ARG(received->ip));
    if (name_is_sound(received->helo))
        buf_add(&from, received->helo);
    else
        buf_add(&from, info.len > 0 ? buf_slice(&info) : S("unknown"));
    fold_word(f, S("from"));
    fold_word(f, buf_slice(&from));
    if (info.len == 0)
        return;
    if (name_is_sound(received->rdns)) {
        fold_printf(f, "(%.*s", SLICE_ARG(received->rdns));
        fold_printf(f, "%.*s)", SLICE_ARG(buf_slice(&info)));
    } else {
        fold_printf(f, "(%.*s)", SLICE_ARG(buf_slice(&info)));
    }
}

void trace_received(struct buf *to, const struct trace_received *received) {
    char id[QUEUE_ID_SIZE];
    char date[40];
    struct fold f;
    fold_begin(&f, to, "Received");
    from_clause(&f, received);
    fold_printf(&f, "by %.*s", SLICE_ARG(received->host));
    fold_printf(&f, "with %s", received->protocol);
    if (received->tls_version)
        fold_printf(&f, "(%s %s)", received->tls_version,
                    received->tls_cipher ? received->tls_cipher : "");
    fold_printf(&f, "id %.*s", SLICE_ARG(queue_id_format(received->id, id)));
    if (received->recipient.len > 0)
        fold_printf(&f, "for <%.*s>", SLICE_ARG(received->recipient));
    fold_glue(&f, S(";"));
    fold_word(&f, time_format_rfc5322(received->arrival, date));
    fold_end(&f);
}

void trace_return_path(struct buf *to, struct slice reverse_path) {
    struct fold f;
    fold_begin(&f, to, "Return-Path");
    fold_printf(&f, "<%.*s>", SLICE_ARG(reverse_path));
    fold_end(&f);
}

void trace_delivered_to(struct buf *to, struct slice recipient) {
    struct fold f;
    fold_begin(&f, to, "Delivered-To");
    fold_word(&f, recipient);
    fold_end(&f);
}
