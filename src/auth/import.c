/* SPDX-License-Identifier: ISC */
/*
 * Only what the parameters say is looked at; whether the salt is well-formed is crypt(3)'s to say.
 * The bounds leave room above what Debian and Dovecot make by default, and keep one login below
 * about a second and 128 MiB.
 */
#include "auth/import.h"

#include <crypt.h>
#include <string.h>

#include "base/words.h"

#define ROUNDS_MAX      500000U /* $5$ and $6$; 5000 is usual */
#define BCRYPT_COST_MAX 13U     /* doubles with each step; 10 or 12 are usual */
#define MEMORY_MAX      ((uint64_t)128 << 20)
#define PASSES_MAX      12U
#define LANES_MAX       16U

/* Dovecot's names of what crypt(3) and Argon2 read. */
static const char *const schemes[] = {"CRYPT",     "SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT",
                                      "BLF-CRYPT", "ARGON2ID",     "ARGON2I"};

static int take_scheme(struct slice *text, struct problem *problem) {
    ssize_t end = slice_find_byte(*text, '}');
    if (!slice_starts(*text, S("{")) || end < 0)
        return 0;
    struct slice scheme = slice_of(text->ptr + 1, (size_t)end - 1);
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (slice_eq_nocase(scheme, slice_of_str(schemes[i]))) {
            *text = slice_from(*text, (size_t)end + 1);
            return 0;
        }
    }
    return problem_set(
        problem, -E_SYNTAX,
        N_("a password in the scheme {%.*s} cannot be taken over; expected are CRYPT,"
           " SHA512-CRYPT, SHA256-CRYPT, BLF-CRYPT, MD5-CRYPT and ARGON2ID"),
        SLICE_ARG(slice_first(scheme, 32)));
}

/* ------------------------------------------------------------------ costs */

/* A digit of crypt(3)'s base 64; UINT64_MAX: it is none. */
static uint64_t digit(char c) {
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (uint64_t)(at - digits) : UINT64_MAX;
}

/* Blocks of 128 bytes: 2^log2 times r. */
static bool memory_fits(uint64_t log2, uint64_t r) {
    return log2 < 32 && r > 0 && r <= MEMORY_MAX / 128 >> log2;
}

/* N is one digit, r and p have five, the lowest first; then the salt. */
static bool scrypt_fits(struct slice rest) {
    uint64_t numbers[2] = {0};
    if (rest.len < 11)
        return false;
    for (size_t i = 0; i < 10; i++)
        numbers[i / 5] |= (digit(rest.ptr[1 + i]) & 63) << (i % 5 * 6);
    return memory_fits(digit(rest.ptr[0]), numbers[0]) && numbers[1] <= 4;
}

/* "m=65536,t=3,p=1" behind "v=19". */
static bool argon_fits(struct slice rest) {
    static const uint64_t most[] = {MEMORY_MAX / 1024, PASSES_MAX, LANES_MAX};
    static const char *const names[] = {"m=", "t=", "p="};
    struct slice field, part;
    if (!slice_starts(rest, S("v=19$")))
        return false;
    rest = slice_from(rest, 5);
    (void)slice_next(&rest, '$', &field);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        uint64_t value = 0;
        if (!slice_next(&field, ',', &part) || !slice_starts(part, slice_of_str(names[i])) ||
            slice_to_u64(slice_from(part, 2), most[i], &value) < 0)
            return false;
    }
    return field.ptr == NULL;
}

static bool cost_fits(struct slice hash) {
    struct slice rest = hash, kind = {0}, parameters = {0};
    (void)slice_next(&rest, '$', &kind);
    (void)slice_next(&rest, '$', &kind);
    struct slice behind = rest;
    (void)slice_next(&rest, '$', &parameters);
    if (slice_starts(kind, S("argon2")))
        return argon_fits(behind);
    /* "j9T": flavour, N and r, one digit each; crypt_gensalt(3) never makes more fields. */
    if (slice_eq(kind, S("y")) || slice_eq(kind, S("gy")))
        return parameters.len == 3 && parameters.ptr[0] == 'j' &&
               memory_fits(digit(parameters.ptr[1]) + 1, digit(parameters.ptr[2]) + 1);
    if (slice_eq(kind, S("7")))
        return scrypt_fits(behind);
    uint64_t number = 0;
    if (slice_starts(kind, S("2"))) /* bcrypt */
        return slice_to_u64(parameters, BCRYPT_COST_MAX, &number) == 0;
    return !slice_starts(parameters, S("rounds=")) ||
           slice_to_u64(slice_from(parameters, 7), ROUNDS_MAX, &number) == 0;
}

/* ------------------------------------------------------------------ form */

/* What stands behind the salt has one length for each kind: one cut short fits no password. */
static bool is_whole(struct slice hash) {
    static const struct {
        const char *prefix;
        size_t len;
    } lengths[] = {{"$6$", 86}, {"$5$", 43}, {"$1$", 22}, {"$y$", 43}, {"$gy$", 43}, {"$7$", 43}};
    struct slice last = slice_from(hash, (size_t)(slice_rfind_byte(hash, '$') + 1));
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        if (slice_starts(hash, slice_of_str(lengths[i].prefix)))
            return last.len == lengths[i].len;
    }
    return slice_starts(hash, S("$2")) ? last.len == 53 : last.len > 0;
}

int password_import(struct slice text, char hash[static PASSWORD_HASH_MAX],
                    struct problem *problem) {
    int r = take_scheme(&text, problem);
    if (r < 0)
        return r;
    if (text.len == 0 || text.ptr[0] == '!' || text.ptr[0] == '*')
        return problem_set(problem, -E_SYNTAX,
                           N_("there is no password: the account is locked or never had one"));
    const char *kind = password_kind(text);
    if (!kind)
        return problem_set(problem, -E_SYNTAX,
                           N_("the hash is of no kind that can be read; expected are Argon2id,"
                              " yescrypt, bcrypt, $6$, $5$, $1$"));
    if (slice_to_str(text, hash, PASSWORD_HASH_MAX) < 0 || !is_whole(text) ||
        (!slice_starts(text, S("$argon2")) && crypt_checksalt(hash) == CRYPT_SALT_INVALID))
        return problem_set(problem, -E_SYNTAX,
                           N_("the %s hash is not whole, so no password would fit it"), kind);
    if (!cost_fits(text))
        return problem_set(problem, -E_LIMIT,
                           N_("the %s hash has parameters with which each login would take too much"
                              " time or memory"),
                           kind);
    return 0;
}
