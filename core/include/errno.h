/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error numbers of the Xen ABI (xen/errno.h of libxen-dev), as plain constants. */
#ifndef CORE_ERRNO_H
#define CORE_ERRNO_H

#define EPERM	   1
#define ENOENT	   2
#define ESRCH	   3
#define EIO	   5
#define ENXIO	   6
#define E2BIG	   7
#define EAGAIN	   11
#define ENOMEM	   12
#define EACCES	   13
#define EFAULT	   14
#define EBUSY	   16
#define EEXIST	   17
#define EINVAL	   22
#define ENOSPC	   28
#define ENOSYS	   38
#define ENODATA	   61
#define ETIME	   62
#define EOVERFLOW  75
#define EOPNOTSUPP 95
#define ENOBUFS	   105

#endif
