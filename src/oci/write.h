/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that write a spec share. Members that are empty are left out. */
#ifndef CATTACH_OCI_WRITE_H
#define CATTACH_OCI_WRITE_H

#include <cattach/json.h>
#include <cattach/spec.h>

void ct_write_string(struct ct_json_writer *w, const char *key, const char *value);
void ct_write_strings(struct ct_json_writer *w, const char *key, const struct ct_strings *list);
void ct_write_pairs(struct ct_json_writer *w, const char *key, const struct ct_spec_pairs *pairs);
void ct_write_idmaps(struct ct_json_writer *w, const char *key, const struct ct_spec_idmaps *maps);

/* spec_write_linux.c: the member "linux" with its name */
void ct_write_linux(struct ct_json_writer *w, const struct ct_spec_linux *lx);

/* spec_hooks.c: the member "hooks" with its name, where there is one */
void ct_write_hooks(struct ct_json_writer *w, const struct ct_hooks *hooks);

/* spec_write_resources.c: the member "resources" with its name, where there is anything in it */
void ct_write_resources(struct ct_json_writer *w, const struct ct_cgroup_resources *resources);

#endif
