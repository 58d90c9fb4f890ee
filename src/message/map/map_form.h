/* SPDX-License-Identifier: ISC */
/*
 * The encoded map, for map_make.c and map_read.c only. Numbers are varints, texts have their length
 * in front:
 *
 *     version, flags (a byte each), size of the message
 *     [date in seconds, zigzag]  [message id, 8 bytes]  number of references, 8 bytes each
 *     base subject, preview, number of parts
 *     each part: [number - parent]  kind | encoding << 2   header - header of the parent   body -
 * header end - body   lines  [decoded, of base64 and quoted-printable]   texts: their length in
 * all, then each as its tag (a byte) and text
 *
 * An optional one stands there when its flag does; a part 0 has no parent.
 */
#pragma once

enum map_flag {
    FORM_ATTACHMENT = 1,
    FORM_DATE = 2,
    FORM_ANSWER = 4,
    FORM_CUT = 8,
    FORM_ID = 16,
    FORM_ALL = 31,
};

/* Texts of a part. A list of addresses has its tag plus its number in enum message_map_list. */
enum map_tag {
    TAG_MAJOR = 1,
    TAG_MINOR,
    TAG_PARAMETERS, /* name, value, name, value ... */
    TAG_ENCODING,
    TAG_ID,
    TAG_DESCRIPTION,
    TAG_MD5,
    TAG_DISPOSITION,
    TAG_DISPOSITION_PARAMETERS,
    TAG_LANGUAGES,
    TAG_LOCATION,
    TAG_DATE,
    TAG_SUBJECT,
    TAG_IN_REPLY_TO,
    TAG_MESSAGE_ID,
    TAG_REFERENCES, /* only while a map is made */
    TAG_ADDRESSES,  /* each as a byte: its kind | what it has << 2, then name, route, local, host */
};

enum map_address {
    ADDRESS_NAME = 4,
    ADDRESS_ROUTE = 8,
    ADDRESS_LOCAL_PART = 16,
    ADDRESS_HOST = 32,
};
