/* SPDX-License-Identifier: ISC */
/*
 * The settings of a server: a typed struct with one member for each setting, grouped as the
 * blocks of the file are. The setting `message-size-max` in the block `smtp` is
 * `conf->smtp.message_size_max`. What each one means, its default, its bounds, who gets it and how
 * a change takes effect stand in table.c, one row each; the file parser, the checks, the annotated
 * file, `hayauma config` and the man page all come from that table.
 *
 * The file:
 *
 *     hostname mail.example.jp            # a comment
 *     smtp {
 *         message-size-max 100M
 *         trusted-networks 127.0.0.0/8 ::1
 *     }
 *
 * Units in the struct: sizes in bytes, spans in microseconds (usec_t), percentages 0 to 100. Slices
 * and lists belong to the conf and live as long as it; slices have a NUL behind them, those that
 * are `none` have no bytes and a NULL pointer.
 *
 * The master reads the file. Every other role gets its own part only (share.h): there the members
 * that are not for that role are zero.
 */
#pragma once

#include "conf/problems.h"
#include "conf/roles.h"
#include "io/net.h"

enum conf_tls_version { CONF_TLS_1_2, CONF_TLS_1_3 };
enum conf_relay_tls {
    CONF_RELAY_TLS_AUTO, /* as the host can; with a login: verified */
    CONF_RELAY_TLS_NEVER,
    CONF_RELAY_TLS_MAY,     /* as the host can */
    CONF_RELAY_TLS_ENCRYPT, /* demanded, with any certificate */
    CONF_RELAY_TLS_VERIFY,  /* demanded, with a certificate for the host's name */
};
enum conf_dmarc { CONF_DMARC_OBEY, CONF_DMARC_MARK };
enum conf_spf_fail { CONF_SPF_FAIL_MARK, CONF_SPF_FAIL_REFUSE };
enum conf_log_level { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG };
enum conf_log_destination { CONF_LOG_TO_STDERR, CONF_LOG_TO_SYSLOG, CONF_LOG_TO_NOWHERE };

struct conf_addresses {
    const struct net_addr *list;
    size_t count;
};
struct conf_networks {
    const struct net_range *list;
    size_t count;
};
static inline bool conf_networks_have(const struct conf_networks *n, const struct net_addr *a) {
    for (size_t i = 0; i < n->count; i++)
        if (net_range_has(&n->list[i], a))
            return true;
    return false;
}
struct conf_spans {
    const usec_t *list;
    size_t count;
};
struct conf_host_port {
    struct slice host; /* empty: none */
    uint16_t port;
};

/* Where the messages for some domains go. */
struct conf_route {
    struct slice domain;      /* "example.jp"; ".example.jp": those below it; "*": all others */
    struct conf_host_port to; /* no host: as DNS says */
    struct slice user;        /* to log in there; empty: none */
    enum conf_relay_tls tls;
};
struct conf_routes {
    const struct conf_route *list;
    size_t count;
};

/* Domains that are treated otherwise than others, and why. */
struct conf_sender {
    struct slice domain; /* "example.jp"; ".example.jp": those below it */
    struct slice reason;
};
struct conf_senders {
    const struct conf_sender *list;
    size_t count;
};

/* Of a canonical domain; NULL: it is not among them. */
const struct conf_sender *conf_senders_find(const struct conf_senders *all, struct slice domain);

/* A mailbox that accounts begin with. */
enum conf_use {
    CONF_USE_DRAFTS,
    CONF_USE_SENT,
    CONF_USE_JUNK,
    CONF_USE_TRASH,
    CONF_USE_ARCHIVE,
    CONF_USES,
};
struct conf_mailbox {
    enum conf_use use;
    struct slice name; /* empty: the usual one */
};
struct conf_mailboxes {
    const struct conf_mailbox *list;
    size_t count;
};
enum conf_mailbox_names { CONF_NAMES_ENGLISH, CONF_NAMES_JAPANESE };

/* The name that it has: its own, or the usual one of this language. */
struct slice conf_mailbox_name(const struct conf_mailbox *m, enum conf_mailbox_names names);

struct conf {
    struct slice hostname;
    struct slice data_directory;
    struct conf_addresses listen; /* ports are zero: each service has its own */
    unsigned port_offset;         /* added to every port we listen on */

    struct {
        struct slice edge, vault, mail; /* names of system users */
    } users;

    struct {
        unsigned edge, relay, mail, scan;
    } workers;

    struct {
        struct conf_addresses resolvers; /* empty: those of /etc/resolv.conf */
        bool dnssec;
        struct slice trust_anchor; /* path; empty: none */
    } dns;

    struct {
        struct slice certificate, key; /* paths; empty: those in the state directory */
        enum conf_tls_version min_version;
    } tls;

    struct {
        bool allow_plaintext;
        usec_t delay_first, delay_max;
    } login;

    struct {
        uint64_t memory;
        unsigned passes;
    } password;

    struct {
        struct slice banner;
        struct conf_networks trusted_networks;
        uint64_t command_line_max, auth_line_max, text_line_max;
        uint64_t header_max, message_size_max;
        unsigned recipients_max, messages_per_connection, received_max;
        usec_t timeout, login_timeout, stress_timeout;
        usec_t greeting_wait, error_delay;
        uint64_t min_rate; /* bytes per second; 0: none */
        unsigned soft_errors, hard_errors, junk_commands, login_failures;
        unsigned connections_per_address, connections_max;
        uint64_t memory_max;
    } smtp;

    struct {
        uint64_t header_max, message_size_max;
        unsigned recipients_max, messages_per_session;
        unsigned connections_per_address;
    } submission;

    struct {
        enum conf_dmarc dmarc;
        enum conf_spf_fail spf_fail;
        struct conf_senders exempt, trusted_sealer;
        struct slice reports_to; /* a local part; empty: nowhere */
        bool send_reports;
        struct slice reports_organization; /* empty: the host name */
    } authentication;

    struct { /* of one account; 0: no limit */
        unsigned messages_per_hour, messages_per_day;
        unsigned new_recipients_per_hour, new_recipients_per_day;
        unsigned held_max;
        uint64_t held_size_max;
    } sending;

    struct {
        usec_t timeout, login_timeout;
        unsigned hard_errors, login_failures, login_commands;
        unsigned connections_per_address, connections_max;
    } pop3;

    struct {
        usec_t timeout, login_timeout;
        unsigned hard_errors, login_failures, login_commands;
        unsigned connections_per_address, connections_max;
        uint64_t message_size_max;
        unsigned message_limit;        /* messages that a command may be about; 0: any */
        struct slice capabilities_off; /* words, with blanks between them */
    } imap;

    struct {
        struct conf_spans retry_schedule;
        usec_t retry_first_day, retry_after;
        unsigned retry_jitter; /* percent */
        usec_t lifetime, bounce_lifetime;
        struct conf_spans delay_notices;
        uint64_t bounce_full_size_max;
        uint64_t disk_reserve;
        unsigned loops_held_max;
        uint64_t loops_held_size_max;
        unsigned active_max; /* messages */
        uint64_t memory_max;
        unsigned recipients_per_transaction;
    } queue;

    struct {
        unsigned connections_start, connections_max;
        usec_t idle_timeout, connect_timeout;
        usec_t greeting_timeout, command_timeout, mail_timeout, rcpt_timeout;
        usec_t data_timeout, data_block_timeout, data_end_timeout;
        struct conf_addresses source_addresses; /* at most one IPv4 and one IPv6 */
        struct conf_host_port smart_host;
        struct slice smart_host_user; /* empty: none */
        enum conf_relay_tls smart_host_tls;
        struct conf_routes route;
        struct slice password_file; /* path; empty: none */
        struct slice authorities;   /* path; empty: none */
        uint16_t implicit_tls_port;
        bool login_without_tls;
        bool tls;         /* opportunistic, RFC 7435 */
        bool mta_sts;     /* RFC 8461 */
        bool tls_reports; /* RFC 8460 */
        uint16_t port;
    } relay;

    struct {
        struct conf_networks inside_networks;
        uint16_t port;
    } fetch;

    struct {
        struct slice plus_separator; /* one byte, or empty: no plus-addresses */
        uint64_t quota;              /* of an account that has none of its own; 0: no limit */
        uint64_t memory_max;
        usec_t deleted_keep;       /* 0: what is deleted is gone */
        uint64_t deleted_size_max; /* of an account; 0: no limit */
    } delivery;

    struct {
        usec_t removed_keep;             /* 0: removed accounts are purged by command only */
        struct conf_mailboxes mailboxes; /* each use once */
        enum conf_mailbox_names mailbox_names;
        bool share_with_anyone; /* users may give rights to all others at once */
    } accounts;

    struct {
        usec_t keep;
        uint64_t size_max;
    } events;

    struct {
        enum conf_log_level level;
        enum conf_log_destination destination;
        struct slice file; /* path; empty: none */
    } log;

    /* For conf/ alone. */
    struct arena memory;
    unsigned *lines; /* of each row of the table: where the file sets it; 0: it does not */
};

/* All settings at their defaults. `hostname` has none and is empty. Ends with conf_free(). */
struct conf *conf_new(void);
void conf_free(struct conf *conf); /* NULL is fine */
DEFINE_CLEANUP(struct conf, conf_free)

/* Where the file is when nobody says otherwise. */
#define CONF_PATH_DEFAULT "/etc/hayauma/hayauma.conf"

/* Sizes of file and line, number of values behind one name. */
#define CONF_FILE_MAX  (1U << 20)
#define CONF_LINE_MAX  4096U
#define CONF_WORDS_MAX 64U
#define CONF_LINES_MAX 1000U /* of a setting that repeats */

/*
 * Reads and checks a settings file. 0, or -E_SYNTAX with everything that is wrong in `problems`.
 * `file` names the text in problems. Pure: the same text gives the same result.
 */
int conf_parse(struct slice text, const char *file, struct conf **ret,
               struct conf_problems *problems);

/* The same from a path; also a negative errno when it cannot be read, with its problem said. */
int conf_load(const char *path, struct conf **ret, struct conf_problems *problems);

/*
 * The same for a command that can do without some of the settings: when there are errors, `ret` is
 * what could be read all the same, with the defaults for the rest; NULL when that is nothing.
 */
int conf_load_most(const char *path, struct conf **ret, struct conf_problems *problems);

/* Whether a setting of such a conf is not what the file was to say, as far as can be known. */
bool conf_in_doubt(const struct conf *most, const struct conf_problems *problems, const char *name);

/*
 * Sets one setting, named "smtp.timeout", as the file would with this text behind the name:
 * conf_set(c, "dns.resolvers", S("127.0.0.1:5353"), &p). -E_UNKNOWN, -E_SYNTAX. Fields are not
 * checked against each other; see conf_check().
 */
int conf_set(struct conf *conf, const char *name, struct slice text, struct problem *problem);

/* Adds a problem for each rule between settings that is broken. True when there is none. */
bool conf_check(const struct conf *conf, struct conf_problems *problems);
