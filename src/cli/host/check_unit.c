/* SPDX-License-Identifier: ISC */
/*
 * What holds for the unit of the package: settings can be faultless, and systemd starts a server
 * somewhere else, or none. A server with -C is a trial beside it, of which systemd knows nothing.
 */
#include <sys/stat.h>

#include "cli/host/check.h"
#include "cli/host/unit.h"

/* hayauma.socket knows the usual ports on all addresses, and would keep others from them. */
static const char *units_for(const struct conf *conf) {
    bool usual = conf->port_offset == 0 && conf->listen.count == 2;
    for (size_t i = 0; usual && i < conf->listen.count; i++) {
        const struct net_addr *at = &conf->listen.list[i];
        usual = at->any.sa_family == AF_INET ? at->in.sin_addr.s_addr == INADDR_ANY
                                             : IN6_IS_ADDR_UNSPECIFIED(&at->in6.sin6_addr);
    }
    return usual ? "hayauma.socket hayauma.service" : "hayauma.service";
}

static void check_own(struct check *k, const struct unit_package *unit) {
    struct stat st;
    if (unit->makes_directory && lstat(arena_str(k->c->arena, unit->directory), &st) == 0 &&
        S_ISLNK(st.st_mode))
        check_add(k, CHECK_ERROR,
                  _("%.*s is a symbolic link, which systemd does not take, so the server does not"
                    " start; mount the other disk or folder there instead (mount --bind)"),
                  SLICE_ARG(unit->directory));
    else if (slice_eq(unit->active, S("active")) && unit->socket_enabled && !unit->socket_active)
        check_add(k, CHECK_WARNING,
                  _("hayauma.socket is enabled and does not hold the ports, so connections are"
                    " refused while the server restarts; put it right with: systemctl stop"
                    " hayauma.service && systemctl start hayauma.socket hayauma.service"));
    else if (!unit->enabled)
        check_add(k, CHECK_WARNING,
                  _("the server is not started at the next boot: hayauma.service is not enabled;"
                    " systemctl enable %s"),
                  units_for(k->c->conf));
    else
        check_add(k, CHECK_OK, _("systemd starts the server at each boot (hayauma.service)"));
}

void check_unit(struct check *k) {
    struct unit_package unit;
    if (unit_for(k->c->directory, k->c->arena, &unit))
        check_own(k, &unit);
    else if (!k->c->call->directory && unit_of_package(k->c->arena, &unit) && unit.enabled)
        check_add(k, CHECK_ERROR,
                  _("hayauma.service starts a server in %.*s, and the one of these settings is in"
                    " %s; mount its folder at %.*s (mount --bind), or change ExecStart, ExecReload"
                    " and ReadWritePaths with: systemctl edit --full hayauma.service"),
                  SLICE_ARG(unit.directory), k->c->directory, SLICE_ARG(unit.directory));
}

bool check_ports_held(struct check *k) {
    struct unit_package unit;
    if (!unit_for(k->c->directory, k->c->arena, &unit) || !unit.socket_active)
        return false;
    if (slice_eq(unit.active, S("inactive")))
        check_add(k, CHECK_OK,
                  _("systemd holds the ports (hayauma.socket), and starts the server with the next"
                    " connection, or with: systemctl start hayauma.service"));
    else
        check_add(k, CHECK_ERROR,
                  _("systemd holds the ports (hayauma.socket), and the server does not run; the"
                    " reason: systemctl status hayauma.service"));
    return true;
}
