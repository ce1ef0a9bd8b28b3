/**
 * What the page asks the command that serves it. Addresses are relative to this
 * module, so that the secret in the path is nowhere written down.
 */

/** A Trouble is an answer that is none. kind says what to do about it. */
export class Trouble extends Error {
	/**
	 * @param {"locked"|"failed"|"gone"|"later"} kind later: ask again; the others are final
	 * @param {string} text for people
	 */
	constructor(kind, text) {
		super(text);
		this.kind = kind;
	}
}

const kinds = { 404: "gone", 422: "failed", 423: "locked" };

/**
 * @typedef {object} Part the media of one track in one segment
 * @property {string} track UID
 * @property {string} mime
 * @property {number} from seconds
 * @property {number} to seconds
 * @property {Uint8Array} init
 * @property {string} initID changes when init does
 * @property {Uint8Array} media
 */
export class API {
	/** @param {URL|string} [base] the folder that api/ is in */
	constructor(base = new URL("../", import.meta.url)) {
		this.base = new URL(base, import.meta.url);
	}

	/** The recordings of the library. */
	async recordings(signal) {
		return (await this.#json("api/recordings", signal)).recordings || [];
	}

	/** The whole of what is known of a recording; see model.js. */
	recording(id, signal) {
		return this.#json(`api/recordings/${encodeURIComponent(id)}`, signal);
	}

	/**
	 * later waits, half a minute at most, until the recording is another than the
	 * version known, and returns what is new.
	 * @param {{version: string, from: number, events: number}} known
	 */
	later(id, known, signal) {
		const query = new URLSearchParams({ wait: known.version, from: known.from, events: known.events });
		return this.#json(`api/recordings/${encodeURIComponent(id)}?${query}`, signal);
	}

	/**
	 * segment returns the media of the tracks in segment number. Tracks that sent
	 * nothing in it are not in the map; one has several parts where its encoding
	 * changes.
	 * @returns {Promise<Map<string, Part[]>>}
	 */
	async segment(id, number, uids, signal) {
		const path = `api/recordings/${encodeURIComponent(id)}/segments/${number}?tracks=${uids.map(encodeURIComponent).join(",")}`;
		const answer = await this.#get(path, signal);
		return parts(await body(answer.arrayBuffer(), signal));
	}

	async #json(path, signal) {
		return body((await this.#get(path, signal)).json(), signal);
	}

	async #get(path, signal) {
		let answer;
		try {
			answer = await fetch(new URL(path, this.base), { signal, cache: "no-store", credentials: "omit", redirect: "error" });
		} catch (err) {
			if (signal?.aborted) throw err;
			throw new Trouble("later", "sealtape does not answer: does the command still run?");
		}
		if (answer.ok) return answer;
		let text = "";
		try {
			text = String((await answer.json()).text || "");
		} catch {
			// The status says enough.
		}
		throw new Trouble(kinds[answer.status] || "later", text || `the answer was ${answer.status}`);
	}
}

/** A body that breaks off is trouble like an answer that never came. */
async function body(promise, signal) {
	try {
		return await promise;
	} catch (err) {
		if (signal?.aborted) throw err;
		throw new Trouble("later", "the answer broke off");
	}
}

/**
 * parts takes a segment's answer apart: for each track the length of a JSON header
 * in four bytes, the header, the length of the bytes, the bytes.
 * @param {ArrayBuffer} buffer
 * @returns {Map<string, Part[]>}
 */
export function parts(buffer) {
	const view = new DataView(buffer), out = new Map();
	const utf8 = new TextDecoder();
	let at = 0;
	const take = () => {
		if (at + 4 > buffer.byteLength) throw new Trouble("later", "the answer is cut short");
		const n = view.getUint32(at);
		at += 4;
		if (n > buffer.byteLength - at) throw new Trouble("later", "the answer is cut short");
		at += n;
		return new Uint8Array(buffer, at - n, n);
	};
	while (at < buffer.byteLength) {
		const head = JSON.parse(utf8.decode(take())), bytes = take();
		const uid = String(head.track);
		if (!out.has(uid)) out.set(uid, []);
		out.get(uid).push({
			track: uid, mime: head.mime, from: head.from, to: head.to, initID: head.init_id,
			init: bytes.subarray(0, head.init), media: bytes.subarray(head.init),
		});
	}
	return out;
}
