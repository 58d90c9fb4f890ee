/* SPDX-License-Identifier: ISC */
/*
 * One table: each verb with the states in which it is one, whether UID may stand before it, whether
 * arguments follow, and what takes them. A command more is a line in the enum, a line here, and a
 * function of this file or of the one for its subject.
 */
#include "imap/syntax/command.h"

enum arguments { NONE, MAY, MUST_HAVE, WITH_UID /* must have them with UID, else none */ };

static bool take_name(struct imap_cursor *c, struct imap_command *ret) {
    return token_mailbox(c, &ret->name);
}
static bool take_root(struct imap_cursor *c, struct imap_command *ret) {
    return token_astring(c, "a quota root", &ret->name);
}
static bool take_words(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_words(c, &ret->words);
}
static bool take_id(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_id(c, &ret->id);
}
static bool take_select(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_select(c, &ret->select);
}
static bool take_create(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_create(c, &ret->create);
}
static bool take_list(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_list(c, &ret->list);
}
static bool take_lsub(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_lsub(c, &ret->list);
}
static bool take_getmetadata(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_getmetadata(c, &ret->metadata);
}
static bool take_setmetadata(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_setmetadata(c, &ret->metadata);
}
static bool take_setacl(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_setacl(c, &ret->acl);
}
static bool take_deleteacl(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_deleteacl(c, &ret->acl);
}
static bool take_setquota(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_setquota(c, &ret->quota);
}
static bool take_notify(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_notify(c, &ret->notify);
}
static bool take_resetkey(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_resetkey(c, &ret->resetkey);
}
static bool take_genurlauth(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_genurlauth(c, &ret->genurlauth);
}
static bool take_uidbatches(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_uidbatches(c, &ret->batches);
}
static bool take_fetch(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_fetch(c, &ret->fetch);
}
static bool take_search(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_search(c, &ret->search);
}
static bool take_sort(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_sort(c, &ret->search);
}
static bool take_thread(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_thread(c, &ret->search);
}
static bool take_esearch(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_esearch(c, &ret->search);
}
static bool take_status(struct imap_cursor *c, struct imap_command *ret) {
    return imap_take_status(c, &ret->status);
}

static bool take_login(struct imap_cursor *c, struct imap_command *ret) {
    return token_astring(c, "a user name", &ret->login.user) && token_space(c) &&
           token_astring(c, "a password", &ret->login.password);
}

static bool take_authenticate(struct imap_cursor *c, struct imap_command *ret) {
    if (!token_atom(c, "the name of a mechanism", &ret->authenticate.mechanism))
        return false;
    if (token_at_end(c))
        return true;
    return token_space(c) && token_atom(c, "base64", &ret->authenticate.initial);
}

static bool take_rename(struct imap_cursor *c, struct imap_command *ret) {
    return token_mailbox(c, &ret->rename.from) && token_space(c) &&
           token_mailbox(c, &ret->rename.to);
}

static bool take_copy(struct imap_cursor *c, struct imap_command *ret) {
    return token_set(c, &ret->copy.set) && token_space(c) && token_mailbox(c, &ret->copy.mailbox);
}

static bool take_uid_expunge(struct imap_cursor *c, struct imap_command *ret) {
    return token_set(c, &ret->set);
}

/* What comes behind the name is left where it is. */
static bool take_append(struct imap_cursor *c, struct imap_command *ret) {
    struct slice name;
    if (ret->verb == IMAP_REPLACE && (!token_nz(c, &ret->append.replaced) || !token_space(c)))
        return false;
    if (!token_mailbox(c, &name))
        return false;
    ret->append.mailbox = arena_copy(c->arena, name);
    ret->append.at = (size_t)(c->rest.ptr - c->begin);
    c->rest = slice_from(c->rest, c->rest.len);
    return true;
}

/* RFC 9051 §6.4.6, RFC 7162 §3.1.3: the modifier stands before the change. */
static bool take_store(struct imap_cursor *c, struct imap_command *ret) {
    struct imap_store *store = &ret->store;
    if (!token_set(c, &store->set) || !token_space(c))
        return false;
    if (token_maybe(c, '(')) {
        store->has_unchanged_since = true;
        if (!token_maybe_word(c, "UNCHANGEDSINCE"))
            return token_fail(c, "UNCHANGEDSINCE");
        if (!token_space(c) || !token_number64(c, &store->unchanged_since) || !token_byte(c, ')') ||
            !token_space(c))
            return false;
    }
    if (token_maybe(c, '+'))
        store->change = IMAP_STORE_ADD;
    else if (token_maybe(c, '-'))
        store->change = IMAP_STORE_REMOVE;
    store->silent = token_maybe_word(c, "FLAGS.SILENT");
    if (!store->silent && !token_maybe_word(c, "FLAGS"))
        return token_fail(c, "FLAGS or FLAGS.SILENT");
    return token_space(c) && imap_take_loose_flags(c, &store->flags);
}

/* ------------------------------------------------------------------ the table */

#define LOGIN    IMAP_STATE_LOGIN
#define SELECTED IMAP_STATE_SELECTED
#define ENTERED  (IMAP_STATE_AUTHENTICATED | SELECTED)
#define ANY      (LOGIN | ENTERED)

static const struct verb {
    const char *name;
    unsigned states;
    bool uid;
    enum arguments arguments;
    bool (*take)(struct imap_cursor *c, struct imap_command *ret);
} verbs[IMAP_VERBS] = {
    [IMAP_CAPABILITY] = {"CAPABILITY", ANY, false, NONE, NULL},
    [IMAP_ID] = {"ID", ANY, false, MUST_HAVE, take_id},
    [IMAP_LANGUAGE] = {"LANGUAGE", ANY, false, MAY, take_words},
    [IMAP_LOGOUT] = {"LOGOUT", ANY, false, NONE, NULL},
    [IMAP_NOOP] = {"NOOP", ANY, false, NONE, NULL},
    [IMAP_AUTHENTICATE] = {"AUTHENTICATE", LOGIN, false, MUST_HAVE, take_authenticate},
    [IMAP_LOGIN] = {"LOGIN", LOGIN, false, MUST_HAVE, take_login},
    [IMAP_STARTTLS] = {"STARTTLS", LOGIN, false, NONE, NULL},
    [IMAP_APPEND] = {"APPEND", ENTERED, false, MUST_HAVE, take_append},
    [IMAP_COMPARATOR] = {"COMPARATOR", ENTERED, false, MAY, take_words},
    [IMAP_COMPRESS] = {"COMPRESS", ENTERED, false, MUST_HAVE, take_words},
    [IMAP_CREATE] = {"CREATE", ENTERED, false, MUST_HAVE, take_create},
    [IMAP_DELETE] = {"DELETE", ENTERED, false, MUST_HAVE, take_name},
    [IMAP_DELETEACL] = {"DELETEACL", ENTERED, false, MUST_HAVE, take_deleteacl},
    [IMAP_ENABLE] = {"ENABLE", ENTERED, false, MUST_HAVE, take_words},
    [IMAP_ESEARCH] = {"ESEARCH", ENTERED, true, MUST_HAVE, take_esearch},
    [IMAP_EXAMINE] = {"EXAMINE", ENTERED, false, MUST_HAVE, take_select},
    [IMAP_GENURLAUTH] = {"GENURLAUTH", ENTERED, false, MUST_HAVE, take_genurlauth},
    [IMAP_GETACL] = {"GETACL", ENTERED, false, MUST_HAVE, take_name},
    [IMAP_GETJMAPACCESS] = {"GETJMAPACCESS", ENTERED, false, NONE, NULL},
    [IMAP_GETMETADATA] = {"GETMETADATA", ENTERED, false, MUST_HAVE, take_getmetadata},
    [IMAP_GETQUOTA] = {"GETQUOTA", ENTERED, false, MUST_HAVE, take_root},
    [IMAP_GETQUOTAROOT] = {"GETQUOTAROOT", ENTERED, false, MUST_HAVE, take_name},
    [IMAP_IDLE] = {"IDLE", ENTERED, false, NONE, NULL},
    [IMAP_LIST] = {"LIST", ENTERED, false, MUST_HAVE, take_list},
    [IMAP_LISTRIGHTS] = {"LISTRIGHTS", ENTERED, false, MUST_HAVE, take_deleteacl},
    [IMAP_LSUB] = {"LSUB", ENTERED, false, MUST_HAVE, take_lsub},
    [IMAP_MYRIGHTS] = {"MYRIGHTS", ENTERED, false, MUST_HAVE, take_name},
    [IMAP_NAMESPACE] = {"NAMESPACE", ENTERED, false, NONE, NULL},
    [IMAP_NOTIFY] = {"NOTIFY", ENTERED, false, MUST_HAVE, take_notify},
    [IMAP_RENAME] = {"RENAME", ENTERED, false, MUST_HAVE, take_rename},
    [IMAP_RESETKEY] = {"RESETKEY", ENTERED, false, MAY, take_resetkey},
    [IMAP_SELECT] = {"SELECT", ENTERED, false, MUST_HAVE, take_select},
    [IMAP_SETACL] = {"SETACL", ENTERED, false, MUST_HAVE, take_setacl},
    [IMAP_SETMETADATA] = {"SETMETADATA", ENTERED, false, MUST_HAVE, take_setmetadata},
    [IMAP_SETQUOTA] = {"SETQUOTA", ENTERED, false, MUST_HAVE, take_setquota},
    [IMAP_STATUS] = {"STATUS", ENTERED, false, MUST_HAVE, take_status},
    [IMAP_SUBSCRIBE] = {"SUBSCRIBE", ENTERED, false, MUST_HAVE, take_name},
    [IMAP_UNAUTHENTICATE] = {"UNAUTHENTICATE", ENTERED, false, NONE, NULL},
    [IMAP_UNSUBSCRIBE] = {"UNSUBSCRIBE", ENTERED, false, MUST_HAVE, take_name},
    [IMAP_URLFETCH] = {"URLFETCH", ENTERED, false, MUST_HAVE, take_words},
    [IMAP_XLIST] = {"XLIST", ENTERED, false, MUST_HAVE, take_lsub},
    [IMAP_CANCELUPDATE] = {"CANCELUPDATE", SELECTED, false, MUST_HAVE, take_words},
    [IMAP_CHECK] = {"CHECK", SELECTED, false, NONE, NULL},
    [IMAP_CLOSE] = {"CLOSE", SELECTED, false, NONE, NULL},
    [IMAP_COPY] = {"COPY", SELECTED, true, MUST_HAVE, take_copy},
    [IMAP_EXPUNGE] = {"EXPUNGE", SELECTED, true, WITH_UID, take_uid_expunge},
    [IMAP_FETCH] = {"FETCH", SELECTED, true, MUST_HAVE, take_fetch},
    [IMAP_MOVE] = {"MOVE", SELECTED, true, MUST_HAVE, take_copy},
    [IMAP_REPLACE] = {"REPLACE", SELECTED, true, MUST_HAVE, take_append},
    [IMAP_SEARCH] = {"SEARCH", SELECTED, true, MUST_HAVE, take_search},
    [IMAP_SORT] = {"SORT", SELECTED, true, MUST_HAVE, take_sort},
    [IMAP_STORE] = {"STORE", SELECTED, true, MUST_HAVE, take_store},
    [IMAP_THREAD] = {"THREAD", SELECTED, true, MUST_HAVE, take_thread},
    [IMAP_UIDBATCHES] = {"UIDBATCHES", SELECTED, false, MUST_HAVE, take_uidbatches},
    [IMAP_UNSELECT] = {"UNSELECT", SELECTED, false, NONE, NULL},
};

const char *imap_verb_name(enum imap_verb verb) {
    return verbs[verb].name;
}

unsigned imap_verb_states(enum imap_verb verb) {
    return verbs[verb].states;
}

int imap_problem(const struct imap_cursor *c, struct problem *problem) {
    return problem_set(problem, -E_SYNTAX, "expected %s at octet %zu", c->expected, c->at + 1);
}

/* ------------------------------------------------------------------ the command */

static bool take_verb(struct imap_cursor *c, struct imap_command *command, bool *ret_known) {
    struct slice word;
    *ret_known = true;
    command->uid = token_maybe_word(c, "UID");
    if ((command->uid && !token_space(c)) || !token_atom(c, "a command", &word))
        return false;
    for (unsigned i = 0; i < IMAP_VERBS; i++) {
        if (!slice_eq_nocase(word, slice_of_str(verbs[i].name)))
            continue;
        command->verb = (enum imap_verb)i;
        return !command->uid || verbs[i].uid ||
               token_fail(c, "a command that may follow UID before this");
    }
    *ret_known = false;
    return false;
}

int imap_parse(const struct imap_text *text, struct imap_mode mode, struct arena *a,
               struct imap_command *ret, struct problem *problem) {
    struct imap_cursor c;
    bool known;
    *ret = (struct imap_command){0};
    token_begin(&c, text, a);
    c.utf8_names = mode.utf8_names;
    if (!token_tag(&c, &ret->tag))
        return imap_problem(&c, problem);
    if (!token_space(&c)) {
        ret->tag = (struct slice){0};
        return imap_problem(&c, problem);
    }
    if (!take_verb(&c, ret, &known))
        return known ? imap_problem(&c, problem)
                     : problem_set(problem, -E_UNKNOWN, "unknown command");
    const struct verb *verb = &verbs[ret->verb];
    if (!(verb->states & mode.state))
        return problem_set(problem, -E_UNKNOWN, "%s",
                           mode.state == LOGIN     ? "log in first"
                           : verb->states == LOGIN ? "you are logged in already"
                                                   : "select a mailbox first");
    bool more = verb->arguments == MUST_HAVE || (verb->arguments == WITH_UID && ret->uid) ||
                (verb->arguments == MAY && !token_at_end(&c));
    if ((more && !(token_space(&c) && verb->take(&c, ret))) || !token_end(&c))
        return imap_problem(&c, problem);
    return 0;
}
