import { announce } from "./announce.js";
import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { Lane } from "./lane.js";
import { say } from "./language.js";
import { doing } from "./lane_words.js";
import { speakersAt, stateAt, wall } from "./moment.js";
import { time } from "./text.js";
import { TimelineView } from "./timeline_view.js";
import { toTurn } from "./turn_buttons.js";
import { personNode } from "./words.js";

/** @typedef {import("./lane.js").Colour} Colour */

/** The ruler's steps in seconds, and how far apart they are at the least, in pixels. */
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200], longestStep = 14400, leastStep = 72;

/** Nothing is drawn into less, in pixels. */
const leastWidth = 20;

/** @type {[kind: string, words: import("./language.js").Key][]} */
const legend = [
	["speaking", "timeline.speaking"], ["open", "timeline.open"], ["muted", "timeline.muted"], ["screen", "timeline.screen"],
	["hole", "timeline.hole"], ["unrecorded", "timeline.unrecorded"], ["locked", "timeline.locked"], ["failed", "timeline.failed"],
];

/**
 * Lanes are the timeline: a lane for each person. Across all lanes lie the spans that
 * are locked or failed verification.
 */
export class Lanes {
	#root;
	#player;
	#recording;
	#view;
	#ruler = el("div", { class: "ruler", "aria-hidden": "true" });
	#list = el("ul", { class: "lanelist", tabIndex: 0, "aria-label": say("timeline.list") });
	#cursor = el("div", { class: "cursor" });
	#hover = el("div", { class: "hoverline", hidden: true });
	#tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
	#over = el("div", { class: "over" });
	#body = el("div", { class: "lanebody" }, this.#ruler, this.#list,
		el("div", { class: "overbox" }, this.#over, this.#hover, this.#cursor), this.#tip);
	#zoomOut = button("minus", say("timeline.zoomOut"), () => this.#zoomBy(2), { id: "zoomout" });
	#zoomFit = button("fit", say("timeline.fit"), () => this.#zoomBy(Infinity), { id: "zoomfit" });
	/** @type {Map<string, Lane>} by identity, in the order of the list */
	#lanes = new Map();
	/** Of the ruler and the lanes, in pixels. */
	#width = 0;
	#dragging = false;
	/** The request to draw, 0 for none. */
	#frame = 0;
	/** @type {Record<Colour, string>|null} null until looked up */
	#colours = null;

	/**
	 * @param {HTMLElement} root
	 * @param {import("../engine/player.js").Player} player
	 */
	constructor(root, player) {
		this.#root = root;
		this.#player = player;
		this.#recording = player.recording;
		this.#view = new TimelineView(player.recording);
		const kinds = legend.map(([kind, words]) => el("li", {}, el("i", { "data-kind": kind }), say(words)));
		root.append(el("div", { class: "lanehead" }, el("h2", {}, say("timeline")),
			el("ul", { class: "legend", "aria-label": say("timeline.legend") }, kinds),
			el("div", { class: "space" }),
			button("turnBefore", say("turn.before"), () => toTurn(player, -1), { id: "turnbefore", "aria-keyshortcuts": "p" }),
			button("turnAfter", say("turn.after"), () => toTurn(player, 1), { id: "turnafter", "aria-keyshortcuts": "n" }), this.#zoomOut, this.#zoomFit,
			button("plus", say("timeline.zoomIn"), () => this.#zoomBy(0.5), { id: "zoomin" })), this.#body);
		new ResizeObserver(() => this.#drawSoon()).observe(this.#ruler);
		document.addEventListener("themechange", () => {
			this.#colours = null;
			this.#drawSoon();
		}, { signal: player.over });
		this.#listen();
		player.on(["time", "state"], () => this.#tick());
		player.on(["spans", "update"], () => this.#update());
		this.#update();
	}

	#listen() {
		const body = this.#body;
		body.addEventListener("pointerdown", (event) => {
			// A finger scrolls the lanes; only a tap seeks.
			if (event.button || event.pointerType === "touch" || !this.#inside(event)) return;
			body.setPointerCapture(event.pointerId);
			this.#dragging = true;
			this.#moveCursor(this.#timeAt(event));
		});
		body.addEventListener("pointermove", (event) => {
			if (event.pointerType === "touch") return;
			if (this.#dragging) this.#moveCursor(this.#timeAt(event));
			this.#showHover(event);
		});
		body.addEventListener("pointerup", (event) => {
			if (!this.#dragging) return;
			this.#dragging = false;
			this.#player.seek(this.#timeAt(event));
		});
		body.addEventListener("pointercancel", () => {
			this.#dragging = false;
			this.#tick();
		});
		body.addEventListener("click", (event) => {
			const touch = event instanceof PointerEvent && event.pointerType === "touch";
			if (touch && this.#inside(event)) this.#player.seek(this.#timeAt(event));
		});
		body.addEventListener("pointerleave", () => this.#tip.hidden = this.#hover.hidden = true);
		body.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
	}

	/** @param {WheelEvent} event */
	#wheel(event) {
		if (event.ctrlKey) {
			event.preventDefault();
			this.#zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#timeAt(event));
		} else if (this.#view.zoomed && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
			event.preventDefault();
			this.#view.pan((event.deltaX || event.deltaY) / this.#width * this.#view.span);
			this.#drawSoon();
		}
	}

	/** @param {MouseEvent} event */
	#inside(event) {
		const x = event.clientX - this.#ruler.getBoundingClientRect().left;
		return x >= 0 && x <= this.#width;
	}

	/** @param {MouseEvent} event */
	#timeAt(event) {
		const part = (event.clientX - this.#ruler.getBoundingClientRect().left) / (this.#width || 1);
		const t = this.#view.from + Math.min(1, Math.max(0, part)) * this.#view.span;
		return Math.min(this.#recording.duration, Math.max(0, t));
	}

	/** @param {number} t */
	#x(t) {
		return (t - this.#view.from) / this.#view.span * this.#width;
	}

	/**
	 * zoomBy zooms around the moment, and says so.
	 * @param {number} factor
	 */
	#zoomBy(factor) {
		this.#zoom(factor, this.#player.time);
		const { zoomed, from, to } = this.#view;
		announce(zoomed ? say("timeline.shows", { from: time(from), to: time(to) }) : say("timeline.showsAll"));
	}

	/**
	 * @param {number} factor
	 * @param {number} around
	 */
	#zoom(factor, around) {
		this.#view.zoom(factor, around);
		this.#drawSoon();
	}

	/** update takes the recording as it is now: there may be more people, and more time. */
	#update() {
		this.#view.grow();
		const had = this.#lanes;
		this.#lanes = new Map(this.#recording.people.map((p) => [p.id, had.get(p.id) ?? new Lane(p, this.#recording)]));
		for (const p of this.#recording.people) this.#lanes.get(p.id)?.update(p);
		const nodes = [...this.#lanes.values()].map((l) => l.node), { children } = this.#list;
		if (nodes.length !== children.length || nodes.some((n, i) => children[i] !== n)) this.#list.replaceChildren(...nodes);
		this.#drawSoon();
		this.#tick();
	}

	#drawSoon() {
		if (this.#frame) return;
		this.#frame = requestAnimationFrame(() => {
			this.#frame = 0;
			this.#draw();
		});
	}

	#draw() {
		const { from, to, zoomed } = this.#view;
		this.#width = this.#ruler.clientWidth;
		this.#zoomOut.disabled = this.#zoomFit.disabled = !zoomed;
		if (this.#width < leastWidth) return;
		this.#colours ??= coloursOf(this.#root);
		this.#drawRuler();
		/** @param {number} t */
		const x = (t) => this.#x(t);
		for (const lane of this.#lanes.values()) lane.draw({ from, to, width: this.#width, x, colours: this.#colours });
		this.#drawOver();
		this.#tick();
	}

	#drawRuler() {
		const { from, to, span } = this.#view;
		const step = steps.find((s) => s / span * this.#width >= leastStep) ?? longestStep;
		const ticks = [];
		for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
			const x = this.#x(t);
			if (x > this.#width - 16) break;
			const tick = el("span", {}, time(t));
			tick.style.left = `${x}px`;
			ticks.push(tick);
		}
		this.#ruler.replaceChildren(...ticks);
	}

	#drawOver() {
		const { from, to } = this.#view;
		/** @type {(kind: string, words: string, name: string, list: import("../engine/spans.js").Span[]) => HTMLElement[]} */
		const marks = (kind, words, name, list) => list.filter(([a, b]) => b > from && a < to).map(([a, b]) => {
			const x = this.#x(Math.max(a, from)), width = Math.max(3, this.#x(Math.min(b, to)) - x);
			const label = width > 36 + words.length * 6 ? words : null;
			const mark = el("div", { class: "span", "data-kind": kind, "data-from": a, "data-to": b },
				width > 22 ? el("span", {}, icon(name), label) : null);
			mark.style.left = `${x}px`;
			mark.style.width = `${width}px`;
			return mark;
		});
		this.#over.replaceChildren(...marks("locked", say("moment.locked"), "lock", this.#recording.locked),
			...marks("failed", say("moment.failed"), "alert", this.#recording.failed));
	}

	#tick() {
		if (this.#dragging || !this.#width) return;
		const t = this.#player.time;
		if (!this.#player.paused && this.#view.follow(t)) this.#drawSoon();
		this.#moveCursor(t);
	}

	/** @param {number} t */
	#moveCursor(t) {
		const x = this.#x(t);
		this.#cursor.hidden = x < -1 || x > this.#width + 1;
		this.#cursor.style.transform = `translateX(${x}px)`;
	}

	/** @param {PointerEvent} event */
	#showHover(event) {
		const inside = this.#inside(event);
		this.#hover.hidden = this.#tip.hidden = !inside;
		if (!inside) return;
		const t = this.#timeAt(event), x = this.#x(t);
		this.#hover.style.transform = `translateX(${x}px)`;
		const under = document.elementFromPoint(event.clientX, event.clientY);
		const lane = [...this.#lanes.values()].find((l) => l.node.contains(under));
		const what = stateAt(this.#recording, t) || (lane ? doing(lane.person, this.#recording, t) : "");
		const name = lane && personNode(lane.person, 40);
		this.#tip.replaceChildren(el("b", {}, time(t)), wall(this.#recording, t),
			name || what ? el("span", { class: "why" }, name, name && what ? ": " + what : what) : "", speakersAt(this.#recording, t));
		const box = this.#body.getBoundingClientRect(), half = this.#tip.offsetWidth / 2;
		const left = this.#ruler.offsetLeft + x;
		this.#tip.style.left = `${Math.min(box.width - half - 4, Math.max(half + 4, left))}px`;
		this.#tip.style.top = `${event.clientY - box.top - this.#tip.offsetHeight - 14}px`;
	}
}

/**
 * coloursOf looks up the colours of lanes. Properties of colours may hold
 * light-dark(): a probe has what comes of it.
 * @param {HTMLElement} root
 * @returns {Record<Colour, string>}
 */
function coloursOf(root) {
	const probe = el("span", { hidden: true });
	probe.style.setProperty("forced-color-adjust", "none"); // drawn colours are not the reader's own
	root.append(probe);
	/** @param {Colour} name */
	const colour = (name) => {
		probe.style.color = `var(--lane-${name})`;
		return getComputedStyle(probe).color;
	};
	const colours = { speaking: colour("speaking"), open: colour("open"), muted: colour("muted"), screen: colour("screen") };
	probe.remove();
	return colours;
}
