/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator of a fidelity domain: its class, its vCPU threads, and the guest's end, which is told
 * to the core through /dev/minv.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/accel.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "qemu/main-loop.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/qdev-properties.h"
#include "migration/blocker.h"
#include "system/accel-ops.h"
#include "system/cpus.h"
#include "system/minv.h"
#include "system/runstate.h"
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include "minv-int.h"

enum { SHUTDOWN_POWEROFF = 0, SHUTDOWN_REBOOT = 1, SHUTDOWN_CRASH = 3 }; /* Xen's reasons */

static bool minv_allowed;
int minv_fd = -1;
struct minv_info minv_info;

bool minv_enabled(void)
{
	return minv_allowed;
}

static void tell_end(Notifier *notifier, void *data)
{
	unsigned long reason;

	switch (*(ShutdownCause *)data) {
	case SHUTDOWN_CAUSE_GUEST_RESET:
	case SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET:
		reason = SHUTDOWN_REBOOT;
		break;
	case SHUTDOWN_CAUSE_GUEST_PANIC:
	case SHUTDOWN_CAUSE_HOST_ERROR:
		reason = SHUTDOWN_CRASH;
		break;
	default:
		reason = SHUTDOWN_POWEROFF;
	}
	if (ioctl(minv_fd, MINV_IOC_SHUTDOWN, reason))
		error_report("minv: cannot report the guest's end: %s", strerror(errno));
}

static int minv_init_machine(MachineState *ms)
{
	static Notifier end = { .notify = tell_end };
	static Error *blocker;
	Error *error = NULL;

	minv_fd = open("/dev/minv", O_RDWR | O_CLOEXEC);
	if (minv_fd < 0 || ioctl(minv_fd, MINV_IOC_INFO, &minv_info)) {
		error_report("minv: /dev/minv: %s", strerror(errno));
		return -errno;
	}
	minv_fpu_init();
	if (!minv_memory_init(&error)) {
		error_report_err(error);
		return -ENOMEM;
	}
	error_setg(&blocker, "minv: state of the guest cannot be saved yet");
	if (migrate_add_blocker(&blocker, &error) < 0) {
		error_report_err(error);
		return -EINVAL;
	}
	qemu_register_shutdown_notifier(&end);
	return 0;
}

static void minv_accel_class_init(ObjectClass *class, void *data)
{
	/* kvmvapic patches guest code to report its TPR: the core has a virtual TPR instead. */
	static GlobalProperty properties[] = { { "apic-common", "vapic", "off" } };
	AccelClass *accel = ACCEL_CLASS(class);

	accel->name = "MINV";
	accel->init_machine = minv_init_machine;
	accel->allowed = &minv_allowed;
	accel->compat_props = g_ptr_array_new();
	compat_props_add(accel->compat_props, properties, G_N_ELEMENTS(properties));
}

/* The thread sleeps by itself, until its APIC's timer or a kick: the main loop need not run for it. */
static void wait_while_idle(CPUState *cpu)
{
	sigset_t kick, open;

	if (!cpu_thread_is_idle(cpu))
		return;
	sigemptyset(&kick);
	sigaddset(&kick, SIG_IPI);
	pthread_sigmask(SIG_BLOCK, &kick, &open);
	for (;;) {
		int64_t left;
		struct timespec time;

		/* From here on a kick signals again, and a signal waits for ppoll: none is missed. */
		qatomic_set_mb(&cpu->thread_kicked, false);
		left = minv_timer_run(cpu);
		if (!cpu_thread_is_idle(cpu))
			break;
		time.tv_sec = left / NANOSECONDS_PER_SECOND;
		time.tv_nsec = left % NANOSECONDS_PER_SECOND;
		bql_unlock();
		ppoll(NULL, 0, left < 0 ? NULL : &time, &open);
		bql_lock();
	}
	pthread_sigmask(SIG_SETMASK, &open, NULL);
	/*
	 * Awake: the kick that did it need not end the next run, too.  What it was for is looked at from here on; a
	 * later one sets them again.
	 */
	qatomic_set(&cpu->exit_request, false);
	qatomic_set(&cpu->accel->state->immediate_exit, 0);
	smp_mb();
}

/* What dom0 pins for vCPU n of the guest is vCPU n of this domain, modulo their number: the thread keeps to it. */
static void keep_to_own_cpu(int index)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	cpu_set_t own;

	CPU_ZERO(&own);
	CPU_SET(cpus > 0 ? index % cpus : 0, &own);
	if (sched_setaffinity(0, sizeof(own), &own)) {
		warn_report("minv: vCPU %d has no CPU of its own: %s", index, strerror(errno));
	}
}

static void *vcpu_thread(void *opaque)
{
	CPUState *cpu = opaque;

	keep_to_own_cpu(cpu->cpu_index);
	rcu_register_thread();
	bql_lock();
	qemu_thread_get_self(cpu->thread);
	cpu->thread_id = qemu_get_thread_id();
	current_cpu = cpu;
	if (minv_init_vcpu(cpu) < 0)
		exit(1);
	cpu_thread_signal_created(cpu);
	qemu_guest_random_seed_thread_part2(cpu->random_seed);
	do {
		if (cpu_can_run(cpu) && minv_vcpu_exec(cpu) < 0) {
			qemu_system_guest_panicked(NULL);
			vm_stop(RUN_STATE_INTERNAL_ERROR);
		}
		wait_while_idle(cpu);
		qemu_wait_io_event_common(cpu);
	} while (!cpu->unplug || cpu_can_run(cpu));
	cpu_thread_signal_destroyed(cpu);
	bql_unlock();
	rcu_unregister_thread();
	return NULL;
}

static void create_vcpu_thread(CPUState *cpu)
{
	char name[16];

	snprintf(name, sizeof(name), "CPU %d/MINV", cpu->cpu_index);
	qemu_thread_create(cpu->thread, name, vcpu_thread, cpu, QEMU_THREAD_JOINABLE);
}

static void kick_vcpu_thread(CPUState *cpu)
{
	qatomic_set(&cpu->exit_request, true);
	cpus_kick_thread(cpu);
}

static void do_synchronize_state(CPUState *cpu, run_on_cpu_data data)
{
	if (!cpu->accel->dirty) {
		minv_get_registers(cpu);
		cpu->accel->dirty = true;
	}
}

static void synchronize_state(CPUState *cpu)
{
	if (!cpu->accel->dirty)
		run_on_cpu(cpu, do_synchronize_state, RUN_ON_CPU_NULL);
}

static void do_synchronize_reset(CPUState *cpu, run_on_cpu_data data)
{
	minv_put_registers(cpu);
	cpu->accel->state->inject = 0;
	cpu->accel->shadow = false;
	minv_clock_reset(cpu);
	minv_eoi_reset(cpu);
}

static void synchronize_reset(CPUState *cpu)
{
	run_on_cpu(cpu, do_synchronize_reset, RUN_ON_CPU_NULL);
}

static void do_synchronize_put(CPUState *cpu, run_on_cpu_data data)
{
	minv_put_registers(cpu);
}

static void synchronize_post_init(CPUState *cpu)
{
	run_on_cpu(cpu, do_synchronize_put, RUN_ON_CPU_NULL);
}

static void do_synchronize_pre_loadvm(CPUState *cpu, run_on_cpu_data data)
{
	cpu->accel->dirty = true;
}

static void synchronize_pre_loadvm(CPUState *cpu)
{
	run_on_cpu(cpu, do_synchronize_pre_loadvm, RUN_ON_CPU_NULL);
}

static void minv_accel_ops_class_init(ObjectClass *class, void *data)
{
	AccelOpsClass *ops = ACCEL_OPS_CLASS(class);

	ops->create_vcpu_thread = create_vcpu_thread;
	ops->kick_vcpu_thread = kick_vcpu_thread;
	ops->synchronize_state = synchronize_state;
	ops->synchronize_post_reset = synchronize_reset;
	ops->synchronize_post_init = synchronize_post_init;
	ops->synchronize_pre_loadvm = synchronize_pre_loadvm;
}

static const TypeInfo minv_types[] = {
	{
		.name = ACCEL_CLASS_NAME("minv"),
		.parent = TYPE_ACCEL,
		.class_init = minv_accel_class_init,
	},
	{
		.name = ACCEL_OPS_NAME("minv"),
		.parent = TYPE_ACCEL_OPS,
		.class_init = minv_accel_ops_class_init,
		.abstract = true,
	},
};
DEFINE_TYPES(minv_types)
