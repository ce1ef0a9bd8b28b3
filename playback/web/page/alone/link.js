/**
 * Invitations: links that name one recording, where it is, and how it was when the link
 * was made. Package archive/link of the source describes their grammar, and reads and
 * writes them in Go; both are tested by the same examples.
 *
 * @typedef {object} Invitation
 * @property {string} store URL of the folder with the recordings' folders
 * @property {string} recording ID
 * @property {Uint8Array<ArrayBuffer>} recorder Ed25519 key: claimed, until a card with it is pinned
 * @property {number} size lines of the log when the link was made
 * @property {Uint8Array<ArrayBuffer>} root hash of these lines
 * @property {number} from seconds: where to begin
 * @property {number} to seconds: where to pause, 0 for nowhere
 * @property {string} share the random part of a share's name, "" for none
 * @property {(Part|null)[]} meeting the recordings of the meeting, in order, if it is in several: null for this one
 * @property {number} expires when q, c or p ends, in seconds of Unix time; 0 if not known
 * @property {string} query appended to the URL of each object, "" for nothing
 * @property {Credentials|null} credentials of a session of S3
 * @property {Presigned|null} presigned where the table of presigned URLs is
 *
 * @typedef {object} Part another recording of the meeting, in the same store
 * @property {string} recording
 * @property {number} size
 * @property {Uint8Array<ArrayBuffer>} root
 * @property {Uint8Array<ArrayBuffer>} recorder
 * @property {string} share
 *
 * @typedef {{ hostStyle: boolean, region: string, accessKey: string, secretKey: string, token: string }} Credentials
 * @typedef {{ key: string, share: string, query: string }} Presigned key is the age identity that opens it, behind AGE-SECRET-KEY-PQ-1
 */

/** A Refused says why a text is no invitation, without anything of the link but the letter of a field. */
export class Refused extends Error {
	/** @param {string} why */
	constructor(why) {
		super("not a link to a recording: " + why);
		this.name = "Refused";
	}
}

const maxLink = 8192, maxMoment = 31 * 24 * 3600, maxSize = 1 << 20, maxExpires = 253402300799, maxParts = 100;

/** The fields in their order, and those that are always there. */
const letters = "srkhtgmeqcp", needed = "srkh", secrets = "eqcp";

/**
 * parse reads what stands behind the # of a link, with or without the #. It accepts
 * exactly what format writes, and throws Refused for anything else.
 * @param {string} hash
 * @returns {Invitation}
 */
export function parse(hash) {
	const text = hash.replace(/^#/, "");
	if (new TextEncoder().encode(text).length > maxLink) throw new Refused("it is too long");
	const [, version, rest] = /^([0-9]+)&(.*)$/s.exec(text) ?? [];
	if (version === undefined) throw new Refused("it does not begin with 1&");
	if (version !== "1") throw new Refused("it is of another version than 1");
	/** @type {Invitation} */
	const i = {
		store: "", recording: "", recorder: new Uint8Array(), size: 0, root: new Uint8Array(), from: 0, to: 0, share: "", meeting: [],
		expires: 0, query: "", credentials: null, presigned: null,
	};
	let last = -1, given = "";
	for (const field of rest.split("&")) {
		const [, letter, value] = /^([a-z])=(.*)$/s.exec(field) ?? [];
		if (letter === undefined) throw new Refused("a field is not a letter, = and a value");
		const at = letters.indexOf(letter);
		if (at < 0) throw new Refused(`field ${letter} is unknown`);
		if (given.includes(letter)) throw new Refused(`field ${letter} comes twice`);
		if (at < last) throw new Refused(`field ${letter} is not in its place`);
		if ("qcp".includes(letter) && hasSecret(i)) throw new Refused(`field ${letter} comes with another of q, c and p`);
		if ("cp".includes(letter) && i.meeting.length) throw new Refused(`field ${letter} comes with m`);
		const read = letter === "m" ? readMeeting(value, i) : readers[letter](value);
		if (!read) throw new Refused(`field ${letter} is malformed`);
		Object.assign(i, read);
		last = at;
		given += letter;
	}
	for (const letter of needed) if (!given.includes(letter)) throw new Refused(`field ${letter} is missing`);
	if (i.expires && !hasSecret(i)) throw new Refused("field e comes without q, c or p");
	return i;
}

/**
 * format writes an invitation as it stands behind the #.
 * @param {Invitation} i
 */
export function format(i) {
	const c = i.credentials, p = i.presigned;
	/** @type {[string, string][]} */
	const fields = [
		["s", escape(i.store)], ["r", i.recording], ["k", base64url(i.recorder)], ["h", `${i.size}.${base64url(i.root)}`],
		["t", i.to > 0 ? `${i.from},${i.to}` : i.from > 0 ? String(i.from) : ""],
		["g", i.share], ["m", i.meeting.map((p) => formatPart(p, i)).join(",")], ["e", i.expires ? String(i.expires) : ""], ["q", escape(i.query)],
		["c", c ? escape([c.hostStyle ? "host" : "path", c.region, c.accessKey, c.secretKey, c.token].join(":")) : ""],
		["p", p ? `${p.key}.${p.share}.${escape(p.query)}` : ""],
	];
	return "1" + fields.filter(([, value]) => value).map(([letter, value]) => `&${letter}=${value}`).join("");
}

/**
 * hasSecret reports whether an invitation holds what lets one read from the store.
 * @param {Invitation} i
 */
export function hasSecret(i) {
	return Boolean(i.query || i.credentials || i.presigned);
}

/** isInvitation reports whether a hash looks like one, so that parse can say what is wrong with it.
 * @param {string} hash
 */
export function isInvitation(hash) {
	return /^#?[0-9]+&/.test(hash);
}

/**
 * take reads the invitation in the page's address, and takes what is secret out of the
 * address, so that it is not copied with it. A reload finds it again in the state of the
 * history's entry, which is this tab's alone, whatever the moment in the address is then.
 * @param {Pick<Location, "hash"|"pathname"|"search">} [at]
 * @param {Pick<History, "state"|"replaceState">} [record]
 * @returns {Invitation}
 */
export function take(at = location, record = history) {
	const shown = at.hash.slice(1), kept = record.state?.invitation;
	if (typeof kept === "string" && withMoment(shown, 0) === withMoment(withoutSecrets(kept), 0)) {
		const { from, to } = parse(shown);
		return { ...parse(kept), from, to };
	}
	const i = parse(shown);
	if (hasSecret(i)) record.replaceState({ ...record.state, invitation: shown }, "", `${at.pathname}${at.search}#${withoutSecrets(shown)}`);
	return i;
}

/**
 * withMoment puts another moment into an invitation, none for 0.
 * @param {string} invitation with or without the #
 * @param {number} from whole seconds
 */
export function withMoment(invitation, from) {
	const fields = invitation.split("&").filter((field) => !field.startsWith("t="));
	if (from > 0) fields.splice(1 + fields.slice(1).filter((field) => "srkh".includes(field[0])).length, 0, `t=${from}`);
	return fields.join("&");
}

/**
 * withoutSecrets leaves out of an invitation what lets one read from the store.
 * @param {string} invitation
 */
export function withoutSecrets(invitation) {
	return invitation.split("&").filter((field) => !secrets.includes(field.slice(0, 1)) || field[1] !== "=").join("&");
}

/**
 * What reads the value of each field in its one form, as parts of an invitation; null
 * where it is none.
 * @type {Record<string, (value: string) => Partial<Invitation>|null>}
 */
const readers = {
	s(value) {
		const store = unescape(value);
		return store !== null && validStore(store) ? { store } : null;
	},
	r: (recording) => validID(recording) ? { recording } : null,
	k(value) {
		const recorder = bytes32(value);
		return recorder && { recorder };
	},
	h: readHead,
	t(value) {
		const times = value.split(",").map(moment);
		const [from, to] = times;
		if (times.length > 2 || times.includes(null)) return null;
		return to === undefined ? from ? { from } : null : from !== null && to !== null && to > from ? { from, to } : null;
	},
	g: (share) => validID(share) ? { share } : null,
	e: (value) => /^[1-9][0-9]{0,11}$/.test(value) && Number(value) <= maxExpires ? { expires: Number(value) } : null,
	q(value) {
		const query = unescape(value);
		return query !== null && validQuery(query) ? { query } : null;
	},
	c(value) {
		const [style, region, accessKey, secretKey, token, ...rest] = (unescape(value) ?? "").split(":");
		const secret = /^[A-Za-z0-9+/=._-]{1,4096}$/;
		if ((style !== "host" && style !== "path") || rest.length || !/^[a-z0-9-]{1,64}$/.test(region ?? "")) return null;
		if (![accessKey, secretKey, token].every((part) => secret.test(part ?? ""))) return null;
		return { credentials: { hostStyle: style === "host", region, accessKey, secretKey, token } };
	},
	p(value) {
		const [, key, share, rest] = /^([02-9AC-HJ-NP-Z]{58})\.([^.]*)\.(.*)$/s.exec(value) ?? [], query = unescape(rest ?? "");
		return key && validID(share) && query !== null && validQuery(query) ? { presigned: { key, share, query } } : null;
	},
};

/** @param {string} value of h */
function readHead(value) {
	const [, size, hash] = /^([1-9][0-9]{0,6})\.(.*)$/s.exec(value) ?? [];
	const root = bytes32(hash ?? "");
	return root && Number(size) <= maxSize ? { size: Number(size), root } : null;
}

/**
 * @param {string} value of m
 * @param {Invitation} i what stands before it
 */
function readMeeting(value, i) {
	const elements = value.split(","), seen = new Set([i.recording]);
	if (!i.recording || !i.recorder.length || elements.length < 2 || elements.length > maxParts) return null;
	/** @type {(Part|null)[]} */
	const meeting = [];
	for (const element of elements) {
		if (element === "") {
			meeting.push(null);
			continue;
		}
		const [recording, size, hash, key, share, ...rest] = element.split("."), head = readHead(`${size}.${hash}`);
		const recorder = key ? bytes32(key) : i.recorder;
		if (share === undefined || rest.length || !validID(recording) || seen.has(recording) || !head || !recorder || share && !validID(share)) return null;
		if (key && key === base64url(i.recorder)) return null;
		seen.add(recording);
		meeting.push({ recording, ...head, recorder, share });
	}
	return meeting.filter((p) => !p).length === 1 ? { meeting } : null;
}

/**
 * @param {Part|null} p
 * @param {Invitation} i that it stands in
 */
function formatPart(p, i) {
	if (!p) return "";
	const key = base64url(p.recorder);
	return [p.recording, p.size, base64url(p.root), key === base64url(i.recorder) ? "" : key, p.share].join(".");
}

/**
 * invitationTo is the invitation to another part of the meeting, as good as this one; null if it names
 * none of this ID.
 * @param {Invitation} i
 * @param {string} id
 * @returns {Invitation|null}
 */
export function invitationTo(i, id) {
	const to = i.meeting.find((p) => p?.recording === id);
	if (!to) return null;
	const { recording, size, root, recorder, share } = i, own = { recording, size, root, recorder, share };
	return { ...i, ...to, from: 0, to: 0, meeting: i.meeting.map((p) => p === to ? null : p ?? own) };
}

/** @param {string} s */
function moment(s) {
	const ok = /^(0|[1-9][0-9]{0,6})(\.[0-9]{0,2}[1-9])?$/.test(s) && Number(s) <= maxMoment;
	return ok ? Number(s) : null;
}

/** validID reports whether s is 128 bits in Crockford's base32: the spare bits are zero.
 * @param {string} s
 */
export function validID(s) {
	return /^[0-9A-HJKMNP-TV-Z]{25}[048CGMRW]$/.test(s);
}

/** @param {string} q */
function validQuery(q) {
	return q.length <= 4096 && /^(?:[A-Za-z0-9._~!$'()*+,;:@/?&=-]|%[0-9A-Fa-f]{2})+$/.test(q);
}

/** validStore reports whether s is the URL of a store in its one form.
 * @param {string} s
 */
function validStore(s) {
	const m = /^(https?):\/\/([a-z0-9.-]{1,253}|\[[0-9a-f:]{2,39}\])(:[1-9][0-9]{0,4})?((?:\/[A-Za-z0-9._~%-]+)*)$/.exec(s);
	if (!m || s.length > 2048) return false;
	const [, scheme, host, port = "", path] = m, n = Number(port.slice(1));
	if (n > 65535 || (scheme === "http" && n === 80) || (scheme === "https" && n === 443)) return false;
	return validHost(host) && path.split("/").slice(1).every(validElement);
}

/** @param {string} host */
function validHost(host) {
	if (host.startsWith("[")) {
		const written = `http://${host}/`;
		return URL.canParse(written) && new URL(written).hostname === host && !/^\[::ffff:[0-9a-f]+:[0-9a-f]+\]$/.test(host);
	}
	const labels = host.split("."), last = labels[labels.length - 1];
	if (!labels.every((l) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(l))) return false;
	// Browsers read such a host as an address, in many forms.
	if (!/^[0-9]+$/.test(last) && !last.startsWith("0x")) return true;
	return labels.length === 4 && labels.every((l) => /^(0|[1-9][0-9]{0,2})$/.test(l) && Number(l) <= 255);
}

/** @param {string} element of a path */
function validElement(element) {
	const text = decoded(element);
	return text !== null && text !== "." && text !== ".." && !/[\x00-\x1f\x7f/]/.test(text) && escape(text).replaceAll(":", "%3A") === element;
}

/**
 * escape writes every byte with a % that some messenger might not take as a part of an
 * address.
 * @param {string} s
 */
function escape(s) {
	return encodeURIComponent(s).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase()).replaceAll("%3A", ":").replaceAll("%2F", "/");
}

/** unescape reads what escape wrote, and returns null for anything else.
 * @param {string} s
 */
function unescape(s) {
	const text = decoded(s);
	return text !== null && escape(text) === s ? text : null;
}

/** @param {string} s */
function decoded(s) {
	try {
		const text = decodeURIComponent(s);
		return text.isWellFormed() ? text : null;
	} catch {
		return null;
	}
}

/** @param {Uint8Array} b */
function base64url(b) {
	return btoa(String.fromCharCode(...b)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * bytes32 reads 32 bytes in base64url, in its one form; null for anything else.
 * @param {string} s
 */
function bytes32(s) {
	if (!/^[A-Za-z0-9_-]{43}$/.test(s)) return null;
	const b = Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/") + "="), (c) => c.charCodeAt(0));
	return base64url(b) === s ? b : null;
}
