/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of rtnetlink(7): requests are built, answers are taken apart.
 *
 * Pure functions, for the command that plans a start and the process that makes it; nothing here asks the
 * kernel, so all of it can be tested with bytes alone. Answers come from the kernel, and are held to
 * their lengths all the same: each header is copied out before it is looked at, each length is compared
 * with what is left, each value with the size that its type has. Fails with EBADMSG.
 */
#include "rtnetlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Younger than some headers that we build with: "which protocol has set it". */
#define ADDRESS_PROTOCOL	11

/* What somebody may set; the others are the kernel's own. */
#define SETTABLE (IFA_F_NODAD | IFA_F_OPTIMISTIC | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | \
		  IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN)

/* ---- requests ---- */

void ct_rtnl_begin(struct ct_rtnl_request *q, uint16_t type, uint16_t flags, const void *fixed,
		   size_t size)
{
	memset(q, 0, sizeof(*q));
	q->header.nlmsg_type = type;
	q->header.nlmsg_flags = flags;
	memcpy(q->bytes + NLMSG_HDRLEN, fixed, size);
	q->size = NLMSG_HDRLEN + NLMSG_ALIGN(size);
}

bool ct_rtnl_put(struct ct_rtnl_request *q, uint16_t type, const void *data, size_t size)
{
	struct rtattr attribute = { .rta_type = type };

	if (size > sizeof(q->bytes) || RTA_SPACE(size) > sizeof(q->bytes) - q->size)
		return false;
	attribute.rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(q->bytes + q->size, &attribute, sizeof(attribute));
	memcpy(q->bytes + q->size + RTA_LENGTH(0), data, size);
	q->size += RTA_SPACE(size);
	return true;
}

/* ---- messages and attributes ---- */

int ct_rtnl_next(const char *data, size_t size, size_t *offset, struct ct_rtnl_answer *ret_answer)
{
	size_t left = size - *offset, padded;
	struct nlmsghdr header;

	if (!left)
		return 0;
	if (left < sizeof(header))
		return -EBADMSG;
	memcpy(&header, data + *offset, sizeof(header));
	if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > left)
		return -EBADMSG;
	*ret_answer = (struct ct_rtnl_answer){
		.type = header.nlmsg_type,
		.flags = header.nlmsg_flags,
		.sequence = header.nlmsg_seq,
		.data = data + *offset + NLMSG_HDRLEN,
		.size = header.nlmsg_len - NLMSG_HDRLEN,
	};
	padded = NLMSG_ALIGN((size_t)header.nlmsg_len);
	*offset += padded < left ? padded : left;
	return 1;
}

int ct_rtnl_code(const struct ct_rtnl_answer *answer)
{
	int code;

	/* The end of a list has one only where the kernel has anything to say. */
	if (answer->type == NLMSG_DONE && answer->size < sizeof(code))
		return 0;
	if (answer->size < sizeof(code))
		return -EBADMSG;
	memcpy(&code, answer->data, sizeof(code));
	return code > 0 || code < -4095 ? -EBADMSG : code;
}

struct attribute {
	uint16_t type;
	const char *data;
	size_t size;
};

/* As ct_rtnl_next(). */
static int next_attribute(const struct ct_rtnl_answer *answer, size_t *offset, struct attribute *ret)
{
	size_t left = answer->size - *offset, padded;
	struct rtattr header;

	if (!left)
		return 0;
	if (left < sizeof(header))
		return -EBADMSG;
	memcpy(&header, answer->data + *offset, sizeof(header));
	if (header.rta_len < RTA_LENGTH(0) || header.rta_len > left)
		return -EBADMSG;
	ret->type = header.rta_type & NLA_TYPE_MASK;
	ret->data = answer->data + *offset + RTA_LENGTH(0);
	ret->size = header.rta_len - RTA_LENGTH(0);
	padded = RTA_ALIGN((size_t)header.rta_len);
	*offset += padded < left ? padded : left;
	return 1;
}

/* The fixed part, and where the attributes begin behind it. */
static int read_fixed(const struct ct_rtnl_answer *answer, void *fixed, size_t size, size_t *ret_offset)
{
	if (answer->size < NLMSG_ALIGN(size))
		return -EBADMSG;
	memcpy(fixed, answer->data, size);
	*ret_offset = NLMSG_ALIGN(size);
	return 0;
}

/* A text that ends within its attribute, and fits. */
static int read_name(const struct attribute *attribute, char name[IFNAMSIZ])
{
	if (!attribute->size || attribute->size > IFNAMSIZ ||
	    !memchr(attribute->data, '\0', attribute->size))
		return -EBADMSG;
	memset(name, 0, IFNAMSIZ);
	memcpy(name, attribute->data, strnlen(attribute->data, attribute->size));
	return 0;
}

/* ---- links ---- */

int ct_rtnl_link(const struct ct_rtnl_answer *answer, struct ct_rtnl_link *ret_link)
{
	struct ct_rtnl_link link = { 0 };
	struct attribute attribute;
	struct ifinfomsg fixed;
	size_t offset;
	int r;

	if (answer->type != RTM_NEWLINK || read_fixed(answer, &fixed, sizeof(fixed), &offset) < 0)
		return -EBADMSG;
	link.index = fixed.ifi_index;
	link.flags = fixed.ifi_flags;
	while ((r = next_attribute(answer, &offset, &attribute)) == 1)
		if (attribute.type == IFLA_IFNAME && read_name(&attribute, link.name) < 0)
			return -EBADMSG;
	if (r < 0 || link.index <= 0 || !link.name[0])
		return -EBADMSG;
	*ret_link = link;
	return 0;
}

/* ---- addresses ---- */

/* The size that an attribute of an address must have; 0: at most that of the longest address. Those of
 * other families are as long as they are. */
static size_t size_of(uint16_t type, unsigned char family)
{
	switch (type) {
	case IFA_ADDRESS:
	case IFA_LOCAL:
	case IFA_BROADCAST:
		return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
	case IFA_CACHEINFO:
		return sizeof(struct ifa_cacheinfo);
	case ADDRESS_PROTOCOL:
		return 1;
	default:	/* IFA_FLAGS, IFA_RT_PRIORITY */
		return sizeof(uint32_t);
	}
}

static bool has_its_size(const struct attribute *attribute, unsigned char family)
{
	size_t size = size_of(attribute->type, family);

	return size ? attribute->size == size : attribute->size > 0 && attribute->size <= 32;
}

/* Those that make an address what it is. */
static bool is_kept(uint16_t type)
{
	return type == IFA_ADDRESS || type == IFA_LOCAL || type == IFA_BROADCAST ||
	       type == IFA_CACHEINFO || type == IFA_RT_PRIORITY || type == ADDRESS_PROTOCOL;
}

/* All attributes once: are they as they must be, and what are the flags, of which the fixed part has the
 * lower ones. */
static int check_address(const struct ct_rtnl_answer *answer, struct ifaddrmsg *ret_fixed,
			 uint32_t *ret_flags)
{
	struct attribute attribute;
	char ignored[IFNAMSIZ];
	size_t offset;
	int r;

	if (answer->type != RTM_NEWADDR ||
	    read_fixed(answer, ret_fixed, sizeof(*ret_fixed), &offset) < 0)
		return -EBADMSG;
	*ret_flags = ret_fixed->ifa_flags;
	while ((r = next_attribute(answer, &offset, &attribute)) == 1) {
		bool flags = attribute.type == IFA_FLAGS;

		if ((flags || is_kept(attribute.type)) &&
		    !has_its_size(&attribute, ret_fixed->ifa_family))
			return -EBADMSG;
		if (attribute.type == IFA_LABEL && read_name(&attribute, ignored) < 0)
			return -EBADMSG;
		if (flags)
			memcpy(ret_flags, attribute.data, sizeof(*ret_flags));
	}
	return r;
}

int ct_rtnl_keeps(const struct ct_rtnl_answer *answer, int index)
{
	struct ifaddrmsg fixed;
	uint32_t flags;

	if (check_address(answer, &fixed, &flags) < 0)
		return -EBADMSG;
	return fixed.ifa_index == (uint32_t)index && fixed.ifa_scope == RT_SCOPE_UNIVERSE &&
	       (flags & IFA_F_PERMANENT);
}

void ct_rtnl_save(const struct ct_rtnl_answer *answer, struct ct_buf *buf)
{
	static const char padding[NLMSG_ALIGNTO];
	struct nlmsghdr header = {
		.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + answer->size), .nlmsg_type = answer->type,
	};

	ct_buf_add(buf, &header, sizeof(header));
	ct_buf_add(buf, answer->data, answer->size);
	ct_buf_add(buf, padding, NLMSG_ALIGN(answer->size) - answer->size);
}

/* "eth0:1" of eth0; false when there is none to give. The kernel's own is the name of the device. */
static bool rename_label(const struct attribute *attribute, const struct ct_rtnl_rename *rename,
			 char label[IFNAMSIZ])
{
	size_t length = strlen(rename->from), room = IFNAMSIZ;
	char old[IFNAMSIZ];
	int n;

	if (read_name(attribute, old) < 0 || strcmp(old, rename->from) == 0)
		return false;
	if (strncmp(old, rename->from, length) == 0 && old[length] == ':')
		n = snprintf(label, room, "%s%s", rename->to, old + length);
	else
		n = snprintf(label, room, "%s", old);
	return n > 0 && (size_t)n < room;
}

static bool put_kept(struct ct_rtnl_request *q, const struct attribute *attribute,
		     const struct ct_rtnl_rename *rename)
{
	char label[IFNAMSIZ];

	if (attribute->type == IFA_LABEL)
		return !rename_label(attribute, rename, label) ||
		       ct_rtnl_put(q, IFA_LABEL, label, strlen(label) + 1);
	return !is_kept(attribute->type) || ct_rtnl_put(q, attribute->type, attribute->data, attribute->size);
}

int ct_rtnl_readd(const struct ct_rtnl_answer *answer, const struct ct_rtnl_rename *rename,
		  struct ct_rtnl_request *ret_request)
{
	struct attribute attribute;
	struct ifaddrmsg fixed;
	uint32_t flags;
	size_t offset = NLMSG_ALIGN(sizeof(fixed));

	if (check_address(answer, &fixed, &flags) < 0)
		return -EBADMSG;
	flags &= SETTABLE;
	fixed.ifa_flags = (unsigned char)flags;
	fixed.ifa_index = (uint32_t)rename->index;
	ct_rtnl_begin(ret_request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof(fixed));
	if (flags && !ct_rtnl_put(ret_request, IFA_FLAGS, &flags, sizeof(flags)))
		return -EBADMSG;
	while (next_attribute(answer, &offset, &attribute) == 1)
		if (!put_kept(ret_request, &attribute, rename))
			return -EBADMSG;
	return 0;
}
