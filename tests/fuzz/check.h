/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Check's assertions for files that are also unit tests: under the fuzzer a broken one ends the program. */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define ck_abort_msg(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), abort())
#define ck_assert_msg(e, ...)                                                   \
	do {                                                                    \
		if (!(e)) {                                                     \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #e); \
			ck_abort_msg(__VA_ARGS__);                              \
		}                                                               \
	} while (0)
#define ck_assert(e)		 ck_assert_msg(e, "broken")
#define ck_assert_uint_eq(a, b)	 ck_assert((a) == (b))
#define ck_assert_int_eq(a, b)	 ck_assert((a) == (b))
#define ck_assert_uint_lt(a, b)	 ck_assert((a) < (b))
#define ck_assert_uint_gt(a, b)	 ck_assert((a) > (b))
#define ck_assert_ptr_nonnull(p) ck_assert((p) != NULL)
#define ck_assert_ptr_null(p)	 ck_assert((p) == NULL)

#endif
