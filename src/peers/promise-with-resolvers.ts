// libp2p needs Promise.withResolvers, which Node 20 lacks; imported before it.
interface Resolvers {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (reason?: unknown) => void;
}

const host = Promise as unknown as { withResolvers?: () => Resolvers };

host.withResolvers ??= () => {
  const made = {} as Resolvers;
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
