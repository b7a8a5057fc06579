import{createRequire as $require}from"node:module";const require=$require(import.meta.url);
var a={ifFlag:256},q=577,e=(t,r,m={})=>({kind:"look",class:t,path:r,...m}),l=(t,r={})=>e(t,1,{dirfd:0,...r}),s=(t,r={})=>({kind:"change",op:t,path:0,...r}),n=(t,r={})=>s(t,{dirfd:0,path:1,...r}),d=(t,r,m,c={})=>({kind:"pair",op:t,path:r,path2:m,...c}),i=!0,o={kind:"forbidden"},_={open:{kind:"open",path:0,flags:1},creat:{kind:"open",path:0,implied:q},openat:{kind:"open",dirfd:0,path:1,flags:2},openat2:{kind:"open",dirfd:0,path:1,how:2},stat:e("stat",0),lstat:e("stat",0,{noFollow:i}),newfstatat:l("stat",{flags:3,noFollow:a}),statx:l("stat",{flags:2,noFollow:a}),file_getattr:l("stat",{flags:4,noFollow:a}),access:e("access",0),faccessat:l("access"),faccessat2:l("access",{flags:3,noFollow:a}),statfs:e("access",0),mount_setattr:l("access",{flags:2,noFollow:a}),quotactl:e("access",1),readlink:e("readlink",0,{noFollow:i}),readlinkat:l("readlink",{noFollow:i}),getxattr:e("xattr",0),lgetxattr:e("xattr",0,{noFollow:i}),listxattr:e("xattr",0),llistxattr:e("xattr",0,{noFollow:i}),getxattrat:l("xattr",{flags:2,noFollow:a}),listxattrat:l("xattr",{flags:2,noFollow:a}),inotify_add_watch:e("watch",1,{flags:2,noFollow:{ifFlag:33554432}}),fanotify_mark:e("watch",4,{dirfd:3,flags:1,noFollow:{ifFlag:4}}),name_to_handle_at:l("handle",{flags:4,noFollow:{unlessFlag:1024}}),open_tree:l("handle",{flags:2,noFollow:a}),open_tree_attr:l("handle",{flags:2,noFollow:a}),fspick:l("handle",{flags:2,noFollow:{ifFlag:2}}),chdir:e("chdir",0),chroot:e("chroot",0),fchdir:{kind:"chdir-fd"},unlink:s("unlink",{noFollow:i}),unlinkat:n("unlink",{flags:2,noFollow:i}),rmdir:s("rmdir",{noFollow:i}),mkdir:s("mkdir",{noFollow:i}),mkdirat:n("mkdir",{noFollow:i}),mknod:s("mknod",{noFollow:i}),mknodat:n("mknod",{noFollow:i}),chmod:s("chmod"),fchmodat:n("chmod"),fchmodat2:n("chmod",{flags:3,noFollow:a}),chown:s("chown"),lchown:s("chown",{noFollow:i}),fchownat:n("chown",{flags:4,noFollow:a}),utime:s("utime"),utimes:s("utime"),futimesat:n("utime"),utimensat:n("utime",{flags:3,noFollow:a}),truncate:s("truncate"),setxattr:s("setxattr"),lsetxattr:s("setxattr",{noFollow:i}),removexattr:s("setxattr"),lremovexattr:s("setxattr",{noFollow:i}),setxattrat:n("setxattr",{flags:2,noFollow:a}),removexattrat:n("setxattr",{flags:2,noFollow:a}),file_setattr:n("setxattr",{flags:4,noFollow:a}),umount2:s("umount",{flags:1,noFollow:{ifFlag:8}}),fchmod:{kind:"change-fd",op:"chmod"},fchown:{kind:"change-fd",op:"chown"},fsetxattr:{kind:"change-fd",op:"setxattr"},fremovexattr:{kind:"change-fd",op:"setxattr"},rename:d("rename",0,1),renameat:d("rename",1,3,{dirfd:0,dirfd2:2}),renameat2:d("rename",1,3,{dirfd:0,dirfd2:2,flags:4}),link:d("link",0,1,{noFollow:i}),linkat:d("link",1,3,{dirfd:0,dirfd2:2,flags:4,noFollow:{unlessFlag:1024}}),symlink:d("symlink",0,1),symlinkat:d("symlink",0,2,{dirfd2:1}),mount:d("mount",0,1,{flags:3}),pivot_root:d("pivot_root",0,1),move_mount:d("move_mount",1,3,{dirfd:0,dirfd2:2,flags:4,noFollow:{unlessFlag:1}}),execve:{kind:"exec",path:0},execveat:{kind:"exec",dirfd:0,path:1,flags:4,noFollow:a},getdents:{kind:"list"},getdents64:{kind:"list"},connect:{kind:"connect",address:1,length:2},sendto:{kind:"connect",address:4,length:5},bind:{kind:"bind",address:1,length:2},listen:{kind:"listen"},accept:{kind:"accept"},accept4:{kind:"accept"},sendmsg:{kind:"send-message",message:1,vector:!1},sendmmsg:{kind:"send-message",message:1,vector:!0},recvmsg:{kind:"receive-message",message:1,vector:!1},recvmmsg:{kind:"receive-message",message:1,vector:!0},socket:{kind:"socket"},pidfd_getfd:{kind:"receive-fd"},open_by_handle_at:{kind:"receive-fd"},shmget:{kind:"ipc-get",key:0,flags:2},semget:{kind:"ipc-get",key:0,flags:2},msgget:{kind:"ipc-get",key:0,flags:1},shmat:{kind:"ipc-attach"},io_uring_setup:{kind:"uring"},ptrace:{kind:"forbidden",target:1,when:{argument:0,values:[16,16902]}},process_vm_readv:{kind:"forbidden",target:0},process_vm_writev:{kind:"forbidden",target:0},bpf:{kind:"forbidden",when:{argument:0,values:[7,14]}},fcntl:{kind:"forbidden",when:{argument:1,values:[1026]}},keyctl:{kind:"forbidden",when:{argument:0,values:[11]}},fanotify_init:o,request_key:o,mq_open:o,uselib:o,lookup_dcookie:o,nfsservctl:o,acct:o,swapon:o,swapoff:o,init_module:o,finit_module:o,delete_module:o,kexec_load:o,kexec_file_load:o},f={oldstat:e("stat",0),oldlstat:e("stat",0,{noFollow:i}),stat64:e("stat",0),lstat64:e("stat",0,{noFollow:i}),fstatat64:l("stat",{flags:3,noFollow:a}),statfs64:e("access",0),fanotify_mark:e("watch",5,{dirfd:4,flags:1,noFollow:{ifFlag:4}}),lchown32:s("chown",{noFollow:i}),chown32:s("chown"),fchown32:{kind:"change-fd",op:"chown"},truncate64:s("truncate"),utimensat_time64:n("utime",{flags:3,noFollow:a}),umount:s("umount"),readdir:{kind:"list"},fcntl64:{kind:"forbidden",when:{argument:1,values:[1026]}},recvmmsg_time64:{kind:"receive-message",message:1,vector:!0},socketcall:{kind:"socketcall"},ipc:o};var u=[[0,`
    io_setup io_destroy io_submit io_cancel io_getevents setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr
    listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr getcwd lookup_dcookie eventfd2
    epoll_create1 epoll_ctl epoll_pwait dup dup3 fcntl inotify_init1 inotify_add_watch inotify_rm_watch ioctl
    ioprio_set ioprio_get flock mknodat mkdirat unlinkat symlinkat linkat renameat umount2 mount pivot_root
    nfsservctl statfs fstatfs truncate ftruncate fallocate faccessat chdir fchdir chroot fchmod fchmodat fchownat
    fchown openat close vhangup pipe2 quotactl getdents64 lseek read write readv writev pread64 pwrite64 preadv
    pwritev sendfile pselect6 ppoll signalfd4 vmsplice splice tee readlinkat newfstatat fstat sync fsync fdatasync
    sync_file_range timerfd_create timerfd_settime timerfd_gettime utimensat acct capget capset personality exit
    exit_group waitid set_tid_address unshare futex set_robust_list get_robust_list nanosleep getitimer setitimer
    kexec_load init_module delete_module timer_create timer_gettime timer_getoverrun timer_settime timer_delete
    clock_settime clock_gettime clock_getres clock_nanosleep syslog ptrace sched_setparam sched_setscheduler
    sched_getscheduler sched_getparam sched_setaffinity sched_getaffinity sched_yield sched_get_priority_max
    sched_get_priority_min sched_rr_get_interval restart_syscall kill tkill tgkill sigaltstack rt_sigsuspend
    rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigreturn setpriority getpriority
    reboot setregid setgid setreuid setuid setresuid getresuid setresgid getresgid setfsuid setfsgid times setpgid
    getpgid getsid setsid getgroups setgroups uname sethostname setdomainname getrlimit setrlimit getrusage umask
    prctl getcpu gettimeofday settimeofday adjtimex getpid getppid getuid geteuid getgid getegid gettid sysinfo
    mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr msgget msgctl msgrcv msgsnd semget semctl
    semtimedop semop shmget shmctl shmat shmdt socket socketpair bind listen accept connect getsockname getpeername
    sendto recvfrom setsockopt getsockopt shutdown sendmsg recvmsg readahead brk munmap mremap add_key request_key
    keyctl clone execve mmap fadvise64 swapon swapoff mprotect msync mlock munlock mlockall munlockall mincore
    madvise remap_file_pages mbind get_mempolicy set_mempolicy migrate_pages move_pages rt_tgsigqueueinfo
    perf_event_open accept4 recvmmsg
    `],[260,`
    wait4 prlimit64 fanotify_init fanotify_mark name_to_handle_at open_by_handle_at clock_adjtime syncfs setns
    sendmmsg process_vm_readv process_vm_writev kcmp finit_module sched_setattr sched_getattr renameat2 seccomp
    getrandom memfd_create bpf execveat userfaultfd membarrier mlock2 copy_file_range preadv2 pwritev2 pkey_mprotect
    pkey_alloc pkey_free statx io_pgetevents rseq kexec_file_load
    `],[424,`
    pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount
    fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 process_madvise epoll_pwait2 mount_setattr
    quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret process_mrelease
    futex_waitv set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue
    statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat
    removexattrat open_tree_attr file_getattr file_setattr listns
    `]];var k=t=>t.trim().split(/\s+/),y=new Set(k(`
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
  `)),h=new Set(k(`
  waitpid break oldfstat stime stty gtty nice ftime prof signal lock mpx ulimit oldolduname sigaction sgetmask ssetmask
  sigsuspend sigpending fstat64 profil olduname idle vm86old vm86 sigreturn sigprocmask bdflush _llseek _newselect
  ugetrlimit mmap2 ftruncate64 getuid32 getgid32 geteuid32 getegid32 setreuid32 setregid32 getgroups32 setgroups32
  setresuid32 getresuid32 setresgid32 getresgid32 setuid32 setgid32 setfsuid32 setfsgid32 sendfile64 fadvise64_64
  fstatfs64 clock_gettime64 clock_settime64 clock_adjtime64 clock_getres_time64 clock_nanosleep_time64
  timer_gettime64 timer_settime64 timerfd_gettime64 timerfd_settime64 pselect6_time64 ppoll_time64
  io_pgetevents_time64 mq_timedsend_time64 mq_timedreceive_time64 semtimedop_time64 rt_sigtimedwait_time64
  futex_time64 sched_rr_get_interval_time64
  `));var v=[[0,`
    restart_syscall exit fork read write open close waitpid creat link unlink execve chdir time mknod chmod lchown
    break oldstat lseek getpid mount umount setuid getuid stime ptrace alarm oldfstat pause utime stty gtty access
    nice ftime sync kill rename mkdir rmdir dup pipe times prof brk setgid getgid signal geteuid getegid acct
    umount2 lock ioctl fcntl mpx setpgid ulimit oldolduname umask chroot ustat dup2 getppid getpgrp setsid sigaction
    sgetmask ssetmask setreuid setregid sigsuspend sigpending sethostname setrlimit getrlimit getrusage gettimeofday
    settimeofday getgroups setgroups select symlink oldlstat readlink uselib swapon reboot readdir mmap munmap
    truncate ftruncate fchmod fchown getpriority setpriority profil statfs fstatfs ioperm socketcall syslog
    setitimer getitimer stat lstat fstat olduname iopl vhangup idle vm86old wait4 swapoff sysinfo ipc fsync
    sigreturn clone setdomainname uname modify_ldt adjtimex mprotect sigprocmask create_module init_module
    delete_module get_kernel_syms quotactl getpgid fchdir bdflush sysfs personality afs_syscall setfsuid setfsgid
    _llseek getdents _newselect flock msync readv writev getsid fdatasync _sysctl mlock munlock mlockall munlockall
    sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_yield sched_get_priority_max
    sched_get_priority_min sched_rr_get_interval nanosleep mremap setresuid getresuid vm86 query_module poll
    nfsservctl setresgid getresgid prctl rt_sigreturn rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait
    rt_sigqueueinfo rt_sigsuspend pread64 pwrite64 chown getcwd capget capset sigaltstack sendfile getpmsg putpmsg
    vfork ugetrlimit mmap2 truncate64 ftruncate64 stat64 lstat64 fstat64 lchown32 getuid32 getgid32 geteuid32
    getegid32 setreuid32 setregid32 getgroups32 setgroups32 fchown32 setresuid32 getresuid32 setresgid32 getresgid32
    chown32 setuid32 setgid32 setfsuid32 setfsgid32 pivot_root mincore madvise getdents64 fcntl64
    `],[224,`
    gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
    removexattr lremovexattr fremovexattr tkill sendfile64 futex sched_setaffinity sched_getaffinity set_thread_area
    get_thread_area io_setup io_destroy io_getevents io_submit io_cancel fadvise64
    `],[252,`
    exit_group lookup_dcookie epoll_create epoll_ctl epoll_wait remap_file_pages set_tid_address timer_create
    timer_settime timer_gettime timer_getoverrun timer_delete clock_settime clock_gettime clock_getres
    clock_nanosleep statfs64 fstatfs64 tgkill utimes fadvise64_64 vserver mbind get_mempolicy set_mempolicy mq_open
    mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load waitid
    `],[286,`
    add_key request_key keyctl ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch migrate_pages
    openat mkdirat mknodat fchownat futimesat fstatat64 unlinkat renameat linkat symlinkat readlinkat fchmodat
    faccessat pselect6 ppoll unshare set_robust_list get_robust_list splice sync_file_range tee vmsplice move_pages
    getcpu epoll_pwait utimensat signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime signalfd4
    eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo perf_event_open recvmmsg
    fanotify_init fanotify_mark prlimit64 name_to_handle_at open_by_handle_at clock_adjtime syncfs sendmmsg setns
    process_vm_readv process_vm_writev kcmp finit_module sched_setattr sched_getattr renameat2 seccomp getrandom
    memfd_create bpf execveat socket socketpair bind connect listen accept4 getsockopt setsockopt getsockname
    getpeername sendto sendmsg recvfrom recvmsg shutdown userfaultfd membarrier mlock2 copy_file_range preadv2
    pwritev2 pkey_mprotect pkey_alloc pkey_free statx arch_prctl io_pgetevents rseq
    `],[393,`
    semget semctl shmget shmctl shmat shmdt msgget msgsnd msgrcv msgctl clock_gettime64 clock_settime64
    clock_adjtime64 clock_getres_time64 clock_nanosleep_time64 timer_gettime64 timer_settime64 timerfd_gettime64
    timerfd_settime64 utimensat_time64 pselect6_time64 ppoll_time64
    `],[416,`
    io_pgetevents_time64 recvmmsg_time64 mq_timedsend_time64 mq_timedreceive_time64 semtimedop_time64
    rt_sigtimedwait_time64 futex_time64 sched_rr_get_interval_time64 pidfd_send_signal io_uring_setup io_uring_enter
    io_uring_register open_tree move_mount fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2
    pidfd_getfd faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset
    landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv set_mempolicy_home_node
    cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr
    lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr
    file_getattr file_setattr listns
    `]];var w=[[0,`
    read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask
    rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select sched_yield mremap msync mincore madvise
    shmget shmat shmctl dup dup2 pause nanosleep getitimer alarm setitimer getpid sendfile socket connect accept
    sendto recvfrom sendmsg recvmsg shutdown bind listen getsockname getpeername socketpair setsockopt getsockopt
    clone fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd msgrcv msgctl fcntl flock
    fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink symlink
    readlink chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo times ptrace getuid
    syslog getgid setuid setgid geteuid getegid setpgid getppid getpgrp setsid setreuid setregid getgroups setgroups
    setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid getsid capget capset rt_sigpending
    rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack utime mknod uselib personality ustat statfs fstatfs
    sysfs getpriority setpriority sched_setparam sched_getparam sched_setscheduler sched_getscheduler
    sched_get_priority_max sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall vhangup
    modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex setrlimit chroot sync acct settimeofday mount umount2
    swapon swapoff reboot sethostname setdomainname iopl ioperm create_module init_module delete_module
    get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg afs_syscall tuxcall security gettid readahead
    setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr
    lremovexattr fremovexattr tkill time futex sched_setaffinity sched_getaffinity set_thread_area io_setup
    io_destroy io_getevents io_submit io_cancel get_thread_area lookup_dcookie epoll_create epoll_ctl_old
    epoll_wait_old remap_file_pages getdents64 set_tid_address restart_syscall semtimedop fadvise64 timer_create
    timer_settime timer_gettime timer_getoverrun timer_delete clock_settime clock_gettime clock_getres
    clock_nanosleep exit_group epoll_wait epoll_ctl tgkill utimes vserver mbind set_mempolicy get_mempolicy mq_open
    mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load waitid add_key request_key keyctl
    ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch migrate_pages openat mkdirat mknodat
    fchownat futimesat newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll
    unshare set_robust_list get_robust_list splice tee sync_file_range vmsplice move_pages utimensat epoll_pwait
    signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4 signalfd4 eventfd2
    epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo perf_event_open recvmmsg fanotify_init
    fanotify_mark prlimit64 name_to_handle_at open_by_handle_at clock_adjtime syncfs sendmmsg setns getcpu
    process_vm_readv process_vm_writev kcmp finit_module sched_setattr sched_getattr renameat2 seccomp getrandom
    memfd_create kexec_file_load bpf execveat userfaultfd membarrier mlock2 copy_file_range preadv2 pwritev2
    pkey_mprotect pkey_alloc pkey_free statx io_pgetevents rseq uretprobe uprobe
    `],[424,`
    pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount
    fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 process_madvise epoll_pwait2 mount_setattr
    quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret process_mrelease
    futex_waitv set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue
    statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat
    removexattrat open_tree_attr file_getattr file_setattr listns
    `]];var F={"x86-64":{ranges:w,bits:64},i386:{ranges:v,bits:32},arm64:{ranges:u,bits:64}};function I(t){let{ranges:r,bits:m}=F[t];return r.flatMap(([c,x])=>x.trim().split(/\s+/).flatMap((g,b)=>{let p=A(g,m);return p===void 0?[]:[{nr:c+b,name:g,call:p}]}))}function A(t,r){let c=(r===32?f[t]:void 0)??_[t];return c!==void 0?c:y.has(t)||r===32&&h.has(t)?{kind:"harmless"}:void 0}var W=[[1,"socket"],[2,"bind"],[3,"connect"],[4,"listen"],[5,"accept"],[6,"getsockname"],[7,"getpeername"],[8,"socketpair"],[9,"send"],[10,"recv"],[11,"sendto"],[12,"recvfrom"],[13,"shutdown"],[14,"setsockopt"],[15,"getsockopt"],[16,"sendmsg"],[17,"recvmsg"],[18,"accept4"],[19,"recvmmsg"],[20,"sendmmsg"]].map(([t,r])=>({nr:t,name:r,call:_[r]??{kind:"harmless"}}));export{I as a,W as b};
