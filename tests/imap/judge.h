/* SPDX-License-Identifier: ISC */
/* Every response of every dialogue is held to the grammar. */
#pragma once

#include "base/error.h"
#include "base/slice.h"

int judge_responses(struct slice said, struct problem *problem);
