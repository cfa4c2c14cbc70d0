// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * init of a fidelity domain: takes QEMU's arguments from xenstore, waits for the devices that they name,
 * runs QEMU, and powers the domain off when it is done.  What happens is told in xenstore:
 *
 *   diptych/argv/000 ...  QEMU's arguments (read)
 *   diptych/state         "running", then "exited N" or "killed N" (written)
 *   diptych/error         the last lines of QEMU, or why init failed (written)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "init.h"
#include "minv-ioctl.h"

#define QEMU	       "/bin/qemu"
#define SHUTDOWN_CRASH 3ul /* Xen's reason */
#define DEVICE_SECONDS 30

/* Before the toolstack's arguments: where its files are. */
static const char *const own_arguments[] = {
	QEMU,
	"-L",
	"/share/qemu",
};
#define OWN (sizeof(own_arguments) / sizeof(own_arguments[0]))

/* After them, when the kernel's command line has this word: what the firmware says goes to the log too. */
#define FIRMWARE_LOG "firmware_log"
static const char *const log_arguments[] = { "-chardev", "file,id=firmware,path=/proc/self/fd/1",
					     "-device",
					     "isa-debugcon,iobase=0x402,chardev=firmware" };
#define LOG (sizeof(log_arguments) / sizeof(log_arguments[0]))

void log_line(const char *format, ...)
{
	static int kmsg = -1;
	char text[512];
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (kmsg < 0 ||
	    write(kmsg, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1) <
		    0)
		return; /* nobody to tell */
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* The guest must not stay behind when its QEMU could not tell its end. */
static void guest_crashed(void)
{
	int fd = open("/dev/minv", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, MINV_IOC_SHUTDOWN, SHUTDOWN_CRASH))
		log_line("init: cannot end the guest: %s\n", strerror(errno));
}

static void fail(const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "init: %s: %s", what, strerror(errno));
	log_line("%s\n", text);
	xenstore_write("diptych/error", text);
	guest_crashed();
	power_off();
}

static void mount_or_fail(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) && errno != EBUSY)
		fail(where);
}

static bool firmware_log_wanted(void)
{
	FILE *file = fopen("/proc/cmdline", "re");
	char line[4096] = "";
	bool wanted = file && fgets(line, sizeof(line), file) && strstr(line, FIRMWARE_LOG);

	if (file)
		fclose(file);
	return wanted;
}

static char **arguments_read(void)
{
	size_t count, i;
	char **names = xenstore_list("diptych/argv", &count), **argv, path[64];

	if (!names || !count)
		fail("diptych/argv in xenstore");
	argv = calloc(OWN + count + LOG + 1, sizeof(*argv));
	if (!argv)
		fail("arguments");
	for (i = 0; i < OWN; i++)
		argv[i] = strdup(own_arguments[i]);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "diptych/argv/%s", names[i]);
		argv[OWN + i] = xenstore_read(path);
		if (!argv[OWN + i])
			fail(path);
	}
	for (i = 0; i < LOG && firmware_log_wanted(); i++)
		argv[OWN + count + i] = strdup(log_arguments[i]);
	return argv;
}

/* Disks come when their backend in dom0 is ready. */
static void wait_for(const char *device)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int tries;

	for (tries = 0; access(device, F_OK); tries++) {
		if (tries == DEVICE_SECONDS * 50)
			fail(device);
		nanosleep(&pause, NULL);
	}
}

static void wait_for_devices(char *const argv[])
{
	const char *at;
	char device[32];
	size_t i, length;

	for (i = 0; argv[i]; i++) {
		for (at = argv[i]; (at = strstr(at, "/dev/xvd")); at += length) {
			length = strcspn(at, ",");
			if (length >= sizeof(device))
				continue;
			memcpy(device, at, length);
			device[length] = '\0';
			wait_for(device);
		}
	}
}

/* Without a console the kernel opens nothing for init: then a pipe could be 1 or 2, and closed when QEMU begins. */
static void open_first_three(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int main(void)
{
	char last_lines[1024] = "", state[32];
	char **argv;
	int status;

	mount_or_fail("devtmpfs", "/dev");
	open_first_three();
	mount_or_fail("proc", "/proc");
	mount_or_fail("sysfs", "/sys");
	mount_or_fail("tmpfs", "/tmp");
	if (!xenstore_open())
		fail("/dev/xen/xenbus");
	argv = arguments_read();
	wait_for_devices(argv);
	if (!network_bridge(argv))
		fail("network");
	channels_serve();
	xenstore_write("diptych/state", "running");

	status = process_run(argv, last_lines, sizeof(last_lines));
	if (status != 0)
		guest_crashed();
	if (*last_lines) /* also why it has stopped its guest */
		xenstore_write("diptych/error", last_lines);
	if (WIFSIGNALED(status))
		snprintf(state, sizeof(state), "killed %d", WTERMSIG(status));
	else
		snprintf(state, sizeof(state), "exited %d", WEXITSTATUS(status));
	xenstore_write("diptych/state", state);
	power_off();
	return 1;
}
