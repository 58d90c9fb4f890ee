/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/encode.h"
#include "imap/words.h"

static void each_sentence_takes_the_same_arguments_in_both_languages(void **state) {
    for (size_t i = 0; i < imap_phrase_count; i++) {
        const struct phrase *p = &imap_phrases[i];
        if (!phrase_is_good(p) || !utf8_valid(slice_of_str(p->japanese)))
            fail_msg("%s", p->english);
    }
}

static void each_sentence_is_there_once(void **state) {
    for (size_t i = 0; i < imap_phrase_count; i++) {
        const struct phrase *p = &imap_phrases[i];
        if (imap_japanese(slice_of_str(p->english)) != p->japanese)
            fail_msg("%s", p->english);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sentence_takes_the_same_arguments_in_both_languages),
        cmocka_unit_test(each_sentence_is_there_once),
    };
    return cmocka_run_group_tests_name("imap words", tests, NULL, NULL);
}
