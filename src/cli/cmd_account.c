/* SPDX-License-Identifier: ISC */
/* Showing, listing and removing accounts. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/directory_access.h"

static const char *state_text(const struct account *a) {
    if (!a->enabled)
        return N_("disabled");
    return a->has_password ? N_("enabled") : N_("no password");
}

static void write_object(struct json *j, const struct account *a) {
    json_object(j);
    cli_json_int(j, "id", (int64_t)a->id);
    cli_json_text(j, "address", a->address);
    cli_json_text(j, "name", a->name);
    cli_json_bool(j, "enabled", a->enabled);
    cli_json_bool(j, "admin", a->admin);
    cli_json_text(j, "password", slice_of_str(a->password_kind));
    cli_json_bool(j, "apop", a->has_apop);
    json_key(j, "quota");
    if (a->quota > 0)
        json_int(j, (int64_t)a->quota);
    else
        json_null(j);
    cli_json_int(j, "shard", a->shard);
    cli_json_time(j, "created", a->created);
    cli_json_time(j, "last_login", a->last_login);
    json_end(j);
}

/* ------------------------------------------------------------------ list */

struct listing {
    struct cli *c;
    struct table table;
    struct json json;
};

static void write_page(struct listing *l, const struct account *list, size_t count,
                       struct arena *a) {
    for (size_t i = 0; i < count; i++) {
        if (l->c->json) {
            write_object(&l->json, &list[i]);
            continue;
        }
        table_printf(&l->table, "%llu", (unsigned long long)list[i].id);
        table_text(&l->table, list[i].address);
        table_text(&l->table, list[i].name);
        table_word(&l->table, translated(state_text(&list[i])));
        table_word(&l->table, list[i].admin ? _("yes") : "");
        if (list[i].quota > 0)
            table_size(&l->table, list[i].quota);
        else
            table_text(&l->table, S(""));
        table_text(&l->table, cli_time(a, list[i].last_login, _("never")));
    }
    if (!l->c->json)
        table_write(&l->table, &l->c->out);
    cli_flush(l->c);
}

static int write_all(struct listing *l, struct directory_access *x, struct problem *problem) {
    const struct cli_call *call = l->c->call;
    uint64_t after = cli_number(call, "after", 0);
    uint64_t left = cli_number(call, "limit", UINT64_MAX);
    _cleanup_(arena_done) struct arena a = {0};
    for (;;) {
        struct account *list = NULL;
        size_t count = 0;
        size_t want = (size_t)MIN(left, (uint64_t)ACCESS_PAGE);
        arena_reset(&a);
        int r = access_account_list(x, cli_text(call, "DOMAIN"), after, want, &a, &list, &count,
                                    problem);
        if (r < 0)
            return r;
        write_page(l, list, count, &a);
        left -= count;
        if (count < want || left == 0)
            return 0;
        after = list[count - 1].id;
    }
}

int cmd_account_list(struct cli *c) {
    static const struct table_column columns[] = {
        {N_("ID"), .right = true},
        {N_("ADDRESS"), .shrinks = true},
        {N_("NAME"), .shrinks = true},
        {N_("STATE")},
        {N_("ADMIN")},
        {N_("QUOTA"), .right = true},
        {N_("LAST LOGIN")},
    };
    struct problem problem = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    struct listing l = {
        .c = c,
        .json = {.to = &c->out},
        .table = {.columns = columns, .count = ARRAY_SIZE(columns), .width = c->width}};
    int code = directory_access_begin(c, &x);
    if (code != CLI_OK)
        return code;
    if (c->json)
        json_array(&l.json);
    int r = write_all(&l, x, &problem);
    table_done(&l.table);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json) {
        json_end(&l.json);
        buf_add_byte(&c->out, '\n');
    }
    return CLI_OK;
}

/* ------------------------------------------------------------------ show */

static void write_account(struct cli *c, const struct account *a) {
    static const struct table_column columns[] = {{""}, {"", .shrinks = true}};
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = 2, .width = c->width, .headless = true};
    table_word(&t, _("address"));
    table_text(&t, a->address);
    table_word(&t, _("name"));
    table_text(&t, a->name);
    table_word(&t, _("number"));
    table_printf(&t, "%llu", (unsigned long long)a->id);
    table_word(&t, _("state"));
    table_word(&t, translated(state_text(a)));
    table_word(&t, _("administrator"));
    table_word(&t, a->admin ? _("yes") : _("no"));
    table_word(&t, _("password"));
    table_word(&t, a->has_password ? a->password_kind : _("none: nobody can log in"));
    table_word(&t, "APOP");
    table_word(&t, a->has_apop ? _("yes, has a secret for it") : _("no"));
    table_word(&t, _("quota"));
    if (a->quota > 0)
        table_size(&t, a->quota);
    else
        table_word(&t, _("that of the settings (delivery.quota)"));
    table_word(&t, _("made"));
    table_text(&t, cli_time(c->arena, a->created, "-"));
    table_word(&t, _("last login"));
    table_text(&t, cli_time(c->arena, a->last_login, _("never")));
    table_write(&t, &c->out);
}

int cmd_account_show(struct cli *c) {
    struct problem problem = {0};
    struct account account = {0};
    struct json j = {.to = &c->out};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int code = directory_access_begin(c, &x);
    if (code != CLI_OK)
        return code;
    int r = access_account_show(x, cli_text(c->call, "USER@DOMAIN"), c->arena, &account, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (!c->json) {
        write_account(c, &account);
        return CLI_OK;
    }
    write_object(&j, &account);
    buf_add_byte(&c->out, '\n');
    return CLI_OK;
}

/* ------------------------------------------------------------------ remove */

int cmd_account_remove(struct cli *c) {
    struct problem problem = {0};
    struct slice address = cli_text(c->call, "USER@DOMAIN");
    struct json j = {.to = &c->out};
    uint64_t id = 0;
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int code = directory_access_begin(c, &x);
    if (code != CLI_OK)
        return code;
    int r = access_account_remove(x, address, &id, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (!c->json) {
        buf_printf(&c->out,
                   _("Removed the account %.*s. Its letters stay on the disk under the number"
                     " %llu.\n"),
                   SLICE_ARG(cli_shown(c->arena, address)), (unsigned long long)id);
        return CLI_OK;
    }
    json_object(&j);
    cli_json_int(&j, "id", (int64_t)id);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
    return CLI_OK;
}
