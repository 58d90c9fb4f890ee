/* SPDX-License-Identifier: ISC */
/*
 * hayauma.conf(5). The words around the list of settings are here, the list is the table. Written
 * in mdoc, which man(1) of every system reads.
 */
#include "conf/show.h"
#include "conf/shown.h"
#include "conf/value.h"
#include "message/text.h"

static const char *const head[CONF_LANGUAGE_COUNT] = {
    [CONF_ENGLISH] =
        ".\\\" SPDX-License-Identifier: ISC\n"
        ".Dd November 22, 2026\n"
        ".Dt HAYAUMA.CONF 5\n"
        ".Os Hayauma\n"
        ".Sh NAME\n"
        ".Nm hayauma.conf\n"
        ".Nd settings of the Hayauma mail system\n"
        ".Sh DESCRIPTION\n"
        "The file is UTF\\-8 text.\n"
        "Each line holds one setting: its name and behind it one or more values, parted by "
        "spaces.\n"
        "Settings that belong together stand in a block:\n"
        ".Bd -literal -offset indent\n"
        "hostname mail.example.jp\n"
        "smtp {\n"
        "    message\\-size\\-max 100M    # larger than usual\n"
        "    trusted\\-networks 127.0.0.0/8 ::1/128\n"
        "}\n"
        ".Ed\n"
        ".Pp\n"
        "A\n"
        ".Ql #\n"
        "where a word could begin starts a comment, which goes on to the end of the line.\n"
        "A value with spaces, braces or quotes is written in double quotes; within them\n"
        ".Ql \\e\\(dq\n"
        "stands for a quote and\n"
        ".Ql \\e\\e\n"
        "for a backslash.\n"
        "A setting may be given once, except\n"
        ".Cm route ;\n"
        "what is not given has its default.\n"
        "Only\n"
        ".Cm hostname\n"
        "has none.\n"
        ".Pp\n"
        "Sizes are bytes, or end with\n"
        ".Cm K , M , G\n"
        "or\n"
        ".Cm T\n"
        "(powers of 1024).\n"
        "Spans end with\n"
        ".Cm ms , s , min , h\n"
        "or\n"
        ".Cm d .\n"
        ".Pp\n"
        "All that is wrong with a file is reported at once, by line and column;\n"
        "a running server keeps its former settings then.\n"
        "Each process gets only those settings that its work needs.\n"
        ".Sh SETTINGS\n",
    [CONF_JAPANESE] =
        ".\\\" SPDX-License-Identifier: ISC\n"
        ".Dd November 22, 2026\n"
        ".Dt HAYAUMA.CONF 5\n"
        ".Os Hayauma\n"
        ".Sh 名前\n"
        ".Nm hayauma.conf\n"
        ".Nd Hayauma メールシステムの設定ファイル\n"
        ".Sh 説明\n"
        "ファイルは UTF\\-8 のテキストです。\n"
        "1 行に一つの設定を書きます。名前の後に、一つ以上の値を空白で区切って並べます。\n"
        "関連する設定はブロックにまとめます。\n"
        ".Bd -literal -offset indent\n"
        "hostname mail.example.jp\n"
        "smtp {\n"
        "    message\\-size\\-max 100M    # 通常より大きくする\n"
        "    trusted\\-networks 127.0.0.0/8 ::1/128\n"
        "}\n"
        ".Ed\n"
        ".Pp\n"
        "語の始まる位置にある\n"
        ".Ql #\n"
        "から行末まではコメントです。\n"
        "空白、波括弧、引用符を含む値は二重引用符で囲みます。その中では\n"
        ".Ql \\e\\(dq\n"
        "が引用符、\n"
        ".Ql \\e\\e\n"
        "がバックスラッシュを表します。\n"
        "同じ設定を書けるのは一度だけです（\n"
        ".Cm route\n"
        "は除きます）。書かない設定には既定値を使います。\n"
        ".Cm hostname\n"
        "だけは既定値がありません。\n"
        ".Pp\n"
        "サイズはバイト数です。末尾に\n"
        ".Cm K , M , G , T\n"
        "を付けられます（1024 の累乗）。\n"
        "時間の末尾には\n"
        ".Cm ms , s , min , h , d\n"
        "のいずれかを付けます。\n"
        ".Pp\n"
        "ファイルの誤りは、行と桁を添えて一度にすべて報告します。\n"
        "動作中のサーバーは、誤りがあれば元の設定を使い続けます。\n"
        "各プロセスには、その仕事に必要な設定だけを渡します。\n"
        ".Sh 設定\n"};

static const char *const tail[CONF_LANGUAGE_COUNT] = {
    [CONF_ENGLISH] = ".Sh FILES\n"
                     ".Bl -tag -width Ds\n"
                     ".It Pa " CONF_PATH_DEFAULT "\n"
                     "The settings, unless another file is named on the command line.\n"
                     ".El\n"
                     ".Sh SEE ALSO\n"
                     ".Xr hayauma 8\n",
    [CONF_JAPANESE] = ".Sh ファイル\n"
                      ".Bl -tag -width Ds\n"
                      ".It Pa " CONF_PATH_DEFAULT "\n"
                      "コマンドラインで別のファイルを指定しないときの設定ファイル。\n"
                      ".El\n"
                      ".Sh 関連項目\n"
                      ".Xr hayauma 8\n"};

/* A sentence; roff wants "§" spelled and the end of a sentence at the end of a line. */
static void write_sentence(struct buf *to, const char *sentence) {
    struct slice rest = slice_of_str(sentence);
    ssize_t at = slice_find(rest, S("\u00a7"));
    while (at >= 0) {
        text_add_roff(to, slice_first(rest, (size_t)at));
        buf_add_str(to, "\\(sc");
        rest = slice_from(rest, (size_t)at + 2);
        at = slice_find(rest, S("\u00a7"));
    }
    text_add_roff(to, rest);
    buf_add_byte(to, '\n');
}

/* Japanese has no spaces between sentences, which a joined line would give it. */
static void write_break(enum conf_language language, struct buf *to) {
    if (language == CONF_JAPANESE)
        buf_add_str(to, ".br\n");
}

/* What stands around the values of a setting. */
static const struct words {
    const char *expects, *preset, *example, *restart, *top, *block, *behind_block;
} words[CONF_LANGUAGE_COUNT] = {
    [CONF_ENGLISH] = {"Expects ", "The default is\n", "Example:\n",
                      "A change takes effect at a restart.\n", "Outside of any block", "The block ",
                      ""},
    [CONF_JAPANESE] = {"書式: ", "既定値:\n", "例:\n", "変更は再起動で有効になります。\n",
                       "ブロックの外", "", " ブロック"},
};

static void write_setting(const struct conf_shown *shown, enum conf_language language,
                          struct buf *to) {
    const struct conf_setting *s = shown->setting;
    const struct words *w = &words[language];
    const char *stop = language == CONF_JAPANESE ? "" : " .";
    _cleanup_(buf_done) struct buf form = {0};
    conf_value_expected(s, language, &form);
    buf_add_str(to, ".It Cm ");
    text_add_roff(to, slice_of_str(s->name));
    buf_add_byte(to, '\n');
    write_sentence(to, s->about[language]);
    write_break(language, to);
    buf_add_str(to, w->expects);
    text_add_roff(to, buf_slice(&form));
    buf_add_str(to, language == CONF_JAPANESE ? "\n" : ".\n");
    if (shown->preset.ptr) {
        write_break(language, to);
        buf_printf(to, "%s.Ql \"", w->preset);
        text_add_roff(to, shown->preset);
        buf_printf(to, "\"%s\n", stop);
    }
    write_break(language, to);
    buf_printf(to, "%s.Ql \"", w->example);
    text_add_roff(to, slice_of_str(s->example));
    buf_printf(to, "\"%s\n", stop);
    if (s->effect == CONF_RESTART) {
        write_break(language, to);
        buf_add_str(to, w->restart);
    }
}

static void write_block(enum conf_block_id id, const struct conf *defaults,
                        enum conf_language language, struct buf *to) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct words *w = &words[language];
    if (id == CONF_TOP)
        buf_printf(to, ".Ss %s\n", w->top);
    else
        buf_printf(to, ".Ss %s%s%s\n", w->block, conf_blocks[id].name, w->behind_block);
    write_sentence(to, conf_blocks[id].about[language]);
    buf_add_str(to, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (conf_settings[i].block != id)
            continue;
        struct conf_shown shown = conf_show(&conf_settings[i], defaults, defaults, &a);
        write_setting(&shown, language, to);
    }
    buf_add_str(to, ".El\n");
}

void conf_write_man(enum conf_language language, struct buf *to) {
    _cleanup_(conf_free_p) struct conf *defaults = conf_new();
    buf_add_str(to, head[language]);
    for (unsigned id = CONF_TOP; id < CONF_BLOCK_COUNT; id++)
        write_block((enum conf_block_id)id, defaults, language, to);
    buf_add_str(to, tail[language]);
}
