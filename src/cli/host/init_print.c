/* SPDX-License-Identifier: ISC */
/*
 * The DNS records are those with which mail reaches others: addresses, MX, PTR (most servers refuse
 * a client without) and SPF, also for the name of the host, under which bounces travel (RFC 7208
 * §2.3). Addresses are filled in where this host has public ones.
 */
#include "cli/host/init_print.h"

#include <string.h>
#include <unistd.h>

#include "cli/host/check_dns.h"
#include "dns/message.h"
#include "message/text.h"
#include "role/doors.h"

#define RECORDS_MAX 200U
#define UNIT_PLACE  "/var/lib/hayauma" /* where the systemd unit of packages looks */

#define COLUMNS 80U
#define INDENT  3U

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

/* ------------------------------------------------------------------ sentences */

/* Sentences are wrapped, also for a file; what is to be copied stays on one line. */
static void wrapped(struct cli *c, struct slice text, size_t column) {
    size_t width = c->width > 0 ? MIN(c->width, (size_t)COLUMNS) : COLUMNS;
    text_wrap_names(&c->out, text, column, width);
    buf_add_byte(&c->out, '\n');
}

/* "3. Something to do" */
static void step(struct cli *c, unsigned number, struct slice text) {
    buf_printf(&c->out, "\n%u. ", number);
    wrapped(c, text, INDENT);
}

/* Below a step. */
static void note(struct cli *c, struct slice text) {
    text_blanks(&c->out, INDENT);
    wrapped(c, text, INDENT);
}

/* Behind the steps. */
static void remark(struct cli *c, struct slice text) {
    buf_add_byte(&c->out, '\n');
    wrapped(c, text, 0);
}

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
    note(c, slice_of_str(r->address_known
                             ? _("Whoever gave this host its address sets the PTR record.")
                             : _("ADDRESS is the public address of this host; whoever gave it to"
                                 " you sets its PTR record.")));
    note(c, slice_of_str(_("Other servers that send for a domain belong into its TXT record (SPF),"
                           " too.")));
    note(c, slice_of_str(_("As soon as it runs, this prints the records of DKIM and DMARC, too:")));
    buf_printf(&c->out, _("   hayauma -C %s dns\n"), c->directory);
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
                 "  keys/default.crt   a certificate signed by this host itself, for %d days\n"
                 "  directory/         domains, accounts and aliases\n"
                 "  spool/ accounts/   messages on their way, and mailboxes\n"
                 "  events/            what has happened\n\n"),
               INIT_CERTIFICATE_DAYS);
}

static void write_start(struct cli *c) {
    bool usual = strcmp(c->directory, UNIT_PLACE) == 0;
    bool all = c->conf->port_offset == 0 && !cli_has(c->call, "listen");
    const char *units = all ? "hayauma.socket hayauma.service" : "hayauma.service";
    step(c, 2, slice_of_str(_("Start it, now and at each boot:")));
    if (usual) {
        buf_printf(&c->out,
                   _("   ln -s %s /etc/hayauma/hayauma.conf\n"
                     "   systemctl enable --now %s\n"
                     "   or without systemd: hayauma -C %s run\n"),
                   c->conf_path, units, c->directory);
        return;
    }
    buf_printf(&c->out, _("   hayauma -C %s run\n"), c->directory);
    note(c, arena_printf(c->arena,
                         _("The systemd unit is for %s; for another place change its ExecStart,"
                           " ExecReload and ReadWritePaths:"),
                         UNIT_PLACE));
    buf_add_str(&c->out, _("   systemctl edit hayauma.service\n"));
}

static void write_certificate(struct cli *c) {
    struct slice host = c->conf->hostname;
    step(c, 5,
         slice_of_str(_("Get a certificate that mail programs trust, and name it in the block"
                        " tls of the settings; renewals are then taken by themselves:")));
    buf_printf(&c->out,
               _("   certbot certonly --standalone -d %.*s\n"
                 "     certificate /etc/letsencrypt/live/%.*s/fullchain.pem\n"
                 "     key         /etc/letsencrypt/live/%.*s/privkey.pem\n"),
               SLICE_ARG(host), SLICE_ARG(host), SLICE_ARG(host));
}

static void write_remarks(struct cli *c) {
    if (c->users.change && c->users.made_up)
        remark(c, arena_printf(c->arena,
                               _("The users of the settings (%.*s ...) do not exist yet; numbers"
                                 " stand in for them."),
                               SLICE_ARG(c->conf->users.edge)));
    if (!c->users.change && c->conf->port_offset < 1024)
        remark(c, slice_of_str(_("Ports below 1024 need root: run it as root, or use --port-offset"
                                 " for a trial.")));
}

/* "465 and 587": those where TLS comes first, first. */
static struct slice ports_of(struct cli *c, const struct door *door) {
    struct slice list = {0};
    for (unsigned i = 0; i < 2 * DOOR_PORTS; i++) {
        const struct door_port *port = &door->ports[i % DOOR_PORTS];
        if (port->name.len == 0 || port->tls_first != (i < DOOR_PORTS))
            continue;
        unsigned number = port->number + c->conf->port_offset;
        list = list.len > 0 ? arena_printf(c->arena, _("%.*s and %u"), SLICE_ARG(list), number)
                            : arena_printf(c->arena, "%u", number);
    }
    return list;
}

static void write_doors(struct cli *c) {
    struct slice words[CROWD_KINDS] = {0};
    for (size_t i = 0; i < all_doors.count; i++) {
        const struct door *door = &all_doors.list[i];
        struct slice ports = ports_of(c, door);
        struct slice *to = &words[door->session ? CROWD_READERS : door->kind];
        if (door->session)
            ports = arena_printf(c->arena, _("%.*s for %s"), SLICE_ARG(ports), door->protocol);
        struct slice first = door->session ? ports : *to; /* what most readers use is the newest */
        struct slice second = door->session ? *to : ports;
        *to = to->len > 0
                  ? arena_printf(c->arena, "%.*s, %.*s", SLICE_ARG(first), SLICE_ARG(second))
                  : ports;
    }
    step(c, 3,
         arena_printf(c->arena,
                      _("Let mail programs in: ports %.*s for sending, %.*s; other servers send"
                        " to port %.*s."),
                      SLICE_ARG(words[CROWD_SENDERS]), SLICE_ARG(words[CROWD_READERS]),
                      SLICE_ARG(words[CROWD_STRANGERS])));
}

static void write_next_steps(const struct saying *s) {
    struct cli *c = s->c;
    buf_add_str(&c->out, _("What to do next:\n"));
    step(c, 1, slice_of_str(_("Make accounts, first your own:")));
    buf_printf(&c->out, _("   hayauma -C %s account add YOU@%.*s --admin\n"), c->directory,
               SLICE_ARG(cli_shown(c->arena, s->domains[0])));
    write_start(c);
    write_doors(c);
    step(c, 4, slice_of_str(_("Tell the world, in DNS:")));
    write_records(c, &s->records);
    write_certificate(c);
    step(c, 6, slice_of_str(_("See whether all of that is in place:")));
    buf_printf(&c->out, _("   hayauma -C %s check\n"), c->directory);
    write_remarks(c);
}

void init_print(struct cli *c, const struct slice *domains, size_t count) {
    struct saying s = {.c = c, .domains = domains, .count = count};
    find_records(&s);
    if (c->json) {
        write_json(c, &s.records);
        return;
    }
    write_made(c);
    write_next_steps(&s);
}
