/** Folders that a reader picks, as the files in them. */

/** What is deeper in a folder, or comes after so many files, is not looked at. */
const deepest = 4, mostFiles = 1 << 21;

/** asks reports whether the browser has a question for folders that says what it is for. */
export function asks() {
	return "showDirectoryPicker" in globalThis;
}

/**
 * pickFolder asks for a folder, where asks says that it can. It returns null if none was
 * picked.
 * @returns {Promise<import("./folder.js").Picked[]|null>}
 */
export async function pickFolder() {
	let folder;
	try {
		folder = await /** @type {any} */ (globalThis).showDirectoryPicker({ id: "sealtape", mode: "read" });
	} catch (err) {
		if (err instanceof DOMException && err.name === "AbortError") return null;
		throw err;
	}
	/** @type {import("./folder.js").Picked[]} */
	const found = [];
	await walk(folder, folder.name, 0, found);
	return found;
}

/**
 * walk takes what is in a folder.
 * @param {any} folder
 * @param {string} path
 * @param {number} depth
 * @param {import("./folder.js").Picked[]} found
 */
async function walk(folder, path, depth, found) {
	for await (const [name, entry] of folder.entries()) {
		if (found.length >= mostFiles) return;
		if (entry.kind === "file") found.push({ path: `${path}/${name}`, file: await entry.getFile() });
		else if (depth < deepest) await walk(entry, `${path}/${name}`, depth + 1, found);
	}
}

/**
 * filesOf returns what a field holds.
 * @param {HTMLInputElement} field
 * @returns {import("./folder.js").Picked[]}
 */
export function filesOf(field) {
	return [...field.files ?? []].slice(0, mostFiles).map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}
