/* SPDX-License-Identifier: ISC */
#include "directory/name.h"

#include "base/words.h"

#include <inttypes.h>

#define FLAGS (ADDRESS_UTF8 | ADDRESS_LOOSE)

static void from_address(struct arena *a, struct address *address, struct name *ret) {
    *ret =
        (struct name){.spelled = address->local, .domain = address->domain, .utf8 = address->utf8};
    ret->written = address_text(a, address);
    address->local = ret->local = arena_lower(a, address->local);
    ret->text = slice_eq(ret->local, ret->spelled) ? ret->written : address_text(a, address);
}

static int parse(struct arena *a, struct slice text, unsigned flags, struct name *ret,
                 struct problem *problem) {
    struct address address;
    int r = address_parse(a, text, flags, &address, problem);
    if (r < 0)
        return r;
    if (address.local.len == 0 || address.domain.len == 0)
        return problem_set(problem, -E_SYNTAX, N_("\"%.*s\" is not an address like user@domain"),
                           SLICE_ARG(text));
    from_address(a, &address, ret);
    return 0;
}

int name_parse(struct arena *a, struct slice text, struct name *ret, struct problem *problem) {
    return parse(a, text, FLAGS, ret, problem);
}

int name_parse_strict(struct arena *a, struct slice text, struct name *ret,
                      struct problem *problem) {
    return parse(a, text, ADDRESS_UTF8, ret, problem);
}

int name_must_be_ascii(const struct name *name, struct problem *problem) {
    return name->utf8
               ? problem_set(problem, -E_REFUSED,
                             N_("a local part beyond ASCII needs SMTPUTF8, which this server "
                                "does not offer; use ASCII before the '@'"))
               : 0;
}

int name_parse_new(struct arena *a, struct slice text, struct name *ret, struct problem *problem) {
    int r = name_parse_strict(a, text, ret, problem);
    return r < 0 ? r : name_must_be_ascii(ret, problem);
}

int name_domain_parse(struct arena *a, struct slice text, struct slice *ret,
                      struct problem *problem) {
    struct text_fault fault = {0};
    if (domain_canonical(a, text, DOMAIN_UTF8, ret, &fault) < 0)
        return problem_set(problem, -E_SYNTAX,
                           N_("\"%.*s\" is not a domain like example.jp: %s (character %zu)"),
                           SLICE_ARG(text), fault.expected, fault.at + 1);
    return 0;
}

static int make(struct arena *a, struct slice local, struct slice domain, struct name *ret) {
    struct address address;
    int r = address_make(a, local, domain, FLAGS, &address, NULL);
    if (r == 0)
        from_address(a, &address, ret);
    return r;
}

int name_move(struct arena *a, const struct name *name, struct slice domain, struct name *ret) {
    return make(a, name->spelled, domain, ret);
}

bool name_split(struct arena *a, const struct name *name, char separator, struct name *ret_base,
                struct slice *ret_detail) {
    struct slice base;
    struct slice detail;
    return address_split_detail(name->spelled, separator, &base, &detail) &&
           make(a, base, name->domain, ret_base) == 0 && (*ret_detail = detail, true);
}

int name_template_parse(struct slice text, struct name_template *ret, struct problem *problem) {
    ssize_t at = slice_find_byte(text, '%');
    if (at < 0)
        return problem_set(problem, -E_SYNTAX,
                           N_("\"%.*s\" has no %%d for the number, as in user%%04d@example.org"),
                           SLICE_ARG(text));
    struct name_template t = {.before = slice_first(text, (size_t)at)};
    struct slice rest = slice_from(text, (size_t)at + 1);
    if (rest.len >= 2 && rest.ptr[0] == '0' && rest.ptr[1] >= '1' && rest.ptr[1] <= '9') {
        t.width = rest.ptr[1] - '0';
        rest = slice_from(rest, 2);
    }
    t.after = slice_from(rest, 1);
    if (rest.len == 0 || rest.ptr[0] != 'd' || slice_find_byte(t.after, '%') >= 0)
        return problem_set(problem, -E_SYNTAX,
                           N_("\"%.*s\": a template has one %%d or %%0Nd (N from 1 to 9) and no "
                              "other %%"),
                           SLICE_ARG(text));
    *ret = t;
    return 0;
}

struct slice name_template_fill(struct arena *a, const struct name_template *t, uint64_t number) {
    return arena_printf(a, "%.*s%0*" PRIu64 "%.*s", SLICE_ARG(t->before), t->width, number,
                        SLICE_ARG(t->after));
}
