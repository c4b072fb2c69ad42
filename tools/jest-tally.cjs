// The last line of a test run: "N passed, N failed", with the skipped ones behind it.
module.exports = class Tally {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    // A suite that cannot even load counts as one failure.
    process.on('exit', () => process.stdout.write(`${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed${skipped}\n`));
  }
};
