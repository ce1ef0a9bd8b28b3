// What is to be said and set about one person: in a tile's popover and in the
// panel's list.

import {el, nameNode, avatar, howBadge} from "./dom.js";
import {identified, length, line, count, time} from "./text.js";
import {total} from "../engine/spans.js";

// volumeOf is a slider for one person's sound.
export function volumeOf(person, player) {
	const percent = el("output", {class: "percent"});
	const slider = el("input", {type: "range", min: 0, max: 100, step: 1, value: Math.round(player.volumeOf(person.id) * 100),
		"aria-label": `Volume of ${line(person.name || person.id, 60)}`});
	const show = () => {
		percent.textContent = `${slider.value} %`;
		slider.style.setProperty("--part", `${slider.value}%`);
		slider.setAttribute("aria-valuetext", `${slider.value} percent`);
	};
	slider.addEventListener("input", () => {
		player.setVolume(person.id, slider.value / 100);
		show();
	});
	show();
	return el("div", {class: "personvolume"}, slider, percent);
}

// explanation says how a person was identified.
export function explanation(how) {
	const h = identified(how);
	return el("p", {class: "explain"}, el("strong", {}, h.label + ". "), h.text);
}

// facts are a few figures about a person.
export function facts(person) {
	const parts = [];
	const spoke = total(person.speaking);
	if (spoke >= 1) parts.push(`spoke for ${length(spoke)}`);
	const more = person.presence.length - 3;
	const when = person.presence.slice(0, 3).map(([a, b]) => `${time(a)}–${time(b)}`).join(", ");
	if (when) parts.push(`here ${when}${more > 0 ? ` and ${count(more, "more time", "more times")}` : ""}`);
	if (person.tracks?.some((t) => t.plain)) parts.push("came without end-to-end encryption");
	if (person.reader) parts.push("may open this recording");
	return parts.join(" · ");
}

// card is all of it, for a popover.
export function card(person, how, player, {track, pinned, pin} = {}) {
	return [
		el("div", {class: "who"}, avatar(person.id, person.name || person.id), el("div", {},
			el("strong", {}, nameNode(person.name || person.id)), howBadge(how, true))),
		explanation(how),
		person.name && person.id !== person.name ? el("p", {class: "quiet"}, "Identity in the room: ", el("bdi", {}, line(person.id, 120))) : null,
		el("p", {class: "quiet"}, facts(person)),
		el("div", {class: "field"}, el("span", {"aria-hidden": "true"}, "Volume"), volumeOf(person, player)),
		pin ? el("button", {type: "button", class: "textbutton", onclick: pin}, pinned ? "Back in its place" : track ? "Enlarge this screen" : "Enlarge this tile") : null,
	].filter(Boolean);
}
