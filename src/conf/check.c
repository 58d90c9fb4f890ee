/* SPDX-License-Identifier: ISC */
/*
 * Rules between settings. Most of them say that one number must not be above another; they are a
 * table. The others are one function each, and those functions are a table too.
 */
#include "base/error.h"
#include "base/words.h"
#include "conf/setting.h"
#include "conf/value.h"

/* `small` must not be above `large`; both of one type. */
static const struct {
    const char *small, *large;
} orders[] = {
    {"login.delay-first", "login.delay-max"},
    {"smtp.command-line-max", "smtp.auth-line-max"},
    {"smtp.header-max", "smtp.message-size-max"},
    {"smtp.soft-errors", "smtp.hard-errors"},
    {"smtp.stress-timeout", "smtp.timeout"},
    {"smtp.connections-per-address", "smtp.connections-max"},
    {"submission.header-max", "submission.message-size-max"},
    {"submission.connections-per-address", "smtp.connections-max"},
    {"pop3.connections-per-address", "pop3.connections-max"},
    {"imap.connections-per-address", "imap.connections-max"},
    {"queue.bounce-lifetime", "queue.lifetime"},
    {"relay.connections-start", "relay.connections-max"},
};

struct check {
    const struct conf *conf;
    struct conf_problems *problems;
};

static const struct conf_setting *row(const char *name) {
    const struct conf_setting *s = conf_setting_find(slice_of_str(name), NULL);
    MUST(s != NULL);
    return s;
}

/* The line to point at: where the file sets it, or 0. */
static unsigned line_of(const struct check *c, const char *name) {
    return c->conf->lines[conf_setting_index(row(name))];
}

static int64_t amount(const struct check *c, const struct conf_setting *s) {
    const char *member = (const char *)c->conf + s->offset;
    if (s->type == CONF_NUMBER || s->type == CONF_PERCENT)
        return (int64_t) * (const unsigned *)member;
    MUST(s->type == CONF_SIZE || s->type == CONF_SPAN);
    int64_t value;
    memcpy(&value, member, sizeof value);
    return value;
}

static void check_orders(const struct check *c) {
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        const struct conf_setting *small = row(orders[i].small), *large = row(orders[i].large);
        MUST(small->type == large->type);
        if (amount(c, small) <= amount(c, large))
            continue;
        _cleanup_(buf_done) struct buf a = {0};
        _cleanup_(buf_done) struct buf b = {0};
        conf_value_write(small, c->conf, &a);
        conf_value_write(large, c->conf, &b);
        unsigned line = line_of(c, orders[i].small);
        conf_problem_add(c->problems, line > 0 ? line : line_of(c, orders[i].large), 0,
                         _("%s is %s, expected at most %s, which is %s"), orders[i].small,
                         buf_str(&a), orders[i].large, buf_str(&b));
    }
}

static void check_hostname(const struct check *c) {
    if (c->conf->hostname.len == 0)
        conf_problem_add(c->problems, 0, 0,
                         _("hostname is not set, expected a line such as \"hostname %s\""),
                         row("hostname")->example);
}

/* Processes of one user could read each other's files. */
static void check_users(const struct check *c) {
    const struct conf *conf = c->conf;
    if (slice_eq(conf->users.edge, conf->users.vault) ||
        slice_eq(conf->users.edge, conf->users.mail) ||
        slice_eq(conf->users.vault, conf->users.mail))
        conf_problem_add(c->problems, line_of(c, "users.edge"), 0,
                         _("users: found the same user twice, expected three different ones"));
}

static void check_dnssec(const struct check *c) {
    if (c->conf->dns.dnssec && c->conf->dns.trust_anchor.len == 0)
        conf_problem_add(
            c->problems, line_of(c, "dns.trust-anchor"), 0,
            _("dns.trust-anchor is none, expected a file as long as dns.dnssec is yes"));
}

static void check_certificate(const struct check *c) {
    bool certificate = c->conf->tls.certificate.len > 0, key = c->conf->tls.key.len > 0;
    if (certificate && !key)
        conf_problem_add(c->problems, line_of(c, "tls.certificate"), 0,
                         _("tls.key is none, expected the file of the private key of"
                           " tls.certificate"));
    if (key && !certificate)
        conf_problem_add(c->problems, line_of(c, "tls.key"), 0,
                         _("tls.certificate is none, expected the file of the certificate that"
                           " belongs to tls.key"));
}

static void check_delay_notices(const struct check *c) {
    const struct conf_spans *notices = &c->conf->queue.delay_notices;
    for (size_t i = 0; i < notices->count; i++) {
        if (i > 0 && notices->list[i] <= notices->list[i - 1])
            conf_problem_add(
                c->problems, line_of(c, "queue.delay-notices"), 0,
                _("queue.delay-notices: expected each span to be above the one before"));
    }
}

static void check_source_addresses(const struct check *c) {
    const struct conf_addresses *addresses = &c->conf->relay.source_addresses;
    unsigned v4 = 0;
    for (size_t i = 0; i < addresses->count; i++)
        v4 += addresses->list[i].any.sa_family == AF_INET;
    if (v4 > 1 || addresses->count - v4 > 1)
        conf_problem_add(
            c->problems, line_of(c, "relay.source-addresses"), 0,
            _("relay.source-addresses: expected at most one IPv4 and one IPv6 address"));
}

/* The domain is each one of this host. */
static void check_reports_to(const struct check *c) {
    if (slice_find_byte(c->conf->authentication.reports_to, '@') >= 0)
        conf_problem_add(c->problems, line_of(c, "authentication.reports-to"), 0,
                         _("authentication.reports-to: expected only the part of an address before"
                           " the @"));
}

/* A login needs a host and a password. */
static void check_logins(const struct check *c) {
    const struct conf *conf = c->conf;
    bool login = conf->relay.smart_host_user.len > 0;
    if (login && conf->relay.smart_host.host.len == 0)
        conf_problem_add(c->problems, line_of(c, "relay.smart-host-user"), 0,
                         _("relay.smart-host-user: expected relay.smart-host as well"));
    for (size_t i = 0; i < conf->relay.route.count; i++)
        login |= conf->relay.route.list[i].user.len > 0;
    if (login && conf->relay.password_file.len == 0)
        conf_problem_add(
            c->problems,
            line_of(c, conf->relay.smart_host_user.len ? "relay.smart-host-user" : "relay.route"),
            0, _("relay.password-file is none, expected a file with the password for the login"));
}

/* Of two routes for one domain nobody knows which one was meant. */
static void check_routes(const struct check *c) {
    const struct conf_routes *routes = &c->conf->relay.route;
    for (size_t i = 0; i < routes->count; i++)
        for (size_t j = 0; j < i; j++)
            if (slice_eq(routes->list[i].domain, routes->list[j].domain))
                conf_problem_add(c->problems, line_of(c, "relay.route"), 0,
                                 _("relay.route: found \"%.*s\" twice, expected one of them"),
                                 SLICE_ARG(routes->list[i].domain));
}

/* Of each use there is one, and mailboxes are told apart by their names. */
static void check_mailboxes(const struct check *c) {
    const struct conf_mailboxes *m = &c->conf->accounts.mailboxes;
    enum conf_mailbox_names names = c->conf->accounts.mailbox_names;
    for (size_t i = 0; i < m->count; i++)
        for (size_t j = 0; j < i; j++) {
            struct slice name = conf_mailbox_name(&m->list[i], names);
            if (m->list[i].use == m->list[j].use)
                conf_problem_add(c->problems, line_of(c, "accounts.mailboxes"), 0,
                                 _("accounts.mailboxes: found %s twice, expected one of them"),
                                 conf_use_words[m->list[i].use]);
            else if (slice_eq(name, conf_mailbox_name(&m->list[j], names)))
                conf_problem_add(
                    c->problems, line_of(c, "accounts.mailboxes"), 0,
                    _("accounts.mailboxes: found two of the name \"%.*s\", expected different"
                      " names"),
                    SLICE_ARG(name));
        }
}

/* RFC 9738 §3: a smaller one is of no use to anybody. */
static void check_message_limit(const struct check *c) {
    const unsigned limit = c->conf->imap.message_limit;
    if (limit > 0 && limit < 1000)
        conf_problem_add(c->problems, line_of(c, "imap.message-limit"), 0,
                         _("imap.message-limit is %u, expected 0 or at least 1000"), limit);
}

static void check_plus_separator(const struct check *c) {
    struct slice separator = c->conf->delivery.plus_separator;
    bool good = separator.len == 0;
    if (separator.len == 1)
        good = slice_find_byte(S("+-_=#~!%"), separator.ptr[0]) >= 0;
    if (!good)
        conf_problem_add(c->problems, line_of(c, "delivery.plus-separator"), 0,
                         _("delivery.plus-separator: expected one of + - _ = # ~ ! %% or \"\""));
}

/* In the order in which they are reported. */
static void (*const rules[])(const struct check *c) = {
    check_hostname,         check_orders,      check_users,
    check_dnssec,           check_certificate, check_delay_notices,
    check_source_addresses, check_reports_to,  check_plus_separator,
    check_logins,           check_routes,      check_mailboxes,
    check_message_limit,
};

bool conf_check(const struct conf *conf, struct conf_problems *problems) {
    struct check c = {conf, problems};
    size_t before = problems->count + problems->unkept;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        rules[i](&c);
    return problems->count + problems->unkept == before;
}
