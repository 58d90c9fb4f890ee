/* SPDX-License-Identifier: ISC */
/* The C library is the oracle: the same text, the same length, for every size of the buffer. */
#include "unit.h"

#include <limits.h>
#include <stdio.h>

#include "base/format.h"

#define SIZES 40U

PRINTF_LIKE(1, 2) static void same(const char *format, ...) {
    for (size_t size = 0; size <= SIZES; size++) {
        char got[SIZES + 2], want[SIZES + 2];
        va_list args;
        memset(got, '~', sizeof got);
        memset(want, '~', sizeof want);
        va_start(args, format);
        int want_len = vsnprintf(want, size, format, args);
        va_end(args);
        va_start(args, format);
        int got_len = format_text(got, size, format, args);
        va_end(args);
        assert_int_equal(got_len, want_len);
        assert_memory_equal(got, want, sizeof got);
    }
}

static void test_texts(void **state) {
    (void)state;
    same("%s", "");
    same("nothing to convert, and longer than the largest of the buffers here");
    same("%s and %s", "tama", "pochi");
    same("<%.*s>", 3, "tama");
    same("<%.*s>", 0, "tama");
    same("<%.*s>", -1, "tama");
    same("<%.*s>", 9, "tama\0more");
    same("<%.2s><%.0s><%.200s>", "tama", "tama", "tama");
    same("<%10s><%2s>", "tama", "tama");
    same("%c%c%%%c", 'a', '\0', 'z');
    same("%-10s|%-*.*s|", "tama", 6, 2, "pochi");
    same("%*s|", 7, "tama");
    same("100%%");
}

static void test_numbers(void **state) {
    static const long long values[] = {0,       1,       -1,        9,         10,       -10,
                                       INT_MAX, INT_MIN, LLONG_MAX, LLONG_MIN, 123456789};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        long long v = values[i];
        unsigned long long u = (unsigned long long)v;
        same("%d %u", (int)v, (unsigned)v);
        same("%lld %llu", v, u);
        same("%ld %lu", (long)v, (unsigned long)v);
        same("%zu %zd", (size_t)u, (ssize_t)v);
        same("%x %X %o", (unsigned)v, (unsigned)v, (unsigned)v);
        same("%llx", u);
        same("%016llx", u);
        same("%02x:%04X:%03o", (unsigned)v & 255, (unsigned)v & 255, (unsigned)v & 7);
        same("%02d-%5d-%05d", (int)v, (int)v, (int)v);
        same("%06llu %3u", u, (unsigned)v);
        same("%lo", (unsigned long)v);
    }
}

/* They are the library's. */
static void test_what_else_formats_hold(void **state) {
    (void)state;
    same("%s %.1f", "x", 1.25);
    same("%+d % d %#x %-5d|", 5, 5, 5U, 5);
    same("%.3d %hhu %hd", 7, (unsigned char)200, (short)-3);
    same("%5c|%100d", 'x', 3);
    same("%jd %td", (intmax_t)-9, (ptrdiff_t)4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_what_else_formats_hold),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
