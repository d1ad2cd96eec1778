/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a log driver under trouble: full disks, rotation that fails, files that vanish, a file
 * that is not ours. What is written is read back through ct_log_files_open(), byte for byte. Full
 * disks are small tmpfs mounts in a namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "conmon/log_driver.h"
#include "fixture.h"
#include "log_fixture.h"

static struct log_fixture f;
static uint64_t lines;		/* written */

static void setup(void)
{
	fixture_setup();
	lines = 0;
}

static void open_log(int dir, enum ct_log_file kind, uint64_t size, uint32_t files)
{
	log_open(&f, dir, &(struct ct_log_options){ .file = kind, .max_size = size,
						    .max_files = files });
}

/* Numbered lines in frames of about so many bytes, whose ends are anywhere in a line. */
static void add(uint64_t count, size_t frame)
{
	static char text[CT_FRAME_MAX + 64];
	static size_t used;

	for (uint64_t i = 0; i < count; i++) {
		used += (size_t)sprintf(text + used, "line %012llu\n", (unsigned long long)lines++);
		while (used >= frame || (used && i + 1 == count)) {
			size_t n = used < frame ? used : frame;

			log_bytes(&f, CT_STREAM_STDOUT, text, n);
			used -= n;
			memmove(text, text + n, used);
		}
	}
}

static void fill_disk(int dir)
{
	static const char zeros[65536];
	int ct_autofd fd = openat(dir, "ballast", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	for (size_t size = 65536; size > 0; size /= 2)
		while (write(fd, zeros, size) > 0)
			continue;
}

static struct log_driver *driver(void)
{
	return f.writer->driver;
}

/* Until the driver has tried the disk again, and it worked. */
static void return_to_disk(void)
{
	for (int i = 0; i < 500 && driver()->failing; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		ct_log_wake_now(f.writer);
	}
	ck_assert(!driver()->failing);
}

/* What the files have: the first line of which we find, and whether all behind it is there. */
static uint64_t read_back(int dir, enum ct_log_file kind, uint64_t *ret_first)
{
	static uint8_t frame[CT_FRAME_MAX + 1];
	char line[64] = "", expected[64];
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_log_files *files;
	struct ct_log_source source;
	struct ct_index_entry e;
	struct ct_err err = { 0 };
	uint64_t next = UINT64_MAX, at = 0;

	ck_assert_int_eq(ct_log_files_open(dir, CT_LOG_FILE_NAME, kind, false, &files, &err), 0);
	source = ct_log_files_source(files);
	ck_assert_int_eq(ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, &err), 0);
	while (ct_cursor_next(&cursor, &e, frame, &err) > 0) {
		ck_assert_uint_eq(e.kind, CT_STREAM_STDOUT);
		for (uint64_t i = 0; i < e.value; i++) {
			line[at++] = (char)frame[i];
			if (frame[i] != '\n')
				continue;
			line[at] = '\0';
			at = 0;
			if (next == UINT64_MAX)
				*ret_first = next = strtoull(line + 5, NULL, 10);
			snprintf(expected, sizeof(expected), "line %012llu\n",
				 (unsigned long long)next++);
			ck_assert_str_eq(line, expected);
		}
	}
	ck_assert_int_eq(err.code, 0);
	ck_assert_uint_eq(ct_log_files_strange(files), 0);
	ct_cursor_close(&cursor);
	ct_log_files_close(files);
	return next;
}

static void check_all(int dir, enum ct_log_file kind)
{
	uint64_t first = 1;

	ck_assert_uint_eq(read_back(dir, kind, &first), lines);
	ck_assert_uint_eq(first, 0);
}

static const size_t frames[] = { 1, 7, 18, 1000, 16384, 16385, 65536 };

START_TEST(what_is_written_is_read_back)
{
	for (int kind = CT_LOG_FILE_K8S; kind <= CT_LOG_FILE_JSON; kind++) {
		lines = 0;
		open_log(fixture_dir(), (enum ct_log_file)kind, 100000, 100);
		add(3000, frames[_i]);
		log_exit(&f, 0);
		log_close(&f);
		check_all(fixture_dir(), (enum ct_log_file)kind);
		for (int i = 0; i < 100; i++) {
			char name[64];

			snprintf(name, sizeof(name), i ? CT_LOG_FILE_NAME ".%d" : CT_LOG_FILE_NAME, i);
			unlinkat(fixture_dir(), name, 0);
		}
	}
}
END_TEST

static void full_for_a_while(int dir)
{
	struct ct_log_state state;

	for (int kind = CT_LOG_FILE_K8S; kind <= CT_LOG_FILE_JSON; kind++) {
		lines = 0;
		open_log(dir, (enum ct_log_file)kind, 4 << 20, 2);
		add(1000, 300);
		fill_disk(dir);
		add(10000, 300);
		ck_assert(driver()->failing);
		ct_log_state(f.writer, &state);
		ck_assert_uint_eq(state.warnings, CT_WARN_DISK | CT_WARN_MEMORY);
		ck_assert_int_eq(unlinkat(dir, "ballast", 0), 0);
		return_to_disk();
		add(1000, 300);
		log_exit(&f, 0);
		ct_log_state(f.writer, &state);
		ck_assert_uint_eq(state.lost, 0);
		ck_assert_uint_eq(state.unsaved, 0);
		log_close(&f);
		check_all(dir, (enum ct_log_file)kind);
		ck_assert_int_eq(unlinkat(dir, CT_LOG_FILE_NAME, 0), 0);
	}
}

START_TEST(a_disk_that_is_full_for_a_while_costs_nothing)
{
	in_small_disk("size=8m", full_for_a_while);
}
END_TEST

/* At every moment the file has whole records, wherever the disk ends. */
static void end_anywhere(int dir)
{
	for (size_t room = 4096; room <= 40960; room += 4096) {
		uint64_t first, last;
		int ct_autofd fd = -1;

		lines = 0;
		open_log(dir, CT_LOG_FILE_K8S, 4 << 20, 2);
		fill_disk(dir);
		fd = openat(dir, "ballast", O_WRONLY | O_CLOEXEC);
		ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) - (off_t)room), 0);
		add(2000, 300);
		ck_assert(driver()->failing);
		last = read_back(dir, CT_LOG_FILE_K8S, &first);
		ck_assert_uint_gt(last, 0);
		ck_assert_uint_lt(last, lines);
		log_exit(&f, 0);
		log_close(&f);
		ck_assert_int_eq(unlinkat(dir, "ballast", 0), 0);
		ck_assert_int_eq(unlinkat(dir, CT_LOG_FILE_NAME, 0), 0);
	}
}

START_TEST(wherever_the_disk_ends_no_record_is_torn)
{
	in_small_disk("size=1m", end_anywhere);
}
END_TEST

/* More than memory holds meanwhile, and until the end. */
static void full_for_long(int dir)
{
	uint64_t bytes = 0;
	struct ct_log_state state;

	open_log(dir, CT_LOG_FILE_JSON, 64 << 20, 2);
	add(100, 1800);
	fill_disk(dir);
	for (; bytes < 12 << 20; bytes += 18 * 1000)
		add(1000, 18000);
	ck_assert_int_eq(unlinkat(dir, "ballast", 0), 0);
	return_to_disk();
	ct_log_state(f.writer, &state);
	ck_assert_uint_gt(state.lost, 0);
	ck_assert_uint_eq(state.lost % 18, 0);
	ck_assert_uint_eq(driver()->taken, lines * 18);
	fill_disk(dir);
	add(500, 18000);
	log_exit(&f, 0);
	ct_log_state(f.writer, &state);
	ck_assert_uint_eq(state.unsaved, 500 * 18);
	ck_assert_uint_eq(f.page->state, CT_PAGE_EXITED);
	log_close(&f);
}

/* A record that is not written, and behind it a line that waits for its end. */
static void full_with_a_line_open(int dir)
{
	struct ct_log_state state;
	char text[5006];

	memset(text, 'x', sizeof(text));
	text[5000] = '\n';
	open_log(dir, CT_LOG_FILE_JSON, 4 << 20, 2);
	fill_disk(dir);
	log_text(&f, CT_STREAM_STDERR, "prompt");
	ck_assert(!driver()->failing);
	log_bytes(&f, CT_STREAM_STDOUT, text, sizeof(text));
	ck_assert(driver()->failing);
	/* How far the file goes stays as it was. */
	ck_assert_uint_eq(f.page->file_failing, 1);
	ck_assert_uint_eq(f.page->filed, strlen("prompt"));
	ck_assert_uint_eq(f.page->held[1], strlen("prompt"));
	ck_assert_uint_eq(f.page->held[0], 0);
	log_exit(&f, 0);
	ct_log_state(f.writer, &state);
	ck_assert_uint_eq(state.unsaved, sizeof(text) + strlen("prompt"));
	ck_assert_uint_eq(state.lost, state.unsaved);
	log_close(&f);
}

START_TEST(a_line_without_end_is_counted_once_among_what_a_full_disk_has_cost)
{
	in_small_disk("size=1m", full_with_a_line_open);
}
END_TEST

START_TEST(what_memory_could_not_hold_is_counted)
{
	in_small_disk("size=64m", full_for_long);
}
END_TEST

/* There is room again, though it is not time to look: whoever renames the file gets it complete. */
static void renamed_when_full(int dir)
{
	uint64_t first;

	open_log(dir, CT_LOG_FILE_K8S, 4 << 20, 2);
	add(100, 1800);
	fill_disk(dir);
	add(500, 18000);
	ck_assert(driver()->failing);
	driver()->retry_wait = UINT64_MAX / 2;
	ck_assert_int_eq(unlinkat(dir, "ballast", 0), 0);
	ck_assert_int_eq(ct_log_reopen(f.writer), 0);
	ck_assert(!driver()->failing);
	ck_assert_uint_eq(driver()->retry_wait, driver()->retry_min);
	ck_assert_uint_eq(read_back(dir, CT_LOG_FILE_K8S, &first), lines);
	log_exit(&f, 0);
	log_close(&f);
}

START_TEST(a_file_that_is_renamed_when_there_is_room_again_is_complete)
{
	in_small_disk("size=1m", renamed_when_full);
}
END_TEST

/* ---- files ---- */

static void rename_file(const char *from, const char *to)
{
	ck_assert_int_eq(renameat(fixture_dir(), from, fixture_dir(), to), 0);
}

/* "container.log", with this behind it: its permissions, 0 when it is not there. */
static unsigned mode_of(const char *end)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), CT_LOG_FILE_NAME "%s", end);
	return fstatat(fixture_dir(), name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mode & 0777;
}

/* A monitor that is killed in a rotation: with three files, after that many of the renames. */
START_TEST(a_rotation_that_was_killed_anywhere_is_made_good_by_the_next_run)
{
	static const char *const names[] = {
		CT_LOG_FILE_NAME ".3", CT_LOG_FILE_NAME ".2", CT_LOG_FILE_NAME ".1", CT_LOG_FILE_NAME,
	};
	int ct_autofd next = -1;
	unsigned renames = (unsigned)_i;

	open_log(fixture_dir(), CT_LOG_FILE_K8S, 20000, 8);
	ck_assert_int_eq(fchmod(driver()->fd, 0640), 0);
	add(800, 1000);
	ck_assert(mode_of(".2") && !mode_of(".3"));
	log_close(&f);
	next = openat(fixture_dir(), CT_LOG_FILE_NAME ".next", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_eq(fchmod(next, 0640), 0);
	for (unsigned i = 0; i < renames; i++)
		rename_file(names[i + 1], names[i]);
	/* For readers nothing is missing... */
	check_all(fixture_dir(), CT_LOG_FILE_K8S);
	open_log(fixture_dir(), CT_LOG_FILE_K8S, 20000, 8);
	/* ...nor for the next run, which needs no more files than the one before. */
	ck_assert_uint_eq(mode_of(""), 0640);
	add(10, 1000);
	ck_assert_uint_eq(mode_of(".next"), renames < 3 ? 0640 : 0);
	add(1000, 1000);
	log_exit(&f, 0);
	log_close(&f);
	check_all(fixture_dir(), CT_LOG_FILE_K8S);
	ck_assert_uint_eq(mode_of(".next"), 0);
	for (int i = 1; i < 5; i++) {
		char end[8];

		snprintf(end, sizeof(end), ".%d", i);
		ck_assert_uint_eq(mode_of(end), 0640);
	}
}
END_TEST

START_TEST(what_else_has_the_name_of_the_next_file_never_becomes_the_log)
{
	int ct_autofd fd = openat(fixture_dir(), CT_LOG_FILE_NAME ".next",
				  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	ck_assert_int_eq(write(fd, "somebody's\n", 11), 11);
	open_log(fixture_dir(), CT_LOG_FILE_K8S, 20000, 3);
	add(10, 100);
	log_exit(&f, 0);
	log_close(&f);
	check_all(fixture_dir(), CT_LOG_FILE_K8S);
	ck_assert_uint_eq(mode_of(""), 0600);
	ck_assert_uint_eq(mode_of(".next"), 0640);
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME, 0), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME ".next", 0), 0);
	ck_assert_int_eq(symlinkat("elsewhere", fixture_dir(), CT_LOG_FILE_NAME ".next"), 0);
	open_log(fixture_dir(), CT_LOG_FILE_K8S, 20000, 3);
	log_close(&f);
	ck_assert_uint_eq(mode_of(""), 0600);
}
END_TEST

START_TEST(a_file_whose_directory_is_gone_is_written_on)
{
	int ct_autofd fd = -1;

	ck_assert_int_eq(mkdirat(fixture_dir(), "gone", 0700), 0);
	fd = openat(fixture_dir(), "gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	open_log(fd, CT_LOG_FILE_K8S, 1 << 20, 2);
	ck_assert_int_eq(unlinkat(fd, CT_LOG_FILE_NAME, 0), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), "gone", AT_REMOVEDIR), 0);
	add(10, 100);
	/* Better into a file without a name than nowhere. */
	ck_assert(!driver()->failing);
	log_exit(&f, 0);
	log_close(&f);
}
END_TEST

START_TEST(a_directory_in_the_way_keeps_no_line_from_the_file)
{
	open_log(fixture_dir(), CT_LOG_FILE_K8S, 20000, 3);
	ck_assert_int_eq(mkdirat(fixture_dir(), CT_LOG_FILE_NAME ".1", 0700), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), CT_LOG_FILE_NAME ".1/x", 0700), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), CT_LOG_FILE_NAME ".2", 0700), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), CT_LOG_FILE_NAME ".2/x", 0700), 0);
	add(3000, 1000);
	ck_assert(driver()->warnings & CT_WARN_DISK);
	log_exit(&f, 0);
	log_close(&f);
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME ".1/x", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME ".2/x", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME ".1", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME ".2", AT_REMOVEDIR), 0);
	check_all(fixture_dir(), CT_LOG_FILE_K8S);
}
END_TEST

static off_t size_of(const char *name)
{
	struct stat st;

	return fstatat(fixture_dir(), name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : st.st_size;
}

START_TEST(rotations_are_counted_and_one_by_others_is_none_of_ours)
{
	open_log(fixture_dir(), CT_LOG_FILE_K8S, 20000, 8);
	add(800, 1000);
	ck_assert(mode_of(".2") && !mode_of(".3"));
	ck_assert_uint_eq(f.page->files, 2);
	/* Full, and renamed before we do it. */
	while (driver()->size + 1200 < 20000)
		add(1, 1000);
	rename_file(CT_LOG_FILE_NAME, "mine");
	driver()->look_at = UINT64_MAX;
	add(50, 1000);
	ck_assert(!mode_of(".3"));
	ck_assert_uint_eq(f.page->files, 3);
	ck_assert_int_gt(size_of(CT_LOG_FILE_NAME), 0);
	/* Without a word, seen when it is time to look; and deleted. */
	rename_file(CT_LOG_FILE_NAME, CT_LOG_FILE_NAME ".0");
	driver()->look_at = 0;
	add(1, 1000);
	ck_assert_int_gt(size_of(CT_LOG_FILE_NAME), 0);
	ck_assert(!(driver()->warnings & CT_WARN_DELETED));
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME, 0), 0);
	driver()->look_at = 0;
	add(1, 1000);
	ck_assert_int_gt(size_of(CT_LOG_FILE_NAME), 0);
	ck_assert(driver()->warnings & CT_WARN_DELETED);
	ck_assert_uint_eq(f.page->files, 5);
	log_exit(&f, 0);
	log_close(&f);
}
END_TEST

START_TEST(a_record_that_a_crash_has_cut_is_not_the_beginning_of_ours)
{
	int ct_autofd fd = openat(fixture_dir(), CT_LOG_FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char text[64] = "";

	ck_assert_int_eq(write(fd, "2023-11-14T22:1", 15), 15);
	open_log(fixture_dir(), CT_LOG_FILE_K8S, 20000, 8);
	add(1, 1000);
	ck_assert_int_gt(pread(fd, text, sizeof(text) - 1, 0), 15);
	ck_assert_mem_eq(text, "2023-11-14T22:1\n20", 18);
	log_exit(&f, 0);
	log_close(&f);
}
END_TEST

START_TEST(a_file_that_whoever_rotates_has_made_keeps_its_permissions)
{
	struct stat st;

	open_log(fixture_dir(), CT_LOG_FILE_K8S, 1 << 20, 3);
	add(10, 1000);
	ck_assert_int_eq(fchmod(driver()->fd, 0640), 0);
	/* Made by us, as the one before; and by others, as they like. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(renameat(fixture_dir(), CT_LOG_FILE_NAME, fixture_dir(),
					  i ? CT_LOG_FILE_NAME ".1" : CT_LOG_FILE_NAME ".2"), 0);
		if (i)
			close(openat(fixture_dir(), CT_LOG_FILE_NAME, O_CREAT | O_EXCL | O_WRONLY, 0604));
		ck_assert_int_eq(ct_log_reopen(f.writer), 0);
		add(10, 1000);
		ck_assert_int_eq(fstatat(fixture_dir(), CT_LOG_FILE_NAME, &st, 0), 0);
		ck_assert_int_eq(st.st_mode & 0777, i ? 0604 : 0640);
		ck_assert_int_gt(st.st_size, 0);
	}
	ck_assert_uint_eq(f.page->files, 2);
	log_exit(&f, 0);
	log_close(&f);
	check_all(fixture_dir(), CT_LOG_FILE_K8S);
}
END_TEST

START_TEST(a_file_that_somebody_cuts_is_appended_to)
{
	struct stat st;
	uint64_t first;

	open_log(fixture_dir(), CT_LOG_FILE_K8S, 1 << 20, 3);
	add(100, 1000);
	ck_assert_int_eq(ftruncate(driver()->fd, 0), 0);
	add(5, 90);
	ck_assert_int_eq(fstat(driver()->fd, &st), 0);
	ck_assert_int_eq(st.st_size, 5 * (18 + 40));
	log_exit(&f, 0);
	log_close(&f);
	ck_assert_uint_eq(read_back(fixture_dir(), CT_LOG_FILE_K8S, &first), 105);
	ck_assert_uint_eq(first, 100);
}
END_TEST

START_TEST(a_link_in_the_place_of_the_file_is_refused)
{
	struct ct_log_options o = { .file = CT_LOG_FILE_K8S };
	struct ct_err err = { 0 };

	ck_assert_int_eq(symlinkat("elsewhere", fixture_dir(), CT_LOG_FILE_NAME), 0);
	ck_assert_int_eq(ct_log_create(fixture_dir(), &o, &f.writer, &err), -ELOOP);
	ck_assert_str_eq(err.what, "log file container.log: is a symbolic link, which rotation would lose");
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME, 0), 0);
	ck_assert_int_eq(mkfifoat(fixture_dir(), CT_LOG_FILE_NAME, 0600), 0);
	ck_assert_int_eq(ct_log_create(fixture_dir(), &o, &f.writer, &err), -EINVAL);
	ck_assert_str_eq(err.what, "log file container.log: is not a regular file");
	ck_assert_int_eq(unlinkat(fixture_dir(), CT_LOG_FILE_NAME, 0), 0);
}
END_TEST

START_TEST(memory_that_much_output_has_used_is_given_back_only_when_it_is_empty)
{
	open_log(fixture_dir(), CT_LOG_FILE_JSON, 1 << 20, 3);
	add(100, 1000);
	ct_log_give_back(f.writer);
	add(100, 1000);
	log_exit(&f, 0);
	log_close(&f);
	check_all(fixture_dir(), CT_LOG_FILE_JSON);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *suite_log_driver(void);
Suite *suite_log_driver(void)
{
	Suite *s = suite_create("log_driver");
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_add_loop_test(tc, what_is_written_is_read_back, 0, COUNT(frames));
	tcase_add_test(tc, a_disk_that_is_full_for_a_while_costs_nothing);
	tcase_add_test(tc, wherever_the_disk_ends_no_record_is_torn);
	tcase_add_test(tc, a_file_that_is_renamed_when_there_is_room_again_is_complete);
	tcase_add_test(tc, what_memory_could_not_hold_is_counted);
	tcase_add_test(tc, a_line_without_end_is_counted_once_among_what_a_full_disk_has_cost);
	tcase_add_loop_test(tc, a_rotation_that_was_killed_anywhere_is_made_good_by_the_next_run, 0, 4);
	tcase_add_test(tc, what_else_has_the_name_of_the_next_file_never_becomes_the_log);
	tcase_add_test(tc, a_file_whose_directory_is_gone_is_written_on);
	tcase_add_test(tc, a_directory_in_the_way_keeps_no_line_from_the_file);
	tcase_add_test(tc, rotations_are_counted_and_one_by_others_is_none_of_ours);
	tcase_add_test(tc, a_record_that_a_crash_has_cut_is_not_the_beginning_of_ours);
	tcase_add_test(tc, a_file_that_whoever_rotates_has_made_keeps_its_permissions);
	tcase_add_test(tc, a_file_that_somebody_cuts_is_appended_to);
	tcase_add_test(tc, a_link_in_the_place_of_the_file_is_refused);
	tcase_add_test(tc, memory_that_much_output_has_used_is_given_back_only_when_it_is_empty);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return s;
}
