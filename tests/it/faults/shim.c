/* Lets system calls fail as a disk would: preloaded into the server, it looks at each call whether the file `pwrite` or
 * `fdatasync` is there in the folder that FAULTS names. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int is_faulty(const char *call)
{
    char path[4096];
    const char *folder = getenv("FAULTS");
    int before = errno;
    int found = folder && snprintf(path, sizeof path, "%s/%s", folder, call) > 0 && access(path, F_OK) == 0;
    errno = before;
    return found;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset)
{
    if (is_faulty("pwrite")) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(fd, bytes, count, offset);
}

int fdatasync(int fd)
{
    if (is_faulty("fdatasync")) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_fdatasync, fd);
}
