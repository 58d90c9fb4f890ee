/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/terminal/row.h"
#include "conf/show.h"
#include "message/text.h"

/* Where a line goes on: below its value, which stands behind two blanks, or else its beginning. */
static size_t hanging(struct slice line) {
    size_t begin = 0;
    while (begin < line.len && line.ptr[begin] == ' ')
        begin++;
    ssize_t gap = slice_find(slice_from(line, begin), S("  "));
    size_t value = gap < 0 ? line.len : begin + (size_t)gap;
    while (value < line.len && line.ptr[value] == ' ')
        value++;
    return value < line.len ? value : begin;
}

/* Lines made harmless; on a terminal those that are too long for it go on further down. */
static void add_lines(struct cli *c, struct slice text) {
    struct slice line = {0};
    while (text.len > 0 && slice_next(&text, '\n', &line)) {
        _cleanup_(buf_done) struct buf clean = {0};
        size_t value = hanging(line);
        text_add_names(&clean, slice_first(line, value));
        size_t column = text_columns(buf_slice(&clean));
        buf_add(&c->out, buf_slice(&clean));
        if (c->width > 0)
            text_wrap_names(&c->out, slice_from(line, value), column, c->width);
        else
            text_add_names(&c->out, slice_from(line, value));
        buf_add_byte(&c->out, '\n');
    }
}

static int show_one(struct cli *c, struct slice name) {
    struct problem problem = {0};
    _cleanup_(buf_done) struct buf text = {0};
    const struct conf_setting *setting = conf_setting_find(name, &problem);
    if (!setting)
        return cli_fail(-E_UNKNOWN, &problem);
    if (c->json)
        conf_describe_json(setting, c->conf, &c->out);
    else
        conf_describe(setting, c->conf, conf_language(), &text);
    add_lines(c, buf_slice(&text));
    return CLI_OK;
}

static int cmd_config(struct cli *c) {
    _cleanup_(buf_done) struct buf text = {0};
    struct slice name = cli_text(c->call, "NAME");
    bool changed = cli_has(c->call, "changed");
    int code = cli_need_settings(c);
    if (code != CLI_OK)
        return code;
    if (name.ptr)
        code = show_one(c, name);
    else if (c->json)
        conf_write_json(c->conf, changed, &c->out);
    else
        conf_write_table(c->conf, changed, &text);
    add_lines(c, buf_slice(&text));
    if (c->out.len > 0 && c->out.ptr[c->out.len - 1] != '\n')
        buf_add_byte(&c->out, '\n');
    return code;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS config_parameters[] = {
    ARGUMENT("NAME", .optional = true, .offers = CLI_OFFER_SETTINGS,
             .about = N_("one setting, such as smtp.message-size-max")),
    FLAG("changed", .about = N_("only settings that differ from their defaults")),
    END,
};
const struct cli_command command_config = {
    .name = "config",
    .about = N_("Shows the settings as they are read, or explains one."),
    .more = N_("In JSON one setting is the object alone, without an array around it."),
    .parameters = config_parameters,
    .json = "[{\"name\": text, \"type\": text, \"value\": text, \"default\": text|null, "
            "\"changed\": bool, \"line\": number|null, \"restart\": bool, \"roles\": [text], "
            "\"about\": {\"en\": text, \"ja\": text}, \"example\": text}]",
    .exits = NOT_FOUND | SETTINGS,
    .stage = CLI_READS,
    .run = cmd_config,
};
