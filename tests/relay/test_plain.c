/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "relay/plain.h"

static struct net_addr address(unsigned number) {
    char text[32];
    struct net_addr addr;
    (void)snprintf(text, sizeof text, "10.0.%u.%u", number / 256, number % 256);
    assert_int_equal(net_parse(slice_of_str(text), 25, &addr), 0);
    return addr;
}

static void remembered_for_its_time_by_address_and_port(void **state) {
    struct plain_hosts *p = plain_new();
    struct net_addr one = address(1), other = address(2), port = one;
    net_set_port(&port, 587);
    assert_false(plain_has(p, &one, 0));
    plain_add(p, &one, 0);
    assert_true(plain_has(p, &one, PLAIN_FOR - 1));
    assert_false(plain_has(p, &other, 0));
    assert_false(plain_has(p, &port, 0));
    plain_add(p, &one, USEC_HOUR);
    assert_true(plain_has(p, &one, PLAIN_FOR));
    assert_false(plain_has(p, &one, PLAIN_FOR + USEC_HOUR));
    plain_add(p, &one, 0);
    plain_remove(p, &one);
    plain_remove(p, &one);
    assert_false(plain_has(p, &one, 0));
    plain_free(p);
}

static void number_is_bounded_the_oldest_goes(void **state) {
    struct plain_hosts *p = plain_new();
    for (unsigned i = 0; i <= PLAIN_MAX; i++) {
        struct net_addr addr = address(i);
        plain_add(p, &addr, i);
    }
    struct net_addr first = address(0), second = address(1), last = address(PLAIN_MAX);
    assert_false(plain_has(p, &first, PLAIN_MAX));
    assert_true(plain_has(p, &second, PLAIN_MAX));
    assert_true(plain_has(p, &last, PLAIN_MAX));
    plain_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembered_for_its_time_by_address_and_port),
        cmocka_unit_test(number_is_bounded_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
