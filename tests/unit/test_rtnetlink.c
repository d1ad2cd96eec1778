/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of rtnetlink: what is built is what is read, answers are held to their lengths, and of the
 * addresses of a device the permanent global ones are kept, and nothing of the kernel's own about them.
 */
#include "ns/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"
#include "ns/child.h"

Suite *suite_rtnetlink(void);

/* What would be received: a request with its length, in a place of its own size. */
static char *sealed(const struct ct_rtnl_request *q, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct ct_rtnl_request whole = *q;

	ck_assert_ptr_nonnull(copy);
	whole.header.nlmsg_len = (uint32_t)q->size;
	memcpy(copy, whole.bytes, size);
	return copy;
}

/* The one message in it. */
static struct ct_rtnl_answer only(const char *data, size_t size)
{
	struct ct_rtnl_answer answer, none;
	size_t offset = 0;

	ck_assert_int_eq(ct_rtnl_next(data, size, &offset, &answer), 1);
	ck_assert_int_eq(ct_rtnl_next(data, size, &offset, &none), 0);
	return answer;
}

static void begin_link(struct ct_rtnl_request *q, int index, unsigned flags)
{
	const struct ifinfomsg fixed = { .ifi_index = index, .ifi_flags = flags };

	ct_rtnl_begin(q, RTM_NEWLINK, 0, &fixed, sizeof(fixed));
}

static int read_link(const struct ct_rtnl_request *q, struct ct_rtnl_link *link)
{
	char ct_autofree *data = sealed(q, q->size);
	struct ct_rtnl_answer answer = only(data, q->size);

	return ct_rtnl_link(&answer, link);
}

START_TEST(a_link_is_read)
{
	struct ct_rtnl_request q;
	struct ct_rtnl_link link;
	uint32_t mtu = 1500;

	begin_link(&q, 7, IFF_UP | IFF_LOOPBACK);
	ck_assert(ct_rtnl_put(&q, IFLA_MTU, &mtu, sizeof(mtu)));
	ck_assert(ct_rtnl_put(&q, IFLA_IFNAME, "eth0", 5));
	ck_assert_int_eq(read_link(&q, &link), 0);
	ck_assert_int_eq(link.index, 7);
	ck_assert_uint_eq(link.flags, IFF_UP | IFF_LOOPBACK);
	ck_assert_str_eq(link.name, "eth0");
}
END_TEST

START_TEST(a_link_without_index_or_name_or_with_a_name_that_does_not_end_is_none)
{
	struct ct_rtnl_link link = { .index = 3, .name = "x" };
	struct ct_rtnl_request q;

	begin_link(&q, 7, 0);
	ck_assert_int_eq(read_link(&q, &link), -EBADMSG);
	ck_assert(ct_rtnl_put(&q, IFLA_IFNAME, "eth0", 4));
	ck_assert_int_eq(read_link(&q, &link), -EBADMSG);
	begin_link(&q, 7, 0);
	ck_assert(ct_rtnl_put(&q, IFLA_IFNAME, "abcdefghijklmnop", 17));
	ck_assert_int_eq(read_link(&q, &link), -EBADMSG);
	begin_link(&q, 0, 0);
	ck_assert(ct_rtnl_put(&q, IFLA_IFNAME, "eth0", 5));
	ck_assert_int_eq(read_link(&q, &link), -EBADMSG);
	q.header.nlmsg_type = RTM_DELLINK;
	ck_assert_int_eq(read_link(&q, &link), -EBADMSG);
	ck_assert_int_eq(link.index, 3);
	ck_assert_str_eq(link.name, "x");
}
END_TEST

START_TEST(what_does_not_fit_into_a_request_leaves_it_as_it_was)
{
	char zeros[CT_RTNL_REQUEST] = { 0 };
	struct ct_rtnl_request q;
	size_t size;

	begin_link(&q, 1, 0);
	size = q.size;
	ck_assert(!ct_rtnl_put(&q, IFLA_IFNAME, zeros, sizeof(zeros)));
	ck_assert(!ct_rtnl_put(&q, IFLA_IFNAME, zeros, sizeof(zeros) - size - 3));
	ck_assert_uint_eq(q.size, size);
	ck_assert(ct_rtnl_put(&q, IFLA_IFNAME, zeros, sizeof(zeros) - size - 4));
	ck_assert_uint_eq(q.size, sizeof(q.bytes));
	ck_assert(!ct_rtnl_put(&q, IFLA_IFNAME, zeros, 0));
}
END_TEST

/* ---- addresses ---- */

struct address {
	unsigned char scope, fixed_flags;
	uint32_t flags;
	const char *label;
};

static void begin_address(struct ct_rtnl_request *q, const struct address *a)
{
	const struct ifaddrmsg fixed = {
		.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_flags = a->fixed_flags,
		.ifa_scope = a->scope, .ifa_index = 7,
	};
	const struct ifa_cacheinfo times = { .ifa_prefered = 1, .ifa_valid = UINT32_MAX };
	const uint32_t address = htonl(0x0a010203), metric = 5;

	ct_rtnl_begin(q, RTM_NEWADDR, 0, &fixed, sizeof(fixed));
	ck_assert(ct_rtnl_put(q, IFA_ADDRESS, &address, 4) && ct_rtnl_put(q, IFA_LOCAL, &address, 4));
	ck_assert(ct_rtnl_put(q, IFA_CACHEINFO, &times, sizeof(times)));
	ck_assert(ct_rtnl_put(q, IFA_RT_PRIORITY, &metric, sizeof(metric)));
	if (a->flags)
		ck_assert(ct_rtnl_put(q, IFA_FLAGS, &a->flags, sizeof(a->flags)));
	if (a->label)
		ck_assert(ct_rtnl_put(q, IFA_LABEL, a->label, strlen(a->label) + 1));
}

static int keeps(const struct address *a, int index)
{
	struct ct_rtnl_request q;
	struct ct_rtnl_answer answer;
	char ct_autofree *data = NULL;

	begin_address(&q, a);
	data = sealed(&q, q.size);
	answer = only(data, q.size);
	return ct_rtnl_keeps(&answer, index);
}

START_TEST(permanent_global_addresses_of_the_device_are_kept_and_no_others)
{
	ck_assert_int_eq(keeps(&(struct address){ .flags = IFA_F_PERMANENT }, 7), 1);
	ck_assert_int_eq(keeps(&(struct address){ .fixed_flags = IFA_F_PERMANENT }, 7), 1);
	ck_assert_int_eq(keeps(&(struct address){ .flags = IFA_F_PERMANENT }, 8), 0);
	ck_assert_int_eq(keeps(&(struct address){ .flags = IFA_F_NOPREFIXROUTE }, 7), 0);
	ck_assert_int_eq(keeps(&(struct address){ .flags = IFA_F_NOPREFIXROUTE,
						  .fixed_flags = IFA_F_PERMANENT }, 7), 0);
	ck_assert_int_eq(keeps(&(struct address){ .scope = RT_SCOPE_LINK,
						  .flags = IFA_F_PERMANENT }, 7), 0);
	ck_assert_int_eq(keeps(&(struct address){ .flags = IFA_F_PERMANENT,
						  .label = "abcdefghijklmnop" }, 7), -EBADMSG);
}
END_TEST

/* One attribute more, of a wrong size. */
static int keeps_with(uint16_t type, size_t size)
{
	static const char zeros[64];
	struct ct_rtnl_request q;
	struct ct_rtnl_answer answer;
	char ct_autofree *data = NULL;

	begin_address(&q, &(struct address){ .flags = IFA_F_PERMANENT });
	ck_assert(ct_rtnl_put(&q, type, zeros, size));
	data = sealed(&q, q.size);
	answer = only(data, q.size);
	return ct_rtnl_keeps(&answer, 7);
}

START_TEST(values_have_the_size_of_their_type)
{
	ck_assert_int_eq(keeps_with(IFA_BROADCAST, 4), 1);
	ck_assert_int_eq(keeps_with(IFA_BROADCAST, 16), -EBADMSG);
	ck_assert_int_eq(keeps_with(IFA_LOCAL, 3), -EBADMSG);
	ck_assert_int_eq(keeps_with(IFA_CACHEINFO, 15), -EBADMSG);
	ck_assert_int_eq(keeps_with(IFA_FLAGS, 1), -EBADMSG);
	ck_assert_int_eq(keeps_with(IFA_RT_PRIORITY, 0), -EBADMSG);
	ck_assert_int_eq(keeps_with(IFA_LABEL, 0), -EBADMSG);
	/* What nobody here knows is left alone. */
	ck_assert_int_eq(keeps_with(77, 9), 1);
}
END_TEST

/* Its label and flags in the request that adds it again; "" for no label. */
static void readd(const struct address *a, const char *to, char label[IFNAMSIZ], uint32_t *ret_flags)
{
	const struct ct_rtnl_rename rename = { .from = "eth0", .to = to, .index = 9 };
	struct ct_rtnl_answer answer, saved, again;
	struct ct_buf ct_autobuf buf = { 0 };
	char ct_autofree *data = NULL, *out = NULL;
	struct ct_rtnl_request q, made;
	struct ifaddrmsg fixed;
	const struct rtattr *attribute;
	size_t left, offset = 0;

	begin_address(&q, a);
	data = sealed(&q, q.size);
	answer = only(data, q.size);
	ct_rtnl_save(&answer, &buf);
	ct_rtnl_save(&answer, &buf);
	ck_assert_int_eq(ct_rtnl_next(buf.data, buf.length, &offset, &saved), 1);
	ck_assert_int_eq(ct_rtnl_next(buf.data, buf.length, &offset, &saved), 1);
	ck_assert_int_eq(ct_rtnl_next(buf.data, buf.length, &offset, &again), 0);
	ck_assert_int_eq(ct_rtnl_readd(&saved, &rename, &made), 0);
	out = sealed(&made, made.size);
	answer = only(out, made.size);
	ck_assert_int_eq(answer.type, RTM_NEWADDR);
	memcpy(&fixed, answer.data, sizeof(fixed));
	ck_assert_uint_eq(fixed.ifa_index, 9);
	ck_assert_uint_eq(fixed.ifa_prefixlen, 24);
	*ret_flags = fixed.ifa_flags;
	label[0] = '\0';
	left = answer.size - sizeof(fixed);
	for (attribute = (const void *)(answer.data + sizeof(fixed)); RTA_OK(attribute, left);
	     attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == IFA_FLAGS)
			memcpy(ret_flags, RTA_DATA(attribute), sizeof(*ret_flags));
		if (attribute->rta_type == IFA_LABEL)
			memcpy(label, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
		if (attribute->rta_type == IFA_LOCAL)
			ck_assert_mem_eq(RTA_DATA(attribute), "\x0a\1\2\3", 4);
	}
	ck_assert_uint_eq(left, 0);
}

START_TEST(an_address_is_added_again_without_what_the_kernel_says_of_it)
{
	const struct address a = {
		.flags = IFA_F_PERMANENT | IFA_F_SECONDARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE |
			 IFA_F_NOPREFIXROUTE | IFA_F_NODAD,
	};
	char label[IFNAMSIZ];
	uint32_t flags;

	readd(&a, "net0", label, &flags);
	ck_assert_uint_eq(flags, IFA_F_NOPREFIXROUTE | IFA_F_NODAD);
	readd(&(struct address){ .flags = IFA_F_PERMANENT }, "net0", label, &flags);
	ck_assert_uint_eq(flags, 0);
}
END_TEST

START_TEST(a_label_follows_the_name_of_its_device)
{
	static const struct {
		const char *label, *to, *expected;
	} rows[] = {
		{ "eth0", "net0", "" },		/* the kernel's own */
		{ "eth0:1", "net0", "net0:1" },
		{ "eth0:1", "eth0", "eth0:1" },
		{ "eth0x", "net0", "eth0x" },
		{ "outside", "net0", "outside" },
		{ "eth0:1234", "abcdefghij", "abcdefghij:1234" },
		{ "eth0:12345", "abcdefghij", "" },
	};
	char label[IFNAMSIZ];
	uint32_t flags;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		readd(&(struct address){ .label = rows[i].label }, rows[i].to, label, &flags);
		ck_assert_str_eq(label, rows[i].expected);
	}
}
END_TEST

/* ---- bytes that are no messages ---- */

START_TEST(a_message_that_is_cut_anywhere_is_refused)
{
	struct ct_rtnl_request q;

	begin_address(&q, &(struct address){ .flags = IFA_F_PERMANENT, .label = "eth0:1" });
	for (size_t size = 1; size < q.size; size++) {
		char ct_autofree *data = sealed(&q, size);
		struct ct_rtnl_answer answer;
		size_t offset = 0;

		ck_assert_int_eq(ct_rtnl_next(data, size, &offset, &answer), -EBADMSG);
		ck_assert_uint_eq(offset, 0);
	}
	/* The header goes by what is there, and the attributes do not. */
	for (size_t size = NLMSG_HDRLEN; size < q.size; size++) {
		struct ct_rtnl_request cut = q;
		char ct_autofree *data = NULL;
		struct ct_rtnl_answer answer;

		cut.size = size;
		data = sealed(&cut, size);
		answer = only(data, size);
		ck_assert_int_ne(ct_rtnl_keeps(&answer, 8), 1);
	}
}
END_TEST

START_TEST(an_error_is_a_negative_number_of_the_kernels)
{
	static const struct {
		uint16_t type;
		int code, expected;
	} rows[] = {
		{ NLMSG_ERROR, 0, 0 }, { NLMSG_ERROR, -ENODEV, -ENODEV }, { NLMSG_ERROR, 1, -EBADMSG },
		{ NLMSG_ERROR, -5000, -EBADMSG }, { NLMSG_DONE, -EPERM, -EPERM }, { NLMSG_DONE, 0, 0 },
	};
	struct ct_rtnl_answer answer;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		answer = (struct ct_rtnl_answer){
			.type = rows[i].type, .data = (const char *)&rows[i].code, .size = sizeof(int),
		};
		ck_assert_int_eq(ct_rtnl_code(&answer), rows[i].expected);
		answer.size = 3;
		ck_assert_int_eq(ct_rtnl_code(&answer), rows[i].type == NLMSG_DONE ? 0 : -EBADMSG);
	}
}
END_TEST

/* ---- the kernel ---- */

START_TEST(a_device_that_is_not_there_and_the_loopback_device_are_refused)
{
	struct ct_err err = { 0 };
	int index = 77;

	ck_assert_int_eq(ct_netdev_look("ct-none", &index, &err), -ENODEV);
	ck_err(&err, ENODEV, "there is no network device ct-none here (ip link shows those that there are)");
	ck_assert_int_eq(ct_netdev_look("lo", &index, &err), -EINVAL);
	ck_err(&err, EINVAL, "the loopback device cannot be moved: every network namespace has its own");
	ck_assert_int_eq(index, 77);
}
END_TEST

Suite *suite_rtnetlink(void)
{
	Suite *s = suite_create("rtnetlink");
	TCase *tc = tcase_create("messages"), *kernel = tcase_create("kernel");

	tcase_add_test(tc, a_link_is_read);
	tcase_add_test(tc, a_link_without_index_or_name_or_with_a_name_that_does_not_end_is_none);
	tcase_add_test(tc, what_does_not_fit_into_a_request_leaves_it_as_it_was);
	tcase_add_test(tc, permanent_global_addresses_of_the_device_are_kept_and_no_others);
	tcase_add_test(tc, values_have_the_size_of_their_type);
	tcase_add_test(tc, an_address_is_added_again_without_what_the_kernel_says_of_it);
	tcase_add_test(tc, a_label_follows_the_name_of_its_device);
	tcase_add_test(tc, a_message_that_is_cut_anywhere_is_refused);
	tcase_add_test(tc, an_error_is_a_negative_number_of_the_kernels);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(kernel, fixture_setup, fixture_teardown);
	tcase_add_test(kernel, a_device_that_is_not_there_and_the_loopback_device_are_refused);
	suite_add_tcase(s, kernel);
	return s;
}
