// Small helpers to make elements. There is no way here to make markup from a
// string: children are nodes or text.

import {icon} from "./icons.js";
import {tame, clip, initials, hue, identified, line} from "./text.js";

// el makes an element. Properties that begin with "on" are listeners, class,
// data-* and aria-* are attributes, everything else is a property if there is
// one of that name. Children are nodes, strings, or nothing.
export function el(tag, props = {}, ...children) {
	const node = document.createElement(tag);
	for (const [key, value] of Object.entries(props ?? {})) {
		if (value === undefined || value === null || value === false) continue;
		if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
		else if (key === "class") node.className = value;
		else if (key in node && !key.includes("-") && key !== "list" && key !== "role") node[key] = value;
		else node.setAttribute(key, value === true ? "" : value);
	}
	node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
	return node;
}

// button is an icon button with words: they are its label and its tooltip.
export function button(name, label, onclick, props = {}) {
	const b = el("button", {type: "button", class: "iconbutton", onclick, ...props}, icon(name));
	b.dataset.icon = name;
	relabel(b, label);
	return b;
}

// relabel changes what a button says it does.
export function relabel(b, label) {
	if (b.getAttribute("aria-label") === label) return;
	b.setAttribute("aria-label", label);
	const key = b.getAttribute("aria-keyshortcuts")?.split(" ")[0];
	b.title = key ? `${label} (${key})` : label;
}

// nameNode is a hostile name, apart from the text around it.
export function nameNode(name, n = 80) {
	return el("bdi", {class: "name"}, line(name, n) || "someone");
}

// breakable is text as nodes between which a line may break: browsers take
// seconds to lay out one word of 32,000 letters.
function breakable(text) {
	return text.split(/(\S{60})/u).flatMap((part, i) => i % 2 ? [part, el("wbr")] : part ? [part] : []);
}

// quoteNode is what someone wrote. What is long is cut, and a button shows the
// rest of it; the page never lays out more than `most` characters unasked.
export function quoteNode(text, most = 320) {
	const all = tame(text);
	const short = clip(all, most);
	const node = el("bdi", {class: "quote"}, breakable(short));
	if (short === all) return node;
	const words = `Show all ${all.length.toLocaleString()} characters`;
	const more = el("button", {type: "button", class: "more", "aria-expanded": "false"}, words);
	const box = el("span", {class: "long"}, node, " ", more);
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

// sentenceNodes are the parts of text.js's sentence as nodes.
export function sentenceNodes(parts) {
	return parts.map((p) => typeof p === "string" ? p : p.who !== undefined ? nameNode(p.who) : quoteNode(p.quote));
}

// avatar is a disc with initials, coloured by identity.
export function avatar(id, name) {
	const disc = el("span", {class: "avatar", "aria-hidden": "true"}, initials(name));
	disc.dataset.hue = hue(id);
	return disc;
}

const HOW_ICONS = {proved: "seal", operator: "person", card: "card", claimed: "claim", unknown: "help"};

// howBadge is the small mark of how a person was identified.
export function howBadge(how, words = false) {
	const h = identified(how);
	const badge = el("span", {class: "how", "data-how": how in HOW_ICONS ? how : "unknown", title: `${h.label}. ${h.text}`},
		icon(HOW_ICONS[how] ?? "help"));
	if (words) badge.append(el("span", {}, h.label));
	else {
		badge.setAttribute("role", "img");
		badge.setAttribute("aria-label", h.label);
	}
	return badge;
}

let region, said = 0;

// announce tells assistive technology what changed, politely. The same words
// twice are said twice.
export function announce(text) {
	region ??= document.getElementById("live");
	if (!region) return;
	region.textContent = text + (said++ % 2 ? "\u00a0" : "");
}

let toasts, hide;

// toast shows a short message for some seconds, and announces it.
export function toast(text) {
	toasts ??= document.getElementById("toast");
	(document.fullscreenElement ?? document.body).append(toasts); // what is in full screen hides all else
	toasts.textContent = text;
	toasts.classList.add("shown");
	clearTimeout(hide);
	hide = setTimeout(() => toasts.classList.remove("shown"), 5000);
	announce(text);
}

// stored and store keep a setting between visits, where the browser lets them.
export function stored(key, fallback) {
	try {
		return localStorage.getItem("sealtape." + key) ?? fallback;
	} catch {
		return fallback;
	}
}
export function store(key, value) {
	try {
		localStorage.setItem("sealtape." + key, value);
	} catch {
		// then it is forgotten
	}
}

// place puts a popover beside what it belongs to, inside the window.
export function place(popover, anchor, above = true) {
	const a = anchor.getBoundingClientRect(), p = popover.getBoundingClientRect(), gap = 8;
	let top = above ? a.top - p.height - gap : a.bottom + gap;
	if (top < gap) top = a.bottom + gap;
	if (top + p.height > innerHeight - gap) top = Math.max(gap, a.top - p.height - gap);
	const left = Math.max(gap, Math.min(innerWidth - p.width - gap, a.left + a.width / 2 - p.width / 2));
	popover.style.top = `${Math.round(top)}px`;
	popover.style.left = `${Math.round(left)}px`;
}

// copy puts text on the clipboard, by the old way if the new one is refused.
export async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		const area = el("textarea", {class: "offscreen", value: text, readOnly: true});
		document.body.append(area);
		area.select();
		const ok = document.execCommand("copy");
		area.remove();
		return ok;
	}
}
