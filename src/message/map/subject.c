/* SPDX-License-Identifier: ISC */
#include "message/map/subject.h"

#include "base/siphash.h"
#include "message/words.h"

/* ------------------------------------------------------------------ base subject */

/* Runs of blanks become one, in place. */
static struct slice squeeze(struct buf *text, size_t from) {
    size_t len = from;
    for (size_t i = from; i < text->len; i++) {
        bool blank = ascii_is_space(text->ptr[i]);
        if (!blank || (len > from && text->ptr[len - 1] != ' '))
            text->ptr[len++] = blank ? ' ' : text->ptr[i];
    }
    text->len = len;
    return slice_from(buf_slice(text), from);
}

/* subj-trailer: blanks and "(fwd)" at the end. */
static void drop_trailers(struct slice *s, bool *is_answer) {
    for (;;) {
        *s = slice_trim(*s);
        if (!slice_ends_nocase(*s, S("(fwd)")))
            return;
        s->len -= 5;
        *is_answer = true;
    }
}

/* subj-blob at the front: "[list 123]" and blanks. Its length, or 0. */
static size_t blob_length(struct slice s) {
    if (!slice_starts(s, S("[")))
        return 0;
    size_t n = 1;
    while (n < s.len && s.ptr[n] != '[' && s.ptr[n] != ']')
        n++;
    if (n == s.len || s.ptr[n] != ']')
        return 0;
    for (n++; n < s.len && s.ptr[n] == ' '; n++)
        continue;
    return n;
}

/* subj-refwd at the front: "Re:", "Fwd [list]:". Its length, or 0. */
static size_t refwd_length(struct slice s) {
    size_t n = slice_starts_nocase(s, S("fwd"))                                     ? 3
               : slice_starts_nocase(s, S("fw")) || slice_starts_nocase(s, S("re")) ? 2
                                                                                    : 0;
    if (n == 0)
        return 0;
    while (n < s.len && s.ptr[n] == ' ')
        n++;
    n += blob_length(slice_from(s, n));
    return n < s.len && s.ptr[n] == ':' ? n + 1 : 0;
}

/*
 * Steps 3 to 5: leaders, and blobs that stand alone, unless nothing would be left. Blobs that no
 * "Re:" follows are taken off at once, since none follows when the first of them is gone.
 */
static void drop_leaders(struct slice *s, bool *is_answer) {
    for (;;) {
        struct slice rest = *s, before = *s;
        for (size_t n; (n = blob_length(rest)) > 0; rest = slice_from(rest, n))
            before = rest;
        size_t n = refwd_length(rest);
        if (n == 0) {
            *s = rest.len > 0 ? rest : before;
            return;
        }
        *is_answer = true;
        *s = slice_trim(slice_from(rest, n));
    }
}

bool subject_base(struct buf *to, struct slice value) {
    size_t from = to->len;
    bool is_answer = false;
    words_decode(to, value);
    struct slice s = squeeze(to, from);
    for (;;) {
        drop_trailers(&s, &is_answer);
        drop_leaders(&s, &is_answer);
        if (!slice_starts_nocase(s, S("[fwd:")) || !slice_ends(s, S("]")))
            break;
        s = slice_from(slice_first(s, s.len - 1), 5);
        is_answer = true;
    }
    if (s.len > 0)
        memmove(to->ptr + from, s.ptr, s.len);
    to->len = from + s.len;
    return is_answer;
}

/* ------------------------------------------------------------------ message ids */

static uint64_t number_of(struct buf *scratch, struct slice id) {
    static const uint8_t key[16] = {0};
    buf_clear(scratch);
    for (size_t i = 0; i < id.len; i++) {
        if (!ascii_is_space(id.ptr[i]) && id.ptr[i] != '"' && id.ptr[i] != '\\')
            buf_add_byte(scratch, id.ptr[i]);
    }
    if (scratch->len == 0)
        return 0;
    return MAX(siphash_keyed(buf_slice(scratch), key), (uint64_t)1);
}

/* The next id between brackets. */
static bool next_id(struct slice *rest, struct slice *ret) {
    ssize_t open = slice_find_byte(*rest, '<');
    if (open < 0)
        return false;
    *rest = slice_from(*rest, (size_t)open + 1);
    ssize_t close = slice_find_byte(*rest, '>');
    if (close < 0)
        return false;
    *ret = slice_first(*rest, (size_t)close);
    *rest = slice_from(*rest, (size_t)close + 1);
    return true;
}

size_t message_ids_read(struct slice value, uint64_t *ids, size_t max) {
    _cleanup_(buf_done) struct buf scratch = {0};
    struct slice id, rest = value, word;
    size_t found = 0, skip = 0, count = 0;
    while (next_id(&rest, &id))
        found++;
    if (found == 0) {
        rest = value;
        if (max == 0 || !slice_next_word(&rest, &word) || slice_trim(rest).len > 0)
            return 0;
        ids[0] = number_of(&scratch, word);
        return ids[0] != 0;
    }
    skip = found - MIN(found, max);
    for (rest = value; next_id(&rest, &id);) {
        if (skip > 0) {
            skip--;
            continue;
        }
        ids[count] = number_of(&scratch, id);
        count += ids[count] != 0;
    }
    return count;
}
