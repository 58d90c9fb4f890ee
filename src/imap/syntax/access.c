/* SPDX-License-Identifier: ISC */
#include "imap/syntax/access.h"

#include "imap/syntax/grow.h"

/* ------------------------------------------------------------------ ACL */

bool imap_take_deleteacl(struct imap_cursor *c, struct imap_acl *ret) {
    return token_mailbox(c, &ret->mailbox) && token_space(c) &&
           token_astring(c, "an identifier", &ret->identifier);
}

bool imap_take_setacl(struct imap_cursor *c, struct imap_acl *ret) {
    if (!imap_take_deleteacl(c, ret) || !token_space(c) ||
        !token_astring(c, "rights such as lrs", &ret->rights))
        return false;
    if (slice_starts(ret->rights, S("+")))
        ret->change = IMAP_RIGHTS_ADD;
    else if (slice_starts(ret->rights, S("-")))
        ret->change = IMAP_RIGHTS_REMOVE;
    if (ret->change != IMAP_RIGHTS_REPLACE)
        ret->rights = slice_from(ret->rights, 1);
    return true;
}

/* ------------------------------------------------------------------ QUOTA */

bool imap_take_setquota(struct imap_cursor *c, struct imap_setquota *ret) {
    struct imap_resource *resources = NULL;
    size_t size = 0, count = 0;
    if (!token_astring(c, "a quota root", &ret->root) || !token_space(c) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);) {
        resources = imap_grow(c->arena, resources, count, &size, sizeof *resources);
        if (!token_atom(c, "a resource such as STORAGE", &resources[count].name) ||
            !token_space(c) || !token_number64(c, &resources[count].limit))
            return false;
        count++;
    }
    ret->resources = resources;
    ret->resource_count = count;
    return !c->expected;
}

/* ------------------------------------------------------------------ NOTIFY */

/* One event, with the attributes of MessageNew. */
static bool take_event(struct imap_cursor *c, struct imap_watch *ret) {
    static const char *const names[] = {
        "MessageNew",
        "MessageExpunge",
        "FlagChange",
        "AnnotationChange",
        "MailboxName",
        "SubscriptionChange",
        "MailboxMetadataChange",
        "ServerMetadataChange",
    };
    struct slice name;
    if (!token_atom(c, "an event", &name))
        return false;
    unsigned event = IMAP_EVENT_OTHER;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (slice_eq_nocase(name, slice_of_str(names[i])))
            event = 1U << i;
    ret->events |= event;
    if (event != IMAP_EVENT_MESSAGE_NEW || !slice_starts(c->rest, S(" (")))
        return true;
    return token_space(c) && imap_take_attributes(c, &ret->what);
}

/* RFC 5465 §8: NONE, or a list of events. Its parentheses may be missing, as in the examples of
 * §3.1. */
static bool take_events(struct imap_cursor *c, struct imap_watch *ret) {
    if (token_maybe_word(c, "NONE"))
        return true;
    if (!token_maybe(c, '(')) {
        do {
            if (!take_event(c, ret))
                return false;
        } while (token_maybe(c, ' '));
        return true;
    }
    for (bool first = true; token_member(c, &first);)
        if (!take_event(c, ret))
            return false;
    return !c->expected && (ret->events || token_fail(c, "an event"));
}

bool imap_take_notify(struct imap_cursor *c, struct imap_notify *ret) {
    struct imap_watch *watches = NULL;
    size_t size = 0, count = 0;
    if (token_maybe_word(c, "NONE")) {
        ret->none = true;
        return true;
    }
    if (!token_maybe_word(c, "SET"))
        return token_fail(c, "SET or NONE");
    if (!token_space(c))
        return false;
    if (token_maybe_word(c, "STATUS")) {
        ret->status = true;
        if (!token_space(c))
            return false;
    }
    do {
        watches = imap_grow(c->arena, watches, count, &size, sizeof *watches);
        struct imap_watch *watch = &watches[count++];
        if (!token_byte(c, '(') || !imap_take_source(c, &watch->source) || !token_space(c) ||
            !take_events(c, watch) || !token_byte(c, ')'))
            return false;
    } while (!token_at_end(c) && token_space(c));
    ret->watches = watches;
    ret->watch_count = count;
    return !c->expected;
}

/* ------------------------------------------------------------------ words and pairs */

bool imap_take_words(struct imap_cursor *c, struct imap_words *ret) {
    struct slice *words = NULL;
    size_t size = 0, count = 0;
    do {
        if (count == IMAP_WORDS_MAX)
            return token_fail(c, "fewer words");
        words = imap_grow(c->arena, words, count, &size, sizeof *words);
        if (!token_astring(c, "a word", &words[count++]))
            return false;
    } while (!token_at_end(c) && token_space(c));
    ret->words = words;
    ret->count = count;
    return !c->expected;
}

bool imap_take_resetkey(struct imap_cursor *c, struct imap_resetkey *ret) {
    if (!token_mailbox(c, &ret->mailbox))
        return false;
    return token_at_end(c) || (token_space(c) && imap_take_words(c, &ret->mechanisms));
}

bool imap_take_genurlauth(struct imap_cursor *c, struct imap_genurlauth *ret) {
    struct imap_url_mechanism *urls = NULL;
    size_t size = 0, count = 0;
    do {
        urls = imap_grow(c->arena, urls, count, &size, sizeof *urls);
        if (!token_astring(c, "a URL", &urls[count].url) || !token_space(c) ||
            !token_atom(c, "a mechanism such as INTERNAL", &urls[count].mechanism))
            return false;
        count++;
    } while (!token_at_end(c) && token_space(c));
    ret->urls = urls;
    ret->count = count;
    return !c->expected;
}

bool imap_take_uidbatches(struct imap_cursor *c, struct imap_uidbatches *ret) {
    if (!token_nz(c, &ret->size))
        return false;
    if (token_at_end(c))
        return true;
    uint32_t from, to;
    if (!token_space(c) || !token_nz(c, &from) || !token_byte(c, ':') || !token_nz(c, &to))
        return false;
    ret->first = from;
    ret->last = to;
    return true;
}

bool imap_take_id(struct imap_cursor *c, struct imap_id *ret) {
    struct slice name, value;
    if (token_maybe_word(c, "NIL"))
        return true;
    if (!token_byte(c, '('))
        return false;
    ret->fields = arena_array(c->arena, IMAP_ID_MAX, sizeof *ret->fields);
    for (bool first = true; token_member(c, &first);) {
        if (!token_string(c, "the name of a field", &name) || !token_space(c) ||
            !token_nstring(c, "a value or NIL", &value))
            return false;
        if (ret->count == IMAP_ID_MAX)
            continue;
        ret->fields[ret->count].name = slice_first(name, IMAP_ID_VALUE);
        ret->fields[ret->count++].value = slice_first(value, IMAP_ID_VALUE);
    }
    return !c->expected;
}
