/* SPDX-License-Identifier: ISC */
/* What stands around the keys in the four commands that search. */
#include "imap/syntax/search.h"

#include "imap/syntax/grow.h"

/* ------------------------------------------------------------------ RETURN */

/* "RETURN (" is next, or what has come before; the space behind ")" is taken too. */
static bool take_returns(struct imap_cursor *c, struct imap_returns *ret) {
    static const char *const names[] = {
        "MIN", "MAX", "ALL", "COUNT", "SAVE", "PARTIAL", "UPDATE", "CONTEXT", "RELEVANCY",
    };
    size_t at;
    if (!token_maybe_word(c, "RETURN"))
        return true;
    if (!token_space(c) || !token_byte(c, '('))
        return false;
    ret->set = IMAP_RETURN_GIVEN;
    for (bool first = true; token_member(c, &first);) {
        if (!token_word(c, names, ARRAY_SIZE(names), "a result of SEARCH", &at))
            return false;
        unsigned one = 1U << (at + 1);
        ret->set |= one;
        if (one == IMAP_RETURN_PARTIAL && (!token_space(c) || !imap_take_partial(c, &ret->partial)))
            return false;
        if (one == IMAP_RETURN_UPDATE && slice_starts(c->rest, S(" (")))
            (void)token_space(c);
        if (one == IMAP_RETURN_UPDATE && token_next_is(c, '(') &&
            !imap_take_attributes(c, &ret->update))
            return false;
    }
    if (ret->set == IMAP_RETURN_GIVEN)
        ret->set |= IMAP_RETURN_ALL;
    return !c->expected && token_space(c);
}

/* ------------------------------------------------------------------ SEARCH, SORT, THREAD */

bool imap_take_search(struct imap_cursor *c, struct imap_search *ret) {
    if (!take_returns(c, &ret->returns))
        return false;
    if (token_maybe_word(c, "CHARSET") &&
        (!token_space(c) || !token_astring(c, "a charset", &ret->program.charset) ||
         !token_space(c)))
        return false;
    return imap_take_program(c, &ret->program);
}

/* The charset, which is not left out here, and the keys. */
static bool take_charset_and_keys(struct imap_cursor *c, struct imap_search *ret) {
    return token_space(c) && token_astring(c, "a charset", &ret->program.charset) &&
           token_space(c) && imap_take_program(c, &ret->program);
}

bool imap_take_sort(struct imap_cursor *c, struct imap_search *ret) {
    static const char *const names[] = {
        [IMAP_SORT_ARRIVAL] = "ARRIVAL",
        [IMAP_SORT_CC] = "CC",
        [IMAP_SORT_DATE] = "DATE",
        [IMAP_SORT_FROM] = "FROM",
        [IMAP_SORT_SIZE] = "SIZE",
        [IMAP_SORT_SUBJECT] = "SUBJECT",
        [IMAP_SORT_TO] = "TO",
        [IMAP_SORT_DISPLAYFROM] = "DISPLAYFROM",
        [IMAP_SORT_DISPLAYTO] = "DISPLAYTO",
        [IMAP_SORT_RELEVANCY] = "RELEVANCY",
    };
    unsigned known = 0;
    size_t at;
    if (!take_returns(c, &ret->returns) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);) {
        bool reverse = token_maybe_word(c, "REVERSE");
        if ((reverse && !token_space(c)) ||
            !token_word(c, names, ARRAY_SIZE(names), "a criterion of SORT", &at))
            return false;
        if (known >> at & 1)
            continue;
        known |= 1U << at;
        ret->sort.by[ret->sort.count].key = (enum imap_sort_key)at;
        ret->sort.by[ret->sort.count++].reverse = reverse;
    }
    if (!c->expected && ret->sort.count == 0)
        return token_fail(c, "a criterion of SORT");
    return !c->expected && take_charset_and_keys(c, ret);
}

bool imap_take_thread(struct imap_cursor *c, struct imap_search *ret) {
    static const char *const names[] = {
        [IMAP_THREAD_ORDEREDSUBJECT] = "ORDEREDSUBJECT",
        [IMAP_THREAD_REFERENCES] = "REFERENCES",
        [IMAP_THREAD_REFS] = "REFS",
    };
    size_t at;
    if (!token_word(c, names, ARRAY_SIZE(names), "an algorithm of THREAD", &at))
        return false;
    ret->thread = (enum imap_thread)at;
    return take_charset_and_keys(c, ret);
}

/* ------------------------------------------------------------------ several mailboxes */

/* One name, or several in parentheses. */
static bool take_mailboxes(struct imap_cursor *c, struct imap_source *ret) {
    struct slice *names = NULL;
    size_t size = 0, count = 0;
    if (!token_space(c))
        return false;
    if (!token_maybe(c, '(')) {
        names = imap_grow(c->arena, names, count, &size, sizeof *names);
        if (!token_mailbox(c, &names[count++]))
            return false;
    } else {
        for (bool first = true; token_member(c, &first);) {
            names = imap_grow(c->arena, names, count, &size, sizeof *names);
            if (!token_mailbox(c, &names[count++]))
                return false;
        }
    }
    ret->mailboxes = names;
    ret->mailbox_count = count;
    return !c->expected && (count > 0 || token_fail(c, "the name of a mailbox"));
}

bool imap_take_source(struct imap_cursor *c, struct imap_source *ret) {
    static const char *const names[] = {
        [IMAP_SOURCE_SELECTED] = "SELECTED",
        [IMAP_SOURCE_SELECTED_DELAYED] = "SELECTED-DELAYED",
        [IMAP_SOURCE_INBOXES] = "INBOXES",
        [IMAP_SOURCE_PERSONAL] = "PERSONAL",
        [IMAP_SOURCE_SUBSCRIBED] = "SUBSCRIBED",
        [IMAP_SOURCE_SUBTREE] = "SUBTREE",
        [IMAP_SOURCE_SUBTREE_ONE] = "SUBTREE-ONE",
        [IMAP_SOURCE_MAILBOXES] = "MAILBOXES",
    };
    size_t at;
    if (!token_word(c, names, ARRAY_SIZE(names), "a choice of mailboxes", &at))
        return false;
    ret->kind = (enum imap_source_kind)at;
    return ret->kind < IMAP_SOURCE_SUBTREE || take_mailboxes(c, ret);
}

/* RFC 7377 §2.2: IN (personal subtree "foo"), and options of the scope that no RFC defines yet. */
static bool take_sources(struct imap_cursor *c, struct imap_search *ret) {
    struct imap_source *sources = NULL;
    size_t size = 0, count = 0;
    if (!token_space(c) || !token_byte(c, '('))
        return false;
    for (bool first = true; token_member(c, &first);) {
        sources = imap_grow(c->arena, sources, count, &size, sizeof *sources);
        if (!imap_take_source(c, &sources[count++]))
            return false;
    }
    ret->sources = sources;
    ret->source_count = count;
    if (!c->expected && count == 0)
        return token_fail(c, "a choice of mailboxes");
    return !c->expected && token_space(c);
}

bool imap_take_esearch(struct imap_cursor *c, struct imap_search *ret) {
    if (token_maybe_word(c, "IN") && !take_sources(c, ret))
        return false;
    return imap_take_search(c, ret);
}
