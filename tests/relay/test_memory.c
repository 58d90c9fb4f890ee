/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "relay/memory.h"

static struct net_addr address(unsigned number) {
    char text[32];
    struct net_addr addr;
    (void)snprintf(text, sizeof text, "10.0.%u.%u", number / 256, number % 256);
    assert_int_equal(net_parse(slice_of_str(text), 25, &addr), 0);
    return addr;
}

static void remembered_for_its_time_by_address_and_port(void **state) {
    struct host_memory *p = host_memory_new();
    struct net_addr one = address(1), other = address(2), port = one;
    net_set_port(&port, 587);
    assert_false(host_memory_has(p, HOST_FAILS_TLS, &one, 0));
    host_memory_add(p, HOST_FAILS_TLS, &one, 0);
    assert_true(host_memory_has(p, HOST_FAILS_TLS, &one, HOST_MEMORY_FOR - 1));
    assert_false(host_memory_has(p, HOST_FAILS_TLS, &other, 0));
    assert_false(host_memory_has(p, HOST_FAILS_TLS, &port, 0));
    host_memory_add(p, HOST_FAILS_TLS, &one, USEC_HOUR);
    assert_true(host_memory_has(p, HOST_FAILS_TLS, &one, HOST_MEMORY_FOR));
    assert_false(host_memory_has(p, HOST_FAILS_TLS, &one, HOST_MEMORY_FOR + USEC_HOUR));
    host_memory_add(p, HOST_FAILS_TLS, &one, 0);
    host_memory_remove(p, HOST_FAILS_TLS, &one);
    host_memory_remove(p, HOST_FAILS_TLS, &one);
    assert_false(host_memory_has(p, HOST_FAILS_TLS, &one, 0));
    host_memory_release(p);
}

static void number_is_bounded_the_oldest_goes(void **state) {
    struct host_memory *p = host_memory_new();
    for (unsigned i = 0; i <= HOST_MEMORY_MAX; i++) {
        struct net_addr addr = address(i);
        host_memory_add(p, HOST_FAILS_TLS, &addr, i);
    }
    struct net_addr first = address(0), second = address(1), last = address(HOST_MEMORY_MAX);
    assert_false(host_memory_has(p, HOST_FAILS_TLS, &first, HOST_MEMORY_MAX));
    assert_true(host_memory_has(p, HOST_FAILS_TLS, &second, HOST_MEMORY_MAX));
    assert_true(host_memory_has(p, HOST_FAILS_TLS, &last, HOST_MEMORY_MAX));
    host_memory_release(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembered_for_its_time_by_address_and_port),
        cmocka_unit_test(number_is_bounded_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
