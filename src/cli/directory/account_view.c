/* SPDX-License-Identifier: ISC */
#include "cli/directory/account_view.h"

#include "cli/terminal/format.h"

const char *account_state(const struct account *a) {
    if (!a->enabled)
        return _("disabled");
    if (!a->has_password)
        return _("no password");
    return a->admin ? _("enabled, admin") : _("enabled");
}

void account_json_usage(struct json *j, const struct account *a) {
    json_key(j, "messages");
    if (a->has_usage)
        json_int(j, (int64_t)a->messages);
    else
        json_null(j);
    json_key(j, "bytes");
    if (a->has_usage)
        json_int(j, (int64_t)a->bytes);
    else
        json_null(j);
}

void account_json(struct json *j, const struct account *a) {
    json_object(j);
    cli_json_int(j, "id", (int64_t)a->id);
    cli_json_text(j, "address", a->address);
    cli_json_text(j, "name", a->name);
    cli_json_bool(j, "enabled", a->enabled);
    cli_json_bool(j, "admin", a->admin);
    cli_json_text(j, "password", a->password_kind);
    cli_json_bool(j, "apop", a->has_apop);
    json_key(j, "quota");
    if (a->quota > 0)
        json_int(j, (int64_t)a->quota);
    else
        json_null(j);
    account_json_usage(j, a);
    cli_json_int(j, "shard", a->shard);
    cli_json_time(j, "created", a->created);
    cli_json_time(j, "last_login", a->last_login);
    cli_json_time(j, "removed", a->removed);
    cli_json_time(j, "kept_until", a->kept_until);
    json_end(j);
}

void account_write_usage(struct buf *to, const struct account *a) {
    if (!a->has_usage) {
        buf_add_str(to, _("its messages"));
    } else if (a->messages == 0) {
        buf_add_str(to, _("no messages"));
    } else {
        buf_printf(to, P_("%llu message", "%llu messages", a->messages),
                   (unsigned long long)a->messages);
        buf_add_str(to, " (");
        format_size(to, a->bytes);
        buf_add_byte(to, ')');
    }
}

/* Of an account that has none of its own. */
static struct slice usual_quota(struct cli *c) {
    _cleanup_(buf_done) struct buf size = {0};
    if (!c->conf) /* the settings cannot be read */
        return slice_of_str(_("that of the settings (delivery.quota)"));
    if (c->conf->delivery.quota == 0)
        return slice_of_str(_("none, as in the settings (delivery.quota)"));
    format_size(&size, c->conf->delivery.quota);
    return arena_printf(c->arena, _("%s, that of the settings (delivery.quota)"), buf_str(&size));
}

void account_write(struct cli *c, const struct account *a) {
    static const struct table_column columns[] = {{""}, {"", .wraps = true}};
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = 2, .width = c->width, .headless = true};
    table_word(&t, _("address"));
    table_text(&t, a->address);
    table_word(&t, _("name"));
    table_text(&t, a->name);
    table_word(&t, _("number"));
    table_printf(&t, "%llu", (unsigned long long)a->id);
    table_word(&t, _("state"));
    table_word(&t, !a->enabled ? _("disabled") : a->has_password ? _("enabled") : _("no password"));
    table_word(&t, _("administrator"));
    table_word(&t, a->admin ? _("yes") : _("no"));
    table_word(&t, _("password"));
    table_text(&t, a->has_password ? a->password_kind : slice_of_str(_("none: nobody can log in")));
    table_word(&t, "APOP");
    table_word(&t, a->has_apop ? _("yes, has a secret for it") : _("no"));
    table_word(&t, _("messages"));
    if (a->has_usage)
        table_printf(&t, "%llu", (unsigned long long)a->messages);
    else
        table_word(&t, _("not known yet"));
    table_word(&t, _("size"));
    if (a->has_usage)
        table_size(&t, a->bytes);
    else
        table_word(&t, _("not known yet"));
    table_word(&t, _("quota"));
    if (a->quota > 0)
        table_size(&t, a->quota);
    else
        table_text(&t, usual_quota(c));
    table_word(&t, _("made"));
    table_text(&t, cli_time(c->arena, a->created, "-"));
    table_word(&t, _("last login"));
    table_text(&t, cli_time(c->arena, a->last_login, _("never")));
    if (a->removed > 0) {
        table_word(&t, _("removed"));
        table_text(&t, cli_time(c->arena, a->removed, "-"));
        table_word(&t, _("kept until"));
        table_text(&t, cli_time(c->arena, a->kept_until, _("somebody purges it")));
    }
    table_write(&t, &c->out);
}
