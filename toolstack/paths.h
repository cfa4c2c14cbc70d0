/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things are in dom0.  The build names the installed ones; the rest is fixed. */
#ifndef DIPTYCH_PATHS_H
#define DIPTYCH_PATHS_H

#ifndef DIPTYCH_LIBDIR
#define DIPTYCH_LIBDIR "/usr/lib/x86_64-linux-gnu"
#endif
#ifndef DIPTYCH_LIBEXECDIR
#define DIPTYCH_LIBEXECDIR "/usr/libexec"
#endif
#ifndef DIPTYCH_VERSION
#define DIPTYCH_VERSION "0.1"
#endif

#define FIDELITY_KERNEL	 DIPTYCH_LIBDIR "/diptych/fidelity/vmlinuz"
#define FIDELITY_RAMDISK DIPTYCH_LIBDIR "/diptych/fidelity/initramfs"
#define FIDELITY_UEFI	 DIPTYCH_LIBDIR "/diptych/fidelity/initramfs-uefi"
#define MONITOR_PROGRAM	 DIPTYCH_LIBEXECDIR "/diptych/diptych-monitor"

#ifndef DIPTYCH_RUN_DIR
#define DIPTYCH_RUN_DIR "/run/diptych" /* per pair: PAIR/desc, PAIR/monitor; ended/PAIR */
#endif
#ifndef DIPTYCH_LOG_DIR
#define DIPTYCH_LOG_DIR "/var/log/diptych"
#endif

#endif
