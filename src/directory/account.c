/* SPDX-License-Identifier: ISC */
#include "directory/account.h"

#include <errno.h>

#include "base/encode.h"
#include "base/words.h"
#include "directory/local.h"
#include "directory/password.h"
#include "directory/records.h"

#define PERSON_MAX 255U

/* ------------------------------------------------------------------ adding */

struct account_row account_row_of(const struct directory *d, const struct account_new *like,
                                  const char *hash) {
    return (struct account_row){.hash = slice_of_str(hash),
                                .person = like->name,
                                .quota = like->quota,
                                .admin = like->admin,
                                .enabled = !like->disabled,
                                .shards = d->shards,
                                .created = fiber_wall()};
}

int account_parse_new(const struct directory *d, struct slice address, struct arena *a,
                      struct name *ret, struct problem *problem) {
    struct name base;
    struct slice detail;
    int r = name_parse_new(a, address, ret, problem);
    if (r < 0)
        return r;
    if (d->plus_separator != DIRECTORY_NO_PLUS &&
        name_split(a, ret, d->plus_separator, &base, &detail))
        return problem_set(problem, -E_REFUSED,
                           N_("%.*s holds the separator \"%c\": such mail goes to %.*s"),
                           SLICE_ARG(ret->text), d->plus_separator, SLICE_ARG(base.text));
    return 0;
}

int account_check_person(struct slice name, struct problem *problem) {
    if (name.len > PERSON_MAX)
        return problem_set(problem, -E_SYNTAX, N_("the name has %zu bytes, at most %u are taken"),
                           name.len, PERSON_MAX);
    bool bad = !utf8_valid(name);
    for (size_t i = 0; i < name.len; i++)
        bad = bad || (unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f;
    return bad ? problem_set(problem, -E_SYNTAX,
                             N_("the name has control characters or is not UTF-8 text"))
               : 0;
}

int account_must_be_new(struct db *db, const struct name *name) {
    uint64_t id = 0;
    bool has_alias = false;
    int r = record_account(db, name->text, &id);
    if (r == 0 && id > 0)
        return problem_set(db->problem, -EEXIST, N_("%.*s exists already: account %llu"),
                           SLICE_ARG(name->text), (unsigned long long)id);
    if (r == 0)
        r = record_has_alias(db, name->text, &has_alias);
    if (has_alias)
        return problem_set(
            db->problem, -EEXIST,
            N_("%.*s is an alias, which would get all mail of the account; remove the "
               "alias first"),
            SLICE_ARG(name->text));
    return r;
}

int account_insert(struct db *db, const struct name *name, const struct account_row *row,
                   uint64_t *ret_id) {
    int64_t id = 0;
    int r = db_run(db, "UPDATE counter SET value = value + 1 WHERE name = 'account_id'");
    if (r == 0)
        r = db_number(db, &id, "SELECT value FROM counter WHERE name = 'account_id'");
    if (r < 0)
        return r;
    if (r == 0 || id <= 0)
        return problem_set(db->problem, -E_CORRUPT, N_("%s has lost its counter of accounts"),
                           db->path);
    r = db_run(db,
               "INSERT INTO account (account_id, address, domain, spelled, name, password,"
               " enabled, admin, quota, shard, created)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
               V(id), V_TEXT(name->text), V_TEXT(name->domain), V_TEXT(name->written),
               V_TEXT(row->person), V_TEXT(row->hash), V(row->enabled), V(row->admin),
               V(row->quota), V(id % (int64_t)row->shards), V(row->created));
    if (r == 0)
        r = db_run(db, "INSERT INTO usage (account_id, messages, bytes) VALUES (?1, 0, 0)", V(id));
    if (r == 0)
        *ret_id = (uint64_t)id;
    return r;
}

struct adding {
    struct name name;
    struct account_row row;
    struct author author;
    struct arena *arena;
    uint64_t id;
};

static int add_job(struct db *db, void *arg) {
    struct adding *add = arg;
    int r = record_must_be_local(db, add->name.domain, add->arena);
    if (r == 0)
        r = account_must_be_new(db, &add->name);
    if (r == 0)
        r = account_insert(db, &add->name, &add->row, &add->id);
    return r < 0 ? r
                 : history_add(db, &add->author, "account.add", add->name.text, S(""),
                               add->row.admin ? S("administrator") : S(""));
}

int directory_account_add(struct directory *d, const struct order *order,
                          const struct account_new *account, uint64_t *ret_id,
                          struct problem *problem) {
    char hash[PASSWORD_HASH_MAX];
    _cleanup_(arena_done) struct arena a = {0};
    struct adding add = {.author = author_of(order), .arena = &a};
    int r = account_parse_new(d, account->address, &a, &add.name, problem);
    if (r == 0)
        r = account_check_person(account->name, problem);
    if (r == 0)
        r = password_prepare(d, account, &add.name, hash, problem);
    if (r < 0)
        return r;
    add.row = account_row_of(d, account, hash);
    r = directory_run(d, JOB_WRITE, add_job, &add, problem);
    if (r == 0)
        *ret_id = add.id;
    return r;
}

/* ------------------------------------------------------------------ reading */

struct account account_read(sqlite3_stmt *row, struct arena *a) {
    struct slice hash = db_copy(row, 6, a);
    const char *kind = password_kind(hash);
    return (struct account){
        .id = db_u64(row, 0),
        .address = db_copy(row, 1, a),
        .spelled = db_copy(row, 2, a),
        .name = db_copy(row, 3, a),
        .enabled = db_u64(row, 4) != 0,
        .admin = db_u64(row, 5) != 0,
        .has_password = hash.len > 0,
        .password_kind = slice_of_str(kind ? kind : ""),
        .has_apop = db_u64(row, 7) != 0,
        .quota = db_u64(row, 8),
        .shard = (uint32_t)db_u64(row, 9),
        .created = db_i64(row, 10),
    };
}

struct showing {
    struct slice address; /* or */
    uint64_t id;
    struct arena *arena;
    struct account account;
};

static int show_job(struct db *db, void *arg) {
    struct showing *show = arg;
    sqlite3_stmt *row = NULL;
    int r = show->id > 0
                ? db_row(db, &row, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE account_id = ?1",
                         V(show->id))
                : db_row(db, &row, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE address = ?1",
                         V_TEXT(show->address));
    if (r == 1)
        show->account = account_read(row, show->arena);
    if (r == 0 && show->id > 0)
        return problem_set(db->problem, -E_UNKNOWN, N_("there is no account with the number %llu"),
                           (unsigned long long)show->id);
    return r == 0 ? record_no_account(db, show->address) : MIN(r, 0);
}

int local_account(struct directory_source *s, uint64_t id, struct slice address, struct arena *a,
                  struct account *ret, struct problem *problem) {
    struct showing show = {.id = id, .address = address, .arena = a};
    int r = directory_run(directory_of_local(s), JOB_READ, show_job, &show, problem);
    if (r == 0)
        *ret = show.account;
    return r;
}

static int show(struct directory *d, uint64_t id, struct slice address, struct arena *a,
                struct account *ret, struct problem *problem) WAITS {
    (void)directory_write_logins(d);
    (void)directory_flush_usage(d);
    int r = d->source->ops->account(d->source, id, address, a, ret, problem);
    return r < 0 ? r : directory_fill_kept(d, ret, 1, problem);
}

int directory_account_show(struct directory *d, struct slice address, struct arena *a,
                           struct account *ret, struct problem *problem) {
    struct name name;
    int r = name_parse(a, address, &name, problem);
    return r < 0 ? r : show(d, 0, name.text, a, ret, problem);
}

int directory_account_by_id(struct directory *d, uint64_t id, struct arena *a, struct account *ret,
                            struct problem *problem) {
    if (id == 0)
        return problem_set(problem, -E_UNKNOWN, N_("there is no account with the number 0"));
    return show(d, id, S(""), a, ret, problem);
}

void account_list_grow(struct account **list, size_t count, size_t *room, struct arena *a) {
    if (count < *room)
        return;
    *room = *room > 0 ? *room * 2 : 16;
    struct account *bigger = arena_array(a, *room, sizeof *bigger);
    if (count > 0)
        memcpy(bigger, *list, count * sizeof *bigger);
    *list = bigger;
}

struct listing {
    struct slice domain;
    uint64_t after;
    size_t limit, count;
    struct arena *arena;
    struct account *accounts;
};

static int list_job(struct db *db, void *arg) {
    struct listing *l = arg;
    sqlite3_stmt *row = NULL;
    size_t room = 0;
    int64_t limit = (int64_t)MIN(l->limit, (size_t)INT32_MAX);
    int r = l->domain.len > 0
                ? db_query(db, &row,
                           "SELECT " ACCOUNT_COLUMNS
                           " FROM account WHERE account_id > ?1 AND domain = ?3"
                           " ORDER BY account_id LIMIT ?2",
                           V(l->after), V(limit), V_TEXT(l->domain))
                : db_query(db, &row,
                           "SELECT " ACCOUNT_COLUMNS " FROM account WHERE account_id > ?1"
                           " ORDER BY account_id LIMIT ?2",
                           V(l->after), V(limit));
    while (r >= 0 && (r = db_step(db, row)) == 1) {
        account_list_grow(&l->accounts, l->count, &room, l->arena);
        l->accounts[l->count++] = account_read(row, l->arena);
    }
    return r;
}

int local_accounts(struct directory_source *s, struct slice domain, uint64_t after_id, size_t limit,
                   struct arena *a, struct account **ret, size_t *ret_count,
                   struct problem *problem) {
    struct listing l = {.domain = domain, .after = after_id, .limit = limit, .arena = a};
    int r = directory_run(directory_of_local(s), JOB_READ, list_job, &l, problem);
    if (r < 0)
        return r;
    *ret = l.accounts;
    *ret_count = l.count;
    return 0;
}

int directory_account_list(struct directory *d, struct slice domain, uint64_t after_id,
                           size_t limit, struct arena *a, struct account **ret, size_t *ret_count,
                           struct problem *problem) {
    int r = domain.len > 0 ? name_domain_parse(a, domain, &domain, problem) : 0;
    (void)directory_write_logins(d);
    (void)directory_flush_usage(d);
    if (r == 0)
        r = d->source->ops->accounts(d->source, domain, after_id, limit, a, ret, ret_count,
                                     problem);
    return r < 0 ? r : directory_fill_kept(d, *ret, *ret_count, problem);
}

static int has_apop_job(struct db *db, void *arg) {
    int64_t one = 0;
    int r = db_number(db, &one, "SELECT 1 FROM account WHERE apop IS NOT NULL LIMIT 1");
    *(bool *)arg = r == 1;
    return MIN(r, 0);
}

int local_has_apop(struct directory_source *s, bool *ret, struct problem *problem) {
    return directory_run(directory_of_local(s), JOB_READ, has_apop_job, ret, problem);
}

int directory_has_apop(struct directory *d, bool *ret, struct problem *problem) {
    *ret = false;
    return d->source->ops->has_apop ? d->source->ops->has_apop(d->source, ret, problem) : 0;
}

/* ------------------------------------------------------------------ changing */

/*
 * One column of one account: `sql` has the number as ?1 and the value as ?2, `read` gives what was
 * there, and `words` makes of a value what the history says of it.
 */
struct change {
    struct slice address;
    const char *kind;
    const char *read, *sql;
    struct slice (*words)(struct arena *a, struct slice value);
    struct slice text; /* or, when ptr is NULL, */
    int64_t number;
    bool ends_admin; /* an administrator would be one no longer */
    uint64_t id;
    struct author author;
    struct arena *arena;
};

static struct slice words_text(struct arena *a, struct slice value) {
    (void)a;
    return value.len > 0 ? value : S("none");
}

static struct slice words_yes_no(struct arena *a, struct slice value) {
    (void)a;
    return slice_eq(value, S("0")) ? S("no") : S("yes");
}

static struct slice words_size(struct arena *a, struct slice value) {
    uint64_t bytes = 0;
    (void)slice_to_u64(value, INT64_MAX, &bytes);
    return history_size(a, bytes);
}

/* Of a hash its kind alone: it is as good as a secret. */
static struct slice words_password(struct arena *a, struct slice hash) {
    const char *kind = hash.len > 0 ? password_kind(hash) : NULL;
    (void)a;
    return kind ? slice_of_str(kind) : S("none");
}

static int change_job(struct db *db, void *arg) {
    struct change *c = arg;
    sqlite3_stmt *row = NULL;
    int r = record_must_have_account(db, c->address, &c->id);
    if (r == 0 && c->ends_admin && !c->author.order->force)
        r = record_must_leave_admin(db, c->id, c->address);
    if (r == 0)
        r = db_row(db, &row, c->read, V(c->id));
    if (r < 0)
        return r;
    struct slice before = db_copy(row, 0, c->arena);
    db_reset(&row);
    r = db_run(db, c->sql, V(c->id), c->text.ptr ? V_TEXT(c->text) : V(c->number));
    if (r < 0)
        return r;
    struct slice after =
        c->text.ptr ? c->text : arena_printf(c->arena, "%lld", (long long)c->number);
    struct slice was = c->words(c->arena, before), is = c->words(c->arena, after);
    if (c->words == words_password && slice_eq(was, is)) /* another one of the same kind */
        is = arena_printf(c->arena, "another %.*s", SLICE_ARG(is));
    return history_add(db, &c->author, c->kind, c->address, was, is);
}

static int change(struct directory *d, const struct order *order, struct slice address,
                  struct change *c, struct problem *problem) WAITS {
    struct name name;
    _cleanup_(arena_done) struct arena a = {0};
    int r = name_parse(&a, address, &name, problem);
    if (r < 0)
        return r;
    c->address = name.text;
    c->author = author_of(order);
    c->arena = &a;
    r = directory_run(d, JOB_WRITE, change_job, c, problem);
    if (r == 0)
        remembered_drop(d->remembered, c->id);
    return r;
}

int directory_account_set_enabled(struct directory *d, const struct order *order,
                                  struct slice address, bool enabled, struct problem *problem) {
    struct change c = {.kind = "account.enabled",
                       .read = "SELECT enabled FROM account WHERE account_id = ?1",
                       .sql = "UPDATE account SET enabled = ?2 WHERE account_id = ?1",
                       .words = words_yes_no,
                       .number = enabled,
                       .ends_admin = !enabled};
    return change(d, order, address, &c, problem);
}

int directory_account_set_quota(struct directory *d, const struct order *order,
                                struct slice address, uint64_t quota, struct problem *problem) {
    struct change c = {.kind = "account.quota",
                       .read = "SELECT quota FROM account WHERE account_id = ?1",
                       .sql = "UPDATE account SET quota = ?2 WHERE account_id = ?1",
                       .words = words_size,
                       .number = (int64_t)quota};
    if (c.number < 0)
        return problem_set(problem, -E_SYNTAX, N_("the quota is too large"));
    return change(d, order, address, &c, problem);
}

int directory_account_set_admin(struct directory *d, const struct order *order,
                                struct slice address, bool admin, struct problem *problem) {
    struct change c = {.kind = "account.admin",
                       .read = "SELECT admin FROM account WHERE account_id = ?1",
                       .sql = "UPDATE account SET admin = ?2 WHERE account_id = ?1",
                       .words = words_yes_no,
                       .number = admin,
                       .ends_admin = !admin};
    return change(d, order, address, &c, problem);
}

int directory_account_set_name(struct directory *d, const struct order *order, struct slice address,
                               struct slice name, struct problem *problem) {
    struct change c = {.kind = "account.name",
                       .read = "SELECT name FROM account WHERE account_id = ?1",
                       .sql = "UPDATE account SET name = ?2 WHERE account_id = ?1",
                       .words = words_text,
                       .text = name.ptr ? name : S("")};
    int r = account_check_person(name, problem);
    return r < 0 ? r : change(d, order, address, &c, problem);
}

int directory_account_set_password(struct directory *d, const struct order *order,
                                   struct slice address, struct slice password, bool accept_weak,
                                   struct problem *problem) {
    char hash[PASSWORD_HASH_MAX];
    _cleanup_(arena_done) struct arena a = {0};
    struct name name;
    struct account account;
    struct change c = {.kind = "account.password",
                       .read = "SELECT password FROM account WHERE account_id = ?1",
                       .sql = "UPDATE account SET password = ?2 WHERE account_id = ?1",
                       .words = words_password};
    int r = name_parse(&a, address, &name, problem);
    if (r == 0)
        r = directory_account_show(d, address, &a, &account, problem);
    if (r < 0)
        return r;
    struct account_new like = {.name = account.name,
                               .password = password.ptr ? password : S(""),
                               .accept_weak = accept_weak};
    r = password_prepare(d, &like, &name, hash, problem);
    if (r < 0)
        return r;
    c.text = slice_of_str(hash);
    return change(d, order, address, &c, problem);
}

/* ------------------------------------------------------------------ APOP */

struct sealing {
    struct directory *d;
    struct slice address, secret;
    struct author author;
    struct arena *arena;
};

static int seal_job(struct db *db, void *arg) {
    struct sealing *s = arg;
    uint64_t id = 0;
    int64_t had = 0;
    struct slice sealed = {0};
    int r = record_must_have_account(db, s->address, &id);
    if (r == 0)
        r = db_number(db, &had, "SELECT apop IS NOT NULL FROM account WHERE account_id = ?1",
                      V(id));
    if (r < 0)
        return r;
    if (s->secret.len > 0)
        sealed = seal_close(&s->d->key, id, s->secret, s->arena);
    r = db_run(db, "UPDATE account SET apop = ?2 WHERE account_id = ?1", V(id),
               sealed.ptr ? V_BYTES(sealed) : V_NULL);
    if (r < 0)
        return r;
    return history_add(db, &s->author, "account.apop", s->address, had ? S("yes") : S("none"),
                       !sealed.ptr ? S("none")
                       : had       ? S("another")
                                   : S("yes"));
}

int directory_account_set_apop(struct directory *d, const struct order *order, struct slice address,
                               struct slice secret, struct problem *problem) {
    struct name name;
    _cleanup_(arena_done) struct arena a = {0};
    int r = name_parse(&a, address, &name, problem);
    if (r == 0 && secret.len > 0)
        r = password_check_form(secret, problem);
    if (r < 0)
        return r;
    if (secret.len > 0 && !d->key.present)
        return problem_set(
            problem, -E_REFUSED,
            N_("there is no key to seal APOP secrets with; restore its file, or remove "
               "all APOP secrets and restart"));
    struct sealing s = {
        .d = d, .address = name.text, .secret = secret, .author = author_of(order), .arena = &a};
    return directory_run(d, JOB_WRITE, seal_job, &s, problem);
}
