/**
 * The page without a server: plays the recording that a link names, a copy that was kept,
 * or those in a folder that was picked. Its document is player.html, which package
 * playback/site builds.
 */
import { byID, closest, el } from "../view/dom.js";
import { showFault, showRefusal } from "../view/failure.js";
import { fillIcons } from "../view/icons.js";
import { fillWords, say } from "../view/language.js";
import { card } from "../view/library_card.js";
import { labelThemeButtons } from "../view/theme_button.js";
import { Blank } from "./blank.js";
import { signersIn } from "./claims.js";
import { FolderStore } from "./folder.js";
import { KeptStore } from "./kept.js";
import { Refused, isInvitation, parse, take, withMoment, withoutSecrets } from "./link.js";
import { parts } from "./parts.js";
import { placeOf } from "./place.js";
import { Recorders } from "./recorders.js";
import { clearSaved } from "./save.js";
import { Start } from "./start.js";
import { Visit } from "./visit.js";

/** @typedef {import("./opening.js").Played} Played */

/** A Page is the one page, which opens one thing. */
class Page {
	#parts;
	#blank;
	/** @type {Visit|null} */
	#visit = null;
	/** @type {(played: Promise<Played|null>) => void} */
	#chose = () => {};

	/**
	 * @param {import("./parts.js").Parts} begun
	 * @param {Blank} blank
	 */
	constructor(begun, blank) {
		this.#parts = begun;
		this.#blank = blank;
	}

	/** open plays what the address names, or asks what to play. */
	open() {
		followLinks(() => this.#visit?.follow() || location.reload());
		if (isInvitation(location.hash)) {
			try {
				const invitation = take();
				return this.#unreachable(invitation) ? this.#ask(this.#unreachable(invitation)) : this.#invited(invitation);
			} catch (err) {
				return this.#ask(why(err));
			}
		}
		// What somebody made of a link on its way is none, and not no link.
		return this.#ask(/^(#(t=.*|page)?)?$/.test(location.hash) ? "" : say("start.noLink"));
	}

	/**
	 * unreachable says why the page cannot fetch what an invitation names, "" if it can.
	 * @param {import("./link.js").Invitation} invitation
	 */
	#unreachable({ store }) {
		return reaches(this.#parts.stores, store) ? "" : say("start.otherStore", { host: new URL(store).host });
	}

	/**
	 * @param {string} error that the address has
	 * @returns {Promise<Played|null>}
	 */
	#ask(error) {
		return new Promise((done) => {
			this.#chose = done;
			new Start({ link: (text) => this.#link(text), folder: (picked, text) => this.#folder(picked, text), copy: (note) => this.#copy(note) }, error);
		});
	}

	/** @param {string} text a link, or what stands behind its # */
	#link(text) {
		const hash = text.slice(text.indexOf("#") + 1);
		if (!isInvitation(hash)) return say("start.noLink");
		let invitation;
		try {
			invitation = parse(hash);
		} catch (err) {
			return why(err);
		}
		const unreachable = this.#unreachable(invitation);
		if (unreachable) return unreachable;
		history.replaceState(null, "", `#${hash}`);
		this.#chose(this.#invited(take()));
		return "";
	}

	/**
	 * @param {import("./link.js").Invitation} invitation
	 * @returns {Promise<Played|null>}
	 */
	#invited(invitation) {
		return this.#visits({ store: null, invitation }).play(invitation.recording);
	}

	/** @param {import("./visit.js").Place} place */
	#visits(place) {
		return this.#visit = new Visit(this.#parts, this.#blank, place);
	}

	/** @param {import("./kept.js").Note} note */
	#copy(note) {
		try {
			const invitation = parse(note.invitation);
			this.#chose(this.#visits({ store: new KeptStore(), invitation }).play(invitation.recording));
		} catch (err) {
			return why(err);
		}
		return "";
	}

	/**
	 * @param {import("./folder.js").Picked[]} picked
	 * @param {string} text a link to a recording in it, "" for none
	 */
	async #folder(picked, text) {
		const store = new FolderStore(picked), { recordings } = store, hash = text.slice(text.indexOf("#") + 1);
		if (recordings.length === 0) return say("start.noRecording");
		if (text) {
			let invitation;
			try {
				invitation = isInvitation(hash) ? parse(hash) : null;
			} catch (err) {
				return why(err);
			}
			if (!invitation || !recordings.includes(invitation.recording)) return say("start.noLink");
			this.#chose(this.#visits({ store, invitation }).play(invitation.recording));
			return "";
		}
		const signers = await signersIn(picked), place = placeOf(location);
		if (signers.length === 0 && (await (await Recorders.load(place)).signers()).length === 0) return say("start.noRecorder");
		this.#chose(this.#oneOf(store, recordings, signers));
		return "";
	}

	/**
	 * @param {FolderStore} store
	 * @param {string[]} ids
	 * @param {import("./recorders.js").Signer[]} signers
	 */
	async #oneOf(store, ids, signers) {
		const visit = this.#visits({ store, invitation: null, claimed: signers });
		return visit.play(ids.length === 1 ? ids[0] : await choose(await visit.recordings()));
	}
}

/**
 * choose has the reader choose among several recordings, and returns the ID of one.
 * @param {import("../engine/description.js").Entry[]} list
 * @returns {Promise<string>}
 */
function choose(list) {
	const root = byID("start"), entries = list.map((r) => ({ ...r, begun: new Date(r.start).getTime() || 0 }));
	root.replaceChildren(el("h2", { id: "starthead" }, say("library.group")),
		el("ul", { class: "cards" }, entries.sort((a, b) => b.begun - a.begun).map(card)));
	root.hidden = false;
	document.body.classList.replace("loading", "starting");
	return new Promise((done) => root.addEventListener("click", (event) => {
		const link = closest(event, "a[href^='watch/']");
		if (!link) return;
		event.preventDefault();
		root.hidden = true;
		document.body.classList.replace("starting", "loading");
		done(decodeURIComponent(link.getAttribute("href")?.slice("watch/".length) ?? ""));
	}));
}

/**
 * reaches reports whether the page's policy lets it fetch from a store.
 * @param {string[]} stores that it was built for: origins, or https: for all
 * @param {string} address
 */
function reaches(stores, address) {
	const { origin, protocol, hostname } = new URL(address);
	return origin === location.origin || stores.some((s) => s === origin || s === protocol || s === `${protocol}//${hostname}:*`);
}

/**
 * followLinks calls back when another link is put into the page's address: browsers do not load
 * the page for it again.
 * @param {() => void} follow
 */
function followLinks(follow) {
	/** @param {string} hash */
	const of = (hash) => isInvitation(hash) ? withMoment(withoutSecrets(hash.replace(/^#/, "")), 0) : "";
	addEventListener("hashchange", ({ oldURL, newURL }) => {
		const before = new URL(oldURL).hash, now = new URL(newURL).hash;
		// With secrets in it, it has just been brought: the page takes these out of the address.
		if (of(now) && (of(now) !== of(before) || withoutSecrets(now) !== now)) follow();
	});
}

/** @param {unknown} err */
function why(err) {
	if (err instanceof Refused) return say("start.badLink", { why: err.message });
	throw err;
}

async function main() {
	fillWords();
	fillIcons();
	labelThemeButtons();
	// It is the page itself, wherever it is.
	/** @type {HTMLAnchorElement} */ (byID("home")).href = location.href.split("#")[0];
	// What is behind the # is the recording, and stays there.
	document.querySelector(".skiplink")?.addEventListener("click", (event) => {
		event.preventDefault();
		byID("page").focus();
	});
	const begun = parts();
	if (!begun || !isSecureContext) {
		showRefusal(begun ? "insecure" : "framed");
		return null;
	}
	clearSaved();
	return new Page(begun, new Blank()).open();
}

/**
 * What the page plays, once it does; null if it cannot. As it goes on with another part of the
 * meeting, player and recording in it are that one's; null until that plays.
 */
export const opened = main().catch((err) => {
	showFault(err);
	return null;
});
