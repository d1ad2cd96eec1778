/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why an execve failed: real files are really executed, and the errno that comes of it is put into
 * words and an exit code.
 */
#include "ns/child.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

static char path[4200];

/* The path of a file in the fresh directory. */
static const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", fixture_path(), name);
	return path;
}

/* Execute it for real: the errno of execve, or 0 when it ran. */
static int execute(const char *file)
{
	char *argv[] = { (char *)file, NULL }, *env[] = { NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execve(file, argv, env);
		_exit(errno);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* It fails with this errno, which is explained with this text (the path is put before it). */
static void check(const char *name, int code, int exit, const char *text)
{
	struct ct_err err = { 0 };
	char expected[8192], line[2048];

	snprintf(expected, sizeof(expected), "%s: %s", at(name), text);
	ck_assert_int_eq(execute(path), code);
	ck_assert_int_lt(ct_exec_explain(path, code, &err), 0);
	ct_err_format(&err, line, sizeof(line));
	ck_assert_str_eq(line, expected);
	ck_assert_int_eq(err.exit, exit);
}

static void make_file(const char *name, const char *text, mode_t mode)
{
	fixture_file(name, text);
	ck_assert_int_eq(fchmodat(fixture_dir(), name, mode, 0), 0);
}

START_TEST(a_missing_file_is_not_found)
{
	check("nosuch", ENOENT, 127, "not found in the container");
}
END_TEST

START_TEST(a_file_below_a_file_is_not_found)
{
	make_file("file", "x", 0644);
	check("file/below", ENOTDIR, 127, "not found in the container");
}
END_TEST

START_TEST(a_dangling_link_is_not_found)
{
	ck_assert_int_eq(symlinkat("nowhere", fixture_dir(), "link"), 0);
	check("link", ENOENT, 127, "not found in the container");
}
END_TEST

START_TEST(a_directory_is_one)
{
	ck_assert_int_eq(mkdirat(fixture_dir(), "dir", 0755), 0);
	check("dir", EACCES, 126, "is a directory");
}
END_TEST

START_TEST(a_file_without_the_x_bit_is_refused_with_the_way_out)
{
	make_file("plain", "#!/bin/sh\n", 0644);
	check("plain", EACCES, 126, "permission denied (is it executable? chmod +x)");
}
END_TEST

/* The mount is what a test without privileges cannot have; the errno is the kernel's for it. */
START_TEST(an_executable_file_that_may_not_run_asks_who_runs_it)
{
	struct ct_err err = { 0 };

	make_file("program", "#!/bin/sh\n", 0755);
	ct_exec_explain(at("program"), EACCES, &err);
	ck_assert_str_eq(err.hint, "may this user execute it, and its interpreter?");
	ck_assert_int_eq(err.exit, 126);
}
END_TEST

START_TEST(text_without_an_interpreter_is_a_format_error)
{
	make_file("text", "echo hello\n", 0755);
	check("text", ENOEXEC, 126,
	      "exec format error (built for another machine, or a script without #!)");
}
END_TEST

START_TEST(an_empty_file_is_a_format_error)
{
	make_file("empty", "", 0755);
	check("empty", ENOEXEC, 126,
	      "exec format error (built for another machine, or a script without #!)");
}
END_TEST

static const struct script {
	const char *line, *interpreter;
} scripts[] = {
	{ "#!/nosuch/python\n", "/nosuch/python" },
	{ "#! \t/nosuch/python -u x\n", "/nosuch/python" },
	{ "#!/nosuch/bash\r\n", "/nosuch/bash" },
	{ "#!/nosuch/end", "/nosuch/end" },
};

START_TEST(a_script_names_the_interpreter_that_is_missing)
{
	char text[256];

	make_file("script", scripts[_i].line, 0755);
	snprintf(text, sizeof(text),
		 "found, but %s, which it needs to run, is missing in the container",
		 scripts[_i].interpreter);
	check("script", ENOENT, 127, text);
}
END_TEST

/* A copy of a dynamic program in memory, and where its PT_INTERP is. */
static size_t load_program(char *data, size_t size, Elf64_Phdr **ret_interpreter)
{
	int ct_autofd fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, data, size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)data;
	Elf64_Phdr *segments;

	ck_assert_int_gt(n, (ssize_t)sizeof(*header));
	segments = (Elf64_Phdr *)(void *)(data + header->e_phoff);
	for (int i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type != PT_INTERP)
			continue;
		*ret_interpreter = &segments[i];
		return (size_t)n;
	}
	ck_abort_msg("/bin/true has no PT_INTERP");
	return 0;
}

static void make_program(const char *name, const char *data, size_t size)
{
	int ct_autofd fd = openat(fixture_dir(), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
}

static _Alignas(Elf64_Ehdr) char program[1 << 20];

START_TEST(a_program_names_the_loader_that_is_missing)
{
	Elf64_Phdr *interpreter;
	size_t size = load_program(program, sizeof(program), &interpreter);

	ck_assert_uint_gt(interpreter->p_filesz, 8);
	memcpy(program + interpreter->p_offset, "/nosuch", 7);
	memset(program + interpreter->p_offset + 7, 'x', interpreter->p_filesz - 8);
	make_program("elf", program, size);
	ck_assert_str_eq(program + interpreter->p_offset + 7, "xxxxxxxxxxxxxxxxxxxx");
	check("elf", ENOENT, 127, "found, but /nosuchxxxxxxxxxxxxxxxxxxxx, which it needs to run, "
				  "is missing in the container");
}
END_TEST

START_TEST(a_program_that_cannot_be_read_is_found_all_the_same)
{
	Elf64_Phdr *interpreter;
	size_t size = load_program(program, sizeof(program), &interpreter);

	memcpy(program + interpreter->p_offset, "/nosuch", 8);
	make_program("secret", program, size);
	ck_assert_int_eq(fchmodat(fixture_dir(), "secret", 0111, 0), 0);
	check("secret", ENOENT, 127, "found, but its loader or interpreter is missing in the container");
}
END_TEST

/* Headers that lie about where things are must not be followed. */
START_TEST(a_damaged_program_is_looked_at_without_harm)
{
	static const Elf64_Off offsets[] = { 0, 4090, 4096, 1 << 20, (Elf64_Off)-1,
					     (Elf64_Off)-56 };
	Elf64_Phdr *interpreter;
	size_t size = load_program(program, sizeof(program), &interpreter);
	Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)program;
	struct ct_err err = { 0 };

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		Elf64_Phdr saved = *interpreter;

		interpreter->p_offset = offsets[i];
		unlinkat(fixture_dir(), "damaged", 0);
		make_program("damaged", program, size);
		ck_assert_int_lt(ct_exec_explain(at("damaged"), ENOENT, &err), 0);
		*interpreter = saved;
		interpreter->p_filesz = offsets[i];
		unlinkat(fixture_dir(), "damaged", 0);
		make_program("damaged", program, size);
		ck_assert_int_lt(ct_exec_explain(at("damaged"), ENOENT, &err), 0);
		*interpreter = saved;
	}
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		header->e_phoff = offsets[i];
		header->e_phnum = 65535;
		unlinkat(fixture_dir(), "damaged", 0);
		make_program("damaged", program, size);
		ck_assert_int_lt(ct_exec_explain(at("damaged"), ENOENT, &err), 0);
	}
	ck_assert_int_eq(err.exit, 127);
}
END_TEST

START_TEST(too_many_arguments_say_what_the_limits_are)
{
	struct ct_err err = { 0 };

	ct_exec_explain("/bin/echo", E2BIG, &err);
	ck_err(&err, E2BIG, "/bin/echo: argument list too long (arguments and environment may take "
			    "a quarter of the stack limit, and one of them 128 KiB)");
	ck_assert_int_eq(err.exit, 126);
}
END_TEST

START_TEST(any_other_failure_is_told_as_the_kernel_has_it)
{
	struct ct_err err = { 0 };

	ct_exec_explain("/bin/echo", ETXTBSY, &err);
	ck_err(&err, ETXTBSY, "/bin/echo: Text file busy");
	ck_assert_int_eq(err.exit, 126);
}
END_TEST

Suite *suite_exec_explain(void)
{
	Suite *suite = suite_create("exec_explain");
	TCase *tc = tcase_create("ct_exec_explain");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, a_missing_file_is_not_found);
	tcase_add_test(tc, a_file_below_a_file_is_not_found);
	tcase_add_test(tc, a_dangling_link_is_not_found);
	tcase_add_test(tc, a_directory_is_one);
	tcase_add_test(tc, a_file_without_the_x_bit_is_refused_with_the_way_out);
	tcase_add_test(tc, an_executable_file_that_may_not_run_asks_who_runs_it);
	tcase_add_test(tc, text_without_an_interpreter_is_a_format_error);
	tcase_add_test(tc, an_empty_file_is_a_format_error);
	tcase_add_loop_test(tc, a_script_names_the_interpreter_that_is_missing, 0,
			    (int)(sizeof(scripts) / sizeof(scripts[0])));
	tcase_add_test(tc, a_program_names_the_loader_that_is_missing);
	tcase_add_test(tc, a_program_that_cannot_be_read_is_found_all_the_same);
	tcase_add_test(tc, a_damaged_program_is_looked_at_without_harm);
	tcase_add_test(tc, too_many_arguments_say_what_the_limits_are);
	tcase_add_test(tc, any_other_failure_is_told_as_the_kernel_has_it);
	suite_add_tcase(suite, tc);
	return suite;
}
