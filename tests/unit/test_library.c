/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that are loaded when they are needed: their functions, or what is missing.
 */
#include <errno.h>

#include <check.h>

#include <cattach/library.h>

#define FUNCTIONS(F)                                                                            \
	F(ldexp, double, (double, int))                                                         \
	F(floor, double, (double))

#define MORE_FUNCTIONS(F)                                                                       \
	F(floor, double, (double))                                                              \
	F(ct_no_such_function, int, (void))                                                     \
	F(ldexp, double, (double, int))

struct functions {
	FUNCTIONS(CT_LIBRARY_MEMBER)
};

struct more_functions {
	MORE_FUNCTIONS(CT_LIBRARY_MEMBER)
};

START_TEST(each_function_is_at_its_own_place)
{
	static const struct ct_library library = {
		.file = "libm.so.6",
		.user = "a curve",
		.names = FUNCTIONS(CT_LIBRARY_NAME),
	};
	struct functions functions = { 0 };
	struct ct_err err;

	ck_assert_int_eq(ct_library_load(&library, &functions, &err), 0);
	ck_assert(functions.ldexp(1, 10) == 1024);
	ck_assert(functions.floor(1.5) == 1);
}
END_TEST

START_TEST(a_library_that_is_not_installed_is_named_with_its_package)
{
	struct ct_library library = {
		.file = "libct-none.so.0",
		.user = "a curve",
		.package = "libct-none",
		.names = FUNCTIONS(CT_LIBRARY_NAME),
	};
	struct functions functions = { 0 };
	struct ct_err err;

	ck_assert_int_eq(ct_library_load(&library, &functions, &err), -ENOSYS);
	ck_assert_str_eq(err.what, "a curve needs libct-none.so.0, which is not here");
	ck_assert_str_eq(err.hint, "apt install libct-none");
	ck_assert_ptr_null(functions.ldexp);

	library.package = NULL;
	ck_assert_int_eq(ct_library_load(&library, &functions, &err), -ENOSYS);
	ck_assert_str_eq(err.hint, "");
}
END_TEST

START_TEST(of_a_library_that_lacks_a_function_none_is_taken)
{
	static const struct ct_library library = {
		.file = "libm.so.6",
		.user = "a curve",
		.package = "libc6",
		.names = MORE_FUNCTIONS(CT_LIBRARY_NAME),
	};
	struct more_functions functions = { 0 };
	struct ct_err err;

	ck_assert_int_eq(ct_library_load(&library, &functions, &err), -ENOSYS);
	ck_assert_str_eq(err.what, "a curve needs libm.so.6, which has no ct_no_such_function");
	ck_assert_str_eq(err.hint, "apt install libc6");
	ck_assert_ptr_null(functions.floor);
	ck_assert_ptr_null(functions.ct_no_such_function);
	ck_assert_ptr_null(functions.ldexp);
}
END_TEST

Suite *suite_library(void);

Suite *suite_library(void)
{
	Suite *s = suite_create("library");
	TCase *t = tcase_create("load");

	tcase_add_test(t, each_function_is_at_its_own_place);
	tcase_add_test(t, a_library_that_is_not_installed_is_named_with_its_package);
	tcase_add_test(t, of_a_library_that_lacks_a_function_none_is_taken);
	suite_add_tcase(s, t);
	return s;
}
