/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVM: enabling, the permission maps, the control block's fixed part, address
 * space identifiers, the run call.
 */
#include "x86/svm.h"

#include "lib.h"
#include "pages.h"
#include "x86/cpu.h"
#include "x86/speculation.h"

#define CPUID_SVM_FEATURES 0x8000000a
#define SVM_NP		   (1u << 0)
#define SVM_NRIP	   (1u << 3)
#define SVM_DECODE	   (1u << 7)
#define VM_CR_R_INIT	   (1ull << 1)
#define VM_CR_SVMDIS	   (1ull << 4)

bool svm_has_nrip, svm_has_decode;

static u8 io_map_dom0[12288] __aligned(4096);
static u8 io_map_others[12288] __aligned(4096);
static u8 msr_map[8192] __aligned(4096);

static u32 asids;

static void msr_pass(u32 index, bool write)
{
	u32 base = index < 0x2000	? index
		   : index < 0xc0002000 ? index - 0xc0000000 + 0x2000
					: index - 0xc0010000 + 0x4000;
	u32 bit = base * 2;

	msr_map[bit / 8] &= (u8) ~((write ? 3u : 1u) << (bit % 8));
}

static void port_set(u8 *map, u32 port, bool intercept)
{
	if (intercept)
		map[port / 8] |= (u8)(1u << (port % 8));
	else
		map[port / 8] &= (u8) ~(1u << (port % 8));
}

void svm_hide_ports(u16 first, u16 nr)
{
	for (u32 i = 0; i < nr; i++)
		port_set(io_map_dom0, first + i, true);
}

static void maps_init(void)
{
	/* State that VMLOAD/VMSAVE or the control block switch anyway: no exit needed. */
	static const u32 own[] = { 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
				   0xc0000101, 0xc0000102, 0x174,      0x175,	   0x176 };

	memset(msr_map, 0xff, sizeof(msr_map));
	for (u32 i = 0; i < ARRAY_SIZE(own); i++)
		msr_pass(own[i], true);
	msr_pass(0x10, false);
	memset(io_map_others, 0xff, sizeof(io_map_others));
	/* What is written there only to let time pass. */
	port_set(io_map_others, 0x80, false);
	port_set(io_map_others, 0xed, false);
	/* Beyond port 0xffff: accesses that would wrap. */
	memset(io_map_dom0 + 8192, 0xff, sizeof(io_map_dom0) - 8192);
}

void svm_init_cpu(struct cpu *c)
{
	u32 r[4];

	cpuid(0x80000001, 0, r);
	if (!(r[2] & 4))
		cannot_start("the processor has no SVM (AMD-V): a processor with it is needed "
			     "(Intel's VMX "
			     "is not supported yet; in a virtual machine, let it have nested "
			     "virtualization)");
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		cannot_start("SVM (AMD-V) is switched off: switch it on in the firmware's setup");
	cpuid(CPUID_SVM_FEATURES, 0, r);
	if (!(r[3] & SVM_NP))
		cannot_start("the processor has SVM but no nested paging (NPT): a processor with "
			     "both is needed");
	svm_has_nrip = r[3] & SVM_NRIP;
	svm_has_decode = r[3] & SVM_DECODE;
	asids = asids ? (u32)min_u64(asids, r[1]) : r[1];
	c->next_asid = 1;
	c->generation = CPU_GENERATION | c->id;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	/* An INIT is turned into #SX in the core and into an exit in a guest (APM 2, 15.21.8). */
	wrmsr(MSR_VM_CR, rdmsr(MSR_VM_CR) | VM_CR_R_INIT);
	speculation_init_cpu();
	wrmsr(MSR_VM_HSAVE, (u64)c->host_save);
	if (c == &boot_cpu)
		maps_init();
	__asm__ volatile("vmsave %0" : : "a"(c->host_state) : "memory");
}

void svm_vmcb_init(struct vmcb *b, enum svm_kind kind)
{
	b->intercept_1 = INTERCEPT1_INTR | INTERCEPT1_NMI | INTERCEPT1_INIT | INTERCEPT1_RDPMC |
			 INTERCEPT1_CPUID | INTERCEPT1_INVD | INTERCEPT1_HLT | INTERCEPT1_INVLPGA |
			 INTERCEPT1_IOIO | INTERCEPT1_MSR | INTERCEPT1_SHUTDOWN;
	/* Delivering #DB or #AC can raise it again, for ever and without an exit (CVE-2015-5307, -8104). */
	b->intercept_exception = INTERCEPT_DB | INTERCEPT_AC | INTERCEPT_MC;
	b->intercept_2 = INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD |
			 INTERCEPT2_VMSAVE | INTERCEPT2_STGI | INTERCEPT2_CLGI | INTERCEPT2_SKINIT |
			 INTERCEPT2_MONITOR | INTERCEPT2_MWAIT | INTERCEPT2_XSETBV |
			 INTERCEPT2_RDPRU;
	if (kind != SVM_DOM0)
		b->intercept_2 |= INTERCEPT2_WBINVD;
	b->iopm_pa = (u64)(kind == SVM_DOM0 ? io_map_dom0 : io_map_others);
	b->msrpm_pa = (u64)msr_map;
	b->v_intr = V_INTR_MASKING;
	b->nested_control = 1;
	b->efer = EFER_SVME;
	b->g_pat = 0x0007040600070406ull;
	b->dr6 = 0xffff0ff0;
	b->dr7 = 0x400;
	b->rflags = 2;
	b->cr0 = CR0_ET;
}

/*
 * ASIDs: a generation of a CPU is a promise that what was translated there under an older one is never
 * used again. A new number is given for each generation; when the numbers run out, everything is
 * flushed. Generations of different CPUs differ, so that a vCPU that moves gets a new number, too.
 */
void svm_assign_asid(struct cpu *c, struct vmcb *b, u64 *of)
{
	b->tlb_control = 0;
	if (*of == c->generation)
		return;
	if (c->next_asid >= asids) {
		c->next_asid = 1;
		c->generation += CPU_GENERATION;
		b->tlb_control = 1; /* flush all */
	}
	b->asid = c->next_asid++;
	*of = c->generation;
}

void svm_not_entered(struct cpu *c, u64 *of)
{
	c->next_asid = asids;
	*of = 0;
}
