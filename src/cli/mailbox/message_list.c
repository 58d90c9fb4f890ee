/* SPDX-License-Identifier: ISC */
#include "cli/mailbox/message_list.h"

#include "cli/terminal/table.h"
#include "cli/terminal/when.h"
#include "journey/show.h"

#define DATE_SKIPPED 5U /* "2026-" */
#define TO_MINUTES   16U

int message_words(struct cli *c, const char *parameter, const struct slice **ret, size_t *ret_count,
                  struct problem *problem) {
    *ret = cli_texts(c->call, parameter, c->arena, ret_count);
    return *ret_count <= EVENT_LOG_WORDS_MAX
               ? 0
               : problem_set(problem, -E_SYNTAX, _("at most %u words can be looked for"),
                             EVENT_LOG_WORDS_MAX);
}

int message_search(struct cli *c, const char *parameter, struct event_log_search *ret,
                   struct problem *problem) {
    struct when_range range = {0};
    *ret = (struct event_log_search){0};
    int r = message_words(c, parameter, &ret->words, &ret->count, problem);
    if (r == 0)
        r = when_range(c, &range, problem);
    if (range.since > 0)
        ret->first = queue_id_from(range.since);
    if (range.until > 0)
        ret->last = queue_id_from(range.until) - 1;
    return r;
}

/* ------------------------------------------------------------------ lines */

static void add_row(struct cli *c, struct table *t, const struct show_summary *s) {
    struct slice when = cli_time(c->arena, s->wall, "");
    if (c->width > 0 && when.len >= TO_MINUTES)
        when = slice_from(slice_first(when, (size_t)TO_MINUTES), DATE_SKIPPED);
    struct slice to = s->to_count > 0 ? s->to[0] : S("");
    if (s->to_count > 1)
        to = arena_printf(c->arena, "(%zu) %.*s", s->to_count, SLICE_ARG(to));
    table_text(t, when);
    table_text(t, cli_message(c->arena, s->message));
    table_text(t, s->from.len > 0 ? cli_shown(c->arena, s->from) : S("<>"));
    table_text(t, cli_shown(c->arena, to));
    table_text(t, s->subject);
    table_text(t, s->state_words);
}

static void add_object(struct cli *c, struct json *j, const struct show_summary *s) {
    json_object(j);
    cli_json_text(j, "message", cli_message(c->arena, s->message));
    cli_json_time(j, "time", s->wall);
    cli_json_text(j, "from", s->from);
    json_key(j, "to");
    json_array(j);
    for (size_t i = 0; i < s->to_count; i++)
        json_slice(j, s->to[i]);
    json_end(j);
    cli_json_text(j, "subject", s->subject);
    cli_json_text(j, "state", s->state);
    json_end(j);
}

/* The newest last, as in a log. */
static void write_list(struct cli *c, const struct message_family *families, size_t count) {
    static const struct table_column columns[] = {
        {N_("TIME")},
        {N_("ID")},
        {N_("FROM"), .shrinks = true},
        {N_("TO"), .shrinks = true},
        {N_("SUBJECT"), .shrinks = true, .rank = 1},
        {N_("STATE")},
    };
    struct json j = {.to = &c->out};
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    if (c->json)
        json_array(&j);
    for (size_t i = count; i > 0; i--) {
        const struct message_family *f = &families[i - 1];
        struct show_summary s;
        show_summary(f->first, f->events, f->events_count, c->arena, &s);
        if (c->json)
            add_object(c, &j, &s);
        else
            add_row(c, &t, &s);
    }
    if (!c->json) {
        table_write(&t, &c->out);
        table_end(&t, &c->out);
        return;
    }
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static int list(struct cli *c, struct events_access *x, const struct event_log_search *search,
                unsigned limit, struct problem *problem) WAITS {
    struct message_family *families = NULL;
    queue_id *messages = NULL;
    size_t count = 0, found = 0;
    limit = MIN(limit, MESSAGES_MOST);
    int r = access_find_messages(x, search, limit + 1, c->arena, &messages, &found, problem);
    if (r == 0)
        r = message_families(x, messages, MIN(found, (size_t)limit), c->arena, &families, &count,
                             problem);
    if (r < 0)
        return r;
    if (count == 0 && !c->json)
        buf_add_str(&c->out, _("No such message is known.\n"));
    else
        write_list(c, families, count);
    if (found > limit)
        cli_print(_("there are more messages than the newest %u; -n says how many are listed"),
                  limit);
    return 0;
}

int message_list(struct cli *c, const char *parameter, unsigned limit) {
    struct problem problem = {0};
    struct event_log_search search;
    struct events_access *x = NULL;
    int r = message_search(c, parameter, &search, &problem);
    if (r == 0)
        r = events_access_open(c, &x, &problem);
    if (r == 0)
        r = list(c, x, &search, limit, &problem);
    events_access_close(x);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}
