/* SPDX-License-Identifier: ISC */
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/journal.h"
#include "base/words.h"

static const char *const own_texts[E_LAST - E_FIRST] = {
    [E_SYNTAX - E_FIRST] = N_("syntax error"),
    [E_LIMIT - E_FIRST] = N_("limit passed"),
    [E_CORRUPT - E_FIRST] = N_("stored data is damaged"),
    [E_VERSION - E_FIRST] = N_("stored by a newer version of the program"),
    [E_EOF - E_FIRST] = N_("connection closed by the other side"),
    [E_TLS - E_FIRST] = N_("TLS failure"),
    [E_SLOW - E_FIRST] = N_("the other side is too slow"),
    [E_REFUSED - E_FIRST] = N_("refused"),
    [E_UNKNOWN - E_FIRST] = N_("not known here"),
    [E_BUSY - E_FIRST] = N_("in use by somebody else"),
    [E_TEMPORARY - E_FIRST] = N_("temporary failure"),
    [E_PERMANENT - E_FIRST] = N_("permanent failure"),
    [E_UNTRUSTED - E_FIRST] = N_("a file that failed to sync is out of use"),
};

const char *error_text(int code) {
    if (code < 0)
        code = -code;
    if (code >= E_FIRST && code < E_LAST)
        return own_texts[code - E_FIRST];
    const char *text = strerrordesc_np(code);
    return text ? text : "unknown error";
}

/* Memory may be what is missing: all of it is on the stack. */
void panic(const char *format, ...) {
    char text[1024];
    va_list args;
    const char *mark = journal_has_stderr() ? "<2>" : "hayauma: "; /* LOG_CRIT */
    size_t len = (size_t)snprintf(text, sizeof text, "%sbroken promise: ", mark);
    va_start(args, format);
    (void)vsnprintf(text + len, sizeof text - len - 1, format, args);
    va_end(args);
    len = strlen(text);
    text[len++] = '\n';
    ssize_t n = write(STDERR_FILENO, text, len);
    (void)n;
    abort();
}
