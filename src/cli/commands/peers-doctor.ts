// foregone peers doctor: why nobody answers. One question after the other, each with the command or setting that mends it.
import { peersPlan } from "../../agent/peers-plan.ts";
import { EXIT } from "../../core/errors.ts";
import { nodeStoreFiles } from "../../node/store-files.ts";
import { parseAddress } from "../../peers/address.ts";
import type { PeersStatus } from "../../peers/status.ts";
import { plural } from "../../report/units.ts";
import { agentHere } from "../agent/here.ts";
import type { CliContext, Parsed } from "../command.ts";
import { type Fact, factLine } from "../doctor/fact.ts";
import { peersHere } from "../peers/here.ts";
import { tcpTry } from "../peers/tcp-try.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const facts = await factsOf(context);
  context.stdout.write(
    parsed.flags.has("json")
      ? `${JSON.stringify({ facts }, undefined, 2)}\n`
      : facts.map((fact) => `${factLine(fact)}\n`).join(""),
  );
  return facts.some(({ status }) => status === "fail") ? EXIT.wrong : EXIT.done;
}

async function factsOf(context: CliContext): Promise<readonly Fact[]> {
  const { agent, resolved } = await agentHere(context);
  const { config } = resolved;
  const plan = await peersPlan({ config, ...context, files: nodeStoreFiles, folder: agent.store });
  if (typeof plan === "string") return [{ status: "fail", name: "plan", text: plan }];
  const [{ kid, epoch }] = plan.keys;
  const facts: Fact[] = [
    { status: "ok", name: "network", text: `${plan.network}, the same on all machines?` },
    { status: "ok", name: "secret", text: `key ${kid.toString("hex")}, epoch ${epoch}; equal on all machines?` },
    ...plan.notes.map((text): Fact => ({ status: "note", name: "plan", text })),
  ];
  const { status, off, agent: runs } = await peersHere(context);
  if (status === undefined)
    return [
      ...facts,
      { status: "fail", name: "agent", text: off ?? "peers are off", ...(!runs && { mend: "foregone agent start" }) },
    ];
  if (status.key !== kid.toString("hex"))
    facts.push({
      status: "fail",
      name: "agent",
      text: `it runs under another secret or network: key ${status.key}, ${status.network}`,
      mend: "foregone agent stop && foregone agent start",
    });
  facts.push(...(await listeningFacts(status)), ...registryFacts(status), ...(await silentFacts(status)));
  facts.push(...refusalFacts(status), peerFact(status, config["p2p.network.connections.min_peers"]));
  return facts;
}

/** Dials this machine's own address, from this machine: what fails here fails everywhere. */
async function listeningFacts({ self }: PeersStatus): Promise<readonly Fact[]> {
  if (self.listening.length === 0)
    return [
      {
        status: "fail",
        name: "port",
        text: "no port of the range was free: this peer only dials, and serves nobody",
        mend: "P2P_LISTEN_PORT=0, or stop what holds 9000-9010",
      },
    ];
  return Promise.all(
    self.listening.map(async (text): Promise<Fact> => {
      const address = parseAddress(text);
      const trouble =
        address === undefined ? "not an address that others dial" : await tcpTry(address.ip, address.port);
      if (trouble === undefined) return { status: "ok", name: "port", text: `${text} answers from this machine` };
      return {
        status: "fail",
        name: "port",
        text: `${text}: ${trouble}`,
        mend: "p2p.network.announce, or a firewall rule",
      };
    }),
  );
}

function registryFacts({ registries }: PeersStatus): readonly Fact[] {
  if (registries.length === 0)
    return [{ status: "note", name: "registry", text: "no registry is on", mend: "p2p.discovery.bootstrap_peers" }];
  return registries.map(({ name, found, failed }): Fact => {
    if (failed !== undefined) return { status: "note", name: "registry", text: `${name}: ${failed}` };
    return {
      status: found > 0 ? "ok" : "note",
      name: "registry",
      text: `${name} names ${plural(found, "address", "addresses")}`,
    };
  });
}

/** Nobody proved membership there: is anything listening at all? */
async function silentFacts({ silent }: PeersStatus): Promise<readonly Fact[]> {
  return Promise.all(
    silent.slice(0, 16).map(async (text): Promise<Fact> => {
      const address = parseAddress(text);
      const trouble = address === undefined ? "not an address that is dialled" : await tcpTry(address.ip, address.port);
      if (trouble !== undefined)
        return {
          status: "note",
          name: "silent",
          text: `${text}: ${trouble}`,
          mend: "is its agent up, its port open to this machine?",
        };
      return {
        status: "note",
        name: "silent",
        text: `${text} is open, but no peer of this mesh: another secret, network or program`,
        mend: "compare `foregone peers` there: network and key must be equal",
      };
    }),
  );
}

function refusalFacts({ refused }: PeersStatus): readonly Fact[] {
  const wrong = refused["wrong-secret"] ?? 0;
  if (wrong === 0) return [];
  return [
    {
      status: "note",
      name: "refused",
      text: `${plural(wrong, "connection")} with another secret or network`,
      mend: "the agent's log names their addresses: foregone agent logs",
    },
  ];
}

function peerFact({ peers, self }: PeersStatus, least: number): Fact {
  const text = `${plural(peers.length, "peer")} connected, ${plural(self.ringSize, "node")} in the ring`;
  if (peers.length >= Math.max(1, least)) return { status: "ok", name: "peers", text };
  if (peers.length > 0) return { status: "note", name: "peers", text: `${text}; min_peers is ${least}` };
  return { status: "fail", name: "peers", text: "nobody is connected", mend: "start the agent on a second machine" };
}
