/* SPDX-License-Identifier: ISC */
#include "imap/capability.h"

#include "auth/sasl.h"

enum condition {
    ALWAYS,
    BEFORE_LOGIN,
    AFTER_LOGIN,
    PASSWORDS,
    NO_PASSWORDS,
    TLS_POSSIBLE,
    TLS_ACTIVE
};

static const struct capability {
    const char *name;
    enum condition condition;
} capabilities[] = {
    {"IMAP4rev1", ALWAYS},
    {"IMAP4rev2", ALWAYS},             /* RFC 9051 */
    {"SASL-IR", BEFORE_LOGIN},         /* RFC 4959 */
    {"LITERAL+", ALWAYS},              /* RFC 7888 */
    {"ID", ALWAYS},                    /* RFC 2971 */
    {"STARTTLS", TLS_POSSIBLE},        /* RFC 9051 §6.2.1 */
    {"LOGINDISABLED", NO_PASSWORDS},   /* §6.2.3 */
    {"ACL", AFTER_LOGIN},              /* RFC 4314 */
    {"BINARY", AFTER_LOGIN},           /* RFC 3516 */
    {"CATENATE", AFTER_LOGIN},         /* RFC 4469 */
    {"CHILDREN", AFTER_LOGIN},         /* RFC 3348 */
    {"COMPRESS=DEFLATE", AFTER_LOGIN}, /* RFC 4978 */
    {"CONDSTORE", AFTER_LOGIN},        /* RFC 7162 */
    {"CONTEXT=SEARCH", AFTER_LOGIN},   /* RFC 5267 */
    {"CONTEXT=SORT", AFTER_LOGIN},
    {"CREATE-SPECIAL-USE", AFTER_LOGIN},
    {"ENABLE", AFTER_LOGIN},      /* RFC 5161 */
    {"ESEARCH", AFTER_LOGIN},     /* RFC 4731 */
    {"ESORT", AFTER_LOGIN},       /* RFC 5267 */
    {"I18NLEVEL=1", AFTER_LOGIN}, /* RFC 5255 */
    {"I18NLEVEL=2", AFTER_LOGIN},
    {"IDLE", AFTER_LOGIN},          /* RFC 2177 */
    {"INPROGRESS", AFTER_LOGIN},    /* RFC 9585 */
    {"LANGUAGE", AFTER_LOGIN},      /* RFC 5255 */
    {"LIST-EXTENDED", AFTER_LOGIN}, /* RFC 5258 */
    {"LIST-METADATA", AFTER_LOGIN}, /* RFC 9590 */
    {"LIST-MYRIGHTS", AFTER_LOGIN}, /* RFC 8440 */
    {"LIST-STATUS", AFTER_LOGIN},   /* RFC 5819 */
    {"METADATA", AFTER_LOGIN},      /* RFC 5464 */
    {"MOVE", AFTER_LOGIN},          /* RFC 6851 */
    {"MULTIAPPEND", AFTER_LOGIN},   /* RFC 3502 */
    {"MULTISEARCH", AFTER_LOGIN},   /* RFC 7377 */
    {"NAMESPACE", AFTER_LOGIN},     /* RFC 2342 */
    {"NOTIFY", AFTER_LOGIN},        /* RFC 5465 */
    {"OBJECTID", AFTER_LOGIN},      /* RFC 8474 */
    {"PARTIAL", AFTER_LOGIN},       /* RFC 9394 */
    {"PREVIEW", AFTER_LOGIN},       /* RFC 8970 */
    {"QRESYNC", AFTER_LOGIN},       /* RFC 7162 */
    {"QUOTA", AFTER_LOGIN},         /* RFC 9208 */
    {"QUOTA=RES-STORAGE", AFTER_LOGIN},
    {"REPLACE", AFTER_LOGIN},      /* RFC 8508 */
    {"RIGHTS=kxte", AFTER_LOGIN},  /* RFC 4314 §5.1.1 */
    {"SAVEDATE", AFTER_LOGIN},     /* RFC 8514 */
    {"SEARCH=FUZZY", AFTER_LOGIN}, /* RFC 6203 */
    {"SEARCHRES", AFTER_LOGIN},    /* RFC 5182 */
    {"SORT", AFTER_LOGIN},         /* RFC 5256 */
    {"SORT=DISPLAY", AFTER_LOGIN}, /* RFC 5957 */
    {"SPECIAL-USE", AFTER_LOGIN},  /* RFC 6154 */
    {"STATUS=SIZE", AFTER_LOGIN},  /* RFC 8438 */
    {"THREAD=ORDEREDSUBJECT", AFTER_LOGIN},
    {"THREAD=REFERENCES", AFTER_LOGIN},
    {"THREAD=REFS", AFTER_LOGIN},
    {"UIDBATCHES", AFTER_LOGIN},    /* RFC 10022 */
    {"UIDONLY", AFTER_LOGIN},       /* RFC 9586 */
    {"UIDPLUS", AFTER_LOGIN},       /* RFC 4315 */
    {"UNAUTHENTICATE", TLS_ACTIVE}, /* RFC 8437 */
    {"UNSELECT", AFTER_LOGIN},      /* RFC 3691 */
    {"URL-PARTIAL", AFTER_LOGIN},   /* RFC 5550 */
    {"URLAUTH", AFTER_LOGIN},       /* RFC 4467 */
    {"UTF8=ACCEPT", AFTER_LOGIN},   /* RFC 6855 */
    {"WITHIN", AFTER_LOGIN},        /* RFC 5032 */
};

static bool applies(enum condition condition, const struct door_offer *offer, bool logged_in) {
    switch (condition) {
    case BEFORE_LOGIN:
        return !logged_in;
    case AFTER_LOGIN:
        return logged_in;
    case PASSWORDS:
        return !logged_in && door_takes_passwords(offer);
    case NO_PASSWORDS:
        return !logged_in && !door_takes_passwords(offer);
    case TLS_POSSIBLE:
        return !logged_in && offer->tls_available && !offer->tls_active;
    case TLS_ACTIVE:
        return logged_in && offer->tls_active;
    case ALWAYS:
        break;
    }
    return true;
}

bool imap_capability_is_off(struct slice off, struct slice name) {
    struct slice word;
    while (slice_next_word(&off, &word))
        if (slice_eq_nocase(word, name))
            return true;
    return false;
}

void imap_capabilities(struct imap_writer *w, const struct door_offer *offer, bool logged_in,
                       uint64_t message_max, unsigned messages_max, struct slice off) {
    const char *mechanism;
    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
        if (applies(capabilities[i].condition, offer, logged_in) &&
            !imap_capability_is_off(off, slice_of_str(capabilities[i].name)))
            imap_write_word(w, capabilities[i].name);
    for (size_t i = 0; applies(PASSWORDS, offer, logged_in) && (mechanism = sasl_offer(i)); i++) {
        imap_write_word(w, "AUTH=");
        imap_write_join(w);
        imap_write_word(w, mechanism);
    }
    if (logged_in && message_max > 0) { /* RFC 7889 */
        imap_write_word(w, "APPENDLIMIT=");
        imap_write_join(w);
        imap_write_number(w, message_max);
    }
    if (logged_in && messages_max > 0 && !imap_capability_is_off(off, S("MESSAGELIMIT"))) {
        imap_write_word(w, "MESSAGELIMIT="); /* RFC 9738 */
        imap_write_join(w);
        imap_write_number(w, messages_max);
    }
}
