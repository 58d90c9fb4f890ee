/* SPDX-License-Identifier: ISC */
#include "store/rights.h"

#include "base/alloc.h"
#include "store/property.h"

/* In the order of enum store_right. */
static const char LETTERS[] = "lrswipkxtea";

int store_rights_parse(struct slice text, uint32_t *ret_rights) {
    uint32_t rights = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *letter = text.ptr[i] ? strchr(LETTERS, text.ptr[i]) : NULL;
        if (letter)
            rights |= 1U << (letter - LETTERS);
        else if (text.ptr[i] == 'c')
            rights |= STORE_RIGHT_CREATE;
        else if (text.ptr[i] == 'd')
            rights |=
                STORE_RIGHT_EXPUNGE | STORE_RIGHT_DELETE_MESSAGES | STORE_RIGHT_REMOVE_MAILBOX;
        else
            return -E_SYNTAX;
    }
    *ret_rights = rights;
    return 0;
}

struct slice store_rights_text(uint32_t rights, char text[static STORE_RIGHTS_TEXT_SIZE]) {
    size_t len = 0;
    for (size_t i = 0; LETTERS[i]; i++)
        if (rights & 1U << i)
            text[len++] = LETTERS[i];
    text[len] = '\0';
    return slice_of(text, len);
}

/* ------------------------------------------------------------------ who may do what */

/* What is granted to everybody whom the identifier means, and taken away again. */
uint32_t store_rights_of(const struct store_grant *grants, size_t count,
                         const struct store_person *person) {
    uint32_t given = 0, taken = 0;
    bool is_named = false;
    for (size_t i = 0; i < count; i++) {
        struct slice who = grants[i].identifier;
        bool takes = slice_starts(who, S("-"));
        if (takes)
            who = slice_from(who, 1);
        bool is_person = slice_eq(who, person->name);
        bool means = is_person || slice_eq(who, S("anyone"));
        for (size_t k = 0; !means && k < person->group_count; k++)
            means = slice_eq(who, person->groups[k]);
        if (!means)
            continue;
        is_named |= is_person && !takes;
        if (takes)
            taken |= grants[i].rights;
        else
            given |= grants[i].rights;
    }
    if (person->is_owner && !is_named)
        given = STORE_RIGHTS_ALL;
    uint32_t rights = given & ~taken;
    return person->is_owner ? rights | STORE_RIGHT_LOOKUP | STORE_RIGHT_ADMINISTER : rights;
}

struct listing {
    const struct store_account *account;
    struct store_grant *grants;
    size_t count;
};

static void add_grant(void *arg, const struct store_property *p) {
    struct listing *l = arg;
    struct slice value;
    struct store_grant g = {.identifier = p->name};
    if (!property_value(l->account, p->mailbox, p->kind, p->name, &value) ||
        store_rights_parse(value, &g.rights) < 0)
        return;
    l->grants = mem_grow(l->grants, (l->count + 1) * sizeof g);
    l->grants[l->count++] = g;
}

int store_rights_in(const struct store_account *a, uint32_t mailbox,
                    const struct store_person *person, uint32_t *ret_rights) {
    struct listing l = {.account = a};
    if (!mailbox_find(a, mailbox))
        return -E_UNKNOWN;
    store_property_each(a, mailbox, STORE_RIGHTS, add_grant, &l);
    *ret_rights = store_rights_of(l.grants, l.count, person);
    free(l.grants);
    return 0;
}

struct each_identifier {
    void (*each)(void *arg, struct slice identifier);
    void *arg;
};

static void tell_identifier(void *arg, const struct store_property *p) {
    const struct each_identifier *e = arg;
    if (!slice_starts(p->name, S("-")))
        e->each(e->arg, p->name);
}

void store_rights_each(const struct store_account *a,
                       void (*each)(void *arg, struct slice identifier), void *arg) {
    struct each_identifier e = {each, arg};
    for (size_t i = 0; i < a->mailbox_count; i++)
        store_property_each(a, a->mailboxes[i]->info.id, STORE_RIGHTS, tell_identifier, &e);
}

uint32_t store_rights_granted(const struct store_account *a, uint32_t mailbox,
                              struct slice identifier) {
    struct slice value;
    uint32_t rights = 0;
    if (property_value(a, mailbox, STORE_RIGHTS, identifier, &value))
        (void)store_rights_parse(value, &rights);
    return rights;
}

/* ------------------------------------------------------------------ changing a list */

struct rights_change {
    struct change change;
    struct store_property about;
    char how; /* '+', '-', or 0: exactly these */
    uint32_t rights;
    char text[STORE_RIGHTS_TEXT_SIZE];
    struct slice value;
};

static int prepare_rights(struct store_account *a, struct change *c, struct group *g) {
    struct rights_change *v = CONTAINER_OF(c, struct rights_change, change);
    const struct store_property *p = &v->about;
    uint32_t before = store_rights_granted(a, p->mailbox, p->name), after = v->rights;
    if (!mailbox_find(a, p->mailbox))
        return -E_UNKNOWN;
    if (v->how)
        after = v->how == '+' ? before | v->rights : before & ~v->rights;
    if (after == before)
        return 0;
    v->value = store_rights_text(after, v->text);
    if (after && properties_have_room(a, p->mailbox, p->kind, p->name, v->value.len) < 0)
        return -E_LIMIT;
    property_add(g, ++a->given.modseq, p, after ? &v->value : NULL);
    return 0;
}

int store_set_rights(struct store_account *a, uint32_t mailbox, struct slice identifier,
                     struct slice text) {
    struct rights_change v = {
        .change = {.prepare = prepare_rights, .reads = true},
        .about = {.mailbox = mailbox, .kind = STORE_RIGHTS, .name = identifier},
    };
    if (slice_starts(text, S("+")) || slice_starts(text, S("-"))) {
        v.how = text.ptr[0];
        text = slice_from(text, 1);
    }
    struct slice who = slice_starts(identifier, S("-")) ? slice_from(identifier, 1) : identifier;
    if (!store_name_is_good(who) || store_rights_parse(text, &v.rights) < 0)
        return -E_SYNTAX;
    return change_run(a, &v.change);
}
