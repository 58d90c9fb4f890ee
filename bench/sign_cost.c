/* SPDX-License-Identifier: ISC */
/*
 * What OpenSSL alone takes for the two signatures of a message that leaves: RSA of 2048 bits and
 * Ed25519, each of 32 bytes, with the keys at hand. Prints "name value" lines: milliseconds of
 * processor time for each.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WARM_UP 20 /* signatures that are not counted */
#define COUNT   400

static const unsigned char digest[32] = "thirty-two bytes to be signed..";

static void sign_rsa(EVP_PKEY *key) {
    unsigned char bytes[256];
    size_t len = sizeof bytes;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    if (!c || EVP_PKEY_sign_init(c) != 1 || EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) != 1 ||
        EVP_PKEY_sign(c, bytes, &len, digest, sizeof digest) != 1)
        exit(1);
    EVP_PKEY_CTX_free(c);
}

static void sign_ed25519(EVP_PKEY *key) {
    unsigned char bytes[64];
    size_t len = sizeof bytes;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!c || EVP_DigestSignInit(c, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(c, bytes, &len, digest, sizeof digest) != 1)
        exit(1);
    EVP_MD_CTX_free(c);
}

static double cpu_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void measure(const char *name, EVP_PKEY *key, void (*sign)(EVP_PKEY *key)) {
    if (!key)
        exit(1);
    for (unsigned i = 0; i < WARM_UP; i++)
        sign(key);
    double began = cpu_ms();
    for (unsigned i = 0; i < COUNT; i++)
        sign(key);
    printf("%s %.6f\n", name, (cpu_ms() - began) / COUNT);
    EVP_PKEY_free(key);
}

int main(void) {
    measure("rsa_ms", EVP_RSA_gen(2048), sign_rsa);
    measure("ed25519_ms", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), sign_ed25519);
    return 0;
}
