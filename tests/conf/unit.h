/* SPDX-License-Identifier: ISC */
/*
 * What the tests of conf/ share.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/error.h"
#include "conf/conf.h"

static inline void assert_text(struct slice got, const char *expected) {
    struct slice want = slice_of_str(expected);
    if (!slice_eq(got, want))
        fail_msg("got \"%.*s\", expected \"%s\"", SLICE_ARG(got), expected);
}

static inline void assert_has(struct slice text, const char *part) {
    if (slice_find(text, slice_of_str(part)) < 0)
        fail_msg("\"%s\" is not in: %.*s", part, SLICE_ARG(text));
}

/* The settings of a text that has to be good. */
static inline struct conf *conf_of(const char *text) {
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    _cleanup_(buf_done) struct buf said = {0};
    struct conf *conf = NULL;
    int r = conf_parse(slice_of_str(text), "t", &conf, &problems);
    conf_problems_write(&problems, &said);
    if (r != 0)
        fail_msg("%s", buf_str(&said));
    return conf;
}

/* All that is wrong with a text must be exactly this. */
static inline void assert_problems(const char *text, const char *expected) {
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    _cleanup_(buf_done) struct buf said = {0};
    struct conf *conf = NULL;
    assert_int_equal(conf_parse(slice_of_str(text), "t", &conf, &problems), -E_SYNTAX);
    assert_null(conf);
    conf_problems_write(&problems, &said);
    assert_text(buf_slice(&said), expected);
}
