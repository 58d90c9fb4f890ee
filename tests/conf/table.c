/* SPDX-License-Identifier: ISC */
/*
 * The table of settings against struct conf, against itself, and against the limits that the design
 * of the house promises.
 */
#include "conf/type.h"
#include "conf/value.h"
#include "unit.h"

static size_t member_size(const struct conf_setting *s) {
    return conf_types[s->type].is_list ? sizeof(struct conf_spans) : conf_types[s->type].size;
}

static void each_member_has_one_row(void **state) {
    size_t end = offsetof(struct conf, memory);
    unsigned char rows[sizeof(struct conf)] = {0};
    for (size_t i = 0; i < conf_setting_count; i++) {
        for (size_t k = 0; k < member_size(&conf_settings[i]); k++)
            rows[conf_settings[i].offset + k]++;
    }
    size_t gap = 0;
    for (size_t i = 0; i < end; i++) {
        if (rows[i] > 1)
            fail_msg("byte %zu of struct conf has two rows", i);
        gap = rows[i] == 0 ? gap + 1 : 0;
        /* Padding fills up to the next multiple of eight and never the first half of eight. */
        if (gap >= 8 || (gap == 4 && i % 4 == 3 && i % 8 == 3))
            fail_msg("struct conf has a member at %zu without a row", i - gap + 1);
    }
}

static void names_are_those_of_the_members(void **state) {
    for (size_t i = 0; i < conf_setting_count; i++) {
        char name[CONF_NAME_SIZE];
        (void)conf_setting_name(&conf_settings[i], name);
        for (char *c = name; *c; c++)
            *c = *c == '-' ? '_' : *c;
        assert_string_equal(name, conf_settings[i].member);
    }
}

static void names_are_unique_within_their_block(void **state) {
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *s = &conf_settings[i];
        assert_ptr_equal(conf_setting_in(s->block, slice_of_str(s->name)), s);
        for (const char *c = s->name; *c; c++)
            assert_true((*c >= 'a' && *c <= 'z') || *c == '-');
        char text[CONF_NAME_SIZE];
        assert_ptr_equal(conf_setting_find(conf_setting_name(s, text), NULL), s);
    }
}

static void no_setting_outside_has_the_name_of_a_block(void **state) {
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (conf_settings[i].block == CONF_TOP)
            assert_int_equal(conf_block_find(slice_of_str(conf_settings[i].name)),
                             CONF_BLOCK_COUNT);
    }
}

static bool is_sentence(const char *text, const char *stop) {
    return slice_ends(slice_of_str(text), slice_of_str(stop));
}

static void each_row_is_documented_in_both_languages(void **state) {
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *s = &conf_settings[i];
        assert_true(is_sentence(s->about[CONF_ENGLISH], "."));
        assert_true(is_sentence(s->about[CONF_JAPANESE], "。"));
        assert_non_null(s->example);
    }
    for (size_t i = 0; i < CONF_BLOCK_COUNT; i++) {
        assert_true(is_sentence(conf_blocks[i].about[CONF_ENGLISH], "."));
        assert_true(is_sentence(conf_blocks[i].about[CONF_JAPANESE], "。"));
    }
}

static void each_row_is_for_somebody(void **state) {
    for (size_t i = 0; i < conf_setting_count; i++) {
        assert_int_not_equal(conf_settings[i].roles, 0);
        assert_int_equal(conf_settings[i].roles >> ROLES, 0);
    }
}

/* Defaults and examples are read by the rules for everybody, and defaults are written canonically.
 */
static void defaults_and_examples_keep_their_own_rules(void **state) {
    struct conf *conf = conf_new();
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *s = &conf_settings[i];
        _cleanup_(buf_done) struct buf text = {0};
        struct problem problem = {0};
        char name[CONF_NAME_SIZE];
        (void)conf_setting_name(s, name);
        conf_value_write(s, conf, &text);
        if (s->preset)
            assert_text(buf_slice(&text), s->preset);
        if (conf_set(conf, name, slice_of_str(s->example), &problem) != 0)
            fail_msg("%s: %s", name, problem.text);
    }
    conf_free(conf);
}

/* The defaults that the documentation names. */
static void defaults_are_the_limits_of_the_house(void **state) {
    struct conf *c = conf_new();
    assert_int_equal(c->smtp.command_line_max, 4096);
    assert_int_equal(c->smtp.auth_line_max, 12288);
    assert_int_equal(c->smtp.text_line_max, 8192);
    assert_int_equal(c->smtp.header_max, 262144);
    assert_int_equal(c->submission.header_max, 1048576);
    assert_int_equal(c->smtp.message_size_max, 52428800);
    assert_int_equal(c->smtp.recipients_max, 1000);
    assert_int_equal(c->queue.recipients_per_transaction, 100);
    assert_int_equal(c->smtp.messages_per_connection, 100);
    assert_int_equal(c->smtp.received_max, 100);
    assert_int_equal(c->smtp.timeout, 300000000);
    assert_int_equal(c->smtp.login_timeout, 60000000);
    assert_int_equal(c->smtp.stress_timeout, 10000000);
    assert_int_equal(c->smtp.min_rate, 500);
    assert_int_equal(c->smtp.soft_errors, 5);
    assert_int_equal(c->smtp.hard_errors, 10);
    assert_int_equal(c->smtp.junk_commands, 50);
    assert_int_equal(c->smtp.connections_per_address, 20);
    assert_int_equal(c->pop3.timeout, 600000000);
    assert_int_equal(c->login.delay_first, 2000000);
    assert_int_equal(c->login.delay_max, 30000000);
    assert_false(c->login.allow_plaintext);
    assert_int_equal(c->smtp.trusted_networks.count, 0);
    conf_free(c);
}

static void defaults_of_the_queue_are_those_of_the_house(void **state) {
    static const int minutes[] = {5, 10, 20, 40, 80};
    struct conf *c = conf_new();
    assert_int_equal(c->queue.retry_schedule.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(c->queue.retry_schedule.list[i], minutes[i] * USEC_MIN);
    assert_int_equal(c->queue.retry_jitter, 20);
    assert_int_equal(c->queue.retry_first_day, 2 * USEC_HOUR);
    assert_int_equal(c->queue.retry_after, 4 * USEC_HOUR);
    assert_int_equal(c->queue.lifetime, 5 * USEC_DAY);
    assert_int_equal(c->queue.delay_notices.count, 2);
    assert_int_equal(c->queue.delay_notices.list[0], 4 * USEC_HOUR);
    assert_int_equal(c->queue.delay_notices.list[1], 24 * USEC_HOUR);
    assert_int_equal(c->queue.bounce_full_size_max, 102400);
    assert_int_equal(c->relay.connections_start, 5);
    assert_int_equal(c->relay.connections_max, 20);
    conf_free(c);
}

/* RFC 5321 §4.5.3.2 */
static void timeouts_of_a_client_are_those_of_rfc_5321(void **state) {
    struct conf *c = conf_new();
    assert_int_equal(c->relay.greeting_timeout, 5 * USEC_MIN);
    assert_int_equal(c->relay.mail_timeout, 5 * USEC_MIN);
    assert_int_equal(c->relay.rcpt_timeout, 5 * USEC_MIN);
    assert_int_equal(c->relay.data_timeout, 2 * USEC_MIN);
    assert_int_equal(c->relay.data_block_timeout, 3 * USEC_MIN);
    assert_int_equal(c->relay.data_end_timeout, 10 * USEC_MIN);
    conf_free(c);
}

static void what_was_meant_is_guessed(void **state) {
    const struct conf_setting *s = conf_setting_suggest(CONF_SMTP, S("mesage-size-max"));
    assert_non_null(s);
    assert_string_equal(s->name, "message-size-max");
    assert_int_equal(s->block, CONF_SMTP);
    s = conf_setting_suggest(CONF_TOP, S("retry-jitter"));
    assert_non_null(s);
    assert_int_equal(s->block, CONF_QUEUE);
    assert_null(conf_setting_suggest(CONF_SMTP, S("xyzzy")));
    assert_null(conf_setting_suggest(CONF_SMTP, S("")));
    const struct conf_block *block = conf_block_suggest(S("smpt"));
    assert_non_null(block);
    assert_string_equal(block->name, "smtp");
    assert_null(conf_block_suggest(S("imap-proxy")));
}

static void a_name_alone_will_do_when_it_is_the_only_one(void **state) {
    struct problem problem = {0};
    assert_string_equal(conf_setting_find(S("retry-jitter"), &problem)->name, "retry-jitter");
    assert_string_equal(conf_setting_find(S("smtp timeout"), &problem)->name, "timeout");
    assert_null(conf_setting_find(S("timeout"), &problem));
    assert_null(conf_setting_find(S("smtp.timout"), &problem));
    assert_string_equal(problem.text,
                        "there is no setting \"smtp.timout\"; did you mean smtp.timeout?");
    assert_null(conf_setting_find(S("nothing.xyzzy"), NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_has_one_row),
        cmocka_unit_test(names_are_those_of_the_members),
        cmocka_unit_test(names_are_unique_within_their_block),
        cmocka_unit_test(no_setting_outside_has_the_name_of_a_block),
        cmocka_unit_test(each_row_is_documented_in_both_languages),
        cmocka_unit_test(each_row_is_for_somebody),
        cmocka_unit_test(defaults_and_examples_keep_their_own_rules),
        cmocka_unit_test(defaults_are_the_limits_of_the_house),
        cmocka_unit_test(defaults_of_the_queue_are_those_of_the_house),
        cmocka_unit_test(timeouts_of_a_client_are_those_of_rfc_5321),
        cmocka_unit_test(what_was_meant_is_guessed),
        cmocka_unit_test(a_name_alone_will_do_when_it_is_the_only_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
