/* SPDX-License-Identifier: ISC */
/*
 * Unicode's form C (Unicode Standard Annex #15): what can be one character is one. So が is the
 * same bytes whether it was written as one character or, as by macOS, as か and a mark. Case and
 * width stay.
 *
 * `utf8` is UTF-8 of at most NFC_MAX bytes; else it stays as it is. The output is at most three
 * times as long. Pure; linear.
 */
#pragma once

#include "base/buf.h"

#define NFC_MAX 4096U

void nfc_add(struct buf *to, struct slice utf8);
