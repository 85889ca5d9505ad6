/* Preloaded into a process under test: writes down every write, sync, creation and removal below WRITELOG_ROOT, in order, so that
 * a test can make the disk look as it would after a power cut at any moment (Rig/WriteLog.cs). Built by the test:
 *   gcc -shared -fPIC -O1 -o writelog.so writelog.c -ldl -lpthread
 * Record: op, path length, offset, data length (little-endian 1 + 4 + 8 + 8 bytes), path, data.
 * A sync is written down when it begins: what was written before it is durable when it returns.
 * While the file WRITELOG_FAIL exists every sync fails with EIO and makes nothing durable. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[4096];
static size_t root_length;
static const char *fail;

__attribute__((constructor)) static void begin(void)
{
    const char *r = getenv("WRITELOG_ROOT"), *file = getenv("WRITELOG_FILE");
    fail = getenv("WRITELOG_FAIL");
    if (!r || !file)
        return;
    snprintf(root, sizeof root, "%s", r);
    root_length = strlen(root);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int watched(const char *path) { return log_fd >= 0 && strncmp(path, root, root_length) == 0; }

static int path_of(int fd, char *path, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, size - 1);
    if (n <= 0)
        return 0;
    path[n] = 0;
    return watched(path);
}

static void put(char op, const char *path, uint64_t offset, const struct iovec *data, int count)
{
    uint8_t head[21];
    uint32_t path_length = (uint32_t)strlen(path);
    uint64_t length = 0;
    for (int i = 0; i < count; i++)
        length += data[i].iov_len;
    head[0] = (uint8_t)op;
    memcpy(head + 1, &path_length, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &length, 8);
    syscall(SYS_write, log_fd, head, sizeof head);
    syscall(SYS_write, log_fd, path, path_length);
    for (int i = 0; i < count; i++)
        syscall(SYS_write, log_fd, data[i].iov_base, data[i].iov_len);
}

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

static ssize_t logged(int fd, const struct iovec *data, int count, off_t offset)
{
    char path[4096];
    if (!path_of(fd, path, sizeof path))
        return syscall(SYS_pwritev, fd, data, count, offset, 0);
    pthread_mutex_lock(&gate);
    ssize_t written = syscall(SYS_pwritev, fd, data, count, offset, 0);
    if (written > 0) {
        uint64_t left = (uint64_t)written, at = (uint64_t)offset;
        for (int i = 0; i < count && left > 0; i++) {
            struct iovec one = { data[i].iov_base, data[i].iov_len < left ? data[i].iov_len : left };
            put('W', path, at, &one, 1);
            at += one.iov_len;
            left -= one.iov_len;
        }
    }
    pthread_mutex_unlock(&gate);
    return written;
}

ssize_t pwrite(int fd, const void *buffer, size_t n, off_t offset) { struct iovec v = { (void *)buffer, n }; return logged(fd, &v, 1, offset); }
ssize_t pwrite64(int fd, const void *buffer, size_t n, off64_t offset) { struct iovec v = { (void *)buffer, n }; return logged(fd, &v, 1, offset); }
ssize_t pwritev(int fd, const struct iovec *v, int n, off_t offset) { return logged(fd, v, n, offset); }
ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t offset) { return logged(fd, v, n, offset); }

static int sync_logged(int fd, int (*real)(int))
{
    char path[4096];
    if (path_of(fd, path, sizeof path)) {
        if (fail && access(fail, F_OK) == 0) {
            errno = EIO;
            return -1;
        }
        pthread_mutex_lock(&gate);
        put('S', path, 0, 0, 0);
        pthread_mutex_unlock(&gate);
    }
    return real(fd);
}

int fsync(int fd) { return sync_logged(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_logged(fd, REAL(fdatasync)); }

static int truncate_logged(int fd, off_t length)
{
    char path[4096];
    if (path_of(fd, path, sizeof path)) {
        pthread_mutex_lock(&gate);
        put('T', path, (uint64_t)length, 0, 0);
        pthread_mutex_unlock(&gate);
    }
    return (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length) { return truncate_logged(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncate_logged(fd, length); }

int unlink(const char *name)
{
    if (watched(name)) {
        pthread_mutex_lock(&gate);
        put('U', name, 0, 0, 0);
        pthread_mutex_unlock(&gate);
    }
    return REAL(unlink)(name);
}

static int open_logged(int directory, const char *name, int flags, mode_t mode)
{
    int is_new = (flags & O_CREAT) && watched(name) && access(name, F_OK) != 0;
    if (is_new) {
        pthread_mutex_lock(&gate);
        put('C', name, 0, 0, 0);
        pthread_mutex_unlock(&gate);
    }
    return (int)syscall(SYS_openat, directory, name, flags, mode);
}

#define MODE(flags) ({ mode_t m = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, flags); m = va_arg(a, mode_t); va_end(a); } m; })
int open(const char *name, int flags, ...) { mode_t m = MODE(flags); return open_logged(AT_FDCWD, name, flags, m); }
int open64(const char *name, int flags, ...) { mode_t m = MODE(flags); return open_logged(AT_FDCWD, name, flags | O_LARGEFILE, m); }
int openat(int d, const char *name, int flags, ...) { mode_t m = MODE(flags); return open_logged(d, name, flags, m); }
int openat64(int d, const char *name, int flags, ...) { mode_t m = MODE(flags); return open_logged(d, name, flags | O_LARGEFILE, m); }
