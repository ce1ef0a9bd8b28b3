/**
 * The reader's keys in this page. What decrypts a recording asks here for the secret of
 * each epoch, and never has a key that opens another recording.
 */
import { BrokerWindow, Drawer, Identity, Passkey, Refused, Secrets, Shelf, keeping } from "./keys_web.js";
import { keepsKeys, takesKeys } from "./place.js";

/** The secrets of so many epochs are remembered. */
const most = 1 << 16;

/** How long is waited for the browser to say whether a key stays: Firefox asks the reader, who may not see it. In milliseconds. */
const keepingPatience = 5000;

/** The most characters of a file with a key. */
const maxKeyFile = 1 << 20;

/**
 * @typedef {object} Holder who has keys: this page, or a window of another site
 * @property {(recording: string, files: Uint8Array[]) => Promise<string|null>} openEpoch
 * @property {(recording: string, file: Uint8Array) => Promise<string|null>} openShare
 *
 * @typedef {"none"|"locked"} Reason why a key is asked for: there is none yet, or those that
 *     there are open nothing of the recording
 *
 * @callback Ask shows the reader how they can bring a key, and resolves once they have, by the
 *     keyring's methods; false if they will not
 * @param {Keyring} keyring
 * @param {string} recording ID
 * @param {Reason} reason
 * @param {AbortSignal} over nobody waits for the answer any more: it is false
 * @returns {Promise<boolean>}
 *
 * @typedef {"kept"|"perhaps"|"sevenDays"} Keeping
 * @typedef {{ name: string, card: string, file: (passphrase: string) => Promise<string> }} Made
 *     a new key: whose, its card, and what exports it
 */

/** A KeyTrouble says why a key could not be used. */
export class KeyTrouble extends Error {
	/**
	 * @param {"passphrase"|"passkey"|"noPrf"|"window"|"other"} kind
	 * @param {string} why for the details; English
	 */
	constructor(kind, why) {
		super(why);
		this.kind = kind;
	}
}

/** A Keyring opens epochs with what keys there are. */
export class Keyring {
	/** @type {Holder[]} */
	#holders = [];
	/** The recording that is watched, "" before there is one. */
	#watched = "";
	/** @type {Map<number, string>} the secrets of its epochs; of no other recording any is remembered */
	#known = new Map();
	/** @type {Promise<boolean>|null} while the reader is asked */
	#asking = null;
	/** Ends the question that the reader is asked. */
	#over = new AbortController();
	/** @type {Promise<string>|null} whose key the browser keeps */
	#begun = null;
	/** The recording for which the reader would bring no key, "" for none. */
	#refused = "";
	#ask;
	/** @type {any} */
	#shelf;

	/**
	 * @param {object} o
	 * @param {import("./place.js").Place} o.place where the page is from
	 * @param {Ask} o.ask
	 * @param {any} [o.shelf] where the browser keeps keys
	 */
	constructor({ place, ask, shelf }) {
		this.place = place;
		this.#ask = ask;
		this.#shelf = keepsKeys(place) ? shelf ?? new Shelf() : new Drawer();
	}

	/** takesKeys says whether a key that opens more than one recording may be given to this page. */
	get takesKeys() { return takesKeys(this.place); }

	/** keepsKeys says whether this page may keep one. */
	get keepsKeys() { return keepsKeys(this.place); }

	/**
	 * begin takes the key that this browser keeps for this origin, once, and returns whose it is;
	 * "" if there is none.
	 * @returns {Promise<string>}
	 */
	begin() {
		return this.#begun ??= this.#load();
	}

	async #load() {
		if (!this.keepsKeys) return "";
		const identity = await Identity.load(this.#shelf).catch(() => undefined);
		if (!identity) return "";
		this.#add(identity);
		return /** @type {string} */ (identity.card.name);
	}

	/** empty says that there is no key yet. */
	get empty() { return this.#holders.length === 0; }

	/**
	 * openEpoch returns the secret of an epoch, an age identity; null if no key here opens it.
	 * While there is no key at all, it asks the reader for one.
	 * @param {string} recording ID
	 * @param {number} number
	 * @param {Uint8Array[]} files of the epoch
	 * @returns {Promise<string|null>}
	 */
	async openEpoch(recording, number, files) {
		const known = recording === this.#watched && this.#known.get(number);
		if (known) return known;
		const secret = await this.#try(recording, (holder) => holder.openEpoch(recording, files));
		if (secret !== null && recording === this.#watched && this.#known.size < most) this.#known.set(number, secret);
		return secret;
	}

	/**
	 * openShare returns the grant in a share of a recording; null if no key here opens it.
	 * @param {string} recording ID
	 * @param {Uint8Array} file
	 * @returns {Promise<Uint8Array<ArrayBuffer>|null>}
	 */
	async openShare(recording, file) {
		const grant = await this.#try(recording, (holder) => holder.openShare(recording, file));
		return grant === null ? null : new TextEncoder().encode(grant);
	}

	/**
	 * @param {string} recording
	 * @param {(holder: Holder) => Promise<string|null>} open
	 */
	async #try(recording, open) {
		if (this.empty && this.#refused !== recording && !await this.another(recording, "none")) this.#refused = recording;
		let fault;
		for (const holder of this.#holders) {
			try {
				const text = await open(holder);
				if (text !== null) return text;
			} catch (err) {
				fault = err; // another key may open it all the same
			}
		}
		if (fault) throw fault;
		return null;
	}

	/**
	 * watch says which recording is watched from now on, "" for none. What belongs to the one before
	 * is forgotten: the secrets of its epochs, that the reader brought no key for it, and a question
	 * that they have not answered. The keys stay as long as the page.
	 * @param {string} recording ID
	 */
	watch(recording) {
		this.#watched = recording;
		this.#known.clear();
		this.#refused = "";
		this.#asking = null;
		this.#over.abort();
		this.#over = new AbortController();
	}

	/**
	 * another asks the reader for another key, and says whether they brought one.
	 * @param {string} recording ID
	 * @param {Reason} reason
	 */
	async another(recording, reason) {
		if (reason === "locked" && this.#refused === recording) return false; // they were just asked
		if (this.#asking) return this.#asking;
		const asking = this.#ask(this, recording, reason, this.#over.signal).finally(() => {
			if (this.#asking === asking) this.#asking = null;
		});
		this.#asking = asking;
		return asking;
	}

	/**
	 * takeFile takes the key in an exported identity.
	 * @param {Blob} file
	 * @param {string} passphrase
	 * @param {boolean} keep whether the browser keeps it for the next time
	 * @returns {Promise<Keeping|null>} whether it stays; null if it is not to be kept
	 */
	async takeFile(file, passphrase, keep) {
		this.#check();
		if (file.size > maxKeyFile) throw new KeyTrouble("other", "the file is too large for a key");
		const identity = await inWords("passphrase", () => file.text().then((text) => Identity.import(text, passphrase)));
		return this.#take(identity, keep);
	}

	/** takePasskey asks for a passkey of this site. */
	async takePasskey() {
		this.#check();
		const { secret } = await inWords("passkey", async () => (await Passkey.open()).keys());
		this.#add(new Secrets([secret]));
	}

	/** passkeysPossible says whether this page can ask for one. */
	async passkeysPossible() {
		return this.takesKeys && this.keepsKeys && await Passkey.possible() !== false;
	}

	/**
	 * make makes a key of a new passkey. It opens nothing yet: its card is for whoever sent the link.
	 * @param {string} name
	 * @returns {Promise<Made>}
	 */
	async make(name) {
		this.#check();
		const identity = await inWords("passkey", async () => Identity.fromPasskey(await Passkey.create({ name, site: location.hostname }), { name }));
		this.#add(identity);
		return { name: identity.card.name, card: identity.card.note, file: (passphrase) => identity.export(passphrase) };
	}

	/**
	 * takeWindow has another site's page open this recording. To be called on a click.
	 * @param {string} address of the page
	 * @param {string} recording ID
	 */
	async takeWindow(address, recording) {
		const opener = await inWords("window", async () => {
			const opened = new BrokerWindow(address, recording);
			await opened.agreed();
			return opened;
		});
		/** @type {(id: string, open: () => Promise<string|null>) => Promise<string|null>} */
		const asked = async (id, open) => {
			if (id !== recording) return null;
			try {
				return await open();
			} catch (err) {
				if (!opener.closed) throw err;
				this.#holders = this.#holders.filter((h) => h !== holder);
				return null; // whoever needs more is asked anew
			}
		};
		/** @type {Holder} */
		const holder = {
			openEpoch: (id, files) => asked(id, () => opener.openEpoch(files)),
			openShare: (id, file) => asked(id, () => opener.openShare(file)),
		};
		this.#add(holder);
	}

	/** windowsPossible says whether another site's page can answer this one: it must know who asks. */
	get windowsPossible() { return this.place !== "file"; }

	/** @param {any} identity @param {boolean} keep */
	async #take(identity, keep) {
		this.#add(identity);
		if (!keep || !this.keepsKeys) return null;
		try {
			await identity.save(this.#shelf);
		} catch (err) {
			throw new KeyTrouble("other", String(/** @type {Error} */ (err).message));
		}
		const late = new Promise((done) => setTimeout(() => done("perhaps"), keepingPatience));
		return /** @type {Promise<Keeping>} */ (Promise.race([keeping(), late]));
	}

	#check() {
		if (!this.takesKeys) throw new KeyTrouble("other", "no key of yours is to be given to a page that the store itself serves");
	}

	/** @param {any} opener an identity, secrets, or a holder */
	#add(opener) {
		this.#refused = "";
		const asItIs = opener instanceof Identity || opener instanceof Secrets;
		this.#holders.unshift(!asItIs ? opener : {
			openEpoch: (_, files) => opener.openEpoch(files), openShare: (recording, file) => opener.openShare(recording, file),
		});
	}
}

/**
 * inWords has what a package of ours refuses as a KeyTrouble.
 * @template T
 * @param {KeyTrouble["kind"]} kind
 * @param {() => Promise<T>} f
 * @returns {Promise<T>}
 */
async function inWords(kind, f) {
	try {
		return await f();
	} catch (err) {
		if (!(err instanceof Refused)) throw err;
		const why = String(/** @type {Error} */ (err).message);
		throw new KeyTrouble(/extension prf/.test(why) ? "noPrf" : kind, why);
	}
}
