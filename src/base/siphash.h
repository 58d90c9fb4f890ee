/* SPDX-License-Identifier: ISC */
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a short keyed hash for tables that strangers fill.
 */
#pragma once

#include "base/slice.h"

/* With the key of this process, drawn at its start. Differs from run to run: never stored. */
uint64_t siphash(struct slice s);

/* With a given key: for stored values and the test vectors of the paper. */
uint64_t siphash_keyed(struct slice s, const uint8_t key[16]);
