/* SPDX-License-Identifier: ISC */
#include "relay/network.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "fiber/sync.h"

struct network {
    struct fake_host *hosts;
    struct fiber *acceptor;
    struct fiber_channel arriving;
    void *slots[16];
    struct tls_context *tls;
    struct tls_key *key;
    char tlsa[80];
    char *chain;
};

struct visit {
    struct network *network;
    struct fake_host *host;
    struct stream *stream;
};

static struct network *present;

/* ------------------------------------------------------------------ one SMTP server */

struct serving {
    struct visit *visit;
    struct stream *s;
    struct fake_host *host;
    unsigned messages, recipients;
};

static void say(struct serving *v, const char *reply) {
    if (v->host->thinks)
        (void)fiber_sleep(v->host->thinks);
    for (int i = 0; i < 1 + v->host->doubles; i++)
        stream_printf(v->s, "%s\r\n", reply);
}

static void say_extensions(struct serving *v, bool with_tls) {
    stream_str(v->s, "250-fake\r\n");
    if (v->host->starttls && !with_tls)
        stream_str(v->s, "250-STARTTLS\r\n");
    if (v->host->extension)
        stream_printf(v->s, "250-%s\r\n", v->host->extension);
    say(v, "250 HELP");
}

/* Hangs up, or says nothing until the client does. */
static int leave(struct serving *v) {
    struct slice line;
    while (v->host->tls_silent && stream_read_line(v->s, 4096, &line) == 0)
        continue;
    return -EPIPE;
}

static bool leaves_at(struct serving *v, const char *command) {
    struct tls_facts facts;
    const char *at = v->host->tls_ends;
    return at && strcmp(at, command) == 0 &&
           (tls_facts(v->s, &facts) || strcmp(at, "STARTTLS") == 0);
}

static int start_tls(struct serving *v) {
    struct problem problem;
    if (leaves_at(v, "STARTTLS"))
        return leave(v);
    say(v, "220 go ahead");
    int r = stream_flush(v->s);
    if (r == 0 && v->host->tls_broken)
        return leave(v);
    return r < 0 ? r : tls_accept(v->s, v->visit->network->tls, &problem);
}

static int take_message(struct serving *v) {
    struct slice line;
    int r;
    say(v, v->host->data ? v->host->data : "354 go");
    if (v->host->data)
        return 0;
    while ((r = stream_read_line(v->s, 4096, &line)) == 0 && !slice_eq(line, S(".\r\n")))
        continue;
    if (r < 0 || v->host->dies_at_data_end)
        return -EPIPE;
    if (leaves_at(v, "."))
        return leave(v);
    v->messages++;
    v->host->messages++;
    v->host->recipients += v->recipients;
    if (v->host->leaves_at_data_end) {
        stream_str(v->s, "250 ok");
        return -EPIPE;
    }
    say(v, v->host->data_end ? v->host->data_end : "250 ok");
    return 0;
}

static int take_mail(struct serving *v) {
    if (v->host->dies_when_idle && v->messages > 0)
        return -EPIPE;
    if (v->host->messages_until_421 && v->messages >= v->host->messages_until_421) {
        say(v, "421 4.3.2 enough");
        return -EPIPE;
    }
    v->recipients = 0;
    say(v, v->host->mail ? v->host->mail : "250 ok");
    return 0;
}

static int take_rcpt(struct serving *v, struct slice line) {
    if (v->host->dies_at_rcpt)
        return -EPIPE;
    if (v->host->rcpt_limit && v->recipients >= v->host->rcpt_limit) {
        say(v, "452 4.5.3 too many");
        return 0;
    }
    if (v->host->farewell && slice_find(line, slice_of_str(v->host->farewell)) >= 0) {
        say(v, "421 4.3.2 come again");
        return -EPIPE;
    }
    if (v->host->unknown && slice_find(line, slice_of_str(v->host->unknown)) >= 0) {
        say(v, "550 5.1.1 unknown");
        return 0;
    }
    if (v->host->later && slice_find(line, slice_of_str(v->host->later)) >= 0) {
        say(v, "450 4.2.1 later");
        return 0;
    }
    v->recipients++;
    say(v, v->host->rcpt ? v->host->rcpt : "250 ok");
    return 0;
}

/* 1: the command is answered as if it had come alone. */
static int take_pipelined(struct serving *v) {
    const char *how = v->host->pipelined;
    if (!how || !stream_has_input(v->s))
        return 1;
    if (strcmp(how, "hang up") == 0)
        return -EPIPE;
    (void)stream_drop_input(v->s);
    if (strcmp(how, "dropped") == 0)
        return 1;
    say(v, how);
    return 0;
}

static int take_command(struct serving *v, struct slice line) {
    struct tls_facts facts;
    char verb[5] = {0};
    memcpy(verb, line.ptr, MIN(line.len, (size_t)4));
    int r = take_pipelined(v);
    if (r <= 0)
        return r;
    if (leaves_at(v, verb))
        return leave(v);
    if (slice_starts(line, S("EHLO")) && v->host->helo_only)
        return -EPIPE;
    if (slice_starts(line, S("EHLO")) && v->host->ehlo) {
        say(v, v->host->ehlo);
    } else if (slice_starts(line, S("EHLO"))) {
        bool with_tls = tls_facts(v->s, &facts);
        v->host->with_tls += with_tls;
        say_extensions(v, with_tls);
    } else if (slice_starts(line, S("STARTTLS"))) {
        return start_tls(v);
    } else if (slice_starts(line, S("MAIL"))) {
        return take_mail(v);
    } else if (slice_starts(line, S("RCPT"))) {
        return take_rcpt(v, line);
    } else if (slice_starts(line, S("DATA"))) {
        return take_message(v);
    } else if (slice_starts(line, S("QUIT"))) {
        v->host->quits++;
        say(v, "221 bye");
        return -E_EOF;
    } else {
        say(v, "250 ok");
    }
    return 0;
}

static void serve(void *arg) {
    struct visit *visit = arg;
    struct serving v = {.visit = visit, .s = visit->stream, .host = visit->host};
    struct slice line;
    v.host->connections++;
    v.host->open++;
    v.host->widest = MAX(v.host->widest, v.host->open);
    stream_set_timeout(v.s, v.host->idle_limit ? v.host->idle_limit : USEC_NEVER);
    int r = 0;
    if (v.host->talk) {
        v.host->talk(v.s, v.host->talk_arg);
        r = -E_EOF;
    } else {
        say(&v, v.host->greeting ? v.host->greeting : "220 fake");
    }
    while (r == 0) {
        r = stream_read_line(v.s, 4096, &line);
        if (r == 0)
            r = take_command(&v, line);
    }
    (void)stream_flush(v.s);
    v.host->open--;
    stream_free(v.s);
    free(visit);
}

/* ------------------------------------------------------------------ the network */

static void accept_all(void *arg) {
    struct network *n = arg;
    void *visit;
    while (fiber_channel_receive(&n->arriving, &visit) == 0)
        MUST(fiber_spawn("fake host", serve, visit) == 0);
    fiber_cancel_children();
}

/* By OpenSSL alone. */
static void make_tlsa(struct network *n, struct slice chain) {
    _cleanup_(buf_done) struct buf text = {0};
    unsigned char digest[32];
    unsigned char *key = NULL;
    BIO *bio = BIO_new_mem_buf(chain.ptr, (int)chain.len);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
    MUST(len > 0 && EVP_Digest(key, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1);
    buf_add_str(&text, "3 1 1 ");
    hex_encode(&text, slice_of(digest, sizeof digest));
    MUST(slice_to_str(buf_slice(&text), n->tlsa, sizeof n->tlsa) == 0);
    OPENSSL_free(key);
    X509_free(x);
    BIO_free(bio);
}

const char *network_tlsa(const struct network *n) {
    return n->tlsa;
}

struct slice network_certificate(const struct network *n) {
    return slice_of_str(n->chain);
}

struct network *network_start(struct fake_host *hosts) {
    struct network *n = NEW(struct network);
    _cleanup_(free_p) char *key = NULL;
    struct problem problem;
    n->hosts = hosts;
    fiber_channel_init(&n->arriving, n->slots, ARRAY_SIZE(n->slots));
    MUST(tls_self_signed(S("fake.example"), 1, &key, &n->chain) == 0);
    MUST(tls_key_new(slice_of_str(key), &n->key, &problem) == 0);
    struct tls_signer signer = {tls_key_sign, n->key};
    MUST(tls_server_new(slice_of_str(n->chain), &signer, &n->tls, &problem) == 0);
    make_tlsa(n, slice_of_str(n->chain));
    MUST(fiber_start("fake network", accept_all, n, &n->acceptor) == 0);
    present = n;
    return n;
}

void network_stop(struct network *n) {
    fiber_channel_close(&n->arriving);
    fiber_join(n->acceptor);
    tls_context_free(n->tls);
    tls_key_free(n->key);
    free(n->chain);
    free(n);
    present = NULL;
}

int network_connect(const struct net_addr *to, const struct net_addr *source UNUSED,
                    usec_t deadline, struct stream **ret_stream) {
    char text[NET_TEXT_SIZE];
    struct slice address = net_format_host(to, text);
    struct fake_host *host = present->hosts;
    while (host->address && !slice_eq(slice_of_str(host->address), address))
        host++;
    if (!host->address)
        return -EHOSTUNREACH;
    if (host->connect_error == -ETIMEDOUT) {
        int r = fiber_sleep(deadline - fiber_now());
        return r < 0 ? r : -ETIMEDOUT;
    }
    if (host->connect_error)
        return host->connect_error;
    struct stream *ends[2];
    stream_pair(65536, ends);
    struct visit visit = {present, host, ends[1]};
    int r = fiber_channel_send(&present->arriving, mem_copy(&visit, sizeof visit));
    if (r == 0)
        *ret_stream = ends[0];
    return r;
}
