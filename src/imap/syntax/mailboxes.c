/* SPDX-License-Identifier: ISC */
#include "imap/syntax/mailboxes.h"

#include "imap/syntax/grow.h"

/* ------------------------------------------------------------------ SELECT, EXAMINE */

/* A set in which every number is told. */
static bool take_plain_set(struct imap_cursor *c, struct imap_set *ret) {
    struct imap_cursor from = *c;
    if (!token_set(c, ret))
        return false;
    if (!ret->star && !ret->saved)
        return true;
    c->rest = from.rest;
    return token_fail(c, "a set of numbers without * and $");
}

/* RFC 7162 §3.2.5: (uidvalidity modseq [known-uids] [(numbers uids)]) */
static bool take_qresync(struct imap_cursor *c, struct imap_select *ret) {
    ret->qresync = true;
    if (!token_space(c) || !token_byte(c, '(') || !token_nz(c, &ret->uid_validity) ||
        !token_space(c) || !token_number64(c, &ret->modseq))
        return false;
    bool more = token_maybe(c, ' ');
    if (more && !token_next_is(c, '(')) {
        ret->has_known = true;
        if (!take_plain_set(c, &ret->known))
            return false;
        more = token_maybe(c, ' ');
    }
    if (more) {
        ret->has_match = true;
        if (!token_byte(c, '(') || !take_plain_set(c, &ret->numbers) || !token_space(c) ||
            !take_plain_set(c, &ret->uids) || !token_byte(c, ')'))
            return false;
    }
    return token_byte(c, ')');
}

bool imap_take_select(struct imap_cursor *c, struct imap_select *ret) {
    static const char *const names[] = {"CONDSTORE", "QRESYNC"};
    size_t at;
    if (!token_mailbox(c, &ret->mailbox))
        return false;
    if (token_at_end(c))
        return true;
    if (!token_space(c) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);) {
        if (!token_word(c, names, ARRAY_SIZE(names), "CONDSTORE or QRESYNC", &at))
            return false;
        if (at == 0)
            ret->condstore = true;
        else if (!take_qresync(c, ret))
            return false;
    }
    return !c->expected;
}

/* ------------------------------------------------------------------ CREATE */

/* RFC 6154 §6: USE (\Drafts \Sent) */
static bool take_use(struct imap_cursor *c, struct imap_create *ret) {
    static const char *const names[] = {"All",  "Archive", "Drafts", "Flagged",
                                        "Junk", "Sent",    "Trash",  "Important"};
    struct slice name;
    if (!token_maybe_word(c, "USE"))
        return token_fail(c, "USE");
    if (!token_space(c) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);) {
        if (!token_maybe(c, '\\'))
            return token_fail(c, "a special use such as \\Sent");
        if (!token_atom(c, "a special use such as \\Sent", &name))
            return false;
        unsigned use = IMAP_USE_OTHER;
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
            if (slice_eq_nocase(name, slice_of_str(names[i])))
                use = 1U << i;
        ret->use |= use;
    }
    return !c->expected;
}

bool imap_take_create(struct imap_cursor *c, struct imap_create *ret) {
    if (!token_mailbox(c, &ret->mailbox))
        return false;
    if (token_at_end(c))
        return true;
    return token_space(c) && token_byte(c, '(') && take_use(c, ret) && token_byte(c, ')');
}

/* ------------------------------------------------------------------ STATUS */

static const char *const status_names[IMAP_STATUS_ITEMS] = {
    "MESSAGES", "RECENT",        "UIDNEXT",     "UIDVALIDITY", "UNSEEN",          "DELETED",
    "SIZE",     "HIGHESTMODSEQ", "APPENDLIMIT", "MAILBOXID",   "DELETED-STORAGE",
};

const char *imap_status_name(enum imap_status_item item) {
    return status_names[__builtin_ctz(item)];
}

static bool take_status_items(struct imap_cursor *c, unsigned *ret) {
    size_t at;
    if (!token_space(c) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);) {
        if (!token_word(c, status_names, IMAP_STATUS_ITEMS, "an item of STATUS", &at))
            return false;
        *ret |= 1U << at;
    }
    return !c->expected && (*ret || token_fail(c, "an item of STATUS"));
}

bool imap_take_status(struct imap_cursor *c, struct imap_status *ret) {
    return token_mailbox(c, &ret->mailbox) && take_status_items(c, &ret->items);
}

/* ------------------------------------------------------------------ metadata */

static bool take_entry(struct imap_cursor *c, struct imap_entry *ret) {
    struct imap_cursor from = *c;
    if (!token_astring(c, "the name of an entry", &ret->name))
        return false;
    if (slice_starts_nocase(ret->name, S("/private/")) ||
        slice_starts_nocase(ret->name, S("/shared/")))
        return true;
    c->rest = from.rest;
    return token_fail(c, "an entry below /private/ or /shared/");
}

/* One entry, or several in parentheses, each with its value in SETMETADATA. */
static bool take_entry_list(struct imap_cursor *c, bool values, struct imap_metadata *ret) {
    struct imap_entry *entries = NULL;
    size_t size = 0, count = 0;
    if (!values && !token_next_is(c, '(')) {
        entries = imap_grow(c->arena, entries, count, &size, sizeof *entries);
        if (!take_entry(c, &entries[count++]))
            return false;
    } else {
        if (!token_byte(c, '('))
            return false;
        for (bool first = true; token_member(c, &first);) {
            entries = imap_grow(c->arena, entries, count, &size, sizeof *entries);
            struct imap_entry *entry = &entries[count++];
            if (!take_entry(c, entry))
                return false;
            if (values && (!token_space(c) || !token_nstring8(c, "a value or NIL", &entry->value)))
                return false;
        }
    }
    ret->entries = entries;
    ret->entry_count = count;
    return !c->expected && (count > 0 || token_fail(c, "the name of an entry"));
}

/* "(MAXSIZE 1024 DEPTH 1)", of which the "(" was taken. */
static bool take_metadata_options(struct imap_cursor *c, struct imap_metadata *ret) {
    static const char *const names[] = {"MAXSIZE", "DEPTH"};
    static const char *const depths[] = {"0", "1", "infinity"};
    size_t at, depth;
    for (bool first = true; token_member(c, &first);) {
        if (!token_word(c, names, ARRAY_SIZE(names), "MAXSIZE or DEPTH", &at) || !token_space(c))
            return false;
        if (at == 0) {
            ret->has_max_size = true;
            if (!token_u32(c, &ret->max_size))
                return false;
            continue;
        }
        if (!token_word(c, depths, ARRAY_SIZE(depths), "0, 1 or infinity", &depth))
            return false;
        ret->depth = depth == 2 ? UINT32_MAX : (uint32_t)depth;
    }
    return !c->expected;
}

static bool options_are_next(const struct imap_cursor *c) {
    return slice_starts_nocase(c->rest, S("(MAXSIZE ")) ||
           slice_starts_nocase(c->rest, S("(DEPTH "));
}

bool imap_take_entries(struct imap_cursor *c, struct imap_metadata *ret) {
    if (options_are_next(c)) {
        (void)token_byte(c, '(');
        if (!take_metadata_options(c, ret) || !token_space(c))
            return false;
    }
    return take_entry_list(c, false, ret);
}

/* Options stand before the name (RFC 5464 §5) or behind it, as its examples had them. */
bool imap_take_getmetadata(struct imap_cursor *c, struct imap_metadata *ret) {
    if (token_maybe(c, '(') && (!take_metadata_options(c, ret) || !token_space(c)))
        return false;
    if (slice_starts(c->rest, S("\"\""))) {
        c->rest = slice_from(c->rest, 2);
        ret->mailbox = S("");
    } else if (!token_mailbox(c, &ret->mailbox)) {
        return false;
    }
    return token_space(c) && imap_take_entries(c, ret);
}

bool imap_take_setmetadata(struct imap_cursor *c, struct imap_metadata *ret) {
    if (slice_starts(c->rest, S("\"\""))) {
        c->rest = slice_from(c->rest, 2);
        ret->mailbox = S("");
    } else if (!token_mailbox(c, &ret->mailbox)) {
        return false;
    }
    return token_space(c) && take_entry_list(c, true, ret);
}

/* ------------------------------------------------------------------ LIST */

static bool take_select_options(struct imap_cursor *c, struct imap_list *ret) {
    static const char *const names[] = {"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"};
    size_t at;
    for (bool first = true; token_member(c, &first);) {
        if (!token_word(c, names, ARRAY_SIZE(names), "an option of LIST", &at))
            return false;
        ret->options |= (unsigned)IMAP_LIST_SELECT_SUBSCRIBED << at;
    }
    unsigned base = IMAP_LIST_SELECT_SUBSCRIBED | IMAP_LIST_SELECT_SPECIAL_USE;
    if (ret->options & IMAP_LIST_SELECT_RECURSIVEMATCH && !(ret->options & base))
        return token_fail(c, "SUBSCRIBED or SPECIAL-USE beside RECURSIVEMATCH");
    return !c->expected;
}

static bool take_return_options(struct imap_cursor *c, struct imap_list *ret) {
    static const char *const names[] = {"SUBSCRIBED", "CHILDREN", "SPECIAL-USE",
                                        "STATUS",     "MYRIGHTS", "METADATA"};
    size_t at;
    if (!token_maybe_word(c, "RETURN"))
        return token_fail(c, "RETURN");
    if (!token_space(c) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);) {
        if (!token_word(c, names, ARRAY_SIZE(names), "what LIST can return", &at))
            return false;
        unsigned option = (unsigned)IMAP_LIST_RETURN_SUBSCRIBED << at;
        ret->options |= option;
        if (option == IMAP_LIST_RETURN_STATUS && !take_status_items(c, &ret->status))
            return false;
        if (option == IMAP_LIST_RETURN_METADATA &&
            (!token_space(c) || !imap_take_entries(c, &ret->metadata)))
            return false;
    }
    return !c->expected;
}

/* One pattern, or several in parentheses. */
static bool take_patterns(struct imap_cursor *c, struct imap_list *ret) {
    struct slice *patterns = NULL;
    size_t size = 0, count = 0;
    if (!token_maybe(c, '(')) {
        patterns = imap_grow(c->arena, patterns, count, &size, sizeof *patterns);
        if (!token_mailbox_pattern(c, &patterns[count++]))
            return false;
    } else {
        ret->options |= IMAP_LIST_EXTENDED;
        for (bool first = true; token_member(c, &first);) {
            patterns = imap_grow(c->arena, patterns, count, &size, sizeof *patterns);
            if (!token_mailbox_pattern(c, &patterns[count++]))
                return false;
        }
    }
    ret->patterns = patterns;
    ret->pattern_count = count;
    return !c->expected && (count > 0 || token_fail(c, "a pattern for names of mailboxes"));
}

bool imap_take_lsub(struct imap_cursor *c, struct imap_list *ret) {
    struct slice *pattern = ARENA_NEW(c->arena, struct slice);
    ret->patterns = pattern;
    ret->pattern_count = 1;
    return token_mailbox_pattern(c, &ret->reference) && token_space(c) &&
           token_mailbox_pattern(c, pattern);
}

bool imap_take_list(struct imap_cursor *c, struct imap_list *ret) {
    if (token_maybe(c, '(')) {
        ret->options |= IMAP_LIST_EXTENDED;
        if (!take_select_options(c, ret) || !token_space(c))
            return false;
    }
    if (!token_mailbox_pattern(c, &ret->reference) || !token_space(c) || !take_patterns(c, ret))
        return false;
    if (token_at_end(c))
        return true;
    ret->options |= IMAP_LIST_EXTENDED;
    return token_space(c) && take_return_options(c, ret);
}
