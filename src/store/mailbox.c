/* SPDX-License-Identifier: ISC */
/*
 * Mailboxes: which there are, and their entries coming into memory, staying there, going out.
 *
 * The entries of a mailbox are read piece by piece when somebody first wants them. What becomes
 * durable meanwhile is noted, and applied to the entries before anyone sees them; since records are
 * absolute it does no harm that some of it is in what was read.
 */
#include "store/account.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "store/properties.h"

#define FIRST_PIECE 128U  /* entries that are read at once: most mailboxes are small */
#define PIECE       4096U /* 128 KiB, put into their tree within 100 us */

#define NODES_AT_ONCE 128U /* freed within 200 us */

/* ------------------------------------------------------------------ mailboxes */

bool store_name_is_good(struct slice name) {
    if (name.len == 0 || name.len > STORE_NAME_MAX || !utf8_valid(name))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f)
            return false;
    return true;
}

struct mailbox *mailbox_find(const struct store_account *a, uint32_t id) {
    size_t low = 0, high = a->mailbox_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->mailboxes[middle]->info.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->mailbox_count && a->mailboxes[low]->info.id == id ? a->mailboxes[low] : NULL;
}

int store_mailbox_path(const struct store_account *a, uint32_t mailbox, struct buf *path) {
    _cleanup_(buf_done) struct buf names = {0}; /* struct slice, from the mailbox to the top */
    const struct mailbox *m = mailbox_find(a, mailbox);
    if (!m)
        return -E_UNKNOWN;
    for (size_t depth = 0; m && depth < a->mailbox_count; depth++) {
        const struct slice name = mailbox_name(m);
        buf_add_bytes(&names, &name, sizeof name);
        m = mailbox_find(a, m->info.parent);
    }
    const struct slice *list = (const void *)names.ptr;
    for (size_t i = names.len / sizeof *list; i-- > 0;) {
        buf_add(path, list[i]);
        if (i > 0)
            buf_add(path, S(STORE_UNDER));
    }
    return 0;
}

static int64_t mailbox_size(const struct mailbox *m) {
    const size_t name = m->info.owns_name ? m->info.name_len : 0;
    return (int64_t)(sizeof *m + sizeof(struct mailbox *) + name);
}

static void set_name(struct mailbox *m, struct slice name) {
    name = slice_first(name, STORE_NAME_MAX); /* what is written is never longer */
    const struct shared_name *shared = shared_name_find(&m->account->store->shared, name);
    m->info.name = shared ? shared->name.ptr : mem_str(name);
    m->info.name_len = (uint8_t)name.len;
    m->info.owns_name = !shared;
}

static void drop_name(const struct mailbox *m) {
    if (m->info.owns_name)
        free((void *)(uintptr_t)m->info.name);
}

void mailbox_describe(const struct mailbox *m, struct store_mailbox *ret) {
    *ret = (struct store_mailbox){.id = m->info.id,
                                  .parent = m->info.parent,
                                  .role = (enum store_role)m->info.role,
                                  .name = mailbox_name(m),
                                  .uidvalidity = m->info.uidvalidity,
                                  .uidnext = m->info.uidnext,
                                  .modseq = m->info.modseq,
                                  .messages = m->info.messages,
                                  .unseen = m->info.unseen,
                                  .bytes = m->info.bytes};
}

struct mailbox *mailbox_add(struct store_account *a, const struct store_mailbox *info) {
    struct mailbox *m = NEW(struct mailbox);
    m->account = a;
    m->info = (struct mailbox_info){.id = info->id,
                                    .parent = info->parent,
                                    .role = (uint8_t)info->role,
                                    .uidvalidity = info->uidvalidity,
                                    .uidnext = info->uidnext,
                                    .modseq = info->modseq,
                                    .messages = (uint32_t)info->messages,
                                    .unseen = (uint32_t)info->unseen,
                                    .bytes = info->bytes};
    m->uidnext = info->uidnext;
    set_name(m, info->name);
    a->mailboxes = mem_grow(a->mailboxes, (a->mailbox_count + 1) * sizeof(struct mailbox *));
    size_t at = a->mailbox_count++;
    for (; at > 0 && a->mailboxes[at - 1]->info.id > info->id; at--)
        a->mailboxes[at] = a->mailboxes[at - 1];
    a->mailboxes[at] = m;
    a->store->memory += mailbox_size(m);
    return m;
}

void store_drop_entries(struct store *s, struct entries *e) {
    if (!e || entries_drop_some(e, NODES_AT_ONCE, &s->memory))
        return;
    buf_add_bytes(&s->dropped, &e, sizeof e);
    fiber_cond_wake_all(&s->crowded);
}

void store_free_some(struct store *s) {
    struct entries *e;
    size_t last = s->dropped.len - sizeof e;
    memcpy(&e, s->dropped.ptr + last, sizeof e);
    if (!entries_drop_some(e, NODES_AT_ONCE, &s->memory))
        return;
    s->dropped.len = last;
    if (last == 0)
        buf_done(&s->dropped);
}

void mailbox_rename(struct mailbox *m, uint32_t parent, struct slice name) {
    const struct mailbox before = *m; /* `name` may be its own */
    m->account->store->memory -= mailbox_size(m);
    m->info.parent = parent;
    set_name(m, name);
    m->account->store->memory += mailbox_size(m);
    drop_name(&before);
}

static struct mailbox_content *content_of(struct mailbox *m) {
    if (!m->content) {
        m->content = NEW(struct mailbox_content);
        m->content->mailbox = m;
        list_init(&m->content->waiters);
        m->account->store->memory += (int64_t)sizeof *m->content;
    }
    return m->content;
}

void mailbox_unload(struct mailbox *m) {
    struct mailbox_content *c = TAKE_PTR(m->content);
    if (!c)
        return;
    MUST(m->users == 0 && !c->loading);
    store_drop_entries(m->account->store, c->entries);
    keywords_free(c->keywords);
    link_remove(&c->untidy_link);
    link_remove(&c->used_link);
    m->account->store->memory -= (int64_t)sizeof *c;
    free(c);
}

/* What was there for a change, or for who waited, goes. */
static void shrink(struct mailbox *m) {
    const struct mailbox_content *c = m->content;
    if (c && m->users == 0 && !c->loaded && !c->loading && !c->keywords)
        mailbox_unload(m);
}

void mailbox_free(struct mailbox *m) {
    mailbox_unload(m);
    feed_drop(m);
    m->account->store->memory -= mailbox_size(m);
    drop_name(m);
    free(m);
}

void mailbox_remove(struct mailbox *m) {
    struct store_account *a = m->account;
    size_t at = 0;
    while (a->mailboxes[at] != m)
        at++;
    a->mailbox_count--;
    feed_drop(m);
    memmove(&a->mailboxes[at], &a->mailboxes[at + 1], (a->mailbox_count - at) * sizeof m);
    m->gone = true;
    if (m->users == 0)
        mailbox_free(m);
}

static void touch(struct mailbox *m) {
    struct mailbox_content *c = m->content;
    link_remove(&c->used_link);
    list_append(&m->account->store->loaded, &c->used_link);
    c->used = fiber_now();
}

/* ------------------------------------------------------------------ room */

/* The mailbox that can be unloaded and was used least recently. */
static struct mailbox *coldest_mailbox(struct store *s) {
    LIST_EACH (c, &s->loaded, struct mailbox_content, used_link)
        if (c->mailbox->users == 0 && !c->loading)
            return c->mailbox;
    return NULL;
}

/* Unloads mailboxes until there is room; those of accounts that go next are left to them. */
static void unload_some(struct store *s) {
    while (s->memory > (int64_t)s->options.memory && s->dropped.len == 0) {
        struct link *k = list_first(&s->idle);
        const struct store_account *idle =
            k ? CONTAINER_OF(k, const struct store_account, idle_link) : NULL;
        struct mailbox *m = coldest_mailbox(s);
        if (!m || (idle && idle->idle_since < m->content->used))
            return;
        mailbox_unload(m);
        s->stats.evicted++;
    }
}

void store_look_for_room(struct store *s) {
    unload_some(s);
    if (s->memory > (int64_t)s->options.memory && !list_empty(&s->idle))
        fiber_cond_wake_all(&s->crowded);
}

/* ------------------------------------------------------------------ keywords */

static void begin_keywords(struct mailbox *m) {
    struct mailbox_content *c = content_of(m);
    if (!c->keywords)
        c->keywords = keywords_new(&m->account->store->memory);
}

static void set_untidy(struct mailbox *m) {
    if (!link_in_list(&m->content->untidy_link))
        list_append(&m->account->untidy, &m->content->untidy_link);
}

int mailbox_keywords(struct mailbox *m) {
    _cleanup_(buf_done) struct buf names = {0};
    const struct backend_account *below = m->account->below;
    if (!mailbox_is_loaded(m) && (mailbox_is_loading(m) || !m->content || !m->content->keywords)) {
        int error = below->backend->ops->keywords(m->account->below, m->info.id, &names);
        if (error)
            return error;
    }
    begin_keywords(m);
    struct slice rest = buf_slice(&names), name;
    while (slice_next(&rest, ' ', &name))
        if (keyword_is_good(name))
            (void)keywords_bring(m->content->keywords, &name, 1);
    set_untidy(m);
    return 0;
}

void mailbox_sets(struct mailbox *m, struct slice sets, struct buf *numbers) {
    struct slice line;
    bool here = mailbox_is_loaded(m) || mailbox_is_loading(m);
    if (here && sets.len > 0) {
        begin_keywords(m);
        set_untidy(m);
    }
    while (sets.len > 0 && slice_next(&sets, '\n', &line)) {
        uint32_t number = here ? keywords_set(m->content->keywords, line) : 0;
        buf_add_bytes(numbers, &number, sizeof number);
    }
}

/* Those of a mailbox that is being loaded stay as they are: it has noted changes with their
 * numbers.
 */
void account_tidy(struct store_account *a) {
    struct link *k;
    while ((k = list_pop(&a->untidy))) {
        struct mailbox_content *c = CONTAINER_OF(k, struct mailbox_content, untidy_link);
        if (c->loaded && c->keywords)
            keywords_tidy(c->keywords);
        else if (!c->loading)
            keywords_free(TAKE_PTR(c->keywords));
        shrink(c->mailbox);
    }
}

/* ------------------------------------------------------------------ changes of entries */

/* An entry has come to another set of keywords. */
static void change_set(struct mailbox *m, uint32_t from, uint32_t to) {
    if (from == to)
        return;
    keywords_use(m->content->keywords, to, 1);
    keywords_use(m->content->keywords, from, -1);
    set_untidy(m);
}

static void add_entry(struct mailbox *m, const struct store_entry *e) {
    if (entries_find(m->content->entries, e->uid))
        return;
    change_set(m, 0, e->keywords);
    entries_append(&m->content->entries, e, &m->account->store->memory);
}

void mailbox_add_entry(struct mailbox *m, const struct store_entry *e) {
    if (mailbox_is_loaded(m))
        add_entry(m, e);
    else if (mailbox_is_loading(m))
        buf_add_bytes(&m->content->loading->missed, e, sizeof *e);
}

struct flagging {
    struct mailbox *mailbox;
    const struct buf *set_numbers;
    uint64_t modseq;
};

static void flag_entry(void *arg, const struct store_entry *wanted, struct store_entry *e) {
    const struct flagging *f = arg;
    uint32_t set = set_number(f->set_numbers, wanted->keywords) & STORE_SET_MAX;
    if (e->modseq >= f->modseq)
        return;
    f->mailbox->info.unseen -= !(e->flags & STORE_SEEN);
    f->mailbox->info.unseen += !(wanted->flags & STORE_SEEN);
    change_set(f->mailbox, e->keywords, set);
    e->flags = (uint8_t)(wanted->flags | (e->flags & ENTRY_SHARED));
    e->keywords = set & STORE_SET_MAX;
    e->modseq = f->modseq & STORE_MODSEQ_MAX;
}

void mailbox_flag_entries(struct mailbox *m, const struct store_entry *list, size_t count,
                          const struct buf *set_numbers, uint64_t modseq) {
    struct flagging f = {m, set_numbers, modseq};
    entries_change(&m->content->entries, list, count, flag_entry, &f, &m->account->store->memory);
}

static void take_entry(void *arg, const struct store_entry *e) {
    struct mailbox *m = arg;
    m->info.messages--;
    m->info.unseen -= !(e->flags & STORE_SEEN);
    m->info.bytes -= e->size;
    change_set(m, e->keywords, 0);
}

void mailbox_take_entries(struct mailbox *m, const uint32_t *uids, size_t count) {
    entries_take(&m->content->entries, uids, count, take_entry, m, &m->account->store->memory);
}

/* ------------------------------------------------------------------ loading */

void mailbox_begin(struct mailbox *m) {
    content_of(m)->loaded = true;
    touch(m);
}

/* Reads all entries of a mailbox. */
static int read_entries(struct mailbox *m, struct entries **ret) WAITS {
    struct store_account *a = m->account;
    int64_t *memory = &a->store->memory;
    const struct backend_ops *ops = a->below->backend->ops;
    struct entries *all = NULL;
    size_t size = FIRST_PIECE;
    uint32_t above = 0;
    int error;
    for (;; size = PIECE) {
        _cleanup_(free_p) struct store_entry *piece = mem_array(size, sizeof *piece);
        _cleanup_(buf_done) struct buf sets = {0}, numbers = {0};
        size_t count = 0;
        error = ops->load(a->below, m->info.id, above, piece, size, &sets, &count);
        if (error)
            break;
        mailbox_sets(m, buf_slice(&sets), &numbers);
        for (size_t i = 0; i < count; i++) {
            piece[i].keywords = set_number(&numbers, piece[i].keywords) & STORE_SET_MAX;
            keywords_use(m->content->keywords, piece[i].keywords, 1);
            entries_append(&all, &piece[i], memory);
        }
        if (count < size && sets.len < BACKEND_SETS)
            break;
        above = piece[count - 1].uid;
        store_look_for_room(a->store);
    }
    if (error)
        store_drop_entries(a->store, all);
    else
        *ret = all;
    return error;
}

static void leave(struct mailbox *m) {
    MUST(m->users > 0);
    if (--m->users == 0 && m->gone)
        mailbox_free(m);
    else
        shrink(m);
}

/* They stay in memory where entries, or a change under way, need them. */
int mailbox_keyword_names(struct mailbox *m, struct buf *names) {
    m->users++;
    int error = mailbox_keywords(m);
    if (!error && m->gone)
        error = -E_UNKNOWN;
    if (!error)
        keywords_names(m->content->keywords, names);
    if (m->content && !m->content->loaded && !m->content->loading && !m->account->writing)
        keywords_free(TAKE_PTR(m->content->keywords));
    leave(m);
    return error;
}

void mailbox_serve(struct mailbox *m, struct entries_waiter *w) {
    w->entries = entries_hold(m->content->entries);
    if (m->content->keywords)
        keywords_view_open(m->content->keywords, &w->keywords);
    w->served = true;
}

void mailbox_await(struct mailbox *m, struct entries_waiter *w) {
    m->users++;
    list_append(&content_of(m)->waiters, &w->link);
}

static void serve_waiters(struct mailbox *m) {
    struct link *k;
    while (!m->gone && (k = list_pop(&m->content->waiters)))
        mailbox_serve(m, CONTAINER_OF(k, struct entries_waiter, link));
}

void mailbox_sum_up(struct mailbox *m) {
    size_t run = 0;
    m->info.messages = (uint32_t)entries_count(m->content->entries);
    m->info.bytes = entries_bytes(m->content->entries);
    m->info.unseen = 0;
    for (size_t place = 0; place < m->info.messages; place += run) {
        const struct store_entry *e = entries_run(m->content->entries, place, &run);
        for (size_t i = 0; i < run; i++)
            m->info.unseen += !(e[i].flags & STORE_SEEN);
    }
}

int mailbox_load(struct mailbox *m) {
    struct store *s = m->account->store;
    struct mailbox_content *c = content_of(m);
    int error = 0;
    m->users++; /* so the content stays */
    while (!error && c->loading)
        error = fiber_cond_wait(&c->loading->arrived);
    if (!error && !c->loaded) {
        struct mailbox_loading loading = {0};
        fiber_cond_init(&loading.arrived);
        c->loading = &loading;
        error = read_entries(m, &c->entries);
        c->loading = NULL;
        if (!error) {
            const struct store_entry *missed = (const void *)loading.missed.ptr;
            c->loaded = true;
            for (size_t i = 0; i < loading.missed.len / sizeof *missed; i++)
                add_entry(m, &missed[i]);
            serve_waiters(m);
            set_untidy(m);
            s->stats.loads++;
        } else {
            keywords_free(TAKE_PTR(c->keywords));
        }
        buf_done(&loading.missed);
        fiber_cond_wake_all(&loading.arrived);
    }
    if (m->gone)
        error = -E_UNKNOWN;
    if (error) {
        leave(m);
        return error;
    }
    touch(m);
    store_look_for_room(s);
    return 0;
}

void mailbox_rest(struct mailbox *m) {
    struct store *s = m->account->store;
    if (mailbox_is_loaded(m))
        touch(m);
    leave(m);
    store_look_for_room(s);
}
