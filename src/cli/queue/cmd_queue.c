/* SPDX-License-Identifier: ISC */
/* Looking at the queue. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/queue/queue_access.h"
#include "cli/terminal/row.h"

#define PAGE      200U
#define LONG_PAGE 10U /* with all recipients an entry may be large */

static const char *state_of(const struct rpc_queued *q) {
    if (q->damaged)
        return N_("damaged");
    if (q->hold)
        return N_("on hold");
    if (q->active)
        return N_("under way");
    return q->next > fiber_wall() ? N_("waiting") : N_("ready");
}

/* The queue's word for it, in the language of the user. */
static const char *status_of(const struct rpc_waiting *w, struct arena *a) {
    return translated(arena_str(a, w->status));
}

/* How long until something happens: "in 5 min". */
static struct slice next_text(struct arena *a, usec_t next, bool hold) {
    if (hold)
        return S("");
    if (next <= fiber_wall())
        return slice_of_str(_("now"));
    return arena_printf(a, _("in %.*s"), SLICE_ARG(cli_span(a, next - fiber_wall())));
}

static struct slice sender_text(const struct rpc_queued *q) {
    return q->sender.len > 0 ? q->sender : S("<>");
}

/* Replies may have several lines; a cell has one. */
static struct slice one_line(struct arena *a, struct slice text) {
    char *copy = arena_str(a, text);
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] == '\n' || copy[i] == '\r')
            copy[i] = ' ';
    }
    return slice_trim(slice_of(copy, text.len));
}

/* ------------------------------------------------------------------ for programs */

static void json_queued(struct json *j, const struct rpc_queued *q, struct arena *a, bool details) {
    json_object(j);
    cli_json_text(j, "id", cli_message(a, q->id));
    cli_json_time(j, "arrival", q->arrival);
    cli_json_int(j, "size", (int64_t)q->size);
    cli_json_text(j, "sender", q->sender);
    cli_json_text(j, "login", q->login);
    cli_json_text(j, "state", slice_of_str(state_of(q)));
    cli_json_bool(j, "hold", q->hold);
    cli_json_time(j, "next", q->next);
    cli_json_int(j, "recipients", q->recipients);
    cli_json_int(j, "left", q->left);
    cli_json_text(j, "first", q->first);
    if (details) {
        json_key(j, "waiting");
        json_array(j);
        for (size_t i = 0; i < q->waiting_count; i++) {
            const struct rpc_waiting *w = &q->waiting[i];
            json_object(j);
            cli_json_text(j, "address", w->address);
            cli_json_text(j, "status", w->status);
            cli_json_int(j, "attempts", w->attempts);
            cli_json_time(j, "next", w->next);
            cli_json_text(j, "reply", w->reply);
            json_end(j);
        }
        json_end(j);
    }
    json_end(j);
}

/* ------------------------------------------------------------------ list */

struct listing {
    struct cli *c;
    bool details;
    struct table table;
    struct json json;
    uint64_t shown, total;
};

static void add_row(struct listing *l, const struct rpc_queued *q, struct arena *a) {
    struct table *t = &l->table;
    struct slice first = cli_shown(a, q->first); /* of those who are left */
    table_text(t, cli_message(a, q->id));
    table_text(t, cli_span(a, fiber_wall() - q->arrival));
    table_size(t, q->size);
    table_text(t, sender_text(q));
    table_text(t, q->left > 1 ? arena_printf(a, "(%u) %.*s", q->left, SLICE_ARG(first)) : first);
    table_word(t, translated(state_of(q)));
    table_text(t, next_text(a, q->next, q->hold));
}

static void add_recipients(struct listing *l, const struct rpc_queued *q, struct arena *a) {
    static const struct table_column columns[] = {{""}, {""}, {"", .wraps = true}};
    _cleanup_(table_done) struct table t = {.columns = columns,
                                            .count = ARRAY_SIZE(columns),
                                            .width = l->c->width,
                                            .headless = true,
                                            .indent = 4};
    for (size_t i = 0; i < q->waiting_count; i++) {
        table_text(&t, q->waiting[i].address);
        table_word(&t, status_of(&q->waiting[i], a));
        table_text(&t, one_line(a, q->waiting[i].reply));
    }
    table_write(&t, &l->c->out);
    if (q->waiting_count < q->left)
        buf_printf(&l->c->out, _("    and %zu others\n"), q->left - q->waiting_count);
}

/* All rows of the page have the same columns, whatever stands between them. */
static void write_rows(struct listing *l, const struct rpc_queue_list_out *page, struct arena *a) {
    _cleanup_(buf_done) struct buf rows = {0};
    struct slice rest, line;
    for (size_t i = 0; i < page->messages_count; i++)
        add_row(l, &page->messages[i], a);
    table_write(&l->table, &rows);
    if (!l->details) {
        buf_add(&l->c->out, buf_slice(&rows));
        return;
    }
    rest = buf_slice(&rows);
    size_t titles = l->shown == 0;
    for (size_t i = 0; i < titles + page->messages_count && slice_next(&rest, '\n', &line); i++) {
        buf_add(&l->c->out, line);
        buf_add_byte(&l->c->out, '\n');
        if (i >= titles)
            add_recipients(l, &page->messages[i - titles], a);
    }
}

static int write_all(struct listing *l, struct queue_access *queue, struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    uint64_t limit = cli_number(l->c->call, "limit", UINT64_MAX);
    struct rpc_queue_list_in in = {.match = cli_text(l->c->call, "match"),
                                   .login = cli_text(l->c->call, "login"),
                                   .details = l->details};
    for (;;) {
        struct rpc_queue_list_out out;
        uint64_t page = l->details ? LONG_PAGE : PAGE;
        in.limit = (uint32_t)MIN(limit - l->shown, page);
        arena_reset(&a);
        int r = access_queue_list(queue, &in, &a, &out, problem);
        if (r < 0)
            return r;
        for (size_t i = 0; l->c->json && i < out.messages_count; i++)
            json_queued(&l->json, &out.messages[i], &a, l->details);
        if (!l->c->json && out.total > 0)
            write_rows(l, &out, &a);
        cli_flush(l->c);
        l->shown += out.messages_count;
        l->total = out.total;
        if (out.messages_count < in.limit || l->shown >= limit)
            return 0;
        in.after = out.messages[out.messages_count - 1].id;
    }
}

static void end_list(struct listing *l) {
    struct cli *c = l->c;
    if (c->json) {
        json_end(&l->json);
        buf_add_byte(&c->out, '\n');
    } else if (l->total == 0) {
        buf_add_str(&c->out, _("No message is on its way.\n"));
    } else if (l->shown == l->total) {
        buf_printf(&c->out, P_("\n%llu message.\n", "\n%llu messages.\n", l->total),
                   (unsigned long long)l->total);
    } else {
        buf_printf(&c->out, P_("\n%llu of %llu message.\n", "\n%llu of %llu messages.\n", l->total),
                   (unsigned long long)l->shown, (unsigned long long)l->total);
    }
}

static int cmd_queue_list(struct cli *c) WAITS {
    static const struct table_column columns[] = {
        {N_("ID")},
        {N_("AGE"), .right = true, .rank = 2},
        {N_("SIZE"), .right = true, .rank = 3},
        {N_("SENDER"), .shrinks = true},
        {N_("RECIPIENTS"), .shrinks = true},
        {N_("STATE")},
        {N_("NEXT TRY"), .rank = 1},
    };
    struct problem problem = {0};
    _cleanup_(queue_access_close_p) struct queue_access *queue = NULL;
    struct listing l = {
        .c = c,
        .details = cli_has(c->call, "long"),
        .json = {.to = &c->out},
        .table = {.columns = columns, .count = ARRAY_SIZE(columns), .width = c->width}};
    cli_warn_settings(c);
    int r = queue_access_open(c, &queue, &problem);
    if (r == 0 && c->json)
        json_array(&l.json);
    if (r == 0)
        r = write_all(&l, queue, &problem);
    if (r == 0 && !c->json)
        table_end(&l.table, &c->out);
    table_done(&l.table);
    if (r < 0)
        return cli_fail(r, &problem);
    end_list(&l);
    return CLI_OK;
}

/* ------------------------------------------------------------------ show */

static void write_envelope(struct cli *c, const struct rpc_queued *q) {
    static const struct table_column columns[] = {{""}, {"", .wraps = true}};
    struct arena *a = c->arena;
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = 2, .width = c->width, .headless = true};
    table_word(&t, _("message"));
    table_text(&t, cli_message(a, q->id));
    table_word(&t, _("arrived"));
    table_printf(&t, _("%.*s, %.*s ago"), SLICE_ARG(cli_time(a, q->arrival, "-")),
                 SLICE_ARG(cli_span(a, fiber_wall() - q->arrival)));
    table_word(&t, _("size"));
    table_size(&t, q->size);
    table_word(&t, _("sender"));
    table_text(&t, sender_text(q));
    table_word(&t, _("login"));
    table_text(&t, q->login);
    table_word(&t, _("recipients"));
    table_printf(&t, _("%u, %u of them left"), q->recipients, q->left);
    table_word(&t, _("state"));
    table_word(&t, translated(state_of(q)));
    table_word(&t, _("next try"));
    table_text(&t, next_text(a, q->next, q->hold));
    table_write(&t, &c->out);
}

static void write_recipients(struct cli *c, const struct rpc_queued *q) {
    static const struct table_column columns[] = {
        {N_("RECIPIENT")},
        {N_("STATUS"), .rank = 2},
        {N_("ATTEMPTS"), .right = true, .rank = 3},
        {N_("NEXT TRY"), .rank = 1},
        {N_("LAST REPLY"), .wraps = true},
    };
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    for (size_t i = 0; i < q->waiting_count; i++) {
        const struct rpc_waiting *w = &q->waiting[i];
        table_text(&t, w->address);
        table_word(&t, status_of(w, c->arena));
        table_printf(&t, "%u", w->attempts);
        table_text(&t, next_text(c->arena, w->next, q->hold));
        table_text(&t, one_line(c->arena, w->reply));
    }
    buf_add_byte(&c->out, '\n');
    table_write(&t, &c->out);
    table_end(&t, &c->out);
    if (q->waiting_count < q->left)
        buf_printf(&c->out, _("and %zu others\n"), q->left - q->waiting_count);
}

static int show_envelope(struct cli *c, struct queue_access *queue, uint64_t id,
                         struct problem *problem) WAITS {
    struct rpc_queue_list_in in = {.after = id - 1, .limit = 1, .details = true};
    struct rpc_queue_list_out out;
    struct json j = {.to = &c->out};
    int r = access_queue_list(queue, &in, c->arena, &out, problem);
    if (r < 0)
        return r;
    if (out.messages_count == 0 || out.messages[0].id != id)
        return problem_set(problem, -E_UNKNOWN,
                           _("the message %.*s is not in the queue; hayauma journey %.*s says what"
                             " became of it"),
                           SLICE_ARG(cli_message(c->arena, id)),
                           SLICE_ARG(cli_message(c->arena, id)));
    if (c->json) {
        json_queued(&j, &out.messages[0], c->arena, true);
        buf_add_byte(&c->out, '\n');
        return 0;
    }
    write_envelope(c, &out.messages[0]);
    write_recipients(c, &out.messages[0]);
    return 0;
}

static int show_content(struct cli *c, struct queue_access *queue, uint64_t id,
                        struct problem *problem) WAITS {
    struct rpc_queue_bytes_in in = {.id = id};
    struct rpc_queue_bytes_out out = {0};
    _cleanup_(arena_done) struct arena a = {0};
    do {
        arena_reset(&a);
        int r = access_queue_bytes(queue, &in, &a, &out, problem);
        if (r < 0)
            return r;
        buf_add(&c->out, out.bytes);
        cli_flush(c);
        in.offset += out.bytes.len;
    } while (out.bytes.len > 0);
    return 0;
}

static int cmd_queue_show(struct cli *c) WAITS {
    struct problem problem = {0};
    uint64_t id = cli_number(c->call, "ID", 0);
    _cleanup_(queue_access_close_p) struct queue_access *queue = NULL;
    cli_warn_settings(c);
    int r = queue_access_open(c, &queue, &problem);
    if (r == 0)
        r = cli_has(c->call, "content") ? show_content(c, queue, id, &problem)
                                        : show_envelope(c, queue, id, &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS queue_list_parameters[] = {
    OPTION("match", "TEXT", .about = N_("only messages whose sender or a recipient contains this")),
    OPTION("login", "USER@DOMAIN",
           .about = N_("only messages that this account has sent, whatever their sender")),
    OPTION("limit", "N", .short_name = 'n', .kind = CLI_NUMBER, .min = 1,
           .about = N_("at most so many")),
    FLAG("long", .short_name = 'l', .about = N_("with each recipient and the last reply")),
    END,
};
#define JSON_QUEUED                                                                                \
    "{\"id\": text, \"arrival\": time, \"size\": number, \"sender\": text, \"login\": text, "      \
    "\"state\": text, \"hold\": bool, \"next\": time|null, \"recipients\": number, \"left\": "     \
    "number, \"first\": text, \"waiting\"?: [{\"address\": text, \"status\": text, \"attempts\": " \
    "number, "                                                                                     \
    "\"next\": time|null, \"reply\": text}]}"
const struct cli_command command_queue_list = {
    .name = "queue list",
    .about = N_("Lists the messages that are not settled yet, oldest first."),
    .offline = true,
    .parameters = queue_list_parameters,
    .json = "[" JSON_QUEUED "]",
    .exits = BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_queue_list,
};

PARAMETERS queue_show_parameters[] = {
    ARGUMENT("ID", .kind = CLI_MESSAGE, .offers = CLI_OFFER_MESSAGES, .about = N_("the message")),
    FLAG("content", .about = N_("print the message itself, as it is, and nothing else")),
    END,
};
const struct cli_command command_queue_show = {
    .name = "queue show",
    .about = N_("Shows a message's envelope and what is left to do for each recipient."),
    .offline = true,
    .parameters = queue_show_parameters,
    .json = JSON_QUEUED,
    .exits = NOT_FOUND | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_queue_show,
};
