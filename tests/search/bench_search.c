/* SPDX-License-Identifier: ISC */
/*
 * bench_search FILE TEXT [MESSAGES [BATCH [SIZE]]]
 *
 * Indexes messages of SIZE bytes: pieces of TEXT, a file in UTF-8 that is folded already, behind a
 * header with what a header has that is random. One in a thousand has a word that no other has.
 * Then asks. Prints messages per second, CPU time, bytes of the index for each of text, and what a
 * question takes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/encode.h"
#include "base/read.h"
#include "search/index.h"

static struct {
    struct buf text, message;
    uint64_t bytes;
    unsigned messages, batch, size;
    struct search_document document;
} bench;

static double clock_of(clockid_t id) {
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t state = 88172645463325252U;
static uint64_t draw(uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void check(int r, const char *what) {
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s\n", what, error_text(r));
        exit(1);
    }
}

static void add_random(struct buf *to, size_t len, unsigned letters) {
    static const char LETTERS[] = "0123456789abcdefghijklmnopqrstuvwxyz+/";
    for (size_t i = 0; i < len; i++)
        buf_add_byte(to, LETTERS[draw(letters)]);
}

static void make_header(struct buf *m, unsigned n) {
    buf_clear(m);
    buf_printf(m, "from: user%u@example%u.jp\nto: tama@example.jp\nmessage-id: <",
               (unsigned)draw(500), (unsigned)draw(50));
    buf_printf(m, "202611%02u%06u.", n / 1000 % 30 + 1, (unsigned)draw(1000000));
    add_random(m, 10, 16);
    buf_add_str(m,
                "@mx.example.jp>\nreceived: from mx.example.jp by host.example.jp with esmtps id ");
    add_random(m, 12, 36);
    buf_printf(m, "; %02u nov 2026 10:%02u:%02u +0900\ndkim-signature: v=1; a=rsa-sha256; b=",
               n / 1000 % 30 + 1, n % 60, (unsigned)draw(60));
    add_random(m, 344, 38);
    buf_add_str(m, "\n\n");
}

static void make(unsigned n) {
    struct buf *m = &bench.message;
    make_header(m, n);
    if (n % 1000 == 7)
        buf_add_str(m, "the parcel is called quetzalcoatl and 黒猫便 today\n");
    if (n % 2 == 0)
        buf_add_str(m, "halfword\n");
    while (m->len < bench.size) { /* a few lines from anywhere */
        size_t at = draw(bench.text.len - 600), len = 200 + draw(300);
        struct slice piece = slice_of(bench.text.ptr + at, len);
        while (piece.len > 0 && ((uint8_t)piece.ptr[0] & 0xc0) == 0x80)
            piece = slice_from(piece, 1);
        buf_add(m, piece);
        buf_add_byte(m, '\n');
    }
    bench.bytes += m->len;
}

static void index_all(struct search_index *ix) {
    double wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID), worst = 0,
           making = 0, cutting = 0;
    for (unsigned n = 1; n <= bench.messages;) {
        double from = clock_of(CLOCK_MONOTONIC), own = 0;
        check(search_index_begin(ix), "begin");
        for (unsigned i = 0; i < bench.batch && n <= bench.messages; i++, n++) {
            double t0 = clock_of(CLOCK_MONOTONIC);
            make(n);
            double t1 = clock_of(CLOCK_MONOTONIC);
            search_document_clear(&bench.document);
            search_document_text(&bench.document, SEARCH_SUBJECT, S("about the parcel: 会議の件"));
            search_document_text(&bench.document, SEARCH_ANY, buf_slice(&bench.message));
            search_document_end(&bench.document);
            cutting += clock_of(CLOCK_MONOTONIC) - t1;
            own += t1 - t0;
            check(search_index_add(ix, n, 0, &bench.document), "add");
        }
        check(search_index_end(ix, 0), "end");
        double took = clock_of(CLOCK_MONOTONIC) - from - own;
        worst = took > worst ? took : worst;
        making += own;
    }
    wall = clock_of(CLOCK_MONOTONIC) - wall - making;
    cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu - making;
    printf("indexed   %u, %.0f/s, %.0f us CPU each (terms %.0f), longest batch %.0f ms\n",
           bench.messages, bench.messages / wall, cpu / bench.messages * 1e6,
           cutting / bench.messages * 1e6, worst * 1e3);
}

static void tidy(struct search_index *ix) {
    double wall = clock_of(CLOCK_MONOTONIC), worst = 0;
    unsigned steps = 0;
    int r = 1;
    while (r == 1) {
        double from = clock_of(CLOCK_MONOTONIC);
        check(r = search_index_tidy(ix), "tidy");
        double took = clock_of(CLOCK_MONOTONIC) - from;
        worst = took > worst ? took : worst;
        steps++;
    }
    printf("tidied    in %u steps, %.2f s, longest %.0f ms\n", steps,
           clock_of(CLOCK_MONOTONIC) - wall, worst * 1e3);
}

static void ask(struct search_index *ix, enum search_field field, const char *needle) {
    struct search_hits hits = {0};
    unsigned times = 20;
    double from = clock_of(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < times; i++) {
        search_hits_done(&hits);
        check(search_index_find(ix, field, slice_of_str(needle), USEC_NEVER, &hits), needle);
    }
    printf("%10.0f us  %7zu%s  %s\n", (clock_of(CLOCK_MONOTONIC) - from) / times * 1e6, hits.count,
           hits.narrows ? "" : " all", needle);
    search_hits_done(&hits);
}

static void ask_all(const char *file) {
    static const char *const NEEDLES[] = {
        "quetzalcoatl",       "etzalco",          "黒猫",   "黒猫便",  "猫",      "halfword",
        "parcel is called",   "example.jp",       "ing",    "メール",  "の",      "tama@example.jp",
        "user17@example4.jp", "0123456789abcdef", "会議室", "message", "サーバー"};
    struct search_index *ix = NULL;
    check(search_index_open(file, SEARCH_READ, &ix, NULL), file);
    for (size_t i = 0; i < ARRAY_SIZE(NEEDLES); i++)
        ask(ix, SEARCH_ANY, NEEDLES[i]);
    ask(ix, SEARCH_SUBJECT, "parc");
    ask(ix, SEARCH_FROM, "tama");
    search_index_close(ix);
}

int main(int argc, char **argv) {
    struct search_index *ix = NULL;
    struct stat st;
    if (argc < 3)
        return 2;
    bench.messages = argc > 3 ? (unsigned)atoi(argv[3]) : 10000;
    bench.batch = argc > 4 ? (unsigned)atoi(argv[4]) : 500;
    bench.size = argc > 5 ? (unsigned)atoi(argv[5]) : 6000;
    int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
    static char piece[65536];
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        buf_add_bytes(&bench.text, piece, (size_t)n);
    close(fd);
    check(bench.text.len > 1000 ? 0 : -E_SYNTAX, argv[2]);
    check(search_index_discard(argv[1]), argv[1]);
    check(search_index_open(argv[1], SEARCH_WRITE, &ix, NULL), argv[1]);
    index_all(ix);
    if (!getenv("NOASK"))
        ask_all(argv[1]);
    tidy(ix);
    search_index_close(ix);
    check(stat(argv[1], &st), argv[1]);
    printf("size      %.2f of the text (%.0f MB of %.0f MB)\n",
           (double)st.st_size / (double)bench.bytes, (double)st.st_size / 1e6,
           (double)bench.bytes / 1e6);
    if (!getenv("NOASK"))
        ask_all(argv[1]);
    return 0;
}
