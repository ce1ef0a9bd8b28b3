import { el } from "../dom.js";
import { say } from "../language.js";
import { speakersAt, stateAt, wall } from "../moment.js";
import { spokenTime, time } from "../text.js";

/** @type {Record<string, number>} how far keys go, in seconds */
const steps = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -60, PageUp: 60 };

/** A mark is never narrower, in percent of the bar. */
const narrowest = 0.15;

/**
 * A Scrubber is the whole recording as a slider to seek on: what is locked or failed
 * shows on it.
 */
export class Scrubber {
	#player;
	#range;
	#recording;
	#marks = el("div", { class: "marks" });
	#ahead = el("div", { class: "ahead" });
	#past = el("div", { class: "past" });
	#knob = el("div", { class: "knob" });
	#tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
	node = el("div", { class: "scrubber", role: "slider", tabIndex: 0, id: "seek", "aria-label": say("seek"), "aria-valuemin": "0" },
		el("div", { class: "rail" }, this.#ahead, this.#past, this.#marks), this.#knob, this.#tip);
	/** @type {number|null} where it is dragged to */
	#dragged = null;
	/** What it says to who does not see it. */
	#words = "";

	/**
	 * @param {import("../../engine/player.js").Player} player
	 * @param {import("../range.js").Range} range
	 */
	constructor(player, range) {
		this.#player = player;
		this.#range = range;
		range.onChange(() => this.#draw());
		this.#recording = player.recording;
		this.#listen();
		player.on(["time", "state"], () => this.#tick());
		player.on(["spans", "update"], () => this.#draw());
		this.#draw();
	}

	#listen() {
		const node = this.node;
		node.addEventListener("pointerdown", (event) => {
			if (event.button) return;
			event.preventDefault(); // the keyboard stays where it is
			node.setPointerCapture(event.pointerId);
			this.#drag(this.#timeAt(event));
		});
		node.addEventListener("pointermove", (event) => {
			this.#showTip(event);
			if (this.#dragged !== null) this.#drag(this.#timeAt(event));
		});
		node.addEventListener("pointerup", () => {
			if (this.#dragged !== null) this.#player.seek(this.#dragged);
			this.#dragged = null;
		});
		node.addEventListener("pointercancel", () => this.#drag(null));
		node.addEventListener("pointerleave", () => this.#tip.hidden = true);
		node.addEventListener("keydown", (event) => this.#key(event));
	}

	/** @param {KeyboardEvent} event */
	#key(event) {
		if (event.ctrlKey || event.metaKey || event.altKey) return;
		const { duration, time } = this.#player;
		let to = NaN;
		if (event.key in steps) to = time + steps[event.key];
		if (event.key === "Home") to = 0;
		if (event.key === "End") to = duration;
		if (Number.isNaN(to)) return;
		event.preventDefault();
		event.stopPropagation();
		this.#player.seek(Math.min(duration, Math.max(0, to)));
	}

	/** @param {PointerEvent} event */
	#timeAt(event) {
		const box = this.node.getBoundingClientRect();
		return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.#recording.duration;
	}

	/** @param {number|null} t */
	#drag(t) {
		this.#dragged = t;
		this.#tick();
	}

	/** @param {PointerEvent} event */
	#showTip(event) {
		const t = this.#dragged ?? this.#timeAt(event), { duration } = this.#recording;
		const state = stateAt(this.#recording, t);
		this.#tip.replaceChildren(el("b", {}, time(t)), wall(this.#recording, t), state ? el("span", { class: "why" }, state) : "",
			speakersAt(this.#recording, t));
		this.#tip.hidden = false;
		const width = this.node.clientWidth, half = this.#tip.offsetWidth / 2;
		this.#tip.style.left = `${Math.min(width - half, Math.max(half, duration ? t / duration * width : 0))}px`;
	}

	/** draw shows the recording's spans anew. */
	#draw() {
		const duration = this.#recording.duration || 1;
		/** @type {(kind: string, list: import("../../engine/spans.js").Span[]) => HTMLElement[]} */
		const marks = (kind, list) => list.map(([a, b]) => {
			const mark = el("i", { "data-kind": kind });
			mark.style.left = `${a / duration * 100}%`;
			mark.style.width = `${Math.max(narrowest, (b - a) / duration * 100)}%`;
			return mark;
		});
		this.#marks.replaceChildren(...marks("locked", this.#recording.locked), ...marks("failed", this.#recording.failed),
			...marks("range", this.#range.span ? [this.#range.span] : []));
		this.#tick();
	}

	#tick() {
		const { duration } = this.#recording, t = Math.min(duration, this.#dragged ?? this.#player.time);
		/** @param {number} t */
		const percent = (t) => `${duration ? t / duration * 100 : 0}%`;
		this.#past.style.width = percent(t);
		this.#knob.style.left = percent(t);
		const [from, to] = this.#player.buffered[0] ?? [0, 0];
		this.#ahead.style.left = percent(from);
		this.#ahead.style.width = percent(to - from);
		const state = stateAt(this.#recording, t);
		const times = { time: spokenTime(t), duration: spokenTime(duration), state };
		const words = say(state ? "seek.atState" : "seek.at", times);
		if (words === this.#words) return;
		this.#words = words;
		this.node.setAttribute("aria-valuemax", String(Math.floor(duration)));
		this.node.setAttribute("aria-valuenow", String(Math.floor(t)));
		this.node.setAttribute("aria-valuetext", words);
	}
}
