// actions/setup-github-cache: what runs between main and post. The first argument says which half.
import { supervise } from "../github-cache-supervisor.ts";

const [, script = "", role] = process.argv;
if (role === "agent") (await import("../github-cache-agent.ts")).agent();
else supervise(script);
