// SPDX-License-Identifier: GPL-2.0-or-later
/* What went through a guest's disks and network cards, as its backends in dom0 have counted it. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"

#define XVD_DEVICE(slot) (202u << 8 | (unsigned int)(slot) << 4)
#define SECTOR		 512u

__attribute__((format(printf, 2, 3))) static int read_counter(uint64_t *counter, const char *format,
							      ...)
{
	char path[160], number[24];
	va_list args;
	FILE *file;
	int got;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	got = fscanf(file, "%23s", number);
	fclose(file);
	*counter = got == 1 ? strtoull(number, NULL, 10) : 0;
	return got == 1 ? 0 : -EIO;
}

int diptych_disk_stats(struct diptych *context, uint32_t guest, const char *target,
		       struct diptych_disk_stats *stats)
{
	static const char *const names[] = { "rd_req", "rd_sect", "wr_req", "wr_sect", "f_req" };
	uint64_t *const counters[] = { &stats->read_requests, &stats->read_bytes,
				       &stats->write_requests, &stats->write_bytes,
				       &stats->flush_requests };
	struct diptych_pair pair;
	int slot, error = diptych_lookup_id(context, guest, &pair);
	size_t i;

	memset(stats, 0, sizeof(*stats));
	if (error)
		return error;
	slot = tree_disk_slot(context, pair.fidelity, target);
	if (slot >= 0)
		slot = tree_disc_slot(context, pair.fidelity, slot);
	if (slot < 0)
		error = fail(context, ENOENT, "guest %s has no disk or disc %s", pair.name, target);
	for (i = 0; !error && i < sizeof(names) / sizeof(names[0]); i++) {
		error = read_counter(counters[i],
				     "/sys/bus/xen-backend/devices/vbd-%u-%u/statistics/%s",
				     pair.fidelity, XVD_DEVICE(slot), names[i]);
		if (error)
			fail(context, -error, "disk %s of guest %s is not counted: %s", target,
			     pair.name, strerror(-error));
	}
	stats->read_bytes *= SECTOR;
	stats->write_bytes *= SECTOR;
	diptych_pair_dispose(&pair);
	return error;
}

int diptych_nic_stats(struct diptych *context, uint32_t guest, const uint8_t mac[6],
		      struct diptych_nic_stats *stats)
{
	/* What the backend received the guest has sent. */
	static const char *const names[] = { "tx_bytes", "tx_packets", "tx_errors", "tx_dropped",
					     "rx_bytes", "rx_packets", "rx_errors", "rx_dropped" };
	uint64_t *const counters[] = { &stats->received_bytes,	&stats->received_packets,
				       &stats->received_errors, &stats->received_dropped,
				       &stats->sent_bytes,	&stats->sent_packets,
				       &stats->sent_errors,	&stats->sent_dropped };
	struct diptych_pair pair;
	int slot, error = diptych_lookup_id(context, guest, &pair);
	size_t i;

	memset(stats, 0, sizeof(*stats));
	if (error)
		return error;
	slot = tree_nic_slot(context, pair.fidelity, mac);
	if (slot < 0)
		error = fail(context, ENOENT, "guest %s has no such network card", pair.name);
	else
		snprintf(stats->interface, sizeof(stats->interface), "vif%u.%d", pair.fidelity,
			 slot);
	for (i = 0; !error && i < sizeof(names) / sizeof(names[0]); i++) {
		error = read_counter(counters[i], "/sys/class/net/%s/statistics/%s",
				     stats->interface, names[i]);
		if (error)
			fail(context, -error, "interface %s of guest %s: %s", stats->interface,
			     pair.name, strerror(-error));
	}
	diptych_pair_dispose(&pair);
	return error;
}
