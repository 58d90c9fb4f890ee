/* SPDX-License-Identifier: ISC */
#include "message/charset/charset_decode.h"
#include "message/charset/charset_tables.h"

static charset_decode_fn *const decoders[CHARSET_SINGLE] = {
    [CHARSET_ANY] = charset_utf8,
    [CHARSET_UTF8] = charset_utf8,
    [CHARSET_UTF7] = charset_utf7,
    [CHARSET_UTF16] = charset_utf16be,
    [CHARSET_UTF16BE] = charset_utf16be,
    [CHARSET_UTF16LE] = charset_utf16le,
    [CHARSET_UTF32] = charset_utf32be,
    [CHARSET_UTF32BE] = charset_utf32be,
    [CHARSET_UTF32LE] = charset_utf32le,
    [CHARSET_ISO_2022_JP] = charset_iso2022,
    [CHARSET_ISO_2022_KR] = charset_iso2022,
    [CHARSET_ISO_2022_CN] = charset_iso2022,
    [CHARSET_HZ] = charset_hz,
    [CHARSET_SHIFT_JIS] = charset_shift_jis,
    [CHARSET_EUC_JP] = charset_euc_jp,
    [CHARSET_GB18030] = charset_gb,
    [CHARSET_BIG5] = charset_big_five,
    [CHARSET_EUC_KR] = charset_euc_kr,
};

void charset_begin(struct charset_state *st, int number) {
    *st = (struct charset_state){.g1 = number == CHARSET_ISO_2022_KR   ? JIS_KSC5601
                                       : number == CHARSET_ISO_2022_CN ? JIS_GB2312
                                                                       : JIS_KANA};
}

size_t charset_step(int number, struct charset_state *st, struct charset_out *o, struct slice bytes,
                    bool more) {
    if (number < CHARSET_SINGLE)
        return decoders[number](st, o, bytes, more);
    charset_one_byte(o, charset_singles[number - CHARSET_SINGLE], bytes);
    return bytes.len;
}
