/* SPDX-License-Identifier: ISC */
/*
 * The types that settings have, one row each, for value.c: how one word of the file becomes a
 * member of struct conf (or one element of its list) and how that is written again.
 */
#pragma once

#include "conf/setting.h"

/* A place for one member or element of any type. */
union conf_element {
    bool truth;
    uint16_t port;
    unsigned number; /* numbers, percentages, choices */
    uint64_t size;
    usec_t span;
    struct slice text;
    struct net_addr address;
    struct net_range network;
    struct conf_host_port host_port;
    struct conf_route route;
    struct conf_mailbox mailbox;
    struct conf_sender sender;
};

struct conf_type_row {
    const char *name;                          /* "size" */
    const char *expected[CONF_LANGUAGE_COUNT]; /* "a size such as 64K or 50M" */
    size_t size;                               /* of one element */
    bool is_list;
    int64_t min, max; /* where the setting has no bounds of its own; both 0: nothing to bound */

    /* 0, -E_SYNTAX, or -E_LIMIT: well-formed but out of bounds. What it keeps goes into `a`. */
    int (*read)(const struct conf_setting *s, struct slice word, struct arena *a,
                union conf_element *ret);
    void (*write)(const struct conf_setting *s, const union conf_element *e, struct buf *to);
};

extern const struct conf_type_row conf_types[CONF_TYPE_COUNT];

/* type_host.c: a name of the DNS, and one with a port behind it. */
int conf_read_name(struct slice word, struct arena *a, struct slice *ret);
int conf_read_host_port(const struct conf_setting *s, struct slice word, struct arena *a,
                        union conf_element *ret);
void conf_write_host_port(const struct conf_setting *s, const union conf_element *e,
                          struct buf *to);

/* type_route.c: the words of a line, parted by blanks. */
int conf_read_route(const struct conf_setting *s, struct slice line, struct arena *a,
                    union conf_element *ret);
void conf_write_route(const struct conf_setting *s, const union conf_element *e, struct buf *to);

/* type_mailbox.c */
int conf_read_mailbox(const struct conf_setting *s, struct slice word, struct arena *a,
                      union conf_element *ret);
void conf_write_mailbox(const struct conf_setting *s, const union conf_element *e, struct buf *to);

/* type_sender.c */
int conf_read_sender(const struct conf_setting *s, struct slice line, struct arena *a,
                     union conf_element *ret);
void conf_write_sender(const struct conf_setting *s, const union conf_element *e, struct buf *to);

/* The bounds that hold for a setting. */
int64_t conf_min(const struct conf_setting *s);
int64_t conf_max(const struct conf_setting *s);
