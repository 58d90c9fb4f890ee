/* SPDX-License-Identifier: ISC */
#include "io/tls_pem.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/words.h"

int tls_pem_each(struct slice pem, int (*take)(void *arg, X509 *x), void *arg,
                 struct problem *problem) {
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)MIN(pem.len, (size_t)INT_MAX));
    unsigned count = 0;
    bool end = false;
    int r = 0;
    while (r == 0 && !end) {
        ERR_clear_error();
        X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        unsigned long error = ERR_peek_last_error();
        end =
            !x && ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
        if (x)
            r = take(arg, x);
        else if (!end)
            r = problem_set(problem, -E_SYNTAX,
                            _("certificate number %u cannot be read; expected PEM text, whole"),
                            count + 1);
        count += x != NULL;
        X509_free(x);
    }
    BIO_free(bio);
    ERR_clear_error();
    return r < 0 || count > 0
               ? r
               : problem_set(problem, -E_SYNTAX,
                             _("no certificate found; expected PEM text with -----BEGIN"
                               " CERTIFICATE-----"));
}
