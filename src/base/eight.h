/* SPDX-License-Identifier: ISC */
/*
 * Bytes looked at eight at a time, in a word with the first one lowest: what is done to every byte
 * of every text. Marks are words with the highest bit of a byte set, and no other bit.
 */
#pragma once

#include "base/bytes.h"

#define EIGHT(byte) (0x0101010101010101U * (uint8_t)(byte)) /* the same eight times */
#define EIGHT_HIGH  EIGHT(0x80)

/* Marks those that are no ASCII. */
static inline uint64_t eight_wide(uint64_t bytes) {
    return bytes & EIGHT_HIGH;
}

/* Marks those that are this byte. */
static inline uint64_t eight_equal(uint64_t bytes, char byte) {
    uint64_t differ = bytes ^ EIGHT(byte), low = EIGHT(0x7f);
    return ~(((differ & low) + low) | differ | low);
}

/* Marks those below a byte that is ASCII. */
static inline uint64_t eight_below(uint64_t bytes, char byte) {
    uint64_t low = EIGHT(0x7f);
    return ~((bytes & low) + EIGHT(0x80 - byte)) & ~bytes & EIGHT_HIGH;
}

/* With the capitals of ASCII in lower case. */
static inline uint64_t eight_lower(uint64_t bytes) {
    uint64_t capitals = eight_below(bytes, 'Z' + 1) & ~eight_below(bytes, 'A');
    return bytes | capitals >> 2;
}
