/* SPDX-License-Identifier: ISC */
/* Two characters that are one, by a sorted table of pairs and, for Hangul, by their numbers. */
#pragma once

#include "message/unicode/unicode_tables.h"

/* 0: there is none. */
uint32_t unicode_compose(const struct unicode_pair *pairs, size_t count, uint32_t first,
                         uint32_t second);
