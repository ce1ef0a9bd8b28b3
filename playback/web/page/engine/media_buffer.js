/**
 * No recording is longer, in seconds. Elements cannot seek beyond the duration,
 * which therefore is set once, high.
 */
const endless = 1e7;

/** How near the beginning and the end of a range something can start, in seconds. */
const startSlack = 0.001, endSlack = 0.02;

/**
 * mediaSource is what plays media piece by piece here: iPhones have only the managed one.
 * @returns {typeof MediaSource|undefined} undefined if the browser has none
 */
export function mediaSource() {
	return globalThis.MediaSource || Reflect.get(globalThis, "ManagedMediaSource");
}

/**
 * supported says whether this browser can play the type.
 * @param {string} mime
 */
export function supported(mime) {
	return mediaSource()?.isTypeSupported(mime) ?? false;
}

/**
 * @typedef {{ from: number, to: number }} Removal
 * @typedef {{ part: import("./source.js").Part, tag: number, done: () => void }} Addition
 */

/**
 * A MediaBuffer holds the media of one track for one element: a MediaSource with one
 * SourceBuffer, and the queue of what is to be done to it, as it does one thing at a
 * time.
 */
export class MediaBuffer {
	/** @type {import("./spans.js").Span[]} what it holds */
	ranges = [];
	/** It has no room, and waits for a kick. */
	full = false;
	/** @type {(Removal|Addition)[]} */
	#queue = [];
	/** @type {SourceBuffer|null} made with the first part */
	#buffer = null;
	/** Of the buffer. */
	#mime = "";
	/** @type {string|null} which initialization the buffer has */
	#initID = null;
	/** @type {(() => void)|null} called when what is under way is in */
	#done = null;
	/** @type {number|null} of what is under way */
	#tag = null;
	#dead = false;
	#opened = false;
	/** No more is coming, as far as is known. */
	#finished = false;
	#element;
	#config;
	#source;
	#url;

	/**
	 * @param {HTMLMediaElement} element
	 * @param {object} config
	 * @param {() => import("./spans.js").Span|null} config.quota asked for what to remove
	 *     when all is full, null for nothing
	 * @param {(text: string, tag: number|null) => void} config.broken the buffer is of no
	 *     use any more, for what was appended with the tag
	 * @param {() => void} config.changed something was appended or removed
	 */
	constructor(element, config) {
		this.#config = config;
		this.#element = element;
		const Source = mediaSource();
		if (!Source) throw new Error("this browser has no Media Source Extensions");
		this.#source = new Source();
		this.#url = URL.createObjectURL(this.#source);
		this.#source.addEventListener("sourceopen", () => this.#open(), { once: true });
		element.disableRemotePlayback = true;
		element.src = this.#url;
	}

	#open() {
		URL.revokeObjectURL(this.#url);
		if (this.#dead) return;
		this.#source.duration = endless;
		this.#opened = true;
		this.#pump();
	}

	/**
	 * append puts a part in. done is called when it is in; it may come late, when the
	 * buffer is full.
	 * @param {import("./source.js").Part} part
	 * @param {number} tag
	 * @param {() => void} done
	 */
	append(part, tag, done) {
		this.#finished = false;
		this.#queue.push({ part, tag, done });
		this.#pump();
	}

	/**
	 * remove takes out [from, to), and with it all pictures that need it.
	 * @param {number} from
	 * @param {number} to
	 */
	remove(from, to) {
		this.#finished = false;
		this.#queue.push({ from, to });
		this.#pump();
	}

	/** clear forgets all, also what is queued. */
	clear() {
		this.#queue = [];
		this.#done = null;
		this.full = false;
		if (this.ranges.length || this.#buffer?.updating) this.remove(0, endless);
		this.ranges = [];
	}

	/**
	 * finish takes it that nothing follows what was appended: decoders that wait for what
	 * comes next, as those of pictures that are decoded out of turn do, show their last
	 * pictures. What is appended or removed afterwards opens it again.
	 */
	finish() {
		this.#finished = true;
		this.#pump();
	}

	/** Whether nothing follows, as finish said. */
	get finished() {
		return this.#finished;
	}

	/** Whether nothing is under way. */
	get idle() {
		return this.#queue.length === 0 && !this.#buffer?.updating;
	}

	/** kick tries again what did not fit. */
	kick() {
		if (this.full) {
			this.full = false;
			this.#pump();
		}
	}

	/**
	 * around returns the range that t is in, or null. The very end of a range is not in
	 * it: nothing can start there.
	 * @param {number} t
	 */
	around(t) {
		return this.ranges.find((r) => t >= r[0] - startSlack && t < r[1] - endSlack) ?? null;
	}

	/**
	 * after returns the beginning of the first range after t, or null.
	 * @param {number} t
	 */
	after(t) {
		return this.ranges.find((r) => r[0] > t)?.[0] ?? null;
	}

	close() {
		this.#dead = true;
		this.#queue = [];
		this.ranges = [];
		URL.revokeObjectURL(this.#url);
		this.#element.removeAttribute("src");
		this.#element.load(); // frees the decoder and the buffers
	}

	/** Whether the next thing can be done. */
	get #free() {
		return this.#opened && !this.#dead && !this.full && this.#source.readyState !== "closed" && !this.#buffer?.updating;
	}

	#pump() {
		while (this.#free && this.#queue.length) {
			const job = this.#queue[0];
			try {
				if ("part" in job) this.#append(job);
				else this.#remove(job);
			} catch (err) {
				const { name, message } = /** @type {Error} */ (err);
				if (name !== "QuotaExceededError") return this.#break(message, "tag" in job ? job.tag : null);
				const span = this.#config.quota();
				if (!span) this.full = true;
				else this.#queue.unshift({ from: span[0], to: span[1] });
			}
		}
		if (this.#finished && this.#free && this.#source.readyState === "open" && this.ranges.length) this.#source.endOfStream();
	}

	/** @param {Addition} job */
	#append({ part, tag, done }) {
		this.#tag = tag;
		this.#buffer ??= this.#create(part.mime);
		if (part.mime !== this.#mime) {
			this.#buffer.changeType(part.mime);
			this.#mime = part.mime;
			this.#initID = null;
		}
		// Another initialization makes the buffer wait for a key frame, so it is only
		// given where it differs.
		if (this.#initID !== part.initID) {
			this.#buffer.appendBuffer(part.init);
			this.#initID = part.initID;
			return; // the media when this is in
		}
		this.#buffer.appendBuffer(part.media);
		this.#queue.shift();
		this.#done = done;
	}

	/** @param {string} mime */
	#create(mime) {
		const buffer = this.#source.addSourceBuffer(mime);
		this.#mime = mime;
		buffer.addEventListener("updateend", () => this.#updated(buffer));
		buffer.addEventListener("error", () => this.#break("its bytes are none of its format", this.#tag));
		return buffer;
	}

	/** @param {Removal} job */
	#remove({ from, to }) {
		this.#queue.shift();
		if (to > from) this.#buffer?.remove(from, to);
	}

	/** @param {SourceBuffer} buffer */
	#updated(buffer) {
		if (this.#dead) return;
		const done = this.#done;
		this.#done = null;
		this.ranges = [];
		// Reading buffered throws once the source is closed.
		if (this.#source.readyState !== "closed") {
			const { buffered } = buffer;
			for (let i = 0; i < buffered.length; i++) this.ranges.push([buffered.start(i), buffered.end(i)]);
		}
		// The end of the stream made it shorter.
		if (this.#source.readyState === "open" && this.#source.duration < endless) this.#source.duration = endless;
		done?.();
		this.#pump();
		this.#config.changed();
	}

	/**
	 * @param {string} text
	 * @param {number|null} tag
	 */
	#break(text, tag) {
		if (this.#dead) return;
		this.#dead = true;
		this.#config.broken(text, tag);
	}
}
