/* SPDX-License-Identifier: ISC */
#include "journey/key.h"

#include "events/kinds.h"
#include "journey/record.h"
#include "message/domain.h"
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

static bool is_international(struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80)
            return true;
    }
    return false;
}

struct slice key_fold(struct slice text, char folded[static KEY_MAX]) {
    text = slice_trim_lines(text);
    if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
        text = slice_trim_lines(slice_first(slice_from(text, 1), text.len - 2));
    text = slice_first(text, KEY_MAX);
    for (size_t i = 0; i < text.len; i++)
        folded[i] = ascii_lower(text.ptr[i]);
    size_t len = is_international(text) ? fold_domain(folded, text.len) : text.len;
    return slice_of(folded, len);
}

/* A value that holds keys begins: addresses one by one, anything else as a whole. */
static bool begin_value(const struct event_fact *f, struct key_walk *w) {
    const struct fact *fact = fact_find(f->name);
    if (!fact || !fact->key)
        return false;
    w->rest = f->value;
    return f->value.len > 0;
}

bool key_next(const struct event *e, struct key_walk *w, char folded[static KEY_MAX],
              struct slice *ret) {
    struct slice piece;
    while (w->inside || w->fact < e->fact_count) {
        if (!w->inside)
            w->inside = begin_value(&e->facts[w->fact++], w);
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
