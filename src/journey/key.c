/* SPDX-License-Identifier: ISC */
#include "journey/key.h"

#include "events/kinds.h"
#include "journey/record.h"
#include "message/address/domain.h"
#include "message/queue_id.h"

#define PREFIX_MIN 5

/* Puts the canonical form of an internationalised domain behind the "@". */
static size_t fold_domain(char folded[static KEY_MAX], size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice name = {0};
    ssize_t at = slice_rfind_byte(slice_of(folded, len), '@');
    size_t from = (size_t)at + 1;
    if (at < 0 ||
        domain_canonical(&a, slice_of(folded + from, len - from), DOMAIN_UTF8, &name, NULL) < 0 ||
        from + name.len > KEY_MAX)
        return len;
    memcpy(folded + from, name.ptr, name.len);
    return from + name.len;
}

struct slice key_fold(struct slice text, char folded[static KEY_MAX]) {
    text = slice_trim_lines(text);
    if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
        text = slice_trim_lines(slice_first(slice_from(text, 1), text.len - 2));
    text = slice_first(text, KEY_MAX);
    bool international = false;
    for (size_t i = 0; i < text.len; i++) {
        folded[i] = ascii_lower(text.ptr[i]);
        international |= (unsigned char)text.ptr[i] >= 0x80;
    }
    return slice_of(folded, international ? fold_domain(folded, text.len) : text.len);
}

bool key_next(const struct event *e, struct key_walk *w, char folded[static KEY_MAX],
              struct slice *ret) {
    struct slice piece;
    while (w->inside || w->fact < e->fact_count) {
        if (!w->inside) {
            /* a value that holds keys begins: addresses one by one, anything else as a whole */
            const struct event_fact *f = &e->facts[w->fact++];
            const struct fact *fact = fact_find(f->name);
            w->rest = f->value;
            w->inside = fact && fact->key && f->value.len > 0;
        }
        while (w->inside && (w->inside = event_next_address(&w->rest, &piece))) {
            *ret = key_fold(piece, folded);
            if (ret->len > 0)
                return true;
        }
    }
    return false;
}

/* Fills up with the smallest and with the greatest digit. */
bool key_id_range(struct slice text, uint64_t *ret_first, uint64_t *ret_last) {
    char first[QUEUE_ID_DIGITS], last[QUEUE_ID_DIGITS];
    if (text.len < PREFIX_MIN || text.len > QUEUE_ID_DIGITS)
        return false;
    memset(first, '0', sizeof first);
    memset(last, 'z', sizeof last);
    memcpy(first, text.ptr, text.len);
    memcpy(last, text.ptr, text.len);
    queue_id a, b;
    if (queue_id_parse(slice_of(first, sizeof first), &a) < 0 ||
        queue_id_parse(slice_of(last, sizeof last), &b) < 0)
        return false;
    *ret_first = a;
    *ret_last = b;
    return true;
}
