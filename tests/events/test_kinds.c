/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "events/kinds.h"

static void names_and_codes_are_used_once(void **state) {
    (void)state;
    for (size_t i = 0; i < kind_count; i++) {
        assert_true(kind_table[i].code > 0 && kind_table[i].name.len <= 48);
        assert_ptr_equal(kind_find(kind_table[i].name), &kind_table[i]);
        assert_ptr_equal(kind_of_code(kind_table[i].code), &kind_table[i]);
    }
    for (size_t i = 0; i < fact_count; i++) {
        assert_true(fact_table[i].code > 0 && fact_table[i].name.len <= 32);
        assert_ptr_equal(fact_find(fact_table[i].name), &fact_table[i]);
        assert_ptr_equal(fact_of_code(fact_table[i].code), &fact_table[i]);
    }
}

static void each_kind_says_what_it_means(void **state) {
    (void)state;
    for (size_t i = 0; i < kind_count; i++) {
        const struct kind *k = &kind_table[i];
        struct slice rest = slice_of_str(k->facts), word;
        unsigned facts = 0;
        assert_in_range(strlen(k->title), 1, 13); /* its column is 14 wide */
        assert_true(strlen(k->meaning) > 5 && k->meaning[strlen(k->meaning) - 1] == '.');
        while (slice_next_word(&rest, &word)) {
            facts++;
            if (!fact_find(word))
                fail_msg("%.*s: no fact \"%.*s\"", SLICE_ARG(k->name), SLICE_ARG(word));
        }
        assert_true(facts <= 32); /* the schema's bound */
    }
    for (size_t i = 0; i < fact_count; i++)
        assert_in_range(strlen(fact_table[i].label), 1, 13);
}

static void results_name_somebody(void **state) {
    (void)state;
    for (size_t i = 0; i < kind_count; i++) {
        struct slice rest = slice_of_str(kind_table[i].facts), word;
        bool has_to = false;
        while (slice_next_word(&rest, &word))
            has_to |= slice_eq(word, S(FACT_TO));
        if (kind_table[i].disposition != DISPOSITION_NONE && !has_to)
            fail_msg("%.*s has a disposition for nobody", SLICE_ARG(kind_table[i].name));
    }
}

static void unknown_ones_are_no_error(void **state) {
    (void)state;
    assert_null(kind_find(S("")));
    assert_null(kind_find(S("accepte")));
    assert_null(kind_of_code(0));
    assert_null(fact_find(S("fro")));
    assert_int_equal(kind_level(S("something new")), CONF_LOG_INFO);
    assert_string_equal(level_name(CONF_LOG_WARNING), "warning");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_codes_are_used_once),
        cmocka_unit_test(each_kind_says_what_it_means),
        cmocka_unit_test(results_name_somebody),
        cmocka_unit_test(unknown_ones_are_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
