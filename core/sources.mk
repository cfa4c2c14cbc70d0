# SPDX-License-Identifier: GPL-2.0-or-later
# Every file of the core, floor by floor.
-include $(core)/xen/sources.mk
CORE_SOURCES = boot/head.S boot/trampoline.S boot/cpus.c boot/main.c boot/multiboot.c boot/options.c boot/elf.c boot/acpi.c boot/dom0.c exit.c \
	$(XEN_SOURCES) xen/minv.c xen/minv_run.c \
	domain/domain.c domain/destroy.c domain/physmap.c domain/memory.c domain/copy.c domain/pool.c \
	vcpu/vcpu.c vcpu/inject.c vcpu/apic.c vcpu/relay.c vcpu/sched.c vcpu/cpuid.c vcpu/msr.c vcpu/ports.c vcpu/counts.c \
	x86/entry.S x86/interrupts.c x86/machine_check.c x86/svm.c x86/xstate.c x86/smp.c x86/speculation.c x86/lapic.c x86/time.c x86/paging.c x86/console.c x86/printk.c x86/panic.c x86/lib.c \
	protect/boot.c protect/domains.c protect/epochs.c protect/frames.c protect/invariant.c protect/leaves.c \
	protect/read.c protect/seal.c protect/slots.c protect/state.c protect/tables.c protect/confine.c
