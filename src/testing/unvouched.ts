// A layer whose word is not taken: its entries name it (`via`), and so need a statement of somebody else about who made them.
import type { Store } from "../store/store.ts";

export function unvouched(inner: Store): Store {
  return {
    ...inner,
    records: {
      append: (weak, entry) => inner.records.append(weak, entry),
      lookup: async (weak) => (await inner.records.lookup(weak)).map((entry) => ({ ...entry, via: inner.name })),
    },
  };
}
