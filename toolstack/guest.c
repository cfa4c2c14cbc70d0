// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The real-guest panel: a domain without emulation of any kind whose memory lies in one row, its
 * pool. The fidelity domain arranges it for the guest (core/include/public/minv.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "../core/include/public/minv.h"
#include "context.h"

#define FIRMWARE_MIB \
	8u /* OVMF 2, ACPI tables 2, option ROMs; what large blocks lose by their alignment */
#define VIDEO_MIB   16u
#define LARGE_ORDER 9u
#define LARGE_PAGES (1u << LARGE_ORDER)
#define BATCH_PAGES (16u * LARGE_PAGES) /* 32 MiB: a step of the progress that is shown */

unsigned int guest_video_mib(const struct diptych_desc *desc)
{
	return !desc->vga ? 0 : desc->video_mib ? desc->video_mib : VIDEO_MIB;
}

uint64_t guest_pool_pages(const struct diptych_desc *desc)
{
	uint64_t video = guest_video_mib(desc);

	return ((desc->max_memory_kib >> 10) + FIRMWARE_MIB + video) * PAGES_PER_MIB;
}

/* Populates `count` pages from pool page `first`, in extents of 2^order.  Returns how many came. */
static uint64_t populate(struct diptych *c, uint32_t domid, uint64_t first, uint64_t count,
			 unsigned int order)
{
	xen_pfn_t extents[LARGE_PAGES];
	unsigned long n = (unsigned long)(count >> order), i;
	int done;

	for (i = 0; i < n; i++)
		extents[i] = MINV_POOL_GFN + first + (i << order);
	done = xc_domain_populate_physmap(c->xc, domid, n, order, 0, extents);
	return done > 0 ? (uint64_t)done << order : 0;
}

static int populate_pool(struct diptych *c, uint32_t domid, uint64_t pages)
{
	uint64_t done = 0, now, got;

	while (done < pages) {
		now = pages - done < BATCH_PAGES ? pages - done : BATCH_PAGES;
		got = 0;
		if (now >= LARGE_PAGES)
			got = populate(c, domid, done, now & ~(uint64_t)(LARGE_PAGES - 1),
				       LARGE_ORDER);
		if (!got) /* no large extents, or not enough for one */
			got = populate(c, domid, done, now < LARGE_PAGES ? now : LARGE_PAGES, 0);
		if (!got)
			return fail(c, ENOMEM,
				    "the hypervisor gave only %" PRIu64 " of the %" PRIu64
				    " MiB that the guest needs%s",
				    done / PAGES_PER_MIB, pages / PAGES_PER_MIB, xen_error(c));
		done += got;
		progress(c, "allocating the guest's memory", (unsigned int)(done * 100 / pages));
	}
	return 0;
}

static int configure(struct diptych *c, const struct diptych_desc *desc, uint32_t domid)
{
	uint64_t pages = guest_pool_pages(desc);

	if (xc_domain_max_vcpus(c->xc, domid, desc->vcpus))
		return fail(c, errno, "the guest cannot have %u vCPUs: %s", desc->vcpus,
			    strerror(errno));
	if (xc_domain_setmaxmem(c->xc, domid, pages << 2))
		return fail(c, errno, "the guest cannot have %" PRIu64 " MiB: %s",
			    pages / PAGES_PER_MIB, strerror(errno));
	return populate_pool(c, domid, pages);
}

int guest_build(struct diptych *c, const struct diptych_desc *desc, uint32_t *domid)
{
	struct xen_domctl_createdomain create = {
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.max_vcpus = desc->vcpus,
		.max_evtchn_port = UINT32_MAX,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
		.arch = { .emulation_flags = 0 }, /* this is what makes it a real guest */
	};
	uint32_t id = 0;
	int error;

	clear_xen_error(c);
	memcpy(create.handle, desc->uuid, sizeof(create.handle));
	if (xc_domain_create(c->xc, &id, &create))
		return fail(c, errno, "the hypervisor refuses to create the guest: %s",
			    strerror(errno));
	*domid = id;
	error = configure(c, desc, id);
	if (error)
		guest_destroy(c, id);
	return error;
}

int guest_destroy(struct diptych *c, uint32_t domid)
{
	int tries;

	for (tries = 0; xc_domain_destroy(c->xc, domid); tries++) {
		if (errno == ESRCH)
			return 0;
		if ((errno != EAGAIN && errno != EBUSY && errno != EINTR) || tries == 1000)
			return fail(c, errno, "cannot destroy domain %u: %s", domid,
				    strerror(errno));
		usleep(10000);
	}
	return 0;
}
