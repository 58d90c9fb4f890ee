/* SPDX-License-Identifier: ISC */
/*
 * Everything that was asked for is checked before the first folder is made; what fails afterwards
 * takes all of it away again, so that the next attempt finds the place as it was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/write.h"
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/host/init_print.h"
#include "cli/terminal/row.h"
#include "conf/show.h"
#include "io/tls.h"
#include "message/address/domain.h"

#define INIT_QUOTA "10G" /* of an account for which none is set */

/* ------------------------------------------------------------------ what was asked for */

static int set_joined(struct cli *c, const char *name, const char *option,
                      struct problem *problem) {
    _cleanup_(buf_done) struct buf text = {0};
    size_t count = 0;
    const struct slice *list = cli_texts(c->call, option, c->arena, &count);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%.*s", i > 0 ? " " : "", SLICE_ARG(list[i]));
    struct problem why = {0};
    int r = count > 0 ? conf_set(c->conf, name, buf_slice(&text), &why) : 0;
    return r < 0 ? problem_set(problem, r, "--%s: %s", option, why.text) : 0;
}

/* The domains that were asked for, canonical. */
static int get_domains(struct cli *c, struct slice **ret, size_t *ret_count,
                       struct problem *problem) {
    struct text_fault fault;
    const struct slice *given = cli_texts(c->call, "domain", c->arena, ret_count);
    struct slice *list = arena_array(c->arena, *ret_count, sizeof *list);
    for (size_t i = 0; i < *ret_count; i++) {
        if (domain_canonical(c->arena, given[i], DOMAIN_UTF8, &list[i], &fault) < 0)
            return problem_set(problem, -E_SYNTAX, _("--domain: \"%.*s\" is not a domain name: %s"),
                               SLICE_ARG(given[i]), translated(fault.expected));
    }
    *ret = list;
    return 0;
}

static int read_wishes(struct cli *c, struct problem *problem) {
    struct slice *domains = NULL;
    size_t count = 0;
    c->conf = conf_new();
    int r = set_joined(c, "hostname", "hostname", problem);
    if (r == 0)
        r = set_joined(c, "listen", "listen", problem);
    if (r == 0)
        r = set_joined(c, "port-offset", "port-offset", problem);
    if (r == 0)
        r = set_joined(c, "dns.resolvers", "dns", problem);
    /* A server that was named is believed: one for a private zone has no chain of signatures. */
    if (r == 0 && c->conf->dns.resolvers.count > 0)
        r = conf_set(c->conf, "dns.dnssec", S("no"), problem);
    if (r == 0)
        r = get_domains(c, &domains, &count, problem);
    return r;
}

/* Rules between settings, when all of them are known. */
static int check_settings(struct cli *c, struct problem *problem) {
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    if (conf_check(c->conf, &problems))
        return 0;
    conf_problems_write(&problems, &text);
    return problem_set(problem, -E_SYNTAX, "%.*s", SLICE_ARG(buf_slice(&text)));
}

/* ------------------------------------------------------------------ the place */

static int make_parents(char *path) {
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        int r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
        *at = '/';
        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_empty(const char *path) {
    DIR *folder = opendir(path);
    size_t count = 0;
    while (folder && readdir(folder))
        count++;
    if (folder)
        (void)closedir(folder);
    return folder && count == 2; /* "." and ".." */
}

static int make_place(struct cli *c, bool *ret_new, struct problem *problem) {
    struct slice given = cli_text(c->call, "DIR");
    _cleanup_(free_p) char *path = mem_str(given);
    int r = make_parents(path);
    *ret_new = r == 0 && mkdir(path, 0755) == 0;
    if (r == 0 && !*ret_new && errno != EEXIST)
        r = -errno;
    if (r < 0)
        return problem_set(problem, r, _("%s cannot be made: %s"), path, error_words(r));
    _cleanup_(free_p) char *real = realpath(path, NULL);
    if (!real || slice_to_str(slice_of_str(real), c->directory, STATE_PATH) < 0)
        return problem_set(problem, -ENAMETOOLONG, _("%s cannot be used"), path);
    if (*ret_new || is_empty(real))
        return 0;
    (void)state_path(c->conf_path, c->directory, "hayauma.conf");
    if (access(c->conf_path, F_OK) == 0)
        return problem_set(problem, -EEXIST, _("there is a mail server in %s already"), path);
    return problem_set(problem, -EEXIST,
                       _("%s is not an empty directory; name a new one, so that nothing is"
                         " overwritten"),
                       path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    if (ftw->level > 0)
        (void)remove(path);
    return 0;
}

/* ------------------------------------------------------------------ what is in it */

static int write_file(const char *path, struct slice text, mode_t mode,
                      const struct state_user *owner, struct problem *problem) {
    _cleanup_(close_p) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int r = fd < 0 ? -errno : write_whole(fd, text);
    if (r == 0 && owner && fchown(fd, owner->uid, owner->gid) < 0)
        r = -errno;
    if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
        r = -errno;
    return r < 0 ? problem_set(problem, r, _("%s cannot be written: %s"), path, error_words(r)) : 0;
}

static int write_certificate(struct cli *c, struct problem *problem) {
    char path[STATE_PATH];
    char *key = NULL;
    _cleanup_(free_p) char *chain = NULL;
    const struct state_user *owner = c->users.change ? &c->users.vault : NULL;
    int r = tls_self_signed(c->conf->hostname, INIT_CERTIFICATE_DAYS, &key, &chain);
    if (r < 0)
        return problem_set(problem, r, _("the certificate cannot be made: %s"), error_words(r));
    r = write_file(state_path(path, c->directory, "keys/default.key"), slice_of_str(key), 0600,
                   owner, problem);
    mem_wipe(key, strlen(key));
    free(key);
    return r < 0 ? r
                 : write_file(state_path(path, c->directory, "keys/default.crt"),
                              slice_of_str(chain), 0600, owner, problem);
}

struct adding {
    struct cli *cli;
    struct problem *problem;
    int result;
};

static void add_domains(void *arg) WAITS {
    struct adding *adding = arg;
    struct cli *c = adding->cli;
    size_t count = 0;
    const struct slice *list = cli_texts(c->call, "domain", c->arena, &count);
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, adding->problem);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = access_domain_add(x, list[i], S(""), adding->problem);
    adding->result = r;
}

static int make_all(struct cli *c, struct problem *problem) {
    struct fiber_config config = {0};
    struct adding adding = {.cli = c, .problem = problem};
    int r = conf_set(c->conf, "data-directory", slice_of_str(c->directory), problem);
    if (r == 0 &&
        c->conf->delivery.quota == 0) /* nobody fills the disk for all, unless wished so */
        r = conf_set(c->conf, "delivery.quota", S(INIT_QUOTA), problem);
    if (r == 0)
        r = check_settings(c, problem);
    state_find_users(c->conf, &c->users);
    if (r == 0)
        r = state_prepare(c->directory, &c->users, NULL, problem);
    if (r == 0)
        r = write_certificate(c, problem);
    if (r == 0)
        r = fiber_run(&config, add_domains, &adding);
    if (r == 0)
        r = adding.result;
    if (r < 0)
        return r;
    _cleanup_(buf_done) struct buf text = {0};
    conf_write_annotated(c->conf, conf_language(), &text);
    (void)state_path(c->conf_path, c->directory, "hayauma.conf");
    return write_file(c->conf_path, buf_slice(&text), 0644, NULL, problem);
}

static int cmd_init(struct cli *c) {
    struct problem problem = {0};
    bool is_new = false;
    int r = read_wishes(c, &problem);
    if (r == 0)
        r = make_place(c, &is_new, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    r = make_all(c, &problem);
    if (r < 0) { /* nothing is left behind */
        (void)nftw(c->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (is_new)
            (void)rmdir(c->directory);
        return cli_fail(r, &problem);
    }
    size_t count = 0;
    struct slice *domains = NULL;
    (void)get_domains(c, &domains, &count, NULL);
    init_print(c, domains, count);
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS init_parameters[] = {
    ARGUMENT("DIR", .kind = CLI_PATH, .about = N_("the state directory to make; new or empty")),
    OPTION("hostname", "NAME", .required = true,
           .about = N_("the full name of this host, as its MX record has it")),
    OPTION("domain", "NAME", .required = true, .many = true,
           .about = N_("a domain whose mail this host receives; may be several")),
    OPTION("listen", "ADDR", .many = true,
           .about = N_("an address to listen on; without it, all addresses")),
    OPTION("port-offset", "N", .kind = CLI_NUMBER, .max = 64000,
           .about = N_("added to every port: 2500 makes port 25 to 2525")),
    OPTION("dns", "ADDR:PORT", .many = true,
           .about = N_("a name server to ask, believed without DNSSEC (dns.dnssec no); without "
                       "it, those of /etc/resolv.conf")),
    END,
};
EXAMPLES init_examples[] = {
    "hayauma init /var/lib/hayauma --hostname mail.example.jp --domain example.jp",
    "hayauma init ~/post --hostname mail.example.test --domain example.test --listen 127.0.0.1"
    " --port-offset 20000",
    NULL,
};
const struct cli_command command_init = {
    .name = "init",
    .about = N_("Makes a mail server: a state directory with everything it needs."),
    .more = N_("Makes the folders, an annotated settings file hayauma.conf, a self-signed"
               " certificate, and the directory with the domains given. Refuses a directory that"
               " holds anything. As root the folders are given to the users of the processes."),
    .parameters = init_parameters,
    .examples = init_examples,
    .json = "{\"directory\": text, \"settings\": text, \"hostname\": text, \"port_offset\": "
            "number, \"records\": [{\"name\": text, \"type\": text, \"value\": text}]}",
    .exits = REFUSED,
    .stage = CLI_ALONE,
    .run = cmd_init,
};
