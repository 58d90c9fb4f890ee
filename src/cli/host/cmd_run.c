/* SPDX-License-Identifier: ISC */
/* Running, stopping and reloading the server. */
#include <errno.h>
#include <stdio.h>

#include "base/service.h"
#include "cli/cli.h"
#include "cli/host/server.h"
#include "cli/host/unit.h"
#include "cli/terminal/row.h"
#include "role/author.h"
#include "role/master/master.h"

#define STOP_PATIENCE (60 * USEC_SEC)
#define STOP_PAUSE    (20 * USEC_MS)

static int print_elsewhere(struct cli *c) {
    struct slice why = arena_printf(
        c->arena,
        _("%s says data-directory %s, and the unit of systemd says %s: name the same in both, in"
          " the unit with systemctl edit --full hayauma.service (ExecStart, ExecReload and"
          " ReadWritePaths)"),
        c->conf_path, c->conf->data_directory.ptr, c->directory);
    service_status(why);
    cli_print("%.*s", SLICE_ARG(why));
    return CLI_SETTINGS;
}

static int cmd_run(struct cli *c) {
    _cleanup_(buf_done) struct buf errors = {0};
    struct unit_package unit;
    int code = cli_need_settings(c);
    if (code != CLI_OK) {
        conf_problems_write(&c->problems, &errors);
        service_status(buf_slice(&errors));
        return code;
    }
    /*
     * -C on a command line is the person's own word. In a unit it is the package's, and a
     * data-directory that the person wrote would be passed over without a word.
     */
    if (getenv("NOTIFY_SOCKET") && cli_is_elsewhere(c))
        return print_elsewhere(c);
    struct master_options options = {
        .directory = c->directory, .conf_path = c->conf_path, .version = cli_version};
    code = master_run(&options, TAKE_PTR(c->conf));
    if (code != CLI_OK && !getenv("NOTIFY_SOCKET") && unit_for(c->directory, c->arena, &unit) &&
        unit.socket_active)
        cli_print(_("systemd holds ports for this server (hayauma.socket); start it with: systemctl"
                    " start hayauma.service"));
    return code;
}

/* ------------------------------------------------------------------ stop */

/* The server holds the lock until its last process has ended. */
static int wait_for_end(struct cli *c, struct problem *problem) WAITS {
    usec_t until = fiber_now() + STOP_PATIENCE;
    for (;;) {
        _cleanup_(close_p) int lock = -1;
        int r = state_lock(c->directory, &lock, problem);
        if (r != -E_BUSY)
            return r;
        if (fiber_now() >= until)
            return problem_set(problem, -ETIMEDOUT,
                               _("the server was told to stop and has not ended after a minute"));
        r = fiber_sleep(STOP_PAUSE);
        if (r < 0)
            return r;
    }
}

/* `ret_unit`: the service of systemd that it was, or one without a name. */
static int ask_to_stop(struct cli *c, struct unit *ret_unit, struct problem *problem) WAITS {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    struct rpc_master_status_in ask = {0};
    struct rpc_master_status_out status = {0};
    struct rpc_master_stop_in in = {0};
    struct rpc_master_stop_out out;
    *ret_unit = (struct unit){0};
    int r = server_connect(c, ROLE_MASTER, &link, problem);
    if (r == 0 && call_master_status(link, &ask, c->arena, &status, NULL) == 0 &&
        status.processes_count > 0 && unit_of((pid_t)status.processes[0].pid, c->arena, ret_unit))
        return unit_stop(ret_unit, c->arena, problem);
    if (r == 0)
        r = call_master_stop(link, &in, c->arena, &out, problem);
    return r == -EPIPE ? 0 : r; /* it may end before its answer arrives */
}

static void print_unit_stopped(struct cli *c, const struct unit *unit) {
    bool triggered = unit->triggers.len > 0;
    if (triggered)
        buf_printf(&c->out,
                   _("systemd has stopped %s and its socket unit, so no connection starts it again;"
                     " the next boot does if it is enabled.\n"),
                   unit->name);
    else
        buf_printf(&c->out,
                   _("systemd has stopped %s; the next boot starts it again if it is enabled.\n"),
                   unit->name);
    buf_printf(&c->out, _("To start it: systemctl start %.*s%s%s\n"), SLICE_ARG(unit->triggers),
               triggered ? " " : "", unit->name);
}

static int cmd_stop(struct cli *c) WAITS {
    struct unit unit;
    struct problem problem = {0};
    usec_t began = fiber_now();
    int r = ask_to_stop(c, &unit, &problem);
    if (r == 0)
        r = wait_for_end(c, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (!c->json)
        buf_printf(&c->out, _("The server has stopped, after %.*s.\n"),
                   SLICE_ARG(cli_span(c->arena, fiber_now() - began)));
    if (!c->json && *unit.name)
        print_unit_stopped(c, &unit);
    return CLI_OK;
}

/* ------------------------------------------------------------------ reload */

static int ask_to_reload(struct cli *c, struct rpc_master_reload_out *out,
                         struct problem *problem) WAITS {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    struct rpc_master_reload_in in = {.by = author_hint(c->arena)};
    int r = server_connect(c, ROLE_MASTER, &link, problem);
    return r < 0 ? r : call_master_reload(link, &in, c->arena, out, problem);
}

/* The report is English, a sentence or a setting a line; what the settings bring is told here. */
static void print_report(struct cli *c, struct slice report) {
    const struct slice later = S(" (at the next start)");
    for (struct slice line; report.len > 0 && slice_next(&report, '\n', &line);) {
        if (slice_ends(line, later))
            buf_printf(&c->out, _("%.*s (at the next start)\n"),
                       SLICE_ARG(slice_first(line, line.len - later.len)));
        else
            buf_printf(&c->out, "%s\n", translated(arena_str(c->arena, line)));
    }
}

static int cmd_reload(struct cli *c) WAITS {
    struct problem problem = {0};
    struct rpc_master_reload_out out = {0};
    struct json j = {.to = &c->out};
    int r = ask_to_reload(c, &out, &problem);
    if (r < 0 && (c->conf || r == -ENOTCONN || r == -EACCES))
        return cli_fail(r, &problem);
    if (r < 0) {
        /* the master's answer has room for the first errors only; all are found again here */
        int code = cli_need_settings(c);
        cli_print(_("nothing was reloaded: the old settings stay in force"));
        return code;
    }
    if (!c->json) {
        print_report(c, out.report);
        return CLI_OK;
    }
    json_object(&j);
    cli_json_text(&j, "report", out.report);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

const struct cli_command command_run = {
    .name = "run",
    .about = N_("Runs the server in the foreground."),
    .more = N_("Prints \"ready\" on standard output when every port answers. SIGTERM, SIGINT and"
               " hayauma stop end it in order; SIGHUP reads the settings again."),
    .exits = SETTINGS,
    .stage = CLI_SERVES,
    .run = cmd_run,
};

const struct cli_command command_stop = {
    .name = "stop",
    .about = N_("Stops the server in order and waits until it has ended."),
    .more = N_("Where systemd runs it, its socket unit is stopped with it, since the next"
               " connection would start it again."),
    .exits = NOT_RUNNING | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_stop,
};

const struct cli_command command_reload = {
    .name = "reload",
    .about = N_("Has the settings read again and says what has changed."),
    .more = N_("When they have errors, all of them are printed and the old settings stay in"
               " force. A process that cannot use its new ones goes on with those it had, which is"
               " said, too. Certificate, trust anchors and resolv.conf are read anew, and the log"
               " file is opened anew, so that it can be moved away before."),
    .json = "{\"report\": text}",
    .exits = NOT_RUNNING | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_reload,
};
