// What the other parts show on the dashboard. Each part fills its panel; one that does not run has none.

export interface QuotaPanel {
  readonly quotas: readonly {
    /** As GitHub names it: core, graphql, search. */
    readonly resource: string;
    readonly limit: number;
    readonly remaining: number;
    /** Milliseconds since the epoch. */
    readonly resetAt: number;
  }[];
  /** Reads by operation, as in `api.operation-ttls`, or by the class of their lease. */
  readonly operations: readonly { readonly operation: string; readonly paid: number; readonly saved: number }[];
  /** Whether GitHub's rule for ETags is proven, by host and kind of answer. */
  readonly rules: readonly {
    readonly for: string;
    readonly verdict: string;
    readonly matches: number;
    readonly mismatches: number;
  }[];
}

export interface ScansPanel {
  /** Newest first. */
  readonly events: readonly {
    readonly at: number;
    /** "codeql javascript", "eslint" */
    readonly scan: string;
    readonly kind: string;
    readonly commit?: string;
    /** Why it ran, or was not stored. */
    readonly reason?: string;
    readonly savedMs?: number;
  }[];
  /** Scans that ran, by the first reason. */
  readonly misses: Readonly<Record<string, number>>;
  readonly audits: number;
  readonly falseSkips: number;
}

export interface PeersPanel {
  readonly self:
    | { readonly id: string; readonly network: string; readonly role: string; readonly addresses: readonly string[] }
    | undefined;
  /** Why there is no peer. */
  readonly off?: string;
  readonly peers: readonly {
    readonly id: string;
    readonly address: string;
    readonly role: string;
    readonly rttMs: number | null;
    readonly asked: number;
    readonly hits: number;
    readonly served: number;
    readonly state: string;
  }[];
}

export interface CredentialsPanel {
  readonly off?: string;
  readonly credentials: readonly {
    readonly name: string;
    readonly scope: string;
    readonly version: number;
    readonly state: "active" | "expired" | "not-yet-valid";
    /** Milliseconds since the epoch; null: never. */
    readonly expiresAt: number | null;
  }[];
  readonly audit: readonly {
    readonly seq: number;
    readonly at: number;
    readonly action: string;
    readonly names: readonly string[];
    readonly decision: string;
    readonly reasons: readonly string[];
    readonly actor: string;
  }[];
}

export interface Panels {
  readonly quota?: () => Promise<QuotaPanel | undefined>;
  readonly scans?: () => Promise<ScansPanel | undefined>;
  readonly peers?: () => Promise<PeersPanel | undefined>;
  readonly credentials?: () => Promise<CredentialsPanel | undefined>;
}
