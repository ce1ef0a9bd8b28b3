import { within } from "../engine/spans.js";
import { el } from "./dom.js";
import { say } from "./language.js";
import { agreements, explanation, facts, identity, volumeSlider } from "./person.js";
import { turnButtons } from "./turn_buttons.js";
import { avatar, howBadge, personNode } from "./words.js";

/** How many people are in the list. */
const most = 500;

/** @type {Record<"away"|"speaking"|"here", import("./language.js").Key>} */
const nows = { away: "lane.away", speaking: "lane.speaking", here: "person.here" };

/** A PeopleList has who took part, and what they do at the moment. */
export class PeopleList {
	node = el("ul", { class: "peoplelist", "aria-label": say("panel.people") });
	#player;
	#recording;
	#changed;
	/** @type {import("../engine/people.js").Person[]|null} that are in the list */
	#seen = null;
	/** @type {{ id: string, mark: HTMLElement }[]} what says what they do, by identity */
	#marks = [];

	/**
	 * @param {import("../engine/player.js").Player} player
	 * @param {(people: number) => void} changed how many there are
	 */
	constructor(player, changed) {
		this.#player = player;
		this.#recording = player.recording;
		this.#changed = changed;
		player.on(["time", "state"], () => this.#tick());
		player.on(["update"], () => this.#update());
		this.#update();
	}

	#update() {
		const { people } = this.#recording;
		if (this.#seen === people) return;
		this.#seen = people;
		this.#changed(people.length);
		this.#marks = [];
		this.node.replaceChildren(...people.slice(0, most).map((p) => this.#row(p)));
		if (people.length > most) this.node.append(el("li", { class: "quiet" }, say("more", { n: people.length - most })));
		this.#tick();
	}

	/** @param {import("../engine/people.js").Person} p */
	#row(p) {
		const mark = el("span", { class: "presence" }), name = p.name || p.id;
		this.#marks.push({ id: p.id, mark });
		const who = el("div", {}, el("strong", {}, personNode(p)), howBadge(p.how, true));
		return el("li", { class: "person" },
			el("div", { class: "who" }, avatar(p.id, name), who, mark),
			el("details", {}, el("summary", {}, say("how.known")), explanation(p.how), identity(p),
				...agreements(p, this.#recording.memberKeys)),
			el("p", { class: "quiet" }, facts(p)), turnButtons(p, this.#player), volumeSlider(p, this.#player));
	}

	#tick() {
		if (!this.node.offsetParent) return; // not seen
		const t = this.#player.time;
		for (const { id, mark } of this.#marks) {
			const p = this.#recording.person(id);
			const now = !p || !within(p.presence, t) ? "away" : within(p.speaking, t) ? "speaking" : "here";
			if (mark.dataset.now === now) continue;
			mark.dataset.now = now;
			mark.textContent = say(nows[now]);
		}
	}
}
