/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach version: which cattach this is, which specification it follows, what was built in.
 *
 * Only prints. Fails on templates that do not parse or that name what is not there.
 *
 * Needs no store and no container, so that it works on a host where nothing else does: it is the
 * first thing that a bug report asks for.
 */
#include "cli.h"

#include <sys/utsname.h>

#include <cattach/version.h>

#include "format.h"

/* The release of the OCI runtime specification whose config.json is understood; docs/oci.md says
 * what of it. Not what a bundle says in its "ociVersion". */
#define SPEC_VERSION "1.3.0"

struct version_options {
	const char *format;
};

static const struct ct_option version_table[] = {
	{ "format", 'f', CT_OPTION_STRING, "FORMAT", offsetof(struct version_options, format),
	  "\"json\" or a Go template" },
	{ 0 },
};

/* What the build was made with, not what the kernel has: that is "cattach info", and "cattach oci
 * features" in the form of the specification. */
static const char *const features[] = { "seccomp", "capabilities", "userns", "openat2", "pidfd" };

/* Go's names of architectures, which is what scripts written for docker compare with. */
static const char *architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__powerpc64__)
	return "ppc64le";
#elif defined(__s390x__)
	return "s390x";
#else
	return "unknown";
#endif
}

static void set(struct ct_values *values, struct ct_json *object, const char *key,
		const char *text)
{
	ct_value_set(values, object, key, ct_value_string(values, text));
}

static void add_client(struct ct_values *values, struct ct_json *client)
{
	struct utsname host = {0};

	/* The kernel of the host is what matters for a report; the release, as in "uname -r". Fails
	 * for a bad pointer alone, uname(2). */
	uname(&host);
	set(values, client, "Version", CT_VERSION_FULL);
	set(values, client, "SpecVersion", SPEC_VERSION);
	set(values, client, "GitCommit", CT_COMMIT);
	set(values, client, "Os", "linux");
	set(values, client, "Arch", architecture());
	set(values, client, "KernelVersion", host.release);
}

/* Docker has the client's version at .Client.Version, podman at both places. */
static struct ct_json *tree(struct ct_values *values)
{
	struct ct_json *root = ct_value_object(values), *client = ct_value_object(values);
	struct ct_json *list = ct_value_array(values);

	add_client(values, root);
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		ct_value_add(values, list, ct_value_string(values, features[i]));
	ct_value_set(values, root, "Features", list);
	add_client(values, client);
	ct_value_set(values, root, "Client", client);
	return root;
}

static int version_handler(const struct ct_call *call, struct ct_err *err)
{
	static const char text[] = "cattach {{.Version}}\\n"
				   "Runtime specification: {{.SpecVersion}}\\n"
				   "Built with: {{join .Features \", \"}}\\n"
				   "Platform: {{.Os}}/{{.Arch}}, kernel {{.KernelVersion}}";
	const struct version_options *options = call->options;
	struct ct_values values = { .arena = call->arena };
	const struct ct_json *root = tree(&values);
	struct ct_buf ct_autobuf buf = {0};
	struct ct_format format;

	if (values.failed)
		return ct_fail_nomem(err);
	if (ct_format_parse(call->arena, options->format ? options->format : text, true, &format,
			    err) < 0 ||
	    ct_format_row(&format, &values, root, &buf, err) < 0)
		/* Both have filled it, and said "--format". */
		return -err->code;
	return ct_format_print(&format, &buf, err);
}

const struct ct_verb ct_verb_version = {
	.name = "version",
	.summary = "Show the version of cattach and what it was built with",
	.synopsis = "[OPTIONS]",
	.description = "A template may use .Version .SpecVersion .GitCommit .Os .Arch "
		       ".KernelVersion .Features and the same below .Client.",
	.examples = "cattach version --format '{{.Version}}'\tOnly the number",
	.options = version_table,
	.options_size = sizeof(struct version_options),
	.operand = "operand",
	.without_defaults = true,
	.handler = version_handler,
};
