/* SPDX-License-Identifier: ISC */
/*
 * bench_store DIR [MESSAGES [FIBERS [ACCOUNTS]]]
 *
 * Delivers messages of 4 KiB into many accounts from many fibers, each durable before the next, and
 * once more when maps of messages are kept in these accounts; then reads 10,000 messages of one
 * account, and their maps. Prints rates and the CPU time of the whole process.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "fiber/fiber.h"
#include "store/solo/solo.h"
#include "store/store.h"

#define MESSAGE 4096U
#define READ    10000U

static struct bench {
    const char *dir;
    unsigned messages, fibers, accounts, next;
    char text[MESSAGE];
    struct store *store;
} bench;

static double clock_of(clockid_t id) {
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_time(void) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double began_wall, began_cpu;

static void begin(void) {
    began_wall = clock_of(CLOCK_MONOTONIC);
    began_cpu = cpu_time();
}

static void finish(const char *what, unsigned count) {
    double wall = clock_of(CLOCK_MONOTONIC) - began_wall, cpu = cpu_time() - began_cpu;
    printf("%-28s %8u  %9.0f /s  %7.1f us CPU each\n", what, count, count / wall,
           cpu / count * 1e6);
}

static void deliver_one(uint64_t account, unsigned number, const char *tag) {
    char key[64];
    int len = snprintf(key, sizeof key, "%s-%u user@example.test", tag, number);
    struct slice parts[] = {S("Return-Path: <sender@example.test>\r\n"),
                            slice_of(bench.text, MESSAGE)};
    struct store_delivery d = {.mailbox = STORE_INBOX,
                               .key = slice_of(key, (size_t)len),
                               .return_path = S("sender@example.test"),
                               .parts = parts,
                               .part_count = 2};
    struct store_delivered done;
    MUST(store_deliver(bench.store, account, &d, &done) == 0);
}

static void open_accounts(void *arg) {
    while (bench.next < bench.accounts)
        deliver_one(++bench.next, 0, "warm");
}

static void deliver_many(void *arg) {
    const char *tag = arg;
    while (bench.next < bench.messages) {
        unsigned n = bench.next++;
        deliver_one(1 + n % bench.accounts, n, tag);
    }
}

static void deliver_to_one(void *arg) {
    while (bench.next < READ)
        deliver_one(bench.accounts + 1, bench.next++, "one");
}

static void in_fibers(unsigned count, void (*fn)(void *arg), char *arg) {
    struct fiber **fibers = mem_array(count, sizeof(struct fiber *));
    bench.next = 0;
    for (unsigned i = 0; i < count; i++)
        MUST(fiber_start("bench", fn, arg, &fibers[i]) == 0);
    for (unsigned i = 0; i < count; i++)
        fiber_join(fibers[i]);
    free(fibers);
}

static void read_all(struct store_account *a) {
    struct store_view *v;
    struct store_view_info info;
    char *to = mem_alloc(2U * MESSAGE);
    begin();
    MUST(store_view_open(a, STORE_INBOX, &v) == 0);
    store_view_info(v, &info);
    finish("entries loaded", (unsigned)info.count);
    begin();
    for (size_t i = 0; i < info.count; i++) {
        struct store_message m;
        store_view_at(v, i, &m);
        MUST(store_read(a, &m, 0, to, 2U * MESSAGE) == (ssize_t)m.size);
    }
    finish("messages read and checked", (unsigned)info.count);
    store_view_close(v);
    free(to);
}

/* From then on maps of what comes are made. */
static void ask_for_maps(void) {
    _cleanup_(buf_done) struct buf maps = {0};
    struct store_piece piece;
    struct store_message m;
    for (unsigned i = 1; i <= bench.accounts; i++) {
        struct store_account *a;
        struct store_view *v;
        MUST(store_account_open(bench.store, i, &a) == 0);
        MUST(store_view_open(a, STORE_INBOX, &v) == 0);
        store_view_at(v, 0, &m);
        MUST(store_maps(a, &m, 1, &maps, &piece) == 1);
        store_view_close(v);
        store_account_close(a);
    }
}

static void read_maps(struct store_account *a, const char *what) {
    _cleanup_(buf_done) struct buf maps = {0};
    static struct store_message messages[STORE_MAPS_MAX];
    static struct store_piece pieces[STORE_MAPS_MAX];
    struct store_view *v;
    struct store_view_info info;
    MUST(store_view_open(a, STORE_INBOX, &v) == 0);
    store_view_info(v, &info);
    begin();
    for (size_t done = 0; done < info.count;) {
        size_t count = MIN(info.count - done, STORE_MAPS_MAX);
        for (size_t i = 0; i < count; i++)
            store_view_at(v, done + i, &messages[i]);
        int n = store_maps(a, messages, count, &maps, pieces);
        MUST(n > 0);
        done += (size_t)n;
        buf_clear(&maps);
    }
    finish(what, (unsigned)info.count);
    store_view_close(v);
}

static uint64_t size_of_maps(unsigned account) {
    struct stat st;
    _cleanup_(free_p) char *path =
        mem_printf("%s/%02x/%u/maps.db", bench.dir, account & 0xff, account);
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void open_store(void) {
    struct problem p;
    struct solo_options solo = {.dir = bench.dir};
    struct store_options o = {.backend = solo_open, .backend_options = &solo};
    if (store_open(&o, &bench.store, &p) < 0)
        panic("%s", p.text);
}

static void run(void *arg) {
    char tag[32], tag_again[48];
    (void)snprintf(tag, sizeof tag, "%llx", (unsigned long long)clock_of(CLOCK_REALTIME));
    (void)snprintf(tag_again, sizeof tag_again, "%s again", tag);
    open_store();
    begin();
    in_fibers(bench.fibers, open_accounts, NULL);
    finish("accounts made, one message", bench.accounts);
    begin();
    in_fibers(bench.fibers, deliver_many, tag);
    finish("messages delivered", bench.messages);
    ask_for_maps();
    begin();
    in_fibers(bench.fibers, deliver_many, tag_again);
    finish("with maps made of them", bench.messages);
    in_fibers(64, deliver_to_one, NULL);
    struct store_stats st;
    store_stats(bench.store, &st);
    printf("messages per sync %.2f\n", (double)st.delivered / (double)st.groups);
    begin();
    store_close(bench.store);
    finish("accounts put away", bench.accounts);
    open_store();
    struct store_account *a;
    begin();
    for (unsigned i = 1; i <= bench.accounts; i++) {
        MUST(store_account_open(bench.store, i, &a) == 0);
        store_account_close(a);
    }
    finish("accounts opened", bench.accounts);
    MUST(store_account_open(bench.store, bench.accounts + 1, &a) == 0);
    read_all(a);
    read_maps(a, "maps made and kept");
    read_maps(a, "maps read");
    store_account_close(a);
    store_close(bench.store);
    printf("bytes of a map kept %.1f\n", (double)size_of_maps(bench.accounts + 1) / READ);
}

static unsigned argument(int argc, char **argv, int at, unsigned otherwise) {
    return argc > at ? (unsigned)atoi(argv[at]) : otherwise;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: bench_store DIR [MESSAGES [FIBERS [ACCOUNTS]]]\n");
        return 2;
    }
    bench.dir = argv[1];
    bench.messages = argument(argc, argv, 2, 40000);
    bench.fibers = argument(argc, argv, 3, 20);
    bench.accounts = argument(argc, argv, 4, 100);
    static const char head[] =
        "Received: from mail.example.test (mail.example.test [192.0.2.1])\r\n"
        " by mx.example.test with ESMTPS id 0123456789abcdef;\r\n"
        " Tue, 3 Nov 2026 10:11:12 +0900\r\n"
        "Message-ID: <1234567890.abcdef@mail.example.test>\r\n"
        "In-Reply-To: <0987654321.fedcba@mail.example.test>\r\n"
        "References: <0987654321.fedcba@mail.example.test>\r\n"
        "Date: Tue, 3 Nov 2026 10:11:10 +0900\r\n"
        "From: =?UTF-8?B?5bGx55Sw6Iqx5a2Q?= <hanako@example.test>\r\n"
        "To: Tama Nekoyama <tama@example.test>, kiku@example.test\r\n"
        "Subject: Re: =?UTF-8?B?5p2l6YCx44Gu5Lya6K2w?=\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=\"=_0123456789\"\r\n\r\n"
        "--=_0123456789\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        "Let us meet on Monday at ten, in the small room as always. Bring the figures of last\r\n"
        "month, and what there is of the plan; the others will see to the rest of it. Until\r\n"
        "then, and thank you for the tea.\r\n"
        "--=_0123456789\r\n"
        "Content-Type: text/html; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    memcpy(bench.text, head, sizeof head - 1);
    for (size_t i = sizeof head - 1; i < MESSAGE; i++)
        bench.text[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : (char)('a' + i % 26);
    return fiber_run(&(struct fiber_config){0}, run, NULL) < 0;
}
