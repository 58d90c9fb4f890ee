/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a key record, as the DER of a key, and as a header with a signature. What is read is
 * what OpenSSL reads, and a signature says nothing that was not in it.
 */
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/error.h"
#include "sender/dkim/dkim_key.h"
#include "sender/dkim/dkim_signature.h"
#include "sender/dkim/rsa_key.h"

static void read_der(struct slice der) {
    const unsigned char *info = (const unsigned char *)der.ptr, *bare = info;
    EVP_PKEY *ours = rsa_key_read(der);
    if (!ours)
        return;
    EVP_PKEY *theirs = d2i_PUBKEY(NULL, &info, (long)der.len);
    if (!theirs)
        theirs = d2i_PublicKey(EVP_PKEY_RSA, NULL, &bare, (long)der.len);
    MUST(theirs && EVP_PKEY_eq(ours, theirs) == 1);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    ERR_clear_error();
}

static void read_key(struct slice text) {
    struct dkim_key key;
    unsigned char digest[DIGEST_LEN];
    bool is_policy;
    const char *why = dkim_key_read(text, &key, &is_policy);
    MUST((why == NULL) == (key.key != NULL) && !(is_policy && !why));
    if (why)
        return;
    MUST(dkim_key_is(text));
    MUST(key.type == DKIM_ED25519 ? key.bits == 256
                                  : key.bits >= DKIM_RSA_MIN && key.bits <= DKIM_RSA_MAX);
    digest_of(text, digest);
    MUST(!dkim_key_verifies(&key, S("no signature"), digest));
    dkim_key_done(&key);
}

/* Of what is found in a header, and of the form in which it is signed. */
static void read_signature(const struct sender_fields *fields, const struct sender_field *field,
                           bool arc) {
    struct arena a = {0};
    struct dkim_signature s, again;
    enum dkim_result result = DKIM_PASS;
    struct buf text = {0};
    size_t whole = 0;
    const char *why = dkim_signature_read(field, arc, &a, &s, &result);
    MUST(s.domain.len <= field->all.len && s.selector.len <= field->all.len);
    if (why) {
        MUST(result == DKIM_NEUTRAL || result == DKIM_PERMERROR);
        arena_done(&a);
        return;
    }
    MUST(s.domain.len > 0 && s.domain.len < 256 && s.selector.len > 0 && s.signature_text.len > 0);
    MUST(arc ? s.instance > 0 && s.instance <= 50 : slice_ends_nocase(s.identity, s.domain));
    for (size_t i = 0; i < fields->count; i++)
        whole += fields->list[i].all.len + 4;
    dkim_signed_header(fields, field, &s, &text);
    MUST(text.len <= whole + field->all.len);

    /* Only b= goes: without it the field says all else, but is no signature any more. */
    struct sender_field without = *field;
    without.all = s.signed_form;
    without.value = slice_from(without.all, (size_t)(field->value.ptr - field->all.ptr));
    MUST(dkim_signature_read(&without, arc, &a, &again, &result) != NULL);
    MUST(slice_eq(again.domain, s.domain) && slice_eq(again.body_hash, s.body_hash) &&
         again.signature_text.len == 0);
    buf_done(&text);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice input = slice_of(data, size);
    struct arena a = {0};
    struct sender_fields fields;
    read_der(input);
    read_key(input);
    if (sender_fields_read(input, &a, &fields) == 0)
        for (size_t i = 0; i < MIN(fields.count, (size_t)20); i++) {
            read_signature(&fields, &fields.list[i], false);
            read_signature(&fields, &fields.list[i], true);
        }
    arena_done(&a);
    return 0;
}
