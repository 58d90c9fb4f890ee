/* SPDX-License-Identifier: ISC */
/*
 * How a process deals with the heap. Inside the proc floor only.
 */
#pragma once

#include "fiber/fiber.h"

/* Settings of malloc(3), before the first thread. */
void memory_tune(void);

/* A fiber's function: gives pages of the heap that are free back to the system, now and then. */
void memory_give_back(void *nothing) WAITS;
