/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>

#include "directory/cache.h"

static void test_what_was_put_is_found_with_all_its_texts(void **state) {
    struct cache *c = cache_new(1 << 16);
    char target[] = "kobo@example.test";
    struct slice targets[] = {slice_of_str(target), S("tama@example.org")};
    struct facts facts = {.known = true,
                          .account_id = 7,
                          .quota = 1000,
                          .enabled = true,
                          .first = S("first.test"),
                          .targets = targets,
                          .target_count = 2};
    cache_put(c, S("tama@example.test"), &facts);
    target[0] = 'X'; /* the cache has its own copy */
    const struct facts *got = cache_get(c, S("tama@example.test"));
    assert_non_null(got);
    assert_int_equal(got->account_id, 7);
    assert_int_equal(got->target_count, 2);
    assert_slice(got->targets[0], "kobo@example.test");
    assert_slice(got->targets[1], "tama@example.org");
    assert_slice(got->first, "first.test");
    assert_null(cache_get(c, S("kobo@example.test")));

    struct arena a = {0};
    struct facts copy = facts_copy(&a, got);
    cache_clear(c);
    assert_slice(copy.targets[1], "tama@example.org");
    assert_null(cache_get(c, S("tama@example.test")));
    assert_int_equal(cache_bytes(c), 0);
    arena_done(&a);
    cache_free(c);
}

static void put_many(struct cache *c, const char *prefix, bool known, int count) {
    struct facts facts = {.known = known};
    for (int i = 0; i < count; i++) {
        char key[64];
        int len = snprintf(key, sizeof key, "%s%d@example.test", prefix, i);
        cache_put(c, slice_of(key, (size_t)len), &facts);
    }
}

static void test_it_is_bounded_and_the_least_used_gives_way(void **state) {
    struct cache *c = cache_new(1 << 16);
    struct facts facts = {.known = true};
    cache_put(c, S("used"), &facts);
    for (int i = 0; i < 100; i++) {
        char prefix[16];
        (void)snprintf(prefix, sizeof prefix, "%d-", i);
        put_many(c, prefix, true, 10);
        assert_non_null(cache_get(c, S("used")));
        assert_true(cache_bytes(c) <= 1 << 16);
    }
    assert_null(cache_get(c, S("0-0@example.test")));
    assert_non_null(cache_get(c, S("99-9@example.test")));
    cache_free(c);
}

static void test_e2_names_that_do_not_exist_push_out_none_that_do(void **state) {
    struct cache *c = cache_new(1 << 16);
    put_many(c, "known", true, 20);
    put_many(c, "unknown", false, 100000);
    for (int i = 0; i < 20; i++) {
        char key[64];
        int len = snprintf(key, sizeof key, "known%d@example.test", i);
        assert_non_null(cache_get(c, slice_of(key, (size_t)len)));
    }
    assert_true(cache_bytes(c) <= 1 << 16);
    cache_free(c);
}

static void test_an_entry_larger_than_the_cache_is_not_kept(void **state) {
    struct cache *c = cache_new(1024);
    static char text[4096];
    struct facts facts = {.known = true, .catch_all = {text, sizeof text}};
    cache_put(c, S("@example.test"), &facts);
    assert_null(cache_get(c, S("@example.test")));
    cache_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_found_with_all_its_texts),
        cmocka_unit_test(test_it_is_bounded_and_the_least_used_gives_way),
        cmocka_unit_test(test_e2_names_that_do_not_exist_push_out_none_that_do),
        cmocka_unit_test(test_an_entry_larger_than_the_cache_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
