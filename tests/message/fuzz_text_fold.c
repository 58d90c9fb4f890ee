/* SPDX-License-Identifier: ISC */
#include "base/encode.h"
#include "base/error.h"
#include "message/unicode/casemap.h"
#include "message/unicode/nfc.h"
#include "message/unicode/text_fold.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The length of pieces, and a text: well-formed, bounded, and the same in pieces as at once; form C
 * is what it is. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(buf_done) struct buf whole = {0}, pieces = {0}, mapped = {0};
    _cleanup_(buf_done) struct buf form = {0}, again = {0};
    if (len < 1)
        return 0;
    struct slice text = slice_of(bytes + 1, len - 1);
    size_t piece = MAX((size_t)bytes[0], (size_t)1);
    struct text_fold f = {0};
    text_fold_add(&f, text, &whole);
    text_fold_end(&f, &whole);
    for (size_t at = 0; at < text.len; at += piece)
        text_fold_add(&f, slice_first(slice_from(text, at), piece), &pieces);
    text_fold_end(&f, &pieces);
    MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    MUST(utf8_valid(buf_slice(&whole)) && whole.len <= 11 * text.len);
    casemap_add(&mapped, text);
    MUST(utf8_valid(buf_slice(&mapped)) && mapped.len <= 11 * text.len);
    nfc_add(&form, text);
    nfc_add(&again, buf_slice(&form));
    MUST(form.len <= 3 * text.len && utf8_valid(buf_slice(&form)) == utf8_valid(text));
    MUST(form.len > NFC_MAX || slice_eq(buf_slice(&form), buf_slice(&again)));
    return 0;
}
