// Whether anything listens at an address, in words.
import { connect } from "node:net";

const LIMIT_MS = 2000;

/** @returns undefined: something accepted the connection; else what happened */
export function tcpTry(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: LIMIT_MS });
    const done = (trouble: string | undefined): void => {
      socket.destroy();
      resolve(trouble);
    };
    socket.once("connect", () => done(undefined));
    socket.once("timeout", () => done(`no answer within ${LIMIT_MS / 1000} s: a firewall, or no such machine`));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      done(error.code === "ECONNREFUSED" ? "nothing listens there" : (error.code ?? error.message)),
    );
  });
}
