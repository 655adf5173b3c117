/* A clock that can be shifted, for whoever loads this library before all others.
 *
 * The seconds that it is ahead lie in a file that all processes map, so that a
 * shift is seen by all at once and costs no call of the system. Nothing here takes
 * a lock or memory: Postgres asks for the time in handlers of signals too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t none;
static const volatile int64_t *ahead = &none;
static int (*right)(clockid_t, struct timespec *);

__attribute__((constructor)) static void load(void)
{
	const char *name = getenv("SHIFTED_CLOCK");
	int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	if (file >= 0) {
		void *place = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
		if (place != MAP_FAILED)
			ahead = place;
		close(file);
	}
	right = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = right ? right(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += *ahead;
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;
	(void)zone; /* nobody has used it for decades */
	if (clock_gettime(CLOCK_REALTIME, &exact))
		return -1;
	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec exact;
	if (clock_gettime(CLOCK_REALTIME, &exact))
		return (time_t)-1;
	if (out)
		*out = exact.tv_sec;
	return exact.tv_sec;
}
