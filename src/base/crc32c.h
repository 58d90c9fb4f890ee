/* SPDX-License-Identifier: ISC */
/*
 * CRC-32C (Castagnoli, RFC 3720 §12.1), as kept in every pack record. Uses the processor's own
 * instruction where there is one.
 */
#pragma once

#include "base/slice.h"

/* Continue with `crc` the sum over more bytes; start with 0. */
uint32_t crc32c(uint32_t crc, struct slice s);
