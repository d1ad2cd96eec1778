/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the unit tests. The table of suites is made by the Makefile from the names of the files:
 * tests/unit/test_json.c exports suite_json(). Every test runs in a process of its own (Check's
 * fork mode), so it may change namespaces, descriptors and signals as it likes.
 *
 *   unit-tests              all suites
 *   unit-tests NAME...      these only ("json num")
 *
 * Output is Check's own on stdout; with CT_TAP=FILE in the environment TAP goes to that file too.
 * Exit status: 0 when all passed, 1 when one failed, 2 for a name that is no suite.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#define SUITE(name) Suite *suite_##name(void);
#include "suites.h"
#undef SUITE

struct entry {
	const char *name;
	Suite *(*make)(void);
};

static const struct entry entries[] = {
#define SUITE(name) { #name, suite_##name },
#include "suites.h"
#undef SUITE
	{ NULL, NULL },
};

static const struct entry *find(const char *name)
{
	for (const struct entry *e = entries; e->name; e++) {
		if (strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

/* Add the suites that the arguments name, or all of them: 0, or -1 for an unknown name. */
static int add_suites(SRunner *runner, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct entry *e = find(argv[i]);

		if (!e) {
			fprintf(stderr, "unit-tests: no suite named %s\n", argv[i]);
			return -1;
		}
		srunner_add_suite(runner, e->make());
	}
	for (const struct entry *e = entries; argc < 2 && e->name; e++)
		srunner_add_suite(runner, e->make());
	return 0;
}

int main(int argc, char **argv)
{
	SRunner *runner = srunner_create(NULL);
	const char *tap = getenv("CT_TAP");
	int failed;

	if (add_suites(runner, argc, argv) < 0) {
		srunner_free(runner);
		return 2;
	}
	if (tap)
		srunner_set_tap(runner, tap);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
