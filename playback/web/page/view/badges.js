// Badges: what is known of the recording as a whole, each with its explanation.

import {el, nameNode, place} from "./dom.js";
import {icon} from "./icons.js";
import {line, signer, count, length} from "./text.js";
import {total} from "../engine/spans.js";

// badges lists what to show: {kind, icon, words, text}; words and text are nodes.
export function badges(r) {
	const out = [];
	const add = (kind, name, words, ...text) => out.push({kind, icon: name, words: [words].flat(), text});
	if (r.state === "open") add("live", "dot", "Live", "The recording goes on, and this page follows it.");
	if (r.distrust) {
		add("bad", "alert", "Not trusted", el("bdi", {}, line(r.distrust, 300)), ". Whoever has that key could have made this recording: ask who recorded.");
	} else if (r.signers.length) {
		add("good", "seal", ["Verified: ", ...names(r.signers.map(signer), 40)],
			"The recording’s log is signed by ", ...names(r.signers, 120), ", whose card you have pinned. All that plays here was checked " +
			"against that signature: nothing was changed, left out or put in after it was recorded.");
	} else {
		add("bad", "alert", "Not verified", "No signature of anyone you have pinned stands under this recording.");
	}
	if (r.state === "closed") {
		add("plain", "film", "Closed", "The recorder ended this recording in good order and signed that this is its end: nothing after it was cut off.");
	} else if (r.state === "cut") {
		add("warn", "alert", "Cut off", "The recorder was interrupted before it could end this recording. What is here is verified; " +
			"what came after it, if anything, is not here.");
	}
	access(r, add);
	if (r.postQuantum) {
		add("plain", "shield", "Post-quantum", "It is sealed with hybrid keys (ML-KEM-768 and X25519), also against computers that do not exist yet.");
	} else {
		add("warn", "shield", "Not post-quantum", "At least one reader has a classic key. Whoever keeps a copy may open it some day with a quantum computer.");
	}
	const plain = r.people.filter((p) => p.tracks.some((t) => t.plain));
	if (plain.length) {
		add("warn", "unlock", "Partly unencrypted", "What ", ...names(plain.map((p) => p.name || p.id), 60), " sent came into the encrypted meeting " +
			"without end-to-end encryption: by telephone, or from a machine that cannot have its keys. Whoever ran the servers could hear and see it, or put it there.");
	}
	if (r.failed.length) {
		add("bad", "alert", `${length(total(r.failed))} failed`, `${count(r.failed.length, "part")} of this recording failed verification: ` +
			"missing, changed or not from here. They are shown in the timeline and never played.");
	}
	if (r.resealedFrom) {
		add("plain", "link", "Resealed", "A copy of another recording, sealed anew for other readers by who signed this one: ",
			el("bdi", {}, line(r.resealedFrom, 120)));
	}
	// What is locked or failed has badges of its own.
	const problems = r.problems.filter((p) => p.error !== "locked" && p.error !== "failed");
	if (problems.length) {
		add("warn", "alert", problems.length === 1 ? "A problem" : `${problems.length} problems`,
			el("ul", {class: "problems"}, problems.slice(0, 8).map((p) => el("li", {}, el("bdi", {}, line(`Segment ${p.segment}: ${p.text}`, 300))))),
			problems.length > 8 ? `and ${problems.length - 8} more. ` : "", "sealtape verify tells all.");
	}
	return out;
}

// names are nodes for up to three names, n characters each.
function names(list, n) {
	const out = list.slice(0, 3).flatMap((name, i) => [i ? ", " : "", nameNode(name, n)]);
	return list.length > 3 ? [...out, ` and ${list.length - 3} more`] : out;
}

// access says what this key opens.
function access(r, add) {
	const opens = r.epochs.filter((e) => e.opens).length, all = r.epochs.length;
	if (opens === all && r.locked.length === 0) {
		add("good", "unlock", "Opens all of it", "Your key opens the whole recording.");
	} else if (opens === 0) {
		add("bad", "lock", "Locked", "None of your keys opens any of this recording. One of its readers can grant you access: sealtape share.");
	} else {
		add("warn", "lock", `Opens a part, ${length(total(r.locked))} locked`,
			`Your key opens ${opens} of ${count(all, "span")} that have readers of their own. The others are shown as locked.`);
	}
}

// Badges shows them in a list; each opens its explanation.
export class Badges {
	#root; #popover; #shown = "";

	constructor(root, popover) {
		this.#root = root;
		this.#popover = popover;
	}

	update(recording) {
		const list = badges(recording);
		const shown = JSON.stringify(list.map((b) => [b.kind, b.words.map((w) => w.textContent ?? w), b.text.map((w) => w.textContent ?? w)]));
		if (shown === this.#shown) return;
		this.#shown = shown;
		const had = this.#root.contains(document.activeElement);
		this.#root.replaceChildren(...list.map((b) => {
			const node = el("button", {type: "button", class: "badge", "data-kind": b.kind, "aria-haspopup": "dialog",
				onclick: () => this.#popover.show(node, [el("div", {class: "explain"}, b.text)], "What this means", false)}, icon(b.icon), el("span", {}, b.words));
			return el("li", {}, node);
		}));
		if (had) this.#root.querySelector("button")?.focus();
	}
}

// A Popover shows a few words beside what was clicked. Escape and a click
// elsewhere close it.
export class Popover {
	#node; #anchor = null;

	constructor() {
		this.#node = el("div", {class: "popover", role: "dialog", tabIndex: -1});
		this.#node.popover = "auto";
		this.#node.addEventListener("toggle", (event) => {
			if (event.newState !== "closed") return;
			this.#anchor?.removeAttribute("aria-expanded");
			if (this.#node.contains(document.activeElement) || document.activeElement === document.body) this.#anchor?.focus({preventScroll: true});
		});
		document.body.append(this.#node);
	}

	show(anchor, children, label, above = true) {
		this.#node.hidePopover();
		this.#anchor?.removeAttribute("aria-expanded");
		// What is in full screen hides all that is not in it.
		(document.fullscreenElement ?? document.body).append(this.#node);
		this.#anchor = anchor;
		anchor.setAttribute("aria-expanded", "true");
		this.#node.setAttribute("aria-label", label);
		this.#node.replaceChildren(...children);
		this.#node.showPopover();
		place(this.#node, anchor, above);
		(this.#node.querySelector("input, button") ?? this.#node).focus({preventScroll: true});
	}

	close() {
		this.#node.hidePopover();
	}
}
