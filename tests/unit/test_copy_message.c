/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of a copy: what goes out comes back the same, and what nobody would send is refused.
 * Runs unprivileged.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include <cattach/copy.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static uint8_t bytes[CT_COPY_MESSAGE_MAX];

static const struct ct_err said = { .code = EIO, .what = "why" };

static const struct ct_copy_message good[] = {
	{ .type = CT_COPY_SOURCE, .mode = 0040000, .flags = CT_COPY_CONTENTS },
	{ .type = CT_COPY_TARGET, .size = UINT64_MAX, .offset = UINT64_MAX },
	{ .type = CT_COPY_ENTER, .name = "d", .mode = 07777, .uid = 1, .gid = 2, .mtime = -1,
	  .mtime_ns = 999999999 },
	{ .type = CT_COPY_LEAVE },
	{ .type = CT_COPY_FILE, .name = "...", .size = INT64_MAX, .link = 7 },
	{ .type = CT_COPY_EXTENT, .offset = 1, .size = 2 },
	{ .type = CT_COPY_DATA, .offset = INT64_MAX - 4, .data = "data", .data_size = 4 },
	{ .type = CT_COPY_CLOSE, .size = 3, .flags = CT_COPY_BROKEN },
	{ .type = CT_COPY_SYMLINK, .name = "-l", .data = "../to", .data_size = 5 },
	{ .type = CT_COPY_HARDLINK, .name = "h\n", .link = UINT32_MAX },
	{ .type = CT_COPY_FIFO, .name = "p", .uid = CT_COPY_NO_ID },
	{ .type = CT_COPY_XATTR, .name = "user.x", .data = "", .data_size = 0 },
	{ .type = CT_COPY_REPORT, .data = &said, .data_size = sizeof(said), .flags = CT_COPY_WARNING },
	{ .type = CT_COPY_DONE, .size = 5 },
	{ .type = CT_COPY_RESULT, .data = &said, .data_size = sizeof(said) },
};

START_TEST(what_is_encoded_is_decoded)
{
	struct ct_copy_message m;
	struct ct_err err = { 0 };
	size_t size = ct_copy_encode(&good[_i], bytes);

	ck_assert_int_eq(ct_copy_decode(bytes, size, &m, &err), (ssize_t)size);
	ck_assert_int_eq(m.type, good[_i].type);
	ck_assert_str_eq(m.name, good[_i].name);
	ck_assert_uint_eq(m.mode, good[_i].mode);
	ck_assert_uint_eq(m.uid, good[_i].uid);
	ck_assert_uint_eq(m.gid, good[_i].gid);
	ck_assert_uint_eq(m.link, good[_i].link);
	ck_assert_uint_eq(m.flags, good[_i].flags);
	ck_assert_uint_eq(m.size, good[_i].size);
	ck_assert_uint_eq(m.offset, good[_i].offset);
	ck_assert_int_eq(m.mtime, good[_i].mtime);
	ck_assert_uint_eq(m.mtime_ns, good[_i].mtime_ns);
	ck_assert_uint_eq(m.data_size, good[_i].data_size);
	if (m.data_size)
		ck_assert_mem_eq(m.data, good[_i].data, m.data_size);
}
END_TEST

START_TEST(a_part_of_a_message_is_waited_for)
{
	struct ct_copy_message m;
	struct ct_err err = { 0 };
	size_t size = ct_copy_encode(&good[_i], bytes);

	for (size_t part = 0; part < size; part++)
		ck_assert_int_eq(ct_copy_decode(bytes, part, &m, &err), 0);
	ck_assert_int_eq(err.code, 0);
}
END_TEST

static const struct {
	struct ct_copy_message m;
	const char *wrong;
} bad[] = {
	{ { .type = 0 }, "unknown type" },
	{ { .type = CT_COPY_RESULT + 1 }, "unknown type" },
	{ { .type = CT_COPY_DATA }, "length of data" },
	{ { .type = CT_COPY_LEAVE, .data = "x", .data_size = 1 }, "length of data" },
	{ { .type = CT_COPY_SYMLINK, .name = "l" }, "length of data" },
	{ { .type = CT_COPY_DONE, .data = "x", .data_size = 1 }, "length of an error" },
	{ { .type = CT_COPY_LEAVE, .name = "d" }, "a name too many, or none" },
	{ { .type = CT_COPY_ENTER }, "a name too many, or none" },
	{ { .type = CT_COPY_XATTR }, "a name too many, or none" },
	{ { .type = CT_COPY_ENTER, .name = "." }, "a name that is none" },
	{ { .type = CT_COPY_FILE, .name = ".." }, "a name that is none" },
	{ { .type = CT_COPY_FIFO, .name = "a/b" }, "a name that is none" },
	{ { .type = CT_COPY_HARDLINK, .name = "/" }, "a name that is none" },
	{ { .type = CT_COPY_FILE, .name = "f", .mode = 0100644 }, "unknown flags" },
	{ { .type = CT_COPY_FILE, .name = "f", .flags = 1 }, "unknown flags" },
	{ { .type = CT_COPY_FILE, .name = "f", .mtime_ns = 1000000000 }, "a time that is none" },
	{ { .type = CT_COPY_FILE, .name = "f", .size = UINT64_MAX }, "a size that is none" },
	{ { .type = CT_COPY_DATA, .offset = INT64_MAX, .data = "x", .data_size = 1 },
	  "a size that is none" },
	{ { .type = CT_COPY_XATTR, .name = "user." }, "an attribute that is not the user's" },
	{ { .type = CT_COPY_XATTR, .name = "security.capability" }, "an attribute that is not the user's" },
	{ { .type = CT_COPY_SYMLINK, .name = "l", .data = "a\0b", .data_size = 3 }, "a link to nothing" },
};

START_TEST(what_nobody_would_send_is_refused)
{
	struct ct_copy_message m;
	struct ct_err err = { 0 };
	char text[128];

	snprintf(text, sizeof(text), "the other half of the copy sent what makes no sense: %s",
		 bad[_i].wrong);
	ck_assert_int_eq(ct_copy_decode(bytes, ct_copy_encode(&bad[_i].m, bytes), &m, &err), -EPROTO);
	ck_err(&err, EPROTO, text);
}
END_TEST

START_TEST(a_nul_ends_no_name)
{
	const struct ct_copy_message m = { .type = CT_COPY_ENTER, .name = "abc" };
	struct ct_copy_message back;
	struct ct_err err = { 0 };
	size_t size = ct_copy_encode(&m, bytes);

	bytes[CT_COPY_HEADER + 1] = '\0';
	ck_assert_int_eq(ct_copy_decode(bytes, size, &back, &err), -EPROTO);
}
END_TEST

START_TEST(lengths_are_judged_before_they_are_waited_for)
{
	const struct ct_copy_message m = { .type = CT_COPY_DATA, .data = "x", .data_size = 1 };
	const uint32_t huge = UINT32_MAX;
	struct ct_copy_message back;
	struct ct_err err = { 0 };

	ct_copy_encode(&m, bytes);
	memcpy(bytes + 8, &huge, sizeof(huge));
	ck_assert_int_eq(ct_copy_decode(bytes, CT_COPY_HEADER, &back, &err), -EPROTO);
	ct_copy_encode(&m, bytes);
	memcpy(bytes + 4, &huge, sizeof(huge));
	ck_assert_int_eq(ct_copy_decode(bytes, CT_COPY_HEADER, &back, &err), -EPROTO);
}
END_TEST

START_TEST(ids_are_mapped_both_ways)
{
	static const struct ct_copy_map map = {
		.lines = { { 0, 1000, 1 }, { 1, 100000, 65536 } }, .count = 2,
	};

	ck_assert_uint_eq(ct_copy_map_in(&map, 1000), 0);
	ck_assert_uint_eq(ct_copy_map_in(&map, 100032), 33);
	ck_assert_uint_eq(ct_copy_map_in(&map, 0), CT_COPY_NO_ID);
	ck_assert_uint_eq(ct_copy_map_in(&map, 165536), CT_COPY_NO_ID);
	ck_assert_uint_eq(ct_copy_map_out(&map, 0), 1000);
	ck_assert_uint_eq(ct_copy_map_out(&map, 65536), 165535);
	ck_assert_uint_eq(ct_copy_map_out(&map, 65537), CT_COPY_NO_ID);
	ck_assert_uint_eq(ct_copy_map_out(&map, CT_COPY_NO_ID), CT_COPY_NO_ID);
}
END_TEST

START_TEST(a_map_is_read_as_the_kernel_writes_it)
{
	struct ct_copy_map map;

	ct_copy_map_parse("         0       1000          1\n         1     100000      65536\n", &map);
	ck_assert_uint_eq(map.count, 2);
	ck_assert_uint_eq(ct_copy_map_in(&map, 100032), 33);
	ct_copy_map_parse("0 0 4294967295\n", &map);
	ck_assert_uint_eq(ct_copy_map_in(&map, 4294967294u), 4294967294u);
	ct_copy_map_parse("nonsense", &map);
	ck_assert_uint_eq(map.count, 0);
	ct_copy_map_parse("0 1000\n", &map);
	ck_assert_uint_eq(map.count, 0);
}
END_TEST

Suite *suite_copy_message(void);

Suite *suite_copy_message(void)
{
	Suite *s = suite_create("copy_message");
	TCase *t = tcase_create("messages");

	tcase_add_loop_test(t, what_is_encoded_is_decoded, 0, COUNT(good));
	tcase_add_loop_test(t, a_part_of_a_message_is_waited_for, 0, COUNT(good));
	tcase_add_loop_test(t, what_nobody_would_send_is_refused, 0, COUNT(bad));
	tcase_add_test(t, a_nul_ends_no_name);
	tcase_add_test(t, lengths_are_judged_before_they_are_waited_for);
	tcase_add_test(t, ids_are_mapped_both_ways);
	tcase_add_test(t, a_map_is_read_as_the_kernel_writes_it);
	suite_add_tcase(s, t);
	return s;
}
