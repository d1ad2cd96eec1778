/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start adds to a container that may notify its service manager. Any user.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <check.h>

#include <cattach/container.h>
#include <cattach/fd.h>

#include "fixture.h"

static struct ct_arena arena;
static struct ct_spec spec;
static struct ct_spec_process process;
static struct ct_meta meta;

static void setup(void)
{
	struct ct_err err = { 0 };

	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	process = (struct ct_spec_process){ 0 };
	spec = (struct ct_spec){ .process = &process };
	meta = (struct ct_meta){ .sdnotify = "container" };
	ck_assert_int_eq(ct_strings_add(&arena, &process.env, "NOTIFY_SOCKET=/of/the/bundle"), 0);
	ck_assert_int_eq(ct_strings_add(&arena, &process.env, "A=1"), 0);
}

static void teardown(void)
{
	unsetenv("NOTIFY_SOCKET");
	ct_arena_close(&arena);
	fixture_teardown();
}

static void make_socket(char path[108])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ct_autofd sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(path, 108, "%.90s/socket", fixture_path());
	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
}

START_TEST(a_container_that_tells_gets_the_socket_and_the_variable)
{
	struct ct_err err = { 0 };
	char path[108];

	make_socket(path);
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), 0);
	ck_assert_uint_eq(spec.mounts.count, 1);
	ck_assert_str_eq(spec.mounts.items[0].source, path);
	ck_assert_str_eq(spec.mounts.items[0].destination, "/dev/notify");
	ck_assert_uint_eq(process.env.count, 2);
	ck_assert_str_eq(process.env.items[0], "A=1");
	ck_assert_str_eq(process.env.items[1], "NOTIFY_SOCKET=/dev/notify");
}
END_TEST

START_TEST(without_a_manager_and_for_others_nothing_changes)
{
	struct ct_err err = { 0 };
	char path[108];

	ck_assert(!ct_sdnotify_wanted(&meta));
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), 0);
	make_socket(path);
	ck_assert(ct_sdnotify_wanted(&meta));
	meta.sdnotify = "monitor";
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), 0);
	meta.sdnotify = NULL;
	ck_assert(!ct_sdnotify_wanted(&meta));
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), 0);
	ck_assert_uint_eq(spec.mounts.count, 0);
	ck_assert_uint_eq(process.env.count, 2);
	ck_assert_int_eq(ct_sdnotify_tell(&meta, 1, &err), 0);
}
END_TEST

START_TEST(an_abstract_socket_is_shared_with_the_network)
{
	struct ct_err err = { 0 };

	setenv("NOTIFY_SOCKET", "@x", 1);
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), 0);
	ck_assert_str_eq(process.env.items[1], "NOTIFY_SOCKET=@x");
	ck_assert_uint_eq(spec.mounts.count, 0);
	spec.linux_.namespaces[CT_NS_NETWORK].present = true;
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), -EINVAL);
}
END_TEST

static const struct {
	const char *text, *mode;
} modes[] = {
	{ NULL, NULL }, { "ignore", NULL }, { "container", "container" }, { "monitor", "monitor" },
	{ "conmon", "monitor" },
};

START_TEST(modes_have_one_name_in_the_record)
{
	struct ct_err err = { 0 };
	const char *mode = "?";

	ck_assert_int_eq(ct_sdnotify_parse(modes[_i].text, &mode, &err), 0);
	ck_assert_pstr_eq(mode, modes[_i].mode);
}
END_TEST

START_TEST(other_modes_and_addresses_are_refused)
{
	char longer[200] = "/";
	struct ct_err err = { 0 };
	const char *mode;

	ck_assert_int_eq(ct_sdnotify_parse("healthy", &mode, &err), -EINVAL);
	memset(longer + 1, 'x', 150);
	setenv("NOTIFY_SOCKET", longer, 1);
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), -ENAMETOOLONG);
	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), -EAFNOSUPPORT);
	setenv("NOTIFY_SOCKET", "/etc/passwd", 1);
	ck_assert_int_eq(ct_sdnotify_prepare(&meta, &arena, &spec, &err), -ENOTSOCK);
}
END_TEST

Suite *suite_sdnotify(void);
Suite *suite_sdnotify(void)
{
	Suite *s = suite_create("sdnotify");
	TCase *tc = tcase_create("sdnotify");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_container_that_tells_gets_the_socket_and_the_variable);
	tcase_add_test(tc, without_a_manager_and_for_others_nothing_changes);
	tcase_add_test(tc, an_abstract_socket_is_shared_with_the_network);
	tcase_add_loop_test(tc, modes_have_one_name_in_the_record, 0, 5);
	tcase_add_test(tc, other_modes_and_addresses_are_refused);
	suite_add_tcase(s, tc);
	return s;
}
