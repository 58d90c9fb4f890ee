/* SPDX-License-Identifier: ISC */
/*
 * One pass over the text, from left to right, by a parser that knows its place, so that every
 * failure can say where it is. The local part is unquoted while it is read, the domain is cut out
 * as a whole and left to domain.c. Lengths are checked when all parts are known: nothing here grows
 * with the text but one copy of it.
 */
#include "message/address/address.h"

#include <errno.h>

#include "base/encode.h"
#include "base/words.h"

struct parser {
    struct arena *arena;
    struct slice text;
    size_t at;
    unsigned flags;
    struct text_fault *fault;
};

static int stop(struct parser *p, int code, const char *expected) {
    if (p->fault)
        *p->fault = (struct text_fault){p->at, expected};
    return code;
}

static int peek(const struct parser *p) {
    return p->at < p->text.len ? (unsigned char)p->text.ptr[p->at] : -1;
}

static bool take(struct parser *p, char c) {
    if (peek(p) != c)
        return false;
    p->at++;
    return true;
}

/* RFC 5322 §3.2.3 atext, or a byte of a UTF-8 character (RFC 6531 §3.3). */
static bool is_atext(char c) {
    if (ascii_is_alpha(c) || ascii_is_digit(c) || (unsigned char)c >= 0x80)
        return true;
    return slice_find_byte(S("!#$%&'*+-/=?^_`{|}~"), c) >= 0;
}

static bool is_dot_string(struct slice s) {
    bool after_atext = false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.' ? !after_atext : !is_atext(s.ptr[i]))
            return false;
        after_atext = s.ptr[i] != '.';
    }
    return after_atext;
}

/* RFC 5321 §4.1.2 Quoted-string; the opening quote is next. */
static int read_quoted(struct parser *p, struct slice *ret) {
    char *value = arena_alloc(p->arena, p->text.len - p->at);
    size_t len = 0;
    p->at++;
    while (!take(p, '"')) {
        (void)take(p, '\\');
        int c = peek(p);
        if (c < 0)
            return stop(p, -E_SYNTAX, N_("a closing quotation mark is missing"));
        if (c < 0x20 || c == 0x7f)
            return stop(p, -E_SYNTAX, N_("control characters are not allowed in an address"));
        if (c >= 0x80 && !(p->flags & ADDRESS_UTF8))
            return stop(p, -EILSEQ, N_("only ASCII characters are allowed in the address here"));
        value[len++] = (char)c;
        p->at++;
    }
    *ret = slice_of(value, len);
    return 0;
}

/* Dot-string; with ADDRESS_LOOSE the dots may stand anywhere. */
static int read_dot_string(struct parser *p, struct slice *ret) {
    size_t from = p->at;
    bool want_atext = true;
    for (int c; (c = peek(p)) >= 0; p->at++) {
        if (c >= 0x80 && !(p->flags & ADDRESS_UTF8))
            return stop(p, -EILSEQ, N_("only ASCII characters are allowed in the address here"));
        if (c != '.' && !is_atext((char)c))
            break;
        if (c == '.' && want_atext && !(p->flags & ADDRESS_LOOSE))
            return stop(p, -E_SYNTAX,
                        N_("dots stand only between other characters before the '@'"));
        want_atext = c == '.';
    }
    if (p->at == from)
        return stop(p, -E_SYNTAX, N_("a name is expected before the '@'"));
    if (want_atext && !(p->flags & ADDRESS_LOOSE))
        return stop(p, -E_SYNTAX, N_("dots stand only between other characters before the '@'"));
    *ret = slice_first(slice_from(p->text, from), p->at - from);
    return 0;
}

/* The text of a domain or a literal, not checked yet. */
static struct slice cut_domain(struct parser *p) {
    size_t from = p->at;
    if (take(p, '[')) {
        while (peek(p) >= 0 && !take(p, ']'))
            p->at++;
    } else {
        while (peek(p) >= 0 && slice_find_byte(S("> \t,:"), (char)peek(p)) < 0)
            p->at++;
    }
    return slice_first(slice_from(p->text, from), p->at - from);
}

static int fold_domain(struct arena *a, struct slice text, unsigned flags, struct address *address,
                       struct text_fault *fault) {
    address->literal = slice_starts(text, S("["));
    if (address->literal) {
        if (fault)
            *fault = (struct text_fault){0, "an address literal is [192.0.2.1] or "
                                            "[IPv6:2001:db8::1]"};
        return domain_literal(a, text, &address->domain);
    }
    unsigned loose = flags & ADDRESS_LOOSE ? DOMAIN_UNDERSCORE | DOMAIN_TRAILING_DOT : 0;
    unsigned utf8 = flags & ADDRESS_UTF8 ? DOMAIN_UTF8 : 0;
    return domain_canonical(a, text, loose | utf8, &address->domain, fault);
}

/* Reads what follows the '@' into `address`. */
static int read_domain(struct parser *p, struct address *address) {
    size_t from = p->at;
    struct slice text = cut_domain(p);
    int r = fold_domain(p->arena, text, p->flags, address, p->fault);
    if (r < 0 && p->fault)
        p->fault->at += from;
    return r;
}

/* Settles the flags of an address and checks its local part. */
static int settle(struct parser *p, struct address *address) {
    size_t max = p->flags & ADDRESS_LOOSE ? ADDRESS_PATH_MAX : ADDRESS_LOCAL_MAX;
    if (address->local.len > max)
        return stop(p, -E_LIMIT, N_("the part before the '@' is too long"));
    if (!utf8_valid(address->local))
        return stop(p, -E_SYNTAX, N_("the address has to be valid UTF-8"));
    address->needs_quotes = !is_dot_string(address->local);
    address->utf8 = false;
    for (size_t i = 0; i < address->local.len; i++)
        address->utf8 |= (unsigned char)address->local.ptr[i] >= 0x80;
    return 0;
}

/* Local part, '@', domain. With `postmaster`, a bare Postmaster before '>' will do. */
static int read_mailbox(struct parser *p, bool postmaster, struct address *address) {
    int r = peek(p) == '"' ? read_quoted(p, &address->local) : read_dot_string(p, &address->local);
    if (r < 0)
        return r;
    if (postmaster && peek(p) != '@' && slice_eq_nocase(address->local, S("postmaster")))
        return 0;
    if (!take(p, '@'))
        return stop(p, -E_SYNTAX, N_("an '@' and a domain are expected here"));
    r = read_domain(p, address);
    return r < 0 ? r : settle(p, address);
}

/* RFC 5321 §4.1.2 A-d-l ":"; the first '@' is next. */
static int skip_source_route(struct parser *p) {
    do {
        struct address hop = {0};
        if (!take(p, '@'))
            return stop(p, -E_SYNTAX, N_("an '@' is expected in a source route"));
        int r = read_domain(p, &hop);
        if (r < 0)
            return r;
    } while (take(p, ','));
    return take(p, ':') ? 0 : stop(p, -E_SYNTAX, N_("a ':' is expected behind a source route"));
}

static int read_path(struct parser *p, bool forward, struct address *address) {
    if (!take(p, '<')) {
        if (p->flags & ADDRESS_LOOSE)
            return read_mailbox(p, forward, address);
        return stop(p, -E_SYNTAX, N_("'<' is expected before the address"));
    }
    if (!forward && take(p, '>'))
        return 0;
    int r = peek(p) == '@' ? skip_source_route(p) : 0;
    if (r < 0)
        return r;
    r = read_mailbox(p, forward, address);
    if (r < 0)
        return r;
    return take(p, '>') ? 0 : stop(p, -E_SYNTAX, N_("'>' is expected behind the address"));
}

static bool at_blank(const struct parser *p) {
    return peek(p) == ' ' || peek(p) == '\t';
}

static int parse_path(struct parser *p, bool forward, struct address *ret, struct slice *ret_rest) {
    struct address address = {0};
    while (at_blank(p))
        p->at++;
    size_t from = p->at;
    int r = read_path(p, forward, &address);
    if (r < 0)
        return r;
    if (p->at < p->text.len && !at_blank(p))
        return stop(p, -E_SYNTAX, N_("a space is expected behind the address"));
    if (p->at - from > ADDRESS_PATH_MAX)
        return stop(p, -E_LIMIT, N_("an address has at most 256 characters with its brackets"));
    address.local = arena_copy(p->arena, address.local);
    *ret = address;
    *ret_rest = slice_trim(slice_from(p->text, p->at));
    return 0;
}

int address_parse_reverse_path(struct arena *a, struct slice text, unsigned flags,
                               struct address *ret, struct slice *ret_rest,
                               struct text_fault *fault) {
    struct parser p = {.arena = a, .text = text, .flags = flags, .fault = fault};
    return parse_path(&p, false, ret, ret_rest);
}

int address_parse_forward_path(struct arena *a, struct slice text, unsigned flags,
                               struct address *ret, struct slice *ret_rest,
                               struct text_fault *fault) {
    struct parser p = {.arena = a, .text = text, .flags = flags, .fault = fault};
    return parse_path(&p, true, ret, ret_rest);
}

static int parse_whole(struct parser *p, struct address *ret) {
    struct address address = {0};
    int r = read_mailbox(p, false, &address);
    if (r < 0)
        return r;
    if (p->at < p->text.len)
        return stop(p, -E_SYNTAX, N_("nothing is expected behind the domain"));
    if (p->text.len > ADDRESS_PATH_MAX - 2)
        return stop(p, -E_LIMIT, N_("an address has at most 254 characters"));
    address.local = arena_copy(p->arena, address.local);
    *ret = address;
    return 0;
}

int address_parse(struct arena *a, struct slice text, unsigned flags, struct address *ret,
                  struct problem *problem) {
    struct text_fault fault = {0};
    struct parser p = {.arena = a, .text = text, .flags = flags, .fault = &fault};
    int r = parse_whole(&p, ret);
    if (r < 0)
        return problem_set(problem, r,
                           N_("\"%.*s\" is not a mail address like tama@example.org: %s (character "
                              "%zu)"),
                           SLICE_ARG(text), fault.expected, fault.at + 1);
    return 0;
}

static int check_value(struct parser *p, struct slice local) {
    if (local.len == 0)
        return stop(p, -E_SYNTAX, N_("a name is expected before the '@'"));
    for (; p->at < local.len; p->at++) {
        unsigned char c = (unsigned char)local.ptr[p->at];
        if (c < 0x20 || c == 0x7f)
            return stop(p, -E_SYNTAX, N_("control characters are not allowed in an address"));
        if (c >= 0x80 && !(p->flags & ADDRESS_UTF8))
            return stop(p, -EILSEQ, N_("only ASCII characters are allowed in the address here"));
    }
    return 0;
}

int address_make(struct arena *a, struct slice local, struct slice domain, unsigned flags,
                 struct address *ret, struct text_fault *fault) {
    struct parser p = {.arena = a, .text = local, .flags = flags, .fault = fault};
    struct address address = {.local = local};
    int r = check_value(&p, local);
    if (r < 0)
        return r;
    r = fold_domain(a, domain, flags, &address, fault);
    if (r < 0)
        return r;
    r = settle(&p, &address);
    if (r < 0)
        return r;
    address.local = arena_copy(a, local);
    *ret = address;
    return 0;
}

struct address address_copy(struct arena *a, const struct address *address) {
    struct address copy = *address;
    copy.local = arena_copy(a, address->local);
    copy.domain = arena_copy(a, address->domain);
    return copy;
}

bool address_is_postmaster(const struct address *address) {
    return slice_eq_nocase(address->local, S("postmaster"));
}

bool address_eq(const struct address *a, const struct address *b) {
    return slice_eq(a->local, b->local) && slice_eq(a->domain, b->domain);
}

void address_print(struct buf *to, const struct address *address) {
    if (address_is_null(address))
        return;
    if (address->needs_quotes)
        buf_add_quoted(to, address->local);
    else
        buf_add(to, address->local);
    if (address->domain.len > 0) {
        buf_add_byte(to, '@');
        buf_add(to, address->domain);
    }
}

void address_print_path(struct buf *to, const struct address *address) {
    buf_add_byte(to, '<');
    address_print(to, address);
    buf_add_byte(to, '>');
}

struct slice address_text(struct arena *a, const struct address *address) {
    _cleanup_(buf_done) struct buf text = {0};
    address_print(&text, address);
    return arena_copy(a, buf_slice(&text));
}

bool address_split_detail(struct slice local, char separator, struct slice *ret_base,
                          struct slice *ret_detail) {
    ssize_t at = slice_find_byte(slice_from(local, 1), separator);
    if (at < 0) {
        *ret_base = local;
        *ret_detail = slice_from(local, local.len);
        return false;
    }
    *ret_base = slice_first(local, (size_t)at + 1);
    *ret_detail = slice_from(local, (size_t)at + 2);
    return true;
}
