// The tracer: what a process tree looked at, from tracepoints alone. See README.md for why syscall exit, why a table,
// and what is not seen. Each handler filters by table first (most calls leave there), then by task.
#include "calls.h"
#include "uring.h"
#include "net.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL"; // the kernel wants a GPL-compatible word for the helpers used here

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret) {
  // A restart comes back as a call of its own or as EINTR; neither says anything about the path.
  if (ret <= -512 && ret >= -516) return 0;
  struct task_struct *t = bpf_get_current_task_btf();
  struct arguments a = {};
  u32 nr = read_call(t, regs, &a);
  if (nr == NO_CALL) return 0;
  struct call *c = nr < 2 * ABI_NUMBERS ? bpf_map_lookup_elem(&calls, &nr) : 0;
  if (c && (c->kind == K_HARMLESS || ignorable(c, a.v, ret))) return 0;
  struct member *m = member_of(t);
  if (!m) return 0;
  struct scratch *s = take_scratch(m, nr, ret);
  if (!s) return 0;
  s->compat = a.compat;
  if (c) __builtin_memcpy(&s->call, c, sizeof *c);
  else s->call.kind = K_UNKNOWN;
  __builtin_memcpy(s->arguments, a.v, sizeof a.v);
  handle_call(s);
  s->busy = 0;
  return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child) {
  struct member *m = bpf_task_storage_get(&members, parent, 0, 0);
  struct task_struct *leader = parent->group_leader;
  if (!m && leader) m = bpf_task_storage_get(&members, leader, 0, 0);
  if (!m) return 0;
  int new_process = parent->tgid != child->tgid;
  // A new thread of a root (the tracer's own pool, a runner's) is not traced; a new process is.
  if (!(m->flags & M_TRACED) && !new_process) return 0;
  struct member born = {m->session, M_TRACED, m->program};
  if (!bpf_task_storage_get(&members, child, &born, BPF_LOCAL_STORAGE_GET_F_CREATE)) COUNT(nostore);
  if (!new_process) return 0;
  struct scratch *s = take_scratch(&born, 0, 0);
  if (!s) return 0;
  start_record(s, K_FORK);
  s->record.h.extra = child->tgid;
  send_record(s, 0);
  s->busy = 0;
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm) {
  struct task_struct *t = bpf_get_current_task_btf();
  struct member *m = member_of(t);
  struct scratch *s = m ? take_scratch(m, 0, 0) : 0;
  if (!s) return 0;
  put_exec(s, t, bprm);
  m->program = mix(s->result_object.ino, s->result_object.dev);
  s->busy = 0;
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task) {
  struct task_struct *t = bpf_get_current_task_btf();
  struct member *m = member_of(t);
  if (!m || BPF_CORE_READ(t, signal, live.counter) != 0) return 0;
  int group_code = BPF_CORE_READ(t, signal, group_exit_code);
  struct scratch *s = take_scratch(m, 0, group_code ? group_code : t->exit_code);
  if (!s) return 0;
  start_record(s, K_EXIT);
  send_record(s, 0);
  s->busy = 0;
  return 0;
}

#ifndef NO_IO_URING
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_uring, struct io_kiocb *request) {
  struct task_struct *t = bpf_get_current_task_btf();
  u8 operation = BPF_CORE_READ(request, opcode);
  u32 index = CALL_URING + operation;
  struct call *c = bpf_map_lookup_elem(&calls, &index);
  if (c && c->kind == K_HARMLESS) return 0;
  struct member *m = member_of_worker(t);
  struct scratch *s = m ? take_scratch(m, operation, 0) : 0;
  if (!s) return 0;
  s->call.kind = c && c->kind ? c->kind : K_URING;
  put_uring(s, request);
  s->busy = 0;
  return 0;
}
#endif

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb) { return dns_answer(skb); }
SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *skb) { return dns_answer(skb); }
