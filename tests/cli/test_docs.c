/* SPDX-License-Identifier: ISC */
/* Help, manual and completion say what the parser takes (MISSION C7): all come from one table. */
#include "unit.h"

#include "cli/commands.h"
#include "cli/help/docs.h"
#include "conf/roles.h"
#include "message/text.h"

/* ------------------------------------------------------------------ the table itself */

static bool is_plain(const char *name) {
    for (; *name; name++) {
        if (!ascii_is_alpha(*name) && !ascii_is_digit(*name) && *name != '-')
            return false;
    }
    return true;
}

static bool ends_as_sentence(const char *text) {
    return slice_ends(slice_of_str(text), S("."));
}

static void test_names_are_unique(void **state) {
    (void)state;
    for (size_t i = 0; i < cli_table.count; i++)
        assert_ptr_equal(cli_command_find(&cli_table, slice_of_str(cli_table.commands[i]->name)),
                         cli_table.commands[i]);
}

static void test_commands_of_two_words_have_a_group(void **state) {
    (void)state;
    for (size_t i = 0; i < cli_table.count; i++) {
        struct slice name = slice_of_str(cli_table.commands[i]->name);
        ssize_t space = slice_find_byte(name, ' ');
        if (space < 0)
            continue;
        const struct cli_command *group =
            cli_command_find(&cli_table, slice_first(name, (size_t)space));
        assert_non_null(group);
        assert_true(cli_command_is_group(group));
        assert_true(cli_command_is_in(cli_table.commands[i], group));
    }
}

static void check_parameter(const struct cli_parameter *p) {
    assert_non_null(p->about);
    assert_false(ends_as_sentence(p->about));
    assert_int_equal(p->form == CLI_OPTION, p->value != NULL);
    assert_int_equal(p->kind == CLI_CHOICE, p->choices != NULL);
    if (p->form == CLI_ARGUMENT)
        assert_true(p->name[0] < 'a' || p->kind == CLI_CHOICE);
    else
        assert_true(is_plain(p->name));
}

/* A role that is new is offered too. */
static void test_roles_to_choose_from_are_all_roles(void **state) {
    (void)state;
    const struct cli_command *fibers = cli_command_find(&cli_table, S("fibers"));
    assert_non_null(fibers);
    const char *const *choice = fibers->parameters[0].choices;
    for (unsigned role = ROLE_MASTER; role < ROLE_CLI; role++)
        assert_string_equal(*choice++, role_name((enum role)role));
    assert_null(*choice);
}

static void test_text_of_a_manual_means_nothing_to_roff(void **state) {
    (void)state;
    _cleanup_(buf_done) struct buf to = {0};
    text_add_roff(&to, S(".a\\b-c \"d\" 'e'."));
    assert_string_equal(buf_str(&to), "\\&.a\\eb\\-c \\(dqd\\(dq \\(aqe\\(aq.");
}

static void test_parameters_are_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < cli_table.count; i++) {
        const struct cli_command *c = cli_table.commands[i];
        assert_true(ends_as_sentence(c->about));
        if (c->more)
            assert_true(ends_as_sentence(c->more));
        for (const struct cli_parameter *p = c->parameters; p && p->name; p++)
            check_parameter(p);
    }
}

/* A command's option would hide one of every command. */
static void test_no_option_stands_for_two_things(void **state) {
    (void)state;
    for (size_t i = 0; i < cli_table.count; i++) {
        for (const struct cli_parameter *p = cli_table.commands[i]->parameters; p && p->name; p++) {
            for (const struct cli_parameter *g = cli_table.globals; g->name; g++) {
                assert_string_not_equal(p->name, g->name);
                assert_true(!p->short_name || p->short_name != g->short_name);
            }
            for (const struct cli_parameter *q = p + 1; q->name; q++) {
                assert_string_not_equal(p->name, q->name);
                assert_true(!p->short_name || p->short_name != q->short_name);
            }
        }
    }
}

static void test_exit_codes_have_words(void **state) {
    (void)state;
    for (unsigned i = 0; i < CLI_EXITS; i++)
        assert_true(ends_as_sentence(cli_table.exits[i]));
    for (size_t i = 0; i < cli_table.count; i++)
        assert_true(cli_table.commands[i]->exits < CLI_EXIT_BIT(CLI_EXITS));
}

/* ------------------------------------------------------------------ examples */

#define WORDS_MAX 24

/* What stands behind "hayauma " up to a pipe or redirection, as a shell would cut it. */
static int cut(struct arena *a, const char *example, char *words[WORDS_MAX]) {
    int count = 0;
    char *at = strstr(arena_str(a, slice_of_str(example)), "hayauma ") + strlen("hayauma ");
    while (*at && *at != '|' && *at != '>') {
        char end = *at == '\'' ? '\'' : ' ';
        char *from = end == '\'' ? at + 1 : at;
        size_t len = strcspn(from, (char[]){end, '\0'});
        at = from + len + (from[len] ? 1 : 0);
        from[len] = '\0';
        while (*at == ' ')
            at++;
        assert_true(count < WORDS_MAX);
        words[count++] = from;
    }
    return count;
}

static void test_examples_are_command_lines(void **state) {
    (void)state;
    for (size_t i = 0; i < cli_table.count; i++) {
        const char *const *examples = cli_table.commands[i]->examples;
        for (; examples && *examples; examples++) {
            _cleanup_(arena_done) struct arena a = {0};
            char *words[WORDS_MAX];
            struct cli_call call;
            struct problem problem = {0};
            int count = cut(&a, *examples, words);
            if (cli_parse(&cli_table, count, words, &a, &call, &problem) < 0)
                fail_msg("%s: %s", *examples, problem.text);
            assert_ptr_equal(call.command, cli_table.commands[i]);
        }
    }
}

/* ------------------------------------------------------------------ help */

static void check_lines(struct slice text, size_t columns) {
    struct slice line = {0};
    while (slice_next(&text, '\n', &line)) {
        if (text_columns(line) > columns && slice_find(line, S("hayauma")) < 0)
            fail_msg("%zu columns: %.*s", text_columns(line), SLICE_ARG(line));
        assert_false(slice_ends(line, S(" ")));
    }
}

static bool has(const struct buf *text, const char *what) {
    return slice_find(buf_slice(text), slice_of_str(what)) >= 0;
}

static void test_overview_names_every_command(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    (void)state;
    docs_overview(&cli_table, &text);
    check_lines(buf_slice(&text), DOCS_COLUMNS);
    for (size_t i = 0; i < cli_table.count; i++) {
        _cleanup_(buf_done) struct buf line = {0};
        buf_printf(&line, "\n  %s  ", cli_table.commands[i]->name);
        assert_int_equal(has(&text, buf_str(&line)), !cli_command_is_group(cli_table.commands[i]));
    }
}

static void test_help_names_every_parameter(void **state) {
    (void)state;
    for (size_t i = 0; i < cli_table.count; i++) {
        const struct cli_command *c = cli_table.commands[i];
        _cleanup_(buf_done) struct buf text = {0};
        docs_command(&cli_table, c, &text);
        check_lines(buf_slice(&text), DOCS_COLUMNS);
        assert_true(has(&text, c->name));
        for (const struct cli_parameter *p = c->parameters; p && p->name; p++) {
            _cleanup_(buf_done) struct buf name = {0};
            buf_printf(&name, "%s%s", p->form == CLI_ARGUMENT ? "  " : "--", p->name);
            assert_true(has(&text, buf_str(&name)));
        }
    }
}

static void test_synopsis_shows_what_has_to_be_given(void **state) {
    static const struct {
        const char *command, *synopsis;
    } rows[] = {
        {"init", "hayauma init DIR --hostname NAME --domain NAME... [options]"},
        {"status", "hayauma status"},
        {"account", "hayauma account COMMAND"},
        {"alias remove", "hayauma alias remove ADDRESS [TARGET...]"},
        {"queue hold", "hayauma queue hold [ID...] [options]"},
        {"account name", "hayauma account name USER@DOMAIN NAME"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(buf_done) struct buf text = {0};
        docs_synopsis(cli_command_find(&cli_table, slice_of_str(rows[i].command)), &text);
        assert_slice(buf_slice(&text), rows[i].synopsis);
    }
}

/* ------------------------------------------------------------------ manual, completion */

/* The manual writes "-" as "\-". */
static void add_roff(struct buf *to, const char *text) {
    for (; *text; text++)
        buf_printf(to, "%s%c", *text == '-' ? "\\" : "", *text);
}

static void test_manual_has_every_command_and_option(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    (void)state;
    docs_manual(&cli_table, &text);
    for (size_t i = 0; i < cli_table.count; i++) {
        const struct cli_command *c = cli_table.commands[i];
        _cleanup_(buf_done) struct buf title = {0};
        if (cli_command_is_group(c))
            continue;
        buf_add_str(&title, ".Ss ");
        add_roff(&title, c->name);
        assert_true(has(&text, buf_str(&title)));
        for (const struct cli_parameter *p = c->parameters; p && p->name; p++) {
            _cleanup_(buf_done) struct buf option = {0};
            buf_add_str(&option, p->form == CLI_ARGUMENT ? "Ar " : "Fl \\-");
            add_roff(&option, p->name);
            assert_true(has(&text, buf_str(&option)));
        }
    }
    for (unsigned i = 0; i < CLI_EXITS; i++) {
        _cleanup_(buf_done) struct buf item = {0};
        buf_printf(&item, "\n.It %u\n", i);
        assert_true(has(&text, buf_str(&item)));
    }
}

static void check_completion(const struct buf *text) {
    for (size_t i = 0; i < cli_table.count; i++) {
        const struct cli_command *c = cli_table.commands[i];
        _cleanup_(buf_done) struct buf label = {0};
        buf_printf(&label, "\n    '%s') echo '", c->name);
        ssize_t at = slice_find(buf_slice(text), buf_slice(&label));
        assert_true(at >= 0);
        struct slice words = slice_from(buf_slice(text), (size_t)at + label.len), line = {0};
        assert_true(slice_next(&words, '\n', &line));
        for (const struct cli_parameter *p = c->parameters; p && p->name; p++) {
            _cleanup_(buf_done) struct buf option = {0};
            buf_printf(&option, "--%s", p->name);
            if (p->form != CLI_ARGUMENT)
                assert_true(slice_find(line, buf_slice(&option)) >= 0);
        }
    }
}

static void test_completion_has_every_command_and_option(void **state) {
    _cleanup_(buf_done) struct buf bash = {0};
    _cleanup_(buf_done) struct buf zsh = {0};
    (void)state;
    docs_bash(&cli_table, &bash);
    docs_zsh(&cli_table, &zsh);
    check_completion(&bash);
    check_completion(&zsh);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_commands_of_two_words_have_a_group),
        cmocka_unit_test(test_roles_to_choose_from_are_all_roles),
        cmocka_unit_test(test_text_of_a_manual_means_nothing_to_roff),
        cmocka_unit_test(test_parameters_are_whole),
        cmocka_unit_test(test_no_option_stands_for_two_things),
        cmocka_unit_test(test_exit_codes_have_words),
        cmocka_unit_test(test_examples_are_command_lines),
        cmocka_unit_test(test_overview_names_every_command),
        cmocka_unit_test(test_help_names_every_parameter),
        cmocka_unit_test(test_synopsis_shows_what_has_to_be_given),
        cmocka_unit_test(test_manual_has_every_command_and_option),
        cmocka_unit_test(test_completion_has_every_command_and_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
