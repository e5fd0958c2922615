/* Counts the calls of a kind on files below one folder, and lets the n-th fail as a disk would, or kills the process at it.
 *
 * CALLS_FOLDER     the folder, as the kernel names it
 * CALLS_COUNTS     a file of as many 64-bit counters as there are kinds; it is shared by processes that follow each other,
 *                  and outlives those that are killed
 * CALLS_PLAN       "KIND N HOW ON": the number of the kind, which call counts from 1, what happens, and whether that is
 *                  "once" or for "all" from there. HOW: EIO, ENOSPC, or killed "before" the call, "after" it, or "within"
 *                  it, when half of the bytes are written. Without a plan the calls are counted alone. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { WRITE, SYNC, TRUNCATE, OPEN, UNLINK, KINDS };

static struct {
    char folder[PATH_MAX];
    size_t length;
    uint64_t *counts;
    int kind;
    uint64_t n;
    char how[16], on[16];
} plan;

__attribute__((constructor)) static void start(void)
{
    const char *folder = getenv("CALLS_FOLDER"), *counts = getenv("CALLS_COUNTS"), *text = getenv("CALLS_PLAN");
    if (!folder || !counts)
        return;
    plan.kind = KINDS;
    if (text && sscanf(text, "%d %lu %15s %15s", &plan.kind, &plan.n, plan.how, plan.on) != 4)
        abort();
    int fd = syscall(SYS_openat, AT_FDCWD, counts, O_RDWR);
    void *mapped = mmap(NULL, KINDS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        abort();
    syscall(SYS_close, fd);
    snprintf(plan.folder, sizeof plan.folder, "%s", folder);
    plan.length = strlen(plan.folder);
    plan.counts = mapped;
}

static int is_within(const char *path)
{
    return strncmp(path, plan.folder, plan.length) == 0 && (path[plan.length] == '/' || path[plan.length] == 0);
}

static int is_fd_within(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = plan.counts ? readlink(link, path, sizeof path - 1) : -1;
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_within(path);
}

/* Relative paths are those of temporary files below an open folder, and of the folder that the test works in. A configuration
 * is no part of a database. */
static int is_path_within(int folder, const char *path)
{
    if (!plan.counts || strstr(path, ".toml"))
        return 0;
    if (path[0] == '/')
        return is_within(path);
    if (folder != AT_FDCWD)
        return is_fd_within(folder);
    char here[PATH_MAX];
    return getcwd(here, sizeof here) && is_within(here);
}

static int is_due(enum kind kind, int within)
{
    if (!within)
        return 0;
    uint64_t n = __atomic_add_fetch(&plan.counts[kind], 1, __ATOMIC_SEQ_CST);
    return (int)kind == plan.kind && (n == plan.n || (n > plan.n && strcmp(plan.on, "all") == 0));
}

static int is_how(const char *how)
{
    return strcmp(plan.how, how) == 0;
}

static void die(void)
{
    for (;;)
        syscall(SYS_kill, getpid(), SIGKILL);
}

/* 1 where the call fails, with errno set. */
static int strikes(int due)
{
    if (due && is_how("before"))
        die();
    if (due && (is_how("EIO") || is_how("ENOSPC"))) {
        errno = is_how("EIO") ? EIO : ENOSPC;
        return 1;
    }
    return 0;
}

static long ends(int due, long result)
{
    if (due && is_how("after"))
        die();
    return result;
}

static ssize_t written(int fd, const void *bytes, size_t count, off_t offset)
{
    int before = errno, due = is_due(WRITE, is_fd_within(fd));
    errno = before;
    if (strikes(due))
        return -1;
    if (due && is_how("within")) {
        syscall(SYS_pwrite64, fd, bytes, count / 2, offset);
        die();
    }
    return ends(due, syscall(SYS_pwrite64, fd, bytes, count, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) { return written(fd, bytes, count, offset); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return written(fd, bytes, count, offset); }

static int synced(int fd, long call)
{
    int before = errno, due = is_due(SYNC, is_fd_within(fd));
    errno = before;
    return strikes(due) ? -1 : ends(due, syscall(call, fd));
}

int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }
int fsync(int fd) { return synced(fd, SYS_fsync); }

static int truncated(int fd, off_t length)
{
    int before = errno, due = is_due(TRUNCATE, is_fd_within(fd));
    errno = before;
    return strikes(due) ? -1 : ends(due, syscall(SYS_ftruncate, fd, length));
}

int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off_t length) { return truncated(fd, length); }

static int opened(int folder, const char *path, int flags, mode_t mode)
{
    int before = errno, due = is_due(OPEN, is_path_within(folder, path));
    errno = before;
    return strikes(due) ? -1 : ends(due, syscall(SYS_openat, folder, path, flags, mode));
}

#define MODE                                                                  \
    mode_t mode = 0;                                                          \
    if (flags & (O_CREAT | O_TMPFILE)) {                                      \
        va_list more;                                                         \
        va_start(more, flags);                                                \
        mode = va_arg(more, mode_t);                                          \
        va_end(more);                                                         \
    }

int open(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE return opened(folder, path, flags, mode); }

static int unlinked(int folder, const char *path, int flags)
{
    int before = errno, due = is_due(UNLINK, is_path_within(folder, path));
    errno = before;
    return strikes(due) ? -1 : ends(due, syscall(SYS_unlinkat, folder, path, flags));
}

int unlink(const char *path) { return unlinked(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char *path, int flags) { return unlinked(folder, path, flags); }
