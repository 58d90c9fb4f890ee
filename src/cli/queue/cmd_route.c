/* SPDX-License-Identifier: ISC */
/*
 * Where an address leads: first what the directory decides, then for an address elsewhere what DNS
 * says, with the same code that messages go by.
 */
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/host/server.h"
#include "cli/lookup.h"
#include "cli/terminal/row.h"
#include "dns/mx.h"
#include "message/address/address.h"
#include "message/text.h"
#include "policy/dane.h"
#include "policy/sts_demand.h"
#include "relay/via.h"

#define SMTP_PORT        25
#define LOOKUPS_PATIENCE (90 * USEC_SEC)
#define FORWARDS_SHOWN   20U /* forwards whose hosts are looked up */

/* The way to one address at another host. */
struct remote {
    struct slice address;
    struct slice hop; /* "example.com", or "relay.example.jp:587" of the settings */
    struct relay_via via;
    struct buf steps; /* sentences, '\n' behind each */
    struct dns_way way;
    bool looked_up;
    struct slice why_not; /* otherwise */
    struct slice *tls;    /* of each host: its policy, or why it is not to be used now */
    size_t tls_count;
    bool *passed_over; /* of each host: for that it is not to be used now */
    bool has_sts;
    struct sts_policy sts;   /* of the domain, then */
    struct slice why_no_sts; /* it, or a newer one, is not known; empty: nothing failed */
};

struct finding {
    struct cli *c;
    struct route route;
    struct remote *remotes;
    size_t count, unshown;
};

/* ------------------------------------------------------------------ DNS */

static void note_step(void *arg, struct slice sentence) {
    struct remote *r = arg;
    buf_add(&r->steps, sentence);
    buf_add_byte(&r->steps, '\n');
}

/* As the relay does it (role/queue/relay.c). */
static int find_via(struct cli *c, struct remote *r) {
    struct address address;
    int found = address_parse(c->arena, r->address, ADDRESS_UTF8 | ADDRESS_LOOSE, &address, NULL);
    if (found < 0)
        return found;
    relay_via_find(c->conf, address.domain, c->arena, &r->via);
    r->hop = r->via.to.name;
    if (r->via.fixed)
        r->hop =
            arena_printf(c->arena, "%.*s:%u", SLICE_ARG(r->via.to.name), (unsigned)r->via.to.port);
    return 0;
}

/* What is wrong with a host of the settings passes: its postmaster is here. */
static enum dns_outcome outcome_of(const struct remote *r) {
    return r->way.outcome == DNS_NO_WAY && r->via.fixed ? DNS_LATER : r->way.outcome;
}

static int find_hosts(struct cli *c, struct remote *r, const struct dns_client *dns) WAITS {
    const struct conf *conf = c->conf;
    struct net_addr *own = arena_array(c->arena, conf->listen.count, sizeof *own);
    struct dns_search search = {
        .own_names = &conf->hostname,
        .own_name_count = 1,
        .own_addresses = own,
        .own_address_count = conf->listen.count,
        .loopback_is_own = conf->port_offset == 0,
        .event = note_step,
        .event_arg = r,
    };
    for (size_t i = 0; i < conf->listen.count; i++) {
        own[i] = conf->listen.list[i];
        net_set_port(&own[i], (uint16_t)(SMTP_PORT + conf->port_offset));
    }
    int result = find_via(c, r);
    search.to = r->via.to;
    if (result == 0)
        result = dns_find_hosts(dns, &search, c->arena, &r->way);
    r->looked_up = result == 0;
    r->why_not = slice_of_str(result < 0 ? error_words(result) : "");
    return result;
}

/*
 * The MTA-STS policy of the domain, which the queue keeps. Without a server that runs nobody knows
 * it, and `why_no_sts` says so.
 */
static void find_sts(struct cli *c, struct remote *r) WAITS {
    struct rpc_queue_sts_in in = {.domain = r->via.to.name};
    struct rpc_queue_sts_out out = {0};
    struct rpc_link *link = NULL;
    struct problem *problem = ARENA_NEW(c->arena, struct problem);
    if (!c->conf->relay.mta_sts || r->via.fixed || !r->via.policies)
        return;
    int e = server_connect_if_running(c, ROLE_QUEUE, &link, problem);
    if (e == 0 && link)
        e = call_queue_sts(link, &in, c->arena, &out, problem);
    r->has_sts =
        e == 0 && out.policy.len > 0 && sts_policy_read(out.policy, c->arena, &r->sts, NULL) == 0;
    r->why_no_sts = e < 0  ? slice_of_str(problem_words(c->arena, problem))
                    : link ? out.why
                           : slice_of_str(_("the server does not run"));
    if (link)
        rpc_link_free(link);
}

/* What is asked of each host, as the relay judges it (relay/demand.c). */
static void judge_tls(struct cli *c, struct remote *r, const struct dns_client *dns) WAITS {
    size_t count = r->looked_up && r->via.policies ? r->way.count : 0;
    if (count > 0)
        find_sts(c, r);
    r->tls = arena_array(c->arena, count, sizeof *r->tls);
    r->passed_over = arena_array(c->arena, count, sizeof *r->passed_over);
    for (size_t i = 0; i < count; i++) {
        struct tls_policy *policy = ARENA_NEW(c->arena, struct tls_policy);
        enum dane_outcome outcome;
        struct slice why;
        struct dane_question q = {dns, r->via.to, &r->way, &r->way.hosts[i]};
        if (dane_judge(&q, c->arena, &outcome, policy, &why) < 0)
            return;
        if (outcome == DANE_NONE)
            policy->why = arena_printf(c->arena, _("no DANE, %.*s"), SLICE_ARG(why));
        r->passed_over[i] =
            outcome == DANE_ERROR ||
            (outcome == DANE_NONE && r->has_sts &&
             !sts_demand(&r->sts, r->via.to.name, r->way.hosts[i].name, c->arena, policy));
        r->tls[r->tls_count++] = outcome == DANE_ERROR ? why : tls_policy_text(c->arena, policy);
    }
}

static void look_up_all(struct finding *f) WAITS {
    CLI_WITHIN(LOOKUPS_PATIENCE);
    struct problem problem = {0};
    _cleanup_(lookup_close_p) struct lookup *lookup = NULL;
    int r = f->count > 0 ? lookup_open(f->c, &lookup, &problem) : 0;
    for (size_t i = 0; i < f->count; i++) {
        if (r < 0) {
            f->remotes[i].why_not =
                arena_copy(f->c->arena, slice_of_str(problem_words(f->c->arena, &problem)));
            continue;
        }
        struct dns_client client = lookup_client(lookup);
        (void)find_hosts(f->c, &f->remotes[i], &client);
        judge_tls(f->c, &f->remotes[i], &client);
    }
}

/* ------------------------------------------------------------------ what it means */

/* No host can take the message now, for what is asked of TLS. */
static bool all_are_passed_over(const struct remote *r) {
    for (size_t i = 0; i < r->way.count; i++)
        if (i >= r->tls_count || !r->passed_over[i])
            return false;
    return r->way.count > 0;
}

static int exit_of(const struct finding *f) {
    switch (f->route.kind) {
    case ROUTE_LOCAL:
        return CLI_OK;
    case ROUTE_UNKNOWN_USER:
        return CLI_NOT_FOUND;
    case ROUTE_DISABLED:
    case ROUTE_LOOP:
        return CLI_REFUSED;
    case ROUTE_BAD_ADDRESS:
        return CLI_USAGE;
    case ROUTE_TEMPORARY:
        return CLI_BUSY;
    case ROUTE_NOT_OURS:
        break;
    }
    if (f->count == 0 || !f->remotes[0].looked_up || outcome_of(&f->remotes[0]) == DNS_LATER ||
        all_are_passed_over(&f->remotes[0]))
        return CLI_BUSY;
    return f->remotes[0].way.outcome == DNS_FOUND ? CLI_OK : CLI_REFUSED;
}

static const char *const outcome_words[] = {
    [DNS_FOUND] = "found", [DNS_LATER] = "later", [DNS_NO_WAY] = "none"};

/* ------------------------------------------------------------------ for people */

static void add_sentence(struct cli *c, size_t indent, struct slice text) {
    text_blanks(&c->out, indent);
    text_wrap_names(&c->out, text, indent, c->width > 0 ? c->width : SIZE_MAX);
    buf_add_byte(&c->out, '\n');
}

static void write_hosts(struct cli *c, const struct remote *r) {
    static const struct table_column columns[] = {{"", .right = true},
                                                  {N_("HOST")},
                                                  {N_("MX"), .right = true},
                                                  {N_("ADDRESSES"), .wraps = true}};
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width, .indent = 4};
    for (size_t i = 0; i < r->way.count; i++) {
        const struct dns_host *h = &r->way.hosts[i];
        _cleanup_(buf_done) struct buf addresses = {0};
        for (size_t k = 0; k < h->count; k++) {
            char text[NET_TEXT_SIZE];
            struct slice address = net_format(&h->addresses[k], text);
            buf_printf(&addresses, "%s%.*s", k > 0 ? " " : "", SLICE_ARG(address));
        }
        table_printf(&t, "%zu.", i + 1);
        table_text(&t, h->name);
        table_printf(&t, "%u", h->preference);
        table_text(&t, buf_slice(&addresses));
    }
    table_write(&t, &c->out);
}

/* What the settings say, where they say something. */
static void write_via(struct cli *c, const struct relay_via *via) {
    static const char *const tls[] = {
        [RELAY_TLS_MAY] = N_("TLS is used where the other server offers it."),
        [RELAY_TLS_NEVER] = N_("TLS is never used."),
        [RELAY_TLS_ENCRYPT] = N_("TLS is demanded, with any certificate."),
        [RELAY_TLS_VERIFY] = N_("TLS is demanded, with a verified certificate."),
    };
    if (via->rule.len == 0)
        return;
    if (via->fixed)
        add_sentence(c, 2,
                     arena_printf(c->arena, _("By the setting %.*s it goes to %.*s, port %u."),
                                  SLICE_ARG(via->rule), SLICE_ARG(via->to.name), via->to.port));
    else
        add_sentence(c, 2,
                     arena_printf(c->arena, _("By the setting %.*s it goes where DNS says."),
                                  SLICE_ARG(via->rule)));
    if (via->user.len > 0)
        add_sentence(
            c, 2,
            arena_printf(c->arena, _("There the relay logs in as %.*s."), SLICE_ARG(via->user)));
    add_sentence(c, 2, slice_of_str(translated(tls[via->tls])));
}

static void write_remote(struct cli *c, const struct remote *r) {
    struct slice steps = buf_slice(&r->steps), step = {0};
    buf_add_str(&c->out, "\n");
    add_sentence(c, 0, arena_printf(c->arena, _("The way to %.*s:"), SLICE_ARG(r->address)));
    write_via(c, &r->via);
    while (slice_next(&steps, '\n', &step)) {
        if (step.len > 0)
            add_sentence(c, 2, step);
    }
    if (!r->looked_up) {
        add_sentence(
            c, 2,
            arena_printf(c->arena, _("DNS could not be asked: %.*s."), SLICE_ARG(r->why_not)));
    } else if (r->way.outcome == DNS_FOUND) {
        add_sentence(c, 2, slice_of_str(_("Hosts in the order in which they would be tried:")));
        write_hosts(c, r);
        for (size_t i = 0; i < r->tls_count; i++)
            add_sentence(c, 2,
                         arena_printf(c->arena,
                                      r->passed_over[i] ? _("%.*s is passed over now: %.*s")
                                                        : _("TLS with %.*s: %.*s"),
                                      SLICE_ARG(r->way.hosts[i].name), SLICE_ARG(r->tls[i])));
        if (r->why_no_sts.len > 0)
            add_sentence(c, 2,
                         arena_printf(c->arena, _("The newest MTA-STS policy is not known: %.*s."),
                                      SLICE_ARG(r->why_no_sts)));
    } else {
        add_sentence(c, 2,
                     arena_printf(c->arena,
                                  outcome_of(r) == DNS_LATER
                                      ? _("It would be tried again later: %u %u.%u.%u %.*s")
                                      : _("It would be returned: %u %u.%u.%u %.*s"),
                                  r->way.reply, outcome_of(r) == DNS_LATER ? 4U : 5U,
                                  r->way.subject, r->way.detail, SLICE_ARG(r->way.words)));
    }
}

static const char *verdict(const struct finding *f) {
    static const char *const verdicts[] = {
        [ROUTE_LOCAL] = N_("%.*s is delivered here."),
        [ROUTE_NOT_OURS] = N_("%.*s goes to another host."),
        [ROUTE_UNKNOWN_USER] = N_("%.*s is refused: nobody has this address."),
        [ROUTE_DISABLED] = N_("%.*s is refused: the account is disabled."),
        [ROUTE_LOOP] = N_("%.*s is refused: aliases run in a circle, or lead to too many targets."),
        [ROUTE_BAD_ADDRESS] = N_("%.*s is no address."),
        [ROUTE_TEMPORARY] = N_("%.*s cannot be told now."),
    };
    const struct route *r = &f->route;
    if (r->kind == ROUTE_LOCAL && r->mailbox_count == 0)
        return _("%.*s is sent on to other hosts.");
    if (r->kind == ROUTE_LOCAL && r->forward_count > 0)
        return _("%.*s is delivered here and sent on to other hosts.");
    return translated(verdicts[r->kind]);
}

static void write_words(struct finding *f) {
    struct cli *c = f->c;
    const struct route *r = &f->route;
    struct slice address = cli_text(c->call, "ADDRESS");
    add_sentence(c, 0, arena_printf(c->arena, verdict(f), SLICE_ARG(address)));
    for (size_t i = 0; i < r->reason_count; i++)
        add_sentence(c, 2, parts_words(c->arena, r->reasons[i]));
    if (r->mailbox_count > 0)
        buf_add_str(&c->out, _("\nMailboxes:\n"));
    for (size_t i = 0; i < r->mailbox_count; i++) {
        const struct route_mailbox *m = &r->mailboxes[i];
        add_sentence(c, 2,
                     m->detail.len > 0
                         ? arena_printf(c->arena, _("%.*s (account %llu, detail \"%.*s\")"),
                                        SLICE_ARG(m->address), (unsigned long long)m->account_id,
                                        SLICE_ARG(m->detail))
                         : arena_printf(c->arena, _("%.*s (account %llu)"), SLICE_ARG(m->address),
                                        (unsigned long long)m->account_id));
    }
    for (size_t i = 0; i < f->count; i++)
        write_remote(c, &f->remotes[i]);
    if (f->unshown > 0)
        buf_printf(&c->out,
                   P_("\nand %zu other address elsewhere.\n",
                      "\nand %zu other addresses elsewhere.\n", f->unshown),
                   f->unshown);
}

/* ------------------------------------------------------------------ for programs */

static void json_host(struct json *j, const struct remote *r, size_t at) {
    const struct dns_host *h = &r->way.hosts[at];
    json_object(j);
    cli_json_text(j, "name", h->name);
    cli_json_int(j, "preference", h->preference);
    cli_json_bool(j, "secure", h->secure);
    if (at < r->tls_count)
        cli_json_text(j, "tls", r->tls[at]);
    json_key(j, "addresses");
    json_array(j);
    for (size_t i = 0; i < h->count; i++) {
        char text[NET_TEXT_SIZE];
        json_slice(j, net_format(&h->addresses[i], text));
    }
    json_end(j);
    json_end(j);
}

static void json_remote(struct json *j, const struct remote *r) {
    struct slice steps = buf_slice(&r->steps), step = {0};
    json_object(j);
    cli_json_text(j, "address", r->address);
    cli_json_text(j, "next_hop", r->hop);
    cli_json_text(j, "rule", r->via.rule);
    cli_json_text(j, "login", r->via.user);
    cli_json_text(j, "tls", slice_of_str(relay_tls_word(r->via.tls)));
    json_key(j, "steps");
    json_array(j);
    while (slice_next(&steps, '\n', &step)) {
        if (step.len > 0)
            json_slice(j, step);
    }
    json_end(j);
    json_key(j, "way");
    json_str(j, r->looked_up ? outcome_words[outcome_of(r)] : "unknown");
    if (!r->looked_up)
        cli_json_text(j, "problem", r->why_not);
    else if (r->way.outcome != DNS_FOUND)
        cli_json_text(j, "problem", r->way.words);
    json_key(j, "hosts");
    json_array(j);
    for (size_t i = 0; r->looked_up && i < r->way.count; i++)
        json_host(j, r, i);
    json_end(j);
    json_end(j);
}

static void write_json(struct finding *f) {
    struct json j = {.to = &f->c->out};
    json_object(&j);
    cli_json_text(&j, "address", cli_text(f->c->call, "ADDRESS"));
    cli_json_text(&j, "kind", slice_of_str(route_kind_text(f->route.kind)));
    json_key(&j, "reasons");
    json_array(&j);
    for (size_t i = 0; i < f->route.reason_count; i++)
        json_slice(&j, parts_words(f->c->arena, f->route.reasons[i]));
    json_end(&j);
    json_key(&j, "mailboxes");
    json_array(&j);
    for (size_t i = 0; i < f->route.mailbox_count; i++) {
        const struct route_mailbox *m = &f->route.mailboxes[i];
        json_object(&j);
        cli_json_int(&j, "account", (int64_t)m->account_id);
        cli_json_text(&j, "address", m->address);
        cli_json_text(&j, "detail", m->detail);
        json_end(&j);
    }
    json_end(&j);
    json_key(&j, "elsewhere");
    json_array(&j);
    for (size_t i = 0; i < f->count; i++)
        json_remote(&j, &f->remotes[i]);
    json_end(&j);
    json_end(&j);
    buf_add_byte(&f->c->out, '\n');
}

/* ------------------------------------------------------------------ the command */

static void list_remotes(struct finding *f) {
    const struct route *r = &f->route;
    struct slice asked = cli_text(f->c->call, "ADDRESS");
    size_t all = r->kind == ROUTE_NOT_OURS ? 1 : r->forward_count;
    f->count = MIN(all, (size_t)FORWARDS_SHOWN);
    f->unshown = all - f->count;
    f->remotes = arena_array(f->c->arena, f->count, sizeof *f->remotes);
    for (size_t i = 0; i < f->count; i++)
        f->remotes[i].address = r->kind == ROUTE_NOT_OURS ? asked : r->forwards[i];
}

/* The directory is let go again before DNS is asked, which takes its time. */
static int resolve(struct cli *c, struct route *ret, struct problem *problem) WAITS {
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, problem);
    return r < 0 ? r : access_resolve(x, cli_text(c->call, "ADDRESS"), c->arena, ret, problem);
}

static int cmd_route(struct cli *c) WAITS {
    struct problem problem = {0};
    struct finding f = {.c = c};
    int code = cli_need_settings(c);
    if (code != CLI_OK)
        return code;
    int r = resolve(c, &f.route, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    list_remotes(&f);
    look_up_all(&f);
    if (c->json)
        write_json(&f);
    else
        write_words(&f);
    for (size_t i = 0; i < f.count; i++)
        buf_done(&f.remotes[i].steps);
    return exit_of(&f);
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS route_parameters[] = {ARGUMENT("ADDRESS", .about = N_("the address")), END};
EXAMPLES route_examples[] = {"hayauma route info@example.jp", "hayauma route someone@example.com",
                             NULL};
const struct cli_command command_route = {
    .name = "route",
    .about = N_("Says where an address leads and why, without sending anything."),
    .more = N_("For an address elsewhere it says what the settings say of it (relay.route,"
               " relay.smart-host) and asks DNS for the hosts, in the order in which they would be"
               " tried, and what DANE and MTA-STS demand of TLS there. Ends with 0 when a "
               "message could go there, 4 when there is nobody,"
               " 5 when it would be refused, 7 when it would wait or that cannot be told."),
    .offline = true,
    .parameters = route_parameters,
    .examples = route_examples,
    .json = "{\"address\": text, \"kind\": text, \"reasons\": [text], \"mailboxes\": "
            "[{\"account\": number, \"address\": text, \"detail\": text}], \"elsewhere\": "
            "[{\"address\": text, \"next_hop\": text, \"rule\": text, \"login\": text, "
            "\"tls\": text, \"steps\": [text], \"way\": text, "
            "\"problem\"?: text, \"hosts\": [{\"name\": text, \"preference\": number, "
            "\"secure\": bool, \"tls\"?: text, \"addresses\": [text]}]}]}",
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_route,
};
