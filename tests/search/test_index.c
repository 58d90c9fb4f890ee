/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "base/random.h"
#include "db/db.h"
#include "search/index.h"

struct place {
    char folder[40], file[64], fresh[64];
    struct search_index *ix; /* that writes */
};

static void open_writer(struct place *p) {
    struct problem problem = {0};
    int r = search_index_open(p->file, SEARCH_WRITE, &p->ix, &problem);
    if (r < 0)
        fail_msg("%d: %s", r, problem.text);
}

static void close_writer(struct place *p) {
    search_index_close(TAKE_PTR(p->ix));
}

static int enter(void **state) {
    struct place *p = NEW(struct place);
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/test-search-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->file, sizeof p->file, "%s/search.db", p->folder);
    (void)snprintf(p->fresh, sizeof p->fresh, "%s/search.db.new", p->folder);
    random_fix(20261130);
    open_writer(p);
    *state = p;
    return 0;
}

static int leave(void **state) {
    struct place *p = *state;
    close_writer(p);
    assert_int_equal(search_index_discard(p->file), 0);
    assert_int_equal(search_index_discard(p->fresh), 0);
    assert_int_equal(rmdir(p->folder), 0);
    free(p);
    return 0;
}

/* ------------------------------------------------------------------ indexing and asking */

static void add_texts(struct search_index *ix, uint64_t body, enum search_field field,
                      struct slice text, struct slice rest) {
    _cleanup_(search_document_done) struct search_document d = {0};
    search_document_text(&d, field, text);
    search_document_text(&d, SEARCH_ANY, rest);
    search_document_end(&d);
    assert_int_equal(search_index_add(ix, body, 0, &d), 0);
}

/* Texts of bodies 1, 2, ... in one batch. */
static void index_texts(struct search_index *ix, const char *const *texts) {
    assert_int_equal(search_index_begin(ix), 0);
    for (uint64_t i = 0; texts[i]; i++)
        add_texts(ix, i + 1, SEARCH_ANY, slice_of_str(texts[i]), S(""));
    assert_int_equal(search_index_end(ix, 0), 0);
}
#define INDEX_TEXTS(ix, ...) index_texts((ix), (const char *const[]){__VA_ARGS__, NULL})

/* The hits as "1 2 3", "all" when the index does not narrow. */
static void find(struct search_index *ix, enum search_field field, struct slice needle,
                 struct buf *to) {
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    int r = search_index_find(ix, field, needle, USEC_NEVER, &hits);
    if (r < 0)
        fail_msg("\"%.*s\": %s", SLICE_ARG(needle), error_text(r));
    for (size_t i = 0; i < hits.count; i++)
        buf_printf(to, "%s%llu", i > 0 ? " " : "", (unsigned long long)hits.bodies[i]);
    if (!hits.narrows)
        buf_add_str(to, "all");
}

#define assert_hits_in(ix, field, needle, expected)                                                \
    do {                                                                                           \
        _cleanup_(buf_done) struct buf to_ = {0};                                                  \
        find((ix), (field), slice_of_str(needle), &to_);                                           \
        assert_slice(buf_slice(&to_), (expected));                                                 \
    } while (0)
#define assert_hits(ix, needle, expected) assert_hits_in((ix), SEARCH_ANY, (needle), (expected))

static void test_two_japanese_characters_find_exactly_where_they_stand(void **state) {
    struct place *p = *state;
    INDEX_TEXTS(p->ix, "明日の会議は十時", "会と議の話", "臨時会議室にて", "会、議");
    assert_hits(p->ix, "会議", "1 3");
    assert_hits(p->ix, "会議室", "3");
    assert_hits(p->ix, "議会", "");
}

static void test_one_character_is_found_at_each_place_of_a_run(void **state) {
    struct place *p = *state;
    INDEX_TEXTS(p->ix, "会場", "総会の", "司会", "会", "議事");
    assert_hits(p->ix, "会", "1 2 3 4");
}

static void test_parts_of_words_are_found(void **state) {
    struct place *p = *state;
    INDEX_TEXTS(p->ix, "the meeting", "we meet", "greetings", "nothing");
    assert_hits(p->ix, "eeti", "1 3");
    assert_hits(p->ix, "meet", "1 2");
    assert_hits(p->ix, "meeting", "1");
    assert_hits(p->ix, "he mee", "1");
    assert_hits(p->ix, "hing", "4");
    assert_hits(p->ix, "xyz", "");
}

static void test_parts_of_long_words_are_found(void **state) {
    struct place *p = *state;
    INDEX_TEXTS(p->ix, "id 0123456789abcdef0123456789abcdef end", "id 0123456789abcdef", "word");
    assert_hits(p->ix, "f01", "1");
    assert_hits(p->ix, "6789abcdef", "1 2");
    assert_hits(p->ix, "ef", "1 2");
    assert_hits(p->ix, "id 0123", "1 2");
}

static void test_a_field_is_asked_by_itself(void **state) {
    struct place *p = *state;
    assert_int_equal(search_index_begin(p->ix), 0);
    add_texts(p->ix, 1, SEARCH_FROM, S("tama@example.jp"), S("from the cat"));
    add_texts(p->ix, 2, SEARCH_SUBJECT, S("tama 会議"), S("see you"));
    add_texts(p->ix, 5, SEARCH_TO, S("mike@example.jp"), S("tama"));
    assert_int_equal(search_index_end(p->ix, 0), 0);
    assert_hits_in(p->ix, SEARCH_FROM, "tama", "1");
    assert_hits_in(p->ix, SEARCH_FROM, "xample.j", "1");
    assert_hits_in(p->ix, SEARCH_SUBJECT, "会議", "2");
    assert_hits_in(p->ix, SEARCH_TO, "mike@example.jp", "5");
    assert_hits_in(p->ix, SEARCH_CC, "tama", "");
    assert_hits(p->ix, "tama", "1 2 5");
}

static void test_a_body_that_cannot_be_read_is_a_hit_for_each_needle(void **state) {
    struct place *p = *state;
    _cleanup_(search_document_done) struct search_document d = {0};
    struct search_index_state now;
    char word[16];
    for (unsigned i = 0; i <= SEARCH_DOCUMENT_MAX; i++) {
        (void)snprintf(word, sizeof word, "w%u ", i);
        search_document_text(&d, SEARCH_ANY, slice_of_str(word));
    }
    search_document_end(&d);
    assert_true(d.is_full);
    assert_int_equal(search_index_begin(p->ix), 0);
    assert_int_equal(search_index_add(p->ix, 1, 0, NULL), 0);
    add_texts(p->ix, 2, SEARCH_ANY, S("cat"), S(""));
    assert_int_equal(search_index_add(p->ix, 3, 0, &d), 0);
    assert_int_equal(search_index_end(p->ix, 0), 0);
    assert_hits(p->ix, "cat", "1 2 3");
    assert_hits(p->ix, "dog", "1 3");
    assert_int_equal(search_index_state(p->ix, &now), 0);
    assert_true(now.up_to == 3 && now.documents == 3 && now.unread == 2);
}

static void test_a_part_of_very_many_words_does_not_narrow(void **state) {
    struct place *p = *state;
    char text[32];
    assert_int_equal(search_index_begin(p->ix), 0);
    for (unsigned i = 1; i <= 1500; i++) {
        (void)snprintf(text, sizeof text, "%s%u cat", i <= 300 ? "fewer" : "many", i);
        add_texts(p->ix, i, SEARCH_ANY, slice_of_str(text), S(""));
    }
    assert_int_equal(search_index_end(p->ix, 0), 0);
    assert_hits(p->ix, "any117", "1170 1171 1172 1173 1174 1175 1176 1177 1178 1179");
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    assert_int_equal(search_index_find(p->ix, SEARCH_ANY, S("ewe"), USEC_NEVER, &hits), 0);
    assert_true(hits.narrows && hits.count == 300 && hits.bodies[0] == 1 &&
                hits.bodies[299] == 300);
    search_hits_done(&hits);
    assert_int_equal(search_index_find(p->ix, SEARCH_ANY, S("any"), USEC_NEVER, &hits), 0);
    assert_true(!hits.narrows && hits.count == 0 && hits.up_to == 1500);
    assert_int_equal(search_index_find(p->ix, SEARCH_ANY, S("ny301 cat"), USEC_NEVER, &hits), 0);
    assert_true(hits.narrows && hits.count == 1);
}

static void test_what_words_of_a_field_begin_with_narrows_however_many_do(void **state) {
    struct place *p = *state;
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    char text[64];
    assert_int_equal(search_index_begin(p->ix), 0);
    for (unsigned i = 1; i <= 8000; i++) {
        (void)snprintf(text, sizeof text, "about matter %u%s", i,
                       i == 5000 ? "0123456789abcdef" : "");
        add_texts(p->ix, i, SEARCH_SUBJECT, slice_of_str(text), S("matter 7"));
    }
    assert_int_equal(search_index_end(p->ix, 0), 0);
    assert_int_equal(search_index_find(p->ix, SEARCH_SUBJECT, S("matter 7"), USEC_NEVER, &hits), 0);
    assert_true(hits.narrows && hits.count >= 1111 && hits.count < 1200);
    search_hits_done(&hits);
    assert_int_equal(search_index_find(p->ix, SEARCH_SUBJECT, S("r 50000"), USEC_NEVER, &hits), 0);
    assert_true(hits.narrows && hits.count == 1 && hits.bodies[0] == 5000);
    search_hits_done(&hits);
    assert_int_equal(search_index_find(p->ix, SEARCH_SUBJECT, S(" 7"), USEC_NEVER, &hits), 0);
    assert_true(hits.narrows && hits.count >= 1111 && hits.count < 1200);
    search_hits_done(&hits);
    assert_int_equal(search_index_find(p->ix, SEARCH_ANY, S(" 7"), USEC_NEVER, &hits), 0);
    assert_false(hits.narrows); /* of a letter that begins words there are too many */
}

static void test_without_patience_the_index_does_not_narrow(void **state) {
    struct place *p = *state;
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    INDEX_TEXTS(p->ix, "cat", "dog");
    assert_int_equal(search_index_find(p->ix, SEARCH_ANY, S("cat"), 0, &hits), 0);
    assert_true(!hits.narrows && hits.count == 0);
    assert_hits(p->ix, "cat", "1");
}

/* ------------------------------------------------------------------ against plain search */

static const char *const WORDS[] = {"a",
                                    "ab",
                                    "abc",
                                    "cab",
                                    "meeting",
                                    "3",
                                    "12",
                                    "会議",
                                    "会",
                                    "室",
                                    "さーばー",
                                    "の",
                                    "12月",
                                    "x1y2z3",
                                    "éclair",
                                    "🎉",
                                    "かい",
                                    "０",
                                    "abcdefghijklmnopqrstuvwxyz",
                                    "2026113002061412",
                                    "tama@example.jp",
                                    "\xff",
                                    "ไทย"};
static const char *const GAPS[] = {" ", "", "", "-", "\r\n", "、", "."};

static void make_text(struct buf *to) {
    buf_clear(to);
    for (size_t i = 0, n = random_below(8); i < n; i++) {
        buf_add_str(to, WORDS[random_below(ARRAY_SIZE(WORDS))]);
        buf_add_str(to, GAPS[random_below(ARRAY_SIZE(GAPS))]);
    }
}

static bool is_boundary(struct slice s, size_t at) {
    return at >= s.len || ((uint8_t)s.ptr[at] & 0xc0) != 0x80;
}

static void test_no_text_with_the_needle_is_missed(void **state) {
    enum { DOCUMENTS = 400, NEEDLES = 3000 };
    struct place *p = *state;
    struct buf from[DOCUMENTS + 1] = {0}, rest[DOCUMENTS + 1] = {0};
    size_t narrowed = 0, given = 0, true_hits = 0;
    for (unsigned i = 1; i <= DOCUMENTS; i++) {
        if (i % 50 == 1)
            assert_int_equal(search_index_begin(p->ix), 0);
        make_text(&from[i]);
        make_text(&rest[i]);
        add_texts(p->ix, i, SEARCH_FROM, buf_slice(&from[i]), buf_slice(&rest[i]));
        if (i % 50 == 0)
            assert_int_equal(search_index_end(p->ix, 0), 0);
    }
    for (unsigned n = 0; n < NEEDLES; n++) {
        _cleanup_(search_hits_done) struct search_hits hits = {0};
        enum search_field field = random_below(2) ? SEARCH_FROM : SEARCH_ANY;
        struct slice text = buf_slice(&from[1 + random_below(DOCUMENTS)]);
        size_t at = text.len > 0 ? random_below(text.len) : 0, len = 1 + random_below(12);
        while (at > 0 && !is_boundary(text, at))
            at--;
        while (!is_boundary(text, at + len))
            len++;
        struct slice needle = slice_first(slice_from(text, at), len);
        assert_int_equal(search_index_find(p->ix, field, needle, USEC_NEVER, &hits), 0);
        narrowed += hits.narrows;
        given += hits.count;
        for (unsigned i = 1, h = 0; hits.narrows && i <= DOCUMENTS; i++) {
            bool is_hit = h < hits.count && hits.bodies[h] == i;
            bool has = slice_find(buf_slice(&from[i]), needle) >= 0 ||
                       (field == SEARCH_ANY && slice_find(buf_slice(&rest[i]), needle) >= 0);
            if (has && !is_hit)
                fail_msg("\"%.*s\" is in %u and not a hit", SLICE_ARG(needle), i);
            h += is_hit;
            true_hits += has;
        }
    }
    assert_true(narrowed > NEEDLES / 2);
    assert_true(given < 2 * true_hits);
    for (unsigned i = 1; i <= DOCUMENTS; i++) {
        buf_done(&from[i]);
        buf_done(&rest[i]);
    }
}

/* ------------------------------------------------------------------ batches and files */

static void test_a_batch_that_fails_leaves_nothing(void **state) {
    struct place *p = *state;
    struct search_index_state now;
    INDEX_TEXTS(p->ix, "cat");
    assert_int_equal(search_index_begin(p->ix), 0);
    add_texts(p->ix, 2, SEARCH_ANY, S("catalogue"), S(""));
    assert_int_equal(search_index_end(p->ix, -EIO), -EIO);
    assert_int_equal(search_index_state(p->ix, &now), 0);
    assert_true(now.up_to == 1 && now.documents == 1);
    assert_hits(p->ix, "cat", "1");
    assert_int_equal(search_index_begin(p->ix), 0); /* the words are new again */
    add_texts(p->ix, 2, SEARCH_ANY, S("catalogue"), S(""));
    assert_int_equal(search_index_end(p->ix, 0), 0);
    assert_hits(p->ix, "talog", "2");
}

static void test_numbers_of_bodies_grow(void **state) {
    struct place *p = *state;
    assert_int_equal(search_index_begin(p->ix), 0);
    add_texts(p->ix, 7, SEARCH_ANY, S("cat"), S(""));
    assert_int_equal(search_index_add(p->ix, 7, 0, NULL), -EINVAL);
    assert_int_equal(search_index_add(p->ix, 3, 0, NULL), -EINVAL);
    assert_int_equal(search_index_end(p->ix, 0), 0);
    assert_hits(p->ix, "cat", "7");
}

static void test_readers_do_not_wait_for_a_batch(void **state) {
    struct place *p = *state;
    struct search_index *reader = NULL;
    INDEX_TEXTS(p->ix, "cat", "dog");
    assert_int_equal(search_index_open(p->file, SEARCH_READ, &reader, NULL), 0);
    assert_int_equal(search_index_begin(p->ix), 0);
    add_texts(p->ix, 3, SEARCH_ANY, S("cat"), S(""));
    assert_hits(reader, "cat", "1");
    assert_int_equal(search_index_end(p->ix, 0), 0);
    assert_hits(reader, "cat", "1 3");
    search_index_close(reader);
}

static void test_putting_in_order_changes_no_hits(void **state) {
    struct place *p = *state;
    char text[32];
    int r = 1;
    for (unsigned i = 1; i <= 60; i++) {
        assert_int_equal(search_index_begin(p->ix), 0);
        (void)snprintf(text, sizeof text, "cat number%u 会議", i);
        add_texts(p->ix, i, SEARCH_ANY, slice_of_str(text), S(""));
        assert_int_equal(search_index_end(p->ix, 0), 0);
    }
    for (unsigned i = 0; i < 100 && r == 1; i++)
        r = search_index_tidy(p->ix);
    assert_int_equal(r, 0);
    assert_hits(p->ix, "number59", "59");
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    assert_int_equal(search_index_find(p->ix, SEARCH_ANY, S("会議"), USEC_NEVER, &hits), 0);
    assert_int_equal(hits.count, 60);
}

/* What a handle that was closed has left in its log goes into the file. */
static void empty_log(const char *path) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void spoil(const char *path, off_t from, size_t len) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    char bytes[4096];
    assert_true(fd >= 0);
    for (size_t i = 0; i < len; i += sizeof bytes) {
        random_bytes(bytes, sizeof bytes);
        assert_true(pwrite(fd, bytes, sizeof bytes, from + (off_t)i) == (ssize_t)sizeof bytes);
    }
    close(fd);
}

static void test_a_damaged_file_is_made_anew(void **state) {
    struct place *p = *state;
    struct search_index_state now;
    struct search_index *reader = NULL;
    INDEX_TEXTS(p->ix, "cat", "dog");
    close_writer(p);
    empty_log(p->file);
    spoil(p->file, 0, 4096);
    assert_int_equal(search_index_open(p->file, SEARCH_READ, &reader, NULL), -E_CORRUPT);
    open_writer(p);
    assert_int_equal(search_index_state(p->ix, &now), 0);
    assert_true(now.up_to == 0 && now.documents == 0);
    INDEX_TEXTS(p->ix, "cat");
    assert_hits(p->ix, "cat", "1");
}

static void test_another_format_is_made_anew(void **state) {
    struct place *p = *state;
    struct search_index_state now;
    sqlite3 *db = NULL;
    INDEX_TEXTS(p->ix, "cat", "dog");
    close_writer(p);
    assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA application_id=1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    open_writer(p);
    assert_int_equal(search_index_state(p->ix, &now), 0);
    assert_int_equal(now.up_to, 0);
}

/* Each page but the first in turn: an answer or an error, and a file that can be made anew. */
static void test_damage_anywhere_is_an_error_or_an_answer(void **state) {
    struct place *p = *state;
    struct stat st = {0};
    for (off_t page = 1; page == 1 || page < st.st_size / 4096; page++) {
        _cleanup_(search_hits_done) struct search_hits hits = {0};
        assert_int_equal(search_index_discard(p->fresh), 0);
        struct search_index *ix = NULL;
        assert_int_equal(search_index_open(p->fresh, SEARCH_WRITE, &ix, NULL), 0);
        INDEX_TEXTS(ix, "the cat 会議室", "the dog", "0123456789abcdef");
        search_index_close(TAKE_PTR(ix));
        empty_log(p->fresh);
        assert_int_equal(stat(p->fresh, &st), 0);
        spoil(p->fresh, page * 4096, 4096);
        if (search_index_open(p->fresh, SEARCH_WRITE, &ix, NULL) < 0)
            continue;
        (void)search_index_find(ix, SEARCH_ANY, S("he ca"), USEC_NEVER, &hits);
        if (search_index_begin(ix) == 0)
            (void)search_index_end(ix, search_index_add(ix, 100, 0, NULL));
        search_index_close(ix);
    }
}

static void test_a_new_index_takes_the_place_of_the_old(void **state) {
    struct place *p = *state;
    struct search_index *fresh = NULL;
    INDEX_TEXTS(p->ix, "cat", "dog");
    assert_int_equal(search_index_open(p->fresh, SEARCH_WRITE, &fresh, NULL), 0);
    INDEX_TEXTS(fresh, "bird");
    search_index_close(fresh);
    close_writer(p);
    assert_int_equal(search_index_replace(p->file, p->fresh), 0);
    open_writer(p);
    assert_hits(p->ix, "cat", "");
    assert_hits(p->ix, "bird", "1");
    assert_int_equal(access(p->fresh, F_OK), -1);
    assert_true(search_index_replace(p->file, p->fresh) < 0); /* there is none: the old one stays */
    assert_hits(p->ix, "bird", "1");
}

/* ------------------------------------------------------------------ kill -9 */

#define KILLED_BATCH ((uint64_t)20)

static void index_for_ever(struct place *p, int tell) {
    char text[64];
    open_writer(p);
    for (uint64_t body = 1;; body++) {
        if (body % KILLED_BATCH == 1 && search_index_begin(p->ix) < 0)
            _exit(1);
        (void)snprintf(text, sizeof text, "number%llu common 会議%llu", (unsigned long long)body,
                       (unsigned long long)body);
        add_texts(p->ix, body, SEARCH_ANY, slice_of_str(text), S(""));
        if (body % KILLED_BATCH == 0 && search_index_end(p->ix, 0) < 0)
            _exit(1);
        if (body == 3 * KILLED_BATCH && write(tell, "x", 1) != 1)
            _exit(1);
    }
}

static void test_a_killed_process_leaves_whole_batches(void **state) {
    struct place *p = *state;
    close_writer(p);
    for (unsigned round = 0; round < 8; round++) {
        struct search_index_state now;
        int tell[2];
        char c, needle[32];
        assert_int_equal(search_index_discard(p->file), 0);
        assert_int_equal(pipe(tell), 0);
        pid_t child = fork();
        if (child == 0)
            index_for_ever(p, tell[1]);
        assert_true(read(tell[0], &c, 1) == 1);
        (void)usleep((useconds_t)random_below(20000));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(tell[0]);
        close(tell[1]);
        open_writer(p);
        assert_int_equal(search_index_state(p->ix, &now), 0);
        assert_true(now.documents >= 3 * KILLED_BATCH);
        assert_true(now.documents == now.up_to && now.up_to % KILLED_BATCH == 0);
        _cleanup_(search_hits_done) struct search_hits hits = {0};
        assert_int_equal(search_index_find(p->ix, SEARCH_ANY, S("common"), USEC_NEVER, &hits), 0);
        assert_int_equal(hits.count, now.documents);
        (void)snprintf(needle, sizeof needle, "umber%llu com", (unsigned long long)now.up_to);
        search_hits_done(&hits);
        assert_int_equal(
            search_index_find(p->ix, SEARCH_ANY, slice_of_str(needle), USEC_NEVER, &hits), 0);
        assert_true(hits.count == 1 && hits.bodies[0] == now.up_to);
        close_writer(p);
    }
    open_writer(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, enter, leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(two_japanese_characters_find_exactly_where_they_stand),
        TEST(one_character_is_found_at_each_place_of_a_run),
        TEST(parts_of_words_are_found),
        TEST(parts_of_long_words_are_found),
        TEST(a_field_is_asked_by_itself),
        TEST(a_body_that_cannot_be_read_is_a_hit_for_each_needle),
        TEST(a_part_of_very_many_words_does_not_narrow),
        TEST(what_words_of_a_field_begin_with_narrows_however_many_do),
        TEST(without_patience_the_index_does_not_narrow),
        TEST(no_text_with_the_needle_is_missed),
        TEST(a_batch_that_fails_leaves_nothing),
        TEST(numbers_of_bodies_grow),
        TEST(readers_do_not_wait_for_a_batch),
        TEST(putting_in_order_changes_no_hits),
        TEST(a_damaged_file_is_made_anew),
        TEST(another_format_is_made_anew),
        TEST(damage_anywhere_is_an_error_or_an_answer),
        TEST(a_new_index_takes_the_place_of_the_old),
        TEST(a_killed_process_leaves_whole_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
