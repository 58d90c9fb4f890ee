/* SPDX-License-Identifier: ISC */
/*
 * One pass over the keys with a stack of what is open: parentheses, OR, NOT, FUZZY. A node is put
 * into the array when it begins, and gets its size when it ends. NOT turns AND into OR below it,
 * and back: the kind of a parenthesis is known when it opens. Three passes over the array make the
 * rest.
 */
#include "imap/syntax/grow.h"
#include "imap/syntax/search.h"

enum form {
    NONE,
    FLAG_IS,
    FLAG_NOT,
    WORD,
    STRING,
    FIELD_STRING,
    DAY,
    NUMBER,
    SET,
    ABOVE_UID,
    BELOW_UID,
    MODSEQ,
    ID
};

static const char *const names[] = {
    "ALL",       "ANSWERED",    "BCC",        "BEFORE",     "BODY",
    "CC",        "DELETED",     "DRAFT",      "FLAGGED",    "FROM",
    "HEADER",    "KEYWORD",     "LARGER",     "NEW",        "OLD",
    "ON",        "RECENT",      "SEEN",       "SENTBEFORE", "SENTON",
    "SENTSINCE", "SINCE",       "SMALLER",    "SUBJECT",    "TEXT",
    "TO",        "UID",         "UNANSWERED", "UNDELETED",  "UNDRAFT",
    "UNFLAGGED", "UNKEYWORD",   "UNSEEN",     "OLDER",      "YOUNGER",
    "MODSEQ",    "SAVEDBEFORE", "SAVEDON",    "SAVEDSINCE", "SAVEDATESUPPORTED",
    "EMAILID",   "THREADID",    "UIDAFTER",   "UIDBEFORE",  "NOT",
    "OR",        "FUZZY",
};
enum { NAME_NOT = ARRAY_SIZE(names) - 3, NAME_OR, NAME_FUZZY };

static const struct key {
    enum imap_search_key key;
    enum form form;
    const char *flag;
} keys[NAME_NOT] = {
    {IMAP_SEARCH_ALL, NONE, NULL},
    {IMAP_SEARCH_FLAG, FLAG_IS, "\\Answered"},
    {IMAP_SEARCH_BCC, STRING, NULL},
    {IMAP_SEARCH_BEFORE, DAY, NULL},
    {IMAP_SEARCH_BODY, STRING, NULL},
    {IMAP_SEARCH_CC, STRING, NULL},
    {IMAP_SEARCH_FLAG, FLAG_IS, "\\Deleted"},
    {IMAP_SEARCH_FLAG, FLAG_IS, "\\Draft"},
    {IMAP_SEARCH_FLAG, FLAG_IS, "\\Flagged"},
    {IMAP_SEARCH_FROM, STRING, NULL},
    {IMAP_SEARCH_HEADER, FIELD_STRING, NULL},
    {IMAP_SEARCH_KEYWORD, WORD, NULL},
    {IMAP_SEARCH_LARGER, NUMBER, NULL},
    {IMAP_SEARCH_NEW, NONE, NULL},
    {IMAP_SEARCH_RECENT, FLAG_NOT, ""},
    {IMAP_SEARCH_ON, DAY, NULL},
    {IMAP_SEARCH_RECENT, NONE, NULL},
    {IMAP_SEARCH_FLAG, FLAG_IS, "\\Seen"},
    {IMAP_SEARCH_SENT_BEFORE, DAY, NULL},
    {IMAP_SEARCH_SENT_ON, DAY, NULL},
    {IMAP_SEARCH_SENT_SINCE, DAY, NULL},
    {IMAP_SEARCH_SINCE, DAY, NULL},
    {IMAP_SEARCH_SMALLER, NUMBER, NULL},
    {IMAP_SEARCH_SUBJECT, STRING, NULL},
    {IMAP_SEARCH_TEXT, STRING, NULL},
    {IMAP_SEARCH_TO, STRING, NULL},
    {IMAP_SEARCH_UIDS, SET, NULL},
    {IMAP_SEARCH_FLAG, FLAG_NOT, "\\Answered"},
    {IMAP_SEARCH_FLAG, FLAG_NOT, "\\Deleted"},
    {IMAP_SEARCH_FLAG, FLAG_NOT, "\\Draft"},
    {IMAP_SEARCH_FLAG, FLAG_NOT, "\\Flagged"},
    {IMAP_SEARCH_KEYWORD, WORD, ""},
    {IMAP_SEARCH_FLAG, FLAG_NOT, "\\Seen"},
    {IMAP_SEARCH_OLDER, NUMBER, NULL},
    {IMAP_SEARCH_YOUNGER, NUMBER, NULL},
    {IMAP_SEARCH_MODSEQ, MODSEQ, NULL},
    {IMAP_SEARCH_SAVED_BEFORE, DAY, NULL},
    {IMAP_SEARCH_SAVED_ON, DAY, NULL},
    {IMAP_SEARCH_SAVED_SINCE, DAY, NULL},
    {IMAP_SEARCH_SAVEDATE_SUPPORTED, NONE, NULL},
    {IMAP_SEARCH_EMAILID, ID, NULL},
    {IMAP_SEARCH_THREADID, ID, NULL},
    {IMAP_SEARCH_UIDS, ABOVE_UID, NULL},
    {IMAP_SEARCH_UIDS, BELOW_UID, NULL},
};

/* What is open: a list that ")" or the end closes, OR (two to come), NOT or FUZZY (one to come). */
enum open_kind { OPEN_LIST, OPEN_OR, OPEN_PREFIX };
struct open {
    enum open_kind kind;
    bool negated, fuzzy; /* what is in it */
    uint32_t node;       /* where its nodes begin */
    uint32_t members;    /* that it has got */
};

struct parser {
    struct imap_cursor *c;
    struct imap_search_node *nodes;
    size_t count, size;
    struct open *open;
    size_t depth, open_size;
    bool has_modseq;
};

/* ------------------------------------------------------------------ tests */

/* RFC 7162 §3.1.5: MODSEQ ["/flags/\\Seen" all] 620162338 */
static bool take_modseq(struct imap_cursor *c, struct imap_search_node *node) {
    static const char *const types[] = {"priv", "shared", "all"};
    size_t type;
    struct slice entry;
    if (token_next_is(c, '"')) {
        if (!token_quoted(c, "the name of an entry", &entry) || !token_space(c) ||
            !token_word(c, types, ARRAY_SIZE(types), "priv, shared or all", &type) ||
            !token_space(c))
            return false;
        node->text = slice_of_str(types[type]);
    }
    return token_number64(c, &node->number);
}

/* RFC 9738 §3.2: all above a UID, or below it; that may be none. */
static bool take_side(struct imap_cursor *c, bool above, struct imap_set *ret) {
    struct imap_range *range = ARENA_NEW(c->arena, struct imap_range);
    uint32_t uid;
    if (!token_nz(c, &uid))
        return false;
    if (above ? uid < UINT32_MAX : uid > 1) {
        range->first = above ? uid + 1 : 1;
        range->last = above ? UINT32_MAX : uid - 1;
        ret->count = 1;
    }
    ret->ranges = range;
    return true;
}

static bool take_argument(struct parser *p, enum form form, struct imap_search_node *node) {
    struct imap_cursor *c = p->c;
    struct imap_set *set;
    if (form == NONE || form == FLAG_IS || form == FLAG_NOT)
        return true;
    if (!token_space(c))
        return false;
    switch (form) {
    case WORD:
        return token_atom(c, "a keyword", &node->text);
    case ID:
        return token_astring(c, "an id", &node->text);
    case STRING:
        return token_astring(c, "a text", &node->text);
    case FIELD_STRING:
        return token_astring(c, "the name of a header field", &node->field) && token_space(c) &&
               token_astring(c, "a text", &node->text);
    case DAY:
        return token_date(c, &node->day);
    case NUMBER:
        return token_number64(c, &node->number);
    case MODSEQ:
        p->has_modseq = true;
        return take_modseq(c, node);
    default:
        node->set = set = ARENA_NEW(c->arena, struct imap_set);
        return form == SET ? token_set(c, set) : take_side(c, form == ABOVE_UID, set);
    }
}

static struct imap_search_node *add_node(struct parser *p, enum imap_search_key key) {
    p->nodes = imap_grow(p->c->arena, p->nodes, p->count, &p->size, sizeof *p->nodes);
    p->nodes[p->count] = (struct imap_search_node){.key = key, .size = 1};
    return &p->nodes[p->count++];
}

static bool take_test(struct parser *p, const struct open *in, const struct key *key) {
    struct imap_search_node *node = add_node(p, key->key);
    node->negated = in->negated != (key->flag && key->form != FLAG_IS);
    node->fuzzy = in->fuzzy;
    if (key->flag)
        node->text = slice_of_str(key->flag);
    return take_argument(p, key->form, node);
}

/* ------------------------------------------------------------------ what is open */

static bool open_up(struct parser *p, enum open_kind kind, bool negated, bool fuzzy) {
    if (p->depth == IMAP_SEARCH_DEPTH_MAX)
        return token_fail(p->c, "less that is nested");
    p->open = imap_grow(p->c->arena, p->open, p->depth, &p->open_size, sizeof *p->open);
    p->open[p->depth++] = (struct open){
        .kind = kind,
        .negated = negated,
        .fuzzy = fuzzy,
        .node = (uint32_t)p->count,
    };
    if (kind != OPEN_PREFIX)
        (void)add_node(p, (kind == OPEN_OR) != negated ? IMAP_SEARCH_OR : IMAP_SEARCH_AND);
    return true;
}

/* The innermost has all its members: its node is whole. */
static void close_one(struct parser *p) {
    const struct open *done = &p->open[--p->depth];
    if (done->kind != OPEN_PREFIX)
        p->nodes[done->node].size = (uint32_t)p->count - done->node;
}

/* A key has ended: it is a member of what is open, and may be the last of that. */
static void key_ended(struct parser *p) {
    p->open[p->depth - 1].members++;
    while (p->depth > 1) {
        const struct open *in = &p->open[p->depth - 1];
        bool whole = (in->kind == OPEN_PREFIX && in->members == 1) ||
                     (in->kind == OPEN_OR && in->members == 2);
        if (!whole)
            return;
        close_one(p);
        p->open[p->depth - 1].members++;
    }
}

/* What begins here; `ret_ended`: it is a whole key. */
static bool take_key(struct parser *p, bool *ret_ended) {
    struct imap_cursor *c = p->c;
    const struct open in = p->open[p->depth - 1];
    static const struct key numbers = {IMAP_SEARCH_NUMBERS, SET, NULL};
    size_t at;
    *ret_ended = false;
    if (token_maybe(c, '('))
        return open_up(p, OPEN_LIST, in.negated, in.fuzzy);
    *ret_ended = true;
    if (token_next_is(c, '$') || token_next_is(c, '\0') ||
        (c->rest.len > 0 && imap_set_byte(c->rest.ptr[0]))) {
        struct imap_search_node *node = add_node(p, numbers.key);
        struct imap_set *set = ARENA_NEW(c->arena, struct imap_set);
        node->negated = in.negated;
        node->fuzzy = in.fuzzy;
        node->set = set;
        return token_set(c, set);
    }
    if (!token_word(c, names, ARRAY_SIZE(names), "a search key", &at))
        return false;
    if (at < NAME_NOT)
        return take_test(p, &in, &keys[at]);
    *ret_ended = false;
    enum open_kind kind = at == NAME_OR ? OPEN_OR : OPEN_PREFIX;
    return open_up(p, kind, in.negated != (at == NAME_NOT), in.fuzzy || at == NAME_FUZZY) &&
           token_space(c);
}

/* Behind a key: what closes here, and the space before the next. False at the end, or on failure.
 */
static bool go_on(struct parser *p) {
    struct imap_cursor *c = p->c;
    while (p->depth > 1 && p->open[p->depth - 1].kind == OPEN_LIST && token_maybe(c, ')')) {
        close_one(p);
        key_ended(p);
    }
    if (p->depth > 1) /* OR that waits for its second is followed by a space, too */
        return token_space(c);
    return !token_at_end(c) && token_space(c);
}

/* ------------------------------------------------------------------ the whole */

/*
 * Drops nodes that say nothing: those with one member, and AND in AND, OR in OR. To drop a node of
 * this kind is to leave it out of the array: its members are the upper one's then. `no` has the
 * kind of the next upper node that stays until the ways are laid.
 */
static size_t compact(struct imap_search_node *nodes, size_t count, struct arena *a) {
    uint32_t *dropped = arena_array(a, count + 1, sizeof *dropped); /* how many before this place */
    size_t kept = 0;
    nodes[0].no = IMAP_SEARCH_ALL;
    for (size_t at = 0; at < count; at++) {
        struct imap_search_node *node = &nodes[at];
        bool drop = false;
        if (node->key <= IMAP_SEARCH_OR) {
            drop = node->no == node->key || nodes[at + 1].size == node->size - 1;
            uint32_t kind = drop ? node->no : node->key;
            for (size_t member = at + 1; member < at + node->size; member += nodes[member].size)
                nodes[member].no = kind;
        }
        dropped[at + 1] = dropped[at] + drop;
    }
    for (size_t at = 0; at < count; at++) {
        if (dropped[at + 1] > dropped[at])
            continue;
        struct imap_search_node node = nodes[at];
        node.size -= dropped[at + node.size] - dropped[at];
        nodes[kept++] = node;
    }
    return kept;
}

/*
 * From the front each node gets its two ways out from the one above it: a member of AND goes on
 * with the next one when it holds, the last has the ways of the AND; OR is the other way round.
 * Then from the back: a way that leads to an AND or OR leads to its first test, which that keeps in
 * `yes`.
 */
static void lay_ways(struct imap_search_node *nodes, uint32_t count) {
    nodes[0].yes = IMAP_SEARCH_YES;
    nodes[0].no = IMAP_SEARCH_NO;
    for (uint32_t at = 0; at < count; at++) {
        const struct imap_search_node *node = &nodes[at];
        uint32_t end = at + node->size;
        for (uint32_t member = at + 1, next; member < end; member = next) {
            next = member + nodes[member].size;
            bool more = next < end;
            nodes[member].yes = more && node->key == IMAP_SEARCH_AND ? next : node->yes;
            nodes[member].no = more && node->key == IMAP_SEARCH_OR ? next : node->no;
        }
    }
    for (uint32_t at = count; at-- > 0;) {
        struct imap_search_node *node = &nodes[at];
        if (node->key <= IMAP_SEARCH_OR) {
            node->yes = nodes[at + 1].key <= IMAP_SEARCH_OR ? nodes[at + 1].yes : at + 1;
            continue;
        }
        uint32_t yes = node->yes, no = node->no;
        if (yes < count && nodes[yes].key <= IMAP_SEARCH_OR)
            yes = nodes[yes].yes;
        if (no < count && nodes[no].key <= IMAP_SEARCH_OR)
            no = nodes[no].yes;
        node->yes = node->negated ? no : yes;
        node->no = node->negated ? yes : no;
    }
}

bool imap_take_program(struct imap_cursor *c, struct imap_search_program *ret) {
    struct parser p = {.c = c};
    bool ended;
    (void)open_up(&p, OPEN_LIST, false, false);
    do {
        do {
            if (!take_key(&p, &ended))
                return false;
        } while (!ended);
        key_ended(&p);
    } while (go_on(&p));
    if (c->expected)
        return false;
    close_one(&p);
    uint32_t count = (uint32_t)compact(p.nodes, p.count, c->arena);
    lay_ways(p.nodes, count);
    ret->nodes = p.nodes;
    ret->count = count;
    ret->begin = p.nodes[0].key <= IMAP_SEARCH_OR ? p.nodes[0].yes : 0;
    ret->has_modseq = p.has_modseq;
    return true;
}
