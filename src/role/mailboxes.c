/* SPDX-License-Identifier: ISC */
#include "role/mailboxes.h"

#include "store/solo/solo.h"

const struct backend_offline *const mailboxes_offline = &solo_offline;

uint64_t mailboxes_min_free(const struct conf *conf) {
    return conf->queue.disk_reserve / 4;
}

int mailboxes_open(const struct conf *conf, struct store_options *options, struct store **ret,
                   struct problem *problem) {
    struct solo_options solo = {.dir = ".", .min_free = mailboxes_min_free(conf)};
    options->backend = solo_open;
    options->backend_options = &solo;
    int r = store_open(options, ret, problem);
    if (r == 0)
        mailboxes_set_defaults(*ret, conf);
    return r;
}

void mailboxes_set_defaults(struct store *s, const struct conf *conf) {
    static const enum store_role roles[CONF_USES] = {
        [CONF_USE_DRAFTS] = STORE_ROLE_DRAFTS,   [CONF_USE_SENT] = STORE_ROLE_SENT,
        [CONF_USE_JUNK] = STORE_ROLE_JUNK,       [CONF_USE_TRASH] = STORE_ROLE_TRASH,
        [CONF_USE_ARCHIVE] = STORE_ROLE_ARCHIVE,
    };
    const struct conf_mailboxes *m = &conf->accounts.mailboxes;
    struct store_default list[CONF_USES];
    size_t count = MIN(m->count, ARRAY_SIZE(list));
    for (size_t i = 0; i < count; i++)
        list[i] = (struct store_default){
            roles[m->list[i].use], conf_mailbox_name(&m->list[i], conf->accounts.mailbox_names)};
    store_set_defaults(s, list, count);
}
