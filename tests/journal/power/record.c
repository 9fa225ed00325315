/*
 * A preload library that stands between a process and its disk, for the files below one directory. It can
 *
 * - record every operation that changes or syncs a file, with its data, in the order in which they happened;
 * - play a small disk: writes that make files longer than a quota allows fail with ENOSPC;
 * - play a slow disk: every fsync takes longer.
 *
 * Environment:
 *
 *   HOPTRAIL_DISK_DIR          the directory; absolute and without symbolic links. Nothing happens without it.
 *   HOPTRAIL_DISK_TRACE        record into this file. It must lie elsewhere, as must the notes.
 *   HOPTRAIL_DISK_NOTES        what the process writes into this file is recorded as a note, in its place among the
 *                              operations: so it can say what it believes to be durable.
 *   HOPTRAIL_DISK_KILL_AT      the process is killed (SIGKILL) instead of doing its operation of this number, from 1.
 *   HOPTRAIL_DISK_QUOTA        bytes. All files together become no longer (holes count as bytes); a write that would
 *                              go beyond is cut, and fails with ENOSPC when nothing of it fits. Making files and
 *                              directories costs nothing.
 *   HOPTRAIL_DISK_QUOTA_WHILE  the quota holds while a file of this name exists; without this setting, always.
 *   HOPTRAIL_DISK_FSYNC_MS     every fsync and fdatasync takes this much longer.
 *
 * The trace is a list of records in the machine's byte order: struct head, then head.len bytes (a path below the
 * directory, or data), then head.len2 bytes (the second path of a rename). Processes that run one after another may
 * share a trace: each begins with a record of its own. A sync is two records, so that what other
 * threads write while it runs is not taken for durable. sync_file_range is not recorded: it makes nothing durable.
 * Operations that the trace has no record for (writable shared mappings, hard links, preallocation, paths with "..")
 * are recorded as "unsupported"; a reader has to refuse such a trace. The kernel's ways of copying from file to file are
 * refused with ENOSYS, upon which callers read and write. Processes that the recorded one starts are not recorded.
 *
 * One lock is held over each operation and its record: their order is the true one. 64-bit Linux with glibc.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "the 64-bit names are aliases here");

enum { OPEN = 1, CLOSE, DUP, WRITE, TRUNCATE, TRUNCATE_PATH, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, RMDIR, MKDIR, NOTE,
       UNSUPPORTED, PROCESS };

struct head {
    uint32_t op;
    int32_t fd;
    int64_t a, b;
    uint32_t len, len2;
};

/* What a file descriptor is to us. */
enum { FOREIGN = 0, RECORDED, APPENDS, NOTES };
enum { FDS_MAX = 65536, TRACE_FD_MIN = 900 };

static unsigned char kind_of_fd[FDS_MAX];
static char root[PATH_MAX], notes[PATH_MAX];
static size_t root_len;
static int trace_fd = -1;
static int64_t tickets, kill_at, operations;
static int64_t quota = -1, used;
static const char *quota_while;
static long fsync_ms;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* The function that we stand in front of. */
#define REAL(name)                                                       \
    ({                                                                   \
        static __typeof__(&name) real;                                   \
        if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);    \
        real;                                                            \
    })

static void die(const char *what, const char *which) {
    dprintf(2, "record.c: %s: %s\n", what, which);
    abort();
}

/* ---- records ------------------------------------------------------------------------------------------------- */

static void record(uint32_t op, int fd, int64_t a, int64_t b, const void *data, size_t len, const char *second) {
    int saved = errno;
    if (trace_fd >= 0) {
        size_t len2 = second ? strlen(second) : 0;
        struct head head = {op, fd, a, b, (uint32_t)len, (uint32_t)len2};
        struct iovec parts[] = {{&head, sizeof head}, {(void *)data, len}, {(void *)second, len2}};
        ssize_t all = (ssize_t)(sizeof head + len + len2);
        if (REAL(writev)(trace_fd, parts, 3) != all) die("cannot write the trace", strerror(errno));
    }
    errno = saved;
}

static void record_path(uint32_t op, int fd, int64_t a, const char *path) {
    record(op, fd, a, 0, path, strlen(path), NULL);
}

/* Begins an operation. */
static void lock(void) {
    pthread_mutex_lock(&mutex);
    if (kill_at && ++operations >= kill_at) kill(getpid(), SIGKILL);
}

/* For `return unlock(result)`: keeps errno. */
static long unlock(long result) {
    int saved = errno;
    pthread_mutex_unlock(&mutex);
    errno = saved;
    return result;
}

static void unsupported(const char *what) {
    lock();
    record_path(UNSUPPORTED, -1, 0, what);
    unlock(0);
}

static int kind(int fd) { return fd >= 0 && fd < FDS_MAX ? kind_of_fd[fd] : FOREIGN; }

static void set_kind(int fd, int kind) {
    if (fd >= FDS_MAX && kind != FOREIGN) die("too many files are open", "");
    if (fd >= 0 && fd < FDS_MAX) kind_of_fd[fd] = (unsigned char)kind;
}

static int file_bytes(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)path, (void)ftw;
    if (type == FTW_F) used += st->st_size;
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("HOPTRAIL_DISK_DIR"), *trace = getenv("HOPTRAIL_DISK_TRACE");
    const char *notes_path = getenv("HOPTRAIL_DISK_NOTES"), *bytes = getenv("HOPTRAIL_DISK_QUOTA");
    const char *ms = getenv("HOPTRAIL_DISK_FSYNC_MS"), *number = getenv("HOPTRAIL_DISK_KILL_AT");
    if (!dir) return;
    if (!realpath(dir, root) || strcmp(dir, root)) die("HOPTRAIL_DISK_DIR is no plain absolute directory", dir);
    root_len = strlen(root);
    if (notes_path) snprintf(notes, sizeof notes, "%s", notes_path);
    if (trace) {
        int fd = REAL(open)(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        /* Far away from the numbers that the process gets. */
        trace_fd = fd < 0 ? fd : REAL(fcntl)(fd, F_DUPFD_CLOEXEC, TRACE_FD_MIN);
        if (trace_fd < 0) die("cannot open the trace", trace);
        REAL(close)(fd);
        record(PROCESS, -1, 0, 0, NULL, 0, NULL);
    }
    if (number) kill_at = atoll(number);
    if (bytes) {
        quota = atoll(bytes);
        quota_while = getenv("HOPTRAIL_DISK_QUOTA_WHILE");
        nftw(root, file_bytes, 64, FTW_PHYS);
    }
    if (ms) fsync_ms = atol(ms);
    unsetenv("LD_PRELOAD");
}

/* ---- paths --------------------------------------------------------------------------------------------------- */

/* Writes the absolute form of a path. */
static int absolute(int dirfd, const char *path, char out[PATH_MAX]) {
    char base[PATH_MAX] = "", joined[2 * PATH_MAX], link[64], *rest = joined, *part;
    size_t len = 0;
    if (path[0] != '/' && dirfd == AT_FDCWD && !getcwd(base, sizeof base)) return 0;
    if (path[0] != '/' && dirfd != AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
        ssize_t got = readlink(link, base, sizeof base - 1);
        if (got < 0) return 0;
        base[got] = 0;
    }
    snprintf(joined, sizeof joined, "%s/%s", base, path);
    out[0] = 0;
    while ((part = strsep(&rest, "/"))) {
        if (!*part || !strcmp(part, ".")) continue;
        if (!strcmp(part, "..") && !strncmp(out, root, root_len)) unsupported("a path with ..");
        int more = snprintf(out + len, PATH_MAX - len, "/%s", part);
        if (more < 0 || (len += (size_t)more) >= PATH_MAX) return 0;
    }
    return 1;
}

/* The path below the directory; NULL for what lies elsewhere. */
static const char *inside(int dirfd, const char *path, char out[PATH_MAX]) {
    int saved = errno;
    int is_inside = root_len && path && absolute(dirfd, path, out) && !strncmp(out, root, root_len)
        && (out[root_len] == '/' || !out[root_len]);
    errno = saved;
    if (!is_inside) return NULL;
    return out[root_len] ? out + root_len + 1 : "";
}

static int64_t bytes_of(int dirfd, const char *path) {
    struct stat st;
    int saved = errno;
    int64_t bytes = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
    errno = saved;
    return bytes;
}

/* ---- opening and closing ------------------------------------------------------------------------------------- */

static int open_at(int dirfd, const char *path, int flags, mode_t mode) {
    char buffer[PATH_MAX];
    const char *below = inside(dirfd, path, buffer);
    if (!below) {
        int fd = REAL(openat)(dirfd, path, flags, mode);
        set_kind(fd, root_len && notes[0] && !strcmp(path, notes) ? NOTES : FOREIGN);
        return fd;
    }
    if ((flags & O_TMPFILE) == O_TMPFILE) unsupported("O_TMPFILE");
    lock();
    int64_t cut = flags & O_TRUNC ? bytes_of(dirfd, path) : 0;
    int fd = REAL(openat)(dirfd, path, flags, mode);
    if (fd >= 0) {
        used -= cut;
        set_kind(fd, flags & O_APPEND ? APPENDS : RECORDED);
        /* The flags as bits of our own: 1 made where it is missing, 2 cut to nothing. */
        record_path(OPEN, fd, (flags & O_CREAT ? 1 : 0) | (flags & O_TRUNC ? 2 : 0), below);
    }
    return (int)unlock(fd);
}

static mode_t mode_in(int flags, va_list args) {
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_in(flags, args);
    va_end(args);
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int dirfd, const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_in(flags, args);
    va_end(args);
    return open_at(dirfd, path, flags, mode);
}

int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int fd) {
    if (!kind(fd)) return REAL(close)(fd);
    lock();
    if (kind(fd) != NOTES) record(CLOSE, fd, 0, 0, NULL, 0, NULL);
    set_kind(fd, FOREIGN);
    return (int)unlock(REAL(close)(fd));
}

/* Closes its descriptor without asking close. */
int closedir(DIR *dir) {
    int fd = dirfd(dir);
    if (!kind(fd)) return REAL(closedir)(dir);
    lock();
    record(CLOSE, fd, 0, 0, NULL, 0, NULL);
    set_kind(fd, FOREIGN);
    return (int)unlock(REAL(closedir)(dir));
}

/* Under the lock; gives `copy` back. */
static int note_copy(int fd, int copy) {
    if (copy >= 0) {
        set_kind(copy, kind(fd));
        if (kind(fd) && kind(fd) != NOTES) record(DUP, fd, copy, 0, NULL, 0, NULL);
    }
    return copy;
}

int dup(int fd) {
    lock();
    return (int)unlock(note_copy(fd, REAL(dup)(fd)));
}

int dup2(int fd, int copy) {
    lock();
    return (int)unlock(note_copy(fd, REAL(dup2)(fd, copy)));
}

int dup3(int fd, int copy, int flags) {
    lock();
    return (int)unlock(note_copy(fd, REAL(dup3)(fd, copy, flags)));
}

int fcntl(int fd, int command, ...) {
    va_list args;
    va_start(args, command);
    long argument = va_arg(args, long);
    va_end(args);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        lock();
        return (int)unlock(note_copy(fd, REAL(fcntl)(fd, command, argument)));
    }
    return REAL(fcntl)(fd, command, argument);
}

/* ---- data ---------------------------------------------------------------------------------------------------- */

static int is_quota_on(void) { return quota >= 0 && (!quota_while || access(quota_while, F_OK) == 0); }

/* How much of a write may go to the disk; the rest would make the file too long. */
static size_t allowed(int64_t size, int64_t at, size_t len) {
    int64_t end = at + (int64_t)len, room = quota - used < 0 ? 0 : quota - used;
    if (quota < 0 || end <= size || end - size <= room || !is_quota_on()) return len;
    return at >= size + room ? 0 : (size_t)(size + room - at);
}

/* `at` below 0: at the descriptor's own position. */
static ssize_t write_at(int fd, const void *data, size_t len, off_t at) {
    if (!kind(fd)) return at < 0 ? REAL(write)(fd, data, len) : REAL(pwrite)(fd, data, len, at);
    lock();
    if (kind(fd) == NOTES) {
        record(NOTE, fd, 0, 0, data, len, NULL);
        return unlock(REAL(write)(fd, data, len));
    }
    if (kind(fd) == APPENDS && at >= 0) record_path(UNSUPPORTED, fd, 0, "pwrite into a file that is appended to");
    struct stat st;
    if (fstat(fd, &st) != 0) return unlock(-1);
    off_t to = at >= 0 ? at : kind(fd) == APPENDS ? st.st_size : lseek(fd, 0, SEEK_CUR);
    size_t part = allowed(st.st_size, to, len);
    if (part == 0 && len > 0) {
        errno = ENOSPC;
        return unlock(-1);
    }
    ssize_t done = at < 0 ? REAL(write)(fd, data, part) : REAL(pwrite)(fd, data, part, at);
    if (done > 0) {
        if (to + done > st.st_size) used += to + done - st.st_size;
        record(WRITE, fd, to, 0, data, (size_t)done, NULL);
    }
    return unlock(done);
}

static ssize_t writev_at(int fd, const struct iovec *parts, int count, off_t at) {
    if (!kind(fd)) return at < 0 ? REAL(writev)(fd, parts, count) : REAL(pwritev)(fd, parts, count, at);
    size_t len = 0, done = 0;
    for (int i = 0; i < count; i++) len += parts[i].iov_len;
    char *data = malloc(len ? len : 1);
    if (!data) die("out of memory", "");
    for (int i = 0; i < count; done += parts[i++].iov_len) memcpy(data + done, parts[i].iov_base, parts[i].iov_len);
    ssize_t result = write_at(fd, data, len, at);
    int saved = errno;
    free(data);
    errno = saved;
    return result;
}

ssize_t write(int fd, const void *data, size_t len) { return write_at(fd, data, len, -1); }
ssize_t pwrite(int fd, const void *data, size_t len, off_t at) { return write_at(fd, data, len, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return writev_at(fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return writev_at(fd, parts, count, at); }

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags) {
    return kind(fd) ? writev_at(fd, parts, count, at) : REAL(pwritev2)(fd, parts, count, at, flags);
}

int ftruncate(int fd, off_t len) {
    if (!kind(fd) || kind(fd) == NOTES) return REAL(ftruncate)(fd, len);
    lock();
    struct stat st = {0};
    fstat(fd, &st);
    if (len > st.st_size && allowed(st.st_size, st.st_size, (size_t)(len - st.st_size)) < (size_t)(len - st.st_size)) {
        errno = ENOSPC;
        return (int)unlock(-1);
    }
    int result = REAL(ftruncate)(fd, len);
    if (result == 0) {
        used += len - st.st_size;
        record(TRUNCATE, fd, len, 0, NULL, 0, NULL);
    }
    return (int)unlock(result);
}

int truncate(const char *path, off_t len) {
    char buffer[PATH_MAX];
    const char *below = inside(AT_FDCWD, path, buffer);
    if (!below) return REAL(truncate)(path, len);
    lock();
    int64_t before = bytes_of(AT_FDCWD, path);
    int result = REAL(truncate)(path, len);
    if (result == 0) {
        used += len - before;
        record_path(TRUNCATE_PATH, -1, len, below);
    }
    return (int)unlock(result);
}

/* ---- durability ---------------------------------------------------------------------------------------------- */

static int sync_with(int (*real)(int), int fd) {
    if (!kind(fd) || kind(fd) == NOTES) return real(fd);
    lock();
    int64_t ticket = ++tickets;
    record(SYNC_BEGIN, fd, ticket, 0, NULL, 0, NULL);
    unlock(0);
    if (fsync_ms > 0) {
        struct timespec wait = {fsync_ms / 1000, fsync_ms % 1000 * 1000000};
        while (nanosleep(&wait, &wait) != 0 && errno == EINTR) {}
    }
    int result = real(fd);
    lock();
    record(SYNC_END, fd, ticket, result, NULL, 0, NULL);
    return (int)unlock(result);
}

int fsync(int fd) { return sync_with(REAL(fsync), fd); }
int fdatasync(int fd) { return sync_with(REAL(fdatasync), fd); }

/* ---- names --------------------------------------------------------------------------------------------------- */

int renameat2(int fd_from, const char *from, int fd_to, const char *to, unsigned flags) {
    char buffer_from[PATH_MAX], buffer_to[PATH_MAX];
    const char *below_from = inside(fd_from, from, buffer_from), *below_to = inside(fd_to, to, buffer_to);
    if (!below_from && !below_to) return REAL(renameat2)(fd_from, from, fd_to, to, flags);
    if (!below_from || !below_to) unsupported("a rename out of the directory or into it");
    if (flags & ~RENAME_NOREPLACE) unsupported("a rename that exchanges");
    lock();
    int64_t replaced = bytes_of(fd_to, to);
    int result = REAL(renameat2)(fd_from, from, fd_to, to, flags);
    if (result == 0 && below_from && below_to) {
        used -= replaced;
        record(RENAME, -1, 0, 0, below_from, strlen(below_from), below_to);
    }
    return (int)unlock(result);
}

int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int renameat(int fd_from, const char *from, int fd_to, const char *to) {
    return renameat2(fd_from, from, fd_to, to, 0);
}

int unlinkat(int dirfd, const char *path, int flags) {
    char buffer[PATH_MAX];
    const char *below = inside(dirfd, path, buffer);
    if (!below) return REAL(unlinkat)(dirfd, path, flags);
    lock();
    int64_t freed = bytes_of(dirfd, path);
    int result = REAL(unlinkat)(dirfd, path, flags);
    if (result == 0) {
        used -= freed;
        record_path(flags & AT_REMOVEDIR ? RMDIR : UNLINK, -1, 0, below);
    }
    return (int)unlock(result);
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int dirfd, const char *path, mode_t mode) {
    char buffer[PATH_MAX];
    const char *below = inside(dirfd, path, buffer);
    if (!below) return REAL(mkdirat)(dirfd, path, mode);
    lock();
    int result = REAL(mkdirat)(dirfd, path, mode);
    if (result == 0) record_path(MKDIR, -1, 0, below);
    return (int)unlock(result);
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* ---- what the trace has no record for -------------------------------------------------------------------------- */

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at) {
    int is_shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    if (fd >= 0 && kind(fd) && (prot & PROT_WRITE) && is_shared) unsupported("a writable shared mapping");
    return REAL(mmap)(addr, len, prot, flags, fd, at);
}

int fallocate(int fd, int mode, off_t at, off_t len) {
    if (kind(fd)) unsupported("fallocate");
    return REAL(fallocate)(fd, mode, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len) {
    if (kind(fd)) unsupported("posix_fallocate");
    return REAL(posix_fallocate)(fd, at, len);
}

int linkat(int fd_from, const char *from, int fd_to, const char *to, int flags) {
    char buffer[PATH_MAX];
    if (inside(fd_to, to, buffer) || inside(fd_from, from, buffer)) unsupported("a hard link");
    return REAL(linkat)(fd_from, from, fd_to, to, flags);
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int symlinkat(const char *target, int dirfd, const char *path) {
    char buffer[PATH_MAX];
    if (inside(dirfd, path, buffer)) unsupported("a symbolic link");
    return REAL(symlinkat)(target, dirfd, path);
}

int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

ssize_t copy_file_range(int from, off64_t *at_from, int to, off64_t *at_to, size_t len, unsigned flags) {
    if (!kind(to)) return REAL(copy_file_range)(from, at_from, to, at_to, len, flags);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile(int to, int from, off_t *at, size_t len) {
    if (!kind(to)) return REAL(sendfile)(to, from, at, len);
    errno = ENOSYS;
    return -1;
}

ssize_t splice(int from, off64_t *at_from, int to, off64_t *at_to, size_t len, unsigned flags) {
    if (!kind(to)) return REAL(splice)(from, at_from, to, at_to, len, flags);
    errno = EINVAL;
    return -1;
}

/* ---- the 64-bit names: the same functions on 64-bit Linux -------------------------------------------------------- */

#define ALIAS(name) __attribute__((alias(#name)))
int open64(const char *, int, ...) ALIAS(open);
int openat64(int, const char *, int, ...) ALIAS(openat);
int creat64(const char *, mode_t) ALIAS(creat);
int fcntl64(int, int, ...) ALIAS(fcntl);
ssize_t pwrite64(int, const void *, size_t, off64_t) ALIAS(pwrite);
ssize_t pwritev64(int, const struct iovec *, int, off64_t) ALIAS(pwritev);
ssize_t pwritev64v2(int, const struct iovec *, int, off64_t, int) ALIAS(pwritev2);
int ftruncate64(int, off64_t) ALIAS(ftruncate);
int truncate64(const char *, off64_t) ALIAS(truncate);
void *mmap64(void *, size_t, int, int, int, off64_t) ALIAS(mmap);
int fallocate64(int, int, off64_t, off64_t) ALIAS(fallocate);
int posix_fallocate64(int, off64_t, off64_t) ALIAS(posix_fallocate);
ssize_t sendfile64(int, int, off64_t *, size_t) ALIAS(sendfile);
