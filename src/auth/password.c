/* SPDX-License-Identifier: ISC */
/*
 * One table names the hashes we read; the first row is the one we write. Argon2 goes to libsodium,
 * which compares in constant time; the others go to libxcrypt, which gives the hash of the offered
 * password under the stored setting, and we compare. Copies of a password live on the heap just as
 * long as the call and are wiped.
 */
#include "auth/password.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "base/words.h"

static const struct {
    const char *prefix;
    const char *kind;
    bool argon;
} kinds[] = {
    {"$argon2id$", "argon2id", true}, {"$argon2i$", "argon2i", true},
    {"$y$", "yescrypt", false},       {"$gy$", "gost-yescrypt", false},
    {"$7$", "scrypt", false},         {"$2b$", "bcrypt", false},
    {"$2y$", "bcrypt", false},        {"$2a$", "bcrypt", false},
    {"$6$", "sha512-crypt", false},   {"$5$", "sha256-crypt", false},
    {"$1$", "md5-crypt", false},
};

static int kind_of(struct slice hash) {
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (slice_starts(hash, slice_of_str(kinds[i].prefix)))
            return (int)i;
    }
    return -1;
}

const char *password_kind(struct slice hash) {
    int kind = kind_of(hash);
    return kind < 0 ? NULL : kinds[kind].kind;
}

int password_setup(void) {
    return sodium_init() < 0 ? -ENOSYS : 0;
}

int password_check_form(struct slice password, struct problem *problem) {
    if (password.len == 0)
        return problem_set(problem, -E_SYNTAX, N_("the password is empty"));
    if (password.len > PASSWORD_MAX)
        return problem_set(problem, -E_SYNTAX,
                           N_("the password has %zu bytes, at most %u are taken"), password.len,
                           PASSWORD_MAX);
    if (!utf8_valid(password))
        return problem_set(problem, -E_SYNTAX, N_("the password is not UTF-8 text"));
    for (size_t i = 0; i < password.len; i++) {
        unsigned char c = (unsigned char)password.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return problem_set(problem, -E_SYNTAX,
                               N_("the password has a control character at place %zu"), i + 1);
    }
    return 0;
}

static size_t memory_bytes(struct password_cost cost) {
    return MAX((size_t)cost.memory_kib * 1024, (size_t)crypto_pwhash_argon2id_MEMLIMIT_MIN);
}

static unsigned long long passes_of(struct password_cost cost) {
    return MAX(cost.passes, (uint32_t)crypto_pwhash_argon2id_OPSLIMIT_MIN);
}

int password_hash(struct slice password, struct password_cost cost, char hash[PASSWORD_HASH_MAX]) {
    _Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "room for libsodium's text");
    int r = crypto_pwhash_str_alg(hash, password.ptr, password.len, passes_of(cost),
                                  memory_bytes(cost), crypto_pwhash_ALG_ARGON2ID13);
    return r == 0 ? 0 : -ENOMEM;
}

static int verify_crypt(const char *password, const char *hash) {
    struct crypt_data *work = NEW(struct crypt_data);
    errno = 0;
    const char *made = crypt_rn(password, hash, work, (int)sizeof *work);
    int r = -E_REFUSED;
    if (!made || made[0] == '*')
        r = errno == ENOMEM ? -ENOMEM : -E_SYNTAX;
    else if (strlen(made) == strlen(hash) && sodium_memcmp(made, hash, strlen(hash)) == 0)
        r = 0;
    mem_wipe(work, sizeof *work);
    free(work);
    return r;
}

int password_verify(struct slice password, const char *hash) {
    int kind = kind_of(slice_of_str(hash));
    if (kind < 0)
        return -E_SYNTAX;
    if (password.len > PASSWORD_MAX || slice_find_byte(password, '\0') >= 0)
        return -E_REFUSED;
    if (kinds[kind].argon) {
        errno = 0;
        bool right = crypto_pwhash_str_verify(hash, password.ptr, password.len) == 0;
        return right ? 0 : errno == ENOMEM ? -ENOMEM : -E_REFUSED;
    }
    char *text = mem_str(password);
    int r = verify_crypt(text, hash);
    mem_wipe(text, password.len);
    free(text);
    return r;
}

int password_verify_nobody(struct slice password, struct password_cost cost) {
    static const unsigned char salt[crypto_pwhash_SALTBYTES] = "nobody has this";
    unsigned char key[32];
    struct slice bounded = slice_first(password, PASSWORD_MAX);
    int r = crypto_pwhash(key, sizeof key, bounded.ptr, bounded.len, salt, passes_of(cost),
                          memory_bytes(cost), crypto_pwhash_ALG_ARGON2ID13);
    mem_wipe(key, sizeof key);
    return r == 0 ? -E_REFUSED : -ENOMEM;
}

/* The number behind "m=" or "t=" in the parameter field of an Argon2 hash; 0 when there is none. */
static uint64_t parameter(struct slice fields, struct slice name) {
    struct slice field;
    uint64_t value = 0;
    while (slice_next(&fields, ',', &field)) {
        if (slice_starts(field, name))
            (void)slice_to_u64(slice_from(field, name.len), UINT32_MAX, &value);
    }
    return value;
}

bool password_is_outdated(const char *hash, struct password_cost cost) {
    struct slice rest = slice_of_str(hash);
    struct slice field = {0};
    if (!slice_starts(rest, S("$argon2id$v=19$")))
        return true;
    for (unsigned i = 0; i < 4; i++) /* "", "argon2id", "v=19", the parameters */
        (void)slice_next(&rest, '$', &field);
    uint64_t memory = parameter(field, S("m=")), passes = parameter(field, S("t="));
    if (memory == PASSWORD_COST_MIN.memory_kib && passes == PASSWORD_COST_MIN.passes)
        return false;
    return memory * 1024 < memory_bytes(cost) || passes < passes_of(cost);
}
