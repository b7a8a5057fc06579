// System calls that neither look at a path, nor change one, nor reach another process's data: they work on descriptors
// whose objects are already known, on memory, time, signals, scheduling, or the caller itself.

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const harmless: ReadonlySet<string> = new Set(
  words(`
  read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 sendfile splice tee vmsplice copy_file_range
  close close_range dup dup2 dup3 pipe pipe2 lseek ioctl flock fsync fdatasync sync syncfs sync_file_range
  ftruncate fallocate fadvise64 readahead fstat fstatfs fgetxattr flistxattr getcwd
  io_setup io_destroy io_getevents io_pgetevents io_submit io_cancel io_uring_enter io_uring_register
  poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait
  epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime userfaultfd
  inotify_init inotify_init1 inotify_rm_watch memfd_create memfd_secret
  mmap mprotect munmap brk mremap msync mincore madvise process_madvise mlock mlock2 munlock mlockall munlockall
  remap_file_pages mbind set_mempolicy get_mempolicy migrate_pages move_pages set_mempolicy_home_node pkey_mprotect
  pkey_alloc pkey_free mseal map_shadow_stack cachestat process_mrelease
  rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo
  rt_sigsuspend sigaltstack pause kill tkill tgkill pidfd_open pidfd_send_signal
  nanosleep getitimer setitimer alarm clock_nanosleep clock_gettime clock_settime clock_getres clock_adjtime
  gettimeofday settimeofday adjtimex time times timer_create timer_settime timer_gettime timer_getoverrun timer_delete
  getpid getppid gettid getuid geteuid getgid getegid setuid setgid setreuid setregid setresuid setresgid getresuid
  getresgid setfsuid setfsgid getgroups setgroups getpgid setpgid getpgrp getsid setsid capget capset umask
  clone clone3 fork vfork exit exit_group wait4 waitid unshare setns kcmp
  uname sysinfo syslog getrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get ioprio_set
  sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max
  sched_get_priority_min sched_rr_get_interval sched_setaffinity sched_getaffinity sched_setattr sched_getattr getcpu
  personality prctl arch_prctl modify_ldt set_thread_area get_thread_area set_tid_address set_robust_list
  get_robust_list rseq membarrier seccomp getrandom futex futex_waitv futex_wake futex_wait futex_requeue
  restart_syscall perf_event_open landlock_create_ruleset landlock_add_rule landlock_restrict_self
  lsm_get_self_attr lsm_set_self_attr lsm_list_modules statmount listmount listns quotactl_fd
  fsopen fsconfig fsmount ustat sysfs _sysctl iopl ioperm vhangup reboot sethostname setdomainname
  uretprobe uprobe add_key
  socketpair shutdown getsockname getpeername setsockopt getsockopt recvfrom
  shmctl shmdt semop semctl semtimedop msgsnd msgrcv msgctl
  mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
  create_module get_kernel_syms query_module getpmsg putpmsg afs_syscall tuxcall security vserver
  `),
);

/** Only 32-bit ABIs have these: old or 64-bit-argument forms of the ones above, and numbers that never did anything. */
export const harmless32: ReadonlySet<string> = new Set(
  words(`
  waitpid break oldfstat stime stty gtty nice ftime prof signal lock mpx ulimit oldolduname sigaction sgetmask ssetmask
  sigsuspend sigpending fstat64 profil olduname idle vm86old vm86 sigreturn sigprocmask bdflush _llseek _newselect
  ugetrlimit mmap2 ftruncate64 getuid32 getgid32 geteuid32 getegid32 setreuid32 setregid32 getgroups32 setgroups32
  setresuid32 getresuid32 setresgid32 getresgid32 setuid32 setgid32 setfsuid32 setfsgid32 sendfile64 fadvise64_64
  fstatfs64 clock_gettime64 clock_settime64 clock_adjtime64 clock_getres_time64 clock_nanosleep_time64
  timer_gettime64 timer_settime64 timerfd_gettime64 timerfd_settime64 pselect6_time64 ppoll_time64
  io_pgetevents_time64 mq_timedsend_time64 mq_timedreceive_time64 semtimedop_time64 rt_sigtimedwait_time64
  futex_time64 sched_rr_get_interval_time64
  `),
);
