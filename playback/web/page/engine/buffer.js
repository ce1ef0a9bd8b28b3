/**
 * The media of one track for one element: a MediaSource with one SourceBuffer, and
 * the queue of what is to be done to it, as it does one thing at a time.
 */

/** No recording is longer, in seconds. Elements cannot seek beyond the duration, which therefore is set once, high. */
const endless = 1e7;

/** supported says whether this browser can play the type. */
export function supported(mime) {
	const Source = globalThis.MediaSource || globalThis.ManagedMediaSource;
	return !!Source && Source.isTypeSupported(mime);
}

export class Buffer {
	/**
	 * @param {HTMLMediaElement} element
	 * @param {object} c
	 * @param {() => [number, number]|null} c.quota asked for what to remove when all is full, null for nothing
	 * @param {(text: string, tag: number|null) => void} c.broken the buffer is of no use any more, for what was appended with the tag
	 * @param {() => void} c.changed something was appended or removed
	 */
	constructor(element, c) {
		this.c = c;
		this.element = element;
		this.queue = [];
		this.ranges = [];
		this.initID = null;
		this.full = false;
		this.dead = false;
		this.opened = false;
		const Source = globalThis.MediaSource || globalThis.ManagedMediaSource;
		this.source = new Source();
		this.url = URL.createObjectURL(this.source);
		this.source.addEventListener("sourceopen", () => this.#opened(), { once: true });
		element.disableRemotePlayback = true;
		element.src = this.url;
	}

	#opened() {
		URL.revokeObjectURL(this.url);
		if (this.dead) return;
		this.source.duration = endless;
		this.opened = true;
		this.#pump();
	}

	/**
	 * append puts a part in. done is called when it is in; it may come late, when the
	 * buffer is full.
	 */
	append(part, tag, done) {
		this.queue.push({ part, tag, done });
		this.#pump();
	}

	/** remove takes out [from, to), and with it all pictures that need it. */
	remove(from, to) {
		this.queue.push({ from, to });
		this.#pump();
	}

	/** clear forgets all, also what is queued. */
	clear() {
		this.queue = [];
		this.done = null;
		this.full = false;
		if (this.ranges.length || this.buffer?.updating) this.remove(0, endless);
		this.ranges = [];
	}

	/** Whether nothing is under way. */
	get idle() {
		return this.queue.length === 0 && !this.buffer?.updating;
	}

	/** kick tries again what did not fit. */
	kick() {
		if (this.full) {
			this.full = false;
			this.#pump();
		}
	}

	/** around returns the range that t is in, or null. The very end of a range is not in it: nothing can start there. */
	around(t) {
		for (const r of this.ranges) if (t >= r[0] - 0.001 && t < r[1] - 0.02) return r;
		return null;
	}

	/** after returns the beginning of the first range after t, or null. */
	after(t) {
		for (const r of this.ranges) if (r[0] > t) return r[0];
		return null;
	}

	close() {
		this.dead = true;
		this.queue = [];
		this.ranges = [];
		URL.revokeObjectURL(this.url);
		this.element.removeAttribute("src");
		this.element.load(); // frees the decoder and the buffers
	}

	#pump() {
		while (this.opened && !this.dead && !this.full && this.source.readyState === "open" && !this.buffer?.updating && this.queue.length) {
			const job = this.queue[0];
			try {
				if (job.part) this.#append(job);
				else this.#remove(job);
			} catch (err) {
				if (err.name !== "QuotaExceededError") return this.#break(err.message, job.tag);
				const span = this.c.quota();
				if (!span) this.full = true;
				else this.queue.unshift({ from: span[0], to: span[1] });
			}
		}
	}

	#append(job) {
		const { part } = job;
		this.tag = job.tag;
		if (!this.buffer) {
			this.buffer = this.source.addSourceBuffer(part.mime);
			this.mime = part.mime;
			this.buffer.addEventListener("updateend", () => this.#updated());
			this.buffer.addEventListener("error", () => this.#break("its bytes are none of its format", this.tag));
		}
		if (part.mime !== this.mime) {
			this.buffer.changeType(part.mime);
			this.mime = part.mime;
			this.initID = null;
		}
		// Another initialization makes the buffer wait for a key frame, so it is only
		// given where it differs.
		if (this.initID !== part.initID) {
			this.buffer.appendBuffer(part.init);
			this.initID = part.initID;
			return; // the media when this is in
		}
		this.buffer.appendBuffer(part.media);
		this.queue.shift();
		this.done = job.done;
	}

	#remove(job) {
		this.queue.shift();
		if (!this.buffer || job.to <= job.from) return;
		this.buffer.remove(job.from, job.to);
	}

	#updated() {
		if (this.dead) return;
		const done = this.done;
		this.done = null;
		this.ranges = [];
		// Reading buffered throws once the source is closed.
		if (this.source.readyState !== "closed") {
			const b = this.buffer.buffered;
			for (let i = 0; i < b.length; i++) this.ranges.push([b.start(i), b.end(i)]);
		}
		done?.();
		this.#pump();
		this.c.changed();
	}

	#break(text, tag = null) {
		if (this.dead) return;
		this.dead = true;
		this.c.broken(text, tag);
	}
}
