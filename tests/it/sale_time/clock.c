/* A wall clock that is wrong: ahead by as many seconds as the file says that CLOCK_AHEAD names. The monotonic one is right. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = syscall(SYS_clock_gettime, id, ts);
    const char *path = id == CLOCK_REALTIME ? getenv("CLOCK_AHEAD") : NULL;
    if (rc == 0 && path) {
        int before = errno;
        char text[32] = {0};
        int fd = open(path, O_RDONLY);
        if (fd >= 0) {
            if (read(fd, text, sizeof text - 1) > 0)
                ts->tv_sec += atoll(text);
            close(fd);
        }
        errno = before;
    }
    return rc;
}
