/* SPDX-License-Identifier: ISC */
#include "sender/dkim/dkim_sign.h"

#include "base/encode.h"
#include "sender/dkim/dkim_signature.h"

#define COLUMNS 76U

static const struct {
    const char *name;
    unsigned more; /* often than it stands there */
} signed_fields[] = {
    {"From", 1},
    {"To", 1},
    {"Cc", 1},
    {"Subject", 1},
    {"Date", 1},
    {"Reply-To", 1},
    {"Sender", 0},
    {"Message-ID", 0},
    {"In-Reply-To", 0},
    {"References", 0},
    {"MIME-Version", 0},
    {"Content-Type", 0},
    {"Content-Transfer-Encoding", 0},
    {"List-Id", 0},
    {"List-Help", 0},
    {"List-Unsubscribe", 0},
    {"List-Unsubscribe-Post", 0},
    {"List-Subscribe", 0},
    {"List-Post", 0},
    {"List-Owner", 0},
    {"List-Archive", 0},
};

void dkim_sign_names(const struct sender_fields *fields, struct buf *to) {
    for (size_t i = 0; i < ARRAY_SIZE(signed_fields); i++) {
        size_t first, count;
        count = sender_fields_find(fields, slice_of_str(signed_fields[i].name), &first);
        for (size_t k = 0; count > 0 && k < count + signed_fields[i].more; k++)
            buf_printf(to, "%s%s", to->len > 0 ? ":" : "", signed_fields[i].name);
    }
}

/* Appends text that may be cut before each of its pieces, where the line gets too long. */
static void add_folded(struct buf *to, size_t *line, struct slice text, char behind) {
    struct slice piece;
    while (text.len > 0) {
        ssize_t at = behind ? slice_find_byte(text, behind) : -1;
        piece = slice_first(text, behind ? at < 0 ? text.len : (size_t)at + 1
                                         : MIN(text.len, COLUMNS - MIN(*line, COLUMNS - 1)));
        if (*line + piece.len > COLUMNS || *line >= COLUMNS - 1) {
            buf_add_str(to, "\r\n\t");
            *line = 8;
            if (!behind)
                continue;
        }
        buf_add(to, piece);
        *line += piece.len;
        text = slice_from(text, piece.len);
    }
}

void dkim_sign_begin(const struct dkim_signing *signing, const struct sender_fields *fields,
                     struct slice names, struct buf *field,
                     unsigned char digest[static DIGEST_LEN]) {
    _cleanup_(buf_done) struct buf text = {0};
    const struct slice name = signing->instance ? S("ARC-Message-Signature") : S("DKIM-Signature");
    size_t begin = field->len, line = 10;
    if (signing->instance)
        buf_printf(field, "%.*s: i=%u;", SLICE_ARG(name), signing->instance);
    else
        buf_printf(field, "%.*s: v=1;", SLICE_ARG(name));
    buf_printf(field, " a=%s; c=relaxed/relaxed;\r\n\td=%.*s; s=%.*s;\r\n\tt=%lld;",
               dkim_algorithm_name(signing->algorithm), SLICE_ARG(signing->domain),
               SLICE_ARG(signing->selector), (long long)signing->now);
    if (signing->expires)
        buf_printf(field, " x=%lld;", (long long)signing->expires);
    buf_add_str(field, "\r\n\th=");
    add_folded(field, &line, names, ':');
    buf_add_str(field, ";\r\n\tbh=");
    base64_encode(field, slice_of(signing->body_hash, DIGEST_LEN));
    buf_add_str(field, ";\r\n\tb=");
    const struct slice all = slice_from(buf_slice(field), begin);
    const struct sender_field own = {name, all, slice_from(all, name.len + 1)};
    const struct dkim_signature signature = {
        .relaxed_header = true, .names = names, .signed_form = all};
    dkim_signed_header(fields, &own, &signature, &text);
    digest_of(buf_slice(&text), digest);
}

void dkim_sign_end(struct buf *field, struct slice signature) {
    _cleanup_(buf_done) struct buf text = {0};
    size_t line = 10;
    base64_encode(&text, signature);
    add_folded(field, &line, buf_slice(&text), 0);
    buf_add_str(field, "\r\n");
}
