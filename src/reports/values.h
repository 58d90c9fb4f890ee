/* SPDX-License-Identifier: ISC */
/* Values that stand in all kinds of reports, in one form. Pure. */
#pragma once

#include "base/arena.h"

/* An IP address in its one form; the text as it is if it is none. */
struct slice report_source(struct arena *a, struct slice text);

/* A domain in small letters, without a dot at its end. */
struct slice report_domain(struct arena *a, struct slice text);
