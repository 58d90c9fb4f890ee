/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "cli/sender/judging.h"
#include "cli/terminal/row.h"
#include "message/header.h"
#include "sender/arc/arc_seal.h"
#include "sender/dkim/dkim_body.h"
#include "sender/results.h"
#include "sender/signing.h"

static int read_key(struct slice name, EVP_PKEY **ret, struct problem *problem) {
    _cleanup_(buf_done) struct buf path = {0};
    buf_add(&path, name);
    FILE *file = fopen(buf_str(&path), "re");
    if (!file)
        return problem_set(problem, -errno, "%.*s: %s", SLICE_ARG(name), error_words(-errno));
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    ERR_clear_error();
    if (key && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "ED25519"))) {
        *ret = key;
        return 0;
    }
    EVP_PKEY_free(key);
    return problem_set(problem, -E_SYNTAX,
                       _("%.*s: expected a private key of RSA or Ed25519, in PEM"),
                       SLICE_ARG(name));
}

/* Judges, and seals what was found. */
static int seal(struct cli *c, const struct dns_client *dns, EVP_PKEY *key,
                struct problem *problem) WAITS {
    _cleanup_(buf_done) struct buf message = {0}, results = {0};
    struct judging_arrival from = judging_arrival_of(c);
    unsigned char hash[DIGEST_LEN], digest[DIGEST_LEN];
    struct sender_question q = {0};
    struct sender_verdict *v = ARENA_NEW(c->arena, struct sender_verdict);
    struct arc_seal *s;
    uint64_t beyond;
    int r = judging_read(cli_text(c->call, "FILE"), &message, problem);
    if (r == 0)
        r = judging_judge(&from, buf_slice(&message), dns, c->arena, &q, v, problem);
    if (r < 0)
        return r;
    sender_results_add(&results, &q, v);
    const struct slice all = buf_slice(&message);
    struct dkim_body *body = dkim_body_new(true, UINT64_MAX);
    dkim_body_add(body, slice_from(all, header_body(all, NULL)));
    dkim_body_end(body, hash, &beyond);
    dkim_body_free(body);
    const struct arc_sealing sealing = {
        .algorithm = EVP_PKEY_is_a(key, "RSA") ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256,
        .domain = cli_text(c->call, "domain"),
        .selector = cli_text(c->call, "selector"),
        .now = from.now,
        .results = buf_slice(&results),
        .body_hash = hash,
        .chain = v->arc.result,
    };
    r = arc_seal_new(&sealing, all, digest, &s);
    if (r < 0)
        return problem_set(problem, r,
                           _("the chain is broken, or has fifty sets: nobody goes on"
                             " sealing it"));
    struct slice signature = S("");
    r = signing_sign(key, digest, c->arena, &signature);
    if (r == 0) {
        arc_seal_message(s, signature, digest);
        r = signing_sign(key, digest, c->arena, &signature);
    }
    if (r == 0) {
        arc_seal_end(s, signature, &c->out);
        buf_add(&c->out, all);
    }
    arc_seal_free(s);
    return r < 0 ? problem_set(problem, r, _("the key cannot sign")) : 0;
}

static int cmd_seal(struct cli *c) WAITS {
    struct problem problem = {0};
    struct judging_dns dns = {0};
    EVP_PKEY *key = NULL;
    int r = read_key(cli_text(c->call, "key"), &key, &problem);
    if (r == 0)
        r = judging_dns_open(c, &dns, &problem);
    if (r == 0) {
        struct dns_client client = resolver_client(dns.resolver);
        r = seal(c, &client, key, &problem);
    }
    judging_dns_close(&dns);
    EVP_PKEY_free(key);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS seal_parameters[] = {
    ARGUMENT("FILE", .kind = CLI_PATH, .about = N_("the message; - for standard input")),
    OPTION("key", "PEM", .kind = CLI_PATH, .required = true,
           .about = N_("the private key, in PEM")),
    OPTION("domain", "DOMAIN", .required = true, .about = N_("the domain that seals")),
    OPTION("selector", "KEY", .required = true,
           .about = N_("the name of the key in its DNS, before ._domainkey")),
    JUDGING_OPTIONS,
    END,
};
EXAMPLES seal_examples[] = {
    "hayauma seal message.eml --key arc.pem --domain example.jp --selector arc1 --authserv-id"
    " mx.example.jp",
    NULL};
const struct cli_command command_seal = {
    .name = "seal",
    .about = N_("Prints a message with an ARC set on top, as one that goes on from here."),
    .more = N_("The message is judged as by hayauma verify, and what was found is sealed"
               " (RFC 8617). No server has to run."),
    .offline = true,
    .parameters = seal_parameters,
    .examples = seal_examples,
    .exits = REFUSED,
    .run_in_fiber = cmd_seal,
};
