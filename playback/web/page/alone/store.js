/**
 * A store over fetch: what an invitation names, read by simple requests only. A request
 * is a GET without a header of our own, so no browser asks the server first whether it
 * may be sent. What lets one read is in the query of the URL, or nothing is.
 *
 * Every store of the page has this form:
 *
 * @typedef {object} Store
 * @property {(name: string, options?: GetOptions) => Promise<Got>} get reads an object, such
 *     as "ID/head", whole. It rejects with a StoreError, or with the signal's reason.
 * @property {(prefix: string, options?: { signal?: AbortSignal }) => Promise<Listed[]>} list
 *     lists the objects whose name begins with prefix, in order. It rejects with a
 *     StoreError whose kind is "notListed" if the store does not say.
 *
 * @typedef {object} GetOptions
 * @property {AbortSignal} [signal]
 * @property {number} [max] the most bytes that it may have; without it, what an object of this name can have
 *
 * @typedef {{ bytes: Uint8Array<ArrayBuffer>, digest: Uint8Array<ArrayBuffer> }} Got digest is the SHA-256
 * @typedef {{ name: string, size: number }} Listed
 */

import { Signer } from "./sign.js";
import { readListing } from "./listing.js";
import { readTable, validShareOf } from "./table.js";

/**
 * @typedef {"absent"|"refused"|"expired"|"away"|"tooLarge"|"notListed"} Kind
 *
 *     absent: the store says that it has no such object.
 *     refused: it does not give it. Where strangers may not list, most stores say so of what they do not have, too.
 *     expired: what the link lets one read by has ended. It says nothing about the recording.
 *     away: it does not answer, or breaks off. Another try may help.
 *     tooLarge: the object has more bytes than one of its name can have.
 *     notListed: the store lists nothing to who has this link.
 *
 * @typedef {""|"cors"|"clock"|"later"} Why
 *
 *     cors: the store answers, and does not let this page read the answer.
 *     clock: this machine's clock and the store's are too far apart.
 *     later: the object was not there yet when the link was made.
 */

/** A StoreError says why a store does not give something. Its message is for logs. */
export class StoreError extends Error {
	/**
	 * @param {Kind} kind
	 * @param {string} message
	 * @param {Why} [why]
	 */
	constructor(kind, message, why = "") {
		super(message);
		this.name = "StoreError";
		this.kind = kind;
		this.why = why;
	}
}

const KiB = 1024, MiB = 1024 * KiB;

/** The most bytes that the objects of a recording can have, by the folder they are in. */
const most = /** @type {Record<string, number>} */ ({ head: 64 * KiB, log: MiB, epochs: 4 * MiB, shares: MiB, attachments: 16 * MiB, segments: 64 * MiB, index: 64 * MiB });

/** The most bytes of a page of a listing, and the most objects that are listed. */
const maxPage = 4 * MiB, maxListed = 1 << 20;

/** How long a signature of ours holds, and how far back it is dated for clocks that differ, in seconds. */
const signedFor = 3600, backdated = 300;

/** How long a connection may give nothing, in milliseconds. */
const stall = 30_000;

/** The waits between tries, in milliseconds. The last failure is told. */
const waits = [300, 900, 2700];

/**
 * A FetchStore reads what an invitation names. It is a Store.
 */
export class FetchStore {
	#invitation;
	#config;
	/** @type {Signer|null} */
	#signer;
	/** @type {Promise<Map<string, string>>|null} what is appended to each URL, by the name of the object */
	#table = null;

	/**
	 * @param {import("./link.js").Invitation} invitation
	 * @param {object} [config] for an invitation with presigned URLs, and for tests
	 * @param {(file: Uint8Array<ArrayBuffer>, identity: string) => Promise<Uint8Array>} [config.decrypt]
	 *     opens an age file; it is needed only where invitation.presigned is
	 * @param {typeof fetch} [config.fetch]
	 * @param {() => number} [config.now] milliseconds of Unix time
	 * @param {(ms: number, signal?: AbortSignal) => Promise<void>} [config.wait]
	 * @param {number} [config.stall] milliseconds
	 */
	constructor(invitation, config = {}) {
		this.#invitation = invitation;
		this.#config = { fetch: globalThis.fetch.bind(globalThis), now: Date.now, wait: pause, stall, ...config };
		this.#signer = invitation.credentials && new Signer(invitation.credentials);
	}

	/** @type {Store["get"]} */
	async get(name, { signal, max } = {}) {
		const folder = this.#folder(name), limit = max ?? most[folder];
		const bytes = await this.#retried(async () => this.#read(await this.#url(name, signal), limit, signal, folder === "head" || folder === "log"), signal);
		return { bytes, digest: new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) };
	}

	/** @type {Store["list"]} */
	async list(prefix, { signal } = {}) {
		const { store, recording, credentials } = this.#invitation, signer = this.#signer;
		if (!signer || !credentials) throw new StoreError("notListed", "the store lists nothing to who has this link");
		if (!prefix.startsWith(recording + "/")) throw new StoreError("notListed", "the link is for another recording");
		const [bucket, folder] = parts(store, credentials.hostStyle);
		/** @type {Listed[]} */
		const all = [];
		let next = "";
		do {
			const query = { "list-type": "2", "encoding-type": "url", prefix: folder + prefix, ...(next ? { "continuation-token": next } : {}) };
			const bytes = await this.#retried(async () => this.#read(await signer.presign(bucket, query, this.#date(), signedFor), maxPage, signal, true), signal);
			const page = readListing(new TextDecoder().decode(bytes));
			if (!page || page.next === next && next) throw new StoreError("away", "the store's listing makes no sense");
			for (const { key, size } of page.objects) {
				const name = key.slice(folder.length), last = all.length ? all[all.length - 1].name : "";
				if (!key.startsWith(folder + prefix) || name <= last || all.length === maxListed) throw new StoreError("away", "the store's listing makes no sense");
				all.push({ name, size });
			}
			next = page.next;
		} while (next);
		return all;
	}

	/**
	 * folder returns what kind of object a name is of. Names of other recordings are
	 * refused: the link is for one, and those of its meeting that it names.
	 * @param {string} name
	 */
	#folder(name) {
		const [id, folder, ...rest] = name.split("/"), inside = folder === "head" ? rest.length === 0 : rest.length === 1;
		const { recording, meeting } = this.#invitation, named = id === recording || meeting.some((p) => p?.recording === id);
		if (!named || !inside || !Object.hasOwn(most, folder) || !/^[A-Za-z0-9/-][A-Za-z0-9./-]*$/.test(name) || name.includes("/.")) {
			throw new StoreError("absent", "no object of the recording has this name");
		}
		return folder;
	}

	/**
	 * url returns the address of an object, with what lets one read it.
	 * @param {string} name
	 * @param {AbortSignal} [signal]
	 */
	async #url(name, signal) {
		const { store, query, presigned, recording } = this.#invitation, url = `${store}/${name}`;
		if (this.#signer) return this.#signer.presign(url, {}, this.#date(), signedFor);
		if (!presigned) return query ? `${url}?${query}` : url;
		this.#table ??= this.#readTable(signal);
		let table;
		try {
			table = await this.#table;
		} catch (err) {
			this.#table = null;
			throw err;
		}
		const own = table.get(name.slice(recording.length + 1));
		if (!own) throw new StoreError("refused", "the link was made before this object was there", "later");
		return `${url}?${own}`;
	}

	/**
	 * @param {AbortSignal} [signal]
	 */
	async #readTable(signal) {
		const { store, recording, presigned } = this.#invitation;
		if (!presigned || !this.#config.decrypt) throw new Error("nothing opens the table of presigned URLs");
		const sealed = await this.#read(`${store}/${recording}/shares/${presigned.share}.age?${presigned.query}`, most.shares, signal, false);
		const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", sealed));
		const text = validShareOf(digest, presigned.share) && await this.#config.decrypt(sealed, "AGE-SECRET-KEY-PQ-1" + presigned.key).catch(() => null);
		const table = text && readTable(new TextDecoder().decode(text), recording);
		if (!table) throw new StoreError("refused", "the table of presigned URLs is damaged");
		return table;
	}

	/** date is when our signatures say that they were made: the same for minutes, so that a browser finds again what it has. */
	#date() {
		const step = backdated * 1000;
		return Math.floor(this.#config.now() / step) * step - step;
	}

	/**
	 * retried calls f again while the store is away.
	 * @template T
	 * @param {() => Promise<T>} f
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<T>}
	 */
	async #retried(f, signal) {
		for (let failed = 0; ; failed++) {
			try {
				return await f();
			} catch (err) {
				signal?.throwIfAborted();
				if (!(err instanceof StoreError) || err.kind !== "away" || failed >= waits.length) throw err;
				await this.#config.wait(waits[failed] * (0.5 + Math.random() / 2), signal);
			}
		}
	}

	/**
	 * read fetches at most max bytes.
	 * @param {string} url
	 * @param {number} max
	 * @param {AbortSignal|undefined} signal
	 * @param {boolean} fresh what the browser has of it may be an older state
	 * @returns {Promise<Uint8Array<ArrayBuffer>>}
	 */
	async #read(url, max, signal, fresh) {
		signal?.throwIfAborted();
		const own = new AbortController(), both = signal ? AbortSignal.any([signal, own.signal]) : own.signal;
		/** @type {ReturnType<typeof setTimeout>|undefined} */
		let timer;
		const moved = () => {
			clearTimeout(timer);
			timer = setTimeout(() => own.abort(), this.#config.stall);
		};
		try {
			moved();
			const answer = await this.#config.fetch(url, { ...simple, cache: fresh ? "no-store" : "default", signal: both });
			if (!answer.ok) throw await this.#refusal(answer, moved);
			return await body(answer, max, moved);
		} catch (err) {
			signal?.throwIfAborted();
			if (err instanceof StoreError) throw err;
			// A browser says nothing about why. What it keeps from the page, it fetches all the same.
			if (!own.signal.aborted && await this.#answers(url, both)) throw new StoreError("refused", "the store does not let this page read what it answers", "cors");
			throw new StoreError("away", "the store does not answer");
		} finally {
			clearTimeout(timer);
			own.abort();
		}
	}

	/**
	 * answers reports whether the server answers, though not for this page to read: by another
	 * address perhaps, which a store must not do. Browsers do not ask in this way unless they
	 * may go where they are sent; the page's policy says where that can be.
	 * @param {string} url
	 * @param {AbortSignal} signal
	 */
	async #answers(url, signal) {
		try {
			const answer = await this.#config.fetch(url, { ...simple, mode: "no-cors", redirect: "follow", cache: "no-store", signal });
			return answer.type === "opaque";
		} catch {
			return false;
		}
	}

	/**
	 * refusal tells what an answer says that is not the object.
	 * @param {Response} answer
	 * @param {() => void} moved
	 */
	async #refusal(answer, moved) {
		const { status } = answer, { expires } = this.#invitation;
		if (status >= 500 || status === 408 || status === 425 || status === 429) return new StoreError("away", `the store answers ${status}`);
		const said = new TextDecoder().decode(await body(answer, 64 * KiB, moved).catch(() => new Uint8Array()));
		const code = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(said)?.[1] ?? "";
		if (code === "RequestTimeTooSkewed" || code === "RequestNotReadyYet" || /not (yet valid|valid yet)/i.test(said)) {
			return new StoreError("refused", "this machine's clock and the store's are too far apart", "clock");
		}
		if (code === "ExpiredToken" || code === "ExpiredTokenException" || /request has expired|signature not valid in the specified time frame/i.test(said)) {
			return new StoreError("expired", "what the link lets one read by has ended");
		}
		if (status === 404 || status === 410) return new StoreError("absent", "the store does not have it");
		if (expires && this.#config.now() >= expires * 1000) return new StoreError("expired", "what the link lets one read by has ended");
		return new StoreError("refused", `the store does not give it, or does not have it (${status}${code && " " + code})`);
	}
}

/** What makes a request a simple one, which carries nothing of the page. @type {RequestInit} */
const simple = { method: "GET", mode: "cors", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };

/**
 * body reads an answer, and no more of it than max.
 * @param {Response} answer
 * @param {number} max
 * @param {() => void} moved is called whenever some came
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function body(answer, max, moved) {
	const tooLarge = () => new StoreError("tooLarge", `the object has more than ${max} bytes`);
	if (Number(answer.headers.get("Content-Length")) > max) throw tooLarge();
	/** @type {Uint8Array[]} */
	const chunks = [], reader = answer.body?.getReader();
	let size = 0;
	for (;;) {
		const { done, value } = await reader?.read() ?? { done: true, value: undefined };
		if (done || !value) break;
		moved();
		size += value.length;
		if (size > max) throw tooLarge();
		chunks.push(value);
	}
	const bytes = new Uint8Array(size);
	let at = 0;
	for (const chunk of chunks) {
		bytes.set(chunk, at);
		at += chunk.length;
	}
	return bytes;
}

/**
 * parts takes the URL of a store apart: that of its bucket, and the folder in it, which is
 * empty or ends in a slash.
 * @param {string} store
 * @param {boolean} hostStyle
 */
function parts(store, hostStyle) {
	const [, server, path] = /^(https?:\/\/[^/]+)(.*)$/.exec(store) ?? ["", "", ""], elements = path.split("/").slice(1);
	const bucket = hostStyle ? "/" : "/" + elements.shift(), folder = elements.map((e) => decodeURIComponent(e) + "/").join("");
	return [server + bucket, folder];
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
	return new Promise((done, failed) => {
		const end = () => {
			clearTimeout(timer);
			failed(signal?.reason);
		};
		const timer = setTimeout(() => {
			signal?.removeEventListener("abort", end);
			done();
		}, ms);
		signal?.addEventListener("abort", end, { once: true });
	});
}
