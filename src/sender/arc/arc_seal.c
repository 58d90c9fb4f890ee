/* SPDX-License-Identifier: ISC */
#include "sender/arc/arc_seal.h"

#include "base/alloc.h"
#include "sender/arc/arc_sets.h"

struct arc_seal {
    struct arena arena;
    struct arc_sealing sealing;
    struct sender_fields fields;
    struct arc_sets sets;
    unsigned instance;
    bool broken; /* the sets below are not sealed again (§5.1.2) */
    struct buf results, message, seal;
};

/* A field that was made, without its line end. */
static struct sender_field field_of(const struct buf *text) {
    struct slice all = slice_trim_lines(buf_slice(text));
    size_t name = (size_t)slice_find_byte(all, ':');
    return (struct sender_field){slice_first(all, name), all, slice_from(all, name + 1)};
}

int arc_seal_new(const struct arc_sealing *sealing, struct slice header,
                 unsigned char digest[static DIGEST_LEN], struct arc_seal **ret) {
    _cleanup_(buf_done) struct buf names = {0};
    struct arc_seal *s = NEW(struct arc_seal);
    unsigned wrong;
    s->sealing = *sealing;
    s->broken = sealing->chain != ARC_PASS && sealing->chain != ARC_NONE;
    bool read = sender_fields_read(header, &s->arena, &s->fields) == 0;
    if (read)
        (void)arc_sets_read(&s->fields, &s->arena, &s->sets, &wrong);
    s->instance = (unsigned)s->sets.count + 1;
    if (!read || s->instance > ARC_SETS_MAX ||
        (s->sets.count > 0 && s->sets.list[s->sets.count - 1].cv == ARC_CV_FAIL)) {
        arc_seal_free(s);
        return -E_REFUSED;
    }
    buf_printf(&s->results, "ARC-Authentication-Results: i=%u; %.*s\r\n", s->instance,
               SLICE_ARG(sealing->results));
    dkim_sign_names(&s->fields, &names);
    const struct dkim_signing signing = {.instance = s->instance,
                                         .algorithm = sealing->algorithm,
                                         .domain = sealing->domain,
                                         .selector = sealing->selector,
                                         .now = sealing->now,
                                         .body_hash = sealing->body_hash};
    dkim_sign_begin(&signing, &s->fields, buf_slice(&names), &s->message, digest);
    *ret = s;
    return 0;
}

void arc_seal_message(struct arc_seal *s, struct slice signature,
                      unsigned char digest[static DIGEST_LEN]) {
    _cleanup_(buf_done) struct buf text = {0};
    dkim_sign_end(&s->message, signature);
    buf_printf(
        &s->seal, "ARC-Seal: i=%u; a=%s; cv=%s; t=%lld;\r\n\td=%.*s; s=%.*s;\r\n\tb=", s->instance,
        dkim_algorithm_name(s->sealing.algorithm),
        s->instance == 1 ? "none"
        : s->broken      ? "fail"
                         : "pass",
        (long long)s->sealing.now, SLICE_ARG(s->sealing.domain), SLICE_ARG(s->sealing.selector));
    const struct sender_field results = field_of(&s->results), message = field_of(&s->message),
                              seal = field_of(&s->seal);
    for (size_t i = 0; !s->broken && i < s->sets.count; i++) {
        const struct arc_fields *set = &s->sets.list[i];
        sender_field_add(&text, set->results, true);
        sender_field_add(&text, set->message, true);
        sender_field_add(&text, set->seal, true);
    }
    sender_field_add(&text, &results, true);
    sender_field_add(&text, &message, true);
    sender_field_add(&text, &seal, true);
    text.len -= 2;
    digest_of(buf_slice(&text), digest);
}

void arc_seal_end(struct arc_seal *s, struct slice signature, struct buf *to) {
    dkim_sign_end(&s->seal, signature);
    buf_add(to, buf_slice(&s->seal));
    buf_add(to, buf_slice(&s->message));
    buf_add(to, buf_slice(&s->results));
}

void arc_seal_free(struct arc_seal *s) {
    if (!s)
        return;
    buf_done(&s->results);
    buf_done(&s->message);
    buf_done(&s->seal);
    arena_done(&s->arena);
    free(s);
}
