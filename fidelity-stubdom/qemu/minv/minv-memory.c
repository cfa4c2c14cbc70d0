/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory.  Every anonymous RAM block of QEMU is a piece of the guest's pool, which is mapped here
 * once and whole, so that host address and pool page differ by a constant.  What the machine shows at
 * which guest address goes to the core by a memory listener.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "exec/target_page.h"
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "minv-int.h"

#define LARGE_PAGE (2 * MiB)
#define PAGE	   4096ull

static uint8_t *pool;
static uint64_t pool_used; /* bytes */

static void *pool_alloc(size_t size, uint64_t *alignment)
{
	/* Blocks of many large pages start at one; small ones lie close. */
	uint64_t align = size >= 2 * LARGE_PAGE ? LARGE_PAGE : PAGE;
	uint64_t start = ROUND_UP(pool_used, align);

	size = ROUND_UP(size, PAGE);
	if (start + size > minv_info.pool_pages * PAGE) {
		error_report("minv: no room for %zu bytes in the guest's pool: %" PRIu64
			     " of %" PRIu64 " bytes used",
			     size, pool_used, (uint64_t)(minv_info.pool_pages * PAGE));
		errno = ENOMEM;
		return NULL;
	}
	pool_used = start + size;
	if (alignment)
		*alignment = align;
	return pool + start;
}

static void region_set(MemoryRegionSection *section, bool add)
{
	MemoryRegion *mr = section->mr;
	uint64_t start = section->offset_within_address_space, size = int128_get64(section->size);
	struct minv_memory memory = { .gfn = start / PAGE, .count = size / PAGE };
	uint8_t *host;

	if (!memory_region_is_ram(mr) && !memory_region_is_romd(mr))
		return;
	if (start % PAGE || size % PAGE) {
		warn_report("minv: '%s' at 0x%" PRIx64 " is not made of whole pages",
			    memory_region_name(mr), start);
		return;
	}
	host = (uint8_t *)memory_region_get_ram_ptr(mr) + section->offset_within_region;
	if (host < pool || host + size > pool + minv_info.pool_pages * PAGE) {
		error_report("minv: '%s' is not memory of the guest's pool",
			     memory_region_name(mr));
		exit(1);
	}
	memory.page = (uint64_t)(host - pool) / PAGE;
	if (section->readonly || memory_region_is_romd(mr))
		memory.flags |= MINV_MEMORY_READONLY;
	if (ioctl(minv_fd, add ? MINV_IOC_MEMORY_MAP : MINV_IOC_MEMORY_UNMAP, &memory)) {
		error_report("minv: cannot %s '%s' at 0x%" PRIx64 ": %s", add ? "map" : "unmap",
			     memory_region_name(mr), start, strerror(errno));
		exit(1);
	}
}

static void region_add(MemoryListener *listener, MemoryRegionSection *section)
{
	memory_region_ref(section->mr);
	region_set(section, true);
}

static void region_del(MemoryListener *listener, MemoryRegionSection *section)
{
	region_set(section, false);
	memory_region_unref(section->mr);
}

/* No dirty tracking yet: whoever asks is told that all is dirty. */
static void log_sync(MemoryListener *listener, MemoryRegionSection *section)
{
	if (memory_region_is_ram(section->mr))
		memory_region_set_dirty(section->mr, section->offset_within_region,
					int128_get64(section->size));
}

static MemoryListener listener = {
	.name = "minv",
	.priority = MEMORY_LISTENER_PRIORITY_ACCEL,
	.region_add = region_add,
	.region_del = region_del,
	.log_sync = log_sync,
};

bool minv_memory_init(Error **errp)
{
	size_t size = minv_info.pool_pages * PAGE;
	uint8_t *room;

	/* Host address and pool offset must agree modulo 2 MiB for large entries. */
	room = mmap(NULL, size + LARGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (room == MAP_FAILED) {
		error_setg_errno(errp, errno, "minv: no address space for the guest's pool");
		return false;
	}
	pool = (uint8_t *)ROUND_UP((uintptr_t)room, LARGE_PAGE);
	if (mmap(pool, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, minv_fd, 0) ==
	    MAP_FAILED) {
		error_setg_errno(errp, errno, "minv: cannot map the guest's pool");
		return false;
	}
	qemu_anon_ram_source = pool_alloc;
	memory_listener_register(&listener, &address_space_memory);
	return true;
}
