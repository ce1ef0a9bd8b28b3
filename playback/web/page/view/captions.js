import { saidAt } from "../engine/said.js";
import { announce } from "./announce.js";
import { button, el } from "./dom.js";
import { say } from "./language.js";
import { store, stored } from "./settings.js";
import { called, line, tame } from "./text.js";

/** Captions show what is said over the pictures. */
export class Captions {
	#player;
	#transcripts;
	#on = stored("captions", "0") === "1";
	#shown = "";
	/** What belongs over the pictures. Who cannot see them hears the voices, or reads the list. */
	node = el("div", { class: "captions", hidden: true, "aria-hidden": "true" });
	button = button("captions", say("captions"), () => this.toggle(), { id: "captionsbutton", "aria-keyshortcuts": "w" });

	/**
	 * @param {import("../engine/player.js").Player} player
	 * @param {import("./transcripts.js").Transcripts} transcripts
	 */
	constructor(player, transcripts) {
		this.#player = player;
		this.#transcripts = transcripts;
		player.on(["time", "state"], () => this.#tick());
		transcripts.onChange(() => this.#update());
		this.#update();
	}

	toggle() {
		if (!this.#transcripts.any) return;
		this.#on = !this.#on;
		store("captions", this.#on ? "1" : "0");
		announce(say(this.#on ? "captions.on" : "captions.off"));
		this.#update();
	}

	#update() {
		this.button.hidden = !this.#transcripts.any;
		this.button.setAttribute("aria-pressed", String(this.#on));
		this.#shown = "-";
		this.#tick();
	}

	#tick() {
		const now = this.#on ? saidAt(this.#transcripts.said, this.#player.time) : [];
		const shown = now.map(({ from, text }) => from + text).join("\n");
		if (shown === this.#shown) return;
		this.#shown = shown;
		this.node.hidden = now.length === 0;
		this.node.replaceChildren(...now.map(({ id, who, text, plaintext }) => {
			const person = this.#player.recording.person(id);
			const name = person ? called(person, 40) : line(who, 40);
			return el("p", {}, name && el("strong", {}, name), name && " ", plaintext && `${say("words.unencrypted")} `, line(tame(text), 400));
		}));
	}
}
