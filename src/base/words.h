/* SPDX-License-Identifier: ISC */
/*
 * What people read on a terminal, in their language. A sentence stands in the code in English and
 * is marked; its Japanese stands in po/ja.po, and po/README.md says how it comes there.
 *
 *     cli_print(_("the name of the state directory is too long"));
 *     buf_printf(to, P_("%u message\n", "%u messages\n", count), count);
 *     .about = N_("Lists the domains.")       in a table, where it is shown translated(c->about)
 *
 * Only a command chooses a language (cli/terminal/language.h), so in the processes of the server
 * all of these give the English back: logs and what goes over a link stay English. A sentence is
 * marked whole, never in pieces: other languages have another order ("%2$s" is good in a
 * translation).
 */
#pragma once

#include <libintl.h>
#include <stdbool.h>

#include "base/slice.h"

#define _(text)              gettext(text)
#define N_(text)             text
#define P_(one, many, count) ngettext(one, many, (unsigned long)(count))
#define NP_(one, many)       one, many /* two members or arguments, for P_() later */

/* The same for what N_() marked; NULL and "" stay what they are. */
const char *translated(const char *text);

/* Whether _() answers in Japanese, for what has both languages side by side. */
bool words_are_japanese(void);

/* error_text() in the language of the user. */
const char *error_words(int code);
