/** Opens a recording without a server: what the reader has, put around the program that decrypts. */
import { byID } from "../view/dom.js";
import { KeyQuestion } from "../view/key_question.js";
import { Parts } from "../view/parts.js";
import { Popover } from "../view/popover.js";
import { watch } from "../view/watch_page.js";
import { AheadStore } from "./ahead.js";
import { FolderStore } from "./folder.js";
import { Heads } from "./heads.js";
import { KeepButton } from "./keep_button.js";
import { keepsCopies } from "./kept.js";
import { Keyring } from "./keyring.js";
import { Secrets } from "./keys_web.js";
import { format, invitationTo, withoutSecrets } from "./link.js";
import { asks } from "./pick.js";
import { placeOf } from "./place.js";
import { Recorders } from "./recorders.js";
import { saveFile } from "./save.js";
import { FetchStore } from "./store.js";
import { WorkerSource } from "./worker_source.js";

/** @typedef {import("./link.js").Invitation} Invitation */

/** An Opening plays recordings of one store, with what keys there are. */
export class Opening {
	#source;
	#keyring;
	#claimants;

	/**
	 * @param {WorkerSource} source
	 * @param {Keyring} keyring
	 * @param {import("./recorders.js").Signer[]} signers
	 */
	constructor(source, keyring, signers) {
		this.#source = source;
		this.#keyring = keyring;
		this.#claimants = Recorders.claimants(signers);
	}

	/**
	 * begin begins to open what is in a store.
	 * @param {import("./parts.js").Parts} parts
	 * @param {import("./store.js").Store} store
	 * @param {Invitation|null} invitation that names the recording, if one does
	 * @param {import("./recorders.js").Signer[]} [claimed] who recorded, as somebody else says
	 */
	static async begin({ worker }, store, invitation, claimed = []) {
		const place = placeOf(location, invitation?.store);
		const from = invitation ? new AheadStore(store, invitation) : store;
		const keyring = new Keyring({ place, ask: KeyQuestion.in(byID("keyquestion")) });
		const [recorders] = await Promise.all([Recorders.load(place), keyring.begin()]);
		const signers = await recorders.signers(...invitation ? [invitation.recorder, ...invitation.meeting.flatMap((p) => p ? [p.recorder] : [])] : []);
		signers.push(...claimed.filter(({ key }) => !signers.some((s) => s.key === key)));
		const source = new WorkerSource({
			worker, around: { store: from, heads: new Heads(place), keyring: keyringOf(keyring) },
			settings: {
				// A claimed recorder has the name of their key: see Recording.claimant.
				recorders: signers.map(({ key, name, words, verified, expires }) => ({ key, who: verified ? name || words : "", expires })), ...recorders.others(),
				others: Object.fromEntries(invitation?.meeting.flatMap((p) => p ? [[p.recording, { share: p.share, told: headOf(p) }]] : []) ?? []), share: invitation?.share, recording: invitation?.recording, at: invitation?.from, told: invitation ? headOf(invitation) : undefined,
				unlisted: store instanceof FetchStore && !invitation?.credentials,
			},
		});
		return new Opening(source, keyring, signers);
	}

	/** recordings are those of the store. Who is only claimed to have recorded is not among the signers. */
	async recordings() {
		const claimed = new Set(this.#claimants.map(({ name }) => name));
		return (await this.#source.recordings()).map((r) => ({ ...r, signers: (r.signers ?? []).filter((name) => !claimed.has(name)) }));
	}

	/**
	 * meeting has the parts of a recording's meeting, as far as a link names them.
	 * @param {Invitation} invitation
	 */
	meeting({ recording, meeting }) {
		return this.#source.meeting(recording, meeting.map((p) => p?.recording ?? recording));
	}

	/**
	 * play shows a recording, whose files the page makes itself.
	 * @param {string} id
	 */
	async play(id) {
		const played = await watch(this.#source, id, this.#claimants, () => this.#keyring.another(id, "locked"));
		if (played) played.player.saver = (excerpt, tell) => saveFile(this.#source, id, excerpt, tell);
		return played;
	}
}

/**
 * openInvitation plays what a link names, from its store or from a copy of it.
 * @param {import("./parts.js").Parts} parts
 * @param {Invitation} invitation
 * @param {import("./store.js").Store|null} [copy]
 */
export async function openInvitation(parts, invitation, copy = null) {
	const store = copy ?? new FetchStore(invitation, {
		decrypt: (/** @type {Uint8Array<ArrayBuffer>} */ file, /** @type {string} */ identity) => new Secrets([identity]).decrypt(file),
	});
	const opening = await Opening.begin(parts, store, invitation), played = await opening.play(invitation.recording);
	// A page that begins anew has no folder that was picked.
	if (played && !(copy instanceof FolderStore)) {
		const others = new Parts(played.player, invitation.recording, { link: true, meeting: () => opening.meeting(invitation), go: (id) => goTo(invitation, id) });
		byID("page").querySelector(".pagebuttons")?.prepend(others.node);
	}
	if (played && !copy && (asks() || await keepsCopies())) {
		const text = format(invitation);
		new KeepButton({ id: invitation.recording, invitation: text, told: withoutSecrets(text) }, new Popover());
	}
	return played;
}

/**
 * goTo opens another part of a meeting: what is in the address then is an invitation to it, as
 * good as this one. The page begins anew, so that nothing of one recording is left for another.
 * @param {Invitation} invitation
 * @param {string} id
 */
function goTo(invitation, id) {
	const to = invitationTo(invitation, id);
	if (!to) return;
	history.pushState(null, "", `${location.pathname}${location.search}#${format(to)}`);
	location.reload();
}

/**
 * @param {Keyring} keyring
 * @returns {import("./host.js").Keyring}
 */
function keyringOf(keyring) {
	return {
		openEpoch: (id, epoch, files) => keyring.openEpoch(id, epoch, files),
		openShare: async (id, sealed) => {
			const grant = await keyring.openShare(id, sealed);
			return grant && new TextDecoder().decode(grant);
		},
	};
}

/**
 * headOf is the head that a link tells of. That the recording goes on is what was known at
 * least.
 * @param {Pick<Invitation, "recording"|"size"|"root">} of
 */
function headOf({ recording, size, root }) {
	return `sealtape.v1/${recording}\n${size}\n${btoa(String.fromCharCode(...root))}\nstate: open\n`;
}
