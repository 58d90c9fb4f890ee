/* SPDX-License-Identifier: ISC */
/*
 * Reports of others about the TLS that they met at the mail hosts of a domain of ours, from files.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/read.h"
#include "cli/cli.h"
#include "cli/sender/judging.h"
#include "cli/terminal/row.h"
#include "cli/terminal/when.h"
#include "message/address/domain.h"
#include "reports/tlsrpt.h"

/* What was found in all files. */
struct view {
    struct cli *c;
    struct when_range range; /* of the end of what a report is about */
    struct slice domain;     /* empty: all */
    struct slice file;       /* that is being read */
    size_t reports, bad;
    struct table policies; /* a row for each policy of a report */
    struct table failures; /* a row for each kind of failure */
    size_t failure_count;
    struct buf wrong; /* a line for each bad one */
    struct json json;
};

/* ------------------------------------------------------------------ what is found */

static bool is_wanted(const struct view *v, struct slice domain, usec_t at) {
    return (v->domain.len == 0 || slice_eq(v->domain, domain)) &&
           (at == 0 || (at >= v->range.since && (v->range.until == 0 || at < v->range.until)));
}

static void add_failure(struct view *v, const struct tlsrpt_policy *p,
                        const struct tlsrpt_failure *f) {
    v->failure_count++;
    table_text(&v->failures, p->domain);
    table_text(&v->failures, f->mx);
    table_text(&v->failures, f->type);
    table_printf(&v->failures, "%llu", (unsigned long long)f->sessions);
    table_text(&v->failures, f->sending_ip);
    table_text(&v->failures, f->reason);
    json_object(&v->json);
    cli_json_text(&v->json, "type", f->type);
    cli_json_text(&v->json, "host", f->mx);
    cli_json_text(&v->json, "sending_address", f->sending_ip);
    cli_json_text(&v->json, "receiving_address", f->receiving_ip);
    cli_json_text(&v->json, "reason", f->reason);
    cli_json_int(&v->json, "sessions", (int64_t)f->sessions);
    json_end(&v->json);
}

static void add_policy(struct view *v, const struct tlsrpt_report *r,
                       const struct tlsrpt_policy *p) {
    table_text(&v->policies, cli_time(v->c->arena, r->end, "-"));
    table_text(&v->policies, p->domain);
    table_text(&v->policies, r->organization);
    table_text(&v->policies, p->type);
    table_printf(&v->policies, "%llu", (unsigned long long)p->succeeded);
    table_printf(&v->policies, "%llu", (unsigned long long)p->failed);
    json_object(&v->json);
    cli_json_text(&v->json, "file", v->file);
    cli_json_text(&v->json, "organization", r->organization);
    cli_json_text(&v->json, "id", r->id);
    cli_json_time(&v->json, "begin", r->begin);
    cli_json_time(&v->json, "end", r->end);
    cli_json_text(&v->json, "domain", p->domain);
    cli_json_text(&v->json, "policy", p->type);
    cli_json_int(&v->json, "succeeded", (int64_t)p->succeeded);
    cli_json_int(&v->json, "failed", (int64_t)p->failed);
    json_key(&v->json, "failures");
    json_array(&v->json);
    for (const struct tlsrpt_failure *f = p->failures; f; f = f->next)
        add_failure(v, p, f);
    json_end(&v->json);
    json_end(&v->json);
}

static void on_report(void *arg, const struct tlsrpt_report *r) {
    struct view *v = arg;
    bool any = false;
    for (const struct tlsrpt_policy *p = r->policies; p; p = p->next) {
        if (!is_wanted(v, p->domain, r->end))
            continue;
        any = true;
        add_policy(v, r, p);
    }
    v->reports += any;
}

static void add_bad(struct view *v, const char *words) {
    struct slice file = cli_shown(v->c->arena, v->file);
    v->bad++;
    buf_printf(&v->wrong, "%.*s: %s\n", SLICE_ARG(file), words);
    json_object(&v->json);
    cli_json_text(&v->json, "file", v->file);
    cli_json_text(&v->json, "problem", slice_of_str(words));
    json_end(&v->json);
}

static void on_bad(void *arg, const struct problem *problem) {
    struct view *v = arg;
    add_bad(v, problem_words(v->c->arena, problem));
}

/* A file that cannot be opened hides no other, either. */
static void read_file(struct view *v) {
    static const struct tlsrpt_sink sink = {on_report, on_bad};
    _cleanup_(buf_done) struct buf bytes = {0};
    bool standard = slice_eq(v->file, S("-"));
    int fd = standard ? STDIN_FILENO : open(v->file.ptr, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : read_to_end(fd, &bytes, JUDGED_MAX);
    if (fd >= 0 && !standard)
        (void)close(fd);
    if (r < 0)
        add_bad(v, error_words(r));
    else
        tlsrpt_read_all(buf_slice(&bytes), &sink, v);
}

/* ------------------------------------------------------------------ how it is shown */

static const struct table_column policy_columns[] = {
    {N_("UNTIL")},
    {N_("DOMAIN")},
    {N_("REPORTED BY"), .shrinks = true},
    {N_("POLICY")},
    {N_("SUCCEEDED"), .right = true},
    {N_("FAILED"), .right = true},
};
static const struct table_column failure_columns[] = {
    {N_("DOMAIN")},          {N_("HOST")},
    {N_("FAILURE")},         {N_("SESSIONS"), .right = true},
    {N_("FROM"), .rank = 2}, {N_("REASON"), .rank = 1, .shrinks = true},
};

static void show(struct view *v) {
    struct buf *out = &v->c->out;
    if (v->reports > 0) {
        table_write(&v->policies, out);
        table_end(&v->policies, out);
    }
    buf_printf(out, P_("%zu report\n", "%zu reports\n", v->reports), v->reports);
    if (v->failure_count > 0) {
        buf_printf(out, "\n%s\n", _("What failed:"));
        table_write(&v->failures, out);
        table_end(&v->failures, out);
    }
    if (v->bad > 0) {
        buf_printf(out, "\n%s\n", _("Not read:"));
        buf_add(out, buf_slice(&v->wrong));
    }
}

static void view_done(struct view *v) {
    table_done(&v->policies);
    table_done(&v->failures);
    buf_done(&v->wrong);
}

static int cmd_report_tls(struct cli *c) {
    struct problem problem = {0};
    size_t count = 0;
    _cleanup_(buf_done) struct buf json = {0};
    _cleanup_(view_done) struct view v = {.c = c,
                                          .domain = cli_text(c->call, "domain"),
                                          .policies = {.columns = policy_columns,
                                                       .count = ARRAY_SIZE(policy_columns),
                                                       .width = c->width},
                                          .failures = {.columns = failure_columns,
                                                       .count = ARRAY_SIZE(failure_columns),
                                                       .width = c->width},
                                          .json = {.to = &json}};
    const struct slice *files = cli_texts(c->call, "FILE", c->arena, &count);
    int r = when_range(c, &v.range, &problem);
    if (r == 0 && v.domain.len > 0 &&
        domain_canonical(c->arena, v.domain, DOMAIN_UTF8 | DOMAIN_UNDERSCORE | DOMAIN_TRAILING_DOT,
                         &v.domain, NULL) < 0)
        r = problem_set(&problem, -E_SYNTAX, _("--domain: expected the name of a domain"));
    if (r < 0)
        return cli_fail(r, &problem);
    json_array(&v.json);
    for (size_t i = 0; i < count; i++) {
        v.file = files[i];
        read_file(&v);
    }
    json_end(&v.json);
    if (c->json)
        buf_printf(&c->out, "%.*s\n", SLICE_ARG(buf_slice(&json)));
    else
        show(&v);
    return v.bad > 0 && v.reports == 0 ? CLI_FAILED : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS tls_parameters[] = {
    ARGUMENT("FILE", .kind = CLI_PATH, .many = true,
             .about = N_("a message with reports, or a report: JSON, gzip, zip; - for standard"
                         " input")),
    OPTION("domain", "DOMAIN", .about = N_("only reports about this domain")),
    TIMES,
    END,
};
EXAMPLES tls_examples[] = {"hayauma report tls *.json.gz",
                           "hayauma report tls --domain example.com --since 1w reports/*", NULL};
const struct cli_command command_report_tls = {
    .name = "report tls",
    .about = N_("Shows what other hosts report of TLS with the mail hosts of a domain."),
    .more = N_("Of each report (RFC 8460) a line for each policy that was applied says how many"
               " sessions succeeded and failed; below stands what failed, at which host. What"
               " cannot be read is listed with the reason. No server has to run."),
    .offline = true,
    .parameters = tls_parameters,
    .examples = tls_examples,
    .json = "[{\"file\": text, \"organization\"?: text, \"id\"?: text, \"begin\"?: time|null, "
            "\"end\"?: time|null, \"domain\"?: text, \"policy\"?: text, \"succeeded\"?: number, "
            "\"failed\"?: number, \"failures\"?: [{\"type\": text, \"host\": text, "
            "\"sending_address\": text, \"receiving_address\": text, \"reason\": text, "
            "\"sessions\": number}], \"problem\"?: text}]",
    .run_in_fiber = cmd_report_tls,
};
