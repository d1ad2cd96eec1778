/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of compiled programs: compiling the default policy takes milliseconds, reading it back
 * some ten microseconds. One file per key:
 *
 *   head (magic, format, sizes) | key, padded to 8 | instructions | checksum of all before
 *
 * The name is only a hash of the key; the whole key stands in the file and must be the same byte
 * for byte, so a collision costs a compilation and never gives a container another's filter. The
 * file must be ours, regular and 0600: whoever can write it could take the filter away.
 *
 * Runs before the clone with the caller's privileges. Nothing here can fail a start: an entry that
 * is missing, damaged or not ours is passed over and written anew, an unwritable cache is logged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>

#include "fnv.h"
#include "seccomp_cache.h"

#define CACHE_FORMAT	3
#define CACHE_MAGIC	"ctseccmp"

/* A key over this size (a policy of thousands of rules) is compiled each time. */
#define KEY_MAX		(256 * 1024)

struct head {
	char magic[8];
	uint32_t format;
	uint32_t key_size;	/* bytes, without the padding */
	uint32_t length;	/* instructions */
	uint32_t zero;
};

/* Where the parts of an entry lie. */
struct layout {
	size_t filter, checksum, size;
};

static struct layout lay_out(size_t key_size, size_t length)
{
	struct layout l;

	l.filter = sizeof(struct head) + (key_size + 7) / 8 * 8;
	l.checksum = l.filter + length * sizeof(struct sock_filter);
	l.size = l.checksum + sizeof(uint64_t);
	return l;
}

/* A string with its end: no content can pass for two others. */
static void add_text(struct ct_buf *key, const char *s)
{
	s = s ? s : "";
	ct_buf_add(key, s, strlen(s) + 1);
}

static void add_number(struct ct_buf *key, uint64_t n)
{
	ct_buf_add(key, &n, sizeof(n));
}

static void add_list(struct ct_buf *key, const struct ct_strings *list)
{
	add_number(key, list->count);
	for (size_t i = 0; i < list->count; i++)
		add_text(key, list->items[i]);
}

static void add_rule(struct ct_buf *key, const struct ct_seccomp_rule *rule)
{
	add_list(key, &rule->names);
	add_text(key, rule->action);
	add_number(key, rule->errno_ret);
	add_number(key, rule->arg_count);
	for (size_t i = 0; i < rule->arg_count; i++) {
		add_number(key, rule->args[i].index);
		add_text(key, rule->args[i].op);
		add_number(key, rule->args[i].a);
		add_number(key, rule->args[i].b);
	}
}

void ct_seccomp_key(struct ct_buf *key, const struct ct_seccomp_policy *policy,
		    const char *library, uint32_t arch)
{
	add_number(key, CACHE_FORMAT);
	add_text(key, library);
	add_number(key, arch);
	add_text(key, policy->key);
	if (policy->key)
		return;
	/* Flags are for loading and change nothing in the program. */
	add_text(key, policy->default_action);
	add_number(key, policy->default_errno);
	add_number(key, policy->newer_errno);
	add_list(key, &policy->architectures);
	add_number(key, policy->rule_count);
	for (size_t i = 0; i < policy->rule_count; i++)
		add_rule(key, &policy->rules[i]);
}

void ct_seccomp_cache_name(const struct ct_buf *key, char name[static CT_SECCOMP_NAME_MAX])
{
	snprintf(name, CT_SECCOMP_NAME_MAX, "seccomp-%016llx",
		 (unsigned long long)fnv_add(FNV_START, key->data, key->length));
}

/* Open an entry if it is a file that only we can write, of a size that can be right. */
static int open_entry(int cache_fd, const char *name, const struct ct_buf *key, size_t *ret_size)
{
	int ct_autofd fd = openat(cache_fd, name,
				  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 07777) != 0600)
		return -EPERM;
	if (st.st_size < (off_t)lay_out(key->length, 1).size ||
	    st.st_size > (off_t)lay_out(key->length, BPF_MAXINSNS).size)
		return -EBADMSG;
	*ret_size = (size_t)st.st_size;
	return ct_take_fd(&fd);
}

/* Is this the whole entry of that key? */
static bool is_entry(const char *data, size_t size, const struct ct_buf *key)
{
	struct head head;
	uint64_t checksum;
	struct layout l;

	memcpy(&head, data, sizeof(head));
	if (memcmp(head.magic, CACHE_MAGIC, sizeof(head.magic)) || head.format != CACHE_FORMAT ||
	    head.key_size != key->length || !head.length || head.length > BPF_MAXINSNS)
		return false;
	l = lay_out(head.key_size, head.length);
	if (l.size != size || memcmp(data + sizeof(head), key->data, key->length))
		return false;
	memcpy(&checksum, data + l.checksum, sizeof(checksum));
	return checksum == fnv_add(FNV_START, data, l.checksum);
}

bool ct_seccomp_cache_get(struct ct_arena *arena, int cache_fd, const struct ct_buf *key,
			  struct ct_seccomp_program *ret_program)
{
	char name[CT_SECCOMP_NAME_MAX];
	int ct_autofd fd = -1;
	size_t size = 0;
	char *data;

	if (cache_fd < 0 || key->failed || key->length > KEY_MAX)
		return false;
	ct_seccomp_cache_name(key, name);
	fd = open_entry(cache_fd, name, key, &size);
	if (fd < 0) {
		ct_log(CT_LOG_DEBUG, CT_TOPIC_SECCOMP, "cache: %s: %s", name, strerror(-fd));
		return false;
	}
	data = ct_arena_alloc(arena, size);
	if (!data)
		return false;
	/* A short read is a file that somebody cuts at this moment: not a whole entry. */
	if (read(fd, data, size) != (ssize_t)size || !is_entry(data, size, key)) {
		ct_log(CT_LOG_DEBUG, CT_TOPIC_SECCOMP, "cache: %s: damaged, or of another key", name);
		return false;
	}
	/* The padding of the key aligns the instructions, which stay where they were read. */
	ret_program->filter = (struct sock_filter *)(void *)(data + lay_out(key->length, 0).filter);
	ret_program->length = (unsigned short)((size - lay_out(key->length, 0).size) /
					       sizeof(struct sock_filter));
	return true;
}

void ct_seccomp_cache_put(int cache_fd, const struct ct_buf *key,
			  const struct ct_seccomp_program *program)
{
	struct head head = {
		.magic = CACHE_MAGIC,
		.format = CACHE_FORMAT,
		.key_size = (uint32_t)key->length,
		.length = program->length,
	};
	struct layout l = lay_out(key->length, program->length);
	char name[CT_SECCOMP_NAME_MAX];
	char ct_autofree *data = NULL;
	uint64_t checksum;
	struct ct_err err;

	if (cache_fd < 0 || key->failed || key->length > KEY_MAX)
		return;
	data = calloc(1, l.size);
	if (!data)
		return;
	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), key->data, key->length);
	memcpy(data + l.filter, program->filter, program->length * sizeof(*program->filter));
	checksum = fnv_add(FNV_START, data, l.checksum);
	memcpy(data + l.checksum, &checksum, sizeof(checksum));
	ct_seccomp_cache_name(key, name);
	if (ct_write_file_at(cache_fd, name, data, l.size, 0600, &err) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_SECCOMP, "cache: %s not written: %s", name, err.what);
}
