/* SPDX-License-Identifier: ISC */
/*
 * hayauma(8) in mdoc, which man(1) of every system reads. The words around the lists are here in
 * both languages, the lists are the table of commands.
 */
#include "cli/help/docs.h"
#include "conf/conf.h"
#include "message/text.h"

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
    ".Op Fl \\-wide\n"
    ".Ar COMMAND ...\n"
    ".Sh DESCRIPTION\n"
    "Hayauma receives messages over SMTP, carries them to their hosts or into the mailboxes of "
    "this\n"
    "host, and hands them out over IMAP and POP3.\n"
    "All of it is one program, which runs as several processes, each with no more rights than its\n"
    "work needs, on the files of one state directory.\n"
    "With the same program a postmaster sets a server up, runs it, and looks after it.\n"
    ".Pp\n"
    "Results are on standard output: tables for people, which are cut to the width of a terminal,\n"
    "or JSON for programs.\n"
    "In JSON lists are arrays; what goes on, such as a log that is followed, is one object on each "
    "line.\n"
    "A change prints one sentence, and in JSON what came of it, if anything.\n"
    "What it looks like stands with each command: names, and the types of their values.\n"
    "A member whose name has a question mark is not always there; a time is as in RFC 3339.\n"
    "Further members may come with later versions.\n"
    "The kinds of events and their facts are listed in\n"
    ".Pa /usr/share/doc/hayauma/events.md .\n"
    "Errors and warnings are sentences on standard error.\n"
    "Times are those of the local zone in tables, and UTC in JSON.\n"
    ".Pp\n"
    "These options stand before the command or behind it:\n";

static const char files[] =
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa " CONF_PATH_DEFAULT "\n"
    "The settings where no state directory is named on the command line.\n"
    ".It Pa DIR/hayauma.conf\n"
    "The settings of the server whose state directory is DIR.\n"
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
    "The messages that are on their way.\n"
    ".It Pa DIR/accounts\n"
    "The mailboxes.\n"
    ".It Pa DIR/events\n"
    "What has happened: journeys of messages, the log.\n"
    ".It Pa DIR/run\n"
    "A lock, which the server holds while it runs, and the sockets that commands use.\n"
    ".El\n";

static const char tail[] = ".Sh SEE ALSO\n"
                           ".Xr hayauma.conf 5\n";

static const char head_ja[] =
    ".\\\" SPDX-License-Identifier: ISC\n"
    ".Dd November 22, 2026\n"
    ".Dt HAYAUMA 8\n"
    ".Os Hayauma\n"
    ".Sh 名前\n"
    ".Nm hayauma\n"
    ".Nd 統合メールシステム\n"
    ".Sh 書式\n"
    ".Nm\n"
    ".Op Fl C Ar DIR\n"
    ".Op Fl \\-json\n"
    ".Op Fl \\-wide\n"
    ".Ar COMMAND ...\n"
    ".Sh 説明\n"
    "Hayauma は SMTP でメールを受信し、ほかのサーバーやこのサーバーのメールボックスへ配送し、IMAP "
    "と "
    "POP3 で利用者に渡します。\n"
    ".br\n"
    "一つのプログラムが複数のプロセスとして動作し、それぞれがその仕事に必要な権限だけを持って、一つ"
    "の状態ディレクトリを使います。\n"
    ".br\n"
    "サーバーの作成、実行、管理も同じプログラムで行います。\n"
    ".Pp\n"
    "結果は標準出力に、端末の幅に合わせた表で、またはプログラム向けの JSON で出力します。\n"
    ".br\n"
    "JSON では一覧を配列で出力します。追跡中のログのように続くものは、1 "
    "行に一つのオブジェクトです。\n"
    ".br\n"
    "変更を行うコマンドは 1 文で結果を表示します。JSON では、値があればそれを出力します。\n"
    ".br\n"
    "形式は各コマンドの項に、名前と値の型で示します。\n"
    "疑問符の付いたメンバーは、ないこともあります。日時は RFC 3339 に従います。\n"
    ".br\n"
    "今後のバージョンでメンバーが増えることがあります。\n"
    ".br\n"
    "イベントの種類とその項目の一覧は\n"
    ".Pa /usr/share/doc/hayauma/events.md\n"
    "にあります。\n"
    ".br\n"
    "エラーと警告は標準エラー出力に文で表示します。\n"
    ".br\n"
    "日時は、表ではローカル時刻、JSON では UTC です。\n"
    ".Pp\n"
    "次のオプションは、コマンドの前にも後にも書けます:\n";

static const char files_ja[] =
    ".Sh ファイル\n"
    ".Bl -tag -width Ds\n"
    ".It Pa " CONF_PATH_DEFAULT "\n"
    "コマンドラインで状態ディレクトリを指定しないときの設定ファイル。\n"
    ".It Pa DIR/hayauma.conf\n"
    "状態ディレクトリ DIR のサーバーの設定ファイル。\n"
    ".It Pa DIR/directory\n"
    "ドメイン、アカウント、エイリアスと、APOP の共有シークレットを暗号化する鍵。\n"
    ".It Pa DIR/keys\n"
    "TLS の秘密鍵と証明書（\n"
    ".Pa default.key\n"
    "と\n"
    ".Pa default.crt ）。\n"
    "設定\n"
    ".Ic tls.certificate\n"
    "と\n"
    ".Ic tls.key\n"
    "で別のファイルを指定できます。\n"
    ".It Pa DIR/spool\n"
    "配送中のメール。\n"
    ".It Pa DIR/accounts\n"
    "メールボックス。\n"
    ".It Pa DIR/events\n"
    "イベントの記録（メールの配送経過、ログ）。\n"
    ".It Pa DIR/run\n"
    "サーバーの動作中に保持するロックと、コマンドが使うソケット。\n"
    ".El\n";

static const char tail_ja[] = ".Sh 関連項目\n"
                              ".Xr hayauma.conf 5\n";

/* One of two that stand side by side. */
static const char *either(const char *english, const char *japanese) {
    return words_are_japanese() ? japanese : english;
}

/* Sentences, each on a line of its own, as roff wants them. */
static void write_sentences(struct buf *to, struct slice text) {
    ssize_t at = slice_find(text, S(". "));
    while (at >= 0) {
        text_add_roff(to, slice_first(text, (size_t)at + 1));
        buf_add_byte(to, '\n');
        text = slice_from(text, (size_t)at + 2);
        at = slice_find(text, S(". "));
    }
    text_add_roff(to, text);
    buf_add_byte(to, '\n');
}

static void write_parameter(const struct cli_parameter *p, struct buf *to) {
    buf_add_str(to, ".It ");
    if (p->short_name)
        buf_printf(to, "Fl %c , ", p->short_name);
    buf_add_str(to, p->form == CLI_ARGUMENT ? "Ar " : "Fl \\-");
    text_add_roff(to, slice_of_str(p->name));
    if (p->form == CLI_OPTION)
        buf_printf(to, " Ar %s", p->value);
    buf_add_str(to, p->many ? " ...\n" : "\n");
    const char *about = translated(p->about);
    char first = ascii_upper(about[0]);
    text_add_roff(to, slice_of(&first, 1));
    text_add_roff(to, slice_of_str(about + 1));
    buf_add_str(to, either(".\n", "。\n"));
}

static void write_parameters(const struct cli_parameter *list, struct buf *to) {
    if (!list)
        return;
    buf_add_str(to, ".Bl -tag -width Ds\n");
    for (; list->name; list++)
        write_parameter(list, to);
    buf_add_str(to, ".El\n");
}

static void write_exits(unsigned exits, struct buf *to) {
    bool any = false;
    exits &= ~(CLI_EXIT_BIT(CLI_OK) | CLI_EXIT_BIT(CLI_FAILED) | CLI_EXIT_BIT(CLI_USAGE));
    if (exits == 0)
        return;
    buf_add_str(to, either(".Pp\nSpecial exit codes: ", ".Pp\n固有の終了コード: "));
    for (unsigned i = 0; i < CLI_EXITS; i++) {
        if (exits & CLI_EXIT_BIT(i)) {
            buf_printf(to, "%s%u", any ? ", " : "", i);
            any = true;
        }
    }
    buf_add_str(to, either(".\n", "\n"));
}

static void write_command(const struct cli_command *c, struct buf *to) {
    _cleanup_(buf_done) struct buf synopsis = {0};
    docs_synopsis(c, &synopsis);
    buf_add_str(to, ".Ss ");
    text_add_roff(to, slice_from(buf_slice(&synopsis), strlen("hayauma ")));
    buf_add_byte(to, '\n');
    write_sentences(to, slice_of_str(translated(c->about)));
    if (c->more)
        write_sentences(to, slice_of_str(translated(c->more)));
    if (c->offline)
        write_sentences(to, slice_of_str(translated(docs_offline)));
    write_parameters(c->parameters, to);
    if (c->examples) {
        buf_add_str(to, ".Bd -literal -offset indent\n");
        for (const char *const *line = c->examples; *line; line++) {
            text_add_roff(to, slice_of_str(*line));
            buf_add_byte(to, '\n');
        }
        buf_add_str(to, ".Ed\n");
    }
    if (c->json) {
        buf_add_str(to, either(".Pp\nWith\n.Fl \\-json :\n", ".Pp\n.Fl \\-json\nの出力:\n"));
        text_add_roff(to, slice_of_str(c->json));
        buf_add_byte(to, '\n');
    }
    write_exits(c->exits, to);
}

void docs_manual(const struct cli_table *table, struct buf *to) {
    buf_add_str(to, either(head, head_ja));
    write_parameters(table->globals, to);
    buf_add_str(to, either(".Sh COMMANDS\n", ".Sh コマンド\n"));
    for (size_t i = 0; i < table->count; i++) {
        if (!cli_command_is_group(table->commands[i]))
            write_command(table->commands[i], to);
    }
    buf_add_str(to, either(files, files_ja));
    buf_add_str(to, either(".Sh EXIT STATUS\n", ".Sh 終了コード\n"));
    buf_add_str(to, ".Bl -tag -width Ds\n");
    for (unsigned i = 0; i < CLI_EXITS; i++) {
        buf_printf(to, ".It %u\n", i);
        write_sentences(to, slice_of_str(translated(table->exits[i])));
    }
    buf_add_str(to, ".El\n");
    buf_add_str(to, either(tail, tail_ja));
}
