/* SPDX-License-Identifier: ISC */
#include "message/cfws.h"

size_t cfws_comment_length(struct slice s, bool *ret_closed) {
    unsigned depth = 0;
    *ret_closed = false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '(' && ++depth > CFWS_DEPTH)
            return 0;
        else if (s.ptr[i] == ')' && --depth == 0) {
            *ret_closed = true;
            return i + 1;
        }
    }
    return s.len;
}

struct slice cfws_pass(struct slice s) {
    while (s.len > 0 && (ascii_is_space(s.ptr[0]) || s.ptr[0] == '(')) {
        bool closed;
        size_t len = s.ptr[0] == '(' ? cfws_comment_length(s, &closed) : 1;
        s = slice_from(s, len > 0 ? len : s.len);
    }
    return s;
}

size_t cfws_quoted_length(struct slice s, char close) {
    size_t i = 1;
    while (i < s.len && s.ptr[i] != close)
        i += s.ptr[i] == '\\' ? 2 : 1;
    return MIN(i + 1, s.len);
}
