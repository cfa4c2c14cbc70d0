// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin of QEMU's TCG that counts instructions, those executed by the hypervisor apart, and entries into
 * a guest (VMRUN).  It looks at nothing but instructions, so that it measures every hypervisor in the same way.
 *
 *   -plugin libcounter.so,out=FILE,image=ADDRESS,end=ADDRESS,dom0=ADDRESS
 *
 * One line for each marker, for the first instruction in the hypervisor's image, for dom0's first, and for the
 * first of a real guest (at the address where a processor starts):
 *   NAME TOTAL HOST ENTRIES RDTSC_EXITS RDTSC_HOST
 * NAME is entry, dom0, reset, or the marker's number; the last two are exits that a guest's RDTSC caused, and the
 * hypervisor's instructions for them.
 *
 * QEMU 7.2 ships no header for plugins: what is used of its interface (version 1) is declared here.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "markers.h"

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CALLBACK_NO_REGISTERS = 0 };
enum { INLINE_ADD_U64 = 0 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   void (*cb)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int, void *), int flags,
					    void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *where,
						uint64_t n);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const void *info,
							       int argc, char **argv);

#define RESET_VECTOR 0xfffffff0

static FILE *out;
static uint64_t image, image_end, dom0_address, vmrun_address;
static uint64_t total, host, host_began, entries;
static uint64_t rdtsc_at, rdtsc_exits, rdtsc_host;
static bool in_guest, entry_seen, dom0_seen, for_rdtsc;

/* Instructions of the hypervisor up to now; before its first entry into a guest, all. */
static uint64_t host_now(void)
{
	return host + (in_guest ? 0 : total - host_began);
}

static void say(const char *name)
{
	fprintf(out, "%s %llu %llu %llu %llu %llu\n", name, (unsigned long long)total,
		(unsigned long long)host_now(), (unsigned long long)entries,
		(unsigned long long)rdtsc_exits, (unsigned long long)rdtsc_host);
	fflush(out);
}

static void on_marker(unsigned int cpu, void *number)
{
	char name[24];

	(void)cpu;
	snprintf(name, sizeof(name), "%llu", (unsigned long long)(uintptr_t)number);
	say(name);
}

static void on_vmrun(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (for_rdtsc)
		rdtsc_host += total - host_began;
	for_rdtsc = false;
	host = host_now();
	in_guest = true;
	entries++;
}

/* Called before the instruction is counted. */
static void on_rdtsc(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	rdtsc_at = in_guest ? total : 0;
}

/* The instruction behind VMRUN: where a guest's exit leads. */
static void on_exit_of_guest(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (!in_guest)
		return;
	in_guest = false;
	host_began = total;
	for_rdtsc = rdtsc_at && total == rdtsc_at + 1;
	rdtsc_exits += for_rdtsc;
}

static void on_entry(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (!entry_seen)
		say("entry");
	entry_seen = true;
}

static void on_dom0(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (!dom0_seen && in_guest)
		say("dom0");
	dom0_seen |= in_guest;
}

static void on_reset(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (in_guest)
		say("reset");
}

static void on_translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 }, nop[] = { 0x0f, 0x1f, 0x84, 0x00 },
			     rdtsc[] = { 0x0f, 0x31 }, rdtscp[] = { 0x0f, 0x01, 0xf9 };
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *bytes = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		uint32_t number = 0;

		if (size == 3 && !memcmp(bytes, vmrun, 3)) {
			vmrun_address = address;
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vmrun,
							       CALLBACK_NO_REGISTERS, NULL);
		} else if (vmrun_address && address == vmrun_address + 3) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_exit_of_guest,
							       CALLBACK_NO_REGISTERS, NULL);
		}
		if ((size == 2 && !memcmp(bytes, rdtsc, 2)) ||
		    (size == 3 && !memcmp(bytes, rdtscp, 3)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_rdtsc,
							       CALLBACK_NO_REGISTERS, NULL);
		if (!entry_seen && address >= image && address < image_end)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_entry,
							       CALLBACK_NO_REGISTERS, NULL);
		if (address == dom0_address)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_dom0, CALLBACK_NO_REGISTERS,
							       NULL);
		if (address == RESET_VECTOR)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_reset,
							       CALLBACK_NO_REGISTERS, NULL);
		if (size == 8 && !memcmp(bytes, nop, sizeof(nop))) {
			memcpy(&number, bytes + 4, sizeof(number));
			if ((number & 0xffff0000) == MARKER_MAGIC)
				qemu_plugin_register_vcpu_insn_exec_cb(
					insn, on_marker, CALLBACK_NO_REGISTERS,
					(void *)(uintptr_t)(number & 0xffff));
		}
		qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &total, 1);
	}
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
		else if (!strncmp(argv[i], "image=", 6))
			image = strtoull(argv[i] + 6, NULL, 0);
		else if (!strncmp(argv[i], "end=", 4))
			image_end = strtoull(argv[i] + 4, NULL, 0);
		else if (!strncmp(argv[i], "dom0=", 5))
			dom0_address = strtoull(argv[i] + 5, NULL, 0);
	}
	if (!out) {
		fprintf(stderr, "counter: out=FILE is needed and must be writable\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
