/* Lets system calls fail as a disk would: preloaded into the program, it looks at each call whether the file `pwrite`,
 * `pwrite_of_broken_disk` or `fdatasync` is there in the folder that FAULTS names; where `fsync` is, the program is killed by that call, and where `slow` is,
 * a sync of data takes 20 ms longer. What the program does not call by way of libc the kernel refuses, if
 * the file `link` or `rename` is there when the program starts. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
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

/* Whether the file lies in the folder `full`, if there is one in FAULTS: then only that one is full. */
static int is_on_full_disk(int fd)
{
    char link[64], path[4096], full[4096];
    int before = errno;
    snprintf(full, sizeof full, "%s/full/", getenv("FAULTS"));
    int some_are = access(full, F_OK) == 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    errno = before;
    return !some_are || strncmp(path, full, strlen(full)) == 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset)
{
    if (is_faulty("pwrite") && is_on_full_disk(fd)) {
        errno = ENOSPC;
        return -1;
    }
    if (is_faulty("pwrite_of_broken_disk")) {
        errno = EIO;
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
    if (is_faulty("slow"))
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    if (is_faulty("fsync"))
        raise(SIGKILL);
    return syscall(SYS_fsync, fd);
}

#define REFUSE(call, error)                                   \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),     \
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOAD_CALL BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))

static void refuse(struct sock_filter *filter, unsigned short length)
{
    struct sock_fprog program = {length, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("seccomp");
        abort();
    }
}

/* No file gets a second name, nor one that must be free. */
static void refuse_link(void)
{
    struct sock_filter filter[] = {
        LOAD_CALL,
#ifdef SYS_link
        REFUSE(link, EPERM),
#endif
        REFUSE(linkat, EPERM),
        REFUSE(renameat2, EINVAL),
        ALLOW,
    };
    refuse(filter, sizeof filter / sizeof *filter);
}

static void refuse_rename(void)
{
    struct sock_filter filter[] = {
        LOAD_CALL,
#ifdef SYS_rename
        REFUSE(rename, ENOSPC),
#endif
        REFUSE(renameat, ENOSPC),
        ALLOW,
    };
    refuse(filter, sizeof filter / sizeof *filter);
}

__attribute__((constructor)) static void start(void)
{
    if (is_faulty("link"))
        refuse_link();
    if (is_faulty("rename"))
        refuse_rename();
}
