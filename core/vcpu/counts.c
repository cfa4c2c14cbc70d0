/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vcpu/counts.h"

#include "lib.h"
#include "vcpu/relay.h"
#include "x86/svm.h"

/* Codes below 0x100 as they are, then nested faults, then the rest. */
#define INDEX_NPF   0x100
#define INDEX_OTHER 0x101

static u64 counts[COUNT_KINDS][0x102];

void exit_count(enum count_kind kind, u64 code, u64 n)
{
	counts[kind][code < 0x100 ? code : code == EXIT_NPF ? INDEX_NPF : INDEX_OTHER] += n;
}

void exit_counts_print(void)
{
	static const struct {
		u16 index;
		const char *name;
	} names[] = {
		{ EXIT_INTR, "INTR" },	 { EXIT_NMI, "NMI" },	      { EXIT_VINTR, "VINTR" },
		{ EXIT_CPUID, "CPUID" }, { EXIT_HLT, "HLT" },	      { EXIT_IOIO, "IOIO" },
		{ EXIT_MSR, "MSR" },	 { EXIT_VMMCALL, "VMMCALL" }, { EXIT_WBINVD, "WBINVD" },
		{ INDEX_NPF, "NPF" },
	};

	for (u32 kind = 0; kind < COUNT_KINDS; kind++) {
		char line[200];
		size_t n = 0;
		u64 total = 0, named = 0;

		for (u32 i = 0; i < ARRAY_SIZE(counts[0]); i++)
			total += counts[kind][i];
		for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
			u64 c = counts[kind][names[i].index];

			named += c;
			if (c)
				n += format_string(line + n, sizeof(line) - n, " %s=%lu",
						   names[i].name, c);
		}
		format_string(line + n, sizeof(line) - n, " other=%lu", (total - named));
		printk("exits of %s: total=%lu%s\n",
		       kind == COUNT_GUEST ? "real guests" : "PVH domains", total, line);
	}
	printk("interrupts relayed to dom0: %lu\n", relay_count);
}
