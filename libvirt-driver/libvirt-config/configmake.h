/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands for libvirt's generated configmake.h: its directories, as Debian built it. */
#pragma once

#define SYSCONFDIR    "/etc"
#define RUNSTATEDIR   "/run"
#define LOCALSTATEDIR "/var"
