/* SPDX-License-Identifier: ISC */
/*
 * A readdir() for the whole test program that fails with EIO when it is told to.
 */
#pragma once

extern int readdir_fails_after; /* so many names are given before; negative: it never fails */
