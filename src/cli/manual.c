/* SPDX-License-Identifier: ISC */
/*
 * hayauma(8) in mdoc, which man(1) of every system reads. The words around the lists are here, the
 * lists are the table of commands.
 */
#include "cli/docs.h"
#include "conf/conf.h"

static const char head[] =
    ".\\\" SPDX-License-Identifier: ISC\n"
    ".Dd November 22, 2026\n"
    ".Dt HAYAUMA 8\n"
    ".Os Hayauma\n"
    ".Sh NAME\n"
    ".Nm hayauma\n"
    ".Nd integrated mail system\n"
    ".Sh SYNOPSIS\n"
    ".Nm\n"
    ".Op Fl C Ar DIR\n"
    ".Op Fl \\-json\n"
    ".Ar COMMAND ...\n"
    ".Sh DESCRIPTION\n"
    "Hayauma receives letters over SMTP, carries them to their hosts or into the mailboxes of "
    "this\n"
    "host, and hands them out over POP3.\n"
    "All of it is one program, which runs as several processes, each with no more rights than its\n"
    "work needs, on the files of one state directory.\n"
    "With the same program a postmaster makes a post office, runs it, and looks after it.\n"
    ".Pp\n"
    "Results are on standard output: tables for people, which are cut to the width of a terminal,\n"
    "or JSON for programs.\n"
    "Lists are arrays; what goes on, such as a log that is followed, is one object on each line.\n"
    "A change prints one sentence, and in JSON what came of it, if anything.\n"
    "What it looks like stands with each command: names, and the types of their values.\n"
    "A member whose name has a question mark is not always there; a time is as in RFC 3339.\n"
    "Further members may come with later versions.\n"
    "The kinds of events and their facts are listed in\n"
    ".Pa /usr/share/doc/hayauma/events.md .\n"
    "Messages are sentences on standard error.\n"
    "Times are those of the local zone in tables, and UTC in JSON.\n"
    ".Pp\n"
    "These options stand before the command or behind it:\n";

static const char files[] =
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa " CONF_PATH_DEFAULT "\n"
    "The settings where no state directory is named on the command line.\n"
    ".It Pa DIR/hayauma.conf\n"
    "The settings of the post office in the state directory DIR.\n"
    ".It Pa DIR/directory\n"
    "Domains, accounts and aliases, and the key that seals APOP secrets.\n"
    ".It Pa DIR/keys\n"
    "The private key and the certificate for TLS, as\n"
    ".Pa default.key\n"
    "and\n"
    ".Pa default.crt ,\n"
    "unless the settings\n"
    ".Ic tls.certificate\n"
    "and\n"
    ".Ic tls.key\n"
    "name files elsewhere.\n"
    ".It Pa DIR/spool\n"
    "The letters that are on their way.\n"
    ".It Pa DIR/accounts\n"
    "The mailboxes.\n"
    ".It Pa DIR/ledger\n"
    "What has happened: journeys of letters, the log.\n"
    ".It Pa DIR/run\n"
    "A lock, which the post office holds while it runs, and the sockets that commands use.\n"
    ".El\n";

static const char tail[] = ".Sh SEE ALSO\n"
                           ".Xr hayauma.conf 5\n";

/* Text in which nothing means anything to roff. */
static void write_text(struct buf *to, struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\')
            buf_add_str(to, "\\e");
        else if (c == '-')
            buf_add_str(to, "\\-");
        else if (c == '"')
            buf_add_str(to, "\\(dq");
        else if (c == '\'')
            buf_add_str(to, "\\(aq");
        else if (c == '.' && i == 0)
            buf_add_str(to, "\\&.");
        else
            buf_add_byte(to, c);
    }
}

/* Sentences, each on a line of its own, as roff wants them. */
static void write_sentences(struct buf *to, struct slice text) {
    ssize_t at = slice_find(text, S(". "));
    while (at >= 0) {
        write_text(to, slice_first(text, (size_t)at + 1));
        buf_add_byte(to, '\n');
        text = slice_from(text, (size_t)at + 2);
        at = slice_find(text, S(". "));
    }
    write_text(to, text);
    buf_add_byte(to, '\n');
}

static void write_parameter(const struct cli_parameter *p, struct buf *to) {
    buf_add_str(to, ".It ");
    if (p->letter)
        buf_printf(to, "Fl %c , ", p->letter);
    buf_add_str(to, p->form == CLI_ARGUMENT ? "Ar " : "Fl \\-");
    write_text(to, slice_of_str(p->name));
    if (p->form == CLI_OPTION)
        buf_printf(to, " Ar %s", p->value);
    buf_add_str(to, p->many ? " ...\n" : "\n");
    char first = ascii_upper(p->about[0]);
    write_text(to, slice_of(&first, 1));
    write_text(to, slice_of_str(p->about + 1));
    buf_add_str(to, ".\n");
}

static void write_parameters(const struct cli_parameter *list, struct buf *to) {
    if (!list)
        return;
    buf_add_str(to, ".Bl -tag -width Ds\n");
    for (; list->name; list++)
        write_parameter(list, to);
    buf_add_str(to, ".El\n");
}

static void write_literal(const char *const *lines, struct buf *to) {
    buf_add_str(to, ".Bd -literal -offset indent\n");
    for (; *lines; lines++) {
        write_text(to, slice_of_str(*lines));
        buf_add_byte(to, '\n');
    }
    buf_add_str(to, ".Ed\n");
}

static void write_exits(unsigned exits, struct buf *to) {
    bool any = false;
    exits &= ~(CLI_EXIT_BIT(CLI_OK) | CLI_EXIT_BIT(CLI_FAILED) | CLI_EXIT_BIT(CLI_USAGE));
    if (exits == 0)
        return;
    buf_add_str(to, ".Pp\nSpecial exit codes: ");
    for (unsigned i = 0; i < CLI_EXITS; i++) {
        if (exits & CLI_EXIT_BIT(i)) {
            buf_printf(to, "%s%u", any ? ", " : "", i);
            any = true;
        }
    }
    buf_add_str(to, ".\n");
}

static void write_command(const struct cli_command *c, struct buf *to) {
    _cleanup_(buf_done) struct buf synopsis = {0};
    docs_synopsis(c, &synopsis);
    buf_add_str(to, ".Ss ");
    write_text(to, slice_from(buf_slice(&synopsis), strlen("hayauma ")));
    buf_add_byte(to, '\n');
    write_sentences(to, slice_of_str(c->about));
    if (c->more)
        write_sentences(to, slice_of_str(c->more));
    if (c->offline)
        write_sentences(to, slice_of_str(docs_offline));
    write_parameters(c->parameters, to);
    if (c->examples)
        write_literal(c->examples, to);
    if (c->json) {
        buf_add_str(to, ".Pp\nWith\n.Fl \\-json :\n");
        write_text(to, slice_of_str(c->json));
        buf_add_byte(to, '\n');
    }
    write_exits(c->exits, to);
}

void docs_manual(struct buf *to) {
    buf_add_str(to, head);
    write_parameters(cli_globals, to);
    buf_add_str(to, ".Sh COMMANDS\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        if (cli_commands[i].run)
            write_command(&cli_commands[i], to);
    }
    buf_add_str(to, files);
    buf_add_str(to, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    for (unsigned i = 0; i < CLI_EXITS; i++) {
        buf_printf(to, ".It %u\n", i);
        write_sentences(to, slice_of_str(cli_exit_texts[i]));
    }
    buf_add_str(to, ".El\n");
    buf_add_str(to, tail);
}
