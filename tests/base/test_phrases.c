/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/phrases.h"

static void a_sentence_is_found_as_a_whole(void **state) {
    static const struct phrase list[] = {{"stored", "A"}, {"stored here", "B"}};
    assert_string_equal(phrase_in_japanese(list, 2, S("stored here")), "B");
    assert_string_equal(phrase_in_japanese(list, 2, S("stored")), "A");
    assert_null(phrase_in_japanese(list, 2, S("store")));
    assert_null(phrase_in_japanese(list, 1, S("stored here")));
}

static void conversions_have_to_be_the_same_in_the_same_order(void **state) {
    static const struct {
        struct phrase phrase;
        bool good;
    } cases[] = {
        {{"nothing", "X"}, true},           {{"%zu of %s", "%zu (%s)"}, true},
        {{"%zu of %s", "%s (%zu)"}, false}, {{"%u", "X"}, false},
        {{"nothing", "%d"}, false},         {{"%lu", "%u"}, false},
        {{"100 %% of %u", "%% %u"}, true},  {{"%u", "%u %u"}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(phrase_is_good(&cases[i].phrase), cases[i].good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_is_found_as_a_whole),
        cmocka_unit_test(conversions_have_to_be_the_same_in_the_same_order),
    };
    return cmocka_run_group_tests_name("phrases", tests, NULL, NULL);
}
