// SPDX-License-Identifier: GPL-2.0-or-later
/* hostile ATTACK [NUMBER [SEED]], in a PVH guest hostile pvh ATTACK ...; the last line it prints is "ATTACK: N wrong". */
#include "hostile.h"

int main(int argc, char **argv)
{
	const char *attack = argc > 1 ? argv[1] : "";
	u64 number = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000;

	random_seed(argc > 3 ? strtoull(argv[3], NULL, 0) : 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(attack, "fidelity"))
		attack_fidelity(number);
	else if (!strcmp(attack, "fidelity-end"))
		attack_fidelity_end();
	if (!strncmp(attack, "fidelity", 8) || attack_guest(attack, number)) {
		printf("%s: %llu wrong\n", attack, (unsigned long long)wrongs);
		return wrongs != 0;
	}
	if (!strncmp(attack, "pvh-", 4)) {
		in_guest = guest_self();
		attack += 4;
	}
	memory_prepare();
	if (in_guest && !strcmp(attack, "neighbours"))
		attack_neighbours(in_guest, in_guest);
	else if (in_guest && !strcmp(attack, "end"))
		attack_fidelity_end();
	else if (!strcmp(attack, "errors"))
		attack_errors();
	else if (!strcmp(attack, "pointers"))
		attack_pointers();
	else if (!strcmp(attack, "mappings"))
		attack_mappings();
	else if (!strcmp(attack, "random"))
		attack_random(number);
	else if (!strcmp(attack, "msrs"))
		attack_msrs(number);
	else if (!strcmp(attack, "ports"))
		attack_ports();
	else if (!strcmp(attack, "memory"))
		attack_memory();
	else if (!strcmp(attack, "instructions"))
		attack_instructions();
	else if (!strcmp(attack, "interrupts"))
		attack_interrupts();
	else if (!strcmp(attack, "end") && argc > 2)
		attack_end(argv[2]);
	else {
		fprintf(stderr, "usage: hostile errors|pointers|mappings|random|msrs|ports|memory|"
				"instructions|interrupts [number [seed]], or hostile end HOW\n");
		return 2;
	}
	if (in_guest)
		printf("%llu calls by domain %u\n", (unsigned long long)guest_calls, in_guest);
	else
		victims_destroy();
	printf("%s: %llu wrong\n", attack, (unsigned long long)wrongs);
	return wrongs != 0;
}
