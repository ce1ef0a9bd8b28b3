import { el } from "./dom.js";
import { icon } from "./icons.js";
import { identified } from "./terms.js";
import { clip, hue, initials, line, tame } from "./text.js";

/**
 * nameNode is a hostile name, apart from the text around it.
 * @param {string|undefined} name
 * @param {number} [most] characters
 */
export function nameNode(name, most = 80) {
	return el("bdi", { class: "name" }, line(name, most) || "someone");
}

/**
 * quoteNode is what someone wrote. What is long is cut, and a button shows the rest
 * of it; the page never lays out more than so many characters unasked.
 * @param {string|undefined} text
 * @param {number} [most]
 */
export function quoteNode(text, most = 320) {
	const all = tame(text), short = clip(all, most);
	const node = el("bdi", { class: "quote" }, breakable(short));
	if (short === all) return node;
	const words = `Show all ${all.length.toLocaleString()} characters`;
	const more = el("button", { type: "button", class: "more", "aria-expanded": "false" }, words);
	const box = el("span", { class: "long" }, node, " ", more);
	more.addEventListener("click", (event) => {
		event.stopPropagation();
		const open = more.getAttribute("aria-expanded") === "true";
		node.replaceChildren(...breakable(open ? short : all));
		box.classList.toggle("open", !open);
		more.setAttribute("aria-expanded", String(!open));
		more.textContent = open ? words : "Show less";
	});
	return box;
}

/**
 * breakable is text as nodes between which a line may break: browsers take seconds
 * to lay out one word of 32,000 letters.
 * @param {string} text
 */
function breakable(text) {
	return text.split(/(\S{60})/u).flatMap((part, i) => i % 2 ? [part, el("wbr")] : part ? [part] : []);
}

/**
 * sentenceNodes are the parts of a sentence as nodes.
 * @param {import("./sentence.js").SentencePart[]} parts
 */
export function sentenceNodes(parts) {
	return parts.map((p) => typeof p === "string" ? p : "who" in p ? nameNode(p.who) : quoteNode(p.quote));
}

/**
 * avatar is a disc with initials, coloured by identity.
 * @param {string|undefined} id
 * @param {string} name
 */
export function avatar(id, name) {
	const disc = el("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
	disc.dataset.hue = String(hue(id));
	return disc;
}

/** @type {Record<import("../engine/people.js").How, string>} */
const howIcons = { proved: "seal", operator: "person", card: "card", claimed: "claim", unknown: "help" };

/**
 * howBadge is the small mark of how a person was identified.
 * @param {import("../engine/people.js").How} how
 * @param {boolean} [words] whether it has words beside it
 */
export function howBadge(how, words = false) {
	const h = identified(how);
	const badge = el("span", { class: "how", "data-how": how, title: `${h.label}. ${h.text}` }, icon(howIcons[how]));
	if (words) badge.append(el("span", {}, h.label));
	else {
		badge.setAttribute("role", "img");
		badge.setAttribute("aria-label", h.label);
	}
	return badge;
}
