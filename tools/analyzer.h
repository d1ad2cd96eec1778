/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clang's analyzer cannot see across files: that these functions return a negative number.
 * Without it every "if (f(&x) < 0) return" looks as if x could be used without a value. Included
 * by tools/tidy.sh, never by a build.
 */
#ifndef CATTACH_ANALYZER_H
#define CATTACH_ANALYZER_H

#include <cattach/arena.h>
#include <cattach/err.h>
#include <cattach/spec.h>

#define ct_fail(...) (ct_fail(__VA_ARGS__), -1)
#define ct_hint(...) (ct_hint(__VA_ARGS__), -1)
#define ct_wrap(...) (ct_wrap(__VA_ARGS__), -1)
#define ct_fail_nomem(...) (ct_fail_nomem(__VA_ARGS__), -1)
#define ct_spec_fail(...) (ct_spec_fail(__VA_ARGS__), -1)
#define ct_spec_wrap(...) (ct_spec_wrap(__VA_ARGS__), -1)

#endif
