import { visible, without } from "../engine/spans.js";
import { el } from "./dom.js";
import { describe } from "./lane_words.js";
import { absence, wanted } from "./terms.js";
import { avatar, howBadge, personNode } from "./words.js";

/** How high a lane's drawing is, in CSS pixels. */
const laneHeight = 24;

/** What is nearer than this is drawn as one, and a hole is never narrower, in pixels. */
const nearest = 1.5, narrowestHole = 3;

/** @typedef {"speaking"|"open"|"muted"|"screen"} Colour */

/**
 * @typedef {object} Window the part of the recording that lanes show
 * @property {number} from
 * @property {number} to
 * @property {number} width in pixels
 * @property {(t: number) => number} x where a moment is, in pixels
 * @property {Record<Colour, string>} colours
 */

/** @typedef {import("../engine/spans.js").Span} Span */

/** A Lane is one person's part of the timeline, drawn to the pixel. */
export class Lane {
	#canvas = el("canvas", { "aria-hidden": "true" });
	#marks = el("div", { class: "marks" });
	#track = el("div", { class: "lanetrack", role: "img" }, this.#canvas, this.#marks);
	#recording;
	/** What it says to who does not see it. */
	#words = "";

	/**
	 * @param {import("../engine/people.js").Person} person
	 * @param {import("../engine/recording.js").Recording} recording
	 */
	constructor(person, recording) {
		this.person = person;
		this.#recording = recording;
		const name = person.name || person.id;
		this.node = el("li", { class: "lane", "data-id": person.id.slice(0, 64) },
			el("div", { class: "lanelabel" }, avatar(person.id, name), personNode(person, 60), howBadge(person.how)), this.#track);
	}

	/**
	 * update takes the person as the recording has them now.
	 * @param {import("../engine/people.js").Person} person
	 */
	update(person) {
		this.person = person;
		const words = describe(person, this.#recording);
		if (words !== this.#words) this.#track.setAttribute("aria-label", this.#words = words);
	}

	/** @param {Window} view */
	draw(view) {
		const context = this.#canvas.getContext("2d"), scale = devicePixelRatio || 1;
		if (!context) return;
		this.#canvas.width = Math.round(view.width * scale);
		this.#canvas.height = Math.round(laneHeight * scale);
		this.#canvas.style.width = `${view.width}px`;
		context.scale(scale, scale);
		const { presence, speaking, tracks } = this.person, { colours } = view;
		const microphones = tracks.filter((k) => k.source === "microphone");
		const open = microphones.flatMap((k) => k.life.flatMap(([a, b]) => without(k.muted, a, b)));
		const screens = tracks.filter((k) => k.source === "screen").flatMap((k) => k.life);
		drawBars(context, view, presence, colours.muted, 2);
		drawBars(context, view, sorted(open), colours.open, 6);
		drawBars(context, view, speaking, colours.speaking, 14);
		drawBars(context, view, sorted(screens), colours.screen, 3, laneHeight - 3);
		this.#drawHoles(view);
	}

	/** @param {Window} view */
	#drawHoles(view) {
		const holes = this.person.tracks.flatMap((k) => this.#recording.holes(k.uid)).sort((a, b) => a.from - b.from);
		/** @type {{ left: number, right: number, reasons: Set<string> }[]} */
		const shown = [];
		for (const h of holes) {
			if (h.to <= view.from || h.from >= view.to) continue;
			const left = view.x(Math.max(h.from, view.from));
			const right = Math.max(left + narrowestHole, view.x(Math.min(h.to, view.to)));
			const last = shown.at(-1);
			if (last && left < last.right + 2 && wanted(h.reason) === [...last.reasons].every(wanted)) {
				last.right = Math.max(last.right, right);
				last.reasons.add(h.reason);
			} else {
				shown.push({ left, right, reasons: new Set([h.reason]) });
			}
		}
		this.#marks.replaceChildren(...shown.map(({ left, right, reasons }) => {
			const words = [...reasons].map((r) => absence(r).label).join(", "), width = right - left;
			const kind = [...reasons].every(wanted) ? "unrecorded" : "hole";
			const mark = el("i", { class: "span", "data-kind": kind, "data-reason": [...reasons].join(" ").slice(0, 80) },
				width > 40 + words.length * 6 ? el("span", {}, words) : null);
			mark.style.left = `${left}px`;
			mark.style.width = `${width}px`;
			return mark;
		}));
	}
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Window} view
 * @param {Span[]} list
 * @param {string} colour
 * @param {number} height
 * @param {number} [y]
 */
function drawBars(context, view, list, colour, height, y = (laneHeight - height) / 2) {
	context.fillStyle = colour;
	const nearby = nearest / view.width * (view.to - view.from);
	for (const [a, b] of visible(list, view.from, view.to, nearby)) {
		const x = view.x(a), width = Math.max(1, view.x(b) - x);
		context.beginPath();
		context.roundRect(x, y, width, height, Math.min(height / 2, 3, width / 2));
		context.fill();
	}
}

/** @param {Span[]} list */
function sorted(list) {
	return list.sort((a, b) => a[0] - b[0]);
}
