/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command: what must be true before anything runs, and the exit code.
 *
 * Runs with exactly the caller's privileges: a copy of this binary that was given more
 * (set-user-id, file capabilities) refuses to work, because everything it reads (environment,
 * command line, configuration) comes from the caller.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>

#include <cattach/proc.h>

#include "conmon_front.h"
#include "oci.h"

/*
 * What the rest relies on. Descriptors 0 to 2 must exist, or the first file that is opened becomes
 * somebody's stdout. SIGPIPE is ignored so that "cattach ps | head" ends by a failing write(2) and
 * not in the middle of something, SIGXFSZ (ulimit -f) for the same reason; payloads get default
 * dispositions again. SIGCHLD is not: where a caller has had it ignored nobody could wait for a
 * child.
 */
static int prepare_process(struct ct_err *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, ordinary = { .sa_handler = SIG_DFL };
	int r;

	if (getauxval(AT_SECURE)) {
		ct_fail(err, EPERM, "refusing to run with more privileges than the caller has");
		return ct_hint(err, "remove the set-user-id bit or the file capabilities: "
				    "chmod ug-s, setcap -r");
	}
	r = ct_stdio_exist();
	if (r < 0)
		return ct_fail_errno(err, -r,
				     "cannot open /dev/null for standard input and output");
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	sigaction(SIGCHLD, &ordinary, NULL);
	return 0;
}

/* By the name of cattach-oci this is the runtime that engines call. */
static bool is_runtime(const char *name)
{
	const char *slash = strrchr(name, '/');

	return !strcmp(slash ? slash + 1 : name, "cattach-oci");
}

int main(int argc, char **argv)
{
	struct ct_err err = {0};
	int code = prepare_process(&err);

	if (code == 0 && argc > 0 && ct_conmon_is_called(argv[0]))
		return ct_conmon_main(argc - 1, argv + 1);
	if (code == 0 && argc > 0 && is_runtime(argv[0]))
		code = oci_main(argc - 1, argv + 1);
	else if (code == 0)
		code = ct_command(argc > 0 ? argc - 1 : 0, argc > 0 ? argv + 1 : argv, &err);
	if (code < 0) {
		ct_report(&err);
		code = err.exit ? err.exit : CT_EXIT_FAILED;
	}
	return code;
}
