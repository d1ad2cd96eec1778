/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach logs --reopen: for those who rotate the files of log drivers themselves. The monitor
 * writes to the old file what is of before, and goes on in a new one of the file's name; when this
 * has returned, the old one is complete.
 *
 * Runs in the command, with the caller's rights. What may fail: a container that does not run, one
 * whose driver has no such file, a directory that takes no new one; then the old one is written on.
 */
#include <errno.h>
#include <string.h>

#include "asking.h"
#include "logs.h"

static int fail_reopen(const struct ct_asking *asking, int code, struct ct_err *err)
{
	const char *driver = asking->container.meta.log_driver;

	if (code != ENOTSUP) {
		ct_fail_errno(err, code, "the log is written on as it was: cannot open its file");
		return ct_wrap(err, "%s", asking->name);
	}
	ct_fail(err, EINVAL, "the log driver %s has no file to be opened again",
		driver ? driver : "native");
	ct_hint(err, "k8s-file and json-file have one");
	return ct_wrap(err, "%s", asking->name);
}

int ct_logs_reopen(const struct ct_call *call, const char *name, struct ct_err *err)
{
	struct ct_asking ct_autoasking asking = CT_ASKING_INIT;
	const struct ct_message message = { .type = CT_MSG_LOG_REOPEN };
	struct ct_message answer;

	if (ct_ask_open(&asking, call, name, 0, err) < 0 ||
	    ct_ask_send(&asking, &message, err) < 0 ||
	    ct_ask_wait(&asking, CT_MSG_LOG_REOPENED, &answer, err) < 0)
		return -err->code;
	return answer.number ? fail_reopen(&asking, (int)answer.number, err) : 0;
}
