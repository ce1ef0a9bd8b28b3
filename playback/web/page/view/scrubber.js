// The bar to seek on: the whole recording, with what is locked or failed.

import {el} from "./dom.js";
import {time, spokenTime} from "./text.js";

// A Scrubber is the whole recording as a slider: what is locked, failed or
// missing shows on it.
export class Scrubber {
	#player; #recording; #marks; #ahead; #past; #knob; #tip; #seeking = null; #width = 0; #said = "";

	constructor(player, recording) {
		this.#player = player;
		this.#recording = recording;
		this.#marks = el("div", {class: "marks"});
		this.#ahead = el("div", {class: "ahead"});
		this.#past = el("div", {class: "past"});
		this.#knob = el("div", {class: "knob"});
		this.#tip = el("div", {class: "tip", hidden: true, "aria-hidden": "true"});
		this.node = el("div", {class: "scrubber", role: "slider", tabIndex: 0, id: "seek", "aria-label": "Seek", "aria-valuemin": "0"},
			el("div", {class: "rail"}, this.#ahead, this.#past, this.#marks), this.#knob, this.#tip);
		this.#listen();
		this.draw();
	}

	#at(event) {
		const box = this.node.getBoundingClientRect();
		return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.#recording.duration;
	}

	#listen() {
		const node = this.node;
		node.addEventListener("pointerdown", (event) => {
			if (event.button) return;
			event.preventDefault(); // the keyboard stays where it is
			node.setPointerCapture(event.pointerId);
			this.#seeking = this.#at(event);
			this.tick();
		});
		node.addEventListener("pointermove", (event) => {
			this.#hover(event);
			if (this.#seeking === null) return;
			this.#seeking = this.#at(event);
			this.tick();
		});
		node.addEventListener("pointerup", () => {
			if (this.#seeking === null) return;
			this.#player.seek(this.#seeking);
			this.#seeking = null;
		});
		node.addEventListener("pointercancel", () => {
			this.#seeking = null;
			this.tick();
		});
		node.addEventListener("pointerleave", () => this.#tip.hidden = true);
		node.addEventListener("keydown", (event) => {
			if (event.ctrlKey || event.metaKey || event.altKey) return;
			const steps = {ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -60, PageUp: 60};
			let t = null;
			if (event.key in steps) t = this.#player.time + steps[event.key];
			if (event.key === "Home") t = 0;
			if (event.key === "End") t = this.#recording.duration;
			if (t === null) return;
			event.preventDefault();
			event.stopPropagation();
			this.#player.seek(Math.min(this.#recording.duration, Math.max(0, t)));
		});
	}

	#hover(event) {
		const t = this.#seeking ?? this.#at(event), d = this.#recording.duration;
		const state = stateAt(this.#recording, t);
		this.#tip.replaceChildren(el("b", {}, time(t)), wall(this.#recording, t), state ? el("span", {class: "why"}, state) : "");
		this.#tip.hidden = false;
		const width = this.node.clientWidth, half = this.#tip.offsetWidth / 2;
		this.#tip.style.left = `${Math.min(width - half, Math.max(half, d ? t / d * width : 0))}px`;
	}

	// draw shows the recording's spans anew.
	draw() {
		const d = this.#recording.duration || 1;
		const mark = (kind) => ([a, b]) => {
			const m = el("i", {"data-kind": kind});
			m.style.left = `${a / d * 100}%`;
			m.style.width = `${Math.max(0.15, (b - a) / d * 100)}%`;
			return m;
		};
		this.#marks.replaceChildren(...this.#recording.locked.map(mark("locked")), ...this.#recording.failed.map(mark("failed")));
		this.tick();
	}

	tick() {
		const d = this.#recording.duration, t = Math.min(d, this.#seeking ?? this.#player.time);
		const part = d ? t / d : 0;
		this.#past.style.width = `${part * 100}%`;
		this.#knob.style.left = `${part * 100}%`;
		const [from, to] = this.#player.buffered?.[0] ?? [0, 0];
		this.#ahead.style.left = `${d ? from / d * 100 : 0}%`;
		this.#ahead.style.width = `${d ? (to - from) / d * 100 : 0}%`;
		const state = stateAt(this.#recording, t);
		const said = `${spokenTime(t)} of ${spokenTime(d)}${state ? ", " + state.toLowerCase() : ""}`;
		if (said === this.#said) return;
		this.#said = said;
		this.node.setAttribute("aria-valuemax", String(Math.floor(d)));
		this.node.setAttribute("aria-valuenow", String(Math.floor(t)));
		this.node.setAttribute("aria-valuetext", said);
	}
}

// stateAt tells what is wrong with a moment, for people; "" for nothing.
export function stateAt(recording, t) {
	const holds = ([a, b]) => t >= a && t < b;
	if (recording.failed.some(holds)) return "Failed verification";
	if (recording.locked.some(holds)) return "Locked";
	return "";
}

// wall is the time of day at t, where the recording tells when it began.
export function wall(recording, t) {
	const start = recording.start ? new Date(recording.start).getTime() : NaN;
	if (!(start > 1e10)) return "";
	return el("span", {class: "wall"}, new Date(start + t * 1000).toLocaleTimeString(undefined, {hour: "2-digit", minute: "2-digit"}));
}
