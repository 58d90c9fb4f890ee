/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/statvfs.h>

#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/host/server.h"
#include "cli/queue/events_access.h"
#include "cli/queue/queue_access.h"
#include "cli/terminal/enter.h"
#include "cli/terminal/format.h"
#include "cli/terminal/row.h"
#include "message/text.h"
#include "role/directory/directory_files.h"

#define COUNT_PATIENCE (3 * USEC_SEC) /* for numbers that are nice to have */

/* What else is told; unknown numbers are negative. */
struct counts {
    int64_t messages, domains, accounts;
    int64_t stored, stored_bytes; /* messages in all mailboxes */
    int64_t unindexed;            /* of them: to be put into the indexes that are worked on */
    int64_t disk_free;            /* bytes */
};

/* Of the directory process, or of the directory opened here. */
static void count_in(struct cli *c, struct rpc_link *link, struct directory *here,
                     struct counts *counts) WAITS {
    struct account_usage usage;
    struct domain *list = NULL;
    size_t count = 0;
    if (access_total_usage_of(link, here, &usage, NULL) == 0) {
        counts->stored = (int64_t)usage.messages;
        counts->stored_bytes = (int64_t)usage.bytes;
    }
    if (access_domains_of(link, here, c->arena, &list, &count, NULL) < 0)
        return;
    counts->domains = (int64_t)count;
    counts->accounts = 0;
    for (size_t i = 0; i < count; i++)
        counts->accounts += (int64_t)list[i].accounts;
}

/* Each number has its own time: one process that hangs does not hide what another one knows. */

static void count_messages(struct cli *c, struct counts *counts) WAITS {
    CLI_WITHIN(COUNT_PATIENCE);
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    struct rpc_queue_list_in in = {.limit = 1};
    struct rpc_queue_list_out out;
    if (server_connect(c, ROLE_QUEUE, &link, NULL) == 0 &&
        call_queue_list(link, &in, c->arena, &out, NULL) == 0)
        counts->messages = (int64_t)out.total;
}

static void count_names(struct cli *c, struct counts *counts) WAITS {
    CLI_WITHIN(COUNT_PATIENCE);
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    if (server_connect(c, ROLE_DIRECTORY, &link, NULL) == 0)
        count_in(c, link, NULL, counts);
}

/* Of all mail processes; unknown unless each has said it. */
static void count_unindexed(struct cli *c, const struct rpc_master_status_out *status,
                            struct counts *counts) WAITS {
    CLI_WITHIN(COUNT_PATIENCE);
    struct rpc_mail_index_left_in in = {0};
    struct rpc_mail_index_left_out out;
    uint64_t left = 0;
    for (size_t i = 0; i < status->processes_count; i++) {
        const struct rpc_process *p = &status->processes[i];
        _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
        if (!slice_eq(p->role, slice_of_str(role_name(ROLE_MAIL))))
            continue;
        if (server_connect_worker(c, ROLE_MAIL, p->worker, &link, NULL) < 0 ||
            call_mail_index_left(link, &in, c->arena, &out, NULL) < 0)
            return;
        left += out.left;
    }
    counts->unindexed = (int64_t)left;
}

static int ask(struct cli *c, struct rpc_master_status_out *out, struct problem *problem) WAITS {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    struct rpc_master_status_in in = {0};
    int r = server_connect(c, ROLE_MASTER, &link, problem);
    return r < 0 ? r : call_master_status(link, &in, c->arena, out, problem);
}

/* ------------------------------------------------------------------ for programs */

static void json_count(struct json *j, const char *key, int64_t number) {
    json_key(j, key);
    if (number < 0)
        json_null(j);
    else
        json_int(j, number);
}

static void json_mailboxes(struct json *j, const struct counts *counts) {
    json_count(j, "mailbox_messages", counts->stored);
    json_count(j, "mailbox_bytes", counts->stored_bytes);
}

static void json_process(struct json *j, const struct rpc_process *p) {
    json_object(j);
    cli_json_text(j, "role", p->role);
    cli_json_int(j, "worker", p->worker);
    cli_json_int(j, "pid", p->pid);
    cli_json_text(j, "state", p->state);
    cli_json_text(j, "user", p->user);
    cli_json_text(j, "root", p->root);
    cli_json_text(j, "confinement", p->confinement);
    cli_json_int(j, "memory", (int64_t)p->memory);
    cli_json_int(j, "sessions", (int64_t)p->sessions);
    cli_json_int(j, "fibers", (int64_t)p->fibers);
    cli_json_time(j, "started", p->started);
    cli_json_int(j, "restarts", p->restarts);
    cli_json_text(j, "error", p->error);
    json_end(j);
}

static void write_json(struct cli *c, const struct rpc_master_status_out *s,
                       const struct counts *counts) {
    struct json j = {.to = &c->out};
    json_object(&j);
    cli_json_bool(&j, "running", true);
    cli_json_text(&j, "directory", slice_of_str(c->directory));
    cli_json_text(&j, "hostname", s->hostname);
    cli_json_text(&j, "version", s->version);
    cli_json_time(&j, "started", s->started);
    json_count(&j, "messages", counts->messages);
    json_count(&j, "domains", counts->domains);
    json_count(&j, "accounts", counts->accounts);
    json_mailboxes(&j, counts);
    json_count(&j, "unindexed", counts->unindexed);
    json_count(&j, "disk_free", counts->disk_free);
    json_key(&j, "processes");
    json_array(&j);
    for (size_t i = 0; i < s->processes_count; i++)
        json_process(&j, &s->processes[i]);
    json_end(&j);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

/* ------------------------------------------------------------------ for people */

/* A sentence; on a terminal wrapped at its width. */
static void write_sentence(struct cli *c, struct slice text) {
    text_wrap_names(&c->out, slice_trim_lines(text), 0, c->width > 0 ? c->width : SIZE_MAX);
    buf_add_byte(&c->out, '\n');
}

/* A role's own word for its state. */
static struct slice word(struct cli *c, struct slice text) {
    return slice_of_str(translated(arena_str(c->arena, text)));
}

/* How a process is confined: words with ", " between them, or one sentence. */
static struct slice confinement_words(struct cli *c, struct slice text) {
    _cleanup_(buf_done) struct buf words = {0};
    struct slice whole = word(c, text), piece;
    if (!slice_eq(whole, text))
        return whole;
    while (slice_next(&text, ',', &piece)) {
        buf_add_str(&words, words.len > 0 ? _(", ") : "");
        buf_add(&words, word(c, slice_trim(piece)));
    }
    return arena_copy(c->arena, buf_slice(&words));
}

static void add_row(struct cli *c, struct table *t, const struct rpc_process *p, bool numbered) {
    if (numbered)
        table_printf(t, "%.*s %u", SLICE_ARG(p->role), p->worker);
    else
        table_text(t, p->role);
    table_printf(t, "%lld", (long long)p->pid);
    table_text(t, word(c, p->state));
    table_text(t, p->user);
    table_size(t, p->memory);
    table_printf(t, "%llu", (unsigned long long)p->sessions);
    table_text(t, p->started > 0 ? cli_span(c->arena, fiber_wall() - p->started) : S(""));
    table_printf(t, "%u", p->restarts);
    table_text(t, confinement_words(c, p->confinement));
}

static void write_processes(struct cli *c, const struct rpc_master_status_out *s) {
    static const struct table_column columns[] = {
        {N_("PROCESS")},
        {N_("PID"), .right = true, .rank = 2},
        {N_("STATE")},
        {N_("USER"), .rank = 4},
        {N_("MEMORY"), .right = true, .rank = 1},
        {N_("SESSIONS"), .right = true, .rank = 1},
        {N_("UP"), .right = true, .rank = 3},
        {N_("RESTARTS"), .right = true},
        {N_("CONFINEMENT"), .rank = 5},
    };
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    for (size_t i = 0; i < s->processes_count; i++) {
        size_t workers = 0; /* they are numbered only where a role has several */
        for (size_t k = 0; k < s->processes_count; k++)
            workers += slice_eq(s->processes[k].role, s->processes[i].role) ? 1 : 0;
        add_row(c, &t, &s->processes[i], workers > 1);
    }
    table_write(&t, &c->out);
    table_end(&t, &c->out);
}

/* What should be put right, as the roles say it. */
static void write_errors(struct cli *c, const struct rpc_master_status_out *s) {
    for (size_t i = 0; i < s->processes_count; i++) {
        const struct rpc_process *p = &s->processes[i];
        if (p->error.len == 0)
            continue;
        buf_add_byte(&c->out, '\n');
        write_sentence(
            c, arena_printf(c->arena, "%.*s: %.*s", SLICE_ARG(p->role), SLICE_ARG(p->error)));
    }
}

static void write_count(struct cli *c, int64_t number, const char *one, const char *many) {
    if (number >= 0)
        buf_printf(&c->out, P_(one, many, number), (long long)number);
}

static void write_free(struct cli *c, int64_t bytes) {
    if (bytes < 0)
        return;
    _cleanup_(buf_done) struct buf left = {0};
    _cleanup_(buf_done) struct buf reserve = {0};
    format_size(&left, (uint64_t)bytes);
    if (c->conf && (uint64_t)bytes < c->conf->queue.disk_reserve) {
        format_size(&reserve, c->conf->queue.disk_reserve);
        write_sentence(
            c, arena_printf(c->arena,
                            _("%s free on the disk, less than %s (queue.disk-reserve): new messages"
                              " are put off until there is room\n"),
                            buf_str(&left), buf_str(&reserve)));
    } else {
        buf_printf(&c->out, _("%s free on the disk\n"), buf_str(&left));
    }
}

static void write_mailboxes(struct cli *c, const struct counts *counts) {
    _cleanup_(buf_done) struct buf size = {0};
    if (counts->stored <= 0) /* unknown, or nothing yet */
        return;
    format_size(&size, (uint64_t)counts->stored_bytes);
    buf_printf(
        &c->out,
        P_("%lld message in mailboxes, %s\n", "%lld messages in mailboxes, %s\n", counts->stored),
        (long long)counts->stored, buf_str(&size));
    if (counts->unindexed > 0)
        buf_printf(&c->out,
                   P_("%lld message is still to be put into the search indexes; searches find it"
                      " all the same\n",
                      "%lld messages are still to be put into the search indexes; searches find"
                      " them all the same\n",
                      counts->unindexed),
                   (long long)counts->unindexed);
}

static void write_counts(struct cli *c, const struct counts *counts) {
    write_count(c, counts->messages,
                NP_("%lld message on its way\n", "%lld messages on their way\n"));
    write_count(c, counts->domains, NP_("%lld domain\n", "%lld domains\n"));
    write_count(c, counts->accounts, NP_("%lld account\n", "%lld accounts\n"));
    write_mailboxes(c, counts);
    write_free(c, counts->disk_free);
}

/* ------------------------------------------------------------------ while it does not run */

/*
 * Counts what the files have, and says when the last event was (0: unknown). The process is inside
 * one folder at a time: what is opened here is closed before the next.
 */
static usec_t read_files(struct cli *c, struct counts *counts) WAITS {
    struct queue_access *queue = NULL;
    struct rpc_queue_list_in in = {.limit = 1};
    struct rpc_queue_list_out out;
    if (queue_access_open(c, &queue, NULL) == 0 &&
        access_queue_list(queue, &in, c->arena, &out, NULL) == 0)
        counts->messages = (int64_t)out.total;
    queue_access_close_p(&queue);

    /* Reading names needs neither the lock nor the settings. */
    struct directory_options options = {.read_only = true};
    struct entered entered = ENTERED_NONE;
    struct directory *directory = NULL;
    if (enter_folder(c, "directory", &c->users.vault, &entered, NULL) == 0) {
        if (directory_open(DIRECTORY_FILE, &options, &directory, NULL) == 0)
            count_in(c, NULL, directory, counts);
        directory_close(directory);
        leave_folder(&entered);
    }

    _cleanup_(events_access_close_p) struct events_access *access = NULL;
    struct event_log_question newest = {.last = 1};
    struct event_list events = {0};
    bool read = events_access_open(c, &access, NULL) == 0 &&
                access_log(access, &newest, c->arena, &events, NULL) == 0 && events.count > 0;
    return read ? events.list[events.count - 1].wall : 0;
}

static void json_down(struct cli *c, const struct counts *counts, usec_t last) {
    struct json j = {.to = &c->out};
    json_object(&j);
    cli_json_bool(&j, "running", false);
    cli_json_text(&j, "directory", slice_of_str(c->directory));
    json_count(&j, "messages", counts->messages);
    json_count(&j, "domains", counts->domains);
    json_count(&j, "accounts", counts->accounts);
    json_mailboxes(&j, counts);
    json_count(&j, "disk_free", counts->disk_free);
    cli_json_time(&j, "last_event", last);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

/* What the files tell, and how to start it. */
static int log_down(struct cli *c, struct counts *counts, const struct problem *problem) WAITS {
    cli_warn_settings(c);
    usec_t last = read_files(c, counts);
    if (c->json) {
        json_down(c, counts, last);
        return cli_fail(-ENOTCONN, problem);
    }
    buf_printf(&c->out, _("The server in %s is stopped.\n\n"), c->directory);
    if (last > 0)
        buf_printf(&c->out, _("last event %.*s\n"), SLICE_ARG(cli_time(c->arena, last, "-")));
    write_counts(c, counts);
    cli_flush(c);
    return cli_fail(-ENOTCONN, problem);
}

static int cmd_status(struct cli *c) WAITS {
    struct problem problem = {0};
    struct counts counts = {-1, -1, -1, -1, -1, -1, -1};
    struct rpc_master_status_out status = {0};
    struct statvfs disk;
    if (statvfs(c->directory, &disk) == 0)
        counts.disk_free = (int64_t)(disk.f_bavail * disk.f_frsize);
    int r = ask(c, &status, &problem);
    if (r == -ENOTCONN)
        return log_down(c, &counts, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    count_messages(c, &counts);
    count_names(c, &counts);
    count_unindexed(c, &status, &counts);
    if (c->json) {
        write_json(c, &status, &counts);
        return CLI_OK;
    }
    write_sentence(
        c, arena_printf(c->arena, _("%.*s, Hayauma %.*s in %s, running for %.*s (since %.*s)\n\n"),
                        SLICE_ARG(status.hostname), SLICE_ARG(status.version), c->directory,
                        SLICE_ARG(cli_span(c->arena, fiber_wall() - status.started)),
                        SLICE_ARG(cli_time(c->arena, status.started, "-"))));
    buf_add_byte(&c->out, '\n');
    write_processes(c, &status);
    write_errors(c, &status);
    buf_add_byte(&c->out, '\n');
    write_counts(c, &counts);
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

const struct cli_command command_status = {
    .name = "status",
    .about = N_("Shows the processes, how they are confined, and how they fare."),
    .more = N_("While it does not run, says so, with what its files tell, and ends with 3."),
    .json = "{\"running\": bool, \"directory\": text, \"hostname\"?: text, \"version\"?: text, "
            "\"started\"?: time, \"messages\"?: number|null, \"domains\"?: number|null, "
            "\"accounts\"?: number|null, \"mailbox_messages\"?: number|null, "
            "\"mailbox_bytes\"?: number|null, \"unindexed\"?: number|null, "
            "\"disk_free\"?: number|null, "
            "\"last_event\"?: time|null, \"processes\"?: "
            "[{\"role\": text, \"worker\": number, "
            "\"pid\": number, \"state\": text, \"user\": text, \"root\": text, "
            "\"confinement\": text, \"memory\": number, \"sessions\": number, \"fibers\": "
            "number, \"started\": time|null, \"restarts\": number, \"error\": text}]}",
    .exits = NOT_RUNNING | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_status,
};
