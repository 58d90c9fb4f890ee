/* SPDX-License-Identifier: ISC */
/*
 * Nodes are numbers: first the messages, then what they follow and is not there, then those that
 * stand for a subject. All there is of a tree is the parent of each; brothers are put in order at
 * the end, all at once, by sorting. While links are laid, the top of a node's tree is found as in a
 * union-find, since only tops get parents: so a circle is seen at once.
 */
#include "imap/search/thread.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/siphash.h"

#define NONE IMAP_THREAD_END

/* ------------------------------------------------------------------ numbers by key */

struct table {
    uint64_t *keys; /* 0: free */
    uint32_t *values;
    size_t size, used;
};

static void table_init(struct table *t, size_t expected) {
    t->size = 64;
    while (t->size < 2 * expected)
        t->size *= 2;
    t->used = 0;
    t->keys = mem_array(t->size, sizeof *t->keys);
    t->values = mem_array(t->size, sizeof *t->values);
}

static void table_done(struct table *t) {
    free(t->keys);
    free(t->values);
}

static size_t table_place(const struct table *t, uint64_t key) {
    size_t at = siphash(slice_of(&key, sizeof key)) & (t->size - 1);
    while (t->keys[at] && t->keys[at] != key)
        at = (at + 1) & (t->size - 1);
    return at;
}

/* The place of a key's value; `ret_new`: it had none. */
static uint32_t *table_at(struct table *t, uint64_t key, bool *ret_new) {
    size_t at = table_place(t, key);
    *ret_new = t->keys[at] == 0;
    if (*ret_new) {
        MUST(++t->used < t->size);
        t->keys[at] = key;
    }
    return &t->values[at];
}

/* ------------------------------------------------------------------ links */

struct maker {
    const struct imap_thread_row *rows;
    uint32_t count;   /* messages */
    uint32_t missing; /* nodes with those that are not there */
    uint32_t nodes;   /* with those for subjects */
    uint32_t *parent;
    uint32_t *top; /* towards the top of its tree */
    struct table ids;
};

static uint32_t top_of(struct maker *m, uint32_t node) {
    while (m->top[node] != node) {
        m->top[node] = m->top[m->top[node]];
        node = m->top[node];
    }
    return node;
}

/* Unless the child has a parent already, or it would go round in a circle. */
static void lay(struct maker *m, uint32_t parent, uint32_t child) {
    if (m->parent[child] != NONE || top_of(m, parent) == child)
        return;
    m->parent[child] = parent;
    m->top[child] = parent;
}

/* The node of an id; NONE: it is not there, and there is no room for more that is not. */
static uint32_t node_of(struct maker *m, uint64_t id, uint32_t most) {
    bool is_new;
    if (id == 0 || (m->missing == most && m->ids.keys[table_place(&m->ids, id)] == 0))
        return NONE;
    uint32_t *node = table_at(&m->ids, id, &is_new);
    if (is_new)
        *node = m->missing++;
    return *node;
}

/* Messages, and what they follow and is not there. Of usual mailboxes that is less than there are
 * messages; more than this does not count, so that strangers do not fill memory. */
static uint32_t most_nodes(uint32_t count) {
    return count + 2 * MIN(count, UINT32_MAX / 16) + 1000;
}

static void lay_links(struct maker *m) {
    const uint32_t most = most_nodes(m->count);
    bool is_new;
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->rows[i].id == 0)
            continue;
        uint32_t *node = table_at(&m->ids, m->rows[i].id, &is_new);
        if (is_new) /* of two with one id the first has it */
            *node = i;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        const struct imap_thread_row *r = &m->rows[i];
        uint32_t parent =
            r->follow_count > 0 ? node_of(m, r->follow[r->follow_count - 1], most) : NONE;
        if (parent != NONE)
            lay(m, parent, i);
    }
    for (uint32_t i = 0; i < m->count; i++) {
        const struct imap_thread_row *r = &m->rows[i];
        uint32_t before = NONE;
        for (uint32_t k = 0; k < r->follow_count; k++) {
            uint32_t node = node_of(m, r->follow[k], most);
            if (before != NONE && node != NONE)
                lay(m, before, node);
            before = node != NONE ? node : before;
        }
    }
}

/* ------------------------------------------------------------------ what is not there */

static bool is_message(const struct maker *m, uint32_t node) {
    return node < m->count;
}

/* The next message above, or the last node above of those that are not there. */
static uint32_t next_above(struct maker *m, uint32_t node) {
    uint32_t at = m->parent[node], end;
    while (at != NONE && !is_message(m, at) && m->parent[at] != NONE)
        at = m->parent[at];
    end = at;
    for (at = m->parent[node]; at != end && !is_message(m, at);) { /* the next one is faster */
        uint32_t up = m->parent[at];
        m->parent[at] = end;
        at = up;
    }
    return end;
}

/* RFC 5256 §3, step 3: only those stay that have two or more below them, and nothing above. */
static void prune(struct maker *m) {
    uint32_t *children = mem_array(m->missing, sizeof *children);
    for (uint32_t i = 0; i < m->count; i++) {
        m->parent[i] = next_above(m, i);
        if (m->parent[i] != NONE)
            children[m->parent[i]]++;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        uint32_t above = m->parent[i];
        if (above != NONE && !is_message(m, above) && children[above] < 2)
            m->parent[i] = NONE;
    }
    free(children);
}

/* ------------------------------------------------------------------ order */

struct place {
    uint32_t parent, node;
    int64_t date;
    uint32_t message; /* of those with one date: the order of the mailbox */
};

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->date != y->date)
        return x->date < y->date ? -1 : 1;
    return (x->message > y->message) - (x->message < y->message);
}

static struct place place_of(const struct maker *m, uint32_t node) {
    return (struct place){m->parent[node], node, m->rows[node].date, node};
}

/*
 * The messages, by parents, and the nodes that are none and have some below them behind: these at
 * the top, with the date of their first one. How many there are.
 */
static size_t sort_all(const struct maker *m, struct place *places) {
    size_t count = m->count;
    for (uint32_t i = 0; i < m->count; i++)
        places[i] = place_of(m, i);
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < m->count; i++) {
        uint32_t parent = places[i].parent;
        if (parent != NONE && !is_message(m, parent) && (i == 0 || places[i - 1].parent != parent))
            places[count++] = (struct place){NONE, parent, places[i].date, places[i].message};
    }
    return count;
}

/* Those at the top, in order; how many. They stand at the end of the sorted ones. */
static size_t sort_top(const struct maker *m, struct place *places, struct place **ret_top) {
    size_t count = sort_all(m, places), first = 0;
    while (first < m->count && places[first].parent != NONE)
        first++;
    *ret_top = places + first;
    qsort(*ret_top, count - first, sizeof *places, compare_places);
    return count - first;
}

static void link_up(struct imap_threads *t, const struct place *places, size_t count) {
    uint32_t *last = NULL, parent = NONE;
    for (size_t i = 0; i < count; i++) {
        const struct place *p = &places[i];
        if (!last || p->parent != parent)
            last = p->parent == NONE ? &t->begin : &t->below[p->parent];
        parent = p->parent;
        *last = p->node;
        last = &t->next[p->node];
        t->above[p->node] = parent;
    }
}

/* ------------------------------------------------------------------ subjects */

/* RFC 5256 §3, step 5. */
static void join(struct maker *m, struct table *subjects, const struct place *p) {
    const uint64_t subject = m->rows[p->message].subject;
    bool is_new;
    if (subject == 0)
        return;
    uint32_t *found = table_at(subjects, subject, &is_new), other = *found;
    if (is_new || other == p->node)
        return;
    bool takes_in =
        !is_message(m, other) ||
        (is_message(m, p->node) && m->rows[p->node].is_answer && !m->rows[other].is_answer);
    if (takes_in) {
        m->parent[p->node] = other;
    } else {
        m->parent[m->nodes] = NONE;
        m->parent[p->node] = m->parent[other] = *found = m->nodes++;
    }
}

/* Which one stands for its subject: one that is not there before a message, no answer before one.
 */
static void choose(const struct maker *m, struct table *subjects, const struct place *p) {
    bool is_new;
    if (m->rows[p->message].subject == 0)
        return;
    uint32_t *found = table_at(subjects, m->rows[p->message].subject, &is_new);
    bool answer = is_message(m, p->node) && m->rows[p->node].is_answer;
    if (is_new || (is_message(m, *found) && !is_message(m, p->node)) ||
        (is_message(m, *found) && m->rows[*found].is_answer && !answer))
        *found = p->node;
}

static void join_by_subject(struct maker *m, struct place *places) {
    struct place *top;
    struct table subjects;
    size_t count = sort_top(m, places, &top);
    table_init(&subjects, count);
    for (size_t i = 0; i < count; i++)
        choose(m, &subjects, &top[i]);
    for (size_t i = 0; i < count; i++)
        join(m, &subjects, &top[i]);
    table_done(&subjects);
    for (uint32_t i = 0; i < m->count; i++) { /* what hangs on one that hangs on another now */
        uint32_t above = m->parent[i];
        while (above != NONE && !is_message(m, above) && m->parent[above] != NONE)
            above = m->parent[above];
        m->parent[i] = above;
    }
}

/* A key for the subject, the empty one too. */
static uint64_t subject_of(const struct maker *m, uint32_t node) {
    return MAX(m->rows[node].subject, (uint64_t)1);
}

/* All of one subject hang on the first of them (ORDEREDSUBJECT). */
static void hang_on_subject(struct maker *m) {
    struct table subjects;
    bool is_new;
    table_init(&subjects, m->count + 1);
    for (uint32_t i = 0; i < m->count; i++) {
        uint32_t *first = table_at(&subjects, subject_of(m, i), &is_new);
        if (is_new || m->rows[i].date < m->rows[*first].date)
            *first = i;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        uint32_t first = *table_at(&subjects, subject_of(m, i), &is_new);
        m->parent[i] = first == i ? NONE : first;
    }
    table_done(&subjects);
}

/* ------------------------------------------------------------------ the whole */

/* REFS: the date of a thread is that of what came last in it. */
static void date_by_last(const struct maker *m, struct place *top, size_t count) {
    int64_t *last = mem_array(m->nodes, sizeof *last);
    uint32_t *up = mem_array(m->nodes, sizeof *up);
    for (uint32_t i = 0; i < m->nodes; i++) {
        last[i] = INT64_MIN;
        up[i] = m->parent[i] == NONE ? i : m->parent[i];
    }
    for (uint32_t i = 0; i < m->count; i++) {
        uint32_t at = i;
        while (up[at] != at) {
            up[at] = up[up[at]];
            at = up[at];
        }
        last[at] = MAX(last[at], m->rows[i].arrival);
    }
    for (size_t i = 0; i < count; i++)
        top[i].date = last[top[i].node];
    qsort(top, count, sizeof *top, compare_places);
    free(last);
    free(up);
}

void imap_threads_make(struct imap_threads *ret, const struct imap_thread_row *rows, uint32_t count,
                       enum imap_thread how) {
    const size_t nodes = (size_t)most_nodes(count) + count;
    struct maker m = {.rows = rows, .count = count, .missing = count};
    struct place *places = mem_array((size_t)count * 2 + 1, sizeof *places), *top;
    m.parent = mem_array(nodes, sizeof *m.parent);
    m.top = mem_array(nodes, sizeof *m.top);
    for (uint32_t i = 0; i < nodes; i++) {
        m.parent[i] = NONE;
        m.top[i] = i;
    }
    table_init(&m.ids, most_nodes(count));
    if (how == IMAP_THREAD_ORDEREDSUBJECT) {
        hang_on_subject(&m);
    } else {
        lay_links(&m);
        prune(&m);
    }
    m.nodes = m.missing;
    if (how == IMAP_THREAD_REFERENCES)
        join_by_subject(&m, places);
    size_t top_count = sort_top(&m, places, &top);
    if (how == IMAP_THREAD_REFS)
        date_by_last(&m, top, top_count);
    *ret = (struct imap_threads){.count = count, .nodes = m.nodes, .begin = NONE};
    ret->next = mem_array(m.nodes + 1, sizeof *ret->next);
    ret->below = mem_array(m.nodes + 1, sizeof *ret->below);
    ret->above = mem_array(m.nodes + 1, sizeof *ret->above);
    for (uint32_t i = 0; i <= m.nodes; i++)
        ret->next[i] = ret->below[i] = ret->above[i] = NONE;
    link_up(ret, places, (size_t)(top - places) + top_count);
    free(places);
    free(m.parent);
    free(m.top);
    table_done(&m.ids);
}

void imap_threads_done(struct imap_threads *t) {
    free(t->next);
    free(t->below);
    free(t->above);
    *t = (struct imap_threads){0};
}
