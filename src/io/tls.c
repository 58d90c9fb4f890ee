/* SPDX-License-Identifier: ISC */
/*
 * A TLS session is a layer: stream_ops above the ops that the plain stream had. OpenSSL meets the
 * lower layer through a BIO of ours that never waits; when it says "want read" or "want write" the
 * layer parks on the lower layer's wait.
 *
 * OpenSSL's error queue belongs to the thread, not to the fiber: it is emptied before each call,
 * read right after it, and emptied again after a signer has waited in the middle of one.
 *
 * OpenSSL allows no further call once a write has failed. But what the peer said before it went
 * away may still be there to be read; so OpenSSL does not hear of failed writes: they are kept
 * here, and what it writes from then on is dropped.
 */
#include "io/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "io/tls_expect.h"
#include "io/tls_key.h"
#include "io/tls_lend.h"
#include "io/tls_pem.h"

#define HANDSHAKE_LIMIT (30 * USEC_SEC)

/* Of TLS 1.2: forward secrecy, and none whose key exchange would need the private key itself. */
#define SERVER_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL"

struct tls_context {
    SSL_CTX *ctx;
    struct tls_signer signer;
    bool verifies;
    unsigned users; /* the owner, sessions */
};

struct session {
    SSL *ssl;
    struct tls_context *context;
    const struct stream_ops *ops; /* of the layer below */
    void *below;
    int write_error;  /* of the layer below */
    bool wants_write; /* what the last -EAGAIN waited for */
    bool verifies;
    bool failed;
};

/* ------------------------------------------------------------------ the BIO */

static int bio_read(BIO *bio, char *to, size_t size, size_t *ret_len) {
    struct session *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = s->ops->read(s->below, to, size);
    if (n > 0) {
        *ret_len = (size_t)n;
        return 1;
    }
    if (n == -EAGAIN)
        BIO_set_retry_read(bio);
    else if (n == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return 0;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *ret_len) {
    struct session *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = s->write_error ? s->write_error : s->ops->write(s->below, bytes, len);
    if (n == -EAGAIN) {
        BIO_set_retry_write(bio);
        return 0;
    }
    s->write_error = n < 0 ? (int)n : 0;
    *ret_len = n < 0 ? len : (size_t)n;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method(void) {
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
        MUST(method && BIO_meth_set_read_ex(method, bio_read) &&
             BIO_meth_set_write_ex(method, bio_write) && BIO_meth_set_ctrl(method, bio_ctrl));
    }
    return method;
}

/* ------------------------------------------------------------------ the layer */

/* Takes the outcome of an SSL call: -EAGAIN after noting what is wanted, 0 for the end, -E_TLS. */
static int outcome(struct session *s, int result) {
    int error = SSL_get_error(s->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        s->wants_write = error == SSL_ERROR_WANT_WRITE;
        return -EAGAIN;
    }
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    s->failed = true;
    return -E_TLS;
}

static ssize_t tls_read(void *below, void *to, size_t size) {
    struct session *s = below;
    size_t n = 0;
    ERR_clear_error();
    int r = SSL_read_ex(s->ssl, to, size, &n);
    return r > 0 ? (ssize_t)n : outcome(s, r);
}

static ssize_t tls_write(void *below, const void *bytes, size_t len) {
    struct session *s = below;
    size_t n = 0;
    ERR_clear_error();
    int r = SSL_write_ex(s->ssl, bytes, len, &n);
    if (s->write_error)
        return s->write_error;
    if (r > 0)
        return (ssize_t)n;
    r = outcome(s, r);
    return r == 0 ? -EPIPE : r;
}

static int tls_wait(void *below, usec_t deadline) WAITS {
    struct session *s = below;
    return s->wants_write ? s->ops->wait_write(s->below, deadline)
                          : s->ops->wait_read(s->below, deadline);
}

static int tls_shutdown(void *below) {
    struct session *s = below;
    ERR_clear_error();
    if (!s->failed)
        (void)SSL_shutdown(s->ssl);
    return s->ops->shutdown(s->below);
}

static void tls_close(void *below) {
    struct session *s = below;
    ERR_clear_error();
    if (!s->failed && SSL_is_init_finished(s->ssl))
        (void)SSL_shutdown(s->ssl);
    SSL_free(s->ssl);
    tls_context_free(s->context);
    s->ops->close(s->below);
    free(s);
}

static int tls_fd(void *below) {
    (void)below;
    return -1;
}

static struct fiber_fd_wish tls_watch(void *below, bool output) {
    struct session *s = below;
    (void)output;
    return s->ops->watch(s->below, s->wants_write);
}

static const struct stream_ops tls_ops = {
    .read = tls_read,
    .write = tls_write,
    .wait_read = tls_wait,
    .wait_write = tls_wait,
    .shutdown = tls_shutdown,
    .close = tls_close,
    .fd = tls_fd,
    .watch = tls_watch,
};

/* What was wrong with the other side's certificate, or NULL. */
static const char *verdict(const struct session *s) {
    long result = s->verifies ? SSL_get_verify_result(s->ssl) : X509_V_OK;
    return result == X509_V_OK ? NULL : X509_verify_cert_error_string(result);
}

/* The sentence for the newest OpenSSL error. */
static int tls_problem(struct problem *problem, const char *what) {
    unsigned long error = ERR_peek_last_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    return problem_set(problem, -E_TLS, "%s: %s", what,
                       reason ? reason : "the connection ended during the handshake");
}

static int shake_hands(struct session *s, struct problem *problem) WAITS {
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline limit =
        fiber_deadline_begin(fiber_now() + HANDSHAKE_LIMIT);
    for (;;) {
        ERR_clear_error();
        int r = SSL_do_handshake(s->ssl);
        if (r == 1)
            return 0;
        r = outcome(s, r);
        if (r != -EAGAIN && verdict(s))
            return problem_set(problem, -E_TLS, "the certificate cannot be verified: %s",
                               verdict(s));
        if (r != -EAGAIN)
            return tls_problem(problem, "TLS handshake failed");
        r = tls_wait(s, USEC_NEVER);
        if (r < 0) {
            s->failed = true;
            return problem_set(problem, r, "TLS handshake broken off: %s", error_text(r));
        }
    }
}

/* Puts the layer in, for a handshake to come. 0 or negative: the stream is lost. */
static int put_in(struct stream *stream, struct tls_context *c, struct session **ret,
                  struct problem *problem) WAITS {
    int r = stream_flush(stream);
    if (r < 0)
        return problem_set(problem, r, "%s", error_text(r));
    MUST(!stream_has_input(stream));
    struct session *s = NEW(struct session);
    stream_below(stream, &s->ops, &s->below);
    s->ssl = SSL_new(c->ctx);
    s->context = c;
    c->users++;
    BIO *bio = BIO_new(bio_method());
    if (!s->ssl || !bio)
        panic("OpenSSL has no memory");
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    s->verifies = c->verifies;
    stream_replace(stream, &tls_ops, s);
    *ret = s;
    return 0;
}

int tls_accept(struct stream *stream, struct tls_context *c, struct problem *problem) {
    struct session *s;
    int r = put_in(stream, c, &s, problem);
    if (r < 0)
        return r;
    SSL_set_accept_state(s->ssl);
    return shake_hands(s, problem);
}

int tls_connect(struct stream *stream, struct tls_context *c, struct slice server_name,
                struct problem *problem) {
    char name[256];
    struct session *s;
    bool named = server_name.len > 0 && slice_to_str(server_name, name, sizeof name) == 0;
    int r = put_in(stream, c, &s, problem);
    if (r < 0)
        return r;
    SSL_set_connect_state(s->ssl);
    if (named)
        (void)SSL_set_tlsext_host_name(s->ssl, name);
    if (c->verifies) /* RFC 6125; without a name no certificate is right */
        SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (c->verifies && (!named || SSL_set1_host(s->ssl, name) != 1))
        (void)SSL_set1_host(s->ssl, ".invalid");
    return shake_hands(s, problem);
}

int tls_connect_expecting(struct stream *stream, struct tls_context *c,
                          const struct tls_expectation *expectation, struct problem *problem) {
    struct session *s;
    int r = put_in(stream, c, &s, problem);
    if (r < 0)
        return r;
    SSL_set_connect_state(s->ssl);
    s->verifies = true;
    r = tls_expect(s->ssl, expectation);
    s->failed = r < 0;
    return r < 0 ? problem_set(problem, r, "no TLSA record can be used") : shake_hands(s, problem);
}

bool tls_facts(const struct stream *stream, struct tls_facts *ret) {
    const struct stream_ops *ops = NULL;
    void *below = NULL;
    stream_below(stream, &ops, &below);
    if (ops != &tls_ops)
        return false;
    struct session *s = below;
    *ret = (struct tls_facts){
        .version = SSL_get_version(s->ssl),
        .cipher = SSL_get_cipher_name(s->ssl),
        .bits = SSL_get_cipher_bits(s->ssl, NULL),
        .resumed = SSL_session_reused(s->ssl) == 1,
    };
    tls_expect_facts(s->ssl, ret);
    return true;
}

/* ------------------------------------------------------------------ contexts */

static SSL_CTX *context_new(const SSL_METHOD *method) {
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        panic("OpenSSL has no memory");
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(ctx, 1);
    /* Sessions are resumed by tickets, which cost us no memory. */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

/* The leaf's public key stays in the certificate. */
static int use_certificate(void *arg, X509 *x) {
    SSL_CTX *ctx = arg;
    long ok = SSL_CTX_get0_certificate(ctx) ? SSL_CTX_add1_chain_cert(ctx, x)
                                            : SSL_CTX_use_certificate(ctx, x);
    return ok == 1 ? 0 : -E_TLS;
}

int tls_server_new(struct slice chain_pem, const struct tls_signer *signer,
                   struct tls_context **ret, struct problem *problem) {
    static const unsigned char session_name[] = "hayauma";
    struct tls_context *c = NEW(struct tls_context);
    c->ctx = context_new(TLS_server_method());
    c->users = 1;
    c->signer = *signer;
    ERR_clear_error();
    (void)SSL_CTX_set_options(c->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                          SSL_OP_CLEANSE_PLAINTEXT); /* passwords come */
    (void)SSL_CTX_set_session_id_context(c->ctx, session_name, sizeof session_name - 1);
    (void)SSL_CTX_set_num_tickets(c->ctx, 1);
    int r = 0;
    if (SSL_CTX_set_cipher_list(c->ctx, SERVER_CIPHERS) != 1)
        r = tls_problem(problem, "ciphers cannot be set");
    else if ((r = tls_pem_each(chain_pem, use_certificate, c->ctx, problem)) == -E_TLS)
        r = tls_problem(problem, "certificate cannot be used");
    if (r == 0) {
        EVP_PKEY *key = tls_remote_key(SSL_CTX_get0_certificate(c->ctx), &c->signer);
        if (!key || SSL_CTX_use_PrivateKey(c->ctx, key) != 1)
            r = tls_problem(problem, "certificate's key is neither EC nor RSA");
        EVP_PKEY_free(key);
    }
    if (r < 0)
        tls_context_free(c);
    else
        *ret = c;
    return r;
}

int tls_client_new(struct tls_context **ret, struct problem *problem) {
    (void)problem;
    struct tls_context *c = NEW(struct tls_context);
    c->ctx = context_new(TLS_client_method());
    c->users = 1;
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_NONE, NULL);
    if (SSL_CTX_dane_enable(c->ctx) != 1)
        panic("OpenSSL has no memory");
    *ret = c;
    return 0;
}

int tls_verifying_client_new(struct slice authorities_pem, struct tls_context **ret,
                             struct problem *problem) {
    struct tls_context *c = NULL;
    BIO *bio = BIO_new_mem_buf(authorities_pem.ptr, (int)authorities_pem.len);
    unsigned count = 0;
    (void)tls_client_new(&c, problem);
    c->verifies = true;
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    for (X509 *x; bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL));) {
        count += X509_STORE_add_cert(SSL_CTX_get_cert_store(c->ctx), x) == 1;
        X509_free(x);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (count == 0) {
        tls_context_free(c);
        return problem_set(problem, -E_SYNTAX, "there is no certificate of an authority in it");
    }
    *ret = c;
    return 0;
}

void tls_context_require_1_3(struct tls_context *c) {
    (void)SSL_CTX_set_min_proto_version(c->ctx, TLS1_3_VERSION);
}

void tls_lend_authorities(const struct tls_context *c, void *ssl_ctx) {
    SSL_CTX_set1_cert_store(ssl_ctx, SSL_CTX_get_cert_store(c->ctx));
}

void tls_context_free(struct tls_context *c) {
    if (!c || --c->users > 0)
        return;
    SSL_CTX_free(c->ctx);
    free(c);
}
