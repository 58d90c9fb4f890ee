/* SPDX-License-Identifier: ISC */
/*
 * Findings gather from all checks, so that a postmaster mends everything in one go. What is larger
 * than a few lines has its own file, check_KIND.c.
 */
#include <errno.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "cli/directory/directory_access.h"
#include "cli/host/check.h"
#include "cli/host/server.h"
#include "cli/terminal/row.h"
#include "conf/setting.h"
#include "message/text.h"
#include "relay/via.h"
#include "role/directory/directory_files.h"
#include "role/doors.h"
#include "role/master/listeners.h"
#include "role/master/log_file.h"
#include "role/queue/relay_files.h"

/* ------------------------------------------------------------------ settings */

static void json_problem(struct check *k, const struct conf_problem *p) {
    struct json *j = &k->json;
    json_object(j);
    cli_json_text(j, "level", S("error"));
    cli_json_text(j, "text", p->text);
    cli_json_text(j, "file", slice_of_str(k->c->conf_path));
    cli_json_int(j, "line", p->line);
    cli_json_int(j, "column", p->column);
    json_end(j);
}

static void check_settings(struct check *k) {
    unsigned set = 0;
    for (size_t i = 0; i < conf_setting_count; i++)
        set += k->c->conf->lines[i] > 0 ? 1 : 0;
    check_add(k, CHECK_OK, _("%s: %u of %zu settings are set, the others have their defaults"),
              k->c->conf_path, set, conf_setting_count);
    if (cli_is_elsewhere(k->c))
        check_add(
            k, CHECK_WARNING,
            _("data-directory in %s is %s, but this is %s, as -C says: commands without -C use"
              " the other one"),
            k->c->conf_path, k->c->conf->data_directory.ptr, k->c->directory);
}

static void check_users(struct check *k) {
    const struct state_users *u = &k->c->users;
    if (!u->change)
        check_add(k, CHECK_WARNING,
                  _("not root: the processes would share the user %s, without a root"
                    " directory of their own"),
                  u->edge.name);
    else if (u->made_up)
        check_add(k, CHECK_WARNING,
                  _("some users of the settings do not exist; the processes run as %s, %s"
                    " and %s"),
                  u->edge.name, u->vault.name, u->mail.name);
    else
        check_add(k, CHECK_OK, _("the processes run as %s, %s and %s"), u->edge.name, u->vault.name,
                  u->mail.name);
}

/* ------------------------------------------------------------------ files */

static void check_space(struct check *k) {
    struct statvfs fs;
    if (statvfs(k->c->directory, &fs) < 0) {
        check_add(k, CHECK_ERROR, _("%s cannot be looked at: %s"), k->c->directory,
                  error_words(errno));
        return;
    }
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    uint64_t reserve = k->c->conf->queue.disk_reserve;
    if (free_bytes < reserve)
        check_add(
            k, CHECK_ERROR,
            _("%s: %llu MiB are free, and messages are put off below %llu MiB; make room, or lower"
              " queue.disk-reserve"),
            k->c->directory, (unsigned long long)(free_bytes >> 20),
            (unsigned long long)(reserve >> 20));
    else
        check_add(k, CHECK_OK, _("%s: %llu MiB are free"), k->c->directory,
                  (unsigned long long)(free_bytes >> 20));
}

static void check_rights(struct check *k) {
    struct problem problem = {0};
    if (state_check_rights(k->c->directory, k->c->conf_path, &problem) < 0)
        check_add(k, CHECK_ERROR, "%s", problem_words(k->c->arena, &problem));
    else
        check_add(k, CHECK_OK, _("nobody else can change the state directory or the settings"));
}

static void check_log_file(struct check *k) {
    struct problem problem = {0};
    const struct slice *path = &k->c->conf->log.file;
    if (log_file_check(k->c->conf, &problem) < 0)
        check_add(k, CHECK_ERROR, "%s", problem_words(k->c->arena, &problem));
    else if (path->len > 0)
        check_add(k, CHECK_OK, _("the log file %.*s can be written"), SLICE_ARG(*path));
}

static void check_password(struct check *k, struct slice text, struct slice host,
                           struct slice user) {
    if (user.len > 0 && !relay_password_find(text, host, user).ptr)
        check_add(k, CHECK_ERROR,
                  _("relay.password-file: there is no password for %.*s at %.*s; expected a line"
                    " \"%.*s %.*s PASSWORD\""),
                  SLICE_ARG(user), SLICE_ARG(host), SLICE_ARG(host), SLICE_ARG(user));
}

static void check_passwords(struct check *k, int file) WAITS {
    const struct conf *conf = k->c->conf;
    struct slice text;
    int r = relay_files_read(file, RELAY_PASSWORDS_MAX, &text);
    if (r < 0) {
        check_add(k, CHECK_ERROR, _("%s: %s cannot be read: %s"), "relay.password-file",
                  conf->relay.password_file.ptr, error_words(r));
        return;
    }
    check_add(k, CHECK_OK, _("the password file %.*s can be read by root alone"),
              SLICE_ARG(conf->relay.password_file));
    check_password(k, text, conf->relay.smart_host.host, conf->relay.smart_host_user);
    for (size_t i = 0; i < conf->relay.route.count; i++)
        check_password(k, text, conf->relay.route.list[i].to.host, conf->relay.route.list[i].user);
    relay_files_forget(&text);
}

static void check_relay_files(struct check *k) WAITS {
    struct problem problem = {0};
    struct relay_files files;
    if (relay_files_open(k->c->conf, GIVEN_PASSWORDS | GIVEN_AUTHORITIES, &files, &problem) < 0)
        check_add(k, CHECK_ERROR, "%s", problem_words(k->c->arena, &problem));
    else if (files.passwords >= 0)
        check_passwords(k, files.passwords);
    relay_files_close(&files);
}

/* ------------------------------------------------------------------ ports */

static void say_ports_free(struct check *k) {
    _cleanup_(buf_done) struct buf list = {0};
    const struct door_port *port;
    const struct door *door;
    for (size_t n = 0; (port = doors_port(&all_doors, n, &door)); n++)
        buf_printf(&list, "%s%u", n > 0 ? ", " : "", port->number + k->c->conf->port_offset);
    check_add(k, CHECK_OK, _("the ports %s are free"), buf_str(&list));
}

static void check_ports(struct check *k) WAITS {
    struct problem problem = {0};
    _cleanup_(free_p) struct listeners *listeners = NEW(struct listeners);
    struct rpc_link *link = NULL;
    if (server_connect_if_running(k->c, ROLE_MASTER, &link, NULL) == 0 && link) {
        rpc_link_free(link);
        check_add(k, CHECK_OK, _("the server is running, its ports are its own"));
        return;
    }
    int r = listeners_open_ports(listeners, k->c->conf, &problem);
    listeners_close(listeners);
    if (r == -EADDRINUSE && check_ports_held(k))
        return;
    if (r < 0)
        check_add(k, CHECK_ERROR, "%s", problem_words(k->c->arena, &problem));
    else
        say_ports_free(k);
}

/* ------------------------------------------------------------------ the directory */

/* Whoever writes there about a message has to reach somebody (RFC 5321 §4.5.1, RFC 2142). */
static void check_roles(struct check *k, struct directory_access *x, struct slice domain) WAITS {
    static const char *const names[] = {"postmaster", "abuse", "mailer-daemon"};
    _cleanup_(buf_done) struct buf dead = {0};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct route route;
        struct slice address = arena_printf(k->c->arena, "%s@%.*s", names[i], SLICE_ARG(domain));
        if (access_resolve(x, address, k->c->arena, &route, NULL) == 0 && route.kind != ROUTE_LOCAL)
            buf_printf(&dead, "%s%.*s", dead.len > 0 ? _(", ") : "",
                       SLICE_ARG(cli_shown(k->c->arena, address)));
    }
    if (dead.len > 0)
        check_add(k, CHECK_WARNING,
                  _("nobody gets the mail to %.*s: make one account an administrator, with hayauma"
                    " account admin ADDRESS yes"),
                  SLICE_ARG(buf_slice(&dead)));
}

static void check_directory(struct check *k) WAITS {
    struct problem problem = {0};
    struct domain *list = NULL;
    size_t count = 0;
    uint64_t accounts = 0, last = 0;
    (void)state_last_account(k->c->directory, &last, NULL); /* while we are still root */
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(k->c, &x, &problem);
    if (r == 0)
        r = access_domain_list(x, k->c->arena, &list, &count, &problem);
    if (r < 0) {
        check_add(k, CHECK_ERROR, _("the directory cannot be read: %s"),
                  problem_words(k->c->arena, &problem));
        return;
    }
    for (size_t i = 0; i < count; i++)
        accounts += list[i].accounts;
    struct arena *a = k->c->arena;
    if (count == 0 && last > 0)
        check_add(k, CHECK_ERROR, _(DIRECTORY_IS_LOST), (unsigned long long)last);
    check_add(k, count > 0 ? CHECK_OK : CHECK_WARNING, _("the directory has %.*s and %.*s"),
              SLICE_ARG(arena_printf(a, P_("%zu domain", "%zu domains", count), count)),
              SLICE_ARG(arena_printf(a, P_("%llu account", "%llu accounts", accounts),
                                     (unsigned long long)accounts)));
    for (size_t i = 0; i < count; i++)
        check_roles(k, x, list[i].name);
    check_roles(k, x, k->c->conf->hostname);
}

/* ------------------------------------------------------------------ the command */

static void (*const kinds[])(struct check *k) WAITS = {
    check_settings,  check_rights,      check_users, check_space,        check_certificate,
    check_log_file,  check_relay_files, check_unit,  check_ports,        check_directory,
    check_mailboxes, check_owners,      check_dns,   check_reachability,
};

static int cmd_check(struct cli *c) WAITS {
    struct check k = {.c = c, .json = {.to = &c->out}};
    if (c->json)
        json_array(&k.json);
    for (size_t i = 0; c->conf && i < ARRAY_SIZE(kinds); i++)
        kinds[i](&k);
    if (!c->conf) { /* which are wrong, so nothing else can be looked at */
        k.counts[CHECK_ERROR] += (unsigned)(c->problems.count + c->problems.unkept);
        for (size_t i = 0; c->json && i < c->problems.count; i++)
            json_problem(&k, &c->problems.list[i]);
        if (!c->json)
            conf_problems_write(&c->problems, &c->out);
    }
    if (c->json) {
        json_end(&k.json);
        buf_add_byte(&c->out, '\n');
    }
    cli_flush(c);
    if (!c->conf)
        cli_print(
            P_("the settings have %u error", "the settings have %u errors", k.counts[CHECK_ERROR]),
            k.counts[CHECK_ERROR]);
    if (!c->conf)
        return CLI_SETTINGS;
    return k.counts[CHECK_ERROR] > 0 ? CLI_FAILED : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS check_parameters[] = {
    FLAG("no-dns", .about = N_("leave out what DNS has to be asked for")),
    {0},
};
const struct cli_command command_check = {
    .name = "check",
    .about = N_("Looks for mistakes: in settings, folders, users, certificate, ports and DNS."),
    .more = N_("All errors of the settings file are listed at once, each as FILE:LINE:COLUMN."
               " DNS is asked whether the name of this host and its addresses agree (A, AAAA,"
               " PTR), and for each domain whether its mail comes here (MX) and may be sent from"
               " here (SPF), and whether its DKIM keys and a DMARC record are there. What cannot be"
               " known from here is a note. Changes nothing."),
    .parameters = check_parameters,
    .json = "[{\"level\": text, \"text\": text, \"file\"?: text, \"line\"?: number, "
            "\"column\"?: number}]",
    .exits = SETTINGS,
    .stage = CLI_READS,
    .run_in_fiber = cmd_check,
};
