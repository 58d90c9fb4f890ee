/* SPDX-License-Identifier: ISC */
#include "sender/outgoing.h"

#include "sender/author.h"

#define LABELS_MAX 8U /* above an author's domain that are asked for */

int outgoing_choose_above(struct slice domain, const struct outgoing_vault *vault, struct arena *a,
                          struct outgoing_keys *ret) {
    int r = 0;
    ssize_t dot;
    for (unsigned i = 0; i < LABELS_MAX && (dot = slice_find_byte(domain, '.')) >= 0; i++) {
        r = vault->keys(vault->arg, domain, a, ret);
        if (r < 0 || ret->count > 0)
            return r;
        domain = slice_from(domain, (size_t)dot + 1);
    }
    return r;
}

int outgoing_choose(struct slice header, struct slice other, const struct outgoing_vault *vault,
                    struct arena *a, struct outgoing_keys *ret) {
    struct sender_fields fields;
    struct author author = {.form = AUTHOR_UNREADABLE};
    int r = 0;
    *ret = (struct outgoing_keys){0};
    if (sender_fields_read(header, a, &fields) == 0)
        author_find(&fields, a, &author);
    for (size_t i = 0; r == 0 && ret->count == 0 && i < author.count; i++)
        r = outgoing_choose_above(author.domains[i], vault, a, ret);
    if (r == 0 && ret->count == 0 && other.len > 0)
        r = vault->keys(vault->arg, other, a, ret);
    return r;
}

int outgoing_sign(const struct outgoing *message, const struct outgoing_keys *keys,
                  const struct outgoing_vault *vault, struct arena *a, struct buf *to) {
    _cleanup_(buf_done) struct buf names = {0};
    struct buf texts[OUTGOING_KEYS] = {0};
    unsigned char digests[OUTGOING_KEYS][DIGEST_LEN];
    struct slice signatures[OUTGOING_KEYS];
    struct sender_fields fields;
    int r = sender_fields_read(message->header, a, &fields);
    if (r < 0)
        return r;
    dkim_sign_names(&fields, &names);
    for (size_t i = 0; i < keys->count; i++) {
        const struct dkim_signing signing = {
            .algorithm = keys->list[i].algorithm,
            .domain = keys->domain,
            .selector = keys->list[i].selector,
            .now = message->now,
            .expires = message->expires,
            .body_hash = message->body_hash,
        };
        dkim_sign_begin(&signing, &fields, buf_slice(&names), &texts[i], digests[i]);
    }
    r = vault->sign(vault->arg, keys, (const unsigned char(*)[DIGEST_LEN])digests, a, signatures);
    for (size_t i = 0; i < keys->count; i++) {
        if (r == 0)
            dkim_sign_end(&texts[i], signatures[i]);
        if (r == 0)
            buf_add(to, buf_slice(&texts[i]));
        buf_done(&texts[i]);
    }
    return r;
}
