// Names and addresses in one DNS answer (RFC 1035). Hostile input: nothing here throws or loops.

const TYPE_A = 1;
const TYPE_CNAME = 5;
const TYPE_AAAA = 28;
const MAX_RECORDS = 64;
const MAX_JUMPS = 32;

/** Pairs of address and the name that was asked for; none if it is no answer, or cut. */
export function dnsAnswers(packet: Uint8Array): readonly (readonly [address: string, name: string])[] {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (packet.length < 12 || (view.getUint16(2) & 0x8000) === 0) return [];
  const questions = view.getUint16(4);
  const answers = Math.min(view.getUint16(6), MAX_RECORDS);
  if (questions !== 1) return [];
  const question = readName(packet, 12);
  if (question === undefined) return [];
  let at = question.end + 4;
  // The names that lead to an address: the one asked for, and its aliases.
  const names = new Set([question.name]);
  const found: [string, string][] = [];
  for (let i = 0; i < answers; i++) {
    const owner = readName(packet, at);
    if (owner === undefined || owner.end + 10 > packet.length) break;
    const type = view.getUint16(owner.end);
    const length = view.getUint16(owner.end + 8);
    const data = owner.end + 10;
    if (data + length > packet.length) break;
    if (names.has(owner.name)) {
      if (type === TYPE_CNAME) {
        const alias = readName(packet, data);
        if (alias !== undefined) names.add(alias.name);
      } else if (type === TYPE_A && length === 4)
        found.push([packet.subarray(data, data + 4).join("."), question.name]);
      else if (type === TYPE_AAAA && length === 16) found.push([ipv6Text(packet.subarray(data)), question.name]);
    }
    at = data + length;
  }
  return found;
}

function readName(packet: Uint8Array, start: number): { name: string; end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  let end: number | undefined;
  for (let jumps = 0, total = 0; jumps <= MAX_JUMPS && total < 256;) {
    const length = packet[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name: labels.join(".").toLowerCase(), end: end ?? at + 1 };
    if (length >= 0xc0) {
      const low = packet[at + 1];
      if (low === undefined) return undefined;
      end ??= at + 2;
      at = ((length & 0x3f) << 8) | low;
      jumps++;
      continue;
    }
    if (length > 63 || at + 1 + length > packet.length) return undefined;
    labels.push(Buffer.from(packet.subarray(at + 1, at + 1 + length)).toString("latin1"));
    at += 1 + length;
    total += 1 + length;
  }
  return undefined;
}

/** Sixteen bytes as RFC 5952 writes them: the longest run of zeros, leftmost if equal, as "::". */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (list: readonly number[]): string => list.map((g) => g.toString(16)).join(":");
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}
