// What happens among peers, as typed events. Their words are said where they are shown.
import type { CloseReason } from "./session.ts";

export type PeerEvent =
  | { readonly kind: "joined"; readonly peer: string; readonly address: string }
  | { readonly kind: "left"; readonly peer: string; readonly why: CloseReason }
  /** A connection that never became a member. */
  | { readonly kind: "refused"; readonly address: string; readonly why: CloseReason }
  /** Bytes that are not those of their CID, or a claim its writer did not sign: whoever sent them made them. */
  | { readonly kind: "peer-bad-bytes"; readonly peer: string }
  /** Signed, and the CID right, but it does not open or holds other bytes: its writer made it. */
  | { readonly kind: "peer-bad-value"; readonly writer: string }
  | { readonly kind: "registry-failed"; readonly registry: string; readonly why: string };

export type OnPeerEvent = (event: PeerEvent) => void;
