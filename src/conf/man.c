/* SPDX-License-Identifier: ISC */
/*
 * hayauma.conf(5). The words around the list of settings are here, the list is the table. Written
 * in mdoc, which man(1) of every system reads.
 */
#include "conf/show.h"
#include "conf/shown.h"
#include "conf/value.h"

static const char head[] =
    ".\\\" SPDX-License-Identifier: ISC\n"
    ".Dd November 22, 2026\n"
    ".Dt HAYAUMA.CONF 5\n"
    ".Os Hayauma\n"
    ".Sh NAME\n"
    ".Nm hayauma.conf\n"
    ".Nd settings of the Hayauma mail system\n"
    ".Sh DESCRIPTION\n"
    "The file is UTF\\-8 text.\n"
    "Each line holds one setting: its name and behind it one or more values, parted by spaces.\n"
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
    "a post office that runs keeps its former settings then.\n"
    "Each process gets only those settings that its work needs.\n"
    ".Sh SETTINGS\n";

static const char tail[] = ".Sh FILES\n"
                           ".Bl -tag -width Ds\n"
                           ".It Pa " CONF_PATH_DEFAULT "\n"
                           "The settings, unless another file is named on the command line.\n"
                           ".El\n"
                           ".Sh SEE ALSO\n"
                           ".Xr hayauma 1\n";

/* Text for a macro line or a text line: nothing in it means anything to roff. */
static void write_text(struct buf *to, struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\')
            buf_add_str(to, "\\e");
        else if (c == '-')
            buf_add_str(to, "\\-");
        else if (c == '"')
            buf_add_str(to, "\\(dq");
        else if ((c == '.' || c == '\'') && i == 0)
            buf_printf(to, "\\&%c", c);
        else
            buf_add_byte(to, c);
    }
}

/* A sentence; roff wants "§" spelled and the end of a sentence at the end of a line. */
static void write_sentence(struct buf *to, const char *sentence) {
    struct slice rest = slice_of_str(sentence);
    ssize_t at = slice_find(rest, S("\u00a7"));
    while (at >= 0) {
        write_text(to, slice_first(rest, (size_t)at));
        buf_add_str(to, "\\(sc");
        rest = slice_from(rest, (size_t)at + 2);
        at = slice_find(rest, S("\u00a7"));
    }
    write_text(to, rest);
    buf_add_byte(to, '\n');
}

static void write_setting(const struct conf_shown *shown, struct buf *to) {
    const struct conf_setting *s = shown->setting;
    _cleanup_(buf_done) struct buf form = {0};
    conf_value_expected(s, CONF_ENGLISH, &form);
    buf_add_str(to, ".It Cm ");
    write_text(to, slice_of_str(s->name));
    buf_add_byte(to, '\n');
    write_sentence(to, s->about[CONF_ENGLISH]);
    buf_add_str(to, "Expects ");
    write_text(to, buf_slice(&form));
    buf_add_str(to, ".\n");
    if (shown->preset.ptr) {
        buf_add_str(to, "The default is\n.Ql \"");
        write_text(to, shown->preset);
        buf_add_str(to, "\" .\n");
    }
    buf_add_str(to, "Example:\n.Ql \"");
    write_text(to, slice_of_str(s->example));
    buf_add_str(to, "\" .\n");
    if (s->effect == CONF_RESTART)
        buf_add_str(to, "A change takes effect at a restart.\n");
}

static void write_block(enum conf_block_id id, const struct conf *defaults, struct buf *to) {
    _cleanup_(arena_done) struct arena a = {0};
    buf_printf(to, ".Ss %s%s\n", id == CONF_TOP ? "Outside of any block" : "The block ",
               conf_blocks[id].name);
    write_sentence(to, conf_blocks[id].about[CONF_ENGLISH]);
    buf_add_str(to, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (conf_settings[i].block != id)
            continue;
        struct conf_shown shown = conf_show(&conf_settings[i], defaults, defaults, &a);
        write_setting(&shown, to);
    }
    buf_add_str(to, ".El\n");
}

void conf_write_man(struct buf *to) {
    _cleanup_(conf_free_p) struct conf *defaults = conf_new();
    buf_add_str(to, head);
    for (unsigned id = CONF_TOP; id < CONF_BLOCK_COUNT; id++)
        write_block((enum conf_block_id)id, defaults, to);
    buf_add_str(to, tail);
}
