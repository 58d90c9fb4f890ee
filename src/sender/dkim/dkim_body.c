/* SPDX-License-Identifier: ISC */
/*
 * Line ends are held back until something comes behind them, since those at the end do not count;
 * so are blanks in the relaxed form, since those at the end of a line do not. Canonical bytes are
 * gathered, so that the hash gets large pieces.
 */
#include "sender/dkim/dkim_body.h"

#include <openssl/evp.h>

#include "base/alloc.h"
#include "sender/digest.h"

#define GATHERED 2048U

struct dkim_body {
    EVP_MD_CTX *hash;
    uint64_t left, beyond;
    bool limited;       /* `left` says how much of a length is missing */
    uint64_t line_ends; /* held back */
    bool relaxed;
    bool blank; /* held back, one for all that stand beside each other */
    bool cr;    /* the chunk ended with a CR, which may be half a line end */
    bool some;  /* something came that is no line end */
    size_t len;
    char gathered[GATHERED];
};

struct dkim_body *dkim_body_new(bool relaxed, uint64_t length) {
    struct dkim_body *b = NEW(struct dkim_body);
    b->relaxed = relaxed;
    b->left = length;
    b->limited = length != UINT64_MAX;
    b->hash = digest_begin();
    return b;
}

void dkim_body_free(struct dkim_body *b) {
    if (!b)
        return;
    EVP_MD_CTX_free(b->hash);
    free(b);
}

static void pass_on(struct dkim_body *b) {
    size_t counts = (size_t)MIN((uint64_t)b->len, b->left);
    digest_add(b->hash, slice_of(b->gathered, counts));
    b->left -= counts;
    b->beyond += b->len - counts;
    b->len = 0;
}

static void put(struct dkim_body *b, struct slice bytes) {
    while (bytes.len > 0) {
        size_t some = MIN(bytes.len, GATHERED - b->len);
        memcpy(b->gathered + b->len, bytes.ptr, some);
        b->len += some;
        bytes = slice_from(bytes, some);
        if (b->len == GATHERED)
            pass_on(b);
    }
}

/* Bytes of a line, of which the first is no blank in the relaxed form. */
static void put_text(struct dkim_body *b, struct slice text) {
    for (; b->line_ends > 0; b->line_ends--)
        put(b, S("\r\n"));
    if (b->blank)
        put(b, S(" "));
    b->blank = false;
    b->some = true;
    put(b, text);
}

static void end_line(struct dkim_body *b) {
    b->blank = false;
    b->line_ends++;
}

/* How many bytes from the front on are text as it is. */
static size_t text_length(const struct dkim_body *b, struct slice s) {
    size_t at = 0;
    if (!b->relaxed) {
        ssize_t cr = slice_find_byte(s, '\r');
        return cr < 0 ? s.len : (size_t)cr;
    }
    while (at < s.len && s.ptr[at] != '\r' && s.ptr[at] != ' ' && s.ptr[at] != '\t')
        at++;
    return at;
}

void dkim_body_add(struct dkim_body *b, struct slice chunk) {
    if (b->cr && chunk.len > 0) {
        b->cr = false;
        if (chunk.ptr[0] == '\n') {
            end_line(b);
            chunk = slice_from(chunk, 1);
        } else {
            put_text(b, S("\r"));
        }
    }
    while (chunk.len > 0) {
        size_t len = text_length(b, chunk);
        if (len > 0) {
            put_text(b, slice_first(chunk, len));
        } else if (chunk.ptr[0] != '\r') {
            b->blank = true;
            len = 1;
        } else if (chunk.len == 1) {
            b->cr = true;
            return;
        } else if (chunk.ptr[1] == '\n') {
            end_line(b);
            len = 2;
        } else {
            put_text(b, S("\r"));
            len = 1;
        }
        chunk = slice_from(chunk, len);
    }
}

bool dkim_body_end(struct dkim_body *b, unsigned char hash[static DIGEST_LEN],
                   uint64_t *ret_beyond) {
    if (b->cr)
        put_text(b, S("\r"));
    if (b->some || !b->relaxed) /* an empty body is a line end in the simple form */
        put(b, S("\r\n"));
    pass_on(b);
    digest_end(b->hash, hash);
    *ret_beyond = b->beyond;
    return !b->limited || b->left == 0;
}
