// The timeline: a lane for each person, drawn to the pixel. Across all lanes lie
// the spans that are locked or failed verification.

import {el, button, nameNode, avatar, howBadge, announce} from "./dom.js";
import {icon} from "./icons.js";
import {time, length, line, gap, identified, count} from "./text.js";
import {visible, total} from "../engine/spans.js";
import {within, without} from "../engine/spans.js";
import {stateAt, wall} from "./scrubber.js";

const HEIGHT = 24; // of a lane's drawing, in CSS pixels
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const LEAST = 10; // the shortest view, in seconds

const LEGEND = [["speaking", "Speaking"], ["open", "Microphone on"], ["muted", "Muted"], ["screen", "Screen"],
	["hole", "Missing"], ["locked", "Locked"], ["failed", "Failed"]];

export class Lanes {
	#root; #player; #recording;
	#ruler; #list; #over; #body; #head; #cursor; #hover; #tip; #out; #fit;
	#lanes = []; #from = 0; #to = 1; #width = 0; #dragging = false; #zoomed = false; #frame = 0; #colours = null;

	constructor(root, player, recording) {
		this.#root = root;
		this.#player = player;
		this.#recording = recording;
		this.#ruler = el("div", {class: "ruler", "aria-hidden": "true"});
		this.#list = el("ul", {class: "lanelist", tabIndex: 0, "aria-label": "Lanes"});
		this.#cursor = el("div", {class: "cursor"});
		this.#hover = el("div", {class: "hoverline", hidden: true});
		this.#tip = el("div", {class: "tip", hidden: true, "aria-hidden": "true"});
		this.#over = el("div", {class: "over"});
		this.#body = el("div", {class: "lanebody"}, this.#ruler, this.#list, el("div", {class: "overbox"}, this.#over, this.#hover, this.#cursor), this.#tip);
		this.#out = button("minus", "Zoom out of the timeline", () => this.zoom(2), {id: "zoomout"});
		this.#fit = button("fit", "The whole timeline", () => this.zoom(Infinity), {id: "zoomfit"});
		this.#head = el("div", {class: "lanehead"}, el("h2", {}, "Timeline"),
			el("ul", {class: "legend", "aria-label": "Legend"}, LEGEND.map(([kind, words]) => el("li", {}, el("i", {"data-kind": kind}), words))),
			el("div", {class: "space"}), this.#out, this.#fit,
			button("plus", "Zoom into the timeline", () => this.zoom(0.5), {id: "zoomin"}));
		root.append(this.#head, this.#body);
		this.#listen();
		this.update();
	}

	#listen() {
		new ResizeObserver(() => this.#soon()).observe(this.#ruler);
		document.addEventListener("themechange", () => {
			this.#colours = null;
			this.#soon();
		});
		const body = this.#body;
		const inside = (event) => event.clientX >= this.#ruler.getBoundingClientRect().left && event.clientX - this.#ruler.getBoundingClientRect().left <= this.#width;
		body.addEventListener("pointerdown", (event) => {
			if (event.button || !inside(event)) return;
			// A finger scrolls the lanes; only a tap seeks.
			if (event.pointerType === "touch") return;
			body.setPointerCapture(event.pointerId);
			this.#dragging = true;
			this.#cursorAt(this.#at(event));
		});
		body.addEventListener("pointermove", (event) => {
			if (event.pointerType === "touch") return;
			if (this.#dragging) this.#cursorAt(this.#at(event));
			this.#showHover(event, inside(event));
		});
		body.addEventListener("pointerup", (event) => {
			if (!this.#dragging) return;
			this.#dragging = false;
			this.#player.seek(this.#at(event));
		});
		body.addEventListener("pointercancel", () => {
			this.#dragging = false;
			this.tick();
		});
		body.addEventListener("click", (event) => {
			if (event.pointerType === "touch" && inside(event)) this.#player.seek(this.#at(event));
		});
		body.addEventListener("pointerleave", () => this.#tip.hidden = this.#hover.hidden = true);
		body.addEventListener("wheel", (event) => {
			if (event.ctrlKey) {
				event.preventDefault();
				this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#at(event));
			} else if (this.#zoomed && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
				event.preventDefault();
				this.#pan((event.deltaX || event.deltaY) / this.#width * (this.#to - this.#from));
			}
		}, {passive: false});
	}

	#at(event) {
		const x = (event.clientX - this.#ruler.getBoundingClientRect().left) / (this.#width || 1);
		return Math.min(this.#recording.duration, Math.max(0, this.#from + Math.min(1, Math.max(0, x)) * (this.#to - this.#from)));
	}

	#x(t) {
		return (t - this.#from) / (this.#to - this.#from) * this.#width;
	}

	// zoom makes the view so many times as long, around a moment.
	zoom(factor, around = this.#player.time) {
		const d = this.#recording.duration;
		const span = Math.min(d, Math.max(Math.min(LEAST, d), (this.#to - this.#from) * factor));
		const part = Math.min(1, Math.max(0, (around - this.#from) / (this.#to - this.#from)));
		this.#zoomed = span < d - 0.01;
		this.#from = Math.min(d - span, Math.max(0, around - part * span));
		this.#to = this.#from + span;
		this.#soon();
		if (factor === Infinity || factor === 2 || factor === 0.5) announce(this.#zoomed ? `The timeline shows ${time(this.#from)} to ${time(this.#to)}` : "The timeline shows all");
	}

	#pan(by) {
		const d = this.#recording.duration, span = this.#to - this.#from;
		this.#from = Math.min(d - span, Math.max(0, this.#from + by));
		this.#to = this.#from + span;
		this.#soon();
	}

	// update takes the recording as it is now: there may be more people, and more time.
	update() {
		const r = this.#recording;
		if (!this.#zoomed) {
			this.#from = 0;
			this.#to = Math.max(r.duration, 0.001);
		}
		const had = new Map(this.#lanes.map((l) => [l.id, l]));
		this.#lanes = r.people.map((p) => {
			const lane = had.get(p.id) ?? this.#lane(p);
			lane.person = p;
			const words = describe(p, r);
			if (lane.words !== words) lane.track.setAttribute("aria-label", lane.words = words);
			return lane;
		});
		const nodes = this.#lanes.map((l) => l.node);
		if (nodes.length !== this.#list.children.length || nodes.some((n, i) => this.#list.children[i] !== n)) this.#list.replaceChildren(...nodes);
		this.#soon();
	}

	#lane(p) {
		const canvas = el("canvas", {"aria-hidden": "true"});
		const marks = el("div", {class: "marks"});
		const track = el("div", {class: "lanetrack", role: "img"}, canvas, marks);
		const node = el("li", {class: "lane", "data-id": p.id.slice(0, 64)},
			el("div", {class: "lanelabel"}, avatar(p.id, p.name || p.id), nameNode(p.name || p.id, 60), howBadge(p.how)), track);
		return {id: p.id, node, track, canvas, marks, person: p, words: ""};
	}

	#soon() {
		if (this.#frame) return;
		this.#frame = requestAnimationFrame(() => {
			this.#frame = 0;
			this.draw();
		});
	}

	draw() {
		this.#width = this.#ruler.clientWidth;
		this.#out.disabled = this.#fit.disabled = !this.#zoomed;
		if (this.#width < 20) return;
		this.#colours ??= colours(this.#root);
		this.#drawRuler();
		for (const lane of this.#lanes) this.#drawLane(lane);
		this.#drawOver();
		this.tick();
	}

	#drawRuler() {
		const span = this.#to - this.#from;
		const step = STEPS.find((s) => s / span * this.#width >= 72) ?? 14400;
		const ticks = [];
		for (let t = Math.ceil(this.#from / step) * step; t <= this.#to; t += step) {
			const x = this.#x(t);
			if (x > this.#width - 16) break;
			const tick = el("span", {}, time(t));
			tick.style.left = `${x}px`;
			ticks.push(tick);
		}
		this.#ruler.replaceChildren(...ticks);
	}

	#drawLane({person: p, canvas, marks}) {
		const w = this.#width, scale = devicePixelRatio || 1, g = canvas.getContext("2d");
		canvas.width = Math.round(w * scale);
		canvas.height = Math.round(HEIGHT * scale);
		canvas.style.width = `${w}px`;
		g.scale(scale, scale);
		const least = 1.5 / w * (this.#to - this.#from); // what is nearer than this is one
		const bars = (list, colour, h, y = (HEIGHT - h) / 2) => {
			g.fillStyle = colour;
			for (const [a, b] of visible(list, this.#from, this.#to, least)) {
				const x = this.#x(a), width = Math.max(1, this.#x(b) - x);
				g.beginPath();
				g.roundRect(x, y, width, h, Math.min(h / 2, 3, width / 2));
				g.fill();
			}
		};
		const c = this.#colours;
		bars(p.presence, c.muted, 2);
		const open = p.tracks.filter((k) => k.source === "microphone").flatMap((k) => k.life.flatMap(([a, b]) => without(k.muted, a, b))).sort((a, b) => a[0] - b[0]);
		bars(open, c.open, 6);
		bars(p.speaking, c.speaking, 14);
		bars(p.tracks.filter((k) => k.source === "screen").flatMap((k) => k.life).sort((a, b) => a[0] - b[0]), c.screen, 3, HEIGHT - 3);

		const holes = p.tracks.flatMap((k) => this.#recording.holes(k.uid)).sort((a, b) => a.from - b.from);
		const shown = [];
		for (const h of holes) {
			if (h.to <= this.#from || h.from >= this.#to) continue;
			const a = this.#x(Math.max(h.from, this.#from)), b = Math.max(a + 3, this.#x(Math.min(h.to, this.#to)));
			const last = shown[shown.length - 1];
			if (last && a < last.b + 2) last.b = Math.max(last.b, b), last.reasons.add(h.reason);
			else shown.push({a, b, reasons: new Set([h.reason])});
		}
		marks.replaceChildren(...shown.map((s) => {
			const words = [...s.reasons].map((r) => gap(r).label).join(", ");
			const m = el("i", {class: "span", "data-kind": "hole", "data-reason": [...s.reasons].join(" ").slice(0, 80)}, s.b - s.a > 40 + words.length * 6 ? el("span", {}, words) : null);
			m.style.left = `${s.a}px`;
			m.style.width = `${s.b - s.a}px`;
			return m;
		}));
	}

	#drawOver() {
		const span = (kind, words, name) => ([a, b]) => {
			if (b <= this.#from || a >= this.#to) return null;
			const x = this.#x(Math.max(a, this.#from)), width = Math.max(3, this.#x(Math.min(b, this.#to)) - x);
			const m = el("div", {class: "span", "data-kind": kind, "data-from": a, "data-to": b},
				width > 22 ? el("span", {}, icon(name), width > 36 + words.length * 6 ? words : null) : null);
			m.style.left = `${x}px`;
			m.style.width = `${width}px`;
			return m;
		};
		const r = this.#recording;
		this.#over.replaceChildren(...[...r.locked.map(span("locked", "Locked", "lock")), ...r.failed.map(span("failed", "Failed verification", "alert"))].filter(Boolean));
	}

	tick() {
		if (this.#dragging || !this.#width) return;
		const t = this.#player.time, span = this.#to - this.#from;
		if (this.#zoomed && !this.#player.paused && (t > this.#to - span * 0.05 || t < this.#from)) {
			this.#from = Math.max(0, Math.min(this.#recording.duration - span, t - span * 0.1));
			this.#to = this.#from + span;
			this.#soon();
		}
		this.#cursorAt(t);
	}

	#cursorAt(t) {
		const x = this.#x(t);
		this.#cursor.hidden = x < -1 || x > this.#width + 1;
		this.#cursor.style.transform = `translateX(${x}px)`;
	}

	#showHover(event, inside) {
		this.#hover.hidden = this.#tip.hidden = !inside;
		if (!inside) return;
		const t = this.#at(event), x = this.#x(t);
		this.#hover.style.transform = `translateX(${x}px)`;
		const lane = this.#lanes.find((l) => l.node === event.target.closest?.(".lane") || l.node.contains(document.elementFromPoint(event.clientX, event.clientY)));
		const what = stateAt(this.#recording, t) || (lane ? doing(lane.person, this.#recording, t) : "");
		this.#tip.replaceChildren(el("b", {}, time(t)), wall(this.#recording, t),
			lane ? el("span", {class: "why"}, nameNode(lane.person.name || lane.person.id, 40), what ? ": " + what : "") : what ? el("span", {class: "why"}, what) : "");
		const box = this.#body.getBoundingClientRect(), half = this.#tip.offsetWidth / 2;
		const left = this.#ruler.offsetLeft + x;
		this.#tip.style.left = `${Math.min(box.width - half - 4, Math.max(half + 4, left))}px`;
		this.#tip.style.top = `${event.clientY - box.top - this.#tip.offsetHeight - 14}px`;
	}
}

// doing is what a person does at a moment, in a word or two.
function doing(p, r, t) {
	for (const k of p.tracks) {
		const hole = r.holes(k.uid).find((h) => t >= h.from && t < h.to);
		if (hole) return `${k.source === "microphone" ? "sound" : k.source === "screen" ? "screen" : "picture"} missing, ${gap(hole.reason).label}`;
	}
	if (!within(p.presence, t)) return "away";
	if (within(p.speaking, t)) return "speaking";
	const mic = p.tracks.filter((k) => k.source === "microphone" && within(k.life, t));
	return mic.length && mic.some((k) => !within(k.muted, t)) ? "listening" : "microphone off";
}

// describe is a lane in words, for who does not see it.
function describe(p, r) {
	const parts = [`${line(p.name || p.id, 60)}, ${identified(p.how).label.toLowerCase()}`];
	if (p.presence.length) parts.push("here " + p.presence.slice(0, 4).map(([a, b]) => `${time(a)} to ${time(b)}`).join(", "));
	const spoke = total(p.speaking);
	parts.push(spoke >= 0.5 ? `spoke for ${length(spoke)}` : "did not speak");
	const holes = p.tracks.flatMap((k) => r.holes(k.uid)).filter((h) => h.to - h.from >= 0.5).sort((a, b) => a.from - b.from);
	if (holes.length) {
		const told = holes.slice(0, 4).map((h) => `${gap(h.reason).label} at ${time(h.from)} for ${length(h.to - h.from)}`);
		parts.push(`${count(holes.length, "hole")}: ${told.join(", ")}${holes.length > 4 ? " and more" : ""}`);
	}
	return parts.join("; ");
}

function colours(root) {
	const style = getComputedStyle(root);
	const get = (name) => style.getPropertyValue(name).trim();
	// Properties of colours may hold light-dark(): a probe has what comes of it.
	const probe = el("span", {hidden: true});
	root.append(probe);
	const out = {};
	for (const name of ["speaking", "open", "muted", "screen"]) {
		probe.style.color = `var(--lane-${name})`;
		out[name] = getComputedStyle(probe).color || get(`--lane-${name}`);
	}
	probe.remove();
	return out;
}
