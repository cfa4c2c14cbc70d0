// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUID policy: what the machine offers at most, as a table that the tools read, edit and give back
 * for each domain.  No domain ever sees a feature bit that the table "max" lacks.
 */
#include "xen/call.h"

#define NO_SUBLEAF XEN_CPUID_NO_SUBLEAF

_Static_assert(sizeof(struct cpuid_leaf) == sizeof(xen_cpuid_leaf_t), "public/arch-x86/xen.h");

static struct cpuid_policy max; /* nr 0: not made yet */

/* Leaves that x86_cpuid_copy_from_buffer() of the tools takes, and their subleaves (0: none). */
static u32 subleaves(u32 leaf)
{
	switch (leaf) {
	case 4:
		return 6;
	case 7:
		return 3;
	case 0xb:
		return 2;
	case 0xd:
		return 63;
	default:
		return 0;
	}
}

#define BASIC_LAST    0xdu
#define EXTENDED_0    0x80000000u
#define EXTENDED_LAST 0x80000021u

static bool leaf_known(u32 leaf, u32 subleaf)
{
	u32 n = subleaves(leaf);

	/* the hypervisor's own ranges: their limits travel, the core answers them itself */
	if (leaf == 0x40000000u || leaf == 0x40000100u)
		return subleaf == NO_SUBLEAF;
	if (leaf > BASIC_LAST && (leaf < EXTENDED_0 || leaf > EXTENDED_LAST))
		return false;
	return n ? subleaf < n : subleaf == NO_SUBLEAF;
}

static void add_leaf(u32 leaf, u32 subleaf)
{
	u32 out[4];

	cpuid_host_max(leaf, subleaf == NO_SUBLEAF ? 0 : subleaf, out);
	/* empty subleaves say nothing, and there are more of them than the tables hold */
	if (subleaf != NO_SUBLEAF && subleaf > 1 && !(out[0] | out[1] | out[2] | out[3]))
		return;
	if (max.nr < POLICY_LEAVES)
		max.leaves[max.nr++] =
			(struct cpuid_leaf){ leaf, subleaf, out[0], out[1], out[2], out[3] };
}

static const struct cpuid_policy *policy_max(void)
{
	u32 out[4], leaf, last, i;

	if (max.nr)
		return &max;
	cpuid_host_max(0, 0, out);
	last = out[0] < BASIC_LAST ? out[0] : BASIC_LAST;
	for (leaf = 0; leaf <= last; leaf++) {
		if (!subleaves(leaf))
			add_leaf(leaf, NO_SUBLEAF);
		for (i = 0; i < subleaves(leaf); i++)
			add_leaf(leaf, i);
	}
	/* libxenguest writes these two into as many places as it got, whether it got them or not. */
	add_leaf(0x40000000u, NO_SUBLEAF);
	add_leaf(0x40000100u, NO_SUBLEAF);
	cpuid_host_max(EXTENDED_0, 0, out);
	last = out[0] < EXTENDED_LAST ? out[0] : EXTENDED_LAST;
	for (leaf = EXTENDED_0; leaf <= last; leaf++)
		add_leaf(leaf, NO_SUBLEAF);
	return &max;
}

static const struct cpuid_leaf *find(const struct cpuid_policy *p, u32 leaf, u32 subleaf)
{
	for (u32 i = 0; i < p->nr; i++)
		if (p->leaves[i].leaf == leaf &&
		    (p->leaves[i].subleaf == NO_SUBLEAF || p->leaves[i].subleaf == subleaf))
			return &p->leaves[i];
	return NULL;
}

void policy_lookup(struct domain *d, u32 leaf, u32 subleaf, u32 out[4])
{
	const struct cpuid_leaf *l;

	if (!d->policy) {
		cpuid_host_max(leaf, subleaf, out);
		return;
	}
	l = find(d->policy, leaf, subleaf);
	out[0] = l ? l->a : 0;
	out[1] = l ? l->b : 0;
	out[2] = l ? l->c : 0;
	out[3] = l ? l->d : 0;
}

/* Where the feature words are, in the order of the ABI's feature sets (public/arch-x86/cpufeatureset.h). */
struct feature_word {
	u32 leaf, subleaf, reg; /* reg 0..3: a b c d; 4: a word of an MSR that is not offered */
};

static const struct feature_word features[] = {
	{ 1, 0, 3 },	      { 1, 0, 2 }, { 0x80000001, 0, 3 }, { 0x80000001, 0, 2 },
	{ 0xd, 1, 0 },	      { 7, 0, 1 }, { 7, 0, 2 },		 { 0x80000007, 0, 3 },
	{ 0x80000008, 0, 1 }, { 7, 0, 3 }, { 7, 1, 0 },		 { 0x80000021, 0, 0 },
	{ 7, 1, 1 },	      { 7, 2, 3 }, { 7, 1, 2 },		 { 7, 1, 3 },
	{ 0, 0, 4 },	      { 0, 0, 4 }, { 0x80000021, 0, 2 },
};

void policy_feature_words(u32 *words, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		const struct cpuid_leaf *l = NULL;

		if (i < ARRAY_SIZE(features) && features[i].reg < 4)
			l = find(policy_max(), features[i].leaf, features[i].subleaf);
		words[i] = l ? (&l->a)[features[i].reg] : 0;
	}
}

/* A leaf as the tools want it -> as the domain may see it. */
static void leaf_mask(struct cpuid_leaf *l)
{
	u32 i, subleaf = l->subleaf == NO_SUBLEAF ? 0 : l->subleaf;
	const struct cpuid_leaf *m = find(policy_max(), l->leaf, subleaf);

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (features[i].reg < 4 && features[i].leaf == l->leaf &&
		    features[i].subleaf == subleaf)
			(&l->a)[features[i].reg] &= m ? (&m->a)[features[i].reg] : 0;
}

static int copy_out(struct call *c, const struct cpuid_policy *p, u64 gva, u32 *nr)
{
	if (*nr < p->nr)
		return -ENOBUFS;
	*nr = p->nr;
	return copy_to_guest(c->v, gva, p->leaves, p->nr * sizeof(p->leaves[0]));
}

int policy_get(struct call *c, struct domain *d, struct xen_domctl_cpu_policy *op)
{
	op->nr_msrs = 0;
	return copy_out(c, d->policy ? d->policy : policy_max(), handle_address(op->leaves),
			&op->nr_leaves);
}

int policy_set(struct call *c, struct domain *d, struct xen_domctl_cpu_policy *op)
{
	struct cpuid_policy *p;
	xen_msr_entry_t msr;

	op->err_leaf = op->err_subleaf = op->err_msr = ~0u;
	if (op->nr_leaves > POLICY_LEAVES || op->nr_msrs > 2)
		return -E2BIG;
	for (u32 i = 0; i < op->nr_msrs; i++) {
		if (fetch(c, &msr, handle_address(op->msrs) + i * sizeof(msr)))
			return -EFAULT;
		/* PLATFORM_INFO and ARCH_CAPABILITIES: none of their bits is offered */
		if (msr.flags || (msr.idx != 0xce && msr.idx != 0x10a) || msr.val) {
			op->err_msr = msr.idx;
			return -EINVAL;
		}
	}
	p = pages_alloc(POLICY_PAGES);
	if (!p)
		return -ENOMEM;
	if (copy_from_guest(c->v, p->leaves, handle_address(op->leaves),
			    op->nr_leaves * sizeof(p->leaves[0]))) {
		pages_free(p, POLICY_PAGES);
		return -EFAULT;
	}
	p->nr = op->nr_leaves;
	for (u32 i = 0; i < p->nr; i++) {
		struct cpuid_leaf *l = &p->leaves[i];

		if (!leaf_known(l->leaf, l->subleaf)) {
			op->err_leaf = l->leaf;
			op->err_subleaf = l->subleaf;
			pages_free(p, POLICY_PAGES);
			return -EINVAL;
		}
		leaf_mask(l);
	}
	if (d->policy)
		pages_free(d->policy, POLICY_PAGES);
	d->policy = p;
	return 0;
}

int policy_system(struct call *c, struct xen_sysctl_cpu_policy *op)
{
	if (op->_rsvd)
		return -EINVAL;
	if (op->index > XEN_SYSCTL_cpu_policy_hvm_default)
		return -ENOENT;
	/* The size query is the same for every index: libxenguest asks it with index 0. */
	op->nr_msrs = handle_address(op->msrs) ? 0 : 2;
	if (!handle_address(op->leaves)) {
		op->nr_leaves = POLICY_LEAVES;
		return 0;
	}
	if (op->index != XEN_SYSCTL_cpu_policy_host && op->index != XEN_SYSCTL_cpu_policy_hvm_max &&
	    op->index != XEN_SYSCTL_cpu_policy_hvm_default)
		return -EOPNOTSUPP;
	return copy_out(c, policy_max(), handle_address(op->leaves), &op->nr_leaves);
}

int policy_featureset(struct call *c, struct xen_sysctl_cpu_featureset *op)
{
	u32 words[ARRAY_SIZE(features)], nr;

	if (op->index != XEN_SYSCTL_cpu_featureset_host &&
	    op->index != XEN_SYSCTL_cpu_featureset_hvm &&
	    op->index != XEN_SYSCTL_cpu_featureset_hvm_max)
		return -EOPNOTSUPP;
	nr = (u32)min_u64(op->nr_features, ARRAY_SIZE(words));
	policy_feature_words(words, ARRAY_SIZE(words));
	if (handle_address(op->features) &&
	    copy_to_guest(c->v, handle_address(op->features), words, nr * sizeof(words[0])))
		return -EFAULT;
	op->nr_features = ARRAY_SIZE(words);
	return handle_address(op->features) && nr < ARRAY_SIZE(words) ? -ENOBUFS : 0;
}
