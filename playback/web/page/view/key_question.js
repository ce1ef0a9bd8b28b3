import { KeyTrouble } from "../alone/keyring.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { parts, say } from "./language.js";
import { store, stored } from "./settings.js";
import { line } from "./text.js";

/** @typedef {import("./language.js").Key} Key */

/** @type {Record<KeyTrouble["kind"], Key>} */
const troubles = {
	passphrase: "unlock.error.passphrase", passkey: "unlock.error.passkey", noPrf: "unlock.error.noPrf", window: "unlock.error.window", other: "unlock.error.other",
};

/**
 * A KeyQuestion asks the reader for a key that opens a recording: a file and its passphrase, a
 * passkey, another site that has it, or a new one.
 */
export class KeyQuestion {
	#root;
	/** @type {import("../alone/keyring.js").Keyring} */
	#keyring;
	#recording;
	/** @type {(brought: boolean) => void} */
	#done = () => {};
	#error = el("p", { class: "error", role: "alert", id: "keyerror" });
	#busy = el("p", { class: "quiet", role: "status" });

	/**
	 * askForKey is what a Keyring asks by, in an element that is shown meanwhile.
	 * @param {HTMLElement} root
	 * @returns {import("../alone/keyring.js").Ask}
	 */
	static in(root) {
		return (keyring, recording, reason, over) => new KeyQuestion(root, keyring, recording).#ask(reason, over);
	}

	/**
	 * @param {HTMLElement} root
	 * @param {import("../alone/keyring.js").Keyring} keyring
	 * @param {string} recording ID
	 */
	constructor(root, keyring, recording) {
		this.#root = root;
		this.#keyring = keyring;
		this.#recording = recording;
	}

	/**
	 * @param {import("../alone/keyring.js").Reason} reason
	 * @param {AbortSignal} over
	 */
	async #ask(reason, over) {
		const ring = this.#keyring, possible = await ring.passkeysPossible();
		if (over.aborted) return false;
		const head = el("h2", { id: "keyhead", tabIndex: -1 }, say("unlock.head"));
		const without = el("button", { type: "button", class: "textbutton", onclick: () => this.#close(false) }, say("unlock.without"));
		this.#root.replaceChildren(icon("lock"), head, el("p", { class: "quiet" }, say(reason === "locked" ? "unlock.locked" : "unlock.text")),
			...(ring.takesKeys ? [possible && this.#passkey(), this.#file()] : [el("p", { class: "warning" }, icon("alert"), el("span", {}, say("unlock.store")))])
				.filter((part) => part !== false),
			...(ring.windowsPossible ? [this.#window()] : []), ...(possible ? [this.#make()] : []), this.#busy, this.#error, el("div", { class: "row" }, without));
		const body = document.body, loading = body.classList.contains("loading");
		body.classList.remove("loading");
		body.classList.add("asking");
		this.#root.hidden = false;
		head.focus();
		const brought = await new Promise((done) => {
			this.#done = done;
			over.addEventListener("abort", () => done(false));
		});
		this.#root.hidden = true;
		this.#root.replaceChildren();
		body.classList.remove("asking");
		body.classList.toggle("loading", loading);
		return /** @type {boolean} */ (brought);
	}

	/** @param {boolean} brought */
	#close(brought) {
		this.#done(brought);
	}

	#passkey() {
		const use = () => this.#try(async () => {
			await this.#keyring.takePasskey();
			this.#close(true);
		});
		return el("div", { class: "row" }, el("button", { type: "button", class: "textbutton primary", id: "usepasskey", onclick: use }, say("unlock.passkey")),
			el("span", { class: "quiet" }, say("unlock.passkey.hint", { host: location.hostname })));
	}

	#file() {
		const file = el("input", { type: "file", id: "keyfile", accept: ".age,.txt,.key", required: true });
		const passphrase = el("input", { type: "password", id: "keypassphrase", autocomplete: "off", required: true, maxLength: 1000 });
		const keep = el("input", { type: "checkbox", id: "keepkey" });
		const open = (/** @type {Event} */ event) => {
			event.preventDefault();
			const [chosen] = file.files ?? [], given = passphrase.value;
			if (!chosen) return this.#say("unlock.error.noFile");
			this.#try(async () => {
				const keeping = await this.#keyring.takeFile(chosen, given, keep.checked);
				passphrase.value = "";
				if (keeping && keeping !== "kept") return this.#note(keeping === "sevenDays" ? "unlock.kept.sevenDays" : "unlock.kept.perhaps");
				this.#close(true);
			}, "unlock.opening");
		};
		return el("form", { onsubmit: open },
			el("label", { htmlFor: "keyfile" }, say("unlock.file")), file,
			el("p", { class: "quiet" }, parts("unlock.file.hint", { command: el("code", {}, "sealtape keys export") })),
			el("label", { htmlFor: "keypassphrase" }, say("unlock.passphrase")),
			el("div", { class: "row" }, passphrase, el("button", { type: "submit", class: "textbutton primary" }, say("unlock.open"))),
			this.#keyring.keepsKeys ? el("label", { class: "check" }, keep, say("unlock.keep")) : el("p", { class: "quiet" }, say("unlock.fileonly")));
	}

	#window() {
		const address = el("input", {
			type: "url", id: "keysite", autocomplete: "url", spellcheck: false, required: true, maxLength: 500, value: stored("keysite", ""),
			"aria-describedby": "keyerror",
		});
		const ask = (/** @type {Event} */ event) => {
			event.preventDefault();
			const site = address.value.trim();
			if (!URL.canParse(site)) return this.#say("unlock.error.address");
			// The window opens on this click, so nothing may be waited for before.
			this.#try(async () => {
				await this.#keyring.takeWindow(site, this.#recording);
				if (this.#keyring.keepsKeys) store("keysite", site);
				this.#close(true);
			}, "unlock.window.waiting");
		};
		return el("form", { onsubmit: ask }, el("label", { htmlFor: "keysite" }, say("unlock.window")),
			el("div", { class: "row" }, address, el("button", { type: "submit", class: "textbutton" }, say("unlock.window.ask"))));
	}

	#make() {
		const name = el("input", { type: "text", id: "keyname", autocomplete: "name", required: true, maxLength: 64 });
		const box = el("details", {});
		const make = (/** @type {Event} */ event) => {
			event.preventDefault();
			this.#try(async () => {
				const made = await this.#keyring.make(name.value.trim());
				box.replaceChildren(el("summary", {}, say("unlock.make")), this.#card(made), this.#export(made));
			});
		};
		box.append(el("summary", {}, say("unlock.make")), el("p", { class: "quiet" }, say("unlock.make.text")),
			el("form", { onsubmit: make }, el("label", { htmlFor: "keyname" }, say("unlock.make.name")),
				el("div", { class: "row" }, name, el("button", { type: "submit", class: "textbutton" }, say("unlock.make.do")))));
		return box;
	}

	/** @param {import("../alone/keyring.js").Made} made */
	#card(made) {
		const save = () => saveAs(made.card, `${fileName(made.name)}.card`);
		return el("p", { class: "made" }, say("unlock.made"), " ",
			el("button", { type: "button", class: "textbutton primary", id: "savecard", onclick: save }, say("unlock.made.card")));
	}

	/** @param {import("../alone/keyring.js").Made} made */
	#export(made) {
		const passphrase = el("input", { type: "password", id: "newpassphrase", autocomplete: "new-password", required: true, minLength: 8, maxLength: 1000 });
		const save = (/** @type {Event} */ event) => {
			event.preventDefault();
			this.#try(async () => {
				saveAs(await made.file(passphrase.value), `${fileName(made.name)}-key.age`);
				passphrase.value = "";
			}, "unlock.opening");
		};
		return el("form", { onsubmit: save }, el("p", { class: "quiet" }, say("unlock.made.why")),
			el("label", { htmlFor: "newpassphrase" }, say("unlock.made.passphrase")),
			el("div", { class: "row" }, passphrase, el("button", { type: "submit", class: "textbutton" }, say("unlock.made.file"))));
	}

	/**
	 * note shows what the reader has to know before it goes on.
	 * @param {Key} key
	 */
	#note(key) {
		const on = el("button", { type: "button", class: "textbutton primary", onclick: () => this.#close(true) }, say("unlock.goOn"));
		this.#root.replaceChildren(icon("alert"), el("h2", { id: "keyhead", tabIndex: -1 }, say("unlock.kept")), el("p", {}, say(key)), el("div", { class: "row" }, on));
		on.focus();
	}

	/**
	 * try does something that takes its time, and shows why it did not work.
	 * @param {() => Promise<void>} f
	 * @param {Key} [meanwhile]
	 */
	async #try(f, meanwhile) {
		const fields = [...this.#root.querySelectorAll("button, input")];
		this.#error.textContent = "";
		this.#busy.textContent = meanwhile ? say(meanwhile) : "";
		const trying = f(); // before anything is disabled: it may need the click
		for (const field of fields) field.toggleAttribute("disabled", true);
		try {
			await trying;
		} catch (err) {
			if (err instanceof KeyTrouble) this.#say(troubles[err.kind], line(err.message, 200));
			else this.#say("unlock.error.other", line(err instanceof Error ? err.message : err, 200));
		} finally {
			for (const field of fields) field.toggleAttribute("disabled", false);
			this.#busy.textContent = "";
		}
	}

	/**
	 * @param {Key} key
	 * @param {string} [why]
	 */
	#say(key, why = "") {
		this.#error.textContent = say(key, { why });
	}
}

/**
 * saveAs has the browser save a text.
 * @param {string} text
 * @param {string} name
 */
function saveAs(text, name) {
	const url = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
	el("a", { href: url, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {string} name of a person */
function fileName(name) {
	return name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 40) || "sealtape";
}
