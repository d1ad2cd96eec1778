/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the settings of a container's cgroup while it is in use: all of them, or none.
 *
 * Runs in commands, as the user. What the files hold is read first, and written back, the last
 * first, when one of the new values is refused, or when the caller has come to grief afterwards. The
 * kernel may have acted on a value before it was taken back: memory that was reclaimed stays so.
 * Fails as ct_cgroup_apply() does.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cattach/log.h>

#include "controllers.h"
#include "files.h"

/* Has the file a line for every device, which begins with it? */
static bool has_lines(const char *file)
{
	static const char *const files[] = {
		"io.max", "io.weight", "io.bfq.weight", "io.latency", "io.cost.qos", "rdma.max",
		"misc.max", NULL,
	};

	for (size_t i = 0; files[i]; i++)
		if (!strcmp(files[i], file))
			return true;
	return false;
}

/* The line of a text that begins with the first word of value; a value of one word is the default. */
static const char *find_line(struct ct_arena *arena, const char *text, const char *value)
{
	size_t length = strcspn(value, " ");
	const char *key = value[length] ? value : "default";

	if (key != value)
		length = strlen(key);
	while (*text) {
		size_t whole = strcspn(text, "\n");

		if (whole > length && !strncmp(text, key, length) && text[length] == ' ')
			return ct_arena_strndup(arena, text, whole);
		text += whole + (text[whole] == '\n');
	}
	return NULL;
}

/* What is to be written so that a device has no setting of its own again. */
static const char *forget_line(struct ct_arena *arena, const char *file, const char *value)
{
	int length = (int)strcspn(value, " ");

	if (!strcmp(file, "io.max"))
		return ct_arena_printf(arena, "%.*s rbps=max wbps=max riops=max wiops=max", length,
				       value);
	if (!strcmp(file, "io.latency"))
		return ct_arena_printf(arena, "%.*s target=0", length, value);
	return ct_arena_printf(arena, "%.*s default", length, value);
}

/* What brings back what this setting is about to change. Of a file that cannot be read, because it
 * is not there or only written to, nothing. */
static int save_one(struct ct_arena *arena, int dir, const struct ct_cgroup_setting *s,
		    struct ct_cgroup_settings *before, struct ct_err *err)
{
	struct ct_cgroup_setting saved = { .file = s->file, .value = s->value };
	char text[8192];
	ssize_t n = ct_cgroup_read(dir, s->file, text, sizeof(text));

	if (n == -ENOENT && s->instead) {
		saved.file = s->instead;
		saved.value = s->instead_value;
		n = ct_cgroup_read(dir, s->instead, text, sizeof(text));
	}
	if (n < 0)
		return 0;
	if (has_lines(saved.file)) {
		const char *line = find_line(arena, text, saved.value);

		saved.value = line ? line : forget_line(arena, saved.file, saved.value);
	} else {
		/* Nothing at all is written as a line without anything: of no bytes there is no write. */
		saved.value = n ? ct_arena_strdup(arena, text) : "\n";
	}
	return ct_cgroup_setting_add(arena, before, &saved, err);
}

/* Controllers that nobody has asked for until now. Where one cannot be had, applying says so. */
static void enable(const struct ct_cgroup *cgroup, const struct ct_cgroup_settings *settings)
{
	for (size_t i = 0; i < settings->count; i++) {
		const char *file = settings->items[i].file;
		size_t length = ct_cgroup_controller_length(file);

		if (length && cgroup->parent >= 0 && cgroup->dir >= 0 &&
		    ct_cgroup_enable(cgroup->parent, file, length, NULL) == 0)
			ct_cgroup_enable(cgroup->dir, file, length, NULL);
	}
}

int ct_cgroup_change(struct ct_arena *arena, const struct ct_cgroup *cgroup,
		     const struct ct_cgroup_settings *settings,
		     struct ct_cgroup_settings *ret_before, struct ct_err *err)
{
	struct ct_cgroup_settings before = { .count = 0 };
	int r = 0;

	enable(cgroup, settings);
	for (size_t i = 0; r == 0 && i < settings->count; i++)
		r = save_one(arena, cgroup->container, &settings->items[i], &before, err);
	if (r < 0)
		return r;
	r = ct_cgroup_apply(cgroup->container, settings, err);
	if (r < 0)
		ct_cgroup_restore(cgroup->container, &before);
	else
		*ret_before = before;
	return r;
}

void ct_cgroup_restore(int container, const struct ct_cgroup_settings *before)
{
	for (size_t i = before->count; i > 0; i--) {
		const struct ct_cgroup_setting *s = &before->items[i - 1];
		int r = ct_cgroup_write(container, s->file, s->value);

		if (r < 0 && r != -ENODEV)
			ct_warn("%s cannot be set back to \"%s\": %s", s->file, s->value,
				strerror(-r));
	}
}
