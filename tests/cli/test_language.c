/* SPDX-License-Identifier: ISC */
/* Which language a locale asks for, also where that locale does not exist on this machine. */
#include "unit.h"

#include "cli/terminal/language.h"

struct locale {
    const char *all, *ctype, *messages, *lang, *language;
};

static struct locale current;

static const char *variable(const char *name) {
    if (strcmp(name, "LC_ALL") == 0)
        return current.all;
    if (strcmp(name, "LC_CTYPE") == 0)
        return current.ctype;
    if (strcmp(name, "LC_MESSAGES") == 0)
        return current.messages;
    if (strcmp(name, "LANG") == 0)
        return current.lang;
    assert_string_equal(name, "LANGUAGE");
    return current.language;
}

static void check(const struct locale *list, size_t count, bool expected) {
    for (size_t i = 0; i < count; i++) {
        current = list[i];
        if (language_wants_japanese(variable) != expected)
            fail_msg("row %zu", i);
    }
}

static void test_a_japanese_locale_asks_for_japanese(void **state) {
    static const struct locale rows[] = {
        {.lang = "ja_JP.UTF-8"},
        {.lang = "ja_JP.utf8"},
        {.lang = "ja"},
        {.lang = "ja_JP"},
        {.lang = "ja.UTF-8@private"},
        {.messages = "ja_JP.UTF-8"},
        {.all = "ja_JP.UTF-8", .lang = "C"},
    };
    (void)state;
    check(rows, ARRAY_SIZE(rows), true);
}

static void test_other_locales_ask_for_english(void **state) {
    static const struct locale rows[] = {
        {0},
        {.lang = "C"},
        {.lang = "POSIX"},
        {.lang = "C.UTF-8"},
        {.lang = "en_US.UTF-8"},
        {.lang = "jam_JM.UTF-8"},
        {.lang = "de_DE.UTF-8", .ctype = "ja_JP.UTF-8"},
    };
    (void)state;
    check(rows, ARRAY_SIZE(rows), false);
}

/* POSIX, Base Definitions §8.2: LC_ALL, then the category, then LANG; empty ones do not count. */
static void test_variables_count_in_the_order_of_posix(void **state) {
    static const struct locale japanese[] = {
        {.all = "ja_JP.UTF-8", .messages = "en_US.UTF-8", .lang = "en_US.UTF-8"},
        {.messages = "ja_JP.UTF-8", .lang = "en_US.UTF-8"},
        {.all = "", .messages = "", .lang = "ja_JP.UTF-8"},
    };
    static const struct locale english[] = {
        {.all = "C", .messages = "ja_JP.UTF-8", .lang = "ja_JP.UTF-8"},
        {.messages = "C", .lang = "ja_JP.UTF-8"},
        {.all = "en_US.UTF-8", .lang = "ja_JP.UTF-8"},
    };
    (void)state;
    check(japanese, ARRAY_SIZE(japanese), true);
    check(english, ARRAY_SIZE(english), false);
}

/* gettext: LANGUAGE comes before the locale, unless that is C. */
static void test_language_is_a_list_before_the_locale(void **state) {
    static const struct locale japanese[] = {
        {.lang = "C.UTF-8", .language = "ja"},
        {.lang = "en_US.UTF-8", .language = "ja"},
        {.lang = "en_US.UTF-8", .language = "de:ja_JP:en"},
        {.lang = "ja_JP.UTF-8", .language = ""},
    };
    static const struct locale english[] = {
        {.language = "ja"},
        {.all = "C", .lang = "ja_JP.UTF-8", .language = "ja"},
        {.lang = "ja_JP.UTF-8", .language = "en:ja"},
        {.lang = "ja_JP.UTF-8", .language = "de"},
    };
    (void)state;
    check(japanese, ARRAY_SIZE(japanese), true);
    check(english, ARRAY_SIZE(english), false);
}

static void test_a_terminal_that_reads_no_utf8_gets_english(void **state) {
    static const struct locale rows[] = {
        {.lang = "ja_JP.eucJP"},
        {.lang = "ja_JP.SJIS"},
        {.lang = "ja_JP.UTF-8", .ctype = "ja_JP.eucJP"},
        {.lang = "ja_JP.UTF-8", .ctype = "C"},
        {.all = "ja_JP.ISO-2022-JP@private"},
        {.lang = "ja_JP.eucJP", .language = "ja"},
    };
    (void)state;
    check(rows, ARRAY_SIZE(rows), false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_japanese_locale_asks_for_japanese),
        cmocka_unit_test(test_other_locales_ask_for_english),
        cmocka_unit_test(test_variables_count_in_the_order_of_posix),
        cmocka_unit_test(test_language_is_a_list_before_the_locale),
        cmocka_unit_test(test_a_terminal_that_reads_no_utf8_gets_english),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
