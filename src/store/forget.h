/* SPDX-License-Identifier: ISC */
#pragma once

#include "store/account.h"

/* Forgets for ever what can be brought back too long, or is too much. */
void forget_main(void *store) WAITS; /* the fiber */
