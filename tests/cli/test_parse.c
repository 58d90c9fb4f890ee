/* SPDX-License-Identifier: ISC */
/* The command line's grammar (MISSION C7), on the real table of commands. */
#include "unit.h"

#include "cli/commands.h"
#include "message/queue_id.h"

#define WORDS_MAX 16

struct line {
    struct arena arena;
    struct cli_call call;
    struct problem problem;
    char *words[WORDS_MAX];
    int count;
    int result;
};

/* Words parted by single spaces; "_" stands for an empty one. */
static void parse(struct line *l, const char *text) {
    struct slice rest = slice_of_str(text), word;
    *l = (struct line){0};
    while (slice_next_word(&rest, &word))
        l->words[l->count++] = arena_str(&l->arena, slice_eq(word, S("_")) ? S("") : word);
    l->result = cli_parse(&cli_table, l->count, l->words, &l->arena, &l->call, &l->problem);
}

static void done(struct line *l) {
    arena_done(&l->arena);
}

/* ------------------------------------------------------------------ what is taken */

static void test_commands_are_named_by_one_or_two_words(void **state) {
    static const struct {
        const char *line, *command;
    } rows[] = {
        {"status", "status"},
        {"account list", "account list"},
        {"domain catch-all a.test none", "domain catch-all"},
        {"queue show 0c8q2zv5k7g00", "queue show"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(done) struct line l;
        parse(&l, rows[i].line);
        assert_int_equal(l.result, 0);
        assert_string_equal(l.call.command->name, rows[i].command);
    }
}

static void test_options_of_every_command_stand_anywhere(void **state) {
    static const char *const lines[] = {
        "-C /srv/post --json account list a.test",
        "account -C /srv/post list --json a.test",
        "account list a.test --json -C /srv/post",
        "account list --directory=/srv/post --json a.test",
        "-C/srv/post account list a.test --json",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        _cleanup_(done) struct line l;
        parse(&l, lines[i]);
        assert_int_equal(l.result, 0);
        assert_string_equal(l.call.command->name, "account list");
        assert_string_equal(l.call.directory, "/srv/post");
        assert_true(l.call.json);
        assert_slice(cli_text(&l.call, "DOMAIN"), "a.test");
    }
}

static void test_arguments_and_options_are_found_by_name(void **state) {
    _cleanup_(done) struct line l;
    (void)state;
    parse(&l, "account add user%03d@a.test --count 20 --quota=2G --hash-cost min --password-stdin");
    assert_int_equal(l.result, 0);
    assert_slice(cli_text(&l.call, "USER@DOMAIN"), "user%03d@a.test");
    assert_int_equal(cli_number(&l.call, "count", 0), 20);
    assert_int_equal(cli_number(&l.call, "quota", 0), (uint64_t)2 << 30);
    assert_int_equal(cli_number(&l.call, "hash-cost", 0), 1);
    assert_true(cli_has(&l.call, "password-stdin"));
    assert_false(cli_has(&l.call, "admin"));
    assert_null(cli_text(&l.call, "name").ptr);
    assert_int_equal(cli_number(&l.call, "first", 7), 7);
}

static void test_short_options_take_values_attached_or_behind(void **state) {
    static const char *const lines[] = {"log -n 5 -f", "log -n5 -f", "log -f --lines 5",
                                        "log -f --lines=5"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        _cleanup_(done) struct line l;
        parse(&l, lines[i]);
        assert_int_equal(l.result, 0);
        assert_int_equal(cli_number(&l.call, "lines", 0), 5);
        assert_true(cli_has(&l.call, "follow"));
    }
}

static void test_init_takes_several_domains_either_way(void **state) {
    static const char *const lines[] = {
        "init d --hostname m.a.test --domain a.test b.test --listen 127.0.0.1",
        "init d --hostname m.a.test --domain a.test --domain b.test --listen 127.0.0.1",
        "init --listen 127.0.0.1 --hostname m.a.test --domain=a.test --domain b.test -- d",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        _cleanup_(done) struct line l;
        size_t count = 0;
        parse(&l, lines[i]);
        assert_int_equal(l.result, 0);
        const struct slice *domains = cli_texts(&l.call, "domain", &l.arena, &count);
        assert_int_equal(count, 2);
        assert_slice(domains[0], "a.test");
        assert_slice(domains[1], "b.test");
        assert_slice(cli_text(&l.call, "DIR"), "d");
    }
}

static void test_the_last_argument_may_stand_for_several(void **state) {
    _cleanup_(done) struct line l;
    size_t count = 0;
    (void)state;
    parse(&l, "alias add info@a.test x@a.test y@b.test z@c.test");
    assert_int_equal(l.result, 0);
    const struct slice *targets = cli_texts(&l.call, "TARGET", &l.arena, &count);
    assert_int_equal(count, 3);
    assert_slice(targets[2], "z@c.test");
}

static void test_two_dashes_end_the_options(void **state) {
    _cleanup_(done) struct line l;
    (void)state;
    parse(&l, "account name a@b.test -- --json");
    assert_int_equal(l.result, 0);
    assert_slice(cli_text(&l.call, "NAME"), "--json");
    assert_false(l.call.json);
}

static void test_empty_words_and_a_lone_dash_are_arguments(void **state) {
    _cleanup_(done) struct line l;
    (void)state;
    parse(&l, "account name a@b.test _");
    assert_int_equal(l.result, 0);
    assert_true(cli_has(&l.call, "NAME"));
    assert_slice(cli_text(&l.call, "NAME"), "");
    done(&l);
    parse(&l, "account name a@b.test -");
    assert_slice(cli_text(&l.call, "NAME"), "-");
}

static void test_messages_are_read_as_ids(void **state) {
    _cleanup_(done) struct line l;
    queue_id id = 0;
    (void)state;
    parse(&l, "queue hold 0c8q2zv5k7g00 0C8Q2ZV5K7G01");
    assert_int_equal(l.result, 0);
    assert_int_equal(queue_id_parse(S("0c8q2zv5k7g00"), &id), 0);
    assert_int_equal(l.call.given[0].number, id);
    assert_int_equal(l.call.given[1].number, id + 1);
}

static void test_help_and_version_need_nothing_else(void **state) {
    static const char *const lines[] = {"--help",      "account --help", "account add -h",
                                        "init --help", "--version",      "-V"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        _cleanup_(done) struct line l;
        parse(&l, lines[i]);
        assert_int_equal(l.result, 0);
        assert_true(l.call.help || l.call.version);
    }
}

/* ------------------------------------------------------------------ what is not */

static void test_mistakes_are_named(void **state) {
    static const struct {
        const char *line, *sentence;
    } rows[] = {
        {"", "no command was given"},
        {"start",
         "there is no command \"start\": systemctl start hayauma.socket hayauma.service does"
         " it, without systemd hayauma run"},
        {"restart", "there is no command \"restart\": systemctl restart hayauma.service does it,"
                    " without systemd hayauma stop and then hayauma run"},
        {"accuont add", "there is no command \"accuont\"; did you mean account?"},
        {"account ad x", "there is no command \"account ad\"; did you mean account add?"},
        {"zzzzzz", "there is no command \"zzzzzz\"; hayauma --help lists those that there are"},
        {"account rename x y", "there is no command \"account rename\"; hayauma account --help "
                               "lists those that there are"},
        {"account", "which account command? See hayauma account --help"},
        {"account add", "USER@DOMAIN is missing"},
        {"account show a@b.test c", "\"c\" is one word too many"},
        {"init d --domain a.test", "--hostname is missing"},
        {"init d --hostname m.test --domain", "--domain: expected NAME behind it"},
        {"queue list --mach x", "queue list has no option --mach; did you mean --match?"},
        {"queue list -x", "queue list has no option -x"},
        {"--nonsense status", "hayauma has no option --nonsense"},
        {"queue list --long=yes", "--long takes no value"},
        {"log -n 5 -n 6", "--lines is given twice"},
        {"log -n x", "--lines: found \"x\", expected a number from 0 to 1000000"},
        {"account add a@b --count 0", "--count: found \"0\", expected a number from 1 to 1000000"},
        {"account add a@b --count -5",
         "--count: found \"-5\", expected a number from 1 to 1000000"},
        {"account quota a@b many",
         "SIZE|none: found \"many\", expected a size such as 500M or 2G, or none"},
        {"account admin a@b maybe", "found \"maybe\", expected one of no, yes"},
        {"queue show 17", "\"17\" is not the id of a message, which has 13 letters and digits"},
        {"log --role cook", "found \"cook\", expected one of master, edge, "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(done) struct line l;
        parse(&l, rows[i].line);
        assert_int_equal(l.result, -E_SYNTAX);
        if (slice_ends(slice_of_str(rows[i].sentence),
                       S(", "))) /* and more that will be added to */
            l.problem.text[strlen(rows[i].sentence)] = '\0';
        assert_string_equal(l.problem.text, rows[i].sentence);
    }
}

/* What may be another action is never offered: only one slip of the fingers is one. */
static void test_a_typo_is_offered_no_other_action(void **state) {
    static const char *const others[] = {
        "queue resume",   "queue remote x",  "queue delete x", "queue purge",   "queue unhold",
        "account delete", "account restart", "account able",   "account unset", "alias get x",
        "domain move",    "queue remvo x",   "restart",        "start",         "delete",
    };
    static const struct {
        const char *line, *offered;
    } slips[] = {
        {"queue relase", "queue release"},
        {"queue rmeove", "queue remove"},
        {"queue lists", "queue list"},
        {"account disabel", "account disable"},
        {"statsu", "status"},
        {"domain catchall", "domain catch-all"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        _cleanup_(done) struct line l;
        parse(&l, others[i]);
        assert_int_equal(l.result, -E_SYNTAX);
        assert_null(strstr(l.problem.text, "did you mean"));
    }
    for (size_t i = 0; i < ARRAY_SIZE(slips); i++) {
        _cleanup_(done) struct line l;
        parse(&l, slips[i].line);
        assert_int_equal(l.result, -E_SYNTAX);
        assert_non_null(strstr(l.problem.text, "did you mean "));
        assert_non_null(strstr(l.problem.text, slips[i].offered));
    }
}

static void test_words_of_strangers_are_made_harmless_in_messages(void **state) {
    _cleanup_(done) struct line l;
    (void)state;
    parse(&l, "\x1b[31m\xff");
    assert_int_equal(l.result, -E_SYNTAX);
    assert_string_equal(
        l.problem.text,
        "there is no command \"\\x1b[31m\\xff\"; hayauma --help lists those that there are");
}

static void test_the_command_at_fault_is_known(void **state) {
    _cleanup_(done) struct line l;
    (void)state;
    parse(&l, "account add --nonsense");
    assert_int_equal(l.result, -E_SYNTAX);
    assert_string_equal(l.call.command->name, "account add");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_named_by_one_or_two_words),
        cmocka_unit_test(test_options_of_every_command_stand_anywhere),
        cmocka_unit_test(test_arguments_and_options_are_found_by_name),
        cmocka_unit_test(test_short_options_take_values_attached_or_behind),
        cmocka_unit_test(test_init_takes_several_domains_either_way),
        cmocka_unit_test(test_the_last_argument_may_stand_for_several),
        cmocka_unit_test(test_two_dashes_end_the_options),
        cmocka_unit_test(test_empty_words_and_a_lone_dash_are_arguments),
        cmocka_unit_test(test_messages_are_read_as_ids),
        cmocka_unit_test(test_help_and_version_need_nothing_else),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_a_typo_is_offered_no_other_action),
        cmocka_unit_test(test_words_of_strangers_are_made_harmless_in_messages),
        cmocka_unit_test(test_the_command_at_fault_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
