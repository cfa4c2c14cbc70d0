/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's x87, SSE and AVX registers: between QEMU's env and the vCPU's page, which the driver loads and saves. */
#include "qemu/osdep.h"
#include <cpuid.h>
#include "minv-int.h"

/* FXSAVE64 (APM 2, 11.4.4) */
struct fxsave {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t rip, rdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t unused[96];
};
QEMU_BUILD_BUG_ON(offsetof(struct fxsave, xmm) != 160);

/* XSAVE64 in standard format (APM 2, 11.5.2 and 11.5.9) */
struct xsave {
	struct fxsave legacy;
	uint64_t components, compacted, reserved[6]; /* XSTATE_BV, XCOMP_BV */
};
QEMU_BUILD_BUG_ON(sizeof(struct xsave) != 576);

uint64_t minv_fpu_components;
static uint32_t upper_halves_at; /* in the page: the upper halves of YMM0 to YMM15 */

/* The driver uses XSAVE when its kernel does, which this process sees by OSXSAVE. */
void minv_fpu_init(void)
{
	uint32_t eax, ebx, ecx, edx;

	__cpuid(1, eax, ebx, ecx, edx);
	if (!(ecx & CPUID_EXT_OSXSAVE))
		return;
	asm volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	minv_fpu_components = eax & (XSTATE_FP_MASK | XSTATE_SSE_MASK | XSTATE_YMM_MASK);
	if (minv_fpu_components & XSTATE_YMM_MASK) {
		__cpuid_count(0xd, XSTATE_YMM_BIT, eax, upper_halves_at, ecx, edx);
		g_assert(eax == 16 * 16 && upper_halves_at >= sizeof(struct xsave) &&
			 upper_halves_at + eax <= 4096);
	}
}

void minv_put_fpu(CPUX86State *env, uint8_t *page)
{
	struct xsave *xsave = (struct xsave *)page;
	struct fxsave *fx = &xsave->legacy;
	int i;

	fx->fcw = env->fpuc;
	fx->fsw = (env->fpus & ~(7u << 11)) | (env->fpstt & 7) << 11;
	fx->ftw = 0;
	for (i = 0; i < 8; i++)
		fx->ftw |= (!env->fptags[i]) << i;
	fx->fop = env->fpop;
	fx->rip = env->fpip;
	fx->rdp = env->fpdp;
	fx->mxcsr = env->mxcsr & 0xffff;
	for (i = 0; i < 8; i++)
		memcpy(fx->st[i], &env->fpregs[i], 16);
	for (i = 0; i < 16; i++)
		memcpy(fx->xmm[i], &env->xmm_regs[i].ZMM_Q(0), 16);
	if (!minv_fpu_components)
		return;
	memset(&xsave->components, 0, sizeof(*xsave) - sizeof(*fx));
	xsave->components = minv_fpu_components;
	if (minv_fpu_components & XSTATE_YMM_MASK)
		for (i = 0; i < 16; i++)
			memcpy(page + upper_halves_at + 16 * i, &env->xmm_regs[i].ZMM_Q(2), 16);
}

/* XSAVE has written all components, those in their first state too. */
void minv_get_fpu(CPUX86State *env, const uint8_t *page)
{
	const struct fxsave *fx = (const struct fxsave *)page;
	int i;

	env->fpuc = fx->fcw;
	env->fpus = fx->fsw;
	env->fpstt = fx->fsw >> 11 & 7;
	for (i = 0; i < 8; i++)
		env->fptags[i] = !(fx->ftw >> i & 1);
	env->fpop = fx->fop;
	env->fpip = fx->rip;
	env->fpdp = fx->rdp;
	env->mxcsr = fx->mxcsr;
	for (i = 0; i < 8; i++)
		memcpy(&env->fpregs[i], fx->st[i], 16);
	for (i = 0; i < 16; i++)
		memcpy(&env->xmm_regs[i].ZMM_Q(0), fx->xmm[i], 16);
	if (minv_fpu_components & XSTATE_YMM_MASK)
		for (i = 0; i < 16; i++)
			memcpy(&env->xmm_regs[i].ZMM_Q(2), page + upper_halves_at + 16 * i, 16);
}
