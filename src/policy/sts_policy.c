/* SPDX-License-Identifier: ISC */
#include "policy/sts_policy.h"

#include "base/words.h"
#include "message/address/domain.h"

static const char *const modes[] = {
    [STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

const char *sts_mode_name(enum sts_mode mode) {
    return modes[mode];
}

/* ------------------------------------------------------------------ reading */

struct reading {
    struct sts_policy *to;
    struct arena *arena;
    bool has_version, has_mode, has_max_age;
};

/* (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".") */
static bool is_name(struct slice s) {
    if (s.len == 0 || s.len > 32)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool mark = i > 0 && (c == '_' || c == '-' || c == '.');
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && !mark)
            return false;
    }
    return true;
}

static int read_mode(struct reading *r, struct slice value, struct problem *problem) {
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++)
        if (slice_eq(value, slice_of_str(modes[i]))) {
            r->to->mode = (enum sts_mode)i;
            r->has_mode = true;
            return 0;
        }
    return problem_set(problem, -E_SYNTAX, N_("its mode is none of none, testing and enforce"));
}

static int read_max_age(struct reading *r, struct slice value, struct problem *problem) {
    uint64_t age = 0;
    int e = value.len > 10 ? -E_SYNTAX : slice_to_u64(value, UINT64_MAX, &age);
    if (e < 0)
        return problem_set(problem, -E_SYNTAX, N_("its max_age is no number of seconds"));
    r->to->max_age = (uint32_t)MIN(age, STS_MAX_AGE_MAX);
    r->has_max_age = true;
    return 0;
}

static int read_mx(struct reading *r, struct slice value, struct problem *problem) {
    struct slice domain = slice_from(value, slice_starts(value, S("*.")) ? 2 : 0);
    if (domain_check(domain, DOMAIN_UNDERSCORE | DOMAIN_TRAILING_DOT, NULL) < 0)
        return problem_set(problem, -E_SYNTAX, N_("one of its mx is no name of a host"));
    if (r->to->mx_count == STS_MX_MAX)
        return problem_set(problem, -E_LIMIT, N_("it has more than %u lines of mx"), STS_MX_MAX);
    if (domain.ptr[domain.len - 1] == '.')
        value.len--;
    r->to->mx[r->to->mx_count++] = arena_lower(r->arena, value);
    return 0;
}

static int read_field(struct reading *r, struct slice name, struct slice value,
                      struct problem *problem) {
    if (slice_eq(name, S("mx")))
        return read_mx(r, value, problem);
    if (slice_eq(name, S("mode")) && !r->has_mode)
        return read_mode(r, value, problem);
    if (slice_eq(name, S("max_age")) && !r->has_max_age)
        return read_max_age(r, value, problem);
    if (!slice_eq(name, S("version")) || r->has_version)
        return 0;
    r->has_version = true;
    return slice_eq(value, S("STSv1"))
               ? 0
               : problem_set(problem, -E_SYNTAX, N_("its version is not STSv1"));
}

int sts_policy_read(struct slice text, struct arena *a, struct sts_policy *ret,
                    struct problem *problem) {
    struct reading r = {.to = ret, .arena = a};
    struct slice line;
    *ret = (struct sts_policy){.mx = arena_array(a, STS_MX_MAX, sizeof *ret->mx)};
    if (text.len > STS_POLICY_MAX)
        return problem_set(problem, -E_LIMIT, N_("it has more than %u bytes"), STS_POLICY_MAX);
    while (slice_next(&text, '\n', &line)) {
        line = slice_trim_lines(line);
        if (line.len == 0)
            continue;
        ssize_t colon = slice_find_byte(line, ':');
        struct slice name = slice_first(line, colon < 0 ? 0 : (size_t)colon);
        if (!is_name(name))
            return problem_set(problem, -E_SYNTAX, N_("a line of it is no \"name: value\""));
        int e = read_field(&r, name, slice_trim(slice_from(line, (size_t)colon + 1)), problem);
        if (e < 0)
            return e;
    }
    if (!r.has_version || !r.has_mode || !r.has_max_age)
        return problem_set(problem, -E_SYNTAX, N_("it lacks version, mode or max_age"));
    if (ret->mode != STS_NONE && ret->mx_count == 0)
        return problem_set(problem, -E_SYNTAX, N_("it names no mx"));
    return 0;
}

/* ------------------------------------------------------------------ the rest */

void sts_policy_write(struct buf *to, const struct sts_policy *policy) {
    buf_printf(to, "version: STSv1\nmode: %s\nmax_age: %u\n", modes[policy->mode], policy->max_age);
    for (size_t i = 0; i < policy->mx_count; i++)
        buf_printf(to, "mx: %.*s\n", SLICE_ARG(policy->mx[i]));
}

bool sts_policy_has(const struct sts_policy *policy, struct slice host) {
    if (slice_ends(host, S(".")))
        host.len--;
    ssize_t dot = slice_find_byte(host, '.');
    struct slice above = dot > 0 ? slice_from(host, (size_t)dot + 1) : S("");
    for (size_t i = 0; i < policy->mx_count; i++) {
        struct slice mx = policy->mx[i];
        bool wild = slice_starts(mx, S("*."));
        if (wild ? above.len > 0 && slice_eq_nocase(slice_from(mx, 2), above)
                 : slice_eq_nocase(mx, host))
            return true;
    }
    return false;
}
