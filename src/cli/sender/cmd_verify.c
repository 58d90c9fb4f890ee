/* SPDX-License-Identifier: ISC */
/*
 * A message judged by itself, without a server: the same code that judges what comes to one.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/json_read.h"
#include "base/read.h"
#include "cli/sender/judging.h"
#include "cli/terminal/row.h"
#include "sender/results.h"

#define FIELD     "Authentication-Results"
#define LINES_MAX (1U << 30) /* bytes of all cases */

/* ------------------------------------------------------------------ for people */

static void say(struct cli *c, const char *what, const char *result, const char *why) {
    buf_printf(&c->out, "%-8s %s", what, result);
    if (why)
        buf_printf(&c->out, ": %s", translated(why));
    buf_add_byte(&c->out, '\n');
}

/* "  record   v=spf1 -all", if there is one. */
static void say_more(struct cli *c, const char *what, struct slice text) {
    if (text.len == 0)
        return;
    struct slice shown = cli_shown(c->arena, text);
    buf_printf(&c->out, "         %s: %.*s\n", what, SLICE_ARG(shown));
}

static void say_spf(struct cli *c, const char *what, const struct spf_outcome *o,
                    struct slice domain) {
    say(c, what, spf_result_name(o->result), o->problem);
    say_more(c, _("domain"), domain);
    say_more(c, _("record"), o->record);
    say_more(c, _("decided by"), o->term);
    say_more(c, _("explanation"), o->explanation);
    say_more(c, _("not resolved"), o->name);
}

static void say_dkim(struct cli *c, const struct dkim_outcome *d) {
    say(c, "DKIM", dkim_result_name(d->result), d->why);
    say_more(c, _("domain"), d->domain);
    say_more(c, _("selector"), d->selector);
    if (d->bits > 0)
        buf_printf(&c->out, "         %s: %s, %u\n", _("key"), dkim_algorithm_name(d->algorithm),
                   d->bits);
    say_more(c, _("not resolved"), d->name);
}

static void say_dmarc(struct cli *c, const struct sender_verdict *v) {
    const struct dmarc_outcome *d = v->decides;
    if (!d) {
        say(c, "DMARC", dmarc_result_name(DMARC_PERMERROR), author_form_words(v->author.form));
        return;
    }
    say(c, "DMARC", dmarc_result_name(d->result), d->why);
    say_more(c, _("domain"), d->domain);
    say_more(c, _("organization"), d->organization);
    say_more(c, _("record of"), d->found_at);
    say_more(c, _("record"), d->text);
    if (d->found_at.len > 0)
        say_more(c, _("policy"), slice_of_str(dmarc_policy_name(d->policy)));
    if (d->dkim_aligned || d->spf_aligned)
        say_more(c, _("aligned"),
                 slice_of_str(d->dkim_aligned ? d->spf_aligned ? "DKIM, SPF" : "DKIM" : "SPF"));
    say_more(c, _("not resolved"), d->name);
}

static void say_all(struct cli *c, const struct sender_question *q,
                    const struct sender_verdict *v) {
    say(c, "iprev", iprev_result_name(v->iprev.result), NULL);
    say_more(c, _("name"), v->iprev.name);
    say_spf(c, "HELO", &v->helo, v->helo_name);
    if (q->domain.len > 0)
        say_spf(c, "SPF", &v->mail_from, v->mail_from_domain);
    if (v->dkim_count == 0)
        say(c, "DKIM", dkim_result_name(DKIM_NONE), NULL);
    for (size_t i = 0; i < v->dkim_count; i++)
        say_dkim(c, &v->dkim[i]);
    say(c, "ARC", arc_result_name(v->arc.result), v->arc.why);
    for (size_t i = 0; i < v->arc.count; i++)
        say_more(c, _("sealed by"), v->arc.sets[i].domain);
    say_dmarc(c, v);
    buf_printf(&c->out, "\n%s: ", FIELD);
    _cleanup_(buf_done) struct buf field = {0};
    sender_results_add(&field, q, v);
    cli_add_lines(&c->out, buf_slice(&field));
    buf_add_byte(&c->out, '\n');
}

/* ------------------------------------------------------------------ one file */

static int verify_file(struct cli *c, const struct judging_arrival *from,
                       const struct dns_client *dns, struct problem *problem) WAITS {
    _cleanup_(buf_done) struct buf message = {0};
    struct sender_question q = {0};
    struct sender_verdict *v = ARENA_NEW(c->arena, struct sender_verdict);
    int r = judging_read(cli_text(c->call, "FILE"), &message, problem);
    if (r == 0)
        r = judging_judge(from, buf_slice(&message), dns, c->arena, &q, v, problem);
    if (r < 0)
        return r;
    if (!c->json) {
        say_all(c, &q, v);
        return 0;
    }
    struct json j = {.to = &c->out};
    json_object(&j);
    sender_results_json(&j, v);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
    return 0;
}

/* ------------------------------------------------------------------ many cases */

static struct slice member_text(const struct json_value *object, const char *name,
                                struct slice otherwise) {
    const struct json_value *v = json_member(object, name);
    return v && v->type == JSON_STRING ? v->text : otherwise;
}

static int read_case(const struct json_value *object, struct judging_arrival *from,
                     struct buf *message, struct problem *problem) {
    const struct json_value *text = json_member(object, "message"),
                            *file = json_member(object, "message_file"),
                            *time = json_member(object, "time");
    from->client_ip = member_text(object, "client_ip", from->client_ip);
    from->helo = member_text(object, "helo", from->helo);
    from->mail_from = member_text(object, "mail_from", from->mail_from);
    if (time && json_to_int(time, &from->now) < 0)
        return problem_set(problem, -E_SYNTAX, _("\"time\": expected seconds since 1970"));
    if (file && file->type == JSON_STRING)
        return judging_read(file->text, message, problem);
    if (!text || text->type != JSON_STRING)
        return problem_set(problem, -E_SYNTAX,
                           _("expected an object with \"message\" or \"message_file\""));
    judging_lines(text->text, message);
    return 0;
}

static int verify_line(struct cli *c, struct judging_arrival from, const struct dns_client *dns,
                       struct slice line, struct problem *problem) WAITS {
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf message = {0};
    struct sender_question q = {0};
    struct sender_verdict *v = ARENA_NEW(&a, struct sender_verdict);
    struct json_value object;
    size_t at = 0;
    int r = json_read(line, &limits, &a, &object, &at);
    if (r < 0)
        return problem_set(problem, r, _("no JSON at byte %zu of the line"), at + 1);
    r = read_case(&object, &from, &message, problem);
    if (r == 0)
        r = judging_judge(&from, buf_slice(&message), dns, &a, &q, v, problem);
    struct json j = {.to = &c->out};
    if (r == 0) {
        json_object(&j);
        sender_results_json(&j, v);
        json_end(&j);
        buf_add_byte(&c->out, '\n');
    }
    return r;
}

static int verify_lines(struct cli *c, const struct judging_arrival *from,
                        const struct dns_client *dns, struct problem *problem) WAITS {
    _cleanup_(buf_done) struct buf input = {0};
    struct problem *wrong = ARENA_NEW(c->arena, struct problem);
    struct slice line;
    size_t number = 0;
    int r = read_to_end(STDIN_FILENO, &input, LINES_MAX);
    if (r < 0)
        return problem_set(problem, r, _("standard input: %s"), error_words(r));
    struct slice rest = buf_slice(&input);
    while (slice_next(&rest, '\n', &line)) {
        number++;
        if (slice_trim(line).len == 0)
            continue;
        r = verify_line(c, *from, dns, line, wrong);
        if (r < 0)
            return problem_set(problem, r, _("line %zu: %s"), number, wrong->text);
        cli_flush(c);
    }
    return 0;
}

static int cmd_verify(struct cli *c) WAITS {
    const struct cli_call *call = c->call;
    struct problem problem = {0};
    struct judging_dns dns = {0};
    const bool lines = cli_has(call, "json-lines");
    const struct judging_arrival from = judging_arrival_of(c);
    if (lines == (cli_text(call, "FILE").ptr != NULL)) {
        cli_print(_("expected a FILE, or --json-lines and cases on standard input"));
        return CLI_USAGE;
    }
    int r = judging_dns_open(c, &dns, &problem);
    if (r == 0) {
        struct dns_client client = resolver_client(dns.resolver);
        r = lines ? verify_lines(c, &from, &client, &problem)
                  : verify_file(c, &from, &client, &problem);
    }
    judging_dns_close(&dns);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

#define JSON_SPF                                                                                   \
    "{\"result\": text, \"reason\": text|null, \"domain\": text, \"record\": text, "               \
    "\"term\": text, \"explanation\": text, \"unresolved\": text}"

PARAMETERS verify_parameters[] = {
    ARGUMENT("FILE", .kind = CLI_PATH, .optional = true,
             .about = N_("the message; - for standard input")),
    JUDGING_OPTIONS,
    FLAG("json-lines", .about = N_("read cases from standard input, a JSON object a line, and"
                                   " answer with one a line")),
    END,
};
EXAMPLES verify_examples[] = {
    "hayauma verify message.eml --client-ip 192.0.2.1 --helo mail.example.org --mail-from"
    " hanako@example.org",
    NULL};
const struct cli_command command_verify = {
    .name = "verify",
    .about = N_("Judges who has sent a message: iprev, SPF, DKIM, ARC and DMARC."),
    .more = N_("It says of each step what was found, as it would be for a message that comes to"
               " this server. No server has to run. A case of --json-lines has the members"
               " message or message_file, client_ip, helo, mail_from and time."),
    .offline = true,
    .parameters = verify_parameters,
    .examples = verify_examples,
    .json =
        "{\"iprev\": {\"result\": text, \"name\": text}, \"helo\": " JSON_SPF ", \"spf\": " JSON_SPF
        ", \"dkim\": [{\"result\": text, \"reason\": text|null, \"domain\": text, "
        "\"selector\": text, \"identity\": text, \"algorithm\": text, \"bits\": number, "
        "\"testing\": bool, \"b\": text, \"unresolved\": text}], "
        "\"arc\": {\"result\": text, \"reason\": text|null, \"instance\": number, "
        "\"unresolved\": text, \"sets\": [{\"domain\": text, \"selector\": text, "
        "\"results\": text}]}, \"author\": [text], "
        "\"dmarc\": {\"result\": text, \"reason\": text|null, \"domain\": text, "
        "\"organization\": text, \"found_at\": text, \"record\": text, "
        "\"published\": text|null, \"policy\": text|null, \"exists\": bool, "
        "\"dkim_aligned\": bool, \"spf_aligned\": bool, \"unresolved\": text}}",
    .run_in_fiber = cmd_verify,
};
