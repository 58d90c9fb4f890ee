/* SPDX-License-Identifier: ISC */
/*
 * Any bytes are a settings file: either a conf that can be written and read again with the same
 * values, or problems, at most CONF_PROBLEMS_MAX of them kept.
 */
#include "base/error.h"
#include "conf/share.h"
#include "conf/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The annotated file and each share read back as what was written. */
static void write_and_read_again(const struct conf *conf) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    _cleanup_(conf_free_p) struct conf *again = NULL;
    conf_write_annotated(conf, CONF_ENGLISH, &text);
    MUST(conf_parse(buf_slice(&text), "again", &again, &problems) == 0);
    MUST(conf_diff(conf, again, &a).count == 0);
    for (unsigned role = 0; role < ROLES; role++) {
        _cleanup_(conf_free_p) struct conf *share = NULL;
        buf_clear(&text);
        conf_write_slice(conf, (enum role)role, &text);
        MUST(conf_read_slice(buf_slice(&text), (enum role)role, &share, NULL) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    _cleanup_(conf_free_p) struct conf *conf = NULL;
    _cleanup_(buf_done) struct buf said = {0};
    int r = conf_parse(slice_of(bytes, len), "fuzz", &conf, &problems);
    conf_problems_write(&problems, &said);
    MUST((r == 0) == (problems.count == 0) && problems.count <= CONF_PROBLEMS_MAX);
    if (conf)
        write_and_read_again(conf);
    return 0;
}
