/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build: -DPROTECT_FRAMES=8192ull -DPROTECT_TABLES=512ull -DPROTECT_SLOTS=256ull */
/* What stock tools ask and set: versions, sysctl, domctl, HVM context, CPU policy, by the errors they know. */
#include "xen_world.h"

static s64 sysctl(struct xen_sysctl *op)
{
	s64 result;

	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	memcpy(at(ARG), op, sizeof(*op));
	result = hyper(vcpu0(dom0), __HYPERVISOR_sysctl, ARG, 0, 0, 0);
	memcpy(op, at(ARG), sizeof(*op));
	return result;
}

START_TEST(versions)
{
	static const char text[1024] = "dom0_mem=512M console=com1";
	struct xen_feature_info f = { 0 };
	struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .interface_version = 0x16 };

	world();
	ck_assert_int_eq(hyper(vcpu0(dom0), __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0),
			 4 << 16 | 17);
	ok(CALL0(__HYPERVISOR_xen_version, XENVER_get_features, &f));
	ck_assert_uint_eq(f.submap, 0x12b05);
	ok(hyper(vcpu0(dom0), __HYPERVISOR_xen_version, XENVER_capabilities, LIST, 0, 0));
	ck_assert_ptr_nonnull(strstr(at(LIST), "hvm-3.0-x86_32 "));
	xen_command_line = text;
	ok(hyper(vcpu0(dom0), __HYPERVISOR_xen_version, XENVER_commandline, LIST, 0, 0));
	ck_assert_str_eq(at(LIST), "dom0_mem=512M console=com1");
	memcpy(at(ARG), &op, sizeof(op));
	fails(EACCES, hyper(vcpu0(dom0), __HYPERVISOR_domctl, ARG, 0, 0, 0));
	fails(ENOSYS, hyper(vcpu0(dom0), 27, 0, 0, 0, 0));
	fails(EFAULT, hyper(vcpu0(dom0), __HYPERVISOR_domctl, 1ull << 40, 0, 0, 0));
}
END_TEST

START_TEST(creation)
{
	struct xen_domctl op = create_op(XEN_X86_EMU_LAPIC | XEN_X86_EMU_PIT), info;
	struct domain *d;

	world();
	fails(EOPNOTSUPP, domctl(&op));
	op = create_op(XEN_X86_EMU_LAPIC);
	op.u.createdomain.flags = 0; /* PV */
	fails(EINVAL, domctl(&op));
	op = create_op(XEN_X86_EMU_LAPIC);
	op.domain = DOMID_INVALID;
	memset(op.u.createdomain.handle, 7, 16);
	ok(domctl(&op));
	ck_assert_uint_eq(op.domain, 1);
	d = domain_by_id(1);
	info = (struct xen_domctl){ .cmd = XEN_DOMCTL_getdomaininfo, .domain = 1 };
	ok(domctl(&info));
	ck_assert_uint_eq(info.u.getdomaininfo.flags, XEN_DOMINF_hvm_guest | XEN_DOMINF_hap |
							      XEN_DOMINF_paused |
							      XEN_DOMINF_blocked);
	ck_assert_uint_eq(info.u.getdomaininfo.max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
	ck_assert_uint_eq(info.u.getdomaininfo.handle[15], 7);
	info.domain = 2;
	fails(ESRCH, domctl(&info));
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_max_vcpus, .domain = 1 };
	op.u.max_vcpus.max = 2;
	fails(EINVAL, domctl(&op));
	op.u.max_vcpus.max = 1;
	ok(domctl(&op));
	fails(EBUSY, domctl(&op));
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_set_paging_mempool_size, .domain = 1 };
	op.u.paging_mempool.size = 4097;
	fails(EINVAL, domctl(&op));
	op.u.paging_mempool.size = 8192;
	ok(domctl(&op));
	op.cmd = XEN_DOMCTL_get_paging_mempool_size;
	op.u.paging_mempool.size = 0;
	ok(domctl(&op));
	ck_assert_uint_eq(op.u.paging_mempool.size, 8192);
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_settscinfo, .domain = 1 };
	ok(domctl(&op));
	op.u.tsc_info.tsc_mode = 1;
	fails(EOPNOTSUPP, domctl(&op));
	op.cmd = XEN_DOMCTL_psr_alloc;
	fails(ENOSYS, domctl(&op));
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_unpausedomain, .domain = 1 };
	ok(domctl(&op));
	fails(EINVAL, domctl(&op));
	destroy(d);
	op.domain = 0;
	op.cmd = XEN_DOMCTL_pausedomain;
	fails(EINVAL, domctl(&op)); /* the caller itself */
}
END_TEST

START_TEST(machine)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };
	struct xen_domctl_getdomaininfo *list;

	world();
	make_domain(XEN_X86_EMU_LAPIC, 4);
	ok(sysctl(&op));
	ck_assert_uint_eq(op.u.physinfo.capabilities, 0x109);
	ck_assert_uint_eq(op.u.physinfo.nr_cpus, 1);
	ck_assert_uint_eq(op.u.physinfo.free_pages, frames_free());
	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_getdomaininfolist };
	op.u.getdomaininfolist.max_domains = 10;
	set_xen_guest_handle_raw(op.u.getdomaininfolist.buffer, (void *)LIST);
	ok(sysctl(&op));
	ck_assert_uint_eq(op.u.getdomaininfolist.num_domains, 2);
	list = at(LIST);
	ck_assert_uint_eq(list[1].domain, 1);
	ck_assert_uint_eq(list[1].tot_pages, 4);
	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_cpupool_op };
	op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	op.u.cpupool_op.cpumap.nr_bits = 64;
	set_xen_guest_handle_raw(op.u.cpupool_op.cpumap.bitmap, (u8 *)LIST);
	ok(sysctl(&op));
	ck_assert_uint_eq(*(u64 *)at(LIST), 1);
	ck_assert_uint_eq(op.u.cpupool_op.n_dom, 2);
	ck_assert_uint_eq(op.u.cpupool_op.sched_id, 5);
	op.u.cpupool_op.cpupool_id = 1;
	fails(ENOENT, sysctl(&op));
	op = (struct xen_sysctl){ .cmd = XEN_SYSCTL_numainfo };
	ok(sysctl(&op));
	ck_assert_uint_eq(op.u.numainfo.num_nodes, 1);
	op = (struct xen_sysctl){ .cmd = 10 };
	fails(ENOSYS, sysctl(&op));
}
END_TEST

static u8 *put_record(u8 *p, u16 type, u16 instance, const void *body, u32 length)
{
	struct hvm_save_descriptor d = { type, instance, length };

	memcpy(p, &d, sizeof(d));
	if (length)
		memcpy(p + sizeof(d), body, length);
	return p + sizeof(d) + length;
}

/* As libxenguest's vcpu_hvm() does it. */
static struct xenpf_pcpuinfo pcpu(u32 nr)
{
	struct xen_platform_op op = { .cmd = XENPF_get_cpuinfo };

	op.interface_version = XENPF_INTERFACE_VERSION;
	op.u.pcpu_info.xen_cpuid = nr;
	memcpy(at(ARG), &op, sizeof(op));
	ok(hyper(vcpu0(dom0), __HYPERVISOR_platform_op, ARG, 0, 0, 0));
	memcpy(&op, at(ARG), sizeof(op));
	return op.u.pcpu_info;
}

START_TEST(processors)
{
	struct xenpf_pcpuinfo info;

	world();
	info = pcpu(0);
	ck_assert_uint_eq(info.max_present, nr_cpus - 1);
	ck_assert_uint_eq(info.flags, XEN_PCPU_FLAGS_ONLINE);
	ck_assert_uint_eq(info.apic_id, boot_cpu.apic_id);
	ck_assert_uint_eq(pcpu(nr_cpus).flags, XEN_PCPU_FLAGS_INVALID);
	ck_assert_uint_eq(pcpu(~0u).flags, XEN_PCPU_FLAGS_INVALID);
}
END_TEST

/* News of dom0's devices are taken, and forgotten; what cannot be read or written is -EFAULT all the same. */
START_TEST(devices)
{
	static const u64 news[] = { PHYSDEVOP_pci_mmcfg_reserved, PHYSDEVOP_pci_device_add,
				    PHYSDEVOP_pci_device_remove };
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_pcitopoinfo };
	const u64 nowhere = (u64)DEVICE_GFN << PAGE_SHIFT;
	struct vcpu *v;

	world();
	v = vcpu0(dom0);
	for (u32 i = 0; i < ARRAY_SIZE(news); i++) {
		ok(hyper(v, __HYPERVISOR_physdev_op, news[i], LIST, 0, 0));
		fails(EFAULT, hyper(v, __HYPERVISOR_physdev_op, news[i], nowhere, 0, 0));
	}
	op.u.pcitopoinfo.num_devs = 2;
	fails(EINVAL, sysctl(&op));
	set_xen_guest_handle_raw(op.u.pcitopoinfo.devs, (physdev_pci_device_t *)LIST);
	set_xen_guest_handle_raw(op.u.pcitopoinfo.nodes, (u32 *)(LIST + 64));
	ok(sysctl(&op));
	ck_assert_uint_eq(*(u32 *)at(LIST + 68), XEN_INVALID_DEV);
	set_xen_guest_handle_raw(op.u.pcitopoinfo.nodes, (u32 *)nowhere);
	fails(EFAULT, sysctl(&op));
	set_xen_guest_handle_raw(op.u.pcitopoinfo.nodes, (u32 *)(LIST + 64));
	set_xen_guest_handle_raw(op.u.pcitopoinfo.devs, (physdev_pci_device_t *)nowhere);
	fails(EFAULT, sysctl(&op));
}
END_TEST

START_TEST(hvm_context)
{
	struct hvm_save_header header = { .magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION };
	struct hvm_hw_cpu cpu = { .rip = 0x1000000,
				  .rbx = 0x2000,
				  .cr0 = 0x11,
				  .cs_limit = ~0u,
				  .cs_arbytes = 0xc9b,
				  .ss_limit = ~0u,
				  .ss_arbytes = 0xc93,
				  .tr_limit = 0x67,
				  .tr_arbytes = 0x8b,
				  .dr6 = 0xffff0ff0,
				  .dr7 = 0x400 };
	struct xen_domctl op = { .cmd = XEN_DOMCTL_gethvmcontext };
	struct hvm_save_descriptor *d;
	struct domain *dom;
	u8 *p;
	u32 size;

	world();
	dom = make_domain(XEN_X86_EMU_LAPIC, 4);
	op.domain = dom->id;
	ok(domctl(&op));
	size = op.u.hvmcontext.size;
	ck_assert_uint_eq(size, 8 + 24 + 8 + 1032 + 8 + 240 + 8);
	set_xen_guest_handle_raw(op.u.hvmcontext.buffer, (u8 *)LIST);
	op.u.hvmcontext.size = size - 1;
	fails(ENOSPC, domctl(&op));
	op.u.hvmcontext.size = size;
	ok(domctl(&op));
	d = at(LIST);
	ck_assert_uint_eq(d->typecode, HVM_SAVE_CODE(HEADER));
	d = at(LIST + 32 + 1040);
	ck_assert_uint_eq(d->typecode, HVM_SAVE_CODE(MTRR));
	ck_assert_uint_eq(((struct hvm_hw_mtrr *)(d + 1))->msr_mtrr_def_type, 0xc06);

	p = put_record(at(LIST), HVM_SAVE_CODE(HEADER), 0, &header, sizeof(header));
	p = put_record(p, HVM_SAVE_CODE(CPU), 0, &cpu, sizeof(cpu));
	p = put_record(p, HVM_SAVE_CODE(END), 0, NULL, 0);
	op.cmd = XEN_DOMCTL_sethvmcontext;
	op.u.hvmcontext.size = (u32)(p - (u8 *)at(LIST));
	ok(domctl(&op));
	ck_assert_uint_eq(vcpu0(dom)->vmcb->rip, 0x1000000);
	ck_assert_uint_eq(vcpu0(dom)->regs.r[RBX], 0x2000);
	ck_assert_uint_eq(vcpu0(dom)->vmcb->cs.attributes, 0xc9b);
	ck_assert_uint_eq(vcpu0(dom)->vmcb->rflags, 2);
	ck_assert_uint_eq(vcpu0(dom)->vmcb->efer, EFER_SVME);
	ck_assert_uint_eq(vcpu0(dom)->start, START_UP);
	ck_assert(!vcpu_runnable(vcpu0(dom)));
	/* a stream that ends inside a record changes nothing */
	vcpu0(dom)->vmcb->rip = 5;
	op.u.hvmcontext.size -= 9;
	fails(EINVAL, domctl(&op));
	ck_assert_uint_eq(vcpu0(dom)->vmcb->rip, 5);
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_unpausedomain, .domain = dom->id };
	ok(domctl(&op));
	ck_assert(vcpu_runnable(vcpu0(dom)));
	destroy(dom);
}
END_TEST

START_TEST(cpu_policy)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_get_cpu_policy };
	struct xen_domctl op = { .cmd = XEN_DOMCTL_set_cpu_policy };
	struct cpuid_leaf *leaves;
	struct domain *d;
	u32 out[4], i, nr;

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 4);
	s.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_hvm_default;
	ok(sysctl(&s));
	ck_assert_uint_ge(s.u.cpu_policy.nr_leaves, 40);
	set_xen_guest_handle_raw(s.u.cpu_policy.leaves, (void *)LIST);
	nr = s.u.cpu_policy.nr_leaves;
	s.u.cpu_policy.nr_leaves = 3;
	fails(ENOBUFS, sysctl(&s));
	s.u.cpu_policy.nr_leaves = nr;
	ok(sysctl(&s));
	nr = s.u.cpu_policy.nr_leaves;
	leaves = at(LIST);
	for (i = 0; i < nr && leaves[i].leaf != 1; i++)
		;
	ck_assert_uint_lt(i, nr);
	ck_assert_uint_eq(leaves[i].subleaf, XEN_CPUID_NO_SUBLEAF);
	leaves[i].c |= 1u << 5; /* VMX, which "max" lacks */
	leaves[i].c &= ~1u;	/* SSE3 away */
	op.domain = d->id;
	op.u.cpu_policy.nr_leaves = nr;
	set_xen_guest_handle_raw(op.u.cpu_policy.leaves, (void *)LIST);
	ok(domctl(&op));
	policy_lookup(d, 1, 0, out);
	ck_assert_uint_eq(out[2], 0x80200000);
	policy_lookup(d, 7, 0, out);
	ck_assert_uint_eq(out[1], 1);
	policy_lookup(d, 0x90000000, 0, out);
	ck_assert_uint_eq(out[0] | out[1] | out[2] | out[3], 0);
	leaves[i].leaf = 0x12;
	fails(EINVAL, domctl(&op));
	ck_assert_uint_eq(op.u.cpu_policy.err_leaf, 0x12);
	policy_lookup(d, 1, 0, out);
	ck_assert_uint_eq(out[2], 0x80200000);

	s = (struct xen_sysctl){ .cmd = XEN_SYSCTL_get_cpu_featureset };
	s.u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_host;
	s.u.cpu_featureset.nr_features = 2;
	set_xen_guest_handle_raw(s.u.cpu_featureset.features, (u32 *)LIST);
	fails(ENOBUFS, sysctl(&s));
	ck_assert_uint_eq(((u32 *)at(LIST))[0], 0x178bfbff);
	ck_assert_uint_eq(((u32 *)at(LIST))[1], 0x80200001);
	destroy(d);
}
END_TEST

/* What dom0 asks about a domain that has run: its registers, its memory, its parameters. */
static const u32 intrusive[] = {
	XEN_DOMCTL_max_vcpus,	      XEN_DOMCTL_set_target,	  XEN_DOMCTL_settscinfo,
	XEN_DOMCTL_sethvmcontext,     XEN_DOMCTL_set_cpu_policy,  XEN_DOMCTL_gethvmcontext,
	XEN_DOMCTL_getvcpucontext,    XEN_DOMCTL_setvcpucontext,  XEN_DOMCTL_get_cpu_policy,
	XEN_DOMCTL_getpageframeinfo3, XEN_DOMCTL_shadow_op,	  XEN_DOMCTL_setdebugging,
	XEN_DOMCTL_debug_op,	      XEN_DOMCTL_sendtrigger,	  XEN_DOMCTL_gdbsx_guestmemio,
	XEN_DOMCTL_gdbsx_pausevcpu,   XEN_DOMCTL_gdbsx_domstatus,
};

static s64 asked_param(struct domain *d)
{
	struct xen_hvm_param p = { .domid = d->id, .index = HVM_PARAM_STORE_PFN };

	return CALL0(__HYPERVISOR_hvm_op, HVMOP_get_param, &p);
}

static s64 asked_gpfn(struct domain *d)
{
	domid_t id = d->id;

	return CALL0(__HYPERVISOR_memory_op, XENMEM_maximum_gpfn, &id);
}

static struct domain *that_runs(void)
{
	struct domain *d;
	struct xen_domctl op = { .cmd = XEN_DOMCTL_unpausedomain };

	world();
	d = make_domain(XEN_X86_EMU_LAPIC, 4);
	vcpu0(d)->start = START_UP;
	vcpu0(d)->vmcb->rip = 0x1234;
	vcpu0(d)->regs.r[RDI] = 0x5678;
	d->e820[0] = (struct e820_entry_){ .addr = 0, .size = 4 * PAGE_SIZE, .type = 1 };
	d->nr_e820 = 1;
	op.domain = d->id;
	ok(domctl(&op));
	return d;
}

START_TEST(sealed)
{
	struct domain *d = that_runs();
	struct xen_domctl op;

	for (u32 i = 0; i < ARRAY_SIZE(intrusive); i++) {
		op = (struct xen_domctl){ .cmd = intrusive[i], .domain = d->id };
		op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY;
		ck_assert_msg(domctl(&op) == -EPERM, "domctl %u", intrusive[i]);
	}
	fails(EPERM, asked_param(d));
	fails(EPERM, asked_gpfn(d));
	destroy(d);
}
END_TEST

START_TEST(not_sealed)
{
	struct vcpu_guest_context *context;
	struct xen_domctl op;
	struct domain *d;

	domains_seal = false;
	d = that_runs();
	ok(asked_param(d));
	ck_assert_int_eq(asked_gpfn(d), 3);
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_getvcpucontext, .domain = d->id };
	set_xen_guest_handle_raw(op.u.vcpucontext.ctxt, (void *)LIST);
	ok(domctl(&op));
	context = at(LIST);
	ck_assert_uint_eq(context->user_regs.rip, 0x1234);
	ck_assert_uint_eq(context->user_regs.rdi, 0x5678);
	ck_assert_uint_eq(context->flags & VGCF_online, VGCF_online);
	op.u.vcpucontext.vcpu = 1;
	fails(EINVAL, domctl(&op));
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_gethvmcontext, .domain = d->id };
	ok(domctl(&op));
	/* what a running domain is made of stays as it is */
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_sethvmcontext, .domain = d->id };
	fails(EPERM, domctl(&op));
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_set_cpu_policy, .domain = d->id };
	fails(EPERM, domctl(&op));
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_gdbsx_guestmemio, .domain = d->id };
	fails(ENOSYS, domctl(&op));
	ck_assert(vcpu_runnable(vcpu0(d)));
	destroy(d);
	domains_seal = true;
}
END_TEST

/* Only its partner ends a real guest, and nobody binds two partners. */
START_TEST(pairs)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_set_target };
	struct sched_remote_shutdown end;
	struct domain *f, *g, *other;
	u64 mfn;

	world();
	f = make_domain(XEN_X86_EMU_LAPIC, 4);
	other = make_domain(XEN_X86_EMU_LAPIC, 4);
	g = make_domain(0, 4);
	op.domain = f->id;
	op.u.set_target.target = g->id;
	ok(domctl(&op));
	op.domain = other->id;
	fails(EPERM, domctl(&op));
	end = (struct sched_remote_shutdown){ .domain_id = g->id, .reason = SHUTDOWN_reboot };
	ok(physmap_own_frame(other, 0, &mfn));
	memcpy(ram[mfn], &end, sizeof(end));
	fails(EPERM, hyper(vcpu0(other), __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, 0, 0, 0));
	ok(physmap_own_frame(f, 0, &mfn));
	memcpy(ram[mfn], &end, sizeof(end));
	domain_events_due = false;
	ok(hyper(vcpu0(f), __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, 0, 0, 0));
	ck_assert(g->shut_down && g->shutdown_code == SHUTDOWN_reboot);
	ck_assert(domain_events_due);
	/* a real guest runs on its partner's vCPU: that one is pinned */
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_setvcpuaffinity,
				  .domain = g->id,
				  .u.vcpuaffinity = { .flags = XEN_VCPUAFFINITY_HARD,
						      .cpumap_hard.nr_bits = 8 } };
	set_xen_guest_handle_raw(op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)LIST);
	*(u8 *)at(LIST) = 0xfd;
	ok(domctl(&op));
	ck_assert_uint_eq(vcpu0(f)->hard_affinity, 0xfd);
	ck_assert_uint_eq(vcpu0(other)->hard_affinity, ~0ull);
	*(u8 *)at(LIST) = 0;
	op.cmd = XEN_DOMCTL_getvcpuaffinity;
	ok(domctl(&op));
	ck_assert_uint_eq(*(u8 *)at(LIST), 0xfd);
	destroy(g);
	destroy(f);
	destroy(other);
}
END_TEST

/* A reader that clears, with a buffer that is too small for all: it gets the rest by its next calls, as on Xen. */
START_TEST(log_in_pieces)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_readconsole };
	char got[64] = "";

	world();
	console_length = 0;
	console_write("twenty-six bytes of a log\n", 26);
	for (u32 i = 0; i < 4; i++) {
		op.u.readconsole.clear = 1;
		op.u.readconsole.incremental = 0;
		op.u.readconsole.index = 0;
		op.u.readconsole.count = 10;
		set_xen_guest_handle(op.u.readconsole.buffer, (char *)LIST);
		ok(sysctl(&op));
		strncat(got, at(LIST), op.u.readconsole.count);
	}
	ck_assert_uint_eq(op.u.readconsole.count, 0);
	ck_assert_str_eq(got, "twenty-six bytes of a log\n");
}
END_TEST

START_TEST(console)
{
	world();
	memcpy(at(LIST), "hello\n", 6);
	console_length = 0;
	ok(hyper(vcpu0(dom0), __HYPERVISOR_console_io, CONSOLEIO_write, 6, LIST, 0));
	ck_assert_mem_eq(console_text, "hello\n", 6);
	memset(at(LIST), 'x', 3000);
	ok(hyper(vcpu0(dom0), __HYPERVISOR_console_io, CONSOLEIO_write, 3000, LIST, 0));
	ck_assert_uint_eq(console_length, 3006);
	ck_assert_uint_eq(passes, 3);
	console_input = "abc";
	ck_assert_int_eq(hyper(vcpu0(dom0), __HYPERVISOR_console_io, CONSOLEIO_read, 2, LIST, 0),
			 2);
	ck_assert_mem_eq(at(LIST), "ab", 2);
	ck_assert_int_eq(hyper(vcpu0(dom0), __HYPERVISOR_console_io, CONSOLEIO_read, 16, LIST, 0),
			 1);
	ck_assert_int_eq(hyper(vcpu0(dom0), __HYPERVISOR_console_io, CONSOLEIO_read, 16, LIST, 0),
			 0);
}
END_TEST

TESTS(versions, creation, machine, processors, devices, hvm_context, cpu_policy, sealed, not_sealed,
      pairs, log_in_pieces, console)
