/* SPDX-License-Identifier: ISC */
/* Who gets a connection, and who waits for one. */
#include "relay/pool.h"

#include "unit.h"

#include "fiber/fiber.h"

struct taker {
    struct pool *pool;
    struct slice key;
    struct pool_connection *connection;
    int result;
};

static void take(void *arg) {
    struct taker *t = arg;
    usec_t until;
    t->result = pool_take(t->pool, t->key, true, &t->connection, &until);
}

static struct fiber *begin(struct taker *t, struct pool *p, const char *key) {
    struct fiber *f;
    *t = (struct taker){.pool = p, .key = slice_of_str(key), .result = 1};
    assert_int_equal(fiber_start("taker", take, t, &f), 0);
    fiber_yield();
    return f;
}

/* Whoever is told of it first has to wait for his destination, too. */
FIBER_TEST(room_for_a_connection_goes_to_one_who_can_use_it) {
    const struct pool_options options = {
        .pace = {.start = 1, .limit = 1, .rest_first = 1, .rest_most = 1, .destinations = 10},
        .messages_per_connection = 1,
        .connections = 2,
    };
    struct pool *p = pool_new(&options);
    struct taker busy, leaves, waits, wants;
    fiber_join(begin(&busy, p, "busy"));
    fiber_join(begin(&leaves, p, "leaves"));
    struct fiber *first = begin(&waits, p, "busy"), *second = begin(&wants, p, "free");
    assert_int_equal(busy.result, 0);
    assert_int_equal(leaves.result, 0);
    assert_int_equal(wants.result, 1);
    pool_drop(p, leaves.connection);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    assert_int_equal(waits.result, 1);
    assert_int_equal(wants.result, 0);
    fiber_join(second);
    pool_drop(p, busy.connection);
    fiber_join(first);
    assert_int_equal(waits.result, 0);
    pool_drop(p, waits.connection);
    pool_drop(p, wants.connection);
    pool_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_for_a_connection_goes_to_one_who_can_use_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
