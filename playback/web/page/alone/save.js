import { el } from "../view/dom.js";

/** @typedef {Pick<import("./worker_source.js").WorkerSource, "save">} Saves */

/** The folder of files that are being saved, and how long one stays once the browser has it, in milliseconds. */
const folderName = "saving", keepFor = 60_000;

/**
 * saveFile makes a file of a recording, and has the browser save it. It comes piece by
 * piece, and is put into the origin's private files meanwhile, or into memory where a page
 * has none; it is removed from there soon afterwards, since it is in the clear.
 * @param {Saves} source
 * @param {string} id
 * @param {import("./worker_source.js").Excerpt} excerpt
 * @param {(bytes: number) => void} tell how much of it there is
 * @param {AbortSignal} [signal]
 */
export async function saveFile(source, id, excerpt, tell, signal) {
	await clearSaved();
	const draft = await Draft.open();
	let name = id, written = 0;
	try {
		await source.save(id, excerpt, {
			begin: (file) => name = file.name,
			write: async (bytes) => {
				await draft.write(bytes);
				tell(written += bytes.length);
			},
		}, signal);
		const href = URL.createObjectURL(await draft.close());
		el("a", { href, download: name }).click();
		setTimeout(() => URL.revokeObjectURL(href), keepFor);
	} catch (err) {
		await draft.discard();
		throw err;
	}
	setTimeout(() => draft.discard(), keepFor);
	addEventListener("pagehide", () => draft.discard());
}

/** clearSaved removes what an earlier visit left. */
export async function clearSaved() {
	try {
		await (await navigator.storage.getDirectory()).removeEntry(folderName, { recursive: true });
	} catch {
		// There is none, or it is open in another tab.
	}
}

/** A Draft is a file that is not whole yet. */
class Draft {
	/** @type {any} */
	#handle = null;
	/** @type {any} */
	#stream = null;
	/** @type {Uint8Array<ArrayBuffer>[]} where there is no file */
	#pieces = [];

	static async open() {
		const draft = new Draft();
		try {
			const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(folderName, { create: true });
			draft.#handle = await folder.getFileHandle(crypto.randomUUID(), { create: true });
			draft.#stream = await draft.#handle.createWritable();
		} catch {
			// Pages from a disk have no private files.
		}
		return draft;
	}

	/** @param {Uint8Array<ArrayBuffer>} bytes */
	async write(bytes) {
		if (this.#stream) await this.#stream.write(bytes);
		else this.#pieces.push(bytes);
	}

	/** @returns {Promise<Blob>} */
	async close() {
		if (!this.#stream) return new Blob(this.#pieces);
		await this.#stream.close();
		return this.#handle.getFile();
	}

	async discard() {
		this.#pieces = [];
		try {
			await this.#handle?.remove?.();
		} catch {
			// It is gone, or still open; the next visit removes it.
		}
	}
}
