import { el } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./language.js";
import { piecesOf } from "./links.js";
import { identified } from "./terms.js";
import { clip, hue, initials, line, tame } from "./text.js";

/**
 * nameNode is a hostile name, apart from the text around it.
 * @param {string|undefined} name
 * @param {number} [most] characters
 */
export function nameNode(name, most = 80) {
	return el("bdi", { class: "name" }, line(name, most) || say("someone"));
}

/**
 * personNode is the name of a person, with their identity if somebody else has the
 * same name.
 * @param {{ id: string, name: string, twin: boolean }} person
 * @param {number} [most] characters
 */
export function personNode({ id, name, twin }, most) {
	const node = nameNode(name || id, most);
	return twin ? el("span", { class: "twin" }, node, " ", el("bdi", { class: "identity" }, line(id, 40))) : node;
}

/**
 * quoteNode is what someone wrote. What is long is cut, and a button shows the rest
 * of it; the page never lays out more than so many characters unasked.
 * @param {string|undefined} text
 * @param {number} [most]
 */
export function quoteNode(text, most = 320) {
	const all = tame(text), short = clip(all, most);
	const node = el("bdi", { class: "quote" }, withLinks(short, short !== all));
	if (short === all) return node;
	const words = say("quote.all", { n: all.length });
	const more = el("button", { type: "button", class: "more", "aria-expanded": "false" }, words);
	const box = el("span", { class: "long" }, node, " ", more);
	more.addEventListener("click", (event) => {
		event.stopPropagation();
		const open = more.getAttribute("aria-expanded") === "true";
		node.replaceChildren(...withLinks(open ? short : all, open));
		box.classList.toggle("open", !open);
		more.setAttribute("aria-expanded", String(!open));
		more.textContent = open ? words : say("quote.less");
	});
	return box;
}

/**
 * withLinks is text as nodes, of which addresses are links.
 * @param {string} text
 * @param {boolean} clipped what the text ends with is no address, but the beginning of one
 */
function withLinks(text, clipped) {
	return piecesOf(text, clipped).flatMap(({ text, url }) => url ? [linkNode(text, url)] : breakable(text));
}

/**
 * linkNode leads elsewhere, once it has been asked about.
 * @param {string} text
 * @param {URL} url
 */
function linkNode(text, url) {
	return el("a", { class: "elsewhere", href: url.href, rel: "noreferrer noopener", target: "_blank", title: url.href.slice(0, 300) }, breakable(text));
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
	return parts.map((p) => typeof p === "string" ? p : "who" in p ? personNode({ name: p.who, id: p.id ?? "", twin: !!p.id }) : quoteNode(p.quote));
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
const howIcons = { proved: "seal", matrix: "seal", operator: "person", card: "card", signed: "claim", claimed: "claim", unknown: "help" };

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
