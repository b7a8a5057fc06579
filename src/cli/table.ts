// The one table of commands. Each group's specs lie beside its code; nothing here loads a command's implementation.
import type { CommandSpec } from "./command.ts";
import { agentSpecs } from "./specs/agent.ts";
import { apiSpecs } from "./specs/api.ts";
import { codeqlSpecs } from "./specs/codeql.ts";
import { configSpecs } from "./specs/config.ts";
import { mainSpecs } from "./specs/main.ts";
import { peersSpecs } from "./specs/peers.ts";
import { runSpecs } from "./specs/run.ts";
import { setupSpecs } from "./specs/setup.ts";
import { secretsSpecs } from "./specs/secrets.ts";
import { sharedSpecs } from "./specs/shared.ts";
import { storeSpecs } from "./specs/store.ts";

export const commands: readonly CommandSpec[] = [
  ...runSpecs,
  ...storeSpecs,
  ...sharedSpecs,
  ...mainSpecs,
  ...configSpecs,
  ...codeqlSpecs,
  ...apiSpecs,
  ...agentSpecs,
  ...peersSpecs,
  ...setupSpecs,
  ...secretsSpecs,
];
