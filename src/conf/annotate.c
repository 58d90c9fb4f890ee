/* SPDX-License-Identifier: ISC */
/*
 * The annotated settings file. Within a comment each setting says what it is for, and then what may
 * stand behind its name; the lines themselves are what the parser reads.
 */
#include "conf/show.h"
#include "conf/shown.h"
#include "conf/value.h"
#include "message/text.h"

#define COMMENT_WIDTH 96U

static const char *const head[CONF_LANGUAGE_COUNT][3] = {
    [CONF_ENGLISH] =
        {"The settings of this mail server; see hayauma.conf(5).",
         "Lines that begin with # are comments. A setting in a comment shows its "
         "default.",
         "After a change run `hayauma config`, which checks it, and `hayauma reload`."},
    [CONF_JAPANESE] =
        {"このメールサーバーの設定です。詳しくは hayauma.conf(5) を参照してください。",
         "行頭が # の行はコメントです。コメントの中の設定は既定値を示します。",
         "変更したら `hayauma config` で確認し、`hayauma reload` で反映します。"},
};

static const char *const restart_note[CONF_LANGUAGE_COUNT] = {
    [CONF_ENGLISH] = "; takes effect at a restart",
    [CONF_JAPANESE] = "。再起動で有効になります。",
};

/* Writes text as comment lines. */
static void write_comment(struct buf *to, const char *indent, struct slice text) {
    _cleanup_(buf_done) struct buf lines = {0};
    struct slice line = {NULL, 0};
    text_wrap(&lines, text, 0, COMMENT_WIDTH - strlen(indent) - strlen("# "));
    struct slice rest = buf_slice(&lines);
    while (slice_next(&rest, '\n', &line))
        buf_printf(to, "%s# %.*s\n", indent, SLICE_ARG(line));
}

static void write_setting(const struct conf_shown *shown, const struct conf *conf,
                          enum conf_language language, struct buf *to) {
    const struct conf_setting *s = shown->setting;
    const char *indent = s->block == CONF_TOP ? "" : "    ";
    _cleanup_(buf_done) struct buf form = {0};
    conf_value_expected(s, language, &form);
    if (s->effect == CONF_RESTART)
        buf_add_str(&form, restart_note[language]);
    write_comment(to, indent, slice_of_str(s->about[language]));
    write_comment(to, indent, buf_slice(&form));
    bool active = shown->changed || shown->line > 0;
    if (!active && !s->preset) {
        buf_printf(to, "%s#%s %s\n", indent, s->name, s->example);
        return;
    }
    for (size_t line = 0; line < conf_value_lines(s, conf); line++) {
        buf_printf(to, "%s%s%s ", indent, active ? "" : "#", s->name);
        conf_value_write_line(s, conf, line, to);
        buf_add_byte(to, '\n');
    }
}

static void write_block(enum conf_block_id id, const struct conf *conf, const struct conf *defaults,
                        enum conf_language language, struct buf *to) {
    _cleanup_(arena_done) struct arena a = {0};
    bool blank_line = id == CONF_TOP;
    if (id != CONF_TOP) {
        buf_add_byte(to, '\n');
        write_comment(to, "", slice_of_str(conf_blocks[id].about[language]));
        buf_printf(to, "%s {\n", conf_blocks[id].name);
    }
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (conf_settings[i].block != id)
            continue;
        if (blank_line)
            buf_add_byte(to, '\n');
        blank_line = true;
        struct conf_shown shown = conf_show(&conf_settings[i], conf, defaults, &a);
        write_setting(&shown, conf, language, to);
    }
    if (id != CONF_TOP)
        buf_add_str(to, "}\n");
}

void conf_write_annotated(const struct conf *conf, enum conf_language language, struct buf *to) {
    _cleanup_(conf_free_p) struct conf *defaults = conf_new();
    for (size_t i = 0; i < ARRAY_SIZE(head[language]); i++)
        write_comment(to, "", slice_of_str(head[language][i]));
    for (unsigned id = CONF_TOP; id < CONF_BLOCK_COUNT; id++)
        write_block((enum conf_block_id)id, conf ? conf : defaults, defaults, language, to);
}
