import { Splitter } from "../engine/splitter.js";
import { Trouble } from "../engine/source.js";
import { Host } from "./host.js";

/**
 * @typedef {object} Settings what the program is told: see settings.go of cmd/sealtape-web
 * @property {{ key: string, who: string, revoked?: boolean, expires?: number, linked?: boolean }[]} recorders expires is in
 *     seconds of Unix time, 0 for never; linked says that only a link names the key
 * @property {{ key: string, who: string, revoked?: boolean }[]} [granters]
 * @property {{ key: string, who: string, revoked?: boolean, of?: string[] }[]} [revoked] of are the names
 *     of the keys whose approval of it does not count any more; all without it
 * @property {string[]} [self] verifier keys on the reader's own cards
 * @property {string} [share]
 * @property {Record<string, { share: string, told: string }>} [others] the same of other recordings of
 *     the meeting that a link names, by ID
 * @property {string} [told] a head that the reader was told of, as text
 * @property {boolean} [unlisted] the store lists nothing to who has the link
 * @property {string} [recording] what is played first
 * @property {number} [at] and where, in seconds
 *
 * @typedef {{ name: string, mime: string, size: number }} File size is -1 if it is not known
 *
 * @typedef {object} Excerpt
 * @property {string} format
 * @property {number} [begin] seconds
 * @property {number} [end]
 * @property {string[]} [people] identities; all without any
 *
 * @typedef {{ ok: (bytes: Uint8Array<ArrayBuffer>) => void, no: (err: any) => void, part: (bytes: Uint8Array<ArrayBuffer>) => void,
 *     file: (file: File) => void, about: string }} Question
 */

/** So many workers in a row may end without having answered anything. */
const mostDeaths = 3;

/**
 * A WorkerSource has recordings from a store that the page reads itself. A program in a
 * worker verifies and decrypts them. If that ends, which what is hostile in a recording
 * could cause, the page begins another one, and goes on. It is a
 * {@link import("../engine/source.js").Source}.
 */
export class WorkerSource {
	#config;
	/** @type {Worker|null} */
	#worker = null;
	/** @type {Host|null} */
	#host = null;
	/** How many workers there were: places in a recording count for one of them only. */
	#generation = 0;
	#asked = 0;
	/** @type {Map<number, Question>} */
	#open = new Map();
	/** How many workers ended since one answered. */
	#deaths = 0;
	/** @type {Map<string, number>} how many workers ended over a question */
	#fatal = new Map();
	/** @type {Promise<void>} */
	#begun;
	#closed = false;
	/** @type {((bytes: number) => void)[]} */
	#measures = [];

	/**
	 * @param {object} config
	 * @param {() => Promise<Worker>} config.worker begins one that runs the program: see parts.js
	 * @param {import("./host.js").Surroundings} config.around
	 * @param {Settings} config.settings
	 */
	constructor(config) {
		this.#config = config;
		this.#begun = this.#begin();
	}

	/**
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<import("../engine/description.js").Entry[]>}
	 */
	async recordings(signal) {
		return (await this.#json("recordings", {}, signal)).recordings ?? [];
	}

	/**
	 * @param {string} id
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<import("../engine/description.js").Description>}
	 */
	recording(id, signal) {
		return this.#describe("recording", { id }, signal);
	}

	/**
	 * @param {string} id
	 * @param {import("../engine/source.js").Known} known
	 * @param {AbortSignal} signal
	 * @returns {Promise<import("../engine/description.js").Description>}
	 */
	async later(id, known, signal) {
		await this.#begun;
		const [generation, version] = known.version.split(" ");
		const now = Number(generation) === this.#generation;
		return this.#describe("later", now ? { id, version, from: known.from, events: known.events } : { id }, signal);
	}

	/**
	 * meeting has the parts of a recording's meeting.
	 * @param {string} id
	 * @param {string[]} told the IDs of all, in order, as a link says; none: they are looked for
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<import("../engine/description.js").Meeting>}
	 */
	meeting(id, told, signal) {
		return this.#json("meeting", { id, told }, signal);
	}

	/** @type {import("../engine/source.js").SegmentOf} */
	async segment(id, number, uids, signal, give) {
		const splitter = new Splitter(), missing = new Set(uids);
		/** @type {import("../engine/source.js").Part[]} */
		let parts = [];
		const giveParts = () => {
			if (parts.length > 0 && missing.delete(parts[0].track)) give(parts[0].track, parts);
			parts = [];
		};
		await this.#ask("segment", { id, number, tracks: uids }, signal, (bytes) => {
			for (const part of splitter.push(bytes)) {
				if (part.track !== parts[0]?.track) giveParts();
				parts.push(part);
			}
		});
		splitter.end();
		giveParts();
		for (const uid of missing) give(uid, []);
	}

	/**
	 * save exports a part of a recording. The program waits for each piece to be
	 * written. If it rejects, what was written is not whole.
	 * @param {string} id
	 * @param {Excerpt} excerpt
	 * @param {{ begin: (file: File) => void, write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> }} to
	 * @param {AbortSignal} [signal]
	 */
	async save(id, excerpt, to, signal) {
		await this.#ask("export", { id, ...excerpt }, signal, () => {}, to.begin, to.write);
	}

	/** memory is how many bytes the program has, for measurements. */
	async memory() {
		await this.#begun;
		return new Promise((/** @type {(bytes: number) => void} */ ok) => {
			this.#measures.push(ok);
			this.#worker?.postMessage({ memory: true });
		});
	}

	/** close ends the worker. */
	close() {
		this.#closed = true;
		this.#end(new Trouble("later", "broken"));
	}

	/**
	 * @param {string} what
	 * @param {object} detail
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<any>}
	 */
	async #json(what, detail, signal) {
		return JSON.parse(new TextDecoder().decode(await this.#ask(what, detail, signal)));
	}

	/**
	 * @param {string} what
	 * @param {object} detail
	 * @param {AbortSignal} [signal]
	 */
	async #describe(what, detail, signal) {
		const description = await this.#json(what, detail, signal);
		return { ...description, version: `${this.#generation} ${description.version}` };
	}

	/**
	 * @param {string} what
	 * @param {object} detail
	 * @param {AbortSignal|null} [signal]
	 * @param {(bytes: Uint8Array<ArrayBuffer>) => void} [part]
	 * @param {(file: File) => void} [file]
	 * @param {(bytes: Uint8Array<ArrayBuffer>) => Promise<void>} [write]
	 * @returns {Promise<Uint8Array<ArrayBuffer>>}
	 */
	async #ask(what, detail, signal, part = () => {}, file = () => {}, write) {
		await this.#begun;
		signal?.throwIfAborted();
		const about = what + JSON.stringify(detail);
		if ((this.#fatal.get(about) ?? 0) >= 2) throw new Trouble("failed");
		const worker = this.#worker;
		if (!worker) throw new Trouble("later", "ended");
		const n = ++this.#asked;
		if (write) this.#host?.writers.set(n, write);
		const stop = () => {
			worker.postMessage({ stop: n });
			this.#open.get(n)?.no(signal?.reason);
		};
		signal?.addEventListener("abort", stop);
		try {
			return await new Promise((ok, no) => {
				this.#open.set(n, { ok, no, part, file, about });
				worker.postMessage({ ask: n, what, detail });
			});
		} finally {
			this.#open.delete(n);
			this.#host?.writers.delete(n);
			signal?.removeEventListener("abort", stop);
		}
	}

	/** begin begins a worker, which can be asked once it resolves. */
	async #begin() {
		const { worker: make, settings, around } = this.#config;
		let worker;
		try {
			worker = await make();
		} catch {
			return; // questions say that there is none
		}
		if (this.#closed) return worker.terminate();
		const host = new Host(around, (message, transfer) => worker.postMessage(message, transfer));
		worker.onmessage = ({ data }) => this.#hear(data, host);
		worker.onerror = (event) => {
			event.preventDefault();
			this.#died(worker);
		};
		this.#worker = worker;
		this.#host = host;
		this.#generation++;
		worker.postMessage({ settings });
	}

	/**
	 * @param {any} m
	 * @param {Host} host
	 */
	#hear(m, host) {
		if (host !== this.#host) return;
		if (m.request) return host.answer(m);
		if (m.cancel) return host.cancel(m.cancel);
		if (m.ended !== undefined) return this.#died(this.#worker);
		if (m.memory !== undefined) return this.#measures.splice(0).forEach((ok) => ok(m.memory));
		const question = this.#open.get(m.answer ?? m.part ?? m.file ?? m.fail);
		if (m.part) question?.part(m.bytes);
		else if (m.file) question?.file(m.detail);
		else if (m.fail) question?.no(troubleOf(m));
		else if (m.answer) {
			this.#deaths = 0;
			question?.ok(m.bytes);
		}
	}

	/**
	 * died begins another worker in the place of one that ended, if that may help.
	 * @param {Worker|null} worker
	 */
	#died(worker) {
		if (worker !== this.#worker) return;
		for (const { about } of this.#open.values()) this.#fatal.set(about, (this.#fatal.get(about) ?? 0) + 1);
		this.#end(new Trouble("later", "ended"));
		if (++this.#deaths < mostDeaths && !this.#closed) this.#begun = this.#begin();
	}

	/** @param {Trouble} trouble for who waits */
	#end(trouble) {
		this.#worker?.terminate();
		this.#worker = null;
		this.#host?.close();
		this.#host = null;
		for (const { no } of [...this.#open.values()]) no(trouble);
	}
}

/** @type {import("../engine/source.js").TroubleKind[]} */
const kinds = ["locked", "failed", "gone", "rolled-back", "foreign"];

/** @type {import("../engine/source.js").Why[]} */
const whys = ["expired", "refused", "cors", "clock"];

/** @param {{ kind: string, why: string }} failure */
function troubleOf({ kind, why }) {
	const known = kinds.find((k) => k === kind);
	if (known) return new Trouble(known);
	return new Trouble("later", whys.find((w) => w === why) ?? "store");
}
