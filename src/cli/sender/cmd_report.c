/* SPDX-License-Identifier: ISC */
/*
 * Reports of others about the messages that name a domain of ours as their author: those that came
 * by mail and were kept, or those in files.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/read.h"
#include "cli/cli.h"
#include "cli/sender/judging.h"
#include "cli/sender/reports_access.h"
#include "cli/terminal/row.h"
#include "cli/terminal/when.h"
#include "message/address/domain.h"
#include "message/words.h"
#include "reports/read.h"
#include "reports/tally.h"

/* What was found in all files. */
struct view {
    struct cli *c;
    struct when_range range; /* of the end of what a report is about */
    struct slice domain;     /* empty: all */
    struct slice file;       /* that is being read */
    struct tally tally;
    size_t reports, failures, bad;
    struct table failed; /* a row for each failure report */
    struct buf wrong;    /* a line for each bad one */
    struct json json;    /* of the three lists below, which are put together at the end */
    struct buf reports_json, failures_json, bad_json;
};

/* ------------------------------------------------------------------ what is found */

static struct json list_item(struct buf *to) {
    if (to->len > 0)
        buf_add_byte(to, ',');
    return (struct json){.to = to};
}

/* Where it came from: a file, or a message. */
static void add_place(struct json *j, const struct view *v, uint64_t message) {
    if (message == 0)
        cli_json_text(j, "file", v->file);
    else
        cli_json_text(j, "message", cli_message(v->c->arena, message));
}

static void add_bad(struct view *v, uint64_t message, struct slice words) {
    struct slice file =
        message == 0 ? cli_shown(v->c->arena, v->file) : cli_message(v->c->arena, message);
    struct json j = list_item(&v->bad_json);
    v->bad++;
    buf_printf(&v->wrong, "%.*s: %.*s\n", SLICE_ARG(file), SLICE_ARG(words));
    json_object(&j);
    add_place(&j, v, message);
    cli_json_text(&j, "reason", words);
    json_end(&j);
}

static bool is_wanted(const struct view *v, struct slice domain, usec_t at) {
    return (v->domain.len == 0 || slice_eq(v->domain, domain)) &&
           (at == 0 || (at >= v->range.since && (v->range.until == 0 || at < v->range.until)));
}

static void add_report(struct view *v, const struct kept_report *r) {
    struct json j = list_item(&v->reports_json);
    v->reports++;
    json_object(&j);
    add_place(&j, v, r->message);
    if (r->message != 0)
        cli_json_text(&j, "verified", r->verified);
    cli_json_text(&j, "organization", r->organization);
    cli_json_text(&j, "id", r->id);
    cli_json_text(&j, "domain", r->domain);
    cli_json_text(&j, "policy", r->policy);
    cli_json_time(&j, "begin", r->begin * USEC_SEC);
    cli_json_time(&j, "end", r->end * USEC_SEC);
    cli_json_int(&j, "messages", (int64_t)r->messages);
    json_end(&j);
}

static void on_aggregate(void *arg, const struct aggregate_report *r) {
    struct view *v = arg;
    struct kept_report kept = {.organization = r->organization,
                               .id = r->id,
                               .domain = r->domain,
                               .policy = r->p,
                               .begin = r->begin,
                               .end = r->end};
    if (!is_wanted(v, r->domain, r->end * USEC_SEC) || !tally_add(&v->tally, r))
        return;
    for (const struct aggregate_row *row = r->rows; row; row = row->next)
        kept.messages += row->count;
    add_report(v, &kept);
}

static void add_failure(struct view *v, const struct failure_report *r) {
    _cleanup_(buf_done) struct buf subject = {0};
    v->failures++;
    words_decode(&subject, r->subject);
    table_text(&v->failed, cli_time(v->c->arena, r->arrival, "-"));
    table_text(&v->failed, r->domain);
    table_text(&v->failed, r->source);
    table_text(&v->failed, r->failure);
    table_text(&v->failed, r->result);
    table_text(&v->failed, buf_slice(&subject));
    struct json j = list_item(&v->failures_json);
    json_object(&j);
    add_place(&j, v, r->message);
    cli_json_time(&j, "arrival", r->arrival);
    cli_json_text(&j, "domain", r->domain);
    cli_json_text(&j, "source", r->source);
    cli_json_text(&j, "failure", r->failure);
    cli_json_text(&j, "alignment", r->alignment);
    cli_json_text(&j, "result", r->result);
    cli_json_text(&j, "reporter", r->reporter);
    cli_json_text(&j, "envelope_from", r->envelope_from);
    cli_json_text(&j, "dkim_domain", r->dkim_domain);
    cli_json_text(&j, "dkim_selector", r->dkim_selector);
    cli_json_text(&j, "from", r->from);
    cli_json_text(&j, "subject", buf_slice(&subject));
    cli_json_text(&j, "message_id", r->message_id);
    cli_json_int(&j, "incidents", (int64_t)r->incidents);
    json_end(&j);
}

static void on_failure(void *arg, const struct failure_report *r) {
    const struct view *v = arg;
    if (is_wanted(v, r->domain, r->arrival))
        add_failure(arg, r);
}

static void on_bad(void *arg, const struct problem *problem) {
    const struct view *v = arg;
    add_bad(arg, 0, slice_of_str(problem_words(v->c->arena, problem)));
}

/* A file that cannot be opened hides no other, either. */
static void read_file(struct view *v) {
    static const struct report_sink sink = {on_aggregate, on_failure, on_bad};
    static const struct aggregate_limits limits = AGGREGATE_LIMITS_DEFAULT;
    _cleanup_(buf_done) struct buf bytes = {0};
    bool standard = slice_eq(v->file, S("-"));
    int fd = standard ? STDIN_FILENO : open(v->file.ptr, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : read_to_end(fd, &bytes, JUDGED_MAX);
    if (fd >= 0 && !standard)
        (void)close(fd);
    if (r < 0)
        add_bad(v, 0, slice_of_str(error_words(r)));
    else
        report_read(buf_slice(&bytes), &limits, &sink, v);
}

/* ------------------------------------------------------------------ how it is shown */

static const struct table_column tally_columns[] = {
    {N_("DOMAIN")},
    {N_("SOURCE")},
    {N_("MESSAGES"), .right = true},
    {N_("PASSED"), .right = true},
    {N_("FAILED"), .right = true},
    {N_("DKIM"), .right = true, .rank = 2},
    {N_("SPF"), .right = true, .rank = 2},
    {N_("JUNK"), .right = true, .rank = 1},
    {N_("REFUSED"), .right = true, .rank = 1},
};
static const struct table_column failed_columns[] = {
    {N_("TIME")},
    {N_("DOMAIN")},
    {N_("SOURCE")},
    {N_("FAILURE")},
    {N_("RESULT"), .rank = 1},
    {N_("SUBJECT"), .shrinks = true},
};

static void show_tally(struct view *v) {
    struct buf *out = &v->c->out;
    size_t count;
    const struct tally_row *rows = tally_sorted(&v->tally, &count);
    _cleanup_(table_done) struct table t = {
        .columns = tally_columns, .count = ARRAY_SIZE(tally_columns), .width = v->c->width};
    for (size_t i = 0; i < count; i++) {
        const struct tally_row *r = &rows[i];
        table_text(&t, r->domain);
        if (r->source.len > 0)
            table_text(&t, r->source);
        else
            table_word(&t, _("others"));
        const uint64_t numbers[] = {r->messages, r->passed, r->messages - r->passed,
                                    r->dkim,     r->spf,    r->quarantined,
                                    r->rejected};
        for (size_t k = 0; k < ARRAY_SIZE(numbers); k++)
            table_printf(&t, "%llu", (unsigned long long)numbers[k]);
    }
    if (count > 0) {
        table_write(&t, out);
        table_end(&t, out);
    }
    buf_printf(out, P_("%zu report\n", "%zu reports\n", v->reports), v->reports);
}

static void show(struct view *v) {
    struct buf *out = &v->c->out;
    show_tally(v);
    if (v->failures > 0) {
        buf_printf(out, "\n%s\n", _("Single messages that failed:"));
        table_write(&v->failed, out);
        table_end(&v->failed, out);
    }
    if (v->bad > 0) {
        buf_printf(out, "\n%s\n", _("Not read:"));
        buf_add(out, buf_slice(&v->wrong));
    }
}

static void add_list(struct json *j, const char *name, const struct buf *items) {
    json_key(j, name);
    json_array(j);
    buf_add(j->to, buf_slice(items));
    json_end(j);
}

static void show_json(struct view *v) {
    struct json j = {.to = &v->c->out};
    size_t count;
    const struct tally_row *rows = tally_sorted(&v->tally, &count);
    json_object(&j);
    json_key(&j, "sources");
    json_array(&j);
    for (size_t i = 0; i < count; i++) {
        json_object(&j);
        cli_json_text(&j, "domain", rows[i].domain);
        cli_json_text(&j, "source", rows[i].source);
        cli_json_int(&j, "messages", (int64_t)rows[i].messages);
        cli_json_int(&j, "passed", (int64_t)rows[i].passed);
        cli_json_int(&j, "dkim", (int64_t)rows[i].dkim);
        cli_json_int(&j, "spf", (int64_t)rows[i].spf);
        cli_json_int(&j, "quarantined", (int64_t)rows[i].quarantined);
        cli_json_int(&j, "rejected", (int64_t)rows[i].rejected);
        json_end(&j);
    }
    json_end(&j);
    add_list(&j, "reports", &v->reports_json);
    add_list(&j, "failures", &v->failures_json);
    add_list(&j, "bad", &v->bad_json);
    json_end(&j);
    buf_add_byte(&v->c->out, '\n');
}

static void view_done(struct view *v) {
    tally_done(&v->tally);
    table_done(&v->failed);
    buf_done(&v->wrong);
    buf_done(&v->reports_json);
    buf_done(&v->failures_json);
    buf_done(&v->bad_json);
}

/* ------------------------------------------------------------------ what was kept */

/* All pages of one of the lists. */
static int read_list(struct view *v, struct reports_access *x, enum report_list list,
                     struct problem *problem) WAITS {
    struct rpc_events_reports_in in = {.list = (uint8_t)list,
                                       .since = v->range.since,
                                       .until = v->range.until,
                                       .domain = v->domain};
    struct rpc_events_reports_out out;
    size_t got;
    do {
        int r = reports_access_list(x, &in, v->c->arena, &out, problem);
        if (r < 0)
            return r;
        for (size_t i = 0; i < out.reports_count; i++)
            add_report(v, &out.reports[i]);
        for (size_t i = 0; i < out.failures_count; i++)
            add_failure(v, &out.failures[i]);
        for (size_t i = 0; i < out.bad_count; i++)
            add_bad(v, out.bad[i].message, parts_words(v->c->arena, out.bad[i].reason));
        for (size_t i = 0; i < out.sources_count; i++)
            tally_add_row(&v->tally, &out.sources[i]);
        got = out.sources_count + out.reports_count + out.failures_count + out.bad_count;
        in.after = out.last;
        in.after_source = out.last_source;
    } while (got > 0);
    return 0;
}

static int read_kept(struct view *v, struct problem *problem) WAITS {
    _cleanup_(reports_access_close) struct reports_access x = REPORTS_ACCESS_NONE;
    int r = reports_access_open(v->c, &x, problem);
    for (int list = REPORT_SOURCES; r == 0 && list <= REPORT_BAD; list++)
        r = read_list(v, &x, (enum report_list)list, problem);
    return r;
}

static int cmd_report_dmarc(struct cli *c) WAITS {
    struct problem problem = {0};
    _cleanup_(view_done) struct view v = {.c = c,
                                          .domain = cli_text(c->call, "domain"),
                                          .failed = {.columns = failed_columns,
                                                     .count = ARRAY_SIZE(failed_columns),
                                                     .width = c->width}};
    int code = CLI_OK, r = when_range(c, &v.range, &problem);
    if (r == 0 && v.domain.len > 0 &&
        domain_canonical(c->arena, v.domain, DOMAIN_UTF8 | DOMAIN_UNDERSCORE | DOMAIN_TRAILING_DOT,
                         &v.domain, NULL) < 0)
        r = problem_set(&problem, -E_SYNTAX, _("--domain: expected the name of a domain"));
    if (r == 0 && cli_has(c->call, "FILE")) {
        size_t count = 0;
        const struct slice *files = cli_texts(c->call, "FILE", c->arena, &count);
        for (size_t i = 0; i < count; i++) {
            v.file = files[i];
            read_file(&v);
        }
        code = v.bad > 0 && v.reports + v.failures == 0 ? CLI_FAILED : CLI_OK;
    } else if (r == 0) {
        code = cli_find_state(c);
        if (code != CLI_OK)
            return code;
        r = read_kept(&v, &problem);
    }
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        show_json(&v);
    else
        show(&v);
    return code;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS dmarc_parameters[] = {
    ARGUMENT("FILE", .kind = CLI_PATH, .many = true, .optional = true,
             .about = N_("a message with reports, or a report: XML, gzip, zip; - for standard"
                         " input; without it, the reports that came to this host")),
    OPTION("domain", "DOMAIN", .about = N_("only reports about this domain")),
    TIMES,
    END,
};
EXAMPLES dmarc_examples[] = {"hayauma report dmarc *.xml.gz",
                             "hayauma report dmarc --domain example.com --since 1w reports/*",
                             NULL};
const struct cli_command command_report_dmarc = {
    .name = "report dmarc",
    .about = N_("Adds up what other hosts report of messages in the name of a domain."),
    .more = N_("Aggregate reports (RFC 9990, RFC 7489) become a table by domain and source. A"
               " message has passed if anything passed that is aligned with its author. Of failure"
               " reports (RFC 9991) each is listed. What cannot be read is listed with the reason."
               " Without files it shows the reports that came to the addresses of the setting"
               " authentication.reports-to; with files no server is needed."),
    .offline = true,
    .parameters = dmarc_parameters,
    .examples = dmarc_examples,
    .json = "{\"sources\": [{\"domain\": text, \"source\": text, \"messages\": number, \"passed\": "
            "number, \"dkim\": number, \"spf\": number, \"quarantined\": number, \"rejected\": "
            "number}], \"reports\": [{\"file\"?: text, \"message\"?: text, \"verified\"?: text, "
            "\"organization\": text, "
            "\"id\": text, "
            "\"domain\": text, \"policy\": text, \"begin\": time|null, \"end\": time|null, "
            "\"messages\": number}], \"failures\": [{\"file\"?: text, \"message\"?: text, "
            "\"arrival\": time|null, "
            "\"domain\": text, \"source\": text, \"failure\": text, \"alignment\": text, "
            "\"result\": text, \"reporter\": text, \"envelope_from\": text, \"dkim_domain\": text, "
            "\"dkim_selector\": text, \"from\": text, \"subject\": text, \"message_id\": text, "
            "\"incidents\": number}], \"bad\": [{\"file\"?: text, \"message\"?: text, \"reason\": "
            "text}]}",
    .run_in_fiber = cmd_report_dmarc,
};
