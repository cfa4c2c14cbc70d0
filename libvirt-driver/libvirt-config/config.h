/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands for the config.h that libvirt's own build would make: what its internal headers ask for, as Debian built them. */
#pragma once

#define _GNU_SOURCE	  1
#define PACKAGE		  "libvirt"
#define WITH_LIBINTL_H	  1
#define WITH_GETUID	  1
#define WITH_GETEUID	  1
#define WITH_GETGID	  1
#define WITH_GETEGID	  1
#define WITH_NET_IF_H	  1
#define WITH_STRUCT_IFREQ 1
