import { Drawer, Identity, Pins, Shelf, Verifier, fingerprint } from "./keys_web.js";
import { keepsKeys } from "./place.js";

/**
 * @typedef {object} Signer who may have signed a recording
 * @property {string} key verifier key
 * @property {string} name on the card; "" if this browser has no card of it
 * @property {string} words the eight words of the key
 * @property {number} [expires] when its card ends, in seconds of Unix time; 0 for never
 * @property {boolean} verified its card is pinned here. A key that only a link names, or
 *     a card in a folder, is claimed: it is the word of whoever sent the link, or the folder
 * @property {"link"|"folder"} [by] what a claimed one is known by
 *
 * @typedef {{ key: string, who: string, revoked: boolean, of?: string[] }} Granter of are the names
 *     of the keys whose approval does not count any more; all if there are none
 */

/**
 * Recorders are the keys by which recordings may be signed: those pinned in this browser,
 * and the one that a link names. A link never pins anything.
 */
export class Recorders {
	/** @type {any} */
	#pins;

	/** @param {any} pins */
	constructor(pins) {
		this.#pins = pins;
	}

	/**
	 * load reads what this browser keeps for this origin.
	 * @param {import("./place.js").Place} place
	 * @param {any} [shelf]
	 */
	static async load(place, shelf) {
		const kept = keepsKeys(place) ? shelf ?? new Shelf() : new Drawer();
		const own = await Identity.load(kept).catch(() => undefined);
		return new Recorders(await Pins.load(kept, own?.card));
	}

	/**
	 * signers returns all of them, the claimed ones last. A key that was revoked here is none.
	 * @param {...Uint8Array} claimed the raw keys that a link names
	 * @returns {Promise<Signer[]>}
	 */
	async signers(...claimed) {
		/** @type {Signer[]} */
		const list = this.#cards().filter((card) => card.role === "recorder" && !this.#revoked(card))
			.map((card) => ({ key: card.key, name: card.name, words: card.fingerprint, verified: true, expires: Math.ceil(card.expires / 1000) }));
		for (const raw of claimed) {
			const { vkey: key } = await Verifier.of(raw);
			const known = list.some((s) => s.key === key) || this.#cards().some((card) => card.key === key && this.#revoked(card)) || this.#revoked({ key, expired: () => false });
			if (!known) list.push({ key, name: "", words: await fingerprint(raw), verified: false, by: "link" });
		}
		return list;
	}

	/** others returns whose grants count besides, whose count no more, and the reader's own keys. */
	others() {
		/** @type {Map<string, string[]|null>} */
		const revoked = new Map(this.#pins.revocations().map((/** @type {{ key: string, of: string[]|null }} */ { key, of }) => [key, of]));
		/** @type {(key: string) => { of?: string[] }} */
		const of = (key) => {
			const names = revoked.get(key);
			return names ? { of: names } : {};
		};
		/** @type {(card: any) => Granter} */
		const granter = (card) => ({ key: card.key, who: card.name, revoked: this.#revoked(card), ...of(card.key) });
		const cards = this.#cards(), own = this.#pins.own;
		/** @type {string[]} */
		const strangers = this.#pins.revokedKeys().filter((/** @type {string} */ key) => !cards.some((card) => card.key === key));
		return {
			granters: cards.filter((card) => card.role !== "recorder" && !this.#revoked(card)).map(granter),
			revoked: [...cards.filter((card) => this.#revoked(card)).map(granter), ...strangers.map((key) => ({ key, who: "", revoked: true, ...of(key) }))],
			self: /** @type {string[]} */ (own ? [own.key] : []),
		};
	}

	/**
	 * claimants returns the signers whose cards are not pinned, for Recording.claimants.
	 * @param {Signer[]} signers
	 */
	static claimants(signers) {
		return signers.filter((s) => !s.verified).map(({ key, words, by = "link" }) => ({ name: key.split("+")[0], words, by }));
	}

	/** @returns {any[]} */
	#cards() {
		return this.#pins.own ? [this.#pins.own, ...this.#pins.list()] : this.#pins.list();
	}

	/** @param {any} card */
	#revoked(card) {
		return ["revoked", "doubted"].includes(this.#pins.state(card));
	}
}
