/**
 * The parts of the page that are no modules, as begin.js began to fetch them.
 *
 * @typedef {object} Parts
 * @property {Promise<WebAssembly.Module>} program decrypts; rejected if it did not come,
 *     or is not the one that the page was built with
 * @property {() => Promise<Worker>} worker begins a worker that runs it
 * @property {string} version what built the page
 * @property {string[]} stores origins of the stores that the page may reach
 */

/**
 * parts returns them; null where the page is in a frame, in which it does not run.
 * @returns {Parts|null}
 */
export function parts() {
	return /** @type {any} */ (globalThis).sealtapeParts ?? null;
}
