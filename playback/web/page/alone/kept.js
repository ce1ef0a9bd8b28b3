/**
 * Copies that this browser keeps for the page's origin: sealed objects in its private file
 * system, a folder for each recording, and beside each what tells of it.
 */
import { readFile } from "./folder.js";
import { StoreError } from "./store.js";

/** The largest object that is read, in bytes. */
const largest = 64 << 20;

/**
 * @typedef {object} Note what is known of a copy, without opening it
 * @property {string} id
 * @property {string} invitation the link that it was made by, without what is secret in it; "" for none
 * @property {number} bytes
 * @property {boolean} whole whether all was copied that the store gave
 * @property {string} at when, as in ISO 8601
 */

/** There may be no such thing: in pages from a disk, and in private windows of some browsers. */
export async function keepsCopies() {
	try {
		await folder();
		return location.protocol !== "file:";
	} catch {
		return false;
	}
}

/** folder is that of all copies. */
async function folder() {
	return (await navigator.storage.getDirectory()).getDirectoryHandle("copies", { create: true });
}

/**
 * copies are those that are there, the newest first.
 * @returns {Promise<Note[]>}
 */
export async function copies() {
	/** @type {Note[]} */
	const found = [];
	for await (const [name, entry] of /** @type {any} */ (await folder()).entries()) {
		if (entry.kind !== "file" || !name.endsWith(".json")) continue;
		try {
			found.push(JSON.parse(await (await entry.getFile()).text()));
		} catch {
			// It is being written.
		}
	}
	return found.sort((a, b) => b.at.localeCompare(a.at));
}

/**
 * removeCopy removes a copy, what tells of it last.
 * @param {string} id
 */
export async function removeCopy(id) {
	const all = await folder();
	for (const name of [id, `${id}.json`]) {
		try {
			await all.removeEntry(name, { recursive: true });
		} catch (err) {
			if (!(err instanceof DOMException) || err.name !== "NotFoundError") throw err;
		}
	}
}

/** A KeptStore has the objects of the copies. It is a {@link import("./store.js").Store}. */
export class KeptStore {
	/** @type {import("./store.js").Store["get"]} */
	async get(name, { signal, max = largest } = {}) {
		const file = await fileAt(await folder(), name);
		if (!file) throw new StoreError("absent", "there is no such object in the copy");
		return readFile(file, Math.min(max, largest), signal);
	}

	/** @type {import("./store.js").Store["list"]} */
	async list(prefix) {
		const at = prefix.slice(0, prefix.lastIndexOf("/"));
		/** @type {import("./store.js").Listed[]} */
		const found = [];
		try {
			let dir = await folder();
			for (const part of at.split("/").filter(Boolean)) dir = await dir.getDirectoryHandle(part);
			await walk(dir, at, found);
		} catch (err) {
			if (!(err instanceof DOMException) || err.name !== "NotFoundError") throw err;
		}
		return found.filter(({ name }) => name.startsWith(prefix)).sort((a, b) => a.name < b.name ? -1 : 1);
	}
}

/**
 * @param {any} dir
 * @param {string} path
 * @param {import("./store.js").Listed[]} found
 */
async function walk(dir, path, found) {
	for await (const [name, entry] of dir.entries()) {
		if (entry.kind === "file") found.push({ name: `${path}/${name}`, size: (await entry.getFile()).size });
		else await walk(entry, `${path}/${name}`, found);
	}
}

/**
 * fileAt returns the file at a path of a folder, null if there is none.
 * @param {FileSystemDirectoryHandle} dir
 * @param {string} path
 */
async function fileAt(dir, path) {
	const parts = path.split("/"), last = parts.pop() ?? "";
	try {
		for (const part of parts) dir = await dir.getDirectoryHandle(part);
		return await (await dir.getFileHandle(last)).getFile();
	} catch (err) {
		if (err instanceof DOMException && (err.name === "NotFoundError" || err.name === "TypeMismatchError")) return null;
		throw err;
	}
}

/** A FolderPlace is a folder that a copy is put into. It is a {@link import("./keep.js").Place}. */
export class FolderPlace {
	#dir;

	/** @param {FileSystemDirectoryHandle} dir */
	constructor(dir) {
		this.#dir = dir;
	}

	/** inBrowser is the place of the copies that the browser keeps. */
	static async inBrowser() {
		return new FolderPlace(await folder());
	}

	/** @type {import("./keep.js").Place["read"]} */
	async read(name) {
		const file = await fileAt(this.#dir, name);
		return file && readFile(file, largest);
	}

	/** @type {import("./keep.js").Place["write"]} */
	async write(name, bytes) {
		const parts = name.split("/"), last = parts.pop() ?? "";
		let dir = this.#dir;
		for (const part of parts) dir = await dir.getDirectoryHandle(part, { create: true });
		const file = /** @type {any} */ (await dir.getFileHandle(last, { create: true }));
		if (file.createSyncAccessHandle) {
			try {
				return writeNow(await file.createSyncAccessHandle({ mode: "readwrite" }), bytes);
			} catch (err) {
				if (!(err instanceof DOMException) || err.name !== "InvalidStateError") throw err;
			}
		}
		const stream = await file.createWritable();
		await stream.write(bytes);
		await stream.close();
	}
}

/**
 * writeNow fills a file of the private file system, where every browser can, in a worker.
 * @param {any} handle
 * @param {Uint8Array} bytes
 */
function writeNow(handle, bytes) {
	try {
		handle.truncate(0);
		if (handle.write(bytes, { at: 0 }) !== bytes.length) throw new DOMException("not all was written", "QuotaExceededError");
		handle.flush();
	} finally {
		handle.close();
	}
}

/**
 * note writes down what is known of a copy.
 * @param {Note} what
 */
export async function note(what) {
	const place = await FolderPlace.inBrowser();
	await place.write(`${what.id}.json`, new TextEncoder().encode(JSON.stringify(what)));
}
