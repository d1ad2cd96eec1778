/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network devices of the host that a container gets: linux.netDevices. rtnetlink(7),
 * network_namespaces(7).
 *
 * ct_netdev_look() runs in the command that plans. Moving is the starter's, with root's rights: the process
 * has its network namespace by then and waits, no hook has run. The starter stays in its own namespace; a
 * helper enters the container's and sends a socket back, which keeps that namespace alive, too, until it
 * is clear whether the start succeeds.
 *
 * A device crosses under a name that nobody has and gets its own on the other side, for the kernel moves
 * and renames in two steps: one that failed in between would be nobody knows where. Addresses are the
 * namespace's and go with the move, so the permanent global ones are read before it and set after it.
 *
 * What may fail: devices that the kernel keeps where they are (bridges), a name that is taken, no
 * CAP_NET_ADMIN. Then, and when anything else of the start fails, all that was moved is moved back; the
 * kernel would return hardware alone, to the host's first namespace, and destroy all else.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_addr.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "child.h"
#include "rtnetlink.h"

#define LIST_TRIES	10	/* for a list of addresses that changes while it is read */

/* ---- single questions and changes: 0 or -errno ---- */

static int take_link(void *arg, const struct ct_rtnl_answer *answer)
{
	return ct_rtnl_link(answer, arg);
}

/* By its name, or where that is NULL by its index. */
static int get_link(int sock, const char *name, int index, struct ct_rtnl_link *ret_link)
{
	const struct ifinfomsg fixed = { .ifi_family = AF_UNSPEC, .ifi_index = name ? 0 : index };
	struct ct_rtnl_request q;
	int r;

	ret_link->index = 0;
	ct_rtnl_begin(&q, RTM_GETLINK, 0, &fixed, sizeof(fixed));
	if (name && !ct_rtnl_put(&q, IFLA_IFNAME, name, strlen(name) + 1))
		return -ENAMETOOLONG;
	r = ct_rtnl_talk(sock, &q, take_link, ret_link);
	return r == 0 && !ret_link->index ? -EBADMSG : r;
}

static int rename_link(int sock, int index, const char *name)
{
	const struct ifinfomsg fixed = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct ct_rtnl_request q;

	ct_rtnl_begin(&q, RTM_NEWLINK, 0, &fixed, sizeof(fixed));
	if (!ct_rtnl_put(&q, IFLA_IFNAME, name, strlen(name) + 1))
		return -ENAMETOOLONG;
	return ct_rtnl_talk(sock, &q, NULL, NULL);
}

static int bring_up(int sock, int index)
{
	const struct ifinfomsg fixed = {
		.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP,
	};
	struct ct_rtnl_request q;

	ct_rtnl_begin(&q, RTM_NEWLINK, 0, &fixed, sizeof(fixed));
	return ct_rtnl_talk(sock, &q, NULL, NULL);
}

static int send_away(int sock, int index, int namespace, const char *name)
{
	const struct ifinfomsg fixed = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	const uint32_t fd = (uint32_t)namespace;
	struct ct_rtnl_request q;

	ct_rtnl_begin(&q, RTM_NEWLINK, 0, &fixed, sizeof(fixed));
	if (!ct_rtnl_put(&q, IFLA_NET_NS_FD, &fd, sizeof(fd)) ||
	    !ct_rtnl_put(&q, IFLA_IFNAME, name, strlen(name) + 1))
		return -ENAMETOOLONG;
	return ct_rtnl_talk(sock, &q, NULL, NULL);
}

/* From the namespace of one socket to that of another: its index there, or -errno. Its name is one that
 * nobody has. */
static int transfer(int from, int to, int index)
{
	int ct_autofd namespace = ioctl(to, SIOCGSKNS);
	struct ct_rtnl_link link = { 0 };
	char name[IFNAMSIZ];
	uint64_t number;
	int r;

	if (namespace < 0)
		return -errno;
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -EIO;
	snprintf(name, sizeof(name), "ct%012" PRIx64, number & UINT64_C(0xffffffffffff));
	r = send_away(from, index, namespace, name);
	if (r == 0)
		r = get_link(to, name, 0, &link);
	return r < 0 ? r : link.index;
}

/* ---- addresses ---- */

struct collecting {
	int index;
	struct ct_buf *buf;
};

static int collect(void *arg, const struct ct_rtnl_answer *answer)
{
	const struct collecting *c = arg;
	int keeps = ct_rtnl_keeps(answer, c->index);

	if (keeps == 1)
		ct_rtnl_save(answer, c->buf);
	return keeps < 0 ? keeps : 0;
}

/* Those of all families. */
static int read_addresses(int sock, int index, struct ct_buf *buf)
{
	const struct ifaddrmsg fixed = { .ifa_family = AF_UNSPEC };
	struct collecting c = { index, buf };
	struct ct_rtnl_request q;
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < LIST_TRIES; i++) {
		ct_buf_clear(buf);
		ct_rtnl_begin(&q, RTM_GETADDR, NLM_F_DUMP, &fixed, sizeof(fixed));
		r = ct_rtnl_talk(sock, &q, collect, &c);
	}
	return r == 0 && buf->failed ? -ENOMEM : r;
}

static int set_addresses(int sock, const struct ct_buf *buf, const struct ct_rtnl_rename *rename)
{
	struct ct_rtnl_answer saved;
	struct ct_rtnl_request q;
	size_t offset = 0;
	int r = 0;

	while (r == 0 && ct_rtnl_next(buf->data, buf->length, &offset, &saved) == 1) {
		r = ct_rtnl_readd(&saved, rename, &q);
		if (r == 0)
			r = ct_rtnl_talk(sock, &q, NULL, NULL);
		/* The kernel has made the same one meanwhile: it is there. */
		if (r == -EEXIST)
			r = 0;
	}
	return r;
}

/* ---- planning ---- */

static int fail_missing(const char *name, struct ct_err *err)
{
	ct_fail(err, ENODEV, "there is no network device %s here", name);
	return ct_hint(err, "ip link shows those that there are");
}

int ct_netdev_look(const char *name, int *ret_index, struct ct_err *err)
{
	int ct_autofd sock = ct_rtnl_open();
	int r = sock < 0 ? sock : 0;
	struct ct_rtnl_link link;

	if (r == 0)
		r = get_link(sock, name, 0, &link);
	if (r == -ENODEV)
		return fail_missing(name, err);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot look for network device %s", name);
	if (strcmp(link.name, name) != 0) {
		ct_fail(err, EINVAL, "%s is another name of network device %s", name, link.name);
		return ct_hint(err, "use that one");
	}
	if (link.flags & IFF_LOOPBACK)
		return ct_fail(err, EINVAL, "the loopback device cannot be moved: every network "
			       "namespace has its own");
	*ret_index = link.index;
	return 0;
}

/* ---- into the container ---- */

/* The network namespace that the process is in: its own, or one that it has joined. */
static int enter(const struct ct_plan *plan, int pidfd)
{
	int fd = pidfd;

	for (size_t i = 0; i < plan->join_count; i++)
		if (plan->joins[i].flag == CLONE_NEWNET)
			fd = plan->joins[i].fd;
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

static _Noreturn void send_socket(const struct ct_plan *plan, int pidfd, int answer)
{
	int r = enter(plan, pidfd), sock = r < 0 ? r : ct_rtnl_open();
	struct ct_err err = { 0 };

	if (sock < 0)
		ct_fail_errno(&err, -sock, "cannot open a socket in the container's network namespace");
	ct_sync_send(answer, sock < 0 ? SYNC_ERROR : SYNC_PLACES, sock < 0 ? &err : NULL, sock);
	_exit(0);
}

static int receive_socket(int answer, int *ret_sock, struct ct_err *err)
{
	struct sync_message message;
	int fds[CT_FDS_MAX], r = ct_sync_receive(answer, &message, fds);

	if (r == 1 && message.type == SYNC_ERROR) {
		*err = message.err;
		return -err->code;
	}
	if (r != 1 || fds[0] < 0)
		return ct_fail(err, ECHILD, "the helper that enters the container's network namespace "
			       "has ended");
	*ret_sock = fds[0];
	return 0;
}

/* By a helper, so that the starter stays where it is. */
static int open_inside(const struct ct_plan *plan, int pidfd, int *ret_sock, struct ct_err *err)
{
	struct ct_exit ignored;
	int pair[2], r, ct_autofd helper = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	pid = ct_clone(0, -1, SIGCHLD, &helper);
	if (pid == 0)
		send_socket(plan, pidfd, pair[1]);
	close(pair[1]);
	r = pid < 0 ? ct_fail_clone(-pid, 0, err) : receive_socket(pair[0], ret_sock, err);
	close(pair[0]);
	if (pid > 0)
		ct_pidfd_wait(helper, &ignored);
	return r;
}

/* All of them, before the first one is moved. A template is the kernel's to fill in. */
static int check_names(const struct ct_plan_network *network, struct ct_err *err)
{
	for (size_t i = 0; i < network->count; i++) {
		const struct ct_plan_net_device *device = &network->devices[i];
		struct ct_rtnl_link link;
		int r = strchr(device->inside, '%') ? -ENODEV :
						      get_link(network->inside, device->inside, 0, &link);

		if (r == -ENODEV)
			continue;
		if (r < 0)
			ct_fail_errno(err, -r, "cannot look into the container's network namespace");
		else
			ct_fail(err, EEXIST, "the container's network namespace has a device %s already",
				device->inside);
		if (r == 0)
			ct_hint(err, "give it another \"name\", or a template such as \"eth%%d\"");
		return ct_wrap(err, "%s", device->place);
	}
	return 0;
}

static int fail_transfer(const struct ct_plan_net_device *device, int code, struct ct_err *err)
{
	if (code == EINVAL)
		return ct_fail(err, code, "the kernel does not let %s leave its network namespace",
			       device->name);
	ct_fail_errno(err, code, "cannot move %s into the container's network namespace", device->name);
	if (code == EPERM)
		return ct_hint(err, "that takes CAP_NET_ADMIN here and there");
	return -err->code;
}

/* Now, as it is about to be moved. */
static int look_again(int host, struct ct_plan_net_device *device, struct ct_err *err)
{
	struct ct_rtnl_link link;
	int r = get_link(host, device->name, 0, &link);

	if (r == -ENODEV || (r == 0 && link.index != device->index))
		return fail_missing(device->name, err);
	if (r == 0)
		r = read_addresses(host, device->index, &device->addresses);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot read the addresses of %s", device->name);
	device->up = link.flags & IFF_UP;
	return 0;
}

/* There, but with a name of nobody's, and nothing else. */
static int settle_in(int inside, struct ct_plan_net_device *device, struct ct_err *err)
{
	struct ct_rtnl_link link;
	struct ct_rtnl_rename rename = { .from = device->name, .index = device->moved };
	int r = rename_link(inside, device->moved, device->inside);

	if (r == 0)
		r = get_link(inside, NULL, device->moved, &link);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot be called %s in the container", device->inside);
	rename.to = link.name;
	r = set_addresses(inside, &device->addresses, &rename);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot give %s its addresses again", link.name);
	r = bring_up(inside, device->moved);
	return r < 0 ? ct_fail_errno(err, -r, "cannot set %s up", link.name) : 0;
}

static int move_one(int host, int inside, struct ct_plan_net_device *device, struct ct_err *err)
{
	int r = look_again(host, device, err);

	if (r < 0)
		return r;
	r = transfer(host, inside, device->index);
	if (r < 0)
		return fail_transfer(device, -r, err);
	device->moved = r;
	return settle_in(inside, device, err);
}

int ct_netdev_move(const struct ct_plan *plan, int pidfd, struct ct_err *err)
{
	struct ct_plan_network *network = plan->network;
	int ct_autofd host = -1;
	int r;

	if (!network)
		return 0;
	host = ct_rtnl_open();
	if (host < 0)
		return ct_fail_errno(err, -host, "cannot open an rtnetlink socket");
	r = open_inside(plan, pidfd, &network->inside, err);
	if (r < 0)
		return ct_wrap(err, "%s", network->devices[0].place);
	r = check_names(network, err);
	for (size_t i = 0; r == 0 && i < network->count; i++)
		if (move_one(host, network->inside, &network->devices[i], err) < 0)
			r = ct_wrap(err, "%s", network->devices[i].place);
	return r;
}

/* ---- and back ---- */

static int return_one(int host, int inside, struct ct_plan_net_device *device)
{
	struct ct_rtnl_rename rename = { .from = device->name, .to = device->name };
	int r = transfer(inside, host, device->moved), index = r;

	if (r < 0)
		return r;
	device->moved = 0;
	rename.index = index;
	r = rename_link(host, index, device->name);
	/* Somebody has got its name meanwhile: as the kernel does it then. */
	if (r == -EEXIST)
		r = rename_link(host, index, "dev%d");
	if (r == 0)
		r = set_addresses(host, &device->addresses, &rename);
	return r == 0 && device->up ? bring_up(host, index) : r;
}

void ct_netdev_give_back(const struct ct_plan *plan)
{
	struct ct_plan_network *network = plan->network;
	int ct_autofd host = network && network->inside >= 0 ? ct_rtnl_open() : -1;

	/* The last one first: its name may be what another one had. */
	for (size_t i = host < 0 ? 0 : network->count; i-- > 0;) {
		struct ct_plan_net_device *device = &network->devices[i];
		int r = device->moved ? return_one(host, network->inside, device) : 0;

		if (r < 0)
			ct_log(CT_LOG_WARN, CT_TOPIC_NS, "network device %s could not be given back "
			       "whole: %s", device->name, strerror(-r));
	}
	ct_netdev_settle(plan);
}

void ct_netdev_settle(const struct ct_plan *plan)
{
	struct ct_plan_network *network = plan->network;

	if (!network)
		return;
	for (size_t i = 0; i < network->count; i++)
		ct_buf_done(&network->devices[i].addresses);
	ct_drop_fd(&network->inside);
}
