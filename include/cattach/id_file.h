/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --cidfile and --pidfile: files with a number that scripts read.
 */
#ifndef CATTACH_ID_FILE_H
#define CATTACH_ID_FILE_H

#include <stdbool.h>

#include <cattach/err.h>

struct ct_id_file {
	const char *path;	/* borrowed */
	int fd;
	bool made;		/* was not there before, and goes unless it is kept */
};

#define CT_ID_FILE_INIT { .fd = -1 }

/* exclusive: it must not exist yet. What is there stays as it is until something is written. */
int ct_id_file_open(struct ct_id_file *file, const char *path, bool exclusive, struct ct_err *err);
int ct_id_file_write(struct ct_id_file *file, const char *text, struct ct_err *err);
/* The container runs: the file stays. */
void ct_id_file_keep(struct ct_id_file *file);
/* Removes a file that was made in vain. */
void ct_id_file_close(struct ct_id_file *file);

#endif
