/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/commands.h"
#include "conf/show.h"

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
    cli_add_lines(&c->out, buf_slice(&text));
    return CLI_OK;
}

int cmd_config(struct cli *c) {
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
    cli_add_lines(&c->out, buf_slice(&text));
    if (c->out.len > 0 && c->out.ptr[c->out.len - 1] != '\n')
        buf_add_byte(&c->out, '\n');
    return code;
}
