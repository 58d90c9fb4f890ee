/* SPDX-License-Identifier: ISC */
#include "sender/dkim/rsa_key.h"

#include <openssl/x509.h>

#include "base/buf.h"
#include "unit.h"

static void expect(struct slice der, const EVP_PKEY *same) {
    EVP_PKEY *key = rsa_key_read(der);
    assert_int_equal(key != NULL, same != NULL);
    if (same)
        assert_int_equal(EVP_PKEY_eq(key, same), 1);
    EVP_PKEY_free(key);
}

/* Both forms, of keys of many lengths; cut or with a byte more they are none. */
static void test_both_forms_are_read(void **state UNUSED) {
    static const unsigned bits[] = {512, 768, 1024, 1032, 2048, 4096};
    for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
        EVP_PKEY *key = EVP_RSA_gen(bits[i]);
        unsigned char *info = NULL, *bare = NULL;
        int info_len = i2d_PUBKEY(key, &info), bare_len = i2d_PublicKey(key, &bare);
        assert_true(key && info_len > 0 && bare_len > 0);
        struct slice forms[] = {slice_of(info, (size_t)info_len), slice_of(bare, (size_t)bare_len)};
        for (size_t k = 0; k < ARRAY_SIZE(forms); k++) {
            struct buf more = {0};
            expect(forms[k], key);
            for (size_t len = 0; len < forms[k].len; len += len < 40 ? 1 : 13)
                expect(slice_first(forms[k], len), NULL);
            buf_add(&more, forms[k]);
            buf_add_byte(&more, 0);
            expect(buf_slice(&more), NULL);
            buf_done(&more);
        }
        OPENSSL_free(info);
        OPENSSL_free(bare);
        EVP_PKEY_free(key);
    }
}

static void test_what_is_no_key(void **state UNUSED) {
    static const struct slice wrong[] = {
        {"", 0},
        {"\x30\x00", 2},
        {"\x30\x80\x02\x01\x03\x02\x01\x03\x00\x00", 10},         /* no length */
        {"\x30\x84\x00\x00\x00\x06\x02\x01\x05\x02\x01\x03", 12}, /* too many bytes of it */
        {"\x30\x81\x06\x02\x01\x05\x02\x01\x03", 9},              /* more than it takes */
        {"\x30\x06\x02\x01\x85\x02\x01\x03", 8},                  /* negative */
        {"\x30\x05\x02\x00\x02\x01\x03", 7},                      /* no number */
        {"\x30\x09\x02\x01\x05\x02\x01\x03\x02\x01\x01", 11},     /* three numbers */
        {"\x31\x06\x02\x01\x05\x02\x01\x03", 8},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        expect(wrong[i], NULL);
}

/* Of other kinds than RSA. */
static void test_keys_of_others(void **state UNUSED) {
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    unsigned char *info = NULL;
    int len = i2d_PUBKEY(key, &info);
    expect(slice_of(info, (size_t)len), NULL);
    OPENSSL_free(info);
    EVP_PKEY_free(key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_forms_are_read),
        cmocka_unit_test(test_what_is_no_key),
        cmocka_unit_test(test_keys_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
