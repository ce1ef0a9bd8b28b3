import { announce, toast } from "../announce.js";
import { el } from "../dom.js";
import { locale, say } from "../language.js";
import { store, stored } from "../settings.js";

const rates = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

/** @param {number} rate */
const times = (rate) => `${rate.toLocaleString(locale)}×`;

/** A RateSelect is how fast it plays, which it keeps between visits. */
export class RateSelect {
	#player;
	node = el("select", { id: "rate", "aria-label": say("speed"), title: say("speed"), onchange: () => this.#set(Number(this.node.value)) },
		rates.map((r) => el("option", { value: r }, times(r))));

	/** @param {import("../../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		const rate = Number(stored("rate", "1"));
		player.rate = rates.includes(rate) ? rate : 1;
		player.on(["state"], () => this.#update());
		this.#update();
	}

	/** @param {number} rate */
	#set(rate) {
		this.#player.rate = rate;
		store("rate", String(rate));
		announce(say("speed.now", { rate }));
	}

	/**
	 * faster takes the next rate, or the one before.
	 * @param {number} by 1 or -1
	 */
	faster(by) {
		const now = rates.indexOf(this.#player.rate);
		const rate = rates[Math.min(rates.length - 1, Math.max(0, (now < 0 ? rates.indexOf(1) : now) + by))];
		this.#set(rate);
		toast(say("speed.now", { rate: times(rate) }));
	}

	#update() {
		this.node.value = String(this.#player.rate);
	}
}
