/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "message/queue_id.h"

#define MS_2020 (INT64_C(1577836800) * 1000)

static void ids_hold_time_worker_and_counter(void **state) {
    struct queue_ids ids;
    queue_ids_init(&ids, 0xa5);
    ids.counter = 6;
    queue_id id = queue_id_next(&ids, (MS_2020 + 1000) * 1000 + 999);
    assert_int_equal(id, UINT64_C(1000) << 22 | UINT64_C(0xa5) << 14 | 7);
    assert_int_equal(queue_id_time(id), (MS_2020 + 1000) * 1000);
}

static void ids_grow_when_the_clock_steps_back(void **state) {
    struct queue_ids ids;
    queue_ids_init(&ids, 1);
    queue_id last = queue_id_next(&ids, TEST_TIME);
    for (int64_t back = 0; back < 100000; back++) {
        queue_id id = queue_id_next(&ids, TEST_TIME - back * 1000);
        assert_true(id > last);
        last = id;
    }
    assert_true(queue_id_next(&ids, 0) > last);
    assert_true(queue_id_next(&ids, -1) > last);
}

static void ids_grow_beyond_16384_in_one_millisecond(void **state) {
    struct queue_ids ids;
    queue_ids_init(&ids, 255);
    queue_id last = 0;
    for (unsigned i = 0; i < 100000; i++) {
        queue_id id = queue_id_next(&ids, TEST_TIME);
        assert_true(id > last);
        assert_int_equal(id >> 14 & 255, 255);
        last = id;
    }
    assert_in_range(queue_id_time(last), TEST_TIME, TEST_TIME + 8000);
}

static void the_worker_of_an_id_is_found(void **state) {
    for (unsigned worker = 0; worker < 256; worker++) {
        struct queue_ids ids;
        queue_ids_init(&ids, (uint8_t)worker);
        assert_int_equal(queue_id_worker(queue_id_next(&ids, TEST_TIME)), worker);
    }
    assert_int_equal(queue_id_worker(UINT64_MAX), 255);
}

static void counters_of_two_processes_start_apart(void **state) {
    unsigned same = 0;
    for (unsigned i = 0; i < 64; i++) {
        struct queue_ids a;
        struct queue_ids b;
        queue_ids_init(&a, 1);
        queue_ids_init(&b, 1);
        same += queue_id_next(&a, TEST_TIME) == queue_id_next(&b, TEST_TIME);
    }
    assert_true(same < 8);
}

static int by_number(const void *a, const void *b) {
    const queue_id *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* A machine that has lost its clock starts often, and takes some messages each time. */
static void ids_of_many_starts_before_2020_differ(void **state) {
    static queue_id all[1000];
    for (size_t i = 0; i < ARRAY_SIZE(all);) {
        struct queue_ids ids;
        queue_ids_init(&ids, 1);
        for (unsigned k = 0; k < 10; k++)
            all[i++] = queue_id_next(&ids, 100 * USEC_SEC + k);
    }
    qsort(all, ARRAY_SIZE(all), sizeof all[0], by_number);
    for (size_t i = 1; i < ARRAY_SIZE(all); i++)
        assert_true(all[i] != all[i - 1]);
    assert_true(queue_id_time(all[ARRAY_SIZE(all) - 1]) < (MS_2020 + INT64_C(2592000000)) * 1000);
}

static void text_is_13_characters_of_base32(void **state) {
    static const struct {
        queue_id id;
        const char *text;
    } known[] = {
        {0, "0000000000000"},
        {31, "000000000000z"},
        {32, "0000000000010"},
        {UINT64_MAX, "fzzzzzzzzzzzz"},
        {UINT64_C(1) << 60, "1000000000000"},
    };
    char text[QUEUE_ID_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        queue_id back = 1;
        assert_slice(queue_id_format(known[i].id, text), known[i].text);
        assert_int_equal(queue_id_parse(slice_of_str(known[i].text), &back), 0);
        assert_true(back == known[i].id);
    }
}

static void text_takes_either_case_and_lookalikes(void **state) {
    queue_id id = 0;
    assert_int_equal(queue_id_parse(S("0OoIiLl00000Z"), &id), 0);
    queue_id want = 0;
    assert_int_equal(queue_id_parse(S("000111100000z"), &want), 0);
    assert_true(id == want);
}

static void text_of_another_form_is_refused(void **state) {
    queue_id id = 7;
    assert_int_equal(queue_id_parse(S(""), &id), -E_SYNTAX);
    assert_int_equal(queue_id_parse(S("000000000000"), &id), -E_SYNTAX);
    assert_int_equal(queue_id_parse(S("00000000000000"), &id), -E_SYNTAX);
    assert_int_equal(queue_id_parse(S("g000000000000"), &id), -E_SYNTAX);
    assert_int_equal(queue_id_parse(S("000000000000u"), &id), -E_SYNTAX);
    assert_int_equal(queue_id_parse(S("00000-0000000"), &id), -E_SYNTAX);
    assert_int_equal(queue_id_parse(S("00000\0000000"), &id), -E_SYNTAX);
    assert_int_equal(id, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_hold_time_worker_and_counter),
        cmocka_unit_test(ids_grow_when_the_clock_steps_back),
        cmocka_unit_test(ids_grow_beyond_16384_in_one_millisecond),
        cmocka_unit_test(the_worker_of_an_id_is_found),
        cmocka_unit_test(counters_of_two_processes_start_apart),
        cmocka_unit_test(ids_of_many_starts_before_2020_differ),
        cmocka_unit_test(text_is_13_characters_of_base32),
        cmocka_unit_test(text_takes_either_case_and_lookalikes),
        cmocka_unit_test(text_of_another_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
