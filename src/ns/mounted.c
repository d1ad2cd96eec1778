/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount table of this process, read by libmount (util-linux), so that nobody here parses
 * mountinfo. The only file that knows libmount.
 *
 * libmount brings three more libraries and costs 0.4 ms to load, so it is loaded (base/library.c)
 * when a table is really wanted: composing a throw-away root, and "info". A build with
 * LINK=dynamic (CT_LINK_LIBMOUNT) calls it directly.
 *
 * Runs in the CLI with the caller's rights. What may fail: the library is not installed, memory.
 */
#include <errno.h>
#include <string.h>

#include <libmount/libmount.h>

#include <cattach/library.h>
#include <cattach/mount.h>

#define FUNCTIONS(F)                                                                            \
	F(mnt_new_table_from_file, struct libmnt_table *, (const char *))                       \
	F(mnt_unref_table, void, (struct libmnt_table *))                                       \
	F(mnt_new_iter, struct libmnt_iter *, (int))                                            \
	F(mnt_free_iter, void, (struct libmnt_iter *))                                          \
	F(mnt_table_next_fs, int, (struct libmnt_table *, struct libmnt_iter *, struct libmnt_fs **)) \
	F(mnt_fs_get_target, const char *, (struct libmnt_fs *))                                \
	F(mnt_fs_get_fstype, const char *, (struct libmnt_fs *))

struct libmount {
	FUNCTIONS(CT_LIBRARY_MEMBER)
};

#ifdef CT_LINK_LIBMOUNT
static int load(struct libmount *lib, struct ct_err *err)
{
	(void)err;
#define LINK(name, type, arguments) lib->name = name;
	FUNCTIONS(LINK)
#undef LINK
	return 0;
}
#else
static int load(struct libmount *lib, struct ct_err *err)
{
	static const struct ct_library wanted = {
		.file = "libmount.so.1",
		.user = "reading the mount table",
		.package = "libmount1",
		.names = FUNCTIONS(CT_LIBRARY_NAME),
	};

	return ct_library_load(&wanted, lib, err);
}
#endif

static int collect(const struct libmount *lib, struct libmnt_table *table, struct libmnt_iter *iter,
		   struct ct_arena *arena, struct ct_mounted_list *list, struct ct_err *err)
{
	struct libmnt_fs *fs = NULL;
	size_t room = 0;

	while (lib->mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = lib->mnt_fs_get_target(fs), *type = lib->mnt_fs_get_fstype(fs);

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
	table = lib.mnt_new_table_from_file("/proc/self/mountinfo");
	if (!table)
		return ct_fail_errno(err, errno ? errno : EIO, "cannot read /proc/self/mountinfo");
	iter = lib.mnt_new_iter(MNT_ITER_FORWARD);
	r = iter ? collect(&lib, table, iter, arena, &list, err) : ct_fail_nomem(err);
	lib.mnt_free_iter(iter);
	lib.mnt_unref_table(table);
	if (r < 0)
		return r;
	*ret_list = list;
	return 0;
}
