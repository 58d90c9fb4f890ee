/* SPDX-License-Identifier: ISC */
#include "role/mail/ended_logins.h"

#include "base/alloc.h"
#include "fiber/fiber.h"

struct ended_login {
    struct link link;
    uint64_t account;
    usec_t before; /* wall time: tickets made earlier are void */
    usec_t until;  /* monotonic: by then they are too old anyway */
};

void ended_logins_init(struct ended_logins *e, usec_t ticket_life) {
    *e = (struct ended_logins){
        .ticket_life = ticket_life, .began = fiber_wall(), .began_at = fiber_now()};
    list_init(&e->order);
}

static void forget(struct ended_logins *e, struct ended_login *login) {
    (void)map_remove(&e->accounts, map_u64(&login->account));
    link_remove(&login->link);
    free(login);
}

void ended_logins_done(struct ended_logins *e) {
    LIST_EACH (login, &e->order, struct ended_login, link)
        forget(e, login);
    map_done(&e->accounts);
}

static void forget_old(struct ended_logins *e) {
    LIST_EACH (login, &e->order, struct ended_login, link) {
        if (login->until > fiber_now())
            return;
        forget(e, login);
    }
}

void ended_logins_add(struct ended_logins *e, uint64_t account, usec_t before) {
    forget_old(e);
    struct ended_login *login = map_get(&e->accounts, map_u64(&account));
    if (!login) {
        login = NEW(struct ended_login);
        login->account = account;
        (void)map_put(&e->accounts, map_u64(&login->account), login);
    }
    login->before = MAX(login->before, before);
    login->until = fiber_now() + 2 * e->ticket_life; /* wall clocks are set back now and then */
    link_remove(&login->link);
    list_append(&e->order, &login->link);
}

bool ended_logins_have(struct ended_logins *e, uint64_t account, usec_t made) {
    forget_old(e);
    const struct ended_login *login = map_get(&e->accounts, map_u64(&account));
    if (login && made < login->before)
        return true;
    return made < e->began && fiber_now() - e->began_at < e->ticket_life;
}
