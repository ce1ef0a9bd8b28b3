// Runs the program as the page does, in a worker of Node, over the objects of a folder,
// and scripts of a test, one after another: node run.mjs CONFIG. Each has a page of its own,
// and all share the program as it was compiled once, which takes longer than most scripts.
// It prints what they return.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { register } from "node:module";

// The page's files are modules by how the page loads them.
const hook = `export async function load(url, context, next) {
	return next(url, url.includes("/web/page/") ? { ...context, format: "module" } : context);
}`;
register("data:text/javascript," + encodeURIComponent(hook));
const { WorkerSource } = await import("../../../playback/web/page/alone/worker_source.js");

const { folder: begun, program, worker: text, runs } = JSON.parse(await readFile(process.argv[2], "utf8"));

const shim = `const { parentPort } = require("node:worker_threads");
globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
parentPort.on("message", (data) => globalThis.onmessage({ data }));
`;

/** What the page knows of a worker, by Node's. */
class PageWorker {
	/** @param {(message: any) => boolean} fatal says after which messages it fails. */
	constructor(fatal) {
		this.fatal = fatal;
		this.worker = new Worker(shim + text, { eval: true, stdout: true, stderr: true });
		this.worker.on("message", (data) => this.onmessage?.({ data }));
		this.worker.on("error", (err) => console.error(err) ?? this.onerror?.({ preventDefault() {} }));
	}

	postMessage(message, transfer) {
		this.worker.postMessage(message, transfer);
		if (message.ask && this.fatal(message)) this.fail();
	}

	/** fail asks what the program trips over. */
	fail() {
		this.worker.postMessage({ ask: "no number", what: "", detail: {} });
	}

	terminate() {
		this.worker.terminate();
	}
}

const code = await WebAssembly.compile(await readFile(program));
const AsyncFunction = (async () => {}).constructor;

/** run runs one script with a page of its own, and returns what the script returns. */
async function run({ script, settings, secrets, share, change: atFirst }) {
	const asked = [], epochs = [], heads = new Map();
	let folder = begun, last, fatal = () => false;
	let change = new Function(`return ${atFirst ?? "(name, bytes) => bytes"}`)();
	const store = {
		async get(name, { signal, max } = {}) {
			asked.push(name);
			const bytes = new Uint8Array(await change(name, await readFile(join(folder, name)).catch(() => null), signal) ?? []);
			if (bytes.length === 0) throw { kind: "absent", message: "not there" };
			if (bytes.length > max) throw { kind: "tooLarge", message: "too large" };
			return { bytes, digest: new Uint8Array(createHash("sha256").update(bytes).digest()) };
		},
		list: async () => { throw { kind: "notListed", message: "by name only" }; },
	};
	const keyring = {
		async openEpoch(id, epoch, files) {
			epochs.push({ epoch, files: files.length, bytes: files.reduce((n, file) => n + file.length, 0) });
			return secrets[epoch] ?? null;
		},
		openShare: async () => share ?? null,
	};
	const memory = {
		load: async (id) => heads.get(id) ?? null,
		async replace(id, seen, head) {
			if ((heads.get(id) ?? null) !== seen) return false;
			heads.set(id, head);
			return true;
		},
	};
	/** worker is one that runs the program, as begin.js of the page begins one. */
	const worker = async () => {
		const worker = last = new PageWorker((message) => fatal(message));
		await new Promise((ok, no) => {
			worker.onmessage = ({ data }) => data.ready ? ok() : no(new Error(data.ended));
			worker.postMessage({ program: code });
		});
		return worker;
	};
	const source = new WorkerSource({ worker, settings, around: { store, keyring, heads: memory } });
	const id = settings.recording;
	const trouble = (promise) => promise.then(() => "no trouble", (err) => err.kind === "later" ? `later ${err.why}` : err.kind ?? String(err));
	const segment = async (number, uids, signal = null) => {
		const parts = [];
		await source.segment(id, number, uids, signal, (uid, list) => parts.push(...list));
		return parts;
	};
	const found = await new AsyncFunction("with_", `const { source, id, asked, epochs, heads, trouble, segment, setChange, setFatal, setFolder, fail } = with_;\n${script}`)(
		{ source, id, asked, epochs, heads, trouble, segment, setChange: (f) => change = f, setFatal: (f) => fatal = f, setFolder: (f) => folder = f, fail: () => last.fail() });
	source.close();
	last?.terminate();
	return found;
}

const found = [];
for (const one of runs) found.push(await run(one));
console.log(JSON.stringify(found));
process.exit(0);
