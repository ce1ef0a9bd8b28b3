import { total } from "../engine/spans.js";
import { el } from "./dom.js";
import { identified } from "./terms.js";
import { count, length, line, time } from "./text.js";
import { avatar, howBadge, nameNode } from "./words.js";

/** @typedef {import("../engine/people.js").Person} Person */

/**
 * volumeSlider is for one person's sound.
 * @param {Person} person
 * @param {import("../engine/player.js").Player} player
 */
export function volumeSlider(person, player) {
	const percent = el("output", { class: "percent" });
	const slider = el("input", {
		type: "range", min: 0, max: 100, step: 1, value: Math.round(player.volumeOf(person.id) * 100),
		"aria-label": `Volume of ${line(person.name || person.id, 60)}`,
	});
	const show = () => {
		percent.textContent = `${slider.value} %`;
		slider.style.setProperty("--part", `${slider.value}%`);
		slider.setAttribute("aria-valuetext", `${slider.value} percent`);
	};
	slider.addEventListener("input", () => {
		player.setVolume(person.id, Number(slider.value) / 100);
		show();
	});
	show();
	return el("div", { class: "personvolume" }, slider, percent);
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
	const parts = [];
	const spoke = total(person.speaking);
	if (spoke >= 1) parts.push(`spoke for ${length(spoke)}`);
	const more = person.presence.length - 3;
	const when = person.presence.slice(0, 3).map(([a, b]) => `${time(a)}–${time(b)}`).join(", ");
	if (when) parts.push(`here ${when}${more > 0 ? ` and ${count(more, "more time", "more times")}` : ""}`);
	if (person.tracks.some((t) => t.plain)) parts.push("came without end-to-end encryption");
	if (person.reader) parts.push("may open this recording");
	return parts.join(" · ");
}

/**
 * identity says who a person was in the room.
 * @param {Person} person
 */
export function identity(person) {
	return el("p", { class: "quiet" }, "Identity in the room: ", el("bdi", {}, line(person.id, 120)));
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
		el("div", { class: "who" }, avatar(person.id, name), el("div", {}, el("strong", {}, nameNode(name)), howBadge(how, true))),
		explanation(how),
		person.name && person.id !== person.name ? identity(person) : "",
		el("p", { class: "quiet" }, facts(person)),
		el("div", { class: "field" }, el("span", { "aria-hidden": "true" }, "Volume"), volumeSlider(person, player)),
		more,
	];
}
