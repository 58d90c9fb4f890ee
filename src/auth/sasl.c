/* SPDX-License-Identifier: ISC */
/*
 * Each mechanism is a row: its name, what the server says first, and a step that gets the decoded
 * response of the client and either asks further (a challenge) or is done. A mechanism whose later
 * challenges depend on the account (SCRAM) keeps its state in struct sasl and gets the facts of the
 * account there before its second step; the loop of the session stays the same.
 */
#include "auth/sasl.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/encode.h"

struct sasl_mechanism {
    const char *name;
    const char *opening; /* challenge when the client sent no initial response */
    int (*step)(struct sasl *s, struct arena *a, struct slice response, struct sasl_out *ret);
};

static bool has_control(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return true;
    }
    return false;
}

static int check_name(struct slice name) {
    if (name.len > SASL_NAME_MAX)
        return -E_LIMIT;
    return has_control(name) || !utf8_valid(name) ? -E_SYNTAX : 0;
}

static int check_password(struct slice password) {
    if (password.len > SASL_PASSWORD_MAX)
        return -E_LIMIT;
    return password.len == 0 || has_control(password) ? -E_SYNTAX : 0;
}

static int finish(const struct sasl_credentials *credentials, struct sasl_out *ret) {
    *ret = (struct sasl_out){.done = true, .credentials = *credentials};
    return 0;
}

/* RFC 4616 §2: [authzid] NUL authcid NUL passwd */
static int step_plain(struct sasl *s, struct arena *a, struct slice response,
                      struct sasl_out *ret) {
    struct sasl_credentials c = {0};
    if (!response.ptr || !slice_next(&response, '\0', &c.act_as) ||
        !slice_next(&response, '\0', &c.name) || !response.ptr)
        return -E_SYNTAX;
    c.password = response;
    int r = check_name(c.act_as);
    if (r == 0)
        r = c.name.len > 0 ? check_name(c.name) : -E_SYNTAX;
    if (r == 0)
        r = check_password(c.password);
    return r < 0 ? r : finish(&c, ret);
}

/* No RFC; as all mail programs do it: the name is asked for, then the password. */
static int step_login(struct sasl *s, struct arena *a, struct slice response,
                      struct sasl_out *ret) {
    if (s->step == 0) {
        int r = response.len > 0 ? check_name(response) : -E_SYNTAX;
        if (r < 0)
            return r;
        s->gathered.name = response;
        s->step = 1;
        *ret = (struct sasl_out){.challenge = S("Password:")};
        return 0;
    }
    int r = check_password(response);
    if (r < 0)
        return r;
    s->gathered.password = response;
    return finish(&s->gathered, ret);
}

static const struct sasl_mechanism mechanisms[] = {
    {"PLAIN", "", step_plain},
    {"LOGIN", "Username:", step_login},
};

const char *sasl_offer(size_t place) {
    return place < ARRAY_SIZE(mechanisms) ? mechanisms[place].name : NULL;
}

const char *sasl_name(const struct sasl *s) {
    return s->mechanism->name;
}

int sasl_start(struct sasl *s, struct slice name) {
    for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++) {
        if (slice_eq_nocase(name, slice_of_str(mechanisms[i].name))) {
            *s = (struct sasl){.mechanism = &mechanisms[i]};
            return 0;
        }
    }
    return -E_UNKNOWN;
}

static int decode_and_step(struct sasl *s, struct arena *a, struct slice text,
                           struct sasl_out *ret) {
    struct slice response;
    if (text.len > SASL_LINE_MAX)
        return -E_LIMIT;
    int r = base64_decode(a, text, &response);
    return r < 0 ? r : s->mechanism->step(s, a, response, ret);
}

int sasl_first(struct sasl *s, struct arena *a, struct slice initial, struct sasl_out *ret) {
    if (!initial.ptr) {
        *ret = (struct sasl_out){.challenge = slice_of_str(s->mechanism->opening)};
        return 0;
    }
    if (initial.len == 0) /* RFC 4954 §4: an empty one is sent as "=" */
        return -E_SYNTAX;
    if (slice_eq(initial, S("=")))
        initial = S("");
    return decode_and_step(s, a, initial, ret);
}

int sasl_next(struct sasl *s, struct arena *a, struct slice line, struct sasl_out *ret) {
    if (slice_eq(line, S("*")))
        return -ECANCELED;
    return decode_and_step(s, a, line, ret);
}

void sasl_wipe(struct sasl_credentials *credentials) {
    mem_wipe((char *)(uintptr_t)credentials->password.ptr, credentials->password.len);
    credentials->password = (struct slice){0};
}
