// SPDX-License-Identifier: GPL-2.0-or-later
/* What all attacks share: hypercalls by privcmd, ring 0 by the module, good and bad memory, victims. */
#define _GNU_SOURCE
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>

u8 *arena, *read_only, *list;
struct pointer bad[24];
unsigned int nr_bad;
u64 wrongs;
u16 in_guest;

static u64 state = 1;

void random_seed(u64 seed)
{
	state = seed * 0x9e3779b97f4a7c15ull + 1;
}

u64 random_word(void) /* xorshift64* */
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

u64 random_below(u64 n)
{
	return (random_word() >> 16) % n;
}

void wrong(const char *format, ...)
{
	va_list args;

	printf("WRONG: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	wrongs++;
}

struct privcmd_hypercall {
	u64 op, arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

static int opened(int *fd, const char *path)
{
	if (!*fd) {
		*fd = open(path, O_RDWR | O_CLOEXEC);
		if (*fd < 0) {
			perror(path);
			exit(2);
		}
	}
	return *fd;
}

long call5(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	static int fd;
	struct privcmd_hypercall p = { nr, { a, b, c, d, e } };
	long result;

	if (in_guest)
		return guest_call(nr, a, b, c, d, e);
	/* the library's ioctl() cuts the result to 32 bits */
	result = syscall(SYS_ioctl, opened(&fd, "/dev/xen/privcmd"), IOCTL_PRIVCMD_HYPERCALL, &p);

	return result == -1 ? -errno : result;
}

bool kernel_does(struct hostile *h)
{
	static int fd;

	if (ioctl(opened(&fd, "/dev/hostile"), HOSTILE_DO, h)) {
		perror("/dev/hostile");
		exit(2);
	}
	return h->fault;
}

bool kernel_instruction(u32 what, u64 rax, u64 rcx, u64 rdx)
{
	struct hostile h = { .what = what, .rax = rax, .rcx = rcx, .rdx = rdx };

	return kernel_does(&h);
}

bool msr_read(u32 index, u64 *value)
{
	struct hostile h = { .what = HOSTILE_RDMSR, .rcx = index };
	bool refused = kernel_does(&h);

	*value = (h.rax & 0xffffffff) | h.rdx << 32;
	return !refused;
}

bool msr_write(u32 index, u64 value)
{
	return !kernel_instruction(HOSTILE_WRMSR, value & 0xffffffff, index, value >> 32);
}

void *physical_map(u64 address)
{
	static int fd;
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, opened(&fd, "/dev/mem"),
		       (off_t)address);

	return p == MAP_FAILED ? NULL : p;
}

static void add(u64 address, const char *what, bool readable)
{
	if (nr_bad < sizeof(bad) / sizeof(bad[0]))
		bad[nr_bad++] = (struct pointer){ address, what, readable };
}

void stay_on_first_cpu(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first)) {
		perror("sched_setaffinity");
		exit(2);
	}
}

void memory_prepare(void)
{
	/* arena, a hole, a read-only page, a hole, a page that nobody may touch; what is not there must stay so, or the next
	 * mapping of this program is put there: it is a page without access, too */
	u8 *p = mmap(NULL, ARENA + 4 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	arena = p;
	read_only = p + ARENA + PAGE;
	list = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (list == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	mprotect(list + PAGE, PAGE, PROT_NONE);
	memset(arena, 0, ARENA);
	memset(read_only, 0xff, PAGE); /* zeros would name dom0 and its frame 0 */
	mprotect(p + ARENA, PAGE, PROT_NONE);
	mprotect(p + ARENA + 2 * PAGE, PAGE, PROT_NONE);
	mprotect(read_only, PAGE, PROT_READ);
	mprotect(p + ARENA + 3 * PAGE, PAGE, PROT_NONE);
	add(0, "0", false);
	add(8, "8", false);
	add((u64)(arena + ARENA), "page that is not there", false);
	add((u64)(arena + ARENA - 1), "end of a page, over to one that is not there", false);
	add((u64)(read_only + PAGE - 1), "end of a read-only page, over to none", false);
	add((u64)(p + ARENA + 3 * PAGE), "page without access", false);
	add(0x7fffffffeffcull, "end of user space", false);
	add(0x800000000000ull, "not canonical, first", false);
	add(0x1234567812345678ull, "not canonical", false);
	add(0xffff7fffffffffffull, "not canonical, last", false);
	add(0xffffffffffffffffull, "end of all", false);
	add(CORE_START, "the core's own linear address", false);
	add(2ull << 39, "the core's windows", false);
	if (physical_map(CORE_START))
		add((u64)physical_map(CORE_START), "the core's memory", false);
	if (physical_map(APIC_PAGE))
		add((u64)physical_map(APIC_PAGE), "the local APIC", false);
	if (physical_map(0xfec00000))
		add((u64)physical_map(0xfec00000), "a device", false);
	add((u64)read_only, "read-only page", true);
}

void invariant_ask(void)
{
	static const char key = 'i';
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys,
				 .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

	set_xen_guest_handle(op.u.debug_keys.keys, (char *)&key);
	op.u.debug_keys.nr_keys = 1;
	if (call(__HYPERVISOR_sysctl, &op, 0, 0))
		wrong("the core does not answer for its invariant");
}

void timer_repair(void)
{
	struct vcpu_set_singleshot_timer op = { .timeout_abs_ns = 1 };
	u32 cpu;

	syscall(SYS_getcpu, &cpu, NULL, NULL);
	call(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, cpu, &op);
}

long victim_make(u32 id)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain,
				 .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
				 .domain = (domid_t)id };
	long result;

	op.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	op.u.createdomain.max_vcpus = 1;
	op.u.createdomain.max_evtchn_port = 63;
	op.u.createdomain.max_grant_frames = 2;
	op.u.createdomain.max_maptrack_frames = 1;
	op.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
	result = call(__HYPERVISOR_domctl, &op, 0, 0);
	if (result)
		return result;
	op.cmd = XEN_DOMCTL_max_mem;
	op.u.max_mem.max_memkb = 4096;
	return call(__HYPERVISOR_domctl, &op, 0, 0);
}

void victims_destroy(void)
{
	for (u32 id = VICTIM; id < VICTIM + VICTIMS; id++) {
		struct xen_domctl op = { .cmd = XEN_DOMCTL_destroydomain,
					 .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
					 .domain = (domid_t)id };
		long result = call(__HYPERVISOR_domctl, &op, 0, 0);

		if (result && result != -ESRCH)
			wrong("victim %u is not destroyed: %ld", id, result);
	}
}
