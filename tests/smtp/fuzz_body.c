/* SPDX-License-Identifier: ISC */
/* A message's bytes, read in one window and byte by byte: the outcome has to be the same. */
#include "base/buf.h"
#include "base/error.h"
#include "smtp/body.h"

struct outcome {
    struct smtp_body body;
    struct buf text;
    size_t used;
};

static void read_window(struct outcome *o, struct slice window) {
    struct slice rest = window, chunk;
    while (smtp_body_next(&o->body, &rest, &chunk)) {
        MUST(chunk.len > 0);
        buf_add(&o->text, chunk);
    }
    MUST(o->body.ended || rest.len <= 2);
    o->used += window.len - rest.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct outcome whole = {.body = {.line_max = 30}}, cut = whole;
    const char *text = (const char *)bytes;
    read_window(&whole, slice_of(text, len));
    for (size_t to = 1; to <= len && !cut.body.ended; to++)
        read_window(&cut, slice_of(text + cut.used, to - cut.used));
    MUST(whole.body.ended == cut.body.ended);
    MUST(whole.used == cut.used);
    MUST(slice_eq(buf_slice(&whole.text), buf_slice(&cut.text)));
    MUST((whole.body.fault == SMTP_BODY_FINE) == (cut.body.fault == SMTP_BODY_FINE));
    buf_done(&whole.text);
    buf_done(&cut.text);
    return 0;
}
