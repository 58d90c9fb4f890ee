/* SPDX-License-Identifier: ISC */
/*
 * Writes what is made of the table at build time: `conf-docs man`, `conf-docs man-ja`, `conf-docs
 * sample`, `conf-docs sample-ja`.
 */
#include <stdio.h>

#include "base/buf.h"
#include "conf/show.h"

int main(int argc, char **argv) {
    struct slice what = argc == 2 ? slice_of_str(argv[1]) : S("");
    _cleanup_(buf_done) struct buf text = {0};
    if (slice_eq(what, S("man")))
        conf_write_man(CONF_ENGLISH, &text);
    else if (slice_eq(what, S("man-ja")))
        conf_write_man(CONF_JAPANESE, &text);
    else if (slice_eq(what, S("sample")))
        conf_write_annotated(NULL, CONF_ENGLISH, &text);
    else if (slice_eq(what, S("sample-ja")))
        conf_write_annotated(NULL, CONF_JAPANESE, &text);
    if (text.len == 0) {
        (void)fprintf(stderr, "usage: %s man | man-ja | sample | sample-ja\n", argv[0]);
        return 2;
    }
    return fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0 ? 0 : 1;
}
