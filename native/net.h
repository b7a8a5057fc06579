// Which name an address had: DNS answers, from every packet of the machine that comes from UDP port 53.
#pragma once
#include "state.h"

#define MAX_DNS 1232 // the size that resolvers agree on (DNS flag day 2020)
struct dns_record {
  struct head h;
  u8 data[MAX_DNS];
};
#define DNS_PORT_BE 0x3500

static __always_inline int dns_answer(struct __sk_buff *skb) {
  u8 first, protocol;
  u16 source;
  u32 at;
  if (bpf_skb_load_bytes(skb, 0, &first, 1)) return 1;
  if (first >> 4 == 4) {
    at = (first & 15) * 4;
    if (bpf_skb_load_bytes(skb, 9, &protocol, 1)) return 1;
  } else if (first >> 4 == 6) {
    at = 40;
    if (bpf_skb_load_bytes(skb, 6, &protocol, 1)) return 1;
  } else return 1;
  if (protocol != 17 || bpf_skb_load_bytes(skb, at, &source, 2) || source != DNS_PORT_BE) return 1;
  // Runs in interrupts too, so not in the scratch buffer.
  struct dns_record *r = bpf_ringbuf_reserve(&ring, sizeof *r, 0);
  if (!r) {
    COUNT(lost);
    return 1;
  }
  __builtin_memset(&r->h, 0, sizeof r->h);
  u32 len = skb->len - at - 8;
  if (len > MAX_DNS) len = MAX_DNS;
  r->h.len = sizeof *r;
  r->h.kind = K_DNS;
  r->h.string_len = len;
  if (len == 0 || bpf_skb_load_bytes(skb, at + 8, r->data, len)) {
    bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
    return 1;
  }
  bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP); // not in `emitted`: it is of no traced process
  return 1;
}
