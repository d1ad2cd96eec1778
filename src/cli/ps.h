/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of "cattach ps": which containers, and what a row shows. cmd_ps.c puts them together.
 */
#ifndef CATTACH_CLI_PS_H
#define CATTACH_CLI_PS_H

#include <stdbool.h>

#include <cattach/container.h>

#include "value.h"

enum ct_filter_key {
	CT_FILTER_ID,		/* the id begins with value */
	CT_FILTER_NAME,		/* the name matches value, an extended regular expression */
	CT_FILTER_LABEL,	/* KEY or KEY=VALUE */
	CT_FILTER_NOT_LABEL,	/* label!=KEY or label!=KEY=VALUE */
	CT_FILTER_STATUS,
	CT_FILTER_EXITED,	/* ended with this code */
	CT_FILTER_ANCESTOR,	/* made from this source, as written or by its absolute path */
	CT_FILTER_BEFORE,	/* made before this container */
	CT_FILTER_SINCE,	/* made after this container */
	CT_FILTER_UNTIL,	/* made before this time */
	CT_FILTER_COMMAND,	/* its program, or its command's words */
	CT_FILTER_NETWORK,	/* "none" or "host" */
	CT_FILTER_VOLUME,	/* source or target of a mount */
	CT_FILTER_HEALTH,	/* "starting", "healthy", "unhealthy" or "none" */
	CT_FILTER_PUBLISH,	/* a port; none is ever published */
	CT_FILTER_EXPOSE,	/* likewise */
	CT_FILTER_POD,		/* a pod; there are none */
	CT_FILTER_RESTART,	/* its restart policy, without a count */
	CT_FILTER_BOOT,		/* "true" or "false": is it to be started with the machine? */
	CT_FILTER_COUNT,
};

struct ct_filter {
	enum ct_filter_key key;
	const char *value;
	uint64_t created;	/* of the container that before and since name, or until's time */
};

struct ct_filters {
	struct ct_filter *items;
	size_t count;
};

/**
 * ct_filters_parse - parse the values of --filter
 * @store: to look up the containers of before and since
 * @list:  "KEY=VALUE"
 * @err:   EINVAL for unknown keys and states, bad expressions and codes; ENOENT
 */
int ct_filters_parse(struct ct_store *store, struct ct_arena *arena, const struct ct_strings *list,
		     struct ct_filters *ret_filters, struct ct_err *err);

/*
 * Does a container pass? Filters of one key are alternatives, but every label must match; filters
 * of different keys must all pass.
 */
bool ct_filters_match(const struct ct_filters *filters, const struct ct_container *container);

/* Is this a key of --sort? NULL is none. */
int ct_ps_check_sort(const char *key, struct ct_err *err);
/* Put a list into its order; what is equal is newest first. */
void ct_ps_sort(struct ct_container_list *list, const char *key);

/* Do the filters ask for containers that do not run, so that -a is implied? */
bool ct_filters_want_all(const struct ct_filters *filters);

/* How rows are written. */
struct ct_ps_style {
	bool no_trunc;
	bool size;		/* .Size is looked for, and not "0B" */
	bool namespaces;	/* .CGROUPNS .IPC .MNT .NET .PIDNS .USERNS .UTS, too */
	bool escape;		/* make text from outside safe for a table's cell */
	uint64_t now;		/* ns since the epoch, for "3 minutes ago" */
};

/**
 * ct_ps_row - a container as a row: docker's members .ID .Image .Command .CreatedAt ...
 * @args: what its process runs, for .Command
 *
 * The object around the row has the labels one by one, for .Label.
 */
const struct ct_json *ct_ps_row(struct ct_values *values, const struct ct_container *container,
				const struct ct_strings *args, const struct ct_ps_style *style);

/* Add what only podman has to a row, or its titles to that of the titles; created is "3 minutes
 * ago". */
void ct_ps_podman(struct ct_values *values, struct ct_json *row,
		  const struct ct_container *container, const char *created);
void ct_ps_podman_titles(struct ct_values *values, struct ct_json *row);

/* Text of a container's maker, made safe for a table's cell if asked to. */
struct ct_json *ct_ps_text(struct ct_values *values, const char *text, bool escape);

/* "100kB (virtual 1.2MB)", in the arena of values. */
const char *ct_ps_size(struct ct_values *values, const struct ct_container *container);

/* What --ns adds to a row, and to that of the titles. */
void ct_ps_namespaces(struct ct_values *values, struct ct_json *row,
		      const struct ct_container *container);
void ct_ps_namespace_titles(struct ct_values *values, struct ct_json *row);

/* The row of titles: .ID is "CONTAINER ID", ... */
const struct ct_json *ct_ps_header(struct ct_values *values);

/* "Up 2 minutes", "Exited (0) 3 seconds ago"; in the arena of values. */
const char *ct_ps_status(struct ct_values *values, const struct ct_container *container,
			 uint64_t now);

#endif
