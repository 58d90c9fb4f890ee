/* SPDX-License-Identifier: ISC */
/*
 * What a postmaster should know. While the spool recovers, in another thread, it is kept for later.
 */
#include <stdio.h>

#include "spool/log.h"

struct notice {
    enum spool_notice kind;
    char text[300];
};

void spool_log(struct spool *s, enum spool_notice kind, const char *format, ...) {
    struct notice n = {.kind = kind};
    va_list args;
    if (!s->options.notice)
        return;
    va_start(args, format);
    (void)vsnprintf(n.text, sizeof n.text, format, args);
    va_end(args);
    if (s->recovering)
        buf_add_bytes(&s->notices, &n, sizeof n);
    else
        s->options.notice(s->options.arg, kind, n.text);
}

void spool_log_held_back(struct spool *s) {
    const struct notice *n = (const struct notice *)(const void *)s->notices.ptr;
    for (size_t i = 0; i < s->notices.len / sizeof *n; i++)
        s->options.notice(s->options.arg, n[i].kind, n[i].text);
    buf_done(&s->notices);
}
