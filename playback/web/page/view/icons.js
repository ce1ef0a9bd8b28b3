/** @type {Record<string, string>} paths of SVG made here: nothing is fetched, and no markup is parsed */
const paths = {
	play: "M8 5.5v13a1 1 0 0 0 1.5.86l10.5-6.5a1 1 0 0 0 0-1.72L9.5 4.64A1 1 0 0 0 8 5.5z",
	pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
	replay: "M12 5V1.8L6.8 6.3 12 10.8V7.4a5.6 5.6 0 1 1-5.6 5.6H4A8 8 0 1 0 12 5z",
	back: [
		"M12 5V1.8L6.8 6.3 12 10.8V7.4a5.6 5.6 0 1 1-5.6 5.6H4A8 8 0 1 0 12 5zM9 11h1.4v5.2H9.1v-3.7l-.9.3v-1.1z",
		"M13.3 10.9c1.2 0 1.9 1 1.9 2.7s-.7 2.7-1.9 2.7-1.9-1-1.9-2.7.7-2.7 1.9-2.7zm0 1.1c-.4 0-.6.5-.6 1.6",
		"s.2 1.6.6 1.6.6-.5.6-1.6-.2-1.6-.6-1.6z",
	].join(""),
	volume: [
		"M4 9.5v5h3.5L12.5 19V5L7.5 9.5zM15 8.5a4.6 4.6 0 0 1 0 7l1 1.4a6.3 6.3 0 0 0 0-9.8z",
		"M17 5.2a8.6 8.6 0 0 1 0 13.6l1 1.4a10.4 10.4 0 0 0 0-16.4z",
	].join(""),
	quiet: "M4 9.5v5h3.5L12.5 19V5L7.5 9.5zM15 8.5a4.6 4.6 0 0 1 0 7l1 1.4a6.3 6.3 0 0 0 0-9.8z",
	silent: [
		"M4 9.5v5h3.5L12.5 19V5L7.5 9.5z",
		"M21.5 9.7l-1.2-1.2-2.3 2.3-2.3-2.3-1.2 1.2 2.3 2.3-2.3 2.3 1.2 1.2 2.3-2.3 2.3 2.3 1.2-1.2-2.3-2.3z",
	].join(""),
	full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
	unfull: "M8 4h2v6H4V8h4zM14 4h2v4h4v2h-6zM4 14h6v6H8v-4H4zM14 14h6v2h-4v4h-2z",
	link: [
		"M10.6 13.4a1 1 0 0 1-1.4 0 5 5 0 0 1 0-7l2.8-2.9a5 5 0 0 1 7 7l-1.6 1.7a6.6 6.6 0 0 0-.4-2.3l.6-.8a3 3 0 0 0-4.2-4.2",
		"L10.6 7.8a3 3 0 0 0 0 4.2 1 1 0 0 1 0 1.4zm2.8-2.8a1 1 0 0 1 1.4 0 5 5 0 0 1 0 7L12 20.5a5 5 0 0 1-7-7l1.6-1.7",
		"c0 .8.2 1.6.4 2.3l-.6.8a3 3 0 0 0 4.2 4.2l2.8-2.9a3 3 0 0 0 0-4.2 1 1 0 0 1 0-1.4z",
	].join(""),
	clip: "M9.6 8.2 12 10.6l7-7 2 1.4-7 7 7 7-2 1.4-7-7-2.4 2.4a3.6 3.6 0 1 1-1.4-1.4L10.6 12 8.2 9.6a3.6 3.6 0 1 1 1.4-1.4zM6.5 5a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2zm0 10.8a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2z",
	window: "M3 5h18v6h-2V7H5v10h6v2H3zM13 13h8v6h-8z",
	auto: "M3 5h12v14H3zM17 5h4v6h-4zM17 13h4v6h-4z",
	grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
	speaker: "M4 4h16v10H4zM4 16h4.5v4H4zM9.75 16h4.5v4h-4.5zM15.5 16H20v4h-4.5z",
	panel: "M4 5h16v14H4zm2 2v10h7.5V7zm9 0v2h3.5V7zm0 4v2h3.5v-2z",
	captions: "M3 5h18v14H3zm2 2v10h14V7zm2 4.5h5v2H7zm6.5 0H17v2h-3.5zM7 8.5h3v2H7zm4.5 0H17v2h-5.5z",
	lanes: "M3 5h9v3H3zM14 5h7v3h-7zM6 10.5h12v3H6zM3 16h5v3H3zM10 16h11v3H10z",
	skip: "M4 6v12l7-6zM11.5 6v12l7-6zM18.5 6H21v12h-2.5z",
	turnBefore: "M5 5h2v14H5zM20 5v14l-9-7zM9 8h2v8H9z",
	turnAfter: "M17 5h2v14h-2zM4 5l9 7-9 7zM13 8h2v8h-2z",
	download: "M11 3h2v8.2l3.6-3.6L18 9l-6 6-6-6 1.4-1.4L11 11.2zM4 18h16v2H4z",
	help: [
		"M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19zm-1.1 14.2h2.1v2.1h-2.1z",
		"M12 5.7c2.2 0 3.8 1.4 3.8 3.4 0 1.4-.7 2.2-1.8 3-.8.6-1.1 1-1.1 1.8v.7h-1.9v-.9",
		"c0-1.4.6-2.2 1.7-3 .8-.6 1.1-1 1.1-1.6 0-.9-.7-1.5-1.8-1.5-1.2 0-1.9.7-2 1.9H8c.1-2.3 1.7-3.8 4-3.8z",
	].join(""),
	close: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
	left: "M15.5 4.5 8 12l7.5 7.5 1.5-1.5-6-6 6-6z",
	right: "M8.5 4.5 16 12l-7.5 7.5L7 18l6-6-6-6z",
	search: [
		"M10.5 3a7.5 7.5 0 1 0 4.6 13.4l4.7 4.7 1.4-1.4-4.7-4.7A7.5 7.5 0 0 0 10.5 3zm0 2a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z",
	].join(""),
	plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
	minus: "M5 11h14v2H5z",
	fit: "M3 5h2v14H3zM19 5h2v14h-2zM6.5 12l3.5-3.5V11h4V8.5l3.5 3.5-3.5 3.5V13h-4v2.5z",
	pin: "M5 5h14v14H5zm2 2v10h10V7zm2 2h6v4H9z",
	more: "M5 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM19 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
	micOff: [
		"M9 5a3 3 0 0 1 6 0v5.2L9.3 4.5z",
		"M4.4 3 21 19.6 19.6 21l-3.9-3.9a7 7 0 0 1-2.7 1V21h-2v-2.9A7 7 0 0 1 5 11h2a5 5 0 0 0 7.2 4.5l-1.5-1.5A3 3 0 0 1 9 11",
		"V10.4L3 4.4zM17 11h2a7 7 0 0 1-.9 3.4l-1.5-1.5c.3-.6.4-1.2.4-1.9z",
	].join(""),
	lock: [
		"M12 2a5 5 0 0 0-5 5v3H6a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1v-9a1 1 0 0 0-1-1h-1V7a5 5 0 0 0-5-5zm-3 8V7",
		"a3 3 0 0 1 6 0v3z",
	].join(""),
	unlock: [
		"M12 2a5 5 0 0 0-5 5v1h2V7a3 3 0 0 1 6 0v3H6a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1v-9a1 1 0 0 0-1-1h-1V7",
		"a5 5 0 0 0-5-5z",
	].join(""),
	alert: "M12 2.8 1.5 21h21zM11 9.5h2v5.5h-2zM11 16.5h2v2h-2z",
	shield: "M12 2 4 5v6c0 5 3.4 9.3 8 11 4.6-1.7 8-6 8-11V5zm-1.2 14.2-4-4 1.5-1.5 2.5 2.6 5-5.1 1.5 1.5z",
	seal: [
		"M12 1.8l2.3 2 3-.4.9 2.9 2.7 1.4-.9 2.9 1.3 2.7-2.3 1.9-.2 3-3 .5-1.8 2.5L12 20",
		"l-2.9 1.2-1.8-2.5-3-.5-.2-3-2.3-1.9 1.3-2.7-.9-2.9 2.7-1.4.9-2.9 3 .4zm-1.2 14L17 9.6l-1.5-1.5-4.7 4.8-2.3-2.4L7 12z",
	].join(""),
	person: "M12 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM3.5 21c0-4 3.6-7 8.5-7s8.5 3 8.5 7z",
	card: "M3 5h18v14H3zm2 2v10h14V7zm1.5 2h4v4h-4zm6 0H17v1.5h-4.5zm0 2.5H17V13h-4.5zm-6 2.5H17v1.5H6.5z",
	claim: "M4 4h16v12h-7l-5 4.5V16H4zm7 2.5v5h2v-5zm0 6v1.8h2v-1.8z",
	screen: "M3 4h18v13H3zm2 2v9h14V6zM8 19h8v2H8z",
	film: "M4 4h16v16H4zm2 2v2h2V6zm0 5v2h2v-2zm0 5v2h2v-2zm10-10v2h2V6zm0 5v2h2v-2zm0 5v2h2v-2z",
	hole: [
		"M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19zm0 2a7.5 7.5 0 0 1 4.6 1.6L6.1 16.6A7.5 7.5 0 0 1 12 4.5zm5.9 2.9",
		"A7.5 7.5 0 0 1 7.4 17.9z",
	].join(""),
	down: "M5 8.5 12 15.5l7-7 1.5 1.5-8.5 8.5L3.5 10z",
	dot: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
	chat: "M4 4h16v12h-8l-5 4.5V16H4z",
};

const namespace = "http://www.w3.org/2000/svg";

/**
 * icon is one of the paths as an <svg> that assistive technology passes over: the
 * words are on whatever holds it.
 * @param {string} name
 */
export function icon(name) {
	const svg = document.createElementNS(namespace, "svg");
	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	svg.setAttribute("focusable", "false");
	const path = document.createElementNS(namespace, "path");
	path.setAttribute("d", paths[name] ?? paths.dot);
	path.setAttribute("fill-rule", "evenodd");
	svg.append(path);
	return svg;
}

/**
 * setIcon changes the icon in a button, if it is another one.
 * @param {HTMLElement} button
 * @param {string} name
 */
export function setIcon(button, name) {
	if (button.dataset.icon === name) return;
	button.dataset.icon = name;
	const old = button.querySelector("svg.icon");
	if (old) old.replaceWith(icon(name));
	else button.prepend(icon(name));
}

/** fillIcons draws the icons that the page asks for by data-icon. */
export function fillIcons() {
	for (const node of document.querySelectorAll("[data-icon]")) {
		if (node instanceof HTMLElement && !node.querySelector("svg.icon")) node.prepend(icon(node.dataset.icon ?? ""));
	}
}
