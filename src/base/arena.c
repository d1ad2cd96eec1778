/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mapped arena: a bump allocator over address space that is reserved at once.
 *
 * Owned by whoever parses for a start (the CLI, then the monitor that is forked from it) and
 * unmapped in one call when the payload runs: what stays in a heap after parsing would be the
 * larger part of an idle monitor's private memory. Pages are touched as they are used, so 64 MiB
 * cost nothing until then. Memory is handed out zeroed because the kernel maps it so and nothing
 * is ever given back.
 *
 * Needs no privileges. May fail with ENOMEM only: no address space, or the arena is used up.
 *
 *    base [ used ........ | free, zero ............. ] base + size, 64 MiB
 */
#include <cattach/arena.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_SIZE	((size_t)64 << 20)
#define ARENA_ALIGN	_Alignof(max_align_t)

int ct_arena_open(struct ct_arena *ret_arena, struct ct_err *err)
{
	void *base = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED) {
		ct_fail_errno(err, errno, "cannot reserve 64 MiB of address space");
		return ct_hint(err, "raise the limit on address space: ulimit -v unlimited");
	}
	*ret_arena = (struct ct_arena){ .base = base, .size = ARENA_SIZE };
	return 0;
}

void ct_arena_close(struct ct_arena *arena)
{
	int saved = errno;

	if (arena->base)
		munmap(arena->base, arena->size);
	*arena = (struct ct_arena){ 0 };
	errno = saved;
}

/* Never freed one by one: ct_arena_close() is the end of all. A pointer stays valid until then. */
void *ct_arena_alloc(struct ct_arena *arena, size_t size)
{
	size_t at = (arena->used + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);

	/* used <= size holds always, and at is at most one step further: no sum can wrap. */
	if (!arena->base || at > arena->size || size > arena->size - at) {
		errno = ENOMEM;
		return NULL;
	}
	/* An empty object has an address of its own too. */
	arena->used = at + (size ? size : at < arena->size);
	return arena->base + at;
}

void *ct_arena_calloc(struct ct_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return ct_arena_alloc(arena, bytes);
}

static char *copy_bytes(struct ct_arena *arena, const char *s, size_t length)
{
	char *copy = ct_arena_alloc(arena, length + 1);

	if (copy)
		memcpy(copy, s, length);
	return copy;
}

char *ct_arena_strndup(struct ct_arena *arena, const char *s, size_t length)
{
	return copy_bytes(arena, s, strnlen(s, length));
}

char *ct_arena_strdup(struct ct_arena *arena, const char *s)
{
	return copy_bytes(arena, s, strlen(s));
}

char *ct_arena_printf(struct ct_arena *arena, const char *fmt, ...)
{
	va_list ap, again;
	char *text = NULL;
	int n;

	/* Measure first: writing into the free part and giving up would leave it not zeroed. */
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		text = ct_arena_alloc(arena, (size_t)n + 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

/*
 * A list has no field for its capacity: it follows from the count. With c strings there are as
 * many slots as the next power of two above c, four at least, the closing NULL included. So a list
 * grows exactly when count + 1 reaches a power of two, into twice the room; the old array is left
 * to the arena. It holds only for lists that this function made from { 0 }.
 */
int ct_strings_add(struct ct_arena *arena, struct ct_strings *list, const char *s)
{
	size_t slots = list->count + 1;

	if (!list->items || (slots >= 4 && !(slots & (slots - 1)))) {
		size_t room = slots < 4 ? 4 : 2 * slots;
		const char **items = ct_arena_calloc(arena, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		if (list->items)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
	}
	list->items[list->count++] = s;
	list->items[list->count] = NULL;
	return 0;
}

int ct_fail_nomem(struct ct_err *err)
{
	return ct_fail(err, ENOMEM, "out of memory: more than 64 MiB would be needed");
}
