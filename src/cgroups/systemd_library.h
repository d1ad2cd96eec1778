/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsystemd's bus client, where it is installed: loaded when a scope is asked for, and only then.
 * sd-bus(3), sd_bus_message_append(3), sd_bus_process(3).
 */
#ifndef CATTACH_CGROUPS_SYSTEMD_LIBRARY_H
#define CATTACH_CGROUPS_SYSTEMD_LIBRARY_H

#include <stdint.h>

#include <cattach/err.h>
#include <cattach/library.h>

typedef struct sd_bus sd_bus;
typedef struct sd_bus_slot sd_bus_slot;
typedef struct sd_bus_message sd_bus_message;

/* The layout is part of the library's interface, sd_bus_error(3). */
struct ct_bus_error {
	const char *name, *message;
	int need_free;
};

typedef int ct_bus_handler(sd_bus_message *, void *arg, struct ct_bus_error *);

/* Each as the manual has it: NAME(ret, arguments). */
#define CT_SYSTEMD_FUNCTIONS(F)                                                                 \
	F(sd_bus_open_user, int, (sd_bus **))                                                   \
	F(sd_bus_open_system, int, (sd_bus **))                                                 \
	F(sd_bus_new, int, (sd_bus **))                                                         \
	F(sd_bus_set_address, int, (sd_bus *, const char *))                                    \
	F(sd_bus_start, int, (sd_bus *))                                                        \
	F(sd_bus_flush_close_unref, sd_bus *, (sd_bus *))                                       \
	F(sd_bus_call_method, int,                                                              \
	  (sd_bus *, const char *, const char *, const char *, const char *,                    \
	   struct ct_bus_error *, sd_bus_message **, const char *, ...))                        \
	F(sd_bus_match_signal, int,                                                             \
	  (sd_bus *, sd_bus_slot **, const char *, const char *, const char *, const char *,    \
	   ct_bus_handler *, void *))                                                           \
	F(sd_bus_slot_unref, sd_bus_slot *, (sd_bus_slot *))                                    \
	F(sd_bus_message_new_method_call, int,                                                  \
	  (sd_bus *, sd_bus_message **, const char *, const char *, const char *, const char *)) \
	F(sd_bus_message_append, int, (sd_bus_message *, const char *, ...))                    \
	F(sd_bus_message_open_container, int, (sd_bus_message *, char, const char *))           \
	F(sd_bus_message_close_container, int, (sd_bus_message *))                              \
	F(sd_bus_message_read, int, (sd_bus_message *, const char *, ...))                      \
	F(sd_bus_message_unref, sd_bus_message *, (sd_bus_message *))                           \
	F(sd_bus_call, int,                                                                     \
	  (sd_bus *, sd_bus_message *, uint64_t, struct ct_bus_error *, sd_bus_message **))     \
	F(sd_bus_process, int, (sd_bus *, sd_bus_message **))                                   \
	F(sd_bus_wait, int, (sd_bus *, uint64_t))                                               \
	F(sd_bus_error_free, void, (struct ct_bus_error *))

struct ct_systemd_library {
	CT_SYSTEMD_FUNCTIONS(CT_LIBRARY_MEMBER)
};

/* ENOSYS with the package that has it. */
int ct_systemd_library_open(struct ct_systemd_library *library, struct ct_err *err);

#endif
