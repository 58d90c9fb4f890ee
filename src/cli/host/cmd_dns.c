/* SPDX-License-Identifier: ISC */
/*
 * The records to be published, in the form of a zone file: what DNS says of each is a comment above
 * it. A text of more than 255 bytes is several strings (RFC 1035 §3.3.14).
 */
#include "cli/directory/directory_access.h"
#include "cli/host/dns_records.h"
#include "cli/host/server.h"
#include "cli/lookup.h"
#include "cli/terminal/row.h"
#include "message/address/domain.h"
#include "message/text.h"
#include "message/write/encode.h"

#define STRING_MAX 255U
#define PATIENCE   (5 * USEC_MIN)

/* ------------------------------------------------------------------ for people */

static void write_comment(struct cli *c, struct slice text) {
    buf_printf(&c->out, "; %.*s\n", SLICE_ARG(cli_shown(c->arena, text)));
}

/* A key that was found just now is told to the keys role behind this. */
static const char *key_words(const struct dns_wanted *w) {
    if (w->left)
        return _("the key is used no more; leave the record for now");
    if (w->signs)
        return _("the key signs");
    if (w->state != DNS_RIGHT)
        return _("the key does not sign yet");
    return w->seen ? _("the key signs a day after it was first found there")
                   : _("the key signs from now on, or in a day if another one does now");
}

static void write_state(struct cli *c, const struct dns_wanted *w) {
    static const char *const words[] = {[DNS_RIGHT] = N_("right"),
                                        [DNS_MISSING] = N_("missing"),
                                        [DNS_DIFFERENT] = N_("different, DNS has"),
                                        [DNS_UNKNOWN] = N_("cannot be tested from here")};
    _cleanup_(buf_done) struct buf text = {0};
    if (w->state != DNS_NOT_ASKED)
        buf_add_str(&text, translated(words[w->state]));
    if (w->state == DNS_DIFFERENT)
        buf_printf(&text, ": %.*s", SLICE_ARG(text_one_line(c->arena, w->found, 200, true)));
    if (w->state == DNS_UNKNOWN) /* our own words, in any language */
        buf_printf(&text, ": %.*s", SLICE_ARG(w->found));
    if (w->purpose == FOR_DKIM)
        buf_printf(&text, "%s%s", text.len > 0 ? "; " : "", key_words(w));
    if (text.len > 0)
        write_comment(c, buf_slice(&text));
}

static void write_value(struct cli *c, const struct dns_wanted *w) {
    bool name = w->purpose == FOR_MX || w->purpose == FOR_PTR;
    struct slice rest = w->value;
    if (w->purpose < FOR_SPF) {
        buf_printf(&c->out, "%.*s%s", SLICE_ARG(rest), name ? "." : "");
        return;
    }
    while (rest.len > 0) {
        buf_printf(&c->out, "\"%.*s\"", SLICE_ARG(slice_first(rest, STRING_MAX)));
        rest = slice_from(rest, STRING_MAX);
        if (rest.len > 0)
            buf_add_byte(&c->out, ' ');
    }
}

static void write_all(struct cli *c, const struct dns_records *r, size_t from) {
    size_t widest = 0;
    for (size_t i = from; i < r->count; i++)
        widest = MAX(widest, r->list[i].name.len + 1);
    for (size_t i = from; i < r->count; i++) {
        const struct dns_wanted *w = &r->list[i];
        write_state(c, w);
        if (!w->value.ptr) { /* nothing that could be pasted */
            write_comment(c, arena_printf(c->arena,
                                          _("%.*s. IN A: the public address of this host"
                                            " (and a PTR record that leads back)"),
                                          SLICE_ARG(w->name)));
            continue;
        }
        buf_printf(&c->out, "%.*s.", SLICE_ARG(w->name));
        text_blanks(&c->out, widest - w->name.len - 1);
        buf_printf(&c->out, "  IN  %-4s  ", w->type);
        write_value(c, w);
        buf_add_byte(&c->out, '\n');
    }
}

/* ------------------------------------------------------------------ for programs */

static void write_json(struct json *j, const struct dns_wanted *w, struct slice of) {
    static const char *const purposes[] = {
        [FOR_ADDRESS] = "address", [FOR_PTR] = "ptr",   [FOR_MX] = "mx",
        [FOR_SPF] = "spf",         [FOR_DKIM] = "dkim", [FOR_DMARC] = "dmarc"};
    json_object(j);
    cli_json_text(j, "of", of);
    cli_json_text(j, "purpose", slice_of_str(purposes[w->purpose]));
    cli_json_text(j, "name", w->name);
    cli_json_text(j, "type", slice_of_str(w->type));
    json_key(j, "value");
    if (w->value.ptr)
        json_slice(j, w->value);
    else
        json_null(j);
    cli_json_text(j, "state", slice_of_str(dns_state_name(w->state)));
    cli_json_text(j, "found", w->found);
    cli_json_bool(j, "signs", w->signs);
    cli_json_bool(j, "left", w->left);
    json_end(j);
}

/* ------------------------------------------------------------------ the command */

struct asked {
    struct cli *c;
    struct dns_records records;
    struct json json;
    bool any;
};

static bool has_keys(const struct dns_records *r, size_t from) {
    for (size_t i = from; i < r->count; i++)
        if (r->list[i].purpose == FOR_DKIM)
            return true;
    return false;
}

/* What the last call has added. */
static void show(struct asked *x, size_t from, struct slice of, bool host) {
    if (!x->c->json) {
        buf_add_str(&x->c->out, x->any ? "\n" : "");
        write_comment(
            x->c,
            host ? arena_printf(x->c->arena, _("%.*s, the name of this host"), SLICE_ARG(of)) : of);
        write_all(x->c, &x->records, from);
        if (x->records.keys && !has_keys(&x->records, from))
            write_comment(x->c, slice_of_str(_("the DKIM keys are being made; ask again")));
    }
    for (size_t i = from; x->c->json && i < x->records.count; i++)
        write_json(&x->json, &x->records.list[i], of);
    x->any = true;
    cli_flush(x->c);
}

/* Of a domain, or of the host's name. */
static int show_of(struct asked *x, struct slice of, bool host, struct problem *problem) WAITS {
    size_t from = x->records.count;
    int r = host ? dns_records_host(&x->records, problem)
                 : dns_records_domain(&x->records, of, problem);
    if (r == 0)
        show(x, from, of, host);
    return r;
}

/* The directory is let go again before DNS is asked, which takes its time. */
static int list_domains(struct cli *c, struct domain **ret, size_t *ret_count,
                        struct problem *problem) WAITS {
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, problem);
    return r < 0 ? r : access_domain_list(x, c->arena, ret, ret_count, problem);
}

static int show_some(struct asked *x, struct problem *problem) WAITS {
    struct cli *c = x->c;
    struct domain *list = NULL;
    struct slice wanted = cli_text(c->call, "DOMAIN"), one = S("");
    size_t count = 0;
    int r = wanted.ptr ? domain_canonical(c->arena, wanted, DOMAIN_UTF8, &one, NULL) : 0;
    if (r < 0)
        return problem_set(problem, r, _("\"%.*s\" is no domain"), SLICE_ARG(wanted));
    r = list_domains(c, &list, &count, problem);
    bool host = !wanted.ptr || slice_eq(one, c->conf->hostname), found = host;
    if (r == 0 && host)
        r = show_of(x, c->conf->hostname, true, problem);
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (wanted.ptr && !slice_eq(list[i].name, one))
            continue;
        found = true;
        r = show_of(x, list[i].name, false, problem);
    }
    if (r == 0 && !found)
        r = problem_set(problem, -E_UNKNOWN, _("%.*s is no domain of this host"),
                        SLICE_ARG(cli_shown(c->arena, one)));
    return r < 0 ? r : dns_records_tell(&x->records, problem);
}

static int run(struct cli *c, struct problem *problem) WAITS {
    CLI_WITHIN(PATIENCE);
    struct check *k = ARENA_NEW(c->arena, struct check);
    struct check_dns *d = ARENA_NEW(c->arena, struct check_dns);
    struct asked *x = ARENA_NEW(c->arena, struct asked);
    struct slice why;
    _cleanup_(lookup_close_p) struct lookup *lookup = NULL;
    int r = lookup_open(c, &lookup, problem);
    if (r < 0)
        return r;
    k->c = c;
    *d = (struct check_dns){.k = k, .client = lookup_client(lookup)};
    d->own_count = check_own_addresses(d->own);
    x->c = c;
    x->json = (struct json){.to = &c->out};
    x->records = (struct dns_records){.d = d, .asks = !cli_has(c->call, "no-check")};
    r = server_connect_if_running(c, ROLE_KEYS, &x->records.keys, problem);
    if (r < 0)
        return r;
    d->named_count =
        (size_t)MAX(x->records.asks ? check_addresses(d, c->conf->hostname, d->named, &why) : 0, 0);
    dns_records_begin(&x->records);
    if (c->json)
        json_array(&x->json);
    r = show_some(x, problem);
    if (c->json)
        json_end(&x->json);
    if (c->json)
        buf_add_byte(&c->out, '\n');
    else if (r == 0 && !x->records.keys)
        cli_print(_("The server is not running, so its DKIM keys are not among them."));
    rpc_link_free(x->records.keys);
    return r;
}

static int cmd_dns(struct cli *c) WAITS {
    struct problem problem = {0};
    int code = cli_need_settings(c);
    if (code != CLI_OK)
        return code;
    int r = run(c, &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS dns_parameters[] = {
    ARGUMENT("DOMAIN", .offers = CLI_OFFER_DOMAINS, .optional = true,
             .about = N_("only this domain, or the name of the host")),
    FLAG("no-check", .about = N_("do not ask DNS what it has now")),
    END,
};
EXAMPLES dns_examples[] = {"hayauma dns", "hayauma dns example.jp", NULL};
const struct cli_command command_dns = {
    .name = "dns",
    .about = N_("Prints the DNS records to publish, and what DNS says of each now."),
    .more = N_("They are in the form of a zone file: addresses, MX, SPF, DKIM and DMARC of the"
               " host's name and of each domain. Public addresses are those of"
               " relay.source-addresses, else those that the host's name has in DNS. A DKIM key"
               " signs as soon as DNS shows it."),
    .offline = true,
    .parameters = dns_parameters,
    .examples = dns_examples,
    .json = "[{\"of\": text, \"purpose\": text, \"name\": text, \"type\": text, \"value\": "
            "text|null, \"state\": text, \"found\": text, \"signs\": bool, \"left\": bool}]",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_dns,
};
