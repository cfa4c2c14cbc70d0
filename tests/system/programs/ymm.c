/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX as a program sees it.
 *
 *   ymm cpuid               what the processor says of it
 *   ymm keep SECONDS WHO    two processes that look whether YMM0 to YMM15 hold what they put there
 *   ymm device FILE         moves between a YMM or XMM register and device memory: FILE is a PCI device's resource with its
 *                           MSI-X table of two entries or more, which no driver uses (and which knows no access of one byte)
 *   ymm call DIGIT          holds a word in YMM15 for ten seconds, which the fidelity domain's process sees and begins or ends by
 * As process 1, which becomes /init.real, it starts beside it `keep` from call 1 to call 2; with the option `spoil` of the kernel
 * it spoils, from call 1 on, what the user of /dev/minv gives as the guest's registers.  They share the guest's serial line: it
 * speaks only while the guest is in a call.
 */
#include <cpuid.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL	  "fidelity, now: %" /* 16 characters, the last is the digit */
#define REGISTERS 16
#define YMM	  32
#define SPIN	  (1u << 25) /* TSC ticks that the registers wait for */
#define GAP	  (1u << 20) /* ticks between two looks at it: somebody else ran */

typedef uint8_t file_t[REGISTERS][YMM] __attribute__((aligned(32)));

#define EACH(f) \
	f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)
#define LOAD(n)	 "vmovdqu 32*" #n "(%%rsi), %%ymm" #n "\n"
#define STORE(n) "vmovdqu %%ymm" #n ", 32*" #n "(%%rdi)\n"
#define VECTORS                                                                                  \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
		"xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static uint64_t seed;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void fill(void *to, unsigned int bytes)
{
	uint64_t *words = to;

	for (; bytes; bytes -= 8)
		*words++ = rnd();
}

/* What is done to the registers once they are loaded: nothing, their upper halves or they as a whole cleared. */
enum { ALL, LOWER, NONE };

static unsigned int keep_once(const file_t in, file_t out, int what)
{
	unsigned int gaps = 0;

	asm volatile(EACH(LOAD) "cmp $1, %[what]\n"
				"jb 2f\n"
				"ja 1f\n"
				"vzeroupper\n"
				"jmp 2f\n"
				"1: vzeroall\n"
				"2: rdtsc\n"
				"shl $32, %%rdx\n"
				"or %%rdx, %%rax\n"
				"mov %%rax, %%r8\n"
				"mov %%rax, %%r9\n"
				"3: rdtsc\n"
				"shl $32, %%rdx\n"
				"or %%rdx, %%rax\n"
				"mov %%rax, %%r10\n"
				"sub %%r9, %%r10\n"
				"mov %%rax, %%r9\n"
				"cmp %[gap], %%r10\n"
				"jb 4f\n"
				"inc %[gaps]\n"
				"4: sub %%r8, %%rax\n"
				"cmp %[spin], %%rax\n"
				"jb 3b\n" EACH(STORE) "vzeroupper\n"
		     : [gaps] "+r"(gaps)
		     : "S"(in), "D"(out), [what] "r"(what), [gap] "i"(GAP), [spin] "i"(SPIN)
		     : "rax", "rdx", "r8", "r9", "r10", "memory", "cc", VECTORS);
	return gaps;
}

struct kept {
	unsigned int rounds, gaps, wrong;
};

static bool called(char digit);

/* Until the time is over, or, with 0 seconds, until call 2. */
static struct kept keep(unsigned int seconds)
{
	static file_t in, out;
	struct kept kept = { 0, 0, 0 };
	time_t end = time(NULL) + seconds;
	unsigned int n;

	do {
		int what = kept.rounds % 4 == 1 ? LOWER : kept.rounds % 4 == 3 ? NONE : ALL;

		fill(in, sizeof(in));
		kept.gaps += keep_once(in, out, what);
		for (n = 0; n < REGISTERS; n++) {
			if (what != ALL)
				memset(in[n] + 16, 0, 16);
			if (what == NONE)
				memset(in[n], 0, 16);
			kept.wrong += memcmp(in[n], out[n], YMM) != 0;
		}
		kept.rounds++;
	} while (seconds ? time(NULL) < end : !called('2'));
	return kept;
}

static int vcpu_memory = -1; /* of whoever has a vCPU of /dev/minv */
static off_t vcpu_page;	     /* where in it the guest's registers are */

static bool find_vcpu(void)
{
	DIR *processes = vcpu_memory < 0 ? opendir("/proc") : NULL;
	struct dirent *entry;
	char path[300], line[512];
	unsigned long start;

	while (processes && vcpu_memory < 0 && (entry = readdir(processes))) {
		FILE *maps;

		snprintf(path, sizeof(path), "/proc/%s/maps", entry->d_name);
		maps = fopen(path, "r");
		while (maps && vcpu_memory < 0 && fgets(line, sizeof(line), maps)) {
			if (!strstr(line, "minv-vcpu") || sscanf(line, "%lx", &start) != 1)
				continue;
			snprintf(path, sizeof(path), "/proc/%s/mem", entry->d_name);
			vcpu_memory = open(path, O_RDWR | O_CLOEXEC);
			vcpu_page = (off_t)start + 4096;
		}
		if (maps)
			fclose(maps);
	}
	if (processes)
		closedir(processes);
	return vcpu_memory >= 0;
}

/* As long as this process runs, all of the guest's registers are in that page. */
static bool called(char digit)
{
	char upper[16];

	return pread(vcpu_memory, upper, sizeof(upper), vcpu_page + 832 - 16) == 16 &&
	       !memcmp(upper, CALL, 15) && upper[15] == digit;
}

/* Two, so that the system's own switches are in it. */
static void keep_both(FILE *file, unsigned int seconds, const char *who)
{
	struct kept *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				  -1, 0),
		    kept;
	pid_t child = fork();
	int status;

	seed = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid() << 40 ^ 88172645463325252ull;
	kept = keep(seconds);
	if (child == 0) {
		*other = kept;
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		other->wrong = 1000000;
	fprintf(file, "\nymm-kept:%s:%u:%u:%u\n", who, kept.rounds + other->rounds,
		kept.gaps + other->gaps, kept.wrong + other->wrong);
	fflush(file);
}

static void say_cpuid(void)
{
	uint32_t a, b, c, d, size, offset, xcr0 = 0, ones;

	__cpuid(1, a, b, c, d);
	if (c & bit_OSXSAVE)
		asm volatile("xgetbv" : "=a"(xcr0), "=d"(d) : "c"(0));
	printf("ymm-cpuid:xsave=%d,osxsave=%d,avx=%d", !!(c & bit_XSAVE), !!(c & bit_OSXSAVE),
	       !!(c & bit_AVX));
	__cpuid_count(7, 0, a, b, c, d);
	printf(",avx2=%d,xcr0=%x", !!(b & bit_AVX2), xcr0);
	__cpuid_count(0xd, 0, a, b, c, d);
	__cpuid_count(0xd, 1, ones, size, offset, d);
	__cpuid_count(0xd, 2, size, offset, d, d);
	printf(",components=%x,bytes=%u,most=%u,avx-at=%u+%u,xsaves=%u\n", a, b, c, offset, size,
	       ones >> 3 & 1);
}

static void call(char digit)
{
	static file_t in, out;
	time_t end = time(NULL) + 10;
	unsigned int wrong = 0;

	memcpy(in[15] + 16, CALL, 16);
	in[15][31] = (uint8_t)digit;
	do {
		keep_once(in, out, ALL);
		wrong += memcmp(in, out, sizeof(in)) != 0;
	} while (time(NULL) < end);
	printf("ymm-called:%u\n", wrong);
}

static volatile uint32_t *device;
static file_t in, out;
static uint8_t held[YMM]
	__attribute__((aligned(32))); /* the device's memory, by moves of 32 bits */
static unsigned int failures, moves;

static void device_set(void)
{
	unsigned int n;

	fill(held, sizeof(held));
	for (n = 0; n < YMM / 4; n++)
		device[n] = ((uint32_t *)held)[n];
}

static void device_get(void)
{
	unsigned int n;

	for (n = 0; n < YMM / 4; n++)
		((uint32_t *)held)[n] = device[n];
}

/* The register 5 is `five` and the device's memory is `memory` now, all other registers are as before. */
static void expect(const char *name, const uint8_t *five, const uint8_t *memory)
{
	unsigned int n;

	device_get();
	moves++;
	for (n = 0; n < REGISTERS; n++)
		if (memcmp(out[n], n == 5 ? five : in[n], YMM)) {
			printf("%s: register %u is wrong\n", name, n);
			failures++;
		}
	if (memcmp(held, memory, YMM)) {
		printf("%s: the device has something else\n", name);
		failures++;
	}
}

/* Whatever `expected` is made from is as it was before the move. */
#define MOVE(instruction, make_expected)                                            \
	do {                                                                        \
		uint8_t five[YMM], memory[YMM];                                     \
		fill(in, sizeof(in));                                               \
		device_set();                                                       \
		memcpy(five, in[5], YMM);                                           \
		memcpy(memory, held, YMM);                                          \
		make_expected;                                                      \
		asm volatile(EACH(LOAD) instruction "\n" EACH(STORE) "vzeroupper\n" \
			     :                                                      \
			     : "S"(in), "D"(out), "b"(device)                       \
			     : "memory", VECTORS);                                  \
		expect(instruction, five, memory);                                  \
	} while (0)

static void repeat(uint8_t *to, unsigned int size)
{
	unsigned int n;

	for (n = 0; n < YMM; n++)
		to[n] = held[n % size];
}

static void lower(uint8_t *to, unsigned int size)
{
	memset(to, 0, YMM);
	memcpy(to, held, size);
}

static int try_device(const char *path)
{
	int fd = open(path, O_RDWR | O_SYNC);

	device = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || device == MAP_FAILED) {
		perror(path);
		return 1;
	}
	seed = 88172645463325252ull;
	MOVE("vmovdqu %%ymm5, (%%rbx)", memcpy(memory, five, 32));
	MOVE("vmovdqa %%ymm5, (%%rbx)", memcpy(memory, five, 32));
	MOVE("vmovups %%ymm5, (%%rbx)", memcpy(memory, five, 32));
	MOVE("vmovntdq %%ymm5, (%%rbx)", memcpy(memory, five, 32));
	MOVE("vmovntps %%ymm5, (%%rbx)", memcpy(memory, five, 32));
	MOVE("vmovdqu %%xmm5, 16(%%rbx)", memcpy(memory + 16, five, 16));
	MOVE("vmovq %%xmm5, 8(%%rbx)", memcpy(memory + 8, five, 8));
	MOVE("vmovd %%xmm5, 12(%%rbx)", memcpy(memory + 12, five, 4));
	MOVE("vmovhps %%xmm5, 8(%%rbx)", memcpy(memory + 8, five + 8, 8));
	MOVE("vextracti128 $1, %%ymm5, (%%rbx)", memcpy(memory, five + 16, 16));
	MOVE("movntdq %%xmm5, (%%rbx)", memcpy(memory, five, 16));
	MOVE("vmovdqu (%%rbx), %%ymm5", memcpy(five, held, 32));
	MOVE("vmovdqa (%%rbx), %%ymm5", memcpy(five, held, 32));
	MOVE("vmovaps (%%rbx), %%ymm5", memcpy(five, held, 32));
	MOVE("vmovntdqa (%%rbx), %%ymm5", memcpy(five, held, 32));
	MOVE("vlddqu (%%rbx), %%ymm5", memcpy(five, held, 32));
	MOVE("vmovdqu (%%rbx), %%xmm5", lower(five, 16));
	MOVE("vmovq (%%rbx), %%xmm5", lower(five, 8));
	MOVE("vmovss (%%rbx), %%xmm5", lower(five, 4));
	MOVE("vbroadcastss (%%rbx), %%ymm5", repeat(five, 4));
	MOVE("vpbroadcastq (%%rbx), %%ymm5", repeat(five, 8));
	MOVE("vbroadcastf128 (%%rbx), %%ymm5", repeat(five, 16));
	MOVE("vinserti128 $1, (%%rbx), %%ymm5, %%ymm5", memcpy(five + 16, held, 16));
	/* An SSE move keeps the upper half. */
	MOVE("movdqu (%%rbx), %%xmm5", memcpy(five, held, 16));
	MOVE("movhps (%%rbx), %%xmm5", memcpy(five + 8, held, 8));
	printf("ymm-device:%u:%u\n", moves, failures);
	return failures != 0;
}

/*
 * Headers that XRSTOR refuses, and an MXCSR (which QEMU's takes).  Each time for a moment, in which this process sleeps and the
 * guest goes on: its registers are loaded from that.
 */
static void spoil(FILE *console)
{
	static const uint64_t good[8] = { 7 }, bad_components[8] = { ~0ull },
			      bad_reserved[8] = { 7, 1, 2, 3, 4, 5, 6, 7 };
	const uint32_t bad_mxcsr = ~0u, good_mxcsr = 0x1f80;
	const uint64_t *const headers[] = { bad_components, bad_reserved, good };
	int n, written = 0;

	for (n = 0; n < 30; n++) { /* within that call */
		written += pwrite(vcpu_memory, headers[n % 3], 64, vcpu_page + 512) == 64 &&
			   pwrite(vcpu_memory, n % 3 == 2 ? &bad_mxcsr : &good_mxcsr, 4,
				  vcpu_page + 24) == 4;
		usleep(2000);
		pwrite(vcpu_memory, good, 64, vcpu_page + 512);
		pwrite(vcpu_memory, &good_mxcsr, 4, vcpu_page + 24);
		usleep(200000);
	}
	while (!called('2'))
		usleep(20000);
	fprintf(console, "\nymm-spoiled:%d\n", written);
}

/* In a fidelity domain: the guest's serial line is its console. */
static int beside_init(int argc, char **argv)
{
	FILE *console;
	int fd;

	if (fork()) {
		execv("/init.real", argv);
		return 1;
	}
	while ((fd = open("/dev/hvc0", O_WRONLY | O_NOCTTY | O_CLOEXEC)) < 0)
		usleep(100000);
	console = fdopen(fd, "w");
	setvbuf(console, NULL, _IOLBF, 0);
	while (!find_vcpu() || !called('1'))
		usleep(20000);
	if (argc > 1 && !strcmp(argv[1], "spoil"))
		spoil(console);
	else
		keep_both(console, 0, "fidelity");
	return 0;
}

int main(int argc, char **argv)
{
	if (getpid() == 1)
		return beside_init(argc, argv);
	if (argc == 2 && !strcmp(argv[1], "cpuid"))
		say_cpuid();
	else if (argc == 3 && !strcmp(argv[1], "call"))
		call(argv[2][0]);
	else if (argc == 4 && !strcmp(argv[1], "keep"))
		keep_both(stdout, (unsigned int)atoi(argv[2]), argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "device"))
		return try_device(argv[2]);
	else
		return 2;
	return 0;
}
