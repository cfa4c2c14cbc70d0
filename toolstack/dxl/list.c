// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * list: xl's six columns to the letter, for programs read them.  A guest's line is followed by that
 * of its fidelity domain; else every line is the one that xl prints.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxl_utils.h>

#include "dxl.h"

struct table {
	libxl_dominfo *domains;
	int count;
	struct diptych_pair *pairs;
	size_t pair_count;
};

static const libxl_dominfo *domain_of(const struct table *table, uint32_t domid)
{
	int i;

	for (i = 0; i < table->count; i++)
		if (table->domains[i].domid == domid)
			return &table->domains[i];
	return NULL;
}

static const struct diptych_pair *pair_of(const struct table *table, uint32_t domid)
{
	size_t i;

	for (i = 0; i < table->pair_count; i++)
		if (table->pairs[i].guest == domid || table->pairs[i].fidelity == domid)
			return &table->pairs[i];
	return NULL;
}

static void print_line(const libxl_dominfo *domain)
{
	/* poweroff, reboot, suspend, crash, watchdog, soft reset */
	static const char letters[] = "-rscwS";
	unsigned int reason = domain->shutdown ? (unsigned int)domain->shutdown_reason : 0;
	char *name = libxl_domid_to_name(open_libxl(), domain->domid);

	printf("%-40s %5d %5lu %5d     %c%c%c%c%c%c  %8.1f\n", name ? name : "(null)",
	       domain->domid,
	       (unsigned long)((domain->current_memkb + domain->outstanding_memkb) / 1024),
	       domain->vcpu_online, domain->running ? 'r' : '-', domain->blocked ? 'b' : '-',
	       domain->paused ? 'p' : '-', domain->shutdown ? 's' : '-',
	       reason < sizeof(letters) - 1 ? letters[reason] : '?', domain->dying ? 'd' : '-',
	       (double)domain->cpu_time / 1e9);
	free(name);
}

static void print_lines(const struct table *table, const uint32_t *only)
{
	const libxl_dominfo *domain, *partner;
	const struct diptych_pair *pair;
	int i;

	printf("Name                                        ID   Mem VCPUs\tState\tTime(s)\n");
	for (i = 0; i < table->count; i++) {
		domain = &table->domains[i];
		pair = pair_of(table, domain->domid);
		if (only && domain->domid != *only && !(pair && pair->guest == *only))
			continue;
		if (pair && domain->domid == pair->fidelity && domain_of(table, pair->guest))
			continue; /* comes with its guest */
		partner = pair ? domain_of(table, pair->fidelity) : NULL;
		print_line(domain);
		if (partner && partner != domain)
			print_line(partner);
	}
}

static void print_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			printf("\\u%04x", (unsigned int)(unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void print_head(const char *type, const char *name, uint32_t domid, const uint8_t *uuid)
{
	const libxl_uuid *u = (const libxl_uuid *)uuid;

	printf("    {\n        \"type\": \"%s\",\n        \"domid\": %u,\n        \"name\": ", type,
	       domid);
	print_quoted(name);
	printf(",\n        \"uuid\": \"" LIBXL_UUID_FMT "\",\n", LIBXL_UUID_BYTES(*u));
}

static void print_pair_json(const struct diptych_pair *pair)
{
	static const char *const states[] = {
		[DIPTYCH_RUNNING] = "running", [DIPTYCH_BLOCKED] = "blocked",
		[DIPTYCH_PAUSED] = "paused",   [DIPTYCH_SHUTDOWN] = "shutdown",
		[DIPTYCH_DYING] = "dying",
	};
	bool over = pair->state == DIPTYCH_SHUTDOWN || pair->state == DIPTYCH_DYING;

	print_head("pair", pair->name, pair->guest, pair->uuid);
	if (pair->fidelity == DIPTYCH_NO_DOMAIN)
		printf("        \"fidelity_domid\": null,\n");
	else
		printf("        \"fidelity_domid\": %u,\n", pair->fidelity);
	printf("        \"state\": \"%s\",\n        \"end\": ", states[pair->state]);
	if (over)
		printf("\"%s\",\n", diptych_end_text(pair->end));
	else
		printf("null,\n");
	printf("        \"vcpus\": %u,\n        \"memory_kib\": %" PRIu64
	       ",\n        \"pool_kib\": %" PRIu64 ",\n        \"fidelity_memory_kib\": %" PRIu64
	       ",\n        \"guest_cpu_ns\": %" PRIu64 ",\n        \"fidelity_cpu_ns\": %" PRIu64
	       "\n    }",
	       pair->vcpus, pair->memory_kib, pair->pool_kib, pair->fidelity_memory_kib,
	       pair->guest_ns, pair->fidelity_ns);
}

static void print_domain_json(const libxl_dominfo *domain)
{
	const char *state = domain->dying      ? "dying"
			    : domain->shutdown ? "shutdown"
			    : domain->paused   ? "paused"
			    : domain->running  ? "running"
					       : "blocked";
	char *name = libxl_domid_to_name(open_libxl(), domain->domid);

	print_head("domain", name ? name : "", domain->domid,
		   libxl_uuid_bytearray_const(&domain->uuid));
	printf("        \"state\": \"%s\",\n        \"vcpus\": %u,\n        \"memory_kib\": "
	       "%" PRIu64 ",\n        \"cpu_ns\": %" PRIu64 "\n    }",
	       state, domain->vcpu_online, domain->current_memkb, domain->cpu_time);
	free(name);
}

static void print_json(const struct table *table, const uint32_t *only)
{
	const struct diptych_pair *pair;
	const char *separator = "\n";
	int i;

	putchar('[');
	for (i = 0; i < table->count; i++) {
		const libxl_dominfo *domain = &table->domains[i];

		pair = pair_of(table, domain->domid);
		if (only && *only != (pair ? pair->guest : domain->domid))
			continue;
		if (pair && domain->domid == pair->fidelity && domain_of(table, pair->guest))
			continue;
		fputs(separator, stdout);
		separator = ",\n";
		if (pair)
			print_pair_json(pair);
		else
			print_domain_json(domain);
	}
	puts("\n]");
}

int verb_list(const struct verb *verb, int argc, char **argv)
{
	static const struct option longs[] = { { "long", 0, NULL, 'l' },
					       { "help", 0, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	struct target target = { .is_pair = false };
	struct table table = { NULL, 0, NULL, 0 };
	const uint32_t *only = NULL;
	bool json = false;

	while (next_option(verb, argc, argv, "lh", longs) >= 0)
		json = true;
	if (optind < argc) {
		if (target_find(argv[optind], &target))
			return EXIT_FAILURE;
		only = &target.domid;
	}
	if (diptych_list(open_pairs(), &table.pairs, &table.pair_count))
		return complain_of(open_pairs());
	table.domains = libxl_list_domain(open_libxl(), &table.count);
	if (!table.domains)
		return complain("cannot list domains");
	if (json)
		print_json(&table, only);
	else
		print_lines(&table, only);
	libxl_dominfo_list_free(table.domains, table.count);
	diptych_pairs_free(table.pairs, table.pair_count);
	target_dispose(&target);
	return EXIT_SUCCESS;
}
