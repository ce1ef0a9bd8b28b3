import { icon } from "./icons.js";

/** @typedef {Node|string|null|undefined|false} Child what is null, undefined or false is left out */

/**
 * el makes an element. Properties that begin with "on" are listeners; class, data-*
 * and aria-* are attributes; everything else is a property if there is one of that
 * name. There is no way here to make markup from a string: children are nodes or text.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [props]
 * @param {...(Child|Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, props = {}, ...children) {
	const node = document.createElement(tag);
	for (const [key, value] of Object.entries(props)) {
		if (value === undefined || value === null || value === false) continue;
		if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
		else if (key === "class") node.className = value;
		else if (key in node && !key.includes("-") && key !== "list" && key !== "role") Reflect.set(node, key, value);
		else node.setAttribute(key, value === true ? "" : value);
	}
	node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
	return node;
}

/**
 * byID returns an element that the page has from the beginning.
 * @param {string} id
 */
export function byID(id) {
	const node = document.getElementById(id);
	if (!node) throw new Error(`the page has no #${id}`);
	return node;
}

/**
 * closest returns what an event is about: the nearest element of the selector that
 * its target is in, or null.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement|null}
 */
export function closest(event, selector) {
	return event.target instanceof Element ? event.target.closest(selector) : null;
}

/**
 * button is an icon button with words: they are its label and its tooltip.
 * @param {string} name the icon's
 * @param {string} label
 * @param {(event: MouseEvent) => void} onclick
 * @param {Record<string, any>} [props]
 */
export function button(name, label, onclick, props = {}) {
	const b = el("button", { type: "button", class: "iconbutton", onclick, ...props }, icon(name));
	b.dataset.icon = name;
	relabel(b, label);
	return b;
}

/**
 * relabel changes what a button says it does.
 * @param {HTMLElement} b
 * @param {string} label
 */
export function relabel(b, label) {
	if (b.getAttribute("aria-label") === label) return;
	b.setAttribute("aria-label", label);
	const key = b.getAttribute("aria-keyshortcuts")?.split(" ")[0];
	b.title = key ? `${label} (${key})` : label;
}
