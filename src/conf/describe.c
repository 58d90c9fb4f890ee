/* SPDX-License-Identifier: ISC */
/*
 * Settings on a terminal and as JSON. What is shown is the canonical value: "5min" whether the file
 * says 300s or 5min, to be pasted back as it stands.
 */
#include "base/json.h"
#include "base/words.h"
#include "conf/show.h"
#include "conf/shown.h"
#include "conf/value.h"

/* ------------------------------------------------------------------ one setting */

struct labels {
    unsigned columns; /* of the widest label, and two blanks behind it */
    const char *value, *preset, *form, *example, *roles, *change;
    const char *no_preset;
    const char *before_line, *after_line; /* around the number of the line that sets it */
    const char *effect[2];
};

static const struct labels labels_of[CONF_LANGUAGE_COUNT] = {
    [CONF_ENGLISH] = {9,
                      "value",
                      "default",
                      "form",
                      "example",
                      "goes to",
                      "change",
                      "none; it has to be set",
                      " (line ",
                      " of the file)",
                      {"takes effect at a reload", "takes effect at a restart"}},
    [CONF_JAPANESE] = {14,
                       "値",
                       "既定値",
                       "書き方",
                       "例",
                       "使うプロセス",
                       "変更の反映",
                       "なし（設定が必須）",
                       "（ファイルの ",
                       " 行目）",
                       {"再読み込みで有効になります", "再起動で有効になります"}},
};

/* Writes a label and fills its column; a CJK character, three bytes, is two columns wide. */
static void write_label(const struct labels *l, const char *label, struct buf *to) {
    size_t len = strlen(label);
    bool wide = (label[0] & 0x80) != 0;
    size_t width = wide ? len / 3 * 2 : len;
    buf_printf(to, "  %s%*s", label, (int)(l->columns - MIN(width, (size_t)l->columns)), "");
}

static void write_example(const struct conf_setting *s, const struct labels *l, struct buf *to) {
    int column = 2 + (int)l->columns;
    const char *block = conf_blocks[s->block].name;
    if (s->block == CONF_TOP)
        buf_printf(to, "%s %s\n", s->name, s->example);
    else
        buf_printf(to, "%s {\n%*s%s %s\n%*s}\n", block, column + 4, "", s->name, s->example, column,
                   "");
}

void conf_describe(const struct conf_setting *s, const struct conf *conf,
                   enum conf_language language, struct buf *to) {
    _cleanup_(conf_free_p) struct conf *defaults = conf_new();
    _cleanup_(arena_done) struct arena a = {0};
    const struct labels *l = &labels_of[language];
    struct conf_shown shown = conf_show(s, conf ? conf : defaults, defaults, &a);
    buf_printf(to, "%s\n  %s\n\n", shown.name, s->about[language]);
    if (conf) {
        write_label(l, l->value, to);
        buf_add(to, shown.value);
        if (shown.line > 0)
            buf_printf(to, "%s%u%s", l->before_line, shown.line, l->after_line);
        buf_add_byte(to, '\n');
    }
    write_label(l, l->preset, to);
    buf_printf(to, "%s\n", s->preset ? shown.preset.ptr : l->no_preset);
    write_label(l, l->form, to);
    conf_value_expected(s, language, to);
    buf_add_byte(to, '\n');
    write_label(l, l->example, to);
    write_example(s, l, to);
    write_label(l, l->roles, to);
    const char *before = "";
    for (unsigned role = 0; role < ROLES; role++) {
        if ((s->roles >> role & 1U) == 0)
            continue;
        buf_printf(to, "%s%s", before, role_name((enum role)role));
        before = ", ";
    }
    buf_add_byte(to, '\n');
    write_label(l, l->change, to);
    buf_printf(to, "%s\n", l->effect[s->effect]);
}

/* ------------------------------------------------------------------ all settings */

void conf_write_table(const struct conf *conf, bool changed_only, struct buf *to) {
    _cleanup_(conf_free_p) struct conf *defaults = conf_new();
    _cleanup_(arena_done) struct arena a = {0};
    for (size_t i = 0; i < conf_setting_count; i++) {
        struct conf_shown shown = conf_show(&conf_settings[i], conf, defaults, &a);
        if (changed_only && !shown.changed)
            continue;
        buf_printf(to, "%-34s %s", shown.name, shown.value.ptr);
        if (shown.changed && shown.preset.ptr)
            buf_printf(to, _("  (default %s)"), shown.preset.ptr);
        if (shown.line > 0)
            buf_printf(to, _("  line %u"), shown.line);
        buf_add_byte(to, '\n');
    }
}

/* ------------------------------------------------------------------ JSON */

static void json_setting(struct json *j, const struct conf_shown *shown) {
    const struct conf_setting *s = shown->setting;
    json_object(j);
    json_key(j, "name");
    json_str(j, shown->name);
    json_key(j, "type");
    json_str(j, conf_type_name(s->type));
    json_key(j, "value");
    json_slice(j, shown->value);
    json_key(j, "default");
    if (shown->preset.ptr)
        json_slice(j, shown->preset);
    else
        json_null(j);
    json_key(j, "changed");
    json_bool(j, shown->changed);
    json_key(j, "line");
    if (shown->line > 0)
        json_int(j, shown->line);
    else
        json_null(j);
    json_key(j, "restart");
    json_bool(j, s->effect == CONF_RESTART);
    json_key(j, "roles");
    json_array(j);
    for (unsigned role = 0; role < ROLES; role++) {
        if ((s->roles >> role & 1U) != 0)
            json_str(j, role_name((enum role)role));
    }
    json_end(j);
    json_key(j, "about");
    json_object(j);
    json_key(j, "en");
    json_str(j, s->about[CONF_ENGLISH]);
    json_key(j, "ja");
    json_str(j, s->about[CONF_JAPANESE]);
    json_end(j);
    json_key(j, "example");
    json_str(j, s->example);
    json_end(j);
}

void conf_write_json(const struct conf *conf, bool changed_only, struct buf *to) {
    _cleanup_(conf_free_p) struct conf *defaults = conf_new();
    _cleanup_(arena_done) struct arena a = {0};
    struct json j = {.to = to};
    json_array(&j);
    for (size_t i = 0; i < conf_setting_count; i++) {
        struct conf_shown shown = conf_show(&conf_settings[i], conf, defaults, &a);
        if (!changed_only || shown.changed)
            json_setting(&j, &shown);
    }
    json_end(&j);
}

void conf_describe_json(const struct conf_setting *s, const struct conf *conf, struct buf *to) {
    _cleanup_(conf_free_p) struct conf *defaults = conf_new();
    _cleanup_(arena_done) struct arena a = {0};
    struct conf_shown shown = conf_show(s, conf, defaults, &a);
    struct json j = {.to = to};
    json_setting(&j, &shown);
}
