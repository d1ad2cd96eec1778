/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount table of this process, read by libmount (util-linux), so that nobody here parses
 * mountinfo. The only file that knows libmount.
 *
 * libmount brings three more libraries and costs 0.4 ms to load, so it is opened with dlopen(3)
 * when a table is really wanted: composing a throw-away root, and "info". A build with
 * LINK=dynamic (CT_LINK_LIBMOUNT) calls it directly.
 *
 * Runs in the CLI with the caller's rights. What may fail: the library is not installed, memory.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include <libmount/libmount.h>

#include <cattach/mount.h>

/* The five functions that are used, by name, so that both ways of linking share the code. */
struct libmount {
	struct libmnt_table *(*new_table)(const char *path);
	void (*unref_table)(struct libmnt_table *table);
	struct libmnt_iter *(*new_iter)(int direction);
	void (*free_iter)(struct libmnt_iter *iter);
	int (*next_fs)(struct libmnt_table *table, struct libmnt_iter *iter, struct libmnt_fs **fs);
	const char *(*get_target)(struct libmnt_fs *fs);
	const char *(*get_fstype)(struct libmnt_fs *fs);
};

#ifdef CT_LINK_LIBMOUNT
static int load(struct libmount *lib, struct ct_err *err)
{
	(void)err;
	*lib = (struct libmount){
		.new_table = mnt_new_table_from_file,
		.unref_table = mnt_unref_table,
		.new_iter = mnt_new_iter,
		.free_iter = mnt_free_iter,
		.next_fs = mnt_table_next_fs,
		.get_target = mnt_fs_get_target,
		.get_fstype = mnt_fs_get_fstype,
	};
	return 0;
}
#else
/* POSIX's way around ISO C, which has no conversion from an object to a function pointer. */
static int symbol(void *handle, const char *name, void *ret_function)
{
	void *address = dlsym(handle, name);

	memcpy(ret_function, &address, sizeof(address));
	return address ? 0 : -1;
}

static int load(struct libmount *lib, struct ct_err *err)
{
	/* Never closed: the process is short-lived and the library keeps state of its own. */
	void *h = dlopen("libmount.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!h || symbol(h, "mnt_new_table_from_file", &lib->new_table) < 0 ||
	    symbol(h, "mnt_unref_table", &lib->unref_table) < 0 ||
	    symbol(h, "mnt_new_iter", &lib->new_iter) < 0 ||
	    symbol(h, "mnt_free_iter", &lib->free_iter) < 0 ||
	    symbol(h, "mnt_table_next_fs", &lib->next_fs) < 0 ||
	    symbol(h, "mnt_fs_get_target", &lib->get_target) < 0 ||
	    symbol(h, "mnt_fs_get_fstype", &lib->get_fstype) < 0) {
		ct_fail(err, ENOENT, "libmount.so.1 cannot be loaded to read the mount table");
		return ct_hint(err, "apt install libmount1");
	}
	return 0;
}
#endif

static int collect(const struct libmount *lib, struct libmnt_table *table, struct libmnt_iter *iter,
		   struct ct_arena *arena, struct ct_mounted_list *list, struct ct_err *err)
{
	struct libmnt_fs *fs = NULL;
	size_t room = 0;

	while (lib->next_fs(table, iter, &fs) == 0) {
		const char *target = lib->get_target(fs), *type = lib->get_fstype(fs);

		if (list->count == room) {
			size_t wanted = room ? 2 * room : 64;
			struct ct_mounted *more = ct_arena_calloc(arena, wanted, sizeof(*more));

			if (!more)
				return ct_fail_nomem(err);
			if (list->count)
				memcpy(more, list->items, list->count * sizeof(*more));
			list->items = more;
			room = wanted;
		}
		list->items[list->count].target = ct_arena_strdup(arena, target ? target : "");
		list->items[list->count].fstype = ct_arena_strdup(arena, type ? type : "");
		if (!list->items[list->count].target || !list->items[list->count].fstype)
			return ct_fail_nomem(err);
		list->count++;
	}
	return 0;
}

int ct_mounted_read(struct ct_arena *arena, struct ct_mounted_list *ret_list, struct ct_err *err)
{
	struct ct_mounted_list list = { 0 };
	struct libmount lib = { 0 };
	struct libmnt_table *table;
	struct libmnt_iter *iter;
	int r = load(&lib, err);

	if (r < 0)
		return r;
	table = lib.new_table("/proc/self/mountinfo");
	if (!table)
		return ct_fail_errno(err, errno ? errno : EIO, "cannot read /proc/self/mountinfo");
	iter = lib.new_iter(MNT_ITER_FORWARD);
	r = iter ? collect(&lib, table, iter, arena, &list, err) : ct_fail_nomem(err);
	lib.free_iter(iter);
	lib.unref_table(table);
	if (r < 0)
		return r;
	*ret_list = list;
	return 0;
}
