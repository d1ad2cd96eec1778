/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commit page as readers see it: mapped read-only, and checked before anything is believed.
 *
 * Runs in readers. Who has sent the descriptor is a monitor of the same user; still a page that
 * could shrink under its mapping would be a way to end us with SIGBUS, so the seals must be there.
 * What may fail: a descriptor that is no commit page, or one of another version.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cattach/streamlog.h>

static int fail_no_page(struct ct_err *err)
{
	ct_fail(err, EBADMSG, "this is no commit page of a version known here");
	return ct_hint(err, "was the container started by another version of cattach?");
}

int ct_page_map(int fd, const struct ct_page **ret_page, struct ct_err *err)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE;
	int seals = fcntl(fd, F_GET_SEALS);
	const struct ct_page *page;
	struct stat st;

	if (seals < 0 || (seals & needed) != needed || fstat(fd, &st) < 0 ||
	    st.st_size < CT_PAGE_SIZE)
		return fail_no_page(err);
	page = mmap(NULL, CT_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return ct_fail_errno(err, errno, "cannot map the commit page");
	if (page->magic != CT_PAGE_MAGIC || page->version != 1) {
		ct_page_unmap(page);
		return fail_no_page(err);
	}
	*ret_page = page;
	return 0;
}

void ct_page_unmap(const struct ct_page *page)
{
	if (page)
		munmap((void *)page, CT_PAGE_SIZE);
}
