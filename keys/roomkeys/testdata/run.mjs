// Runs tests one after another, as node:test does, but without its hook on every promise: a
// simulated room makes some hundred thousand of them, and the hook took two fifths of the time.
const tests = [];
let passed = 0;

/** test notes a test: one that throws, or that waits for what never comes, has failed. */
export function test(name, f) {
  if (tests.push([name, f]) === 1) queueMicrotask(() => setImmediate(run));
}

async function run() {
  for (const [name, f] of tests) {
    try {
      await f();
      passed++;
    } catch (err) {
      console.log(`not ok: ${name}\n${err.message}\n${err.stack}`);
      process.exitCode = 1;
    }
  }
  tests.done = true;
}

process.on('exit', () => {
  if (!tests.done) console.log('not ok: a test waits for what never comes');
  console.log(`# pass ${passed}\n# fail ${tests.length - passed}`);
  if (passed < tests.length) process.exitCode = 1;
});
