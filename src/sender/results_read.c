/* SPDX-License-Identifier: ISC */
/*
 * Tokens, and what stands between them. A value in quotes is one token whatever is in it, so what a
 * stranger has put there cannot look like a result; comments are blanks.
 */
#include "sender/results_read.h"

#include "message/cfws.h"

struct reading {
    struct slice rest;
    struct slice token; /* "=", ";", a word, or the inside of a quoted string */
    bool quoted;
};

static bool ends_word(char c) {
    return ascii_is_space(c) || slice_find_byte(S("=;()\""), c) >= 0;
}

static bool next(struct reading *r) {
    r->rest = cfws_pass(r->rest);
    if (r->rest.len == 0)
        return false;
    char c = r->rest.ptr[0];
    size_t len = 0;
    r->quoted = c == '"';
    if (r->quoted) {
        len = cfws_quoted_length(r->rest, '"');
        r->token = slice_from(slice_first(r->rest, len > 1 ? len - 1 : len), 1);
    } else {
        while (len < r->rest.len && !ends_word(r->rest.ptr[len]))
            len++;
        len = MAX(len, (size_t)1); /* a mark by itself */
        r->token = slice_first(r->rest, len);
    }
    r->rest = slice_from(r->rest, len);
    return true;
}

static bool is_word(const struct reading *r, struct slice word) {
    return !r->quoted && slice_eq_nocase(r->token, word);
}

/* "name = value": the value, when a name has one. */
static bool next_value(struct reading *r, struct slice *ret) {
    struct reading ahead = *r;
    if (!next(&ahead) || !is_word(&ahead, S("=")) || !next(&ahead))
        return false;
    if (is_word(&ahead, S(";")))
        return false;
    *ret = ahead.token;
    *r = ahead;
    return true;
}

/* "header.from" of an address is its domain. */
static bool is_domain(struct slice value, struct slice domain) {
    return slice_eq_nocase(slice_from(value, (size_t)(slice_rfind_byte(value, '@') + 1)), domain);
}

bool results_say_dmarc_passed(struct slice text, struct slice domain) {
    struct reading r = {.rest = text};
    bool begins = false, passed = false, is_his = false; /* of the result that is being read */
    while (next(&r)) {
        struct slice value = {0};
        if (is_word(&r, S(";"))) {
            if (passed && is_his)
                return true;
            begins = true;
            passed = is_his = false;
            continue;
        }
        bool dmarc = begins && is_word(&r, S("dmarc"));
        bool from = is_word(&r, S("header.from"));
        begins = false;
        if (!next_value(&r, &value))
            continue;
        passed |= dmarc && slice_eq_nocase(value, S("pass"));
        is_his |= from && is_domain(value, domain);
    }
    return passed && is_his;
}
