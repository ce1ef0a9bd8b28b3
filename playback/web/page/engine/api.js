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
	constructor(base = new URL("../../", import.meta.url)) {
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
	 * segment fetches the media of the tracks in segment number, and gives that of each
	 * as soon as it is there: none if the track sent nothing in it, several parts where
	 * its encoding changes.
	 * @param {(uid: string, parts: Part[]) => void} give
	 */
	async segment(id, number, uids, signal, give) {
		const path = `api/recordings/${encodeURIComponent(id)}/segments/${number}?tracks=${uids.map(encodeURIComponent).join(",")}`;
		const reader = (await this.#get(path, signal)).body.getReader();
		const splitter = new Splitter(), missing = new Set(uids);
		let parts = [];
		const done = () => {
			if (parts.length > 0 && missing.delete(parts[0].track)) give(parts[0].track, parts);
			parts = [];
		};
		for (;;) {
			const { done: end, value } = await body(reader.read(), signal);
			if (end) break;
			for (const part of splitter.push(value)) {
				if (part.track !== parts[0]?.track) done();
				parts.push(part);
			}
		}
		splitter.end();
		done();
		for (const uid of missing) give(uid, []);
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

/** No header or media is longer, in bytes: a segment has 64 MiB at most. */
const longest = 128 << 20;

/**
 * A Splitter takes a segment's answer apart while it comes: for each part the
 * length of a JSON header in four bytes, the header, the length of the bytes, the
 * bytes.
 */
export class Splitter {
	#field = new Uint8Array(4); // what is being filled
	#filled = 0;
	#fields = [];

	/**
	 * push takes the next bytes and returns the parts that are whole with them.
	 * @param {Uint8Array} bytes
	 * @returns {Part[]}
	 */
	push(bytes) {
		const parts = [];
		for (let at = 0; at < bytes.length;) {
			const n = Math.min(bytes.length - at, this.#field.length - this.#filled);
			this.#field.set(bytes.subarray(at, at + n), this.#filled);
			this.#filled += n;
			at += n;
			while (this.#filled === this.#field.length) {
				const part = this.#take();
				if (part) parts.push(part);
			}
		}
		return parts;
	}

	/** take looks at a whole field: lengths and what they announce take turns. */
	#take() {
		const field = this.#field;
		this.#filled = 0;
		this.#fields.push(field);
		if (this.#fields.length % 2 === 1) {
			const n = new DataView(field.buffer).getUint32(0);
			if (n > longest) throw new Trouble("later", "the answer is none of sealtape's");
			this.#field = new Uint8Array(n);
			return null;
		}
		this.#field = new Uint8Array(4);
		if (this.#fields.length < 4) return null;
		const [, header, , media] = this.#fields;
		this.#fields = [];
		const head = JSON.parse(new TextDecoder().decode(header));
		return {
			track: String(head.track), mime: head.mime, from: head.from, to: head.to, initID: head.init_id,
			init: media.subarray(0, head.init), media: media.subarray(head.init),
		};
	}

	/** end throws if the answer was cut short. */
	end() {
		if (this.#filled > 0 || this.#fields.length > 0) throw new Trouble("later", "the answer is cut short");
	}
}
