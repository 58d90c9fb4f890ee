/* SPDX-License-Identifier: ISC */
/*
 * gettext answers in a language only where the locale is another than C. The one that it gets is
 * C.UTF-8, which every Debian has; the language comes from LANGUAGE, which is set to what was
 * decided. Only the category of messages is set: numbers, characters and the order of words stay
 * those of C.
 */
#include "cli/terminal/language.h"

#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "base/words.h"

#define DOMAIN    "hayauma"
#define CARRIER   "C.UTF-8"
#define CATALOGUE "ja/LC_MESSAGES/" DOMAIN ".mo"
#define BESIDE    "/po"              /* in the folder of the program, where it was built */
#define INSTALLED "/../share/locale" /* from the folder of the program */

static struct slice value_of(language_variable *get, const char *name) {
    return slice_of_str(get(name));
}

/* The locale of a category: LC_ALL, the category's own variable, LANG. */
static struct slice locale_of(language_variable *get, const char *category) {
    const char *const names[] = {"LC_ALL", category, "LANG"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct slice value = value_of(get, names[i]);
        if (value.len > 0)
            return value;
    }
    return S("");
}

static bool has_no_language(struct slice locale) {
    return locale.len == 0 || slice_eq(locale, S("C")) || slice_eq(locale, S("POSIX"));
}

/* "ja", "ja_JP", "ja.UTF-8", "ja@anything". */
static bool is_language(struct slice locale, struct slice code) {
    return slice_starts(locale, code) &&
           (locale.len == code.len || slice_find_byte(S("_.@"), locale.ptr[code.len]) >= 0);
}

/* Whether text in this locale is UTF-8, as it is where nothing else is said. */
static bool is_utf8(struct slice locale) {
    ssize_t dot = slice_find_byte(locale, '.');
    if (has_no_language(locale))
        return false;
    if (dot < 0)
        return true;
    struct slice name = slice_from(locale, (size_t)dot + 1);
    ssize_t at = slice_find_byte(name, '@');
    name = at >= 0 ? slice_first(name, (size_t)at) : name;
    return slice_eq_nocase(name, S("UTF-8")) || slice_eq_nocase(name, S("UTF8"));
}

/* The first language of a list that we have. */
static bool list_wants_japanese(struct slice list) {
    struct slice language = {0};
    while (slice_next(&list, ':', &language)) {
        if (is_language(language, S("ja")))
            return true;
        if (is_language(language, S("en")) || slice_eq(language, S("C")))
            return false;
    }
    return false;
}

bool language_wants_japanese(language_variable *get) {
    struct slice messages = locale_of(get, "LC_MESSAGES");
    struct slice characters = locale_of(get, "LC_CTYPE");
    struct slice list = value_of(get, "LANGUAGE");
    if (has_no_language(messages) || !is_utf8(characters.len > 0 ? characters : messages))
        return false;
    return list.len > 0 ? list_wants_japanese(list) : is_language(messages, S("ja"));
}

/* ------------------------------------------------------------------ the catalogue */

/* The folder of catalogues, when that of Japanese is in it. */
static char *find_in(struct slice folder, const char *below) {
    char *path = mem_printf("%.*s%s", SLICE_ARG(folder), below);
    _cleanup_(free_p) char *catalogue = mem_printf("%s/" CATALOGUE, path);
    if (access(catalogue, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static char *find_catalogues(void) {
    _cleanup_(free_p) char *program = realpath("/proc/self/exe", NULL);
    struct slice folder = slice_of_str(program);
    ssize_t slash = slice_rfind_byte(folder, '/');
    char *path = NULL;
    folder = slice_first(folder, (size_t)MAX(slash, 0));
    if (slash > 0)
        path = find_in(folder, BESIDE);
    if (slash > 0 && !path)
        path = find_in(folder, INSTALLED);
    return path;
}

static const char *from_environment(const char *name) {
    return getenv(name);
}

void language_choose(void) {
    if (!language_wants_japanese(from_environment))
        return;
    _cleanup_(free_p) char *path = find_catalogues();
    if (!path || !setlocale(LC_MESSAGES, CARRIER) || setenv("LANGUAGE", "ja", 1) < 0)
        return;
    (void)bindtextdomain(DOMAIN, path);
    (void)bind_textdomain_codeset(DOMAIN, "UTF-8");
    (void)textdomain(DOMAIN);
    if (!words_are_japanese()) /* reads the catalogue, before a command goes into a root of its own
                                */
        language_english();
}

void language_english(void) {
    (void)setlocale(LC_MESSAGES, "C");
}
