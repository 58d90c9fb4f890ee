/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "directory/name.h"

static struct arena arena;

static int clean(void **state) {
    arena_done(&arena);
    return 0;
}

static struct name parse(const char *text) {
    struct name name;
    assert_int_equal(name_parse(&arena, slice_of_str(text), &name, NULL), 0);
    return name;
}

static void test_rfc5321_s24_local_parts_are_compared_without_case(void **state) {
    struct name name = parse("Tama.Yamada@Example.TEST");
    assert_slice(name.text, "tama.yamada@example.test");
    assert_slice(name.written, "Tama.Yamada@example.test");
    assert_slice(name_domain_key(&name), "@example.test");
}

static void test_rfc5321_s412_a_quoted_local_part_means_its_content(void **state) {
    struct name name = parse("\"Tama\"@example.test");
    assert_slice(name.text, "tama@example.test");
    name = parse("\"Tama Yamada\"@example.test");
    assert_slice(name.local, "tama yamada");
    assert_slice(name.text, "\"tama yamada\"@example.test");
    assert_slice(name_domain_key(&name), "@example.test");
}

static void test_text_that_is_no_address_is_refused(void **state) {
    static const char *const bad[] = {"", "tama", "@example.test", "tama@", "a b@example.test"};
    struct name name;
    struct problem problem;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        problem.text[0] = '\0';
        assert_true(name_parse(&arena, slice_of_str(bad[i]), &name, &problem) < 0);
        assert_true(problem.text[0] != '\0');
    }
}

static void test_a6_the_detail_is_cut_off_as_written(void **state) {
    struct name name = parse("Tama+Shop+2@example.test");
    struct name base;
    struct slice detail;
    assert_true(name_split(&arena, &name, '+', &base, &detail));
    assert_slice(base.text, "tama@example.test");
    assert_slice(detail, "Shop+2");
    name = parse("tama@example.test");
    assert_false(name_split(&arena, &name, '+', &base, &detail));
    name = parse("+tama@example.test");
    assert_false(name_split(&arena, &name, '+', &base, &detail));
}

static struct slice filled(const char *text, uint64_t number) {
    struct name_template t;
    assert_int_equal(name_template_parse(slice_of_str(text), &t, NULL), 0);
    return name_template_fill(&arena, &t, number);
}

static void test_c7_templates_number_with_and_without_zeros(void **state) {
    assert_slice(filled("user%d@example.test", 0), "user0@example.test");
    assert_slice(filled("user%d@example.test", 12345), "user12345@example.test");
    assert_slice(filled("user%03d@example.test", 7), "user007@example.test");
    assert_slice(filled("user%03d@example.test", 1234), "user1234@example.test");
    assert_slice(filled("%09d", 1), "000000001");
}

static void test_c7_other_templates_are_refused_with_a_sentence(void **state) {
    static const char *const bad[] = {"user@example.test", "user%", "user%s@x",  "user%3d@x",
                                      "user%00d@x",        "%d%d",  "%%d",       "user%0",
                                      "user%d%@x",         "%-3d",  "user%012d", "user%ld"};
    struct name_template t;
    struct problem problem;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        problem.text[0] = '\0';
        assert_int_equal(name_template_parse(slice_of_str(bad[i]), &t, &problem), -E_SYNTAX);
        assert_true(problem.text[0] != '\0');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_rfc5321_s24_local_parts_are_compared_without_case, clean),
        cmocka_unit_test_teardown(test_rfc5321_s412_a_quoted_local_part_means_its_content, clean),
        cmocka_unit_test_teardown(test_text_that_is_no_address_is_refused, clean),
        cmocka_unit_test_teardown(test_a6_the_detail_is_cut_off_as_written, clean),
        cmocka_unit_test_teardown(test_c7_templates_number_with_and_without_zeros, clean),
        cmocka_unit_test_teardown(test_c7_other_templates_are_refused_with_a_sentence, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
