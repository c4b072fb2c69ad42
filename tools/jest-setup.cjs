// Machines under load are slow; a test that waits for something says so itself by its own deadline.
jest.setTimeout(30_000);
