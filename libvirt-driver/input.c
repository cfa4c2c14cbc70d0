/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hands and eyes of somebody in front of a real guest's machine: keys, buttons, the screen. */
#include "xen.h"

#include <fcntl.h>

#include <util/virfdstream.h>
#include <util/virfile.h>
#include <util/virkeycode.h>

VIR_LOG_INIT("diptych.input");

/* Only a real guest has a machine around it. */
static int refuse_pvh(const virDomainObj *vm, const char *what)
{
	if (!is_pvh(vm->def))
		return 0;
	virReportError(VIR_ERR_OPERATION_UNSUPPORTED, _("os type 'xenpvh' has no %s"), what);
	return -1;
}

int domain_send_key(virDomainPtr dom, unsigned int codeset, unsigned int hold_ms,
		    unsigned int *codes, int count, unsigned int flags)
{
	virDomainObj *vm;
	int i, number, ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	for (i = 0; i < count && codeset != VIR_KEYCODE_SET_QNUM; i++) {
		number = virKeycodeValueTranslate((virKeycodeSet)codeset, VIR_KEYCODE_SET_QNUM,
						  (int)codes[i]);
		if (number < 0) {
			virReportError(VIR_ERR_INVALID_ARG, _("send-key: there is no key %u"),
				       codes[i]);
			return -1;
		}
		codes[i] = (unsigned int)number;
	}
	vm = in_job(domain_for(dom, virDomainSendKeyEnsureACL));
	if (!vm)
		return -1;
	if (virDomainObjCheckActive(vm) == 0 && refuse_pvh(vm, _("keyboard")) == 0) {
		virObjectUnlock(vm);
		ret = pair_send_keys((uint32_t)vm->def->id, codes, (size_t)count, hold_ms);
		virObjectLock(vm);
	}
	domain_job_done(&vm);
	return ret;
}

int domain_inject_nmi(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = in_job(domain_for(dom, virDomainInjectNMIEnsureACL));
	if (!vm)
		return -1;
	if (virDomainObjCheckActive(vm) == 0 && refuse_pvh(vm, _("NMI button")) == 0) {
		virObjectUnlock(vm);
		ret = pair_nmi((uint32_t)vm->def->id);
		virObjectLock(vm);
	}
	domain_job_done(&vm);
	return ret;
}

int domain_reset(virDomainPtr dom, unsigned int flags)
{
	virDomainObj *vm;
	int ret = -1;

	if (check_flags(__func__, flags, 0) < 0)
		return -1;
	vm = in_job(domain_for(dom, virDomainResetEnsureACL));
	if (!vm)
		return -1;
	if (virDomainObjCheckActive(vm) == 0 && refuse_pvh(vm, _("reset button")) == 0) {
		virObjectUnlock(vm);
		ret = pair_reset((uint32_t)vm->def->id);
		virObjectLock(vm);
	}
	domain_job_done(&vm);
	return ret;
}

/* The picture goes through a file: a stream is read at the client's own pace. */
static int take(virDomainObj *vm, virStreamPtr stream)
{
	g_autofree char *path = g_strdup(STATE_DIR "/screenshot.XXXXXX");
	VIR_AUTOCLOSE fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	int ret;

	if (fd < 0) {
		virReportSystemError(errno, _("cannot create '%s'"), path);
		return -1;
	}
	virObjectUnlock(vm);
	ret = pair_screenshot((uint32_t)vm->def->id, fd);
	virObjectLock(vm);
	if (ret == 0)
		ret = virFDStreamOpenFile(stream, path, 0, 0, O_RDONLY);
	unlink(path);
	return ret;
}

char *domain_screenshot(virDomainPtr dom, virStreamPtr stream, unsigned int screen,
			unsigned int flags)
{
	virDomainObj *vm;
	char *mime = NULL;

	if (check_flags(__func__, flags, 0) < 0)
		return NULL;
	vm = in_job(domain_for(dom, virDomainScreenshotEnsureACL));
	if (!vm)
		return NULL;
	if (virDomainObjCheckActive(vm) < 0 || refuse_pvh(vm, _("screen")) < 0)
		goto out;
	if (screen) {
		virReportError(VIR_ERR_INVALID_ARG, _("screenshot: there is no screen %u"), screen);
		goto out;
	}
	if (!vm->def->nvideos) {
		virReportError(VIR_ERR_OPERATION_INVALID, "%s",
			       _("screenshot: the domain has no 'video' device"));
		goto out;
	}
	if (take(vm, stream) == 0)
		mime = g_strdup("image/x-portable-pixmap");
out:
	domain_job_done(&vm);
	return mime;
}
