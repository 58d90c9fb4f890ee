/* SPDX-License-Identifier: ISC */
/*
 * What every unit test includes: cmocka with the headers it wants first, and running a test's body
 * inside a fiber.
 *
 *     FIBER_TEST(sleep_ends_in_order) { ... }      simulated time
 *     REAL_FIBER_TEST(reads_a_socket) { ... }      the machine's clock
 *     cmocka_unit_test(test_sleep_ends_in_order)
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

#define TEST_WALL ((int64_t)1795000000 * 1000000) /* 2026-11-18T11:06:40Z */

#define DEFINE_FIBER_TEST(name, wall)                                                              \
    static void body_##name(void *arg);                                                            \
    static void test_##name(void **state) {                                                        \
        struct fiber_config config = {.simulate_from = (wall)};                                    \
        (void)state;                                                                               \
        assert_int_equal(fiber_run(&config, body_##name, NULL), 0);                                \
    }                                                                                              \
    static void body_##name(void *arg UNUSED)

#define FIBER_TEST(name)      DEFINE_FIBER_TEST(name, TEST_WALL)
#define REAL_FIBER_TEST(name) DEFINE_FIBER_TEST(name, 0)

#define assert_slice(got, text)                                                                    \
    do {                                                                                           \
        struct slice got_ = (got);                                                                 \
        struct slice want_ = slice_of_str(text);                                                   \
        if (!slice_eq(got_, want_))                                                                \
            fail_msg("got \"%.*s\", expected \"%.*s\"", SLICE_ARG(got_), SLICE_ARG(want_));        \
    } while (0)
