// Badges: what is known of the recording as a whole, each with its explanation.

import {el, nameNode, place} from "./dom.js";
import {icon} from "./icons.js";
import {line, signer, count, length} from "./text.js";
import {total} from "./periods.js";

// badges lists what to show: {kind, icon, words (nodes), text (nodes)}.
export function badges(r) {
	const out = [];
	const names = (list, most = 120) => list.slice(0, 3).flatMap((n, i) => [i ? ", " : "", nameNode(most < 120 ? signer(n) : n, most)]).concat(list.length > 3 ? ` and ${list.length - 3} more` : "");
	if (r.state === "open") out.push({kind: "live", icon: "dot", words: ["Live"], text: ["The recording goes on, and this page follows it."]});
	if (r.signers?.length) {
		out.push({kind: "good", icon: "seal", words: ["Verified: ", ...names(r.signers, 40)],
			text: ["The recording’s log is signed by ", ...names(r.signers), ", whose card you have pinned. All that plays here was checked against that signature: nothing was changed, left out or put in after it was recorded."]});
	} else {
		out.push({kind: "bad", icon: "alert", words: ["Not verified"], text: ["No signature of anyone you have pinned stands under this recording."]});
	}
	if (r.state === "closed") out.push({kind: "plain", icon: "film", words: ["Closed"], text: ["The recorder ended this recording in good order and signed that this is its end: nothing after it was cut off."]});
	if (r.state === "cut") out.push({kind: "warn", icon: "alert", words: ["Cut off"], text: ["The recorder was interrupted before it could end this recording. What is here is verified; what came after it, if anything, is not here."]});
	out.push(access(r));
	out.push(r.postQuantum ?
		{kind: "plain", icon: "shield", words: ["Post-quantum"], text: ["It is sealed with hybrid keys (ML-KEM-768 and X25519), also against computers that do not exist yet."]} :
		{kind: "warn", icon: "shield", words: ["Not post-quantum"], text: ["At least one reader has a classic key. Whoever keeps a copy may open it some day with a quantum computer."]});
	if (r.failed.length) {
		out.push({kind: "bad", icon: "alert", words: [`${length(total(r.failed))} failed`],
			text: [`${count(r.failed.length, "part")} of this recording failed verification: missing, changed or not from here. They are shown in the timeline and never played.`]});
	}
	if (r.resealedFrom) out.push({kind: "plain", icon: "link", words: ["Resealed"], text: ["A copy of another recording, sealed anew for other readers by who signed this one: ", el("bdi", {}, line(r.resealedFrom, 120))]});
	const problems = r.problems ?? [];
	if (problems.length) {
		out.push({kind: "warn", icon: "alert", words: [problems.length === 1 ? "A problem" : `${problems.length} problems`],
			text: [el("ul", {class: "problems"}, problems.slice(0, 8).map((p) => el("li", {}, el("bdi", {}, line(p, 300))))),
				problems.length > 8 ? `and ${problems.length - 8} more. ` : "", "The export and verify commands tell all."]});
	}
	return out;
}

function access(r) {
	const opens = r.epochs.filter((e) => e.opens).length, all = r.epochs.length;
	if (opens === all && r.locked.length === 0) return {kind: "good", icon: "unlock", words: ["Opens all of it"], text: ["Your key opens the whole recording."]};
	if (opens === 0) return {kind: "bad", icon: "lock", words: ["Locked"], text: ["None of your keys opens any of this recording. One of its readers can grant you access: sealtape share."]};
	return {kind: "warn", icon: "lock", words: [`Opens a part, ${length(total(r.locked))} locked`],
		text: [`Your key opens ${opens} of ${count(all, "span")} that have readers of their own. The others are shown as locked.`]};
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
