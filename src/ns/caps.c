/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability sets: names, what the kernel knows, limiting the bounding set, putting sets in place.
 * The only file that knows libcap; of it, only what allocates nothing is used where the new
 * process may be the caller, between clone and exec.
 *
 * ct_caps_limit() and ct_caps_apply() run in the new process, as root of its user namespace, and
 * never leave a capability out in silence: what cannot be had is EPERM by name. The kernel itself
 * would drop bits that it does not know, so those are looked for first. The rest runs anywhere.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include <cattach/caps.h>

#define CAPS_MAX	64	/* bits in a set of struct ct_caps */

/* By number. libcap makes such a name on the heap, which a process before exec must not touch. */
static const char *const names[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
	"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
	"CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
	"CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
	"CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
	"CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == CAP_LAST_CAP + 1,
	       "the kernel's headers name another number of capabilities");

static uint64_t bit(unsigned number)
{
	return UINT64_C(1) << number;
}

int ct_cap_parse(const char *name, unsigned *ret_number, struct ct_err *err)
{
	const char *bare = strncasecmp(name, "CAP_", 4) ? name : name + 4;
	char full[32] = "cap_";
	cap_value_t value;
	size_t length = strlen(bare);

	if (!*name)
		name = "\"\"";
	/* libcap would also take numbers; names of capabilities are letters and underscores. */
	if (!length || length >= sizeof(full) - 4 ||
	    strspn(bare, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") != length)
		return ct_fail(err, EINVAL, "%s: unknown capability", name);
	for (size_t i = 0; i <= length; i++)
		full[4 + i] = (char)tolower((unsigned char)bare[i]);
	if (cap_from_name(full, &value) < 0 || value < 0 || value >= CAPS_MAX)
		return ct_fail(err, EINVAL, "%s: unknown capability", name);
	*ret_number = (unsigned)value;
	return 0;
}

const char *ct_cap_name(unsigned number)
{
	return number < sizeof(names) / sizeof(names[0]) ? names[number] : NULL;
}

/* The number of capabilities that the kernel knows: they have no holes, so halve the range. */
static unsigned count_known(void)
{
	unsigned low = 0, high = CAPS_MAX;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (cap_get_bound((cap_value_t)middle) < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint64_t ct_caps_known(void)
{
	unsigned count = count_known();

	return count < CAPS_MAX ? bit(count) - 1 : UINT64_MAX;
}

uint64_t ct_caps_bounding(void)
{
	unsigned count = count_known();
	uint64_t set = 0;

	for (unsigned i = 0; i < count; i++) {
		if (cap_get_bound((cap_value_t)i) == 1)
			set |= bit(i);
	}
	return set;
}

/* The error for the first capability of a set that we cannot have. */
static int fail_missing(uint64_t missing, const char *set, struct ct_err *err)
{
	unsigned number = (unsigned)__builtin_ctzll(missing);
	const char *name = ct_cap_name(number);

	if (name)
		return ct_fail(err, EPERM, "%s cannot be had in the %s set", name, set);
	return ct_fail(err, EPERM, "capability %u cannot be had in the %s set", number, set);
}

int ct_caps_limit(uint64_t keep, struct ct_err *err)
{
	unsigned count = count_known();

	for (unsigned i = 0; i < count; i++) {
		if (keep & bit(i) || !cap_drop_bound((cap_value_t)i))
			continue;
		/* Without CAP_SETPCAP nothing can be dropped; what is not there need not be. */
		if (cap_get_bound((cap_value_t)i) == 0)
			continue;
		ct_fail_errno(err, errno, "cannot drop %s from the bounding set",
			      ct_cap_name(i) ? ct_cap_name(i) : "an unnamed capability");
		return ct_hint(err, "this needs CAP_SETPCAP in the user namespace");
	}
	return 0;
}

/* The sets of this process by capget(2), which splits each into two words. */
static int get_sets(struct ct_caps *ret_caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (capget(&header, data) < 0)
		return -errno;
	*ret_caps = (struct ct_caps){
		.effective = data[0].effective | (uint64_t)data[1].effective << 32,
		.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
		.inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32,
	};
	return 0;
}

static int set_sets(const struct ct_caps *caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)caps->effective, (uint32_t)caps->permitted, (uint32_t)caps->inheritable },
		{ (uint32_t)(caps->effective >> 32), (uint32_t)(caps->permitted >> 32),
		  (uint32_t)(caps->inheritable >> 32) },
	};

	return capset(&header, data) < 0 ? -errno : 0;
}

/* Empty the ambient set and fill it anew; needs the bits permitted and inheritable already. */
static int set_ambient(uint64_t set, struct ct_err *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return ct_fail_errno(err, errno, "cannot empty the ambient capability set");
	for (; set; set &= set - 1) {
		if (cap_set_ambient((cap_value_t)__builtin_ctzll(set), CAP_SET) < 0)
			return fail_missing(set, "ambient", err);
	}
	return 0;
}

int ct_caps_apply(const struct ct_caps *caps, struct ct_err *err)
{
	struct ct_caps held;
	uint64_t missing;
	int rc = get_sets(&held);

	if (rc < 0)
		return ct_fail_errno(err, -rc, "cannot read the capabilities of this process");
	missing = caps->permitted & ~held.permitted;
	if (missing)
		return fail_missing(missing, "permitted", err);
	missing = caps->effective & ~caps->permitted;
	if (missing)
		return fail_missing(missing, "effective", err);
	/* What is inheritable already may stay so; the bounding set is only read for the rest. */
	missing = caps->inheritable & ~held.inheritable;
	if (missing && (missing &= ~ct_caps_bounding()))
		return fail_missing(missing, "inheritable", err);
	missing = caps->ambient & ~(caps->permitted & caps->inheritable);
	if (missing)
		return fail_missing(missing, "ambient", err);
	rc = set_sets(caps);
	if (rc < 0)
		return ct_fail_errno(err, -rc, "cannot set the capabilities of this process");
	return set_ambient(caps->ambient, err);
}

int ct_caps_raise(struct ct_err *err)
{
	struct ct_caps held;
	int rc = get_sets(&held);

	held.effective = held.permitted;
	if (rc == 0)
		rc = set_sets(&held);
	return rc < 0 ? ct_fail_errno(err, -rc, "cannot make capabilities effective") : 0;
}

bool ct_caps_have(unsigned number)
{
	struct ct_caps held;

	return number < CAPS_MAX && get_sets(&held) == 0 && (held.effective & bit(number));
}
