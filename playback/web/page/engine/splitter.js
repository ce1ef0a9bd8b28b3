import { Trouble } from "./source.js";

/** No header or media is longer, in bytes: a segment has 64 MiB at most. */
const maxField = 128 << 20;

/**
 * A Splitter takes a segment's answer apart while it comes: for each part the
 * length of a JSON header in four bytes, the header, the length of the bytes, the
 * bytes.
 */
export class Splitter {
	/** What is being filled. */
	#field = new Uint8Array(4);
	#filled = 0;
	/** @type {Uint8Array<ArrayBuffer>[]} the whole fields of the part that is not */
	#fields = [];

	/**
	 * push takes the next bytes and returns the parts that are whole with them.
	 * @param {Uint8Array} bytes
	 * @returns {import("./source.js").Part[]}
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

	/**
	 * take looks at a whole field: lengths and what they announce take turns.
	 * @returns {import("./source.js").Part|null}
	 */
	#take() {
		const field = this.#field;
		this.#filled = 0;
		this.#fields.push(field);
		if (this.#fields.length % 2 === 1) {
			const n = new DataView(field.buffer).getUint32(0);
			if (n > maxField) throw new Trouble("later", "foreign");
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
		if (this.#filled > 0 || this.#fields.length > 0) throw new Trouble("later", "broken");
	}
}
