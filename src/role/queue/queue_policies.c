/* SPDX-License-Identifier: ISC */
#include "role/queue/queue_policies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "fetch/rule.h"
#include "relay/via.h"
#include "role/dns_link.h"

#define FILE_NAME  "tls-policies"
#define FILE_NEW   "tls-policies.new"
#define FILE_MAX   (64U << 20)
#define SAVE_EVERY USEC_MIN

struct queue_policies {
    struct process *process;
    struct sts_keeper *keeper;
    uint64_t saved;  /* sts_keeper_changes() of what is in the file */
    bool complained; /* that the file cannot be written */
};

/* ------------------------------------------------------------------ what the keeper asks */

static int fetch(void *arg, struct slice domain, struct arena *a, struct slice *ret_text,
                 struct problem *problem) WAITS {
    struct queue_policies *q = arg;
    struct rpc_fetcher_get_in in = {.rule = FETCH_MTA_STS, .what = domain};
    struct rpc_fetcher_get_out out;
    int r = call_fetcher_get(process_link(q->process, ROLE_FETCHER, 0), &in, a, &out, problem);
    if (r == 0)
        *ret_text = out.body;
    return r;
}

struct queue_policies *queue_policies_new(struct process *p) {
    struct queue_policies *q = NEW(struct queue_policies);
    struct sts_keeper_ops ops = {dns_link_client(process_link(p, ROLE_RESOLVER, 0)), fetch, q,
                                 p->root};
    q->process = p;
    q->keeper = sts_keeper_new(&ops);
    return q;
}

/* ------------------------------------------------------------------ the file */

struct job {
    struct buf text;
};

static void job_done(struct job *j) {
    buf_done(&j->text);
}

static int read_file(void *arg) {
    struct job *j = arg;
    struct stat st;
    _cleanup_(close_p) int fd = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        return -E_LIMIT;
    buf_reserve(&j->text, (size_t)st.st_size + 1);
    for (;;) {
        ssize_t n =
            pread(fd, j->text.ptr + j->text.len, j->text.size - j->text.len, (off_t)j->text.len);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        j->text.len += (size_t)n;
        buf_reserve(&j->text, 1);
    }
}

static int write_file(void *arg) {
    const struct job *j = arg;
    _cleanup_(close_p) int fd = open(FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    for (size_t at = 0; at < j->text.len;) {
        ssize_t n = pwrite(fd, j->text.ptr + at, j->text.len - at, (off_t)at);
        if (n < 0)
            return -errno;
        at += (size_t)n;
    }
    return fdatasync(fd) < 0 || rename(FILE_NEW, FILE_NAME) < 0 ? -errno : 0;
}

void queue_policies_save(struct queue_policies *q) {
    _cleanup_(job_done) struct job j = {{0}};
    uint64_t changes = sts_keeper_changes(q->keeper);
    if (changes == q->saved)
        return;
    sts_keeper_save(q->keeper, &j.text);
    int r = offload(OFFLOAD_DISK, write_file, &j);
    if (r == 0)
        q->saved = changes;
    if (r < 0 && !q->complained)
        process_event(q->process, 0, KIND_WARNING, NULL, 0,
                      "spool/" FILE_NAME " cannot be written: %s; MTA-STS policies are not kept"
                      " over a restart",
                      error_text(r));
    q->complained = r < 0;
}

static void keep_saved(void *arg) WAITS {
    struct queue_policies *q = arg;
    while (fiber_sleep(SAVE_EVERY) == 0)
        queue_policies_save(q);
}

void queue_policies_start(struct queue_policies *q) {
    _cleanup_(job_done) struct job j = {{0}};
    int r = offload(OFFLOAD_DISK, read_file, &j);
    if (r == 0)
        sts_keeper_load(q->keeper, buf_slice(&j.text));
    else if (r != -ENOENT)
        process_event(q->process, 0, KIND_WARNING, NULL, 0,
                      "spool/" FILE_NAME " cannot be read: %s; MTA-STS policies are fetched anew",
                      error_text(r));
    q->saved = sts_keeper_changes(q->keeper);
    (void)fiber_spawn_under(q->process->root, "MTA-STS file", keep_saved, q);
}

/* ------------------------------------------------------------------ asking */

int queue_policies_find(struct queue_policies *q, struct slice domain, struct arena *a,
                        struct sts_found *ret) {
    const struct conf *conf = q->process->conf;
    struct relay_via via;
    *ret = (struct sts_found){0};
    if (!conf->relay.mta_sts)
        return 0;
    relay_via_find(conf, domain, a, &via);
    return via.fixed || !via.policies ? 0 : sts_keeper_find(q->keeper, domain, a, ret);
}

bool queue_policies_doubt(struct queue_policies *q, struct slice domain) {
    return sts_keeper_doubt(q->keeper, domain);
}
