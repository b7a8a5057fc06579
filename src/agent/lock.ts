// One agent per user and store. The lock is a socket in Linux's abstract namespace: the kernel frees it with the process, so
// kill -9 leaves nothing to clean up and no race over stale files. Somebody else can hold the name and so keep an agent
// from starting (jobs then work directly), but not pose as one: clients talk to the socket file in a private folder.
import { createServer, type Server } from "node:net";

export interface Lock {
  release(): Promise<void>;
}

/** @returns undefined if somebody holds it */
export function takeLock(name: string): Promise<Lock | undefined> {
  return new Promise((resolve, reject) => {
    const server: Server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => {
      server.unref();
      resolve({ release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
