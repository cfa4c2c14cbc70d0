// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of verbs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dxl.h"

#define DOMAIN "DOMAIN"

const struct verb verbs[] = {
	{ "create", verb_create, "[OPTIONS] CONFIG [KEY=VALUE]...",
	  "Build a guest from an xl.cfg file and start it",
	  "  -p, --paused    leave it paused\n"
	  "  -c, --console   open its console at once (Ctrl-] leaves it)\n"
	  "  -n, --dryrun    only check, and print the configuration as it is understood\n"
	  "  -q, --quiet     no progress\n",
	  1, 64, false },
	{ "list", verb_list, "[OPTIONS] [" DOMAIN "]", "List domains and their state",
	  "  -l, --long      all details, as JSON\n", 0, 1, false },
	{ "info", verb_by_xl, "[-n]", "Show the host: `xl info`",
	  "  -n, --numa      its topology too\n", 0, 0, false },
	{ "console", verb_console, DOMAIN, "Open a guest's serial console (Ctrl-] leaves it)", "",
	  1, 1, false },
	{ "vncviewer", verb_vncviewer, DOMAIN, "Open a guest's screen", "", 1, 1, false },
	{ "screenshot", verb_screenshot, DOMAIN " FILE", "Save a guest's screen as PPM", "", 2, 2,
	  false },
	{ "shutdown", verb_shutdown, "[-w] " DOMAIN, "Press a guest's power button",
	  "  -w, --wait      return when it has ended\n", 1, 1, false },
	{ "reboot", verb_reboot, DOMAIN, "Ask a guest to reboot, by its power button", "", 1, 1,
	  false },
	{ "destroy", verb_destroy, DOMAIN, "End a guest at once", "", 1, 1, false },
	{ "pause", verb_pause, DOMAIN, "Stop a guest's CPUs", "", 1, 1, false },
	{ "unpause", verb_unpause, DOMAIN, "Let a paused guest go on", "", 1, 1, false },
	{ "rename", verb_rename, DOMAIN " NAME", "Give a guest another name", "", 2, 2, false },
	{ "domid", verb_domid, DOMAIN, "Print the domain id that belongs to a name", "", 1, 1,
	  false },
	{ "domname", verb_domname, DOMAIN, "Print the name that belongs to a domain id", "", 1, 1,
	  false },
	{ "uptime", verb_by_xl, "[-s] [" DOMAIN "]...", "Print for how long domains have been up",
	  "  -s, --short     without the time of day\n", 0, 64, false },
	{ "vcpu-list", verb_vcpu_list, "[" DOMAIN "]...",
	  "List vCPUs, where they run and how long they have", "", 0, 64, false },
	{ "vcpu-pin", verb_vcpu_pin, DOMAIN " VCPU|all CPUS|all|- [SOFT-CPUS|all|-]",
	  "Choose the CPUs that a guest's vCPU may run on", "", 3, 4, false },
	{ "mem-set", verb_mem_set, DOMAIN " SIZE",
	  "Tell a guest's balloon how much RAM to leave it (MiB, or with k, m, g, t)", "", 2, 2,
	  false },
	{ "sched-credit", verb_sched_credit, "[-d " DOMAIN " [-w WEIGHT] [-c CAP]]",
	  "Show or set domains' shares of the CPUs",
	  "  -d, --domain    whose; else those of all domains are shown\n"
	  "  -w, --weight    1 to 65535, 256 at first\n"
	  "  -c, --cap       percent of one CPU, 0 for no limit\n",
	  0, 0, false },
	{ "block-attach", verb_block_attach, DOMAIN " DISK...",
	  "Plug a virtio disk in, described as in xl.cfg", "", 2, 16, false },
	{ "block-detach", verb_block_detach, DOMAIN " VDEV", "Unplug a virtio disk", "", 2, 2,
	  false },
	{ "block-list", verb_block_list, DOMAIN, "List a guest's disks", "", 1, 1, false },
	{ "network-attach", verb_network_attach, DOMAIN " [KEY=VALUE]...",
	  "Plug a virtio network card in, described as in xl.cfg", "", 1, 16, false },
	{ "network-detach", verb_network_detach, DOMAIN " INDEX|MAC",
	  "Unplug a virtio network card", "", 2, 2, false },
	{ "network-list", verb_network_list, DOMAIN, "List a guest's network cards", "", 1, 1,
	  false },
	{ "cd-insert", verb_cd_insert, DOMAIN " VDEV FILE", "Put a disc into a CD-ROM drive", "", 3,
	  3, false },
	{ "cd-eject", verb_cd_eject, DOMAIN " VDEV", "Take the disc out of a CD-ROM drive", "", 2,
	  2, false },
	{ "send-trigger", verb_trigger, DOMAIN " nmi|power|reset",
	  "Send a non-maskable interrupt, or press a button", "", 2, 3, false },
	{ "trigger", verb_trigger, DOMAIN " nmi|power|reset", "As send-trigger", "", 2, 3, true },
	{ "sysrq", verb_sysrq, DOMAIN " LETTER", "Press Alt, SysRq and a letter", "", 2, 2, false },
	{ "qmp", verb_qmp, DOMAIN " COMMAND", "Ask a guest's QEMU something, in JSON", "", 2, 2,
	  false },
	{ "top", verb_by_xl, "", "Watch domains: `xl top`", "", 0, 0, false },
	{ "dmesg", verb_by_xl, "[-c]", "Show the hypervisor's messages",
	  "  -c, --clear     and forget them\n", 0, 0, false },
	{ "help", verb_help, "[VERB]", "Show help, on all verbs or one", "", 0, 1, false },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, false },
};

const struct verb *verb_find(const char *name)
{
	const struct verb *verb;

	for (verb = verbs; verb->name; verb++)
		if (!strcmp(verb->name, name))
			return verb;
	return NULL;
}
