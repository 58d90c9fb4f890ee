/* SPDX-License-Identifier: ISC */
/*
 * The DNS records are those with which mail reaches others: addresses, MX, PTR (most servers refuse
 * a client without) and SPF, also for the name of the host, under which bounces travel (RFC 7208
 * §2.3). Addresses are filled in where this host has public ones.
 */
#include "cli/init_say.h"

#include <string.h>
#include <unistd.h>

#include "cli/check_dns.h"
#include "dns/message.h"

#define RECORDS_MAX 200U
#define UNIT_PLACE  "/var/lib/hayauma" /* where the systemd unit of packages looks */

struct record {
    struct slice name, type, value;
};

struct records {
    struct record *list;
    size_t count;
    bool address_known; /* else ADDRESS stands for it */
};

struct saying {
    struct cli *c;
    const struct slice *domains;
    size_t count;
    struct records records;
};

/* ------------------------------------------------------------------ DNS records */

static void add(struct records *r, struct slice name, const char *type, struct slice value) {
    if (r->count < RECORDS_MAX)
        r->list[r->count++] = (struct record){name, slice_of_str(type), value};
}

static void add_addresses(struct cli *c, struct records *r) {
    struct arena *a = c->arena;
    struct slice host = arena_printf(a, "%.*s.", SLICE_ARG(c->conf->hostname));
    struct net_addr list[CHECK_ADDRESSES];
    size_t count = check_own_addresses(list);
    size_t before = r->count;
    for (size_t i = 0; i < count; i++) {
        char text[NET_TEXT_SIZE];
        if (!check_is_private(&list[i]))
            add(r, host, list[i].any.sa_family == AF_INET ? "A" : "AAAA",
                arena_copy(a, net_format_host(&list[i], text)));
    }
    r->address_known = r->count > before;
    if (!r->address_known) {
        add(r, host, "A", S("ADDRESS"));
        add(r, S("ADDRESS"), "PTR", host);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct slice bytes = list[i].any.sa_family == AF_INET
                                 ? slice_of(&list[i].in.sin_addr, sizeof list[i].in.sin_addr)
                                 : slice_of(&list[i].in6.sin6_addr, sizeof list[i].in6.sin6_addr);
        if (!check_is_private(&list[i]))
            add(r, arena_printf(a, "%.*s.", SLICE_ARG(dns_reverse_name(a, bytes))), "PTR", host);
    }
}

static void find_records(struct saying *s) {
    struct records *r = &s->records;
    struct arena *a = s->c->arena;
    struct slice host = s->c->conf->hostname;
    r->list = arena_array(a, RECORDS_MAX, sizeof *r->list);
    add_addresses(s->c, r);
    for (size_t i = 0; i < s->count; i++) {
        struct slice domain = arena_printf(a, "%.*s.", SLICE_ARG(s->domains[i]));
        add(r, domain, "MX", arena_printf(a, "10 %.*s.", SLICE_ARG(host)));
        add(r, domain, "TXT", S("\"v=spf1 mx -all\""));
    }
    add(r, arena_printf(a, "%.*s.", SLICE_ARG(host)), "TXT", S("\"v=spf1 a -all\""));
}

static void write_records(struct cli *c, const struct records *r) {
    size_t widest = 0;
    for (size_t i = 0; i < r->count; i++)
        widest = MAX(widest, r->list[i].name.len);
    for (size_t i = 0; i < r->count; i++)
        buf_printf(&c->out, "   %-*.*s  %-4.*s  %.*s\n", (int)widest, SLICE_ARG(r->list[i].name),
                   SLICE_ARG(r->list[i].type), SLICE_ARG(r->list[i].value));
    buf_add_str(&c->out,
                r->address_known
                    ? _("   Whoever gave this host its address sets the PTR record.\n")
                    : _("   ADDRESS is the public address of this host; whoever gave it to you sets"
                        " its PTR\n   record.\n"));
    buf_add_str(&c->out,
                _("   Other servers that send for a domain belong into its TXT record (SPF),"
                  " too.\n"));
}

/* ------------------------------------------------------------------ what is said */

static void write_json(struct cli *c, const struct records *r) {
    struct json j = {.to = &c->out};
    json_object(&j);
    cli_json_text(&j, "directory", slice_of_str(c->directory));
    cli_json_text(&j, "settings", slice_of_str(c->conf_path));
    cli_json_text(&j, "hostname", c->conf->hostname);
    cli_json_int(&j, "port_offset", c->conf->port_offset);
    json_key(&j, "records");
    json_array(&j);
    for (size_t i = 0; i < r->count; i++) {
        json_object(&j);
        cli_json_text(&j, "name", r->list[i].name);
        cli_json_text(&j, "type", r->list[i].type);
        cli_json_text(&j, "value", r->list[i].value);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static void write_made(struct cli *c) {
    buf_printf(&c->out, _("Made the mail server %.*s in %s:\n\n"), SLICE_ARG(c->conf->hostname),
               c->directory);
    buf_printf(&c->out,
               _("  hayauma.conf       the settings, each explained\n"
                 "  keys/default.crt   a certificate that this host signed itself, good for"
                 " %d days\n"
                 "  directory/         domains, accounts and aliases\n"
                 "  spool/ accounts/   messages on their way, and mailboxes\n"
                 "  ledger/            what has happened\n\n"),
               INIT_CERTIFICATE_DAYS);
}

static void write_start(struct cli *c) {
    bool usual = strcmp(c->directory, UNIT_PLACE) == 0;
    bool all = c->conf->port_offset == 0 && !cli_has(c->call, "listen");
    const char *units = all ? "hayauma.socket hayauma.service" : "hayauma.service";
    buf_add_str(&c->out, _("2. Start it, now and at each boot:\n"));
    if (usual)
        buf_printf(&c->out,
                   _("   ln -s %s /etc/hayauma/hayauma.conf\n"
                     "   systemctl enable --now %s\n"
                     "   or without systemd: hayauma -C %s run\n\n"),
                   c->conf_path, units, c->directory);
    else
        buf_printf(&c->out,
                   _("   hayauma -C %s run\n"
                     "   The systemd unit is for %s; for another place change its ExecStart,"
                     " ExecReload\n   and ReadWritePaths with: systemctl edit hayauma.service\n\n"),
                   c->directory, UNIT_PLACE);
}

static void write_certificate(struct cli *c) {
    struct slice host = c->conf->hostname;
    buf_printf(
        &c->out,
        _("5. Get a certificate that mail programs trust, and name it in the block tls of the"
          "\n   settings; renewals are then taken by themselves:\n"
          "   certbot certonly --standalone -d %.*s\n"
          "     certificate /etc/letsencrypt/live/%.*s/fullchain.pem\n"
          "     key         /etc/letsencrypt/live/%.*s/privkey.pem\n\n"),
        SLICE_ARG(host), SLICE_ARG(host), SLICE_ARG(host));
    buf_printf(&c->out, _("6. See whether all of that is in place:\n   hayauma -C %s check\n"),
               c->directory);
}

static void write_remarks(struct cli *c) {
    if (c->users.change && c->users.made_up)
        buf_printf(&c->out,
                   _("\nThe users of the settings (%.*s ...) do not exist yet; numbers stand"
                     " in for them.\n"),
                   SLICE_ARG(c->conf->users.edge));
    if (!c->users.change && c->conf->port_offset < 1024)
        buf_add_str(&c->out, _("\nPorts below 1024 need root: run it as root, or use --port-offset"
                               " for a trial.\n"));
}

static void write_next_steps(const struct saying *s) {
    struct cli *c = s->c;
    unsigned offset = c->conf->port_offset;
    buf_printf(&c->out,
               _("What to do next:\n\n1. Make accounts, first your own:\n"
                 "   hayauma -C %s account add YOU@%.*s --admin\n\n"),
               c->directory, SLICE_ARG(cli_shown(c->arena, s->domains[0])));
    write_start(c);
    buf_printf(&c->out,
               _("3. Let mail programs in: ports %u and %u for sending, %u and %u for POP3;"
                 " other servers\n   send to port %u.\n\n"),
               465 + offset, 587 + offset, 995 + offset, 110 + offset, 25 + offset);
    buf_add_str(&c->out, _("4. Tell the world, in DNS:\n"));
    write_records(c, &s->records);
    buf_add_byte(&c->out, '\n');
    write_certificate(c);
    write_remarks(c);
}

void init_say(struct cli *c, const struct slice *domains, size_t count) {
    struct saying s = {.c = c, .domains = domains, .count = count};
    find_records(&s);
    if (c->json) {
        write_json(c, &s.records);
        return;
    }
    write_made(c);
    write_next_steps(&s);
}
