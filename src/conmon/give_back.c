/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving back memory: a monitor is a copy of the command that made it, and once that command has
 * ended, everything that it ever touched is the monitor's own. What only the start needed goes.
 *
 * Runs in the monitor, at the first quiet moment after the start, so that nobody waits for it, and
 * in part again at the first one after much output; and in keepers, whenever they have done
 * something. Nothing here can fail in a way that matters: then the memory stays.
 *
 * The largest part are the command's tables: constants that hold addresses (options, fields of a
 * specification), which the dynamic linker has put in place and which are therefore private pages.
 * No code that a monitor runs from here on has such constants: tests/check_monitor.py follows what
 * its loop can call, and finds those that have.
 */
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor.h"

#define STACK_REACH	(256 * 1024)	/* deeper than a start goes; nothing else is mapped so near */
#define STACK_IN_USE	1024		/* below the frame that gives back: its own calls */

/* Whole pages. Best effort: ENOMEM says that a part is not mapped, and the rest was given back. */
static void forget(uintptr_t start, uintptr_t end)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	start &= ~(page - 1);
	end &= ~(page - 1);
	if (start >= end)
		return;
	if (madvise((void *)start, end - start, MADV_DONTNEED) < 0)
		return;
}

/* The depths of the start's stack, which come back as zeroes when the loop goes down there. */
static void give_back_stack(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	forget(here - STACK_REACH, here - STACK_IN_USE);
}

/* Code and constants are in the page cache: what the loop runs is mapped again as it runs. */
static int give_back_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t headers = 0, headers_end = 0;

	(void)size;
	(void)arg;
	for (unsigned i = info->dlpi_phnum; i-- > 0;) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		/* A writable segment has changes in it, which are nowhere else. */
		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
			continue;
		/* One behind, for the lowest segment holds the headers that are read here. */
		forget(headers, headers_end);
		headers = info->dlpi_addr + segment->p_vaddr;
		headers_end = headers + segment->p_memsz;
	}
	forget(headers, headers_end);
	return 0;
}

/*
 * Up to what is used on and on, the addresses of other objects' functions, which the linker puts
 * behind the tables. The tables' pages are then as in the file, without addresses. Not where the C
 * library is a part of the program, for its tables are among ours then.
 */
static int give_back_tables(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t start = 0, end = (uintptr_t)_DYNAMIC;
	size_t room = 0;
	bool dynamic = false;

	(void)size;
	(void)arg;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		dynamic = dynamic || segment->p_type == PT_INTERP;
		if (segment->p_type != PT_GNU_RELRO)
			continue;
		start = info->dlpi_addr + segment->p_vaddr;
		room = segment->p_memsz;
	}
	/* Our own, of all objects'. */
	if (dynamic && end >= start && end - start < room)
		forget(start, end);
	return 0;
}

void ct_monitor_give_back(struct monitor *m)
{
	malloc_trim(0);
	/* The code last, which does all of this. */
	dl_iterate_phdr(give_back_tables, NULL);
	dl_iterate_phdr(give_back_code, NULL);
	give_back_stack();
	ct_monitor_give_back_buffers(m);
}

/* Not the tables: a keeper's children start containers by them. */
void ct_process_give_back(void)
{
	malloc_trim(0);
	dl_iterate_phdr(give_back_code, NULL);
	give_back_stack();
}

void ct_monitor_give_back_buffers(struct monitor *m)
{
	/* From the next page on: the struct is before it, on pages that may be larger than ours. */
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	forget((uintptr_t)m->frame + CT_FRAME_HEADER + page - 1, (uintptr_t)m->clients);
	ct_log_give_back(m->log);
	if (m->config->tagged && !ct_tagged_any_behind(m))
		ct_log_forget(m->log);
}
