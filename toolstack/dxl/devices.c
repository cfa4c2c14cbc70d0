// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * block-*, network-*, cd-*: devices of a running guest.  A device is written as in xl.cfg, and read
 * by the same code.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dxl.h"

static const struct option help_only[] = { { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };

/* The pair that the first operand names; anything else is xl's to do, with the same words. */
static int find(const struct verb *verb, int argc, char **argv, struct target *target)
{
	int status;

	while (next_option(verb, argc, argv, "h", help_only) >= 0)
		;
	if (target_find(argv[optind], target))
		return EXIT_FAILURE;
	if (target->is_pair)
		return 0;
	status = exec_xl(verb->name, argc - optind, argv + optind);
	target_dispose(target);
	return status;
}

static int report(struct target *target, int error)
{
	int status = error ? complain_of(open_pairs()) : EXIT_SUCCESS;

	target_dispose(target);
	return status;
}

/* The operands, joined by commas, as the one item of list `key`. */
static int parse_item(const struct verb *verb, const char *key, char **operands, int count,
		      struct diptych_desc *desc)
{
	char *text = NULL, *error = NULL, *p;
	size_t length;
	FILE *file = open_memstream(&text, &length);
	int i, status = 0;

	diptych_desc_init(desc);
	if (!file)
		return complain("out of memory");
	fprintf(file, "%s = [ \"", key);
	for (i = 0; i < count; i++) {
		fputs(i ? "," : "", file);
		for (p = operands[i]; *p; p++)
			fprintf(file, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	}
	fputs("\" ]\ntype = \"hvm\"\nname = \"guest\"\nmemory = 1\nvga = \"none\"\n", file);
	fclose(file);
	if (diptych_desc_parse(desc, verb->name, text, length, &error))
		status = complain("%s", error ? error : "out of memory");
	free(text);
	free(error);
	return status;
}

int verb_block_attach(const struct verb *verb, int argc, char **argv)
{
	struct diptych_desc desc;
	struct target target;
	int status = find(verb, argc, argv, &target), operand = optind + 1;

	if (status)
		return status;
	status = parse_item(verb, "disk", argv + operand, argc - operand, &desc);
	if (!status && !desc.disk_count)
		status = complain("no disk is named");
	if (!status)
		status = report(&target,
				diptych_disk_attach(open_pairs(), target.domid, &desc.disks[0]));
	diptych_desc_dispose(&desc);
	return status;
}

int verb_block_detach(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status = find(verb, argc, argv, &target);

	return status ? status
		      : report(&target,
			       diptych_disk_detach(open_pairs(), target.domid, argv[optind + 1]));
}

int verb_cd_insert(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status = find(verb, argc, argv, &target);

	return status ? status
		      : report(&target, diptych_cd_change(open_pairs(), target.domid,
							  argv[optind + 1], argv[optind + 2]));
}

int verb_cd_eject(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status = find(verb, argc, argv, &target);

	return status ? status
		      : report(&target, diptych_cd_change(open_pairs(), target.domid,
							  argv[optind + 1], NULL));
}

int verb_block_list(const struct verb *verb, int argc, char **argv)
{
	static const char *const buses[] = { [DIPTYCH_BUS_VIRTIO] = "virtio",
					     [DIPTYCH_BUS_IDE] = "ide",
					     [DIPTYCH_BUS_SATA] = "sata" };
	struct diptych_desc desc;
	struct target target;
	int status = find(verb, argc, argv, &target), error;
	size_t i;

	if (status)
		return status;
	diptych_desc_init(&desc);
	error = diptych_describe(open_pairs(), target.domid, &desc);
	if (!error)
		printf("%-6s %-6s %-6s %-6s %-6s %s\n", "Vdev", "Bus", "Type", "Access", "Format",
		       "Path");
	for (i = 0; !error && i < desc.disk_count; i++) {
		const struct diptych_disk *disk = &desc.disks[i];

		printf("%-6s %-6s %-6s %-6s %-6s %s\n", disk->target, buses[disk->bus],
		       disk->cdrom ? "cdrom" : "disk", disk->readonly || disk->cdrom ? "ro" : "rw",
		       disk->format == DIPTYCH_QCOW2 ? "qcow2" : "raw",
		       disk->path ? disk->path : "(empty)");
	}
	diptych_desc_dispose(&desc);
	return report(&target, error);
}

int verb_network_attach(const struct verb *verb, int argc, char **argv)
{
	struct diptych_desc desc;
	struct target target;
	int status = find(verb, argc, argv, &target), operand = optind + 1;

	if (status)
		return status;
	status = parse_item(verb, "vif", argv + operand, argc - operand, &desc);
	if (!status && !desc.nic_count)
		status = complain("no network card is described");
	if (!status)
		status = report(&target,
				diptych_nic_attach(open_pairs(), target.domid, &desc.nics[0]));
	diptych_desc_dispose(&desc);
	return status;
}

static void print_mac(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}

/* By address, or by the number that network-list shows. */
static const struct diptych_nic *find_nic(const struct diptych_desc *desc, const char *who)
{
	char text[18], *end;
	unsigned long n = strtoul(who, &end, 10);
	size_t i;

	if (*who && !*end)
		return n < desc->nic_count ? &desc->nics[n] : NULL;
	for (i = 0; i < desc->nic_count; i++) {
		print_mac(desc->nics[i].mac, text);
		if (!strcasecmp(who, text))
			return &desc->nics[i];
	}
	return NULL;
}

int verb_network_detach(const struct verb *verb, int argc, char **argv)
{
	const struct diptych_nic *nic;
	struct diptych_desc desc;
	struct target target;
	int status = find(verb, argc, argv, &target), error;

	if (status)
		return status;
	diptych_desc_init(&desc);
	error = diptych_describe(open_pairs(), target.domid, &desc);
	nic = error ? NULL : find_nic(&desc, argv[optind + 1]);
	if (!error && !nic) {
		status = complain("guest %s has no network card \"%s\"", target.pair.name,
				  argv[optind + 1]);
		target_dispose(&target);
	} else {
		if (!error)
			error = diptych_nic_detach(open_pairs(), target.domid, nic->mac);
		status = report(&target, error);
	}
	diptych_desc_dispose(&desc);
	return status;
}

int verb_network_list(const struct verb *verb, int argc, char **argv)
{
	struct diptych_nic_stats stats;
	struct diptych_desc desc;
	struct target target;
	int status = find(verb, argc, argv, &target), error;
	char mac[18];
	size_t i;

	if (status)
		return status;
	diptych_desc_init(&desc);
	error = diptych_describe(open_pairs(), target.domid, &desc);
	if (!error)
		printf("%-3s %-17s %-10s %-15s %-15s %12s %12s\n", "Idx", "Mac Addr.", "Model",
		       "Bridge", "Interface", "Received", "Sent");
	for (i = 0; !error && i < desc.nic_count; i++) {
		const struct diptych_nic *nic = &desc.nics[i];

		error = diptych_nic_stats(open_pairs(), target.domid, nic->mac, &stats);
		print_mac(nic->mac, mac);
		if (!error)
			printf("%-3zu %-17s %-10s %-15s %-15s %12ju %12ju\n", i, mac,
			       nic->model == DIPTYCH_NIC_E1000 ? "e1000" : "virtio-net",
			       nic->bridge ? nic->bridge : "(default)", stats.interface,
			       (uintmax_t)stats.received_bytes, (uintmax_t)stats.sent_bytes);
	}
	diptych_desc_dispose(&desc);
	return report(&target, error);
}
