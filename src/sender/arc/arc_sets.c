/* SPDX-License-Identifier: ISC */
#include "sender/arc/arc_sets.h"

#include "base/encode.h"
#include "base/words.h"
#include "message/header.h"
#include "sender/tags.h"

#define RESULTS S("ARC-Authentication-Results")
#define MESSAGE S("ARC-Message-Signature")
#define SEAL    S("ARC-Seal")

/* ------------------------------------------------------------------ one field */

bool arc_results_read(struct slice value, struct arena *a, unsigned *ret_instance,
                      struct slice *ret_results) {
    struct slice rest = header_unfold(a, value), head, name;
    uint64_t instance;
    if (!slice_next(&rest, ';', &head) || !slice_next(&head, '=', &name) ||
        !slice_eq(slice_trim(name), S("i")) ||
        slice_to_u64(slice_trim(head), ARC_SETS_MAX, &instance) < 0 || instance == 0)
        return false;
    *ret_instance = (unsigned)instance;
    *ret_results = rest.ptr ? slice_trim(rest) : S("");
    return true;
}

static bool read_instance(const struct tags *tags, unsigned *ret) {
    uint64_t instance;
    if (slice_to_u64(tags_value(tags, "i", S("")), ARC_SETS_MAX, &instance) < 0 || instance == 0)
        return false;
    *ret = (unsigned)instance;
    return true;
}

static const char *read_cv(const struct tags *tags, struct arc_fields *set) {
    struct slice cv = tags_value(tags, "cv", S(""));
    if (slice_eq_nocase(cv, S("none")))
        set->cv = ARC_CV_NONE;
    else if (slice_eq_nocase(cv, S("pass")))
        set->cv = ARC_CV_PASS;
    else if (slice_eq_nocase(cv, S("fail")))
        set->cv = ARC_CV_FAIL;
    else
        return N_("a seal has no cv=");
    return NULL;
}

/* §4.1.3: it has no h=, and signs no body. */
static const char *read_seal(struct arc_fields *set, const struct tags *tags, struct arena *a) {
    struct dkim_signature *s = &set->sealed;
    struct slice algorithm = tags_value(tags, "a", S(""));
    const struct tag *b = tags_find(tags, "b");
    if (tags_find(tags, "h"))
        return N_("a seal has an h=");
    s->algorithm = slice_eq_nocase(algorithm, S("rsa-sha256"))       ? DKIM_RSA_SHA256
                   : slice_eq_nocase(algorithm, S("ed25519-sha256")) ? DKIM_ED25519_SHA256
                                                                     : DKIM_NO_ALGORITHM;
    s->domain = arena_lower(a, tags_value(tags, "d", S("")));
    s->selector = arena_lower(a, tags_value(tags, "s", S("")));
    if (s->algorithm == DKIM_NO_ALGORITHM || s->domain.len == 0 || s->selector.len == 0 || !b ||
        base64_decode(a, tags_without_blanks(a, b->value), &s->signature) < 0)
        return N_("a seal cannot be read");
    size_t at = (size_t)(b->raw.ptr - set->seal->all.ptr);
    s->signed_form = arena_printf(a, "%.*s%.*s", SLICE_ARG(slice_first(set->seal->all, at)),
                                  SLICE_ARG(slice_from(set->seal->all, at + b->raw.len)));
    return read_cv(tags, set);
}

/* ------------------------------------------------------------------ all of them */

/* Puts a field to its set. NULL, or what is wrong. */
static const char *put(const struct sender_field **place, const struct sender_field *field) {
    if (*place)
        return N_("a set has a field twice");
    *place = field;
    return NULL;
}

static const char *place_results(const struct sender_fields *fields, struct arena *a,
                                 struct arc_fields *sets) {
    size_t first, count = sender_fields_find(fields, RESULTS, &first);
    const char *why = NULL;
    for (size_t i = 0; !why && i < count; i++) {
        const struct sender_field *f = &fields->list[fields->by_name[first + i]];
        unsigned instance;
        struct slice results;
        why = arc_results_read(f->value, a, &instance, &results)
                  ? put(&sets[instance - 1].results, f)
                  : N_("a field has no i= from 1 to 50");
    }
    return why;
}

/* The fields that are lists of tags: signatures, or seals, which are read whole. */
static const char *place_tagged(const struct sender_fields *fields, struct slice name, bool seals,
                                struct arena *a, struct arc_fields *sets) {
    size_t first, count = sender_fields_find(fields, name, &first);
    const char *why = NULL;
    for (size_t i = 0; !why && i < count; i++) {
        const struct sender_field *f = &fields->list[fields->by_name[first + i]];
        struct tags tags;
        unsigned instance;
        if (tags_read(f->value, a, &tags) < 0 || !read_instance(&tags, &instance))
            return N_("a field has no i= from 1 to 50");
        struct arc_fields *set = &sets[instance - 1];
        why = put(seals ? &set->seal : &set->message, f);
        if (!why && seals)
            why = read_seal(set, &tags, a);
    }
    return why;
}

/* §5.2, steps 1 to 3. */
static const char *judge_structure(const struct arc_sets *sets, unsigned *ret_instance) {
    for (size_t i = 0; i < sets->count; i++) {
        const struct arc_fields *s = &sets->list[i];
        *ret_instance = (unsigned)i + 1;
        if (!s->results || !s->message || !s->seal)
            return N_("a set is not whole");
        if (s->cv == ARC_CV_FAIL)
            return N_("a sealer has found the chain broken");
        if (s->cv != (i == 0 ? ARC_CV_NONE : ARC_CV_PASS))
            return N_("a seal says of the sets before it what cannot be");
    }
    *ret_instance = 0;
    return NULL;
}

const char *arc_sets_read(const struct sender_fields *fields, struct arena *a, struct arc_sets *ret,
                          unsigned *ret_instance) {
    size_t first;
    *ret = (struct arc_sets){0};
    *ret_instance = 0;
    if (sender_fields_find(fields, RESULTS, &first) + sender_fields_find(fields, MESSAGE, &first) +
            sender_fields_find(fields, SEAL, &first) ==
        0)
        return NULL;
    struct arc_fields *sets = arena_array(a, ARC_SETS_MAX, sizeof *sets);
    const char *why = place_results(fields, a, sets);
    ret->list = sets;
    if (!why)
        why = place_tagged(fields, MESSAGE, false, a, sets);
    if (!why)
        why = place_tagged(fields, SEAL, true, a, sets);
    for (size_t i = 0; i < ARC_SETS_MAX; i++)
        if (sets[i].results || sets[i].message || sets[i].seal)
            ret->count = i + 1;
    return why ? why : judge_structure(ret, ret_instance);
}

static void add_text(EVP_MD_CTX *to, struct buf *text) {
    digest_add(to, buf_slice(text));
    text->len = 0;
}

/* What a seal is of goes on where that of the one before had its signature: each set is hashed
 * once. */
void arc_sealed_digests(const struct arc_sets *sets, unsigned char (*ret)[DIGEST_LEN]) {
    _cleanup_(buf_done) struct buf text = {0};
    EVP_MD_CTX *whole = digest_begin();
    for (size_t i = 0; i < sets->count; i++) {
        const struct arc_fields *s = &sets->list[i];
        struct sender_field own = *s->seal;
        own.all = s->sealed.signed_form;
        own.value = slice_from(own.all, (size_t)(s->seal->value.ptr - s->seal->all.ptr));
        sender_field_add(&text, s->results, true);
        sender_field_add(&text, s->message, true);
        add_text(whole, &text);
        EVP_MD_CTX *unsealed = digest_copy(whole);
        sender_field_add(&text, &own, true);
        text.len -= 2; /* without the last line end */
        add_text(unsealed, &text);
        digest_end(unsealed, ret[i]);
        EVP_MD_CTX_free(unsealed);
        sender_field_add(&text, s->seal, true);
        add_text(whole, &text);
    }
    EVP_MD_CTX_free(whole);
}
