/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A monitor for a session that somebody else makes: an OCI runtime, by way of config->spawn(). The
 * loop, the log and the clients' table are those of every monitor; clients speak conmon's frames, and
 * records are the caller's business.
 */
#ifndef CATTACH_ADOPT_H
#define CATTACH_ADOPT_H

#include <cattach/monitor.h>

/* The byte before what a client is sent. What it sends has none. */
#define CT_TAG_STDOUT	2
#define CT_TAG_STDERR	3

/**
 * ct_adopt - be the monitor of what config->spawn() gets made, in this process
 * @config: tagged; runtime is a directory for the socket "attach" and the FIFOs "ctl" and "winsz"
 * @err: why there was nothing to be monitored; after that only spawn() may have left something
 *
 * In this order: the socket listens and the FIFOs are there; prepare(); spawn(), which returns with
 * the payload's pid, made and our child; started(); the loop; ended(); recorded(); finish(). Clients
 * that have not got everything by then are a child's.
 *
 * Return: 0 when the session has ended, or -errno.
 */
int ct_adopt(const struct ct_monitor_config *config, struct ct_err *err);

#endif
