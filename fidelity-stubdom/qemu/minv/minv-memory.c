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

#define LARGE_PAGE  (2 * MiB)
#define PAGE	    4096ull
#define DIRTY_PAGES 512ull /* the most that one call tells */

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

static void tell(bool map, const struct minv_memory *memory)
{
	if (!ioctl(minv_fd, map ? MINV_IOC_MEMORY_MAP : MINV_IOC_MEMORY_UNMAP, memory))
		return;
	error_report("minv: cannot %s %" PRIu64 " pages at 0x%" PRIx64 ": %s",
		     map ? "map" : "unmap", (uint64_t)memory->count, (uint64_t)(memory->gfn * PAGE),
		     strerror(errno));
	exit(1);
}

/*
 * What a change of the memory map takes away, until the change is complete: of a range that is split or joined most
 * comes back at once as it was, and is left alone.
 */
static GArray *taken;

static void take(uint64_t first, uint64_t end, const struct minv_memory *of)
{
	struct minv_memory memory = *of;

	if (first >= end)
		return;
	memory.gfn = first;
	memory.count = end - first;
	memory.page += first - of->gfn;
	g_array_append_val(taken, memory);
}

static void put(const struct minv_memory *memory)
{
	uint64_t end = memory->gfn + memory->count;
	guint i = 0;

	while (i < taken->len) {
		struct minv_memory old = g_array_index(taken, struct minv_memory, i),
				   rest = *memory;
		uint64_t old_end = old.gfn + old.count, from = MAX(old.gfn, memory->gfn),
			 to = MIN(old_end, end);

		if (from >= to) {
			i++;
			continue;
		}
		g_array_remove_index_fast(taken, i);
		take(old.gfn, from, &old);
		take(to, old_end, &old);
		/* A map replaces what is there; a ROM may be a flash chip that was none just now. */
		if (old.page - old.gfn != memory->page - memory->gfn || old.flags || memory->flags)
			continue;
		if (memory->gfn < from) {
			rest.count = from - memory->gfn;
			put(&rest);
		}
		if (to < end) {
			rest.gfn = to;
			rest.count = end - to;
			rest.page = memory->page + (to - memory->gfn);
			put(&rest);
		}
		return;
	}
	tell(true, memory);
}

static void commit(MemoryListener *listener)
{
	guint i;

	for (i = 0; i < taken->len; i++)
		tell(false, &g_array_index(taken, struct minv_memory, i));
	g_array_set_size(taken, 0);
}

/* log: the core is to note what the guest writes; asked for by a display that is looked at. */
static void region_set(MemoryRegionSection *section, bool add, bool log)
{
	MemoryRegion *mr = section->mr;
	uint64_t start = section->offset_within_address_space, size = int128_get64(section->size);
	struct minv_memory memory = { .gfn = start / PAGE, .count = size / PAGE };
	uint8_t *host;

	/* A flash chip that answers commands is no memory; it has ceased to be before its pages are taken away. */
	if (!memory_region_is_ram(mr) && !(add ? memory_region_is_romd(mr) : mr->rom_device))
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
	if (section->readonly || mr->rom_device)
		memory.flags |= MINV_MEMORY_READONLY;
	else if (log)
		memory.flags |= MINV_MEMORY_LOG;
	if (add)
		put(&memory);
	else
		take(memory.gfn, memory.gfn + memory.count, &memory);
}

static bool is_logged(const MemoryRegionSection *section)
{
	return memory_region_get_dirty_log_mask(section->mr) != 0;
}

static void region_add(MemoryListener *listener, MemoryRegionSection *section)
{
	memory_region_ref(section->mr);
	region_set(section, true, is_logged(section));
}

static void region_del(MemoryListener *listener, MemoryRegionSection *section)
{
	region_set(section, false, is_logged(section));
	memory_region_unref(section->mr);
}

/* A map of the same pages replaces the one before, with or without tracking. */
static void log_start(MemoryListener *listener, MemoryRegionSection *section, int before, int now)
{
	if (!before)
		region_set(section, true, true);
}

static void log_stop(MemoryListener *listener, MemoryRegionSection *section, int before, int now)
{
	if (!now)
		region_set(section, true, false);
}

/* Tells QEMU what the guest has written since the last time. */
static void log_sync(MemoryListener *listener, MemoryRegionSection *section)
{
	MemoryRegion *mr = section->mr;
	uint64_t first = section->offset_within_address_space / PAGE,
		 count = int128_get64(section->size) / PAGE, done, i;

	if (!memory_region_is_ram(mr) || section->readonly)
		return;
	for (done = 0; done < count; done += DIRTY_PAGES) {
		struct minv_dirty dirty = { .gfn = first + done,
					    .count = MIN(DIRTY_PAGES, count - done) };

		if (ioctl(minv_fd, MINV_IOC_DIRTY, &dirty)) {
			error_report("minv: what the guest wrote to '%s' is not known: %s",
				     memory_region_name(mr), strerror(errno));
			exit(1);
		}
		for (i = 0; i < dirty.count; i++)
			if (dirty.bitmap[i / 64] >> i % 64 & 1)
				memory_region_set_dirty(
					mr, section->offset_within_region + (done + i) * PAGE,
					PAGE);
	}
}

static MemoryListener listener = {
	.name = "minv",
	.priority = MEMORY_LISTENER_PRIORITY_ACCEL,
	.region_add = region_add,
	.region_del = region_del,
	.commit = commit,
	.log_start = log_start,
	.log_stop = log_stop,
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
	taken = g_array_new(false, false, sizeof(struct minv_memory));
	memory_listener_register(&listener, &address_space_memory);
	return true;
}
