// Prints `N passed, N failed[, N skipped]` alone on the last line: the one line a person or a machine looks for.
// A module that does not load and an unhandled error count as failed.

export default class ClosingLine {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules as vitest reports them
   * @param {readonly unknown[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    let passed = 0;
    let skipped = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      if (module.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === "passed") passed++;
        else if (state === "failed") failed++;
        else skipped++;
      }
    }
    process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  }
}
