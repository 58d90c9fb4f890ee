/* SPDX-License-Identifier: ISC */
/*
 * Shares of the roles: complete, exact, and nothing beyond; and differences.
 */
#include "conf/share.h"
#include "conf/type.h"
#include "conf/value.h"
#include "unit.h"

/* A conf in which every setting has the value of its example. */
static struct conf *conf_of_examples(void) {
    struct conf *conf = conf_new();
    for (size_t i = 0; i < conf_setting_count; i++) {
        char name[CONF_NAME_SIZE];
        (void)conf_setting_name(&conf_settings[i], name);
        assert_int_equal(conf_set(conf, name, slice_of_str(conf_settings[i].example), NULL), 0);
    }
    return conf;
}

static bool is_zero(const struct conf *conf, const struct conf_setting *s) {
    const struct conf_type_row *t = &conf_types[s->type];
    const char *member = (const char *)conf + s->offset;
    for (size_t i = 0; i < (t->is_list ? sizeof(struct conf_spans) : t->size); i++) {
        if (member[i] != 0)
            return false;
    }
    return true;
}

static void assert_same_value(const struct conf_setting *s, const struct conf *a,
                              const struct conf *b) {
    _cleanup_(buf_done) struct buf x = {0};
    _cleanup_(buf_done) struct buf y = {0};
    conf_value_write(s, a, &x);
    conf_value_write(s, b, &y);
    assert_text(buf_slice(&x), buf_str(&y));
}

static void hand_over(const struct conf *conf, enum role role) {
    _cleanup_(buf_done) struct buf text = {0};
    struct problem problem = {0};
    struct conf *got = NULL;
    conf_write_slice(conf, role, &text);
    if (conf_read_slice(buf_slice(&text), role, &got, &problem) != 0)
        fail_msg("%s", problem.text);
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (conf_setting_is_for(&conf_settings[i], role))
            assert_same_value(&conf_settings[i], got, conf);
        else
            assert_true(is_zero(got, &conf_settings[i]));
    }
    conf_free(got);
}

static void each_role_gets_its_settings_and_no_others(void **state) {
    struct conf *defaults = conf_of("hostname a.example\n");
    struct conf *examples = conf_of_examples();
    for (unsigned role = 0; role < ROLES; role++) {
        hand_over(defaults, (enum role)role);
        hand_over(examples, (enum role)role);
    }
    conf_free(defaults);
    conf_free(examples);
}

static void each_setting_reaches_some_role(void **state) {
    for (size_t i = 0; i < conf_setting_count; i++) {
        assert_int_not_equal(conf_settings[i].roles, 0);
        assert_int_equal(conf_settings[i].roles >> ROLES, 0);
    }
}

static void a_share_is_text_in_the_form_of_the_file(void **state) {
    struct conf *conf = conf_of("hostname a.example\ndns {\nresolvers 127.0.0.1:5353\n}\n");
    _cleanup_(buf_done) struct buf text = {0};
    conf_write_slice(conf, ROLE_RESOLVER, &text);
    assert_text(buf_slice(&text), "dns {\n"
                                  "resolvers 127.0.0.1:5353\n"
                                  "}\n");
    conf_free(conf);
}

static void a_share_with_more_or_less_is_refused(void **state) {
    struct conf *got = NULL;
    struct problem problem = {0};
    assert_int_equal(conf_read_slice(S(""), ROLE_RESOLVER, &got, &problem), -E_SYNTAX);
    assert_string_equal(problem.text, "the settings for resolver lack dns.resolvers");
    assert_int_equal(conf_read_slice(S("dns {\nresolvers none\n}\npassword {\npasses 2\n}\n"),
                                     ROLE_RESOLVER, &got, &problem),
                     -E_SYNTAX);
    assert_has(slice_of_str(problem.text), "the settings for resolver, line 5: ");
    assert_null(got);
}

static void what_changed_is_listed_with_its_effect(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct conf *before = conf_of("hostname a.example\nsmtp {\ntimeout 300s\n}\n");
    struct conf *same = conf_of("smtp {\ntimeout 5min\n}\nhostname a.example\n");
    struct conf *reload = conf_of("hostname a.example\nqueue {\nlifetime 4d\n}\n");
    struct conf *restart = conf_of("hostname a.example\nport-offset 2000\n"
                                   "queue {\nlifetime 4d\n}\n");
    assert_int_equal(conf_diff(before, same, &a).count, 0);
    struct conf_diff diff = conf_diff(before, reload, &a);
    assert_int_equal(diff.count, 1);
    assert_string_equal(diff.list[0].setting->name, "lifetime");
    assert_text(diff.list[0].before, "5d");
    assert_text(diff.list[0].after, "4d");
    assert_false(diff.restart);
    assert_int_equal(diff.roles, 1U << ROLE_KEYS | 1U << ROLE_QUEUE | 1U << ROLE_SCAN);
    diff = conf_diff(before, restart, &a);
    assert_int_equal(diff.count, 2);
    assert_true(diff.restart);
    conf_free(before);
    conf_free(same);
    conf_free(reload);
    conf_free(restart);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_gets_its_settings_and_no_others),
        cmocka_unit_test(each_setting_reaches_some_role),
        cmocka_unit_test(a_share_is_text_in_the_form_of_the_file),
        cmocka_unit_test(a_share_with_more_or_less_is_refused),
        cmocka_unit_test(what_changed_is_listed_with_its_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
