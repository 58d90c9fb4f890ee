/* SPDX-License-Identifier: ISC */
#include "cli/help/docs.h"
#include "cli/terminal/format.h"
#include "message/text.h"

const char docs_offline[] = N_("Works while the server runs and while it does not.");

#define LEFT_MAX 26U /* columns of the left side; a longer one stands on a line of its own */

void docs_synopsis(const struct cli_command *c, struct buf *to) {
    buf_printf(to, "hayauma %s", c->name);
    if (cli_command_is_group(c))
        buf_add_str(to, " COMMAND");
    for (const struct cli_parameter *p = c->parameters; p && p->name; p++) {
        const char *more = p->many ? "..." : "";
        if (p->form == CLI_ARGUMENT)
            buf_printf(to, p->optional ? " [%s%s]" : " %s%s", p->name, more);
    }
    bool options = false;
    for (const struct cli_parameter *p = c->parameters; p && p->name; p++) {
        if (p->required)
            buf_printf(to, " --%s %s%s", p->name, p->value, p->many ? "..." : "");
        else if (p->form != CLI_ARGUMENT)
            options = true;
    }
    if (options)
        buf_add_str(to, _(" [options]"));
}

/* ------------------------------------------------------------------ two columns */

static void write_pair(struct slice left, const char *right, size_t width, struct buf *to) {
    size_t taken = text_columns(left);
    _cleanup_(buf_done) struct buf text = {0};
    buf_add_str(to, "  ");
    buf_add(to, left);
    format_paragraph(&text, slice_of_str(right), width + 4, DOCS_COLUMNS);
    if (taken > width) {
        buf_add_byte(to, '\n');
        buf_add(to, buf_slice(&text));
    } else {
        text_blanks(to, width - taken + 2);
        buf_add(to, slice_from(buf_slice(&text), width + 4));
    }
}

static void write_left(const struct cli_parameter *p, struct buf *to) {
    if (p->short_name)
        buf_printf(to, "-%c, ", p->short_name);
    buf_printf(to, "%s%s", p->form == CLI_ARGUMENT ? "" : "--", p->name);
    if (p->form == CLI_OPTION)
        buf_printf(to, " %s", p->value);
    if (p->many)
        buf_add_str(to, "...");
}

static void write_parameters(const struct cli_parameter *list, bool arguments, const char *title,
                             struct buf *to) {
    size_t width = 0; /* of the left column */
    bool titled = false;
    for (const struct cli_parameter *p = list; p && p->name; p++) {
        _cleanup_(buf_done) struct buf left = {0};
        write_left(p, &left);
        if ((p->form == CLI_ARGUMENT) == arguments && left.len <= LEFT_MAX)
            width = MAX(width, left.len);
    }
    for (const struct cli_parameter *p = list; p && p->name; p++) {
        _cleanup_(buf_done) struct buf left = {0};
        if ((p->form == CLI_ARGUMENT) != arguments)
            continue;
        if (!titled)
            buf_add_str(to, title);
        titled = true;
        write_left(p, &left);
        write_pair(buf_slice(&left), translated(p->about), width, to);
    }
}

/* ------------------------------------------------------------------ commands */

static void write_commands(const struct cli_table *table, const struct cli_command *group,
                           struct buf *to) {
    size_t width = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (!group || cli_command_is_in(table->commands[i], group))
            width = MAX(width, strlen(table->commands[i]->name));
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_command *c = table->commands[i];
        if (!cli_command_is_group(c) && (!group || cli_command_is_in(c, group)))
            write_pair(slice_of_str(c->name), translated(c->about), width, to);
    }
}

static void write_exits(const struct cli_table *table, const struct cli_command *c,
                        struct buf *to) {
    unsigned exits =
        c->exits | CLI_EXIT_BIT(CLI_OK) | CLI_EXIT_BIT(CLI_FAILED) | CLI_EXIT_BIT(CLI_USAGE);
    buf_add_str(to, _("\nExit codes:\n"));
    for (unsigned i = 0; i < CLI_EXITS; i++) {
        char digit = (char)('0' + i);
        if (exits & CLI_EXIT_BIT(i))
            write_pair(slice_of(&digit, 1), translated(table->exits[i]), 1, to);
    }
}

#define EXAMPLE_INDENT 2U
#define EXAMPLE_MORE   6U /* where it goes on */

/* An example to be pasted: one that is too long goes on behind a backslash, as the shell takes it.
 */
static void write_example(const char *example, struct buf *to) {
    struct slice rest = slice_of_str(example);
    size_t indent = EXAMPLE_INDENT;
    while (text_columns(rest) > DOCS_COLUMNS - indent) {
        size_t end = DOCS_COLUMNS - indent - 2; /* for the blank and the backslash */
        while (end > 0 && !slice_starts(slice_from(rest, end), S(" --")))
            end--;
        if (end == 0)
            break;
        text_blanks(to, indent);
        buf_add(to, slice_first(rest, end));
        buf_add_str(to, " \\\n");
        rest = slice_trim(slice_from(rest, end));
        indent = EXAMPLE_MORE;
    }
    text_blanks(to, indent);
    buf_add(to, rest);
    buf_add_byte(to, '\n');
}

/* A sentence with empty lines before it, as translations have them. */
static void write_sentence(const char *text, struct buf *to) {
    struct slice s = slice_of_str(text);
    for (; s.len > 0 && s.ptr[0] == '\n'; s = slice_from(s, 1))
        buf_add_byte(to, '\n');
    format_paragraph(to, slice_trim_lines(s), 0, DOCS_COLUMNS);
}

static void write_paragraph(const char *text, struct buf *to) {
    format_paragraph(to, slice_of_str(translated(text)), 0, DOCS_COLUMNS);
}

void docs_command(const struct cli_table *table, const struct cli_command *c, struct buf *to) {
    _cleanup_(buf_done) struct buf synopsis = {0};
    docs_synopsis(c, &synopsis);
    buf_printf(to, _("usage: %s\n"), buf_str(&synopsis));
    buf_add_byte(to, '\n');
    write_paragraph(c->about, to);
    if (c->more)
        write_paragraph(c->more, to);
    if (c->offline)
        write_paragraph(docs_offline, to);
    if (cli_command_is_group(c)) {
        buf_add_str(to, _("\nCommands:\n"));
        write_commands(table, c, to);
        _cleanup_(buf_done) struct buf see = {0};
        buf_printf(&see, _("\nSee hayauma %s COMMAND --help for each of them.\n"), c->name);
        write_sentence(buf_str(&see), to);
        return;
    }
    write_parameters(c->parameters, true, _("\nArguments:\n"), to);
    write_parameters(c->parameters, false, _("\nOptions:\n"), to);
    if (c->examples)
        buf_add_str(to, _("\nExamples:\n"));
    for (size_t i = 0; c->examples && c->examples[i]; i++)
        write_example(c->examples[i], to);
    if (c->json) {
        buf_add_str(to, _("\nWith --json:\n"));
        format_paragraph(to, slice_of_str(c->json), 2, DOCS_COLUMNS);
    }
    write_exits(table, c, to);
    write_sentence(_("\nEvery command takes -C DIR, --json and --wide too; see hayauma --help.\n"),
                   to);
}

void docs_overview(const struct cli_table *table, struct buf *to) {
    buf_printf(to, _("usage: %s\n"), "hayauma [-C DIR] COMMAND ...");
    write_sentence(_("\nHayauma is one mail system: it sends, receives, keeps and hands out"
                     " messages.\n"),
                   to);
    buf_add_str(to, _("\nCommands:\n"));
    write_commands(table, NULL, to);
    write_parameters(table->globals, false, _("\nOptions of every command:\n"), to);
    write_sentence(_("\nSee hayauma COMMAND --help for each of them. To begin, see hayauma init"
                     " --help.\n"),
                   to);
}
