/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "auth/newcomer.h"

#define NAME     S("tama@example.test")
#define PATIENCE (60 * USEC_SEC)
#define NOW      (1000 * USEC_SEC)

/* Each time from another network. */
static usec_t enter(struct newcomers *n, struct slice name, usec_t now) {
    static uint32_t network;
    bool of_network;
    network++;
    return newcomers_enter(n, slice_of(&network, sizeof network), name, now, PATIENCE, &of_network);
}

static void use_up(struct newcomers *n, usec_t now) {
    for (int i = 0; i < NEWCOMER_BURST; i++)
        assert_int_equal(enter(n, NAME, now), 0);
}

static void test_a_hundred_at_once_then_one_in_ten_seconds(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    use_up(n, NOW);
    for (int i = 1; i <= 6; i++)
        assert_int_equal(enter(n, NAME, NOW), i * 10 * USEC_SEC);
    assert_int_equal(enter(n, NAME, NOW), 70 * USEC_SEC);
    /* that one was turned away and took none */
    assert_int_equal(enter(n, NAME, NOW), 70 * USEC_SEC);
    assert_int_equal(enter(n, NAME, NOW + 70 * USEC_SEC), 0);
    assert_int_equal(enter(n, NAME, NOW + 70 * USEC_SEC), 10 * USEC_SEC);
}

static void test_no_more_than_a_hundred_are_saved_up(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    use_up(n, NOW);
    use_up(n, NOW + USEC_HOUR);
    assert_true(enter(n, NAME, NOW + USEC_HOUR) > 0);
}

static void test_a_success_gives_its_token_back(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    for (int i = 0; i < 3 * NEWCOMER_BURST; i++) {
        assert_int_equal(enter(n, NAME, NOW), 0);
        newcomers_give_back(n, S("\x0a\0\0\1"), NAME);
    }
    use_up(n, NOW);
    assert_true(enter(n, NAME, NOW) > 0);
}

static void test_names_are_apart_and_their_case_is_not(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    use_up(n, NOW);
    assert_int_equal(enter(n, S("kobo@example.test"), NOW), 0);
    assert_true(enter(n, S("TAMA@example.test"), NOW) > 0);
}

static void test_other_names_push_none_out(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    use_up(n, NOW);
    for (unsigned i = 0; i < 300000; i++)
        (void)enter(n, slice_of(&i, sizeof i), NOW);
    assert_true(enter(n, NAME, NOW) > 0);
}

static void test_a_name_of_any_length_is_taken(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    char name[5000];
    memset(name, 'x', sizeof name);
    assert_int_equal(enter(n, slice_of(name, sizeof name), NOW), 0);
    assert_int_equal(enter(n, S(""), NOW), 0);
}

/* ------------------------------------------------------------------ one network, many names */

static bool of_network;

/* Each time for another name. */
static usec_t enter_from(struct newcomers *n, struct slice network, usec_t now) {
    static uint32_t name;
    name++;
    return newcomers_enter(n, network, slice_of(&name, sizeof name), now, PATIENCE, &of_network);
}

static void use_up_network(struct newcomers *n, struct slice network) {
    for (int i = 0; i < NEWCOMER_NETWORK_BURST; i++)
        assert_int_equal(enter_from(n, network, NOW), 0);
}

static void test_a_network_has_three_hundred_then_one_in_a_second(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    struct slice here = S("\xc0\x00\x02\x01");
    use_up_network(n, here);
    for (int i = 1; i <= 60; i++)
        assert_int_equal(enter_from(n, here, NOW), i * USEC_SEC);
    assert_int_equal(enter_from(n, here, NOW), 61 * USEC_SEC);
    assert_true(of_network);
    assert_int_equal(enter_from(n, S("\xc0\x00\x02\x02"), NOW), 0);
    newcomers_give_back(n, here, S("who has succeeded"));
    assert_int_equal(enter_from(n, here, NOW), 60 * USEC_SEC);
}

static void test_a_network_that_has_to_wait_takes_no_tokens_of_accounts(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    struct slice here = S("\xc0\x00\x02\x01");
    use_up_network(n, here);
    for (int i = 0; i < NEWCOMER_BURST + 1; i++)
        (void)newcomers_enter(n, here, NAME, NOW, 0, &of_network);
    assert_int_equal(enter(n, NAME, NOW), 0);
    use_up(n, NOW + USEC_HOUR); /* and the other way round */
    struct slice there = S("\xc0\x00\x02\x03");
    for (int i = 0; i < NEWCOMER_NETWORK_BURST; i++)
        assert_true(newcomers_enter(n, there, NAME, NOW + USEC_HOUR, 0, &of_network) > 0);
    assert_false(of_network);
    assert_int_equal(enter_from(n, there, NOW + USEC_HOUR), 0);
}

/* One customer has a /48. */
static void test_a_site_of_ipv6_is_one_network(void **state) {
    _cleanup_(newcomers_free_p) struct newcomers *n = newcomers_new();
    use_up_network(n, S("\x20\x01\x0d\xb8\0\1\0\1\0\0\0\0\0\0\0\1"));
    assert_true(enter_from(n, S("\x20\x01\x0d\xb8\0\1\xff\1\0\0\0\0\0\0\0\2"), NOW) > 0);
    assert_int_equal(enter_from(n, S("\x20\x01\x0d\xb8\0\2\0\1\0\0\0\0\0\0\0\1"), NOW), 0);
}

/* ------------------------------------------------------------------ networks */

static void test_a_network_is_an_ipv4_address_or_a_slash_64(void **state) {
    struct known_networks k = {0};
    assert_false(known_networks_have(&k, S("\0\0\0\0")));
    known_networks_add(&k, S("\xc0\x00\x02\x01"));
    known_networks_add(&k, S("\x20\x01\x0d\xb8\0\0\0\x01\0\0\0\0\0\0\0\x01"));
    assert_true(known_networks_have(&k, S("\xc0\x00\x02\x01")));
    assert_true(known_networks_have(&k, S("\x20\x01\x0d\xb8\0\0\0\x01\xff\0\0\0\0\0\0\x02")));
    assert_false(known_networks_have(&k, S("\xc0\x00\x02\x02")));
    assert_false(known_networks_have(&k, S("\x20\x01\x0d\xb8\0\0\0\x02\0\0\0\0\0\0\0\x01")));
    assert_false(known_networks_have(&k, S("\xc0\x00\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0")));
}

static void test_the_last_eight_are_known(void **state) {
    struct known_networks k = {0};
    for (char i = 1; i <= 8; i++)
        known_networks_add(&k, slice_of((char[]){10, 0, 0, i}, 4));
    known_networks_add(&k, S("\x0a\0\0\x01")); /* again: the latest now */
    known_networks_add(&k, S("\x0a\0\0\x09"));
    assert_int_equal(k.count, 8);
    for (char i = 1; i <= 9; i++)
        assert_int_equal(known_networks_have(&k, slice_of((char[]){10, 0, 0, i}, 4)), i != 2);
}

static void test_networks_are_kept_as_bytes(void **state) {
    struct known_networks k = {0}, other = {0};
    known_networks_add(&k, S("\x0a\0\0\x01"));
    known_networks_add(&k, S("\x0a\0\0\x02"));
    assert_int_equal(known_networks_bytes(&k).len, 16);
    known_networks_read(&other, known_networks_bytes(&k));
    assert_memory_equal(&k, &other, sizeof k);
    known_networks_read(&other, S("odd"));
    assert_int_equal(other.count, 0);
    char many[9 * NETWORK_SIZE] = {0};
    known_networks_read(&other, slice_of(many, sizeof many));
    assert_int_equal(other.count, 0);
}

static bool joined_has(size_t own, size_t earlier, char last) {
    struct known_networks k = {0}, old = {0};
    for (size_t i = 0; i < own; i++)
        known_networks_add(&k, slice_of((const char[]){10, 0, 0, (char)i}, 4));
    for (size_t i = 0; i < earlier; i++)
        known_networks_add(&old, slice_of((const char[]){10, 0, 1, (char)i}, 4));
    known_networks_add(&old, slice_of((const char[]){10, 0, 0, 0}, 4));
    known_networks_join(&k, &old);
    assert_true(k.count <= KNOWN_NETWORKS);
    for (size_t i = 0; i < own; i++)
        assert_true(known_networks_have(&k, slice_of((const char[]){10, 0, 0, (char)i}, 4)));
    return known_networks_have(&k, slice_of((const char[]){10, 0, 1, last}, 4));
}

static void test_earlier_networks_come_behind_as_far_as_there_is_room(void **state) {
    (void)state;
    assert_true(joined_has(1, 7, 0));
    assert_true(joined_has(2, 7, 1));
    assert_false(joined_has(2, 7, 0)); /* the first of all */
    assert_false(joined_has(8, 1, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hundred_at_once_then_one_in_ten_seconds),
        cmocka_unit_test(test_no_more_than_a_hundred_are_saved_up),
        cmocka_unit_test(test_a_success_gives_its_token_back),
        cmocka_unit_test(test_names_are_apart_and_their_case_is_not),
        cmocka_unit_test(test_other_names_push_none_out),
        cmocka_unit_test(test_a_name_of_any_length_is_taken),
        cmocka_unit_test(test_a_network_has_three_hundred_then_one_in_a_second),
        cmocka_unit_test(test_a_network_that_has_to_wait_takes_no_tokens_of_accounts),
        cmocka_unit_test(test_a_site_of_ipv6_is_one_network),
        cmocka_unit_test(test_a_network_is_an_ipv4_address_or_a_slash_64),
        cmocka_unit_test(test_the_last_eight_are_known),
        cmocka_unit_test(test_networks_are_kept_as_bytes),
        cmocka_unit_test(test_earlier_networks_come_behind_as_far_as_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
