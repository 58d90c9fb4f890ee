/* SPDX-License-Identifier: ISC */
/*
 * In which language people are told of a message: that which its writer seems to read.
 */
#pragma once

#include "base/slice.h"

/* By the header, of which the beginning is enough; the body may be missing. */
bool message_is_japanese(struct slice message);
