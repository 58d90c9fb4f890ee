/* SPDX-License-Identifier: ISC */
/* A report of TLS, or a message with some: what is read is written so that it is read as the same.
 */
#include <stdint.h>

#include "reports/tlsrpt.h"

static void on_report(void *arg, const struct tlsrpt_report *report) {
    _cleanup_(buf_done) struct buf text = {0}, again = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct tlsrpt_report read;
    (void)arg;
    tlsrpt_write(&text, report);
    if (tlsrpt_read(buf_slice(&text), &a, &read, NULL) < 0)
        return; /* what was repaired made it longer than one may be */
    tlsrpt_write(&again, &read);
    MUST(slice_eq(buf_slice(&text), buf_slice(&again)));
}

static void on_bad(void *arg, const struct problem *problem) {
    (void)arg;
    MUST(problem->text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct tlsrpt_sink sink = {on_report, on_bad};
    tlsrpt_read_all(slice_of(data, size), &sink, NULL);
    return 0;
}
