// What the browser tests ask of a page, evaluated in it. Each check returns a
// list of faults, in words.
window.checks = (() => {
	const shown = (node) => {
		const box = node.getBoundingClientRect();
		return box.width > 0 && box.height > 0 && node.checkVisibility({visibilityProperty: true, opacityProperty: true});
	};
	const named = (node) => `${node.tagName.toLowerCase()}${node.id ? "#" + node.id : ""}.${String(node.className?.baseVal ?? node.className).replace(/ /g, ".")} "${(node.textContent || "").trim().slice(0, 30)}"`;

	// names: what can be operated has a name, and a role that is more than a box.
	function names() {
		const root = document.querySelector("dialog:modal") ?? document; // what is behind one is out of reach
		const all = root.querySelectorAll("a[href], button, input, select, summary, [tabindex='0'], [role=tab], [role=img], dialog[open], aside, section");
		return [...all].filter((n) => shown(n) && !n.closest("[aria-hidden=true]")).flatMap((node) => {
			const out = [];
			if (!node.computedName?.trim()) out.push(`no name: ${named(node)}`);
			if (node.tabIndex >= 0 && node.tagName !== "SUMMARY" && ["generic", "none", ""].includes(node.computedRole)) out.push(`no role: ${named(node)}`);
			return out;
		});
	}

	// colour is [r, g, b, a] of a computed colour.
	const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
	const seen = new Map();
	function colour(text) {
		if (seen.has(text)) return seen.get(text);
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = "#000";
		canvas.fillStyle = text;
		canvas.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
		seen.set(text, [r, g, b, a / 255]);
		return seen.get(text);
	}
	const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
	const light = (rgb) => {
		const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ratio = (a, b) => {
		const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
		return (x + 0.05) / (y + 0.05);
	};

	// backs are the colours that may lie behind what is in a node: of a gradient
	// all its stops.
	let known = new Map();
	function backs(node) {
		if (!node) return [[255, 255, 255, 1]];
		if (known.has(node)) return known.get(node);
		const style = getComputedStyle(node), image = style.backgroundImage, plain = colour(style.backgroundColor);
		// What lies over the stage has a tile behind it.
		let found = node.matches(".tile > *") ? [[35, 40, 51, 1]] : backs(node.parentElement);
		if (plain[3] > 0) found = found.map((f) => over(plain, f));
		if (image !== "none") found = (image.match(/(rgba?|color|oklab|oklch|hsl)\([^()]*\)/g) ?? []).map(colour).flatMap((c) => found.map((f) => over(c, f)));
		known.set(node, found.slice(0, 64));
		return found;
	}

	// contrast: text stands out from what is behind it by 4.5, large text by 3.
	function contrast() {
		known = new Map();
		const out = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		while (walker.nextNode()) {
			const node = walker.currentNode.parentElement;
			if (!walker.currentNode.data.trim() || !shown(node) || node.closest(".offscreen, option, :disabled, noscript")) continue;
			const style = getComputedStyle(node), size = parseFloat(style.fontSize);
			const least = size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5;
			const worst = Math.min(...backs(node).map((back) => ratio(over(colour(style.color), back), back)));
			if (worst < least - 0.005) out.push(`contrast ${worst.toFixed(2)}: ${named(node)}, ${style.color}`);
		}
		return [...new Set(out)];
	}

	// icons: what is only a drawing stands out by 3.
	function icons() {
		known = new Map();
		return [...document.querySelectorAll("button svg.icon, a svg.icon, .how svg.icon")].filter((n) => shown(n) && !n.closest(":disabled")).flatMap((node) => {
			const c = colour(getComputedStyle(node).color);
			const worst = Math.min(...backs(node.parentElement).map((back) => ratio(over(c, back), back)));
			return worst < 2.995 ? [`icon ${worst.toFixed(2)}: ${named(node.parentElement)}`] : [];
		});
	}

	// hostile: of what strangers wrote nothing became markup, nothing turns the
	// direction of the page, and nothing is wider than the window.
	function hostile() {
		const out = [];
		if (document.title.includes("pwned")) out.push("a script of strangers ran");
		if (document.querySelector("img, iframe, object, embed, b.x, body script")) out.push("markup of strangers");
		if (/[\u202a-\u202e\u2066-\u2069]/.test(document.body.textContent)) out.push("a mark that turns the direction");
		if (document.documentElement.scrollWidth > innerWidth) out.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${innerWidth}`);
		for (const node of document.querySelectorAll(".name, .quote")) if (node.tagName !== "BDI") out.push(`not apart: ${named(node)}`);
		return out;
	}

	// tiles: all on the stage, none over another.
	function tiles() {
		const stage = document.getElementById("stage").getBoundingClientRect(), out = [];
		const boxes = [...document.querySelectorAll(".tile")].map((n) => [n.dataset.key, n.getBoundingClientRect()]);
		boxes.forEach(([key, a], i) => {
			if (a.left < stage.left - 1 || a.right > stage.right + 1 || a.top < stage.top - 1 || a.bottom > stage.bottom + 1) out.push(`outside: ${key}`);
			if (a.width < 90) out.push(`${a.width} wide: ${key}`);
			for (const [other, b] of boxes.slice(i + 1)) {
				if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) out.push(`${key} over ${other}`);
			}
		});
		return out;
	}

	// words: where every text has brackets, nothing that is read or read out is without,
	// but names, what somebody wrote, keys, commands, and what the browser makes of
	// times, dates and numbers.
	function words() {
		const out = [];
		const made = "bdi, code, kbd, time, noscript, script, .avatar, .now, .all, .when, .ruler, .wall, .tip b, .duration, .percent, #rate, #subtitle, .card .quiet, .card .people";
		const bare = (text) => /\p{L}{2}/u.test(text) && !text.includes("⟦");
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		while (walker.nextNode()) {
			const node = walker.currentNode.parentElement;
			if (node.closest(made) || !bare(walker.currentNode.data)) continue;
			if (bare(node.textContent) && bare(node.parentElement.textContent) && node.tagName !== "H1") out.push(named(node));
		}
		for (const name of ["aria-label", "title", "placeholder", "aria-valuetext", "alt"]) {
			for (const node of document.querySelectorAll(`[${name}]`)) {
				if (bare(node.getAttribute(name)) && !node.matches(".signer, .elsewhere")) out.push(`${name} "${node.getAttribute(name)}": ${named(node)}`);
			}
		}
		return [...new Set(out)];
	}

	// room: controls are in the player, each seen whole, and on tiles nothing that is
	// written lies over another.
	function room() {
		const out = [], box = (n) => n.getBoundingClientRect();
		const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
		const theatre = box(document.getElementById("theatre")), parts = [...document.querySelectorAll("#controls :is(button, select, .clock, .scrubber)")].filter(shown);
		parts.forEach((n, i) => {
			const a = box(n);
			if (a.left < theatre.left - 1 || a.right > theatre.right + 1 || a.bottom > theatre.bottom + 1) out.push(`not in the player: ${named(n)}`);
			for (const other of parts.slice(i + 1)) if (!n.contains(other) && !other.contains(n) && over(a, box(other))) out.push(`${named(n)} over ${named(other)}`);
		});
		if (box(document.getElementById("stage")).height < 110) out.push("hardly any stage");
		for (const tile of document.querySelectorAll(".tile")) {
			const name = tile.querySelector(".namebar"), written = [...tile.querySelectorAll(".notice > *")].filter(shown);
			const tools = tile.classList.contains("tiny") ? [...tile.querySelectorAll(".tools button")].filter(shown) : [];
			for (const n of written) {
				if (over(box(n), box(name))) out.push(`${named(n)} over the name of ${tile.dataset.key}`);
				if (box(n).top < box(tile).top - 1) out.push(`${named(n)} beyond the tile of ${tile.dataset.key}`);
			}
			for (const n of tools) for (const m of [name, ...written]) if (over(box(n), box(m))) out.push(`${named(n)} over ${named(m)} of ${tile.dataset.key}`);
		}
		return out;
	}

	// headings: one of the first rank, and none that leaves out a rank.
	function headings() {
		const ranks = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((n) => n.checkVisibility()).map((n) => Number(n.tagName[1]));
		const out = ranks.filter((r) => r === 1).length === 1 && ranks[0] === 1 ? [] : [`headings ${ranks}`];
		return out.concat(ranks.flatMap((r, i) => i && r > ranks[i - 1] + 1 ? [`h${r} after h${ranks[i - 1]}`] : []));
	}

	// forced: with colours of the reader's own, what a background tells is told by a
	// border or a colour that stands out from what is around it.
	function forced() {
		if (!matchMedia("(forced-colors: active)").matches) return ["no colours are forced"];
		const out = [], page = colour(getComputedStyle(document.body).backgroundColor);
		const styled = (node, property) => colour(getComputedStyle(node)[property]);
		for (const [selector, property] of [
			[".past", "backgroundColor"], [".knob", "backgroundColor"], [".cursor", "backgroundColor"], [".tile.speaking .ring", "borderTopColor"],
			["[aria-pressed=true]", "backgroundColor"], ["[aria-selected=true]", "backgroundColor"], [".row[aria-current]", "borderLeftColor"],
			[".tile", "borderTopColor"], [".badge", "borderTopColor"], ["input[type=search]", "borderTopColor"], [".start", "borderTopColor"],
		]) {
			for (const node of [...document.querySelectorAll(selector)].filter(shown)) {
				const worst = ratio(over(styled(node, property), page), page);
				if (worst < 3) out.push(`${property} ${worst.toFixed(2)}: ${named(node)}`);
			}
		}
		return out;
	}

	return {names, contrast, icons, hostile, tiles, room, headings, forced, words};
})();
