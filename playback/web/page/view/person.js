import { total } from "../engine/spans.js";
import { el } from "./dom.js";
import { parts, say } from "./language.js";
import { identified } from "./terms.js";
import { called, length, line, percent, time } from "./text.js";
import { turnButtons } from "./turn_buttons.js";
import { avatar, howBadge, personNode } from "./words.js";

/** @typedef {import("../engine/people.js").Person} Person */

/**
 * volumeSlider is for one person's sound.
 * @param {Person} person
 * @param {import("../engine/player.js").Player} player
 */
export function volumeSlider(person, player) {
	const output = el("output", { class: "percent" });
	const slider = el("input", {
		type: "range", min: 0, max: 100, step: 1, value: Math.round(player.volumeOf(person.id) * 100),
		"aria-label": say("volume.of", { name: called(person, 60) }),
	});
	const show = () => {
		const part = percent(Number(slider.value) / 100);
		output.textContent = part;
		slider.style.setProperty("--part", `${slider.value}%`);
		slider.setAttribute("aria-valuetext", part);
	};
	slider.addEventListener("input", () => {
		player.setVolume(person.id, Number(slider.value) / 100);
		show();
	});
	show();
	return el("div", { class: "personvolume" }, slider, output);
}

/**
 * explanation says how a person was identified.
 * @param {import("../engine/people.js").How} how
 */
export function explanation(how) {
	const h = identified(how);
	return el("p", { class: "explain" }, el("strong", {}, h.label + ". "), h.text);
}

/**
 * facts are a few figures about a person.
 * @param {Person} person
 */
export function facts(person) {
	const out = [];
	const spoke = total(person.speaking);
	if (spoke >= 1) out.push(say("person.spoke", { length: length(spoke) }));
	const more = person.presence.length - 3;
	const spans = person.presence.slice(0, 3).map(([a, b]) => `${time(a)}–${time(b)}`).join(", ");
	if (spans) out.push(more > 0 ? say("person.timesMore", { spans, n: more }) : say("person.times", { spans }));
	if (person.tracks.some((t) => t.plain)) out.push(say("person.plain"));
	if (person.reader) out.push(say("person.reader"));
	return out.join(" · ");
}

/**
 * agreements say since when a person agreed to be recorded, by whose key, and who could
 * open it; nothing where members did not make the room's keys.
 * @param {Person} person
 * @param {boolean} memberKeys
 */
export function agreements(person, memberKeys) {
	if (!memberKeys) return [];
	if (!person.agreed.length) return [el("p", { class: "quiet" }, say("person.agreedNot"))];
	return person.agreed.slice(0, mostAgreed).map((a) => {
		const span = `${time(a.from)}–${time(a.to)}`, by = line(a.by, 160);
		const readers = a.readers.slice(0, mostAgreed).map((r) => line(r, 160)).join(", ");
		return el("p", { class: "quiet" }, say("person.agreed", { span, by }),
			readers ? ` ${say("person.agreedReaders", { readers })}` : "");
	});
}

/** How many agreements, and readers, are shown. */
const mostAgreed = 20;

/**
 * identity says who a person was in the room.
 * @param {Person} person
 */
export function identity(person) {
	return el("p", { class: "quiet" }, parts("person.identity", { id: el("bdi", {}, line(person.id, 120)) }));
}

/**
 * card is all of it, for a popover.
 * @param {Person} person
 * @param {import("../engine/people.js").How} how
 * @param {import("../engine/player.js").Player} player
 * @param {HTMLElement} more what comes last
 */
export function card(person, how, player, more) {
	const name = person.name || person.id;
	return [
		el("div", { class: "who" }, avatar(person.id, name), el("div", {}, el("strong", {}, personNode(person)), howBadge(how, true))),
		explanation(how),
		person.name && person.id !== person.name ? identity(person) : "",
		el("p", { class: "quiet" }, facts(person)),
		el("div", { class: "field" }, el("span", { "aria-hidden": "true" }, say("volume")), volumeSlider(person, player)),
		more,
		turnButtons(person, player),
	];
}
