/* SPDX-License-Identifier: ISC */
#include "message/xtext.h"

#include "base/encode.h"
#include "base/error.h"

static bool is_xchar(char c) {
    return c > 32 && c < 127 && c != '+' && c != '=';
}

void xtext_encode(struct buf *to, struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if (is_xchar(text.ptr[i]))
            buf_add_byte(to, text.ptr[i]);
        else
            buf_printf(to, "+%02X", (unsigned char)text.ptr[i]);
    }
}

int xtext_decode(struct arena *a, struct slice xtext, struct slice *ret) {
    char *text = arena_alloc(a, xtext.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < xtext.len; i++) {
        if (is_xchar(xtext.ptr[i])) {
            text[len++] = xtext.ptr[i];
            continue;
        }
        if (xtext.ptr[i] != '+' || i + 2 >= xtext.len)
            return -E_SYNTAX;
        int high = hex_value(xtext.ptr[i + 1]);
        int low = hex_value(xtext.ptr[i + 2]);
        if (high < 0 || low < 0)
            return -E_SYNTAX;
        text[len++] = (char)(high << 4 | low);
        i += 2;
    }
    *ret = slice_of(text, len);
    return 0;
}
