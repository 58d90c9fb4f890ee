/* SPDX-License-Identifier: ISC */
/*
 * What is written for people and programs.
 */
#include "conf/show.h"
#include "conf/share.h"
#include "message/text.h"
#include "unit.h"

static void assert_same(const struct conf *a, const struct conf *b) {
    _cleanup_(arena_done) struct arena arena = {0};
    struct conf_diff diff = conf_diff(a, b, &arena);
    if (diff.count > 0)
        fail_msg("%s: \"%.*s\" became \"%.*s\"", diff.list[0].setting->name,
                 SLICE_ARG(diff.list[0].before), SLICE_ARG(diff.list[0].after));
}

static void the_annotated_file_reads_back_the_same(void **state) {
    struct conf *conf =
        conf_of("hostname a.example\nsmtp {\ntimeout 5min\nmin-rate 1K\n"
                "banner \"no \\\"spam\\\"\"\n}\nrelay {\nsmart-host b.example:26\n}\n");
    for (unsigned language = 0; language < CONF_LANGUAGE_COUNT; language++) {
        _cleanup_(buf_done) struct buf text = {0};
        conf_write_annotated(conf, (enum conf_language)language, &text);
        struct conf *again = conf_of(buf_str(&text));
        assert_same(conf, again);
        conf_free(again);
        assert_has(buf_slice(&text), "\n    timeout 5min\n");
        assert_has(buf_slice(&text), "\n    min-rate 1K\n");
        assert_has(buf_slice(&text), "\n    #recipients-max 1000\n");
        assert_has(buf_slice(&text), "\nhostname a.example\n");
    }
    conf_free(conf);
}

/* Lines such as "    #timeout 5min" lose their "#", comments have a space behind it and keep it. */
static void the_defaults_of_the_annotated_file_are_the_defaults(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(buf_done) struct buf active = {0};
    conf_write_annotated(NULL, CONF_ENGLISH, &text);
    size_t uncommented = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool setting = text.ptr[i] == '#' && i + 1 < text.len && text.ptr[i + 1] != ' ';
        uncommented += setting;
        if (!setting)
            buf_add_byte(&active, text.ptr[i]);
    }
    assert_int_equal(uncommented, conf_setting_count);
    struct conf *conf = conf_of(buf_str(&active));
    struct conf *defaults = conf_of("hostname mail.example.jp\n");
    assert_same(conf, defaults);
    conf_free(conf);
    conf_free(defaults);
}

/* In Japanese, too, though that has few blanks. What a setting is worth is never broken. */
static void comments_of_the_annotated_file_are_at_most_96_columns_wide(void **state) {
    for (int language = 0; language < CONF_LANGUAGE_COUNT; language++) {
        _cleanup_(buf_done) struct buf text = {0};
        conf_write_annotated(NULL, (enum conf_language)language, &text);
        struct slice rest = buf_slice(&text);
        struct slice line = {NULL, 0};
        while (slice_next(&rest, '\n', &line)) {
            if (text_columns(line) > 96)
                fail_msg("%zu columns: %.*s", text_columns(line), SLICE_ARG(line));
        }
    }
}

static void a_setting_is_described_in_both_languages(void **state) {
    struct conf *conf = conf_of("hostname a.example\nsmtp {\nmessage-size-max 100M\n}\n");
    const struct conf_setting *s = conf_setting_find(S("smtp.message-size-max"), NULL);
    _cleanup_(buf_done) struct buf text = {0};
    conf_describe(s, conf, CONF_ENGLISH, &text);
    assert_text(buf_slice(&text), "smtp.message-size-max\n"
                                  "  The largest message from outside, as announced with SIZE.\n"
                                  "\n"
                                  "  value    100M (line 3 of the file)\n"
                                  "  default  50M\n"
                                  "  form     a size such as 500, 64K, 50M or 2G, from 64K to 2G\n"
                                  "  example  smtp {\n"
                                  "               message-size-max 100M\n"
                                  "           }\n"
                                  "  goes to  edge\n"
                                  "  change   takes effect at a reload\n");
    buf_clear(&text);
    conf_describe(s, conf, CONF_JAPANESE, &text);
    assert_has(buf_slice(&text), "  値            100M（ファイルの 3 行目）\n");
    assert_has(buf_slice(&text), "  既定値        50M\n");
    assert_has(buf_slice(&text), "  使うプロセス  edge\n");
    assert_has(buf_slice(&text), "  例            smtp {\n                    message-size-max");
    buf_clear(&text);
    conf_describe(conf_setting_find(S("hostname"), NULL), NULL, CONF_ENGLISH, &text);
    assert_has(buf_slice(&text), "  default  none; it has to be set\n");
    assert_has(buf_slice(&text), "  example  hostname mail.example.jp\n");
    conf_free(conf);
}

static size_t lines_of(struct slice text) {
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

static void the_table_lists_all_or_what_was_changed(void **state) {
    struct conf *conf = conf_of("hostname a.example\nsmtp {\ntimeout 5min\nmin-rate 1K\n}\n");
    _cleanup_(buf_done) struct buf text = {0};
    conf_write_table(conf, true, &text);
    assert_text(buf_slice(&text), "hostname                           a.example  line 1\n"
                                  "smtp.min-rate                      1K  (default 500)  line 4\n");
    buf_clear(&text);
    conf_write_table(conf, false, &text);
    assert_int_equal(lines_of(buf_slice(&text)), conf_setting_count);
    conf_free(conf);
}

static void json_has_what_the_table_has(void **state) {
    struct conf *conf = conf_of("hostname a.example\nport-offset 2000\n");
    _cleanup_(buf_done) struct buf text = {0};
    conf_write_json(conf, true, &text);
    assert_has(buf_slice(&text),
               "{\"name\":\"port-offset\",\"type\":\"number\",\"value\":\"2000\",\"default\":\"0\","
               "\"changed\":true,\"line\":2,\"restart\":true,\"roles\":[\"master\",\"relay\"],"
               "\"about\":{\"en\":\"Added to ");
    assert_has(buf_slice(&text), "\"default\":null");
    assert_true(slice_ends(buf_slice(&text), S("}]")));
    buf_clear(&text);
    conf_describe_json(conf_setting_find(S("log.level"), NULL), conf, &text);
    assert_has(buf_slice(&text), "\"value\":\"info\"");
    assert_has(buf_slice(&text), "\"line\":null");
    conf_free(conf);
}

static void the_man_page_names_every_setting(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    conf_write_man(CONF_ENGLISH, &text);
    size_t items = 0;
    struct slice rest = buf_slice(&text);
    struct slice line = {NULL, 0};
    while (slice_next(&rest, '\n', &line)) {
        items += slice_starts(line, S(".It Cm "));
        for (size_t i = 0; i < line.len; i++)
            assert_true((uint8_t)line.ptr[i] < 0x80);
    }
    assert_int_equal(items, conf_setting_count);
    assert_has(buf_slice(&text), ".Ss The block smtp\n");
    assert_has(buf_slice(&text), "(RFC 5321 \\(sc4.5.3.2.6: 10min)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_annotated_file_reads_back_the_same),
        cmocka_unit_test(the_defaults_of_the_annotated_file_are_the_defaults),
        cmocka_unit_test(comments_of_the_annotated_file_are_at_most_96_columns_wide),
        cmocka_unit_test(a_setting_is_described_in_both_languages),
        cmocka_unit_test(the_table_lists_all_or_what_was_changed),
        cmocka_unit_test(json_has_what_the_table_has),
        cmocka_unit_test(the_man_page_names_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
