// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vcpu-list, vcpu-pin, sched-credit.  A guest runs on its fidelity domain's time: what is set for it is
 * set for its partner, and where it runs is where its partner does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dxl.h"

static const struct option help_only[] = { { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };

#define CPUS 1024u

static void print_cpus(const uint8_t *bits, unsigned int cpus)
{
	unsigned int i, from;
	const char *comma = "";

	for (i = 0; i < cpus && bits[i / 8] & 1u << i % 8; i++)
		;
	if (i == cpus) {
		fputs("all", stdout);
		return;
	}
	for (i = 0; i < cpus; i++) {
		if (!(bits[i / 8] & 1u << i % 8))
			continue;
		for (from = i; i + 1 < cpus && bits[(i + 1) / 8] & 1u << (i + 1) % 8; i++)
			;
		printf(from == i ? "%s%u" : "%s%u-%u", comma, from, i);
		comma = ",";
	}
}

/* xl's columns. */
static void print_vcpu(const char *name, uint32_t domid, const struct diptych_vcpu *vcpu,
		       unsigned int cpus)
{
	printf("%-32s %5u %5u", name, domid, vcpu->number);
	if (vcpu->online)
		printf(" %5u   %c%c- ", vcpu->cpu, vcpu->running ? 'r' : '-',
		       vcpu->blocked ? 'b' : '-');
	else
		printf("     -   --p ");
	printf("%9.1f  ", (double)vcpu->guest_ns / 1e9);
	print_cpus(vcpu->affinity, cpus);
	puts(" / all");
}

static int list_pair(const struct diptych_pair *pair, unsigned int cpus)
{
	struct diptych_vcpu *vcpus;
	size_t count, i;

	if (diptych_vcpus(open_pairs(), pair->guest, &vcpus, &count))
		return complain_of(open_pairs());
	for (i = 0; i < count; i++)
		print_vcpu(pair->name, pair->guest, &vcpus[i], cpus);
	free(vcpus);
	return EXIT_SUCCESS;
}

static int list_domain(uint32_t domid, unsigned int cpus)
{
	char *name = libxl_domid_to_name(open_libxl(), domid);
	struct diptych_vcpu line;
	libxl_vcpuinfo *info;
	int count, all, i;

	info = libxl_list_vcpu(open_libxl(), domid, &count, &all);
	for (i = 0; info && i < count; i++) {
		memset(&line, 0, sizeof(line));
		line.number = info[i].vcpuid;
		line.online = info[i].online;
		line.running = info[i].running;
		line.blocked = info[i].blocked;
		line.cpu = info[i].cpu;
		line.guest_ns = info[i].vcpu_time;
		memcpy(line.affinity, info[i].cpumap.map,
		       info[i].cpumap.size < sizeof(line.affinity) ? info[i].cpumap.size
								   : sizeof(line.affinity));
		print_vcpu(name ? name : "", domid, &line, cpus);
	}
	if (info)
		libxl_vcpuinfo_list_free(info, count);
	free(name);
	return EXIT_SUCCESS;
}

static int list_target(const struct target *target, const char *who, unsigned int cpus)
{
	uint32_t domid = target->domid;

	/* A fidelity domain that was named itself. */
	if (target->is_pair && target_is_fidelity(target, who))
		return list_domain(target->pair.fidelity, cpus);
	return target->is_pair ? list_pair(&target->pair, cpus) : list_domain(domid, cpus);
}

static int list_all(unsigned int cpus)
{
	libxl_dominfo *domains;
	struct diptych_pair pair;
	int count, i, status = EXIT_SUCCESS;

	domains = libxl_list_domain(open_libxl(), &count);
	if (!domains)
		return complain("cannot list domains");
	for (i = 0; i < count; i++) {
		if (diptych_lookup_id(open_pairs(), domains[i].domid, &pair)) {
			list_domain(domains[i].domid, cpus);
			continue;
		}
		if (pair.guest != domains[i].domid || pair.fidelity == DIPTYCH_NO_DOMAIN)
			list_domain(domains[i].domid, cpus);
		else if (list_pair(&pair, cpus))
			status = EXIT_FAILURE;
		diptych_pair_dispose(&pair);
	}
	libxl_dominfo_list_free(domains, count);
	return status;
}

int verb_vcpu_list(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	int status = EXIT_SUCCESS, cpus;

	while (next_option(verb, argc, argv, "h", help_only) >= 0)
		;
	cpus = libxl_get_online_cpus(open_libxl());
	if (cpus <= 0 || cpus > (int)CPUS)
		return complain("cannot count the CPUs");
	printf("%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
	       "Affinity (Hard / Soft)");
	if (optind == argc)
		return list_all((unsigned int)cpus);
	for (; optind < argc; optind++) {
		if (target_find(argv[optind], &target))
			return EXIT_FAILURE;
		if (list_target(&target, argv[optind], (unsigned int)cpus))
			status = EXIT_FAILURE;
		target_dispose(&target);
	}
	return status;
}

/* The partner's vCPU on whose time the guest's runs; what is none is left for xl to refuse. */
static void to_partner(const struct diptych_pair *pair, char **vcpu, char *text, size_t size)
{
	char *end;
	unsigned long number = strtoul(*vcpu, &end, 10);

	if (!**vcpu || *end || number >= pair->vcpus || !pair->fidelity_vcpus)
		return;
	snprintf(text, size, "%lu", number % pair->fidelity_vcpus);
	*vcpu = text;
}

/* xl's own words and checks, on the partner. */
int verb_vcpu_pin(const struct verb *verb, int argc, char **argv)
{
	struct target target;
	char number[16], vcpu[24];

	while (next_option(verb, argc, argv, "h", help_only) >= 0)
		;
	if (target_find(argv[optind], &target))
		return EXIT_FAILURE;
	if (target.is_pair) {
		snprintf(number, sizeof(number), "%u", target.pair.fidelity);
		argv[optind] = number;
		if (optind + 1 < argc)
			to_partner(&target.pair, &argv[optind + 1], vcpu, sizeof(vcpu));
		target_dispose(&target);
	}
	return exec_xl(verb->name, argc - optind, argv + optind);
}

static int sched_of_pair(struct target *target, long weight, long cap)
{
	unsigned int weight_now, cap_now;
	int error;

	if (weight >= 0 || cap >= 0) {
		error = diptych_sched_set(open_pairs(), target->domid,
					  weight >= 0 ? (unsigned int)weight : 0, (int)cap);
		return error ? complain_of(open_pairs()) : EXIT_SUCCESS;
	}
	if (diptych_sched_get(open_pairs(), target->domid, &weight_now, &cap_now))
		return complain_of(open_pairs());
	printf("%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
	printf("%-33s %4u %6u %4u\n", target->pair.name, target->domid, weight_now, cap_now);
	return EXIT_SUCCESS;
}

static bool read_number(const char *text, long most, long *number)
{
	char *end;

	*number = strtol(text, &end, 10);
	if (*text && !*end && *number >= 0 && *number <= most)
		return true;
	complain("\"%s\" is no number from 0 to %ld", text, most);
	return false;
}

int verb_sched_credit(const struct verb *verb, int argc, char **argv)
{
	static const struct option longs[] = { { "domain", 1, NULL, 'd' },
					       { "weight", 1, NULL, 'w' },
					       { "cap", 1, NULL, 'c' },
					       { "help", 0, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	long weight = -1, cap = -1;
	struct target target = { .is_pair = false };
	const char *who = NULL;
	int option, status;

	while ((option = next_option(verb, argc, argv, "d:w:c:h", longs)) >= 0) {
		if (option == 'd')
			who = optarg;
		else if (!read_number(optarg, option == 'w' ? 65535 : 102400,
				      option == 'w' ? &weight : &cap))
			return EXIT_USAGE;
	}
	if (!who && (weight >= 0 || cap >= 0)) {
		complain("-d DOMAIN must say whose");
		return EXIT_USAGE;
	}
	if (who && target_find(who, &target))
		return EXIT_FAILURE;
	if (!target.is_pair)
		return exec_xl(verb->name, argc - 1, argv + 1);
	status = sched_of_pair(&target, weight, cap);
	target_dispose(&target);
	return status;
}
