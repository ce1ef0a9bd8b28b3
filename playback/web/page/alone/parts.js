/**
 * The parts of the page that are no modules, as begin.js began to fetch them.
 *
 * @typedef {object} Parts
 * @property {() => Promise<Worker>} worker returns a worker that runs the program that
 *     decrypts, and waits for settings; rejected if a part did not come, is not the one that
 *     the page was built with, or does not start. The first one was begun before anyone asked
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
