/* SPDX-License-Identifier: ISC */
#include "sender/dkim/dkim_signature.h"

#include "base/encode.h"
#include "base/words.h"
#include "sender/tags.h"

#define NUMBER_DIGITS 12U /* of t= and x=: some ten thousand years */
#define LENGTH_DIGITS 76U /* of l=, §3.5 */

struct reading {
    const struct tags *tags;
    struct arena *arena;
    bool arc;
    struct dkim_signature *to;
};

static const char *read_version(const struct reading *r) {
    const struct tag *v = tags_find(r->tags, "v");
    if (r->arc) /* it is no tag of it, and passed over as others: RFC 8617 §4.1.2 */
        return NULL;
    return v && slice_eq(v->value, S("1")) ? NULL : N_("it is of another version");
}

static const char *read_algorithm(const struct reading *r) {
    struct slice a = tags_value(r->tags, "a", S(""));
    if (slice_eq_nocase(a, S("rsa-sha256")))
        r->to->algorithm = DKIM_RSA_SHA256;
    else if (slice_eq_nocase(a, S("ed25519-sha256")))
        r->to->algorithm = DKIM_ED25519_SHA256;
    else if (slice_eq_nocase(a, S("rsa-sha1")))
        r->to->algorithm = DKIM_RSA_SHA1;
    else
        return a.len > 0 ? N_("it has an unknown algorithm") : N_("it has no a=");
    return NULL;
}

/* "relaxed/simple"; the body is simple if nothing is said of it. */
static const char *read_forms(const struct reading *r) {
    struct slice body = tags_value(r->tags, "c", S("simple")), header;
    if (!slice_next(&body, '/', &header))
        return N_("it has an unknown c=");
    r->to->relaxed_header = slice_eq_nocase(header, S("relaxed"));
    r->to->relaxed_body = body.ptr && slice_eq_nocase(body, S("relaxed"));
    bool known = (r->to->relaxed_header || slice_eq_nocase(header, S("simple"))) &&
                 (!body.ptr || r->to->relaxed_body || slice_eq_nocase(body, S("simple")));
    return known ? NULL : N_("it has an unknown c=");
}

/* Letters, digits, "-", "_", "." and UTF-8: what can be a part of a name in DNS. */
static bool is_name(struct slice s) {
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        if (!ascii_is_alpha((char)c) && !ascii_is_digit((char)c) && c < 0x80 &&
            slice_find_byte(S("-_."), (char)c) < 0)
            return false;
    }
    return s.len > 0 && s.len < 256 && s.ptr[0] != '.' && s.ptr[s.len - 1] != '.';
}

static const char *read_domain(const struct reading *r) {
    r->to->domain = arena_lower(r->arena, tags_value(r->tags, "d", S("")));
    r->to->selector = arena_lower(r->arena, tags_value(r->tags, "s", S("")));
    if (!is_name(r->to->domain))
        return N_("its d= is no domain");
    return is_name(r->to->selector) ? NULL : N_("its s= is no selector");
}

/* i= is of the domain or one below it. */
static const char *read_identity(const struct reading *r, enum dkim_result *result) {
    struct slice d = r->to->domain;
    const struct tag *i = tags_find(r->tags, "i");
    if (r->arc)
        return i && slice_to_u64(i->value, 50, &r->to->instance) == 0 && r->to->instance > 0
                   ? NULL
                   : N_("its i= is no number from 1 to 50");
    r->to->identity = i ? i->value : arena_printf(r->arena, "@%.*s", SLICE_ARG(d));
    ssize_t at = slice_rfind_byte(r->to->identity, '@');
    struct slice of = slice_from(r->to->identity, (size_t)(at + 1));
    *result = DKIM_PERMERROR;
    return at >= 0 && slice_ends_nocase(of, d) &&
                   (of.len == d.len || of.ptr[of.len - d.len - 1] == '.')
               ? NULL
               : N_("its i= is not of its d=");
}

static bool names_from(struct slice names) {
    struct slice name;
    while (slice_next(&names, ':', &name))
        if (slice_eq_nocase(name, S("from")))
            return true;
    return false;
}

static const char *read_names(const struct reading *r, enum dkim_result *result) {
    struct slice all = tags_without_blanks(r->arena, tags_value(r->tags, "h", S(""))), name;
    unsigned count = 0;
    r->to->names = all;
    if (all.len == 0)
        return N_("it has no h=");
    while (slice_next(&all, ':', &name))
        if (name.len == 0 || ++count > DKIM_NAMES_MAX)
            return N_("it has an h= that cannot be read");
    *result = DKIM_PERMERROR;
    return names_from(r->to->names) ? NULL : N_("it does not sign From");
}

static bool read_number(const struct reading *r, const char *name, int64_t *ret) {
    const struct tag *tag = tags_find(r->tags, name);
    uint64_t number;
    *ret = -1;
    if (!tag)
        return true;
    if (tag->value.len > NUMBER_DIGITS || slice_to_u64(tag->value, INT64_MAX, &number) < 0)
        return false;
    *ret = (int64_t)number;
    return true;
}

static const char *read_times(const struct reading *r) {
    if (!read_number(r, "t", &r->to->made) || !read_number(r, "x", &r->to->expires))
        return N_("its t= or x= is no time");
    return r->to->expires >= 0 && r->to->expires <= r->to->made ? N_("it ends before it begins")
                                                                : NULL;
}

/* Up to 76 digits; a number that fits nowhere is more than any body has. */
static const char *read_length(const struct reading *r) {
    const struct tag *l = tags_find(r->tags, "l");
    r->to->length = UINT64_MAX;
    if (!l)
        return NULL;
    int error = slice_to_u64(l->value, UINT64_MAX - 1, &r->to->length);
    if (error == -E_LIMIT)
        r->to->length = UINT64_MAX - 1;
    return error == -E_SYNTAX || l->value.len > LENGTH_DIGITS ? N_("its l= is no length") : NULL;
}

static const char *read_bytes(const struct reading *r) {
    struct slice bh = tags_without_blanks(r->arena, tags_value(r->tags, "bh", S("")));
    r->to->signature_text = tags_without_blanks(r->arena, tags_value(r->tags, "b", S("")));
    if (bh.len == 0 || base64_decode(r->arena, bh, &r->to->body_hash) < 0)
        return N_("its bh= is not in Base64");
    if (r->to->signature_text.len == 0 ||
        base64_decode(r->arena, r->to->signature_text, &r->to->signature) < 0)
        return N_("its b= is not in Base64");
    return NULL;
}

static const char *read_query(const struct reading *r) {
    struct slice q = tags_value(r->tags, "q", S("dns/txt")), item;
    while (slice_next(&q, ':', &item))
        if (slice_eq_nocase(slice_trim(item), S("dns/txt")))
            return NULL;
    return N_("its key is not in DNS");
}

/* "b=" and its value goes, with the blanks around it, from the field as it stands (§3.7). */
static void cut_signature(const struct sender_field *field, const struct reading *r) {
    const struct tag *b = tags_find(r->tags, "b");
    size_t at = (size_t)(b->raw.ptr - field->all.ptr);
    r->to->signed_form = arena_printf(r->arena, "%.*s%.*s", SLICE_ARG(slice_first(field->all, at)),
                                      SLICE_ARG(slice_from(field->all, at + b->raw.len)));
}

const char *dkim_signature_read(const struct sender_field *field, bool arc, struct arena *a,
                                struct dkim_signature *ret, enum dkim_result *ret_result) {
    struct tags tags;
    const struct reading r = {&tags, a, arc, ret};
    const char *why;
    *ret = (struct dkim_signature){.made = -1, .expires = -1};
    *ret_result = DKIM_NEUTRAL;
    if (tags_read(field->value, a, &tags) < 0)
        return N_("it is no list of tags, or has one twice");
    why = read_domain(&r);
    const char *algorithm = read_algorithm(&r);
    if ((why = why ? why : algorithm) || (why = read_version(&r)) || (why = read_forms(&r)) ||
        (why = read_length(&r)) || (why = read_times(&r)) || (why = read_bytes(&r)) ||
        (why = read_query(&r)))
        return why;
    if ((why = read_names(&r, ret_result)))
        return why;
    *ret_result = DKIM_NEUTRAL;
    if ((why = read_identity(&r, ret_result)))
        return why;
    cut_signature(field, &r);
    return NULL;
}

/* ------------------------------------------------------------------ what is signed */

void dkim_signed_header(const struct sender_fields *fields, const struct sender_field *own,
                        const struct dkim_signature *signature, struct buf *to) {
    _cleanup_(arena_done) struct arena a = {0};
    uint32_t *taken = arena_array(&a, fields->count, sizeof *taken); /* of a name, by its first */
    struct slice names = signature->names, name;
    while (slice_next(&names, ':', &name)) {
        size_t first, count = sender_fields_find(fields, name, &first);
        if (count == 0 || taken[first] == count)
            continue; /* signed that there is none, or no more of them */
        size_t place = fields->by_name[first + count - ++taken[first]];
        if (&fields->list[place] != own)
            sender_field_add(to, &fields->list[place], signature->relaxed_header);
    }
    struct sender_field unsigned_own = *own;
    unsigned_own.all = signature->signed_form;
    unsigned_own.value = slice_from(unsigned_own.all, (size_t)(own->value.ptr - own->all.ptr));
    sender_field_add(to, &unsigned_own, signature->relaxed_header);
    to->len -= 2; /* without the last line end */
}
