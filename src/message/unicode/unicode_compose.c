/* SPDX-License-Identifier: ISC */
#include "message/unicode/unicode_compose.h"

/* Of the parts of a Hangul syllable; 0: they are none. */
static uint32_t compose_hangul(uint32_t first, uint32_t second) {
    if (first - HANGUL_L < HANGUL_LS && second - HANGUL_V < HANGUL_VS)
        return HANGUL_FIRST + ((first - HANGUL_L) * HANGUL_VS + second - HANGUL_V) * HANGUL_TS;
    bool open = first - HANGUL_FIRST < HANGUL_COUNT && (first - HANGUL_FIRST) % HANGUL_TS == 0;
    return open && second > HANGUL_T && second - HANGUL_T < HANGUL_TS ? first + second - HANGUL_T
                                                                      : 0;
}

uint32_t unicode_compose(const struct unicode_pair *pairs, size_t count, uint32_t first,
                         uint32_t second) {
    size_t low = 0, high = count;
    uint32_t hangul = unicode_may_be_second(second) ? compose_hangul(first, second) : 0;
    if (hangul > 0 || !unicode_may_be_second(second))
        return hangul;
    while (low < high) {
        const struct unicode_pair *p = &pairs[(low + high) / 2];
        if (p->first == first && p->second == second)
            return p->both;
        if (p->first < first || (p->first == first && p->second < second))
            low = (size_t)(p - pairs) + 1;
        else
            high = (size_t)(p - pairs);
    }
    return 0;
}
