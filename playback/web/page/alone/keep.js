/**
 * Copies of recordings, as they are in the store: sealed. Making one takes no key. The
 * order is that of every copy: what a log names, then the log, then the head that signs
 * it, so that a copy that broke off is a shorter recording or none.
 */
import { StoreError } from "./store.js";

/**
 * @typedef {object} Place where a copy is put
 * @property {(name: string) => Promise<import("./store.js").Got|null>} read an object that is there; null if it is not
 * @property {(name: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>} write puts an object, whole
 *
 * @typedef {{ objects: number, of: number, bytes: number, left: number }} Progress bytes
 *     of the objects that are there; left is how many the store does not give
 */

/** Lines of a log file, the most log files, and how many objects are fetched at once. */
const logLines = 1024, mostLogs = 1024, atOnce = 4;

const line = /^([0-9a-f]{64})  ((?:epochs|segments|index)\/[0-9]{6}[0-9a-z-]*\.age)$/;

/**
 * keep copies a recording. What the log does not name is left out, but shares, of which
 * the store lists those that it has. It rejects if the recording is not there, if there is
 * no room, or with the signal's reason.
 * @param {import("./store.js").Store} store
 * @param {string} id
 * @param {Place} place
 * @param {object} [options]
 * @param {string} [options.share] a share to take along where the store lists none
 * @param {AbortSignal} [options.signal]
 * @param {(progress: Progress) => void} [options.tell]
 * @returns {Promise<Progress>}
 */
export async function keep(store, id, place, { share = "", signal, tell = () => {} } = {}) {
	const head = await store.get(`${id}/head`, { signal });
	const logs = await readLogs(store, id, sizeOf(head.bytes), signal);
	const entries = logs.flatMap((log) => entriesOf(log.bytes));
	/** @type {Work[]} */
	const work = entries.slice(0, sizeOf(head.bytes)).map(([digest, name]) => ({ name: `${id}/${name}`, digest }));
	for (const name of await sharesOf(store, id, share, signal)) work.push({ name, digest: "" });
	/** @type {Progress} */
	const progress = { objects: 0, of: work.length, bytes: 0, left: 0 };
	tell(progress);
	let next = 0;
	const copy = async () => {
		while (next < work.length) {
			signal?.throwIfAborted();
			await copyOne(store, work[next++], place, progress, signal);
			progress.objects++;
			tell(progress);
		}
	};
	await Promise.all(Array.from({ length: atOnce }, copy));
	for (const [n, log] of logs.entries()) await place.write(logName(id, n), log.bytes);
	await place.write(`${id}/head`, head.bytes);
	for (const { bytes } of [head, ...logs]) progress.bytes += bytes.length;
	tell(progress);
	return progress;
}

/** @typedef {{ name: string, digest: string }} Work an object to copy; without a digest its name says what it is */

/**
 * copyOne copies an object, unless it is there already.
 * @param {import("./store.js").Store} store
 * @param {Work} work
 * @param {Place} place
 * @param {Progress} progress
 * @param {AbortSignal} [signal]
 */
async function copyOne(store, { name, digest }, place, progress, signal) {
	const there = await place.read(name);
	if (there && (!digest || hex(there.digest) === digest)) {
		progress.bytes += there.bytes.length;
		return;
	}
	let got;
	try {
		got = await store.get(name, { signal });
	} catch (err) {
		// It has been told of by whoever plays it; the rest is worth having.
		if (!(err instanceof StoreError) || !["absent", "refused", "tooLarge"].includes(err.kind)) throw err;
	}
	if (!got || digest && hex(got.digest) !== digest) {
		progress.left++;
		return;
	}
	await place.write(name, got.bytes);
	progress.bytes += got.bytes.length;
}

/**
 * @param {import("./store.js").Store} store
 * @param {string} id
 * @param {number} size lines
 * @param {AbortSignal} [signal]
 */
async function readLogs(store, id, size, signal) {
	const logs = [];
	for (let n = 0; n < Math.min(mostLogs, Math.ceil(size / logLines)); n++) logs.push(await store.get(logName(id, n), { signal }));
	return logs;
}

/**
 * @param {string} id
 * @param {number} n
 */
function logName(id, n) {
	return `${id}/log/${String(n).padStart(4, "0")}`;
}

/**
 * sizeOf reads the number of lines from a head, of which nothing else matters here: what
 * plays the copy verifies it.
 * @param {Uint8Array} head
 */
function sizeOf(head) {
	const size = new TextDecoder().decode(head.subarray(0, 200)).split("\n")[1] ?? "";
	if (!/^[1-9][0-9]{0,6}$/.test(size)) throw new StoreError("refused", "the head is none");
	return Number(size);
}

/**
 * @param {Uint8Array} log
 * @returns {[digest: string, name: string][]}
 */
function entriesOf(log) {
	return new TextDecoder().decode(log).split("\n").flatMap((text) => {
		const found = line.exec(text);
		return found ? [/** @type {[string, string]} */ ([found[1], found[2]])] : [];
	});
}

/**
 * @param {import("./store.js").Store} store
 * @param {string} id
 * @param {string} share
 * @param {AbortSignal} [signal]
 */
async function sharesOf(store, id, share, signal) {
	try {
		return (await store.list(`${id}/shares/`, { signal })).map(({ name }) => name);
	} catch (err) {
		if (!(err instanceof StoreError) || err.kind !== "notListed") throw err;
		return share ? [`${id}/shares/${share}.age`] : [];
	}
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
	return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
