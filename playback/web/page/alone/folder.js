/**
 * Recordings in a folder that the reader picked, as a store. Nothing of it is sent
 * anywhere, and nothing is written to it.
 */
import { StoreError } from "./store.js";

/** The largest object that is read, in bytes. A segment has some millions. */
const largest = 64 << 20;

/** What a path must end with, so that nothing else in the folder is taken for a recording's. */
const objectName = /^[0-9A-Z]{26}\/(head|log\/[0-9]{4}|(epochs|segments|index|shares|attachments)\/[0-9A-Z][0-9A-Za-z-]*\.age)$/;

/** @typedef {{ path: string, file: File }} Picked a file, and where it is in what was picked */

/** A FolderStore has the objects among files. It is a {@link import("./store.js").Store}. */
export class FolderStore {
	/** @type {Map<string, File>} by the object's name */
	#files = new Map();

	/** @param {Iterable<Picked>} picked */
	constructor(picked) {
		for (const { path, file } of picked) {
			const name = nameOf(path);
			if (name) this.#files.set(name, file);
		}
	}

	/** recordings are the IDs of the recordings that are there. */
	get recordings() {
		return [...this.#files.keys()].filter((name) => name.endsWith("/head")).map((name) => name.slice(0, 26)).sort();
	}

	/** @type {import("./store.js").Store["get"]} */
	async get(name, { signal, max = largest } = {}) {
		const file = this.#files.get(name);
		if (!file) throw new StoreError("absent", "there is no such file");
		return readFile(file, Math.min(max, largest), signal);
	}

	/** @type {import("./store.js").Store["list"]} */
	async list(prefix) {
		return [...this.#files].filter(([name]) => name.startsWith(prefix)).map(([name, file]) => ({ name, size: file.size }))
			.sort((a, b) => a.name < b.name ? -1 : 1);
	}
}

/**
 * readFile reads a file as an object of a store.
 * @param {File} file
 * @param {number} max bytes
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./store.js").Got>}
 */
export async function readFile(file, max, signal) {
	if (file.size > max) throw new StoreError("tooLarge", "the file is larger than it can be");
	let buffer;
	try {
		buffer = await file.arrayBuffer();
	} catch (err) {
		const gone = err instanceof DOMException && err.name === "NotFoundError";
		throw new StoreError(gone ? "absent" : "away", gone ? "the file has gone" : "the file cannot be read now");
	}
	const digest = await crypto.subtle.digest("SHA-256", buffer);
	signal?.throwIfAborted();
	return { bytes: new Uint8Array(buffer), digest: new Uint8Array(digest) };
}

/**
 * nameOf is the name of the object that a file is, by its path: in a recording's folder,
 * or in one with several in it. "" if it is none.
 * @param {string} path
 */
export function nameOf(path) {
	const name = path.split("/").slice(path.endsWith("/head") ? -2 : -3).join("/");
	return objectName.test(name) ? name : "";
}
