/** The parts of a meeting: which recordings it is in, and how one goes from one to another. */
import { toast } from "./announce.js";
import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./language.js";
import { leave, take } from "./part_address.js";
import { Popover } from "./popover.js";
import { date, length } from "./text.js";

/**
 * @typedef {import("../engine/description.js").Meeting} Meeting
 * @typedef {import("../engine/description.js").MeetingPart} Part
 *
 * @typedef {object} Ways
 * @property {(all: boolean) => Promise<Meeting>} meeting asks for the parts; all looks for later
 *     ones in all that there is
 * @property {(id: string) => void} go leaves for another part
 * @property {boolean} [link] what is here is what a link names
 */

/** How many parts the list shows around the one that plays. */
const most = 120;

/**
 * Parts shows the parts of the meeting that is played, goes to another when it is asked to,
 * and to the next one at the end. A meeting has several if its recorder died, and another
 * went on.
 */
export class Parts {
	/** What is shown of them, in the bar on top. */
	node = el("div", { class: "parts", role: "group", "aria-label": say("parts"), hidden: true });
	#id;
	#ways;
	#over;
	/** @type {Popover|null} made when it is first asked for */
	#popover = null;
	/** @type {Meeting} */
	#meeting = { parts: [] };
	#gone = false;

	/**
	 * @param {import("../engine/player.js").Player} player
	 * @param {string} id of what is played
	 * @param {Ways} ways
	 */
	constructor(player, id, ways) {
		this.#id = id;
		this.#ways = ways;
		this.#over = player.over;
		if (take() === id) player.play();
		player.on(["state"], () => {
			if (player.ended && !player.live && !this.#gone) {
				this.#gone = true;
				this.#ended().catch(() => {}); // then this was the end
			} else if (!player.ended) {
				this.#gone = false;
			}
		});
		this.#load(false).catch(() => {}); // then nothing is known of them
	}

	/** @param {boolean} all */
	async #load(all) {
		this.#meeting = await this.#ways.meeting(all);
		this.#show();
	}

	async #ended() {
		// A later part may have come meanwhile, or was not looked for.
		await this.#load(true);
		if (this.#over.aborted) return; // somebody has gone to another
		const next = partAfter(this.#meeting.parts, this.#id);
		if (next) {
			this.#go(next.id, true);
			toast(say("part.next")); // on the page of that one
		} else if (goesOnElsewhere(this.#meeting.parts, this.#id)) {
			toast(this.#say("after"));
		}
	}

	/**
	 * @param {string} id
	 * @param {boolean} play at once
	 */
	#go(id, play) {
		if (play) leave(id);
		this.#ways.go(id);
	}

	/** @param {"before"|"after"} which */
	#say(which) {
		if (which === "before") return say(this.#ways.link ? "parts.before.link" : "parts.before");
		return say(this.#ways.link ? "parts.after.link" : "parts.after");
	}

	#show() {
		const { parts, before } = this.#meeting, at = parts.findIndex((p) => p.id === this.#id);
		this.node.hidden = at < 0 && !before;
		if (this.node.hidden) return;
		const list = /** @type {HTMLButtonElement} */ (el("button", {
			type: "button", class: "partsbutton", "aria-haspopup": "dialog",
			"aria-label": at < 0 ? say("parts.elsewhere") : say("parts.open", { n: at + 1, of: parts.length }),
			onclick: () => (this.#popover ??= new Popover()).show(list, this.#list(), say("parts"), false),
		}, icon("film"), el("span", {}, at < 0 ? say("parts.elsewhere") : say("parts.of", { n: at + 1, of: parts.length }))));
		const previous = partBefore(parts, this.#id), next = partAfter(parts, this.#id);
		/** @type {(name: string, label: string, to: Part|undefined) => HTMLButtonElement} */
		const way = (name, label, to) => button(name, label, () => to && this.#go(to.id, false), { disabled: !to });
		this.node.replaceChildren(...at < 0 ? [list] : [way("left", say("parts.previous"), previous), list, way("right", say("parts.next"), next)]);
	}

	#list() {
		const { parts, before } = this.#meeting, at = parts.findIndex((p) => p.id === this.#id), first = Math.max(0, at - most / 2);
		const shown = parts.slice(first, first + most);
		return [
			...before ? [el("p", {}, this.#say("before"))] : [],
			...shown.length ? [el("ol", { class: "partlist", start: first + 1 }, shown.map((p, i) => this.#row(p, first + i)))] : [],
			...parts.length > shown.length ? [el("p", { class: "quiet" }, say("more", { n: parts.length - shown.length }))] : [],
			...goesOnElsewhere(parts, this.#id) ? [el("p", {}, this.#say("after"))] : [],
		];
	}

	/**
	 * @param {Part} p
	 * @param {number} i
	 */
	#row(p, i) {
		const here = p.id === this.#id, name = say("parts.of", { n: i + 1, of: this.#meeting.parts.length });
		const facts = [date(p.start), p.duration ? length(p.duration) : ""].filter(Boolean).join(" · ");
		const why = here ? say("parts.here") : p.apart ? say("parts.apart") : p.access === "none" ? say("parts.locked") : "";
		const between = p.gap === undefined ? "" : say(p.gap < 0 ? "parts.overlaps" : "parts.gap", { length: length(Math.abs(p.gap)) });
		return el("li", here ? { "aria-current": "true" } : {},
			between ? el("p", { class: "quiet" }, between) : null,
			opens(p) && !here ? el("button", { type: "button", class: "textbutton", onclick: () => this.#go(p.id, false) }, name) : el("strong", {}, name),
			el("p", { class: "quiet" }, [facts, why].filter(Boolean).join(" · ")));
	}
}

/** @param {Part} p */
function opens(p) {
	return !p.apart && (p.access === "all" || p.access === "part");
}

/**
 * partAfter is the next part that opens.
 * @param {Part[]} parts
 * @param {string} id
 */
export function partAfter(parts, id) {
	const at = parts.findIndex((p) => p.id === id);
	return at < 0 ? undefined : parts.slice(at + 1).find(opens);
}

/**
 * partBefore is the part before that opens.
 * @param {Part[]} parts
 * @param {string} id
 */
export function partBefore(parts, id) {
	const at = parts.findIndex((p) => p.id === id);
	return at < 0 ? undefined : parts.slice(0, at).findLast(opens);
}

/**
 * goesOnElsewhere reports whether there are later parts, and none of them opens.
 * @param {Part[]} parts
 * @param {string} id
 */
export function goesOnElsewhere(parts, id) {
	const at = parts.findIndex((p) => p.id === id);
	return at >= 0 && at < parts.length - 1 && !partAfter(parts, id);
}
