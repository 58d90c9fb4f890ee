/* SPDX-License-Identifier: ISC */
#include "base/encode.h"
#include "base/error.h"
#include "message/charset/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void read_pieces(int charset, bool lines, size_t piece, struct slice text, struct buf *to) {
    struct charset_reader r;
    charset_reader_init(&r, charset, lines);
    for (size_t at = 0; at < text.len; at += piece) {
        charset_reader_add(&r, slice_first(slice_from(text, at), piece), to);
        MUST(r.held.len <= 4096);
    }
    charset_reader_end(&r, to);
    charset_reader_done(&r);
}

/*
 * A label, a flag and the length of pieces, then a text: well-formed, bounded, nothing in it that a
 * terminal would obey, and the same in pieces as at once.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(buf_done) struct buf whole = {0}, pieces = {0}, line = {0};
    struct slice text = slice_of(bytes, len), label;
    if (!slice_next(&text, '\n', &label) || text.len < 2)
        return 0;
    int charset = MAX(charset_find(label), CHARSET_UNLABELLED);
    bool lines = text.ptr[0] & 1;
    size_t piece = MAX((size_t)(uint8_t)text.ptr[1], (size_t)1);
    text = slice_from(text, 2);
    read_pieces(charset, lines, MAX(text.len, (size_t)1), text, &whole);
    read_pieces(charset, lines, piece, text, &pieces);
    MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    charset_decode(&line, charset, text);
    MUST(lines ? line.len == whole.len : slice_eq(buf_slice(&line), buf_slice(&whole)));
    MUST(whole.len <= 3 * text.len);
    MUST(utf8_valid(buf_slice(&whole)));
    for (size_t i = 0; i < whole.len; i++) {
        uint8_t c = (uint8_t)whole.ptr[i];
        MUST((c >= ' ' && c != 0x7f) || (lines && (c == '\t' || c == '\r' || c == '\n')));
        MUST(c != 0xc2 || (uint8_t)whole.ptr[i + 1] >= 0xa0); /* C1 */
    }
    return 0;
}
