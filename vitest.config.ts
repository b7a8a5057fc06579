import { defineConfig } from "vitest/config";

// Tests lie beside the code; `test/` holds only what crosses modules. No retries: a flaky test is a defect.
export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["./scripts/worker-build.mjs"],
    allowOnly: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    reporters: ["default", "./scripts/closing-line.mjs"],
  },
});
